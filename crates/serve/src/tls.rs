//! TLS 1.3 between machines: by pinned key, or by certificate for clients that know only those.

use std::sync::Arc;

use privet_deploy::Error;
use rustls::client::WantsClientCert;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::cipher_suite::{
    TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoClientAuth, ParsedCertificate};
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DistinguishedName, OtherError, RootCertStore, ServerConfig,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use zeroize::Zeroizing;

use crate::access::Access;
use crate::certificate::read_pem;
use crate::keys::MachineKey;
use crate::public_key::{PublicKey, fingerprint};

/// What all verifiers of certificates do alike: signatures of handshakes, as `self.provider` checks them.
macro_rules! checks_signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &rustls_pki_types::CertificateDer<'_>,
            signature: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            let algorithms = &self.provider.signature_verification_algorithms;
            rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &rustls_pki_types::CertificateDer<'_>,
            signature: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            let algorithms = &self.provider.signature_verification_algorithms;
            rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            self.provider.signature_verification_algorithms.supported_schemes()
        }
    };
}
pub(crate) use checks_signatures;

/// For a server that shows `certificate` (PEM; the machine's own, or one that an authority signed for the same
/// key), over HTTP/2 or HTTP/1.1.
pub fn server_config(key: &MachineKey, certificate: &str) -> Result<ServerConfig, Error> {
    server(certificate, key.tls(), false)
}

/// The same, for the clients of these rules: where some are known by their keys, each is asked for one, and need not show any.
pub(crate) fn server_config_for(
    key: &MachineKey,
    certificate: &str,
    access: &Access,
) -> Result<ServerConfig, Error> {
    server(certificate, key.tls(), access.wants_keys())
}

/// The same, for a certificate and a key (both PEM) as an authority's tools write them.
pub fn pem_server_config(certificate: &str, key: &Zeroizing<String>) -> Result<ServerConfig, Error> {
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| {
        Error::usage("E316", "The key is none: expected PEM text with one `BEGIN PRIVATE KEY`, unencrypted.")
    })?;
    server(certificate, key, false)
}

fn server(certificate: &str, key: PrivateKeyDer<'static>, asks: bool) -> Result<ServerConfig, Error> {
    let chain = read_pem(certificate)?;
    let provider = provider();
    let verifier: Arc<dyn ClientCertVerifier> =
        if asks { Arc::new(AnyKey { provider: Arc::clone(&provider) }) } else { Arc::new(NoClientAuth) };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .and_then(|builder| builder.with_client_cert_verifier(verifier).with_single_cert(chain, key))
        .map_err(|_| unusable("it does not belong to this machine's key"))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// For a client that accepts only the holder of this key, whatever its certificate says about names and dates; and shows its own, if it
/// has one.
pub fn pinned_client(key: &PublicKey, own: Option<&MachineKey>) -> Result<ClientConfig, Error> {
    let provider = provider();
    let verifier = Pinned::new(key, Arc::clone(&provider));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|_| unusable("TLS 1.3 is not available"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = showing(builder, own)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// For a client that accepts whoever these certificates (PEM) vouch for under the name it asked for.
pub fn authority_client(certificates: &str, own: Option<&MachineKey>) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in read_pem(certificates)? {
        roots.add(certificate).map_err(|_| unusable("it cannot vouch for others or for itself"))?;
    }
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|_| unusable("TLS 1.3 is not available"))?
        .with_root_certificates(roots);
    let mut config = showing(builder, own)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// A client that shows this key where it is asked for one.
fn showing(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    own: Option<&MachineKey>,
) -> Result<ClientConfig, Error> {
    let Some(own) = own else { return Ok(builder.with_no_client_auth()) };
    let chain = read_pem(&own.certificate(&[])?)?;
    builder
        .with_client_auth_cert(chain, own.tls())
        .map_err(|_| unusable("it does not belong to this machine's key"))
}

/// Lets every client show a key, or none: who may ask is decided where there are words for it.
#[derive(Debug)]
struct AnyKey {
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyKey {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        key_of(certificate).map(|_| ClientCertVerified::assertion())
    }

    checks_signatures!();
}

/// The peer showed another key than the pinned one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {}, got {}", fingerprint(.expected), fingerprint(.got))]
pub struct WrongKey {
    /// The pinned key's hash.
    pub expected: [u8; 32],
    /// The shown key's hash.
    pub got: [u8; 32],
}

/// SHA-256, from the TLS provider: no second implementation is needed for the few hashes here.
pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
    let Some(suite) = TLS13_AES_128_GCM_SHA256.tls13() else { unreachable!("the suite is of TLS 1.3") };
    let mut hash = [0; 32];
    hash.copy_from_slice(suite.common.hash_provider.hash(data).as_ref());
    hash
}

/// The hash by which the key of a certificate is pinned.
pub(crate) fn key_of(certificate: &CertificateDer<'_>) -> Result<[u8; 32], rustls::Error> {
    Ok(sha256(&ParsedCertificate::try_from(certificate)?.subject_public_key_info()))
}

/// Accepts the holder of one key only.
#[derive(Debug)]
pub(crate) struct Pinned {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    pub(crate) fn new(key: &PublicKey, provider: Arc<CryptoProvider>) -> Self {
        Self { pin: *key.tls(), provider }
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let got = key_of(certificate)?;
        if got == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        let wrong = WrongKey { expected: self.pin, got };
        Err(CertificateError::Other(OtherError(Arc::new(wrong))).into())
    }

    checks_signatures!();
}

/// AES-128 first: the quickest one on machines with AES instructions, and strong enough for every link here.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites =
        vec![TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256];
    Arc::new(provider)
}

pub(crate) fn unusable(what: &str) -> Error {
    Error::usage(
        "E316",
        format!("This certificate cannot be used: {what}. Take the one that was made for this key."),
    )
}
