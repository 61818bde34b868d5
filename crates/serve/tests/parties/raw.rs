//! A peer that holds the right key and says what it likes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use privet_mpc::role::Role;
use privet_serve::MachineKey;
use privet_serve::certificate::read_pem;
use privet_serve::peers::ALPN;
use privet_serve::tls::pinned_client;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::Trio;

pub type Raw = StreamOwned<ClientConnection, TcpStream>;

/// Party `me` connects to party `to`, and greets it.
pub fn connect(trio: &Trio, me: Role, to: Role) -> Raw {
    let member = &trio.members[me.index()];
    let mut raw = shake(trio, &member.key, &member.certificate, to);
    assert_eq!(greet(&mut raw, 0, me, &member.bundle).unwrap(), 0, "it is welcome");
    raw
}

/// TLS with any key.
pub fn shake(trio: &Trio, key: &MachineKey, certificate: &str, to: Role) -> Raw {
    let verifier = pinned_client(&trio.pins[to.index()], None).unwrap();
    let mut config: ClientConfig = ClientConfig::clone(&verifier);
    config.client_auth_cert_resolver = resolver(key, certificate);
    config.alpn_protocols = vec![ALPN.to_vec()];
    let socket = TcpStream::connect(trio.address(to)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    StreamOwned::new(connection, socket)
}

/// The verdict on this greeting.
pub fn greet(raw: &mut Raw, purpose: u8, me: Role, bundle: &[u8; 32]) -> std::io::Result<u8> {
    let mut hello = b"PVP1".to_vec();
    hello.extend_from_slice(&[purpose, me.into()]);
    hello.extend_from_slice(bundle);
    raw.write_all(&hello)?;
    raw.flush()?;
    let mut reply = [0; 37];
    raw.read_exact(&mut reply)?;
    Ok(reply[4])
}

pub fn head(point: [u8; 32], number: u32, length: u32) -> Vec<u8> {
    [&point[..], &number.to_le_bytes(), &length.to_le_bytes()].concat()
}

/// Whether the other side ends the connection within so long.
pub fn is_ended(raw: &mut Raw, within: Duration) -> bool {
    raw.sock.set_read_timeout(Some(within)).unwrap();
    match raw.sock.read(&mut [0; 1 << 10]) {
        Ok(n) => n == 0,
        Err(e) => e.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

fn resolver(key: &MachineKey, certificate: &str) -> Arc<dyn rustls::client::ResolvesClientCert> {
    let text = key.to_text().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("tls = \"")).unwrap();
    let der = STANDARD.decode(line.trim_end_matches('"')).unwrap();
    let key: PrivateKeyDer<'static> = PrivatePkcs8KeyDer::from(der).into();
    let provider = rustls::crypto::ring::default_provider();
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_client_auth_cert(read_pem(certificate).unwrap(), key)
        .unwrap();
    config.client_auth_cert_resolver
}
