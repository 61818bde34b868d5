//! The state of a machine, by what Intel publishes.
//!
//! Each document is checked here, so that each reason has its own code; the last word on the state has `dcap-qvl`, which follows
//! Intel's own library, and which checks everything once more from the bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dcap_qvl::verify::QuoteVerifier;
use dcap_qvl::{QeIdentity, QuoteCollateralV3, SvnComponent, SvnShortfall, TcbInfo};
use rustls_pki_types::CertificateDer;

use super::chain::{Machine, Pck};
use super::published::{Document, Lists, Published};
use super::quote::{Body, Enclave, Quote, Tee};
use crate::policy::CollateralRule;
use crate::verdict::Check;
use crate::verify::Time;
use crate::verify::x509::Parsed;

/// What Intel says of the machine.
pub(super) struct State {
    pub(super) status: String,
    pub(super) advisories: Vec<String>,
}

/// What is known before the state is.
pub(super) struct Known<'a> {
    pub(super) tee: Tee,
    pub(super) root: &'a CertificateDer<'a>,
    pub(super) bytes: &'a [u8],
    pub(super) quote: &'a Quote<'a>,
    pub(super) pck: &'a Pck,
    pub(super) machine: &'a Machine,
    pub(super) published: &'a Published,
    pub(super) lists: &'a Lists,
    pub(super) rule: &'a CollateralRule,
    pub(super) now: Time,
}

/// A document that is Intel's and in force.
struct Signed<'a> {
    document: &'a Document,
    signer: &'a Parsed,
}

impl<'a> Known<'a> {
    /// Adds its checks; gives the state if all passed.
    pub(super) fn appraise(
        &self,
        checks: &mut Vec<Check>,
        expires: &mut Vec<(String, Time)>,
    ) -> Option<State> {
        let mut failures = Vec::new();
        let mut keep = |check: Result<(), Check>| failures.extend(check.err());
        keep(self.lists.in_force(self.now).map(|until| expires.push(("revocation lists".into(), until))));
        let identity = self.published.identity(self.tee).and_then(|d| self.signed("QE identity", d, expires));
        let info = self.published.state(self.tee, &self.machine.extension.fmspc);
        let info = info.and_then(|d| self.signed("TCB info", d, expires));
        keep(identity.as_ref().map_or_else(|e| Err(e.clone()), |d| self.is_the_enclave(d.document)));
        keep(info.as_ref().map_or_else(|e| Err(e.clone()), |d| self.has_a_level(d.document)));
        if failures.is_empty() {
            checks.push(Check::passed(
                "collateral",
                "Intel's collateral is signed, in force and of this machine",
            ));
            let state = self.last_word(&info.ok()?, &identity.ok()?);
            return state.map_err(|refusal| checks.push(refusal)).ok();
        }
        checks.extend(failures);
        None
    }

    fn signed(
        &self,
        what: &str,
        document: &'a Document,
        expires: &mut Vec<(String, Time)>,
    ) -> Result<Signed<'a>, Check> {
        let signer = self.published.signer(document, self.root, self.lists, self.now)?;
        let until = document.in_force(what, self.rule, self.now)?;
        expires.push((what.into(), until));
        expires.push((format!("certificate that signs {what}"), signer.not_after()));
        Ok(Signed { document, signer })
    }

    /// The quoting enclave is Intel's.
    fn is_the_enclave(&self, document: &Document) -> Result<(), Check> {
        let identity: QeIdentity = serde_json::from_str(&document.text)
            .map_err(|e| Check::failed("collateral-invalid", format!("QE identity cannot be read: {e}")))?;
        let enclave = self.quote.certified.report;
        if !is(enclave, &identity) {
            let signer = crate::statement::hex(&enclave.mrsigner());
            let detail = format!(
                "the quoting enclave (signer {signer}, product {}) is not Intel's",
                enclave.product()
            );
            return Err(Check::failed("qe-identity-mismatch", detail));
        }
        if identity.tcb_levels.iter().any(|level| level.tcb.isvsvn <= enclave.version()) {
            return Ok(());
        }
        let detail =
            format!("the quoting enclave has version {}, older than any that Intel knows", enclave.version());
        Err(Check::failed("qe-too-old", detail))
    }

    /// The machine reaches some level of Intel's list.
    fn has_a_level(&self, document: &Document) -> Result<(), Check> {
        let info = document.state()?;
        let pce = crate::statement::hex(&self.machine.extension.pce_id);
        if !info.pce_id.eq_ignore_ascii_case(&pce) {
            let detail = format!("the TCB info is for PCE {}, this machine has {pce}", info.pce_id);
            return Err(Check::failed("collateral-other-fmspc", detail));
        }
        let (launch, current) = match &self.quote.body {
            Body::Enclave(_) => (None, None),
            Body::Domain(domain) => (Some(domain.versions().0), domain.versions().1),
        };
        self.reaches(&info, launch.as_ref())?;
        current.as_ref().map_or(Ok(()), |current| self.reaches(&info, Some(current)))
    }

    fn reaches(&self, info: &TcbInfo, versions: Option<&[u8; 16]>) -> Result<(), Check> {
        let extension = &self.machine.extension;
        let mut closest: Option<Vec<SvnShortfall>> = None;
        for level in &info.tcb_levels {
            let lacks = level
                .shortfalls(&extension.cpu_svn, extension.pce_svn, versions)
                .map_err(|e| Check::failed("collateral-invalid", format!("TCB info: {e}")))?;
            if lacks.is_empty() {
                return Ok(());
            }
            if closest.as_ref().is_none_or(|c| lacks.len() <= c.len()) {
                closest = Some(lacks);
            }
        }
        let lacks: Vec<String> = closest.into_iter().flatten().map(shortfall).collect();
        Err(Check::failed(
            "tcb-level-unmatched",
            format!("the machine reaches no level that Intel knows; for the nearest: {}", lacks.join(", ")),
        ))
    }

    fn last_word(&self, info: &Signed<'_>, identity: &Signed<'_>) -> Result<State, Check> {
        let root = self.root;
        let [first, second] = [0, 1].map(|n| self.lists.0.get(n).cloned().unwrap_or_default());
        let collateral = QuoteCollateralV3 {
            pck_crl_issuer_chain: pem(&[&self.pck.authority.der, root]),
            root_ca_crl: first,
            pck_crl: second,
            tcb_info_issuer_chain: pem(&[&info.signer.der, root]),
            tcb_info: info.document.text.clone(),
            tcb_info_signature: info.document.signature.clone(),
            qe_identity_issuer_chain: pem(&[&identity.signer.der, root]),
            qe_identity: identity.document.text.clone(),
            qe_identity_signature: identity.document.signature.clone(),
            pck_certificate_chain: None,
        };
        let report = QuoteVerifier::new(root.to_vec()).verify(self.bytes, &collateral, self.now);
        report.map(|r| State { status: r.status, advisories: r.advisory_ids }).map_err(|e| {
            let code = if e.to_string().contains("Revoked") { "tcb-status" } else { "machine-refused" };
            Check::failed(code, format!("by Intel's rules this machine is refused: {e:#}"))
        })
    }
}

fn is(enclave: Enclave<'_>, identity: &QeIdentity) -> bool {
    let same = |came: &[u8], expected: &[u8], mask: &[u8]| {
        came.iter().zip(expected).zip(mask).all(|((c, e), m)| c & m == e & m)
    };
    // Intel writes `miscselect` as a number, most significant byte first; all that are published are zero.
    let mut misc = enclave.misc_select();
    misc.reverse();
    enclave.mrsigner() == identity.mrsigner
        && enclave.product() == identity.isvprodid
        && same(&misc, &identity.miscselect, &identity.miscselect_mask)
        && same(&enclave.attributes(), &identity.attributes, &identity.attributes_mask)
}

fn shortfall(lack: SvnShortfall) -> String {
    let component = match lack.component {
        SvnComponent::Sgx(n) => format!("SGX component {}", n + 1),
        SvnComponent::Tdx(n) => format!("TDX component {}", n + 1),
        SvnComponent::PceSvn => "PCE".into(),
        SvnComponent::TdxModuleIsvSvn => "TDX module".into(),
    };
    format!("{component} is {}, it asks {}", lack.have, lack.needs)
}

pub(super) fn pem(chain: &[&CertificateDer<'_>]) -> String {
    let one = |der: &&CertificateDer<'_>| {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64.encode(der))
    };
    chain.iter().map(one).collect()
}
