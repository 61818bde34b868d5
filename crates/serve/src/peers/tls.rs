//! TLS between parties: both sides show the key that the bundle pins.

use std::sync::Arc;

use privet_deploy::Error;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::TLS13;
use rustls::{CertificateError, ClientConfig, DistinguishedName, OtherError, ServerConfig};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::frame::ALPN;
use crate::certificate::read_pem;
use crate::keys::MachineKey;
use crate::public_key::{PublicKey, fingerprint};
use crate::tls::{Pinned, checks_signatures, key_of, provider, unusable};

/// For the side that accepts: only holders of one of these keys.
pub(super) fn server(key: &MachineKey, certificate: &str, pins: &[PublicKey]) -> Result<ServerConfig, Error> {
    let (provider, chain) = (provider(), read_pem(certificate)?);
    let pins = pins.iter().map(|pin| *pin.tls()).collect();
    let verifier = Arc::new(Peers { pins, provider: Arc::clone(&provider) });
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .and_then(|b| b.with_client_cert_verifier(verifier).with_single_cert(chain, key.tls()))
        .map_err(|_| unusable("it does not belong to this machine's key"))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    // Who connects never reads: what it never asked for would be in the way when the connection ends.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// For the side that connects: only to the holder of this key.
pub(super) fn client(key: &MachineKey, certificate: &str, pin: &PublicKey) -> Result<ClientConfig, Error> {
    let provider = provider();
    let verifier = Pinned::new(pin, Arc::clone(&provider));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|_| unusable("TLS 1.3 is not available"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_auth_cert(read_pem(certificate)?, key.tls())
        .map_err(|_| unusable("it does not belong to this machine's key"))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// A machine that is no peer wanted to connect as one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the key {}, got {}; is the bundle of that machine the one of this?", either(.expected), fingerprint(.got))]
pub(super) struct NoPeer {
    expected: Vec<[u8; 32]>,
    got: [u8; 32],
}

fn either(keys: &[[u8; 32]]) -> String {
    keys.iter().map(fingerprint).collect::<Vec<_>>().join(" or ")
}

#[derive(Debug)]
struct Peers {
    pins: Vec<[u8; 32]>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Peers {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let got = key_of(certificate)?;
        if self.pins.contains(&got) {
            return Ok(ClientCertVerified::assertion());
        }
        let wrong = NoPeer { expected: self.pins.clone(), got };
        Err(CertificateError::Other(OtherError(Arc::new(wrong))).into())
    }

    checks_signatures!();
}
