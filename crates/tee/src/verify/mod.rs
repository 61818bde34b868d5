//! Evidence, policy, collateral and time to a verdict. No clock, no file, no network: all four are arguments.

mod dcap;
mod nitro;
pub mod roots;
mod simulator;
mod snp;
mod tpm;

use crate::claims::Appraised;
use crate::evidence::Evidence;
use crate::kind::Kind;
use crate::policy::Policy;
use crate::statement::{Direction, Hex};
use crate::verdict::{Check, Verdict};

/// Seconds since 1970.
pub type Time = u64;

/// What the vendor publishes beside its evidence: each file's bytes as they came; what a file is, its content says.
#[derive(Clone, Debug, Default)]
pub struct Collateral {
    /// Intel's JSON with TCB info, QE identity and revocation lists; AMD certificates and revocation lists, DER or PEM.
    pub files: Vec<Vec<u8>>,
}

/// What was asked on a live channel, which the evidence must answer.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who asks.
    pub direction: Direction,
    /// The asker's nonce.
    pub nonce: Hex<32>,
    /// The bundle that the asker means.
    pub bundle: Hex<32>,
    /// In an epoch: the signature over the nonce that came beside the evidence.
    pub session: Option<Hex<64>>,
}

/// What vendor evidence says, once its signature and chain are verified or a check says why they are not.
pub(crate) struct Facts {
    /// What is signed with the measurement; 64 bytes for a statement.
    pub report_data: Vec<u8>,
    /// By register (`mrenclave`, `mrtd`, `rtmr0`, `measurement`, `pcr0`), raw.
    pub measurements: Vec<(&'static str, Vec<u8>)>,
    /// Which machine, as far as it tells.
    pub platform: Option<Vec<u8>>,
    /// What runs out when: a name and seconds since 1970.
    pub expires: Vec<(String, Time)>,
    /// Of the vendor, for this machine's state.
    pub advisories: Vec<String>,
}

/// A verifier of one kind of evidence: adds its checks to `checks` (signature, chain, freshness of collateral, debug, and every
/// rule of the policy's entries for this kind), and gives what the evidence says as far as it could be read.
pub(crate) type VendorVerifier = fn(
    evidence: &Evidence,
    policy: &Policy,
    collateral: &Collateral,
    now: Time,
    checks: &mut Vec<Check>,
) -> Option<Facts>;

fn verifier(kind: Kind) -> VendorVerifier {
    match kind {
        Kind::SgxDcap => dcap::sgx,
        Kind::TdxDcap => dcap::tdx,
        Kind::SevSnp => snp::verify,
        Kind::Nitro => nitro::verify,
        Kind::Tpm2 => tpm::verify,
        Kind::SimProcess => simulator::verify,
    }
}

/// Appraises evidence. Without a question it is a recording: accepted or not, it opens nothing.
pub fn appraise(
    evidence: &[u8],
    policy: &Policy,
    collateral: &Collateral,
    question: Option<&Question>,
    now: Time,
) -> (Verdict, Option<Appraised>) {
    let _ = (evidence, policy, collateral, question, now, verifier);
    todo!()
}
