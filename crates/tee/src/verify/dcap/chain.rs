//! From Intel's root to the attestation key: the machine's certificate (PCK), the quoting enclave's report, the key in it.

use dcap_qvl::intel::{PckExtension, parse_pck_extension};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use rustls_pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use webpki::ring::ECDSA_P256_SHA256;
use x509_cert::ext::pkix::KeyUsages;

use super::published::Lists;
use super::quote::Quote;
use crate::statement::sha256;
use crate::verdict::Check;
use crate::verify::Time;
use crate::verify::x509::{Found, Parsed, Path};

/// Intel's two authorities for machines' certificates.
const AUTHORITIES: [&str; 2] = ["Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA"];
const LEAF: &str = "Intel SGX PCK Certificate";

/// The machine's certificate.
pub(super) struct Pck {
    pub(super) leaf: Parsed,
    pub(super) authority: Parsed,
}

/// What Intel says of the machine in it, once the root vouches for it.
pub(super) struct Machine {
    pub(super) extension: PckExtension,
    /// SHA-256 of its key.
    pub(super) key: [u8; 32],
}

impl Pck {
    /// The certificates that the quote brings: the machine's, and its issuer's.
    pub(super) fn read(quote: &Quote<'_>) -> Result<Self, Check> {
        let mut found = Found::default();
        // Quoting libraries end this text with a zero.
        found.read(quote.certified.certificates);
        let mut certificates = found.certificates.into_iter();
        match (certificates.next(), certificates.next()) {
            (Some(leaf), Some(authority)) if certificates.len() <= 1 => Ok(Self { leaf, authority }),
            _ => Err(invalid("the quote brings no chain of two certificates below Intel's root")),
        }
    }

    /// Whether Intel's root vouches for them, and they are what they should be.
    pub(super) fn check(
        &self,
        root: &CertificateDer<'_>,
        lists: &Lists,
        now: Time,
    ) -> Result<Machine, Check> {
        if self.leaf.common_name() != LEAF || !AUTHORITIES.contains(&self.authority.common_name().as_str()) {
            return Err(invalid(
                "the quote's certificates are not a machine's and its authority's by their names",
            ));
        }
        // Or the path could lead from the machine's certificate to the root, past the authority and its list.
        if self.leaf.issuer() != self.authority.subject() {
            return Err(invalid("the quote's certificates do not follow each other"));
        }
        if !self.leaf.may(KeyUsages::DigitalSignature) || !self.authority.may(KeyUsages::KeyCertSign) {
            return Err(invalid("a certificate of the quote may not be used for what it is used for"));
        }
        Path {
            roots: std::slice::from_ref(root),
            intermediates: std::slice::from_ref(&self.authority.der),
            algorithms: &[ECDSA_P256_SHA256],
            lists: &lists.0,
            lists_required: false,
            every_issuer: lists.complete(),
        }
        .check(&self.leaf, now)?;
        let extension = parse_pck_extension(&self.leaf.der)
            .map_err(|e| invalid(&format!("the machine's certificate does not say which machine: {e}")))?;
        Ok(Machine { extension, key: sha256(self.leaf.key()) })
    }
}

fn invalid(detail: &str) -> Check {
    Check::failed("certificate-invalid", detail)
}

/// `r` and `s`, big-endian, by a key as X.509 has it.
pub(super) fn signed(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(message, signature).is_ok()
}

/// Three signatures deep: the machine's key signs the quoting enclave's report, in which stands the key that signs the quote.
pub(super) fn signatures(quote: &Quote<'_>, pck: Option<&Pck>, checks: &mut Vec<Check>) {
    let certified = &quote.certified;
    let vouched = pck.is_some_and(|p| signed(p.leaf.key(), certified.report.0, &certified.signature));
    checks.push(if vouched {
        Check::passed("quoting-enclave", "the machine's key signed the quoting enclave's report")
    } else {
        Check::failed(
            "signature-invalid",
            "the machine's key did not sign the quoting enclave's report: altered",
        )
    });
    let hash =
        Sha256::new().chain_update(quote.attestation_key).chain_update(certified.authentication).finalize();
    let mut expected = [0; 64];
    expected.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    let bound: bool = certified.report.report_data().ct_eq(&expected).into();
    checks.push(if bound {
        Check::passed("attestation-key", "the quoting enclave made the attestation key")
    } else {
        Check::failed(
            "attestation-key-unbound",
            "the quoting enclave's report is about another attestation key",
        )
    });
    let key = [&[4], quote.attestation_key.as_slice()].concat();
    checks.push(if signed(&key, quote.signed, &quote.signature) {
        Check::passed("signature", "the attestation key signed the quote")
    } else {
        Check::failed("signature-invalid", "the attestation key did not sign this quote: altered")
    });
}
