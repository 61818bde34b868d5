//! SIMULATED vendors: chains of certificates made on the spot, for tests of this crate alone.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
};
use rustls_pki_types::CertificateDer;

/// A time at which what is made here is in force.
pub(super) const NOW: u64 = 1_764_028_800; // 2025-11-25

/// A certificate and its key.
pub(super) struct Made {
    params: CertificateParams,
    pkcs8: Vec<u8>,
    curve: &'static EcdsaSigningAlgorithm,
    pub(super) der: CertificateDer<'static>,
}

/// What an authority with this name may have, before a test changes it.
fn params(name: &str, is_ca: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2026, 1, 1));
    params.serial_number = Some(SerialNumber::from(7u64));
    if is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    }
    params
}

fn key(curve: &'static EcdsaSigningAlgorithm) -> Vec<u8> {
    let random = SystemRandom::new();
    EcdsaKeyPair::generate_pkcs8(curve, &random).expect("a key").as_ref().to_vec()
}

fn pair(pkcs8: &[u8]) -> KeyPair {
    KeyPair::try_from(pkcs8).expect("a key")
}

impl Made {
    /// A root, of this name.
    pub(super) fn root(name: &str) -> Self {
        Self::root_on(&ECDSA_P384_SHA384_FIXED_SIGNING, name)
    }

    /// As Intel's are.
    pub(super) fn root_p256(name: &str) -> Self {
        Self::root_on(&ECDSA_P256_SHA256_FIXED_SIGNING, name)
    }

    fn root_on(curve: &'static EcdsaSigningAlgorithm, name: &str) -> Self {
        let (params, pkcs8) = (params(name, true), key(curve));
        let certificate = params.self_signed(&pair(&pkcs8)).expect("a root");
        Self { params, pkcs8, curve, der: certificate.der().clone() }
    }

    /// An authority below this one.
    pub(super) fn authority(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        self.issue(params(name, true), change)
    }

    /// A certificate that is no authority.
    pub(super) fn leaf(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        self.issue(params(name, false), change)
    }

    fn issue(&self, mut params: CertificateParams, change: impl FnOnce(&mut CertificateParams)) -> Self {
        change(&mut params);
        let pkcs8 = key(self.curve);
        let issuer = Issuer::from_params(&self.params, pair(&self.pkcs8));
        let certificate = params.signed_by(&pair(&pkcs8), &issuer).expect("a certificate");
        Self { der: certificate.der().clone(), params, pkcs8, curve: self.curve }
    }

    /// A revocation list, which names certificates with these serial numbers, until this year.
    pub(super) fn revokes(&self, serials: &[u64], year: i32) -> Vec<u8> {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2025, 2, 1),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2025, 2, 1),
            next_update: date_time_ymd(year, 3, 1),
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let issuer = Issuer::from_params(&self.params, pair(&self.pkcs8));
        params.signed_by(&issuer).expect("a list").der().to_vec()
    }

    /// `r` and `s`, big-endian.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(self.curve, &self.pkcs8, &random).expect("a key");
        key.sign(&random, message).expect("a signature").as_ref().to_vec()
    }
}

/// An extension with this name (below `1.3.6.1.4.1.3704.1` of AMD) and these bytes.
pub(super) fn amd(below: &[u64], content: &[u8]) -> CustomExtension {
    CustomExtension::from_oid_content(&[&[1, 3, 6, 1, 4, 1, 3704, 1], below].concat(), content.to_vec())
}
