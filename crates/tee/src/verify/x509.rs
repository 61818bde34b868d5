//! Certificates: reading them, and a path from one to a vendor's root at a time that is given.
//!
//! `webpki` checks the path: signatures, names, validity, who is an authority, path lengths, critical extensions, revocation.
//! Here is what it leaves out (key usage), and reading what vendors put into extensions. `Path` takes its roots as an argument, and
//! is not public: only [`roots`](super::roots) and tests fill it.

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{
    CertificateDer, CertificateRevocationListDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime,
};
use webpki::{
    BorrowedCertRevocationList, CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert,
};
use x509_cert::Certificate;
use x509_cert::der::AnyRef;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::{KeyUsage as Usages, KeyUsages};
use x509_cert::name::Name;

use super::{Time, rfc3339};
use crate::verdict::Check;

/// Most certificates or lists that are looked at in one file.
const MOST: usize = 32;

/// A certificate that was read; nothing is believed yet.
#[derive(Clone)]
pub(super) struct Parsed {
    pub(super) der: CertificateDer<'static>,
    certificate: Certificate,
}

/// What a file holds.
#[derive(Default)]
pub(super) struct Found {
    pub(super) certificates: Vec<Parsed>,
    pub(super) lists: Vec<Vec<u8>>,
}

impl Found {
    /// Adds what the file holds, DER or PEM; other vendors' files hold nothing.
    pub(super) fn read(&mut self, file: &[u8]) {
        if file.trim_ascii_start().starts_with(b"-----BEGIN") {
            let certificates = CertificateDer::pem_slice_iter(file).take(MOST).filter_map(Result::ok);
            self.certificates.extend(certificates.filter_map(|der| Parsed::read(&der)));
            let lists = CertificateRevocationListDer::pem_slice_iter(file).take(MOST).filter_map(Result::ok);
            self.lists.extend(lists.map(|der| der.as_ref().to_vec()));
        } else if let Some(certificate) = Parsed::read(file) {
            self.certificates.push(certificate);
        } else if BorrowedCertRevocationList::from_der(file).is_ok() {
            self.lists.push(file.to_vec());
        }
    }
}

impl Parsed {
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        Some(Self { der: CertificateDer::from(der.to_vec()), certificate })
    }

    /// The one extension of this name, or `None`: two of a name are none.
    pub(super) fn extension(&self, oid: &str) -> Option<&[u8]> {
        let oid = ObjectIdentifier::new(oid).ok()?;
        let all = self.certificate.tbs_certificate().extensions()?;
        let mut of_that_name = all.iter().filter(|e| e.extn_id == oid);
        let one = of_that_name.next()?;
        of_that_name.next().is_none().then(|| one.extn_value.as_bytes())
    }

    /// The last common name of the subject.
    pub(super) fn common_name(&self) -> String {
        let subject = self.certificate.tbs_certificate().subject().to_string();
        let name = subject.split(',').find_map(|part| part.trim().strip_prefix("CN="));
        name.unwrap_or_default().to_owned()
    }

    /// The public key's bits.
    pub(super) fn key(&self) -> &[u8] {
        self.certificate.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes()
    }

    pub(super) fn not_after(&self) -> Time {
        self.certificate.tbs_certificate().validity().not_after.to_unix_duration().as_secs()
    }

    pub(super) fn not_before(&self) -> Time {
        self.certificate.tbs_certificate().validity().not_before.to_unix_duration().as_secs()
    }

    pub(super) fn subject(&self) -> Option<Vec<u8>> {
        name(self.certificate.tbs_certificate().subject())
    }

    pub(super) fn issuer(&self) -> Option<Vec<u8>> {
        name(self.certificate.tbs_certificate().issuer())
    }

    /// Whether its key may be used so, where it says how it may be used.
    pub(super) fn may(&self, usage: KeyUsages) -> bool {
        match self.certificate.tbs_certificate().get_extension::<Usages>() {
            Ok(Some((_, usages))) => usages.0.contains(usage),
            Ok(None) => true,
            Err(_) => false,
        }
    }
}

/// Without the outer header: so does `webpki` name issuers of lists.
fn name(name: &Name) -> Option<Vec<u8>> {
    let der = name.to_der().ok()?;
    Some(AnyRef::from_der(&der).ok()?.value().to_vec())
}

/// What may vouch for a certificate.
pub(super) struct Path<'a> {
    pub(super) roots: &'a [CertificateDer<'a>],
    pub(super) intermediates: &'a [CertificateDer<'a>],
    pub(super) algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
    /// Revocation lists, DER.
    pub(super) lists: &'a [Vec<u8>],
    /// Refuse where no list of the root's is there.
    pub(super) lists_required: bool,
    /// Lists of the authorities below the root count too, and there must be one for each certificate.
    pub(super) every_issuer: bool,
}

impl Path<'_> {
    /// Whether the root vouches for the certificate at this time.
    pub(super) fn check(&self, leaf: &Parsed, now: Time) -> Result<(), Check> {
        let certificate = EndEntityCert::try_from(&leaf.der).map_err(|e| refusal(&e))?;
        let roots: Vec<Parsed> = self.roots.iter().filter_map(|der| Parsed::read(der)).collect();
        roots.iter().try_for_each(|root| in_force(root, now))?;
        let anchors: Vec<TrustAnchor<'_>> =
            self.roots.iter().filter_map(|der| anchor_from_trusted_cert(der).ok()).collect();
        let lists = self.lists_of(&roots)?;
        let lists: Vec<&CertRevocationList<'_>> = lists.iter().collect();
        // AMD publishes lists of its roots only, so that the last certificate's status is often unknown.
        let unknown = if self.every_issuer { UnknownStatusPolicy::Deny } else { UnknownStatusPolicy::Allow };
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_depth(RevocationCheckDepth::Chain)
                .with_status_policy(unknown)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
        let usage = KeyUsage::client_auth();
        certificate
            .verify_for_usage(self.algorithms, &anchors, self.intermediates, now, usage, revocation, None)
            .map(|_| ())
            .map_err(|e| refusal(&e))
    }

    /// The revocation lists that bear a root's name, or any; whether it signed them is still to be seen.
    fn lists_of(&self, roots: &[Parsed]) -> Result<Vec<CertRevocationList<'_>>, Check> {
        let names: Vec<Vec<u8>> = roots.iter().filter_map(Parsed::subject).collect();
        let mut lists: Vec<CertRevocationList<'_>> = Vec::new();
        for der in self.lists {
            lists.extend(BorrowedCertRevocationList::from_der(der).ok().map(CertRevocationList::from));
        }
        lists.retain(|list| self.every_issuer || names.iter().any(|name| name == list.issuer()));
        if self.lists_required && lists.is_empty() {
            return Err(Check::failed(
                "crl-missing",
                "the policy requires the revocation list of the vendor's root; give it as `--collateral`",
            ));
        }
        Ok(lists)
    }
}

fn in_force(certificate: &Parsed, now: Time) -> Result<(), Check> {
    let name = certificate.common_name();
    if now > certificate.not_after() {
        let at = rfc3339(certificate.not_after());
        return Err(Check::failed("certificate-expired", format!("the certificate of {name} ended {at}")));
    }
    if now < certificate.not_before() {
        let at = rfc3339(certificate.not_before());
        return Err(Check::failed(
            "certificate-not-yet-valid",
            format!("the certificate of {name} begins {at}"),
        ));
    }
    Ok(())
}

fn refusal(error: &Error) -> Check {
    match error {
        Error::CertExpired { not_after, .. } => Check::failed(
            "certificate-expired",
            format!(
                "a certificate of the chain ended {}; evidence of today needs one of today",
                rfc3339(not_after.as_secs())
            ),
        ),
        Error::CertNotValidYet { not_before, .. } => Check::failed(
            "certificate-not-yet-valid",
            format!("a certificate of the chain begins {}", rfc3339(not_before.as_secs())),
        ),
        Error::CertRevoked => Check::failed(
            "certificate-revoked",
            "the vendor's revocation list names a certificate of the chain",
        ),
        Error::CrlExpired { next_update, .. } => Check::failed(
            "crl-expired",
            format!("the revocation list should have been renewed by {}", rfc3339(next_update.as_secs())),
        ),
        Error::UnknownRevocationStatus => Check::failed(
            "crl-missing",
            "no revocation list of its issuer says anything of a certificate of the chain",
        ),
        Error::IssuerNotCrlSigner | Error::InvalidCrlSignatureForPublicKey | Error::InvalidCrlNumber => {
            Check::failed("crl-invalid", format!("the revocation list is not the vendor's: {error:?}"))
        }
        other => Check::failed(
            "certificate-invalid",
            format!("the chain does not lead to the vendor's root: {other:?}; nothing else is believed"),
        ),
    }
}
