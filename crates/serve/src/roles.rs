//! A role, from its configuration to a running server.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use privet_deploy::bundle::PublicBundle;
use privet_deploy::he::bundle::HeFile;
use privet_deploy::he::host::HeHost;
use privet_deploy::oip::Host;
use privet_deploy::plain::PlainHost;
use privet_deploy::reveal::revealing;
use privet_deploy::tee::{call, reply_bytes};
use privet_deploy::{Blame, Error};
use privet_import::{Exported, ImportError};
use privet_tee::frames::{Configuration, Start};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::client::{Client, Endpoint, Trust};
use crate::config::{EnclaveConfig, HeConfig, KeysConfig, KeysEndpoint, PlainConfig, read, read_text};
use crate::enclave::{EnclaveHost, EnclaveOptions, Relay};
use crate::entropy::OsEntropy;
use crate::gateway::Gateway;
use crate::key_service::{self, KeyHost};
use crate::keys::MachineKey;
use crate::limits::Limits;
use crate::peers::Mesh;
use crate::registry::Registry;
use crate::row_limit::RowLimit;
use crate::seat::Seat;
use crate::server::{Content, Door, serve_behind};
use crate::tls::server_config;

/// How long the key service may take.
const KEY_SERVICE: Duration = Duration::from_secs(10);

/// A role that listens but does not answer yet.
pub struct Prepared {
    listener: TcpListener,
    address: SocketAddr,
    door: Door,
    content: Content,
    limits: Limits,
}

impl Prepared {
    /// The same, with peers that come to the same port.
    pub(crate) fn with_peers(self, peers: Arc<Mesh>) -> Self {
        Self { door: self.door.with_peers(Some(peers)), ..self }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is done and running requests have ended.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let Self { listener, door, content, limits, .. } = self;
        let end = serve_behind(listener, door, content, limits, shutdown).await;
        end.map_err(|e| Error::new(Blame::Ours, "E903", format!("The server ended: {e}.")))
    }
}

/// Reads a model: a file, or a `SavedModel`'s folder.
pub fn read_model(path: &Path) -> Result<Exported, Error> {
    privet_import::open(path).map_err(|e| unread(path, &e))
}

/// Why a model was not read, with its place.
pub fn unread(path: &Path, error: &ImportError) -> Error {
    let text = error.to_string();
    let (code, message) = text.split_once(' ').unwrap_or(("E200", &text));
    match code {
        "E141" => Error::usage("E141", message),
        "E201" => Error::refused("E201", format!("`{}`: {message}", path.display())),
        _ => Error::refused("E200", format!("`{}`: {message}", path.display())),
    }
}

/// The plain kind's server.
pub async fn plain(config: &Path) -> Result<Prepared, Error> {
    let (config, folder) = read::<PlainConfig>(config)?;
    let key = read_key(&folder.join(&config.key))?;
    let model = read_model(&folder.join(&config.model))?.graph;
    let host = PlainHost::new(&config.name, revealing(model, config.reveal, config.threshold)?);
    let certificate = certificate(&folder, config.certificate.as_deref(), &key)?;
    prepare(&config.listen, door(&key, &certificate, &config.origins)?, Arc::new(host), config.limits.into())
        .await
}

/// One party's server.
pub async fn party(config: &Path) -> Result<Prepared, Error> {
    let (seat, secret) = Seat::read(config)?;
    seat.serve(secret).await
}

/// The dealer of two servers.
pub async fn dealer(config: &Path) -> Result<Prepared, Error> {
    let (seat, secret) = Seat::read(config)?;
    seat.deal(secret).await
}

/// The server of a model on ciphertexts.
pub async fn he(config: &Path) -> Result<Prepared, Error> {
    let (config, folder) = read::<HeConfig>(config)?;
    let key = read_key(&folder.join(&config.key))?;
    let path = folder.join(&config.bundle);
    let text = Zeroizing::new(read_text(&path)?);
    let half: HeFile = serde_json::from_str(&text).map_err(|_| {
        Error::refused(
            "E230",
            format!("`{}` is not a server's half of a bundle of kind `he`.", path.display()),
        )
    })?;
    let (public, integers, secret) = half.open()?;
    let host = HeHost::new(&public, integers, secret, Box::new(|| Box::new(OsEntropy)))?;
    let certificate = certificate(&folder, config.certificate.as_deref(), &key)?;
    prepare(&config.listen, door(&key, &certificate, &config.origins)?, Arc::new(host), config.limits.into())
        .await
}

/// The owner's key service.
pub async fn keys(config: &Path) -> Result<Prepared, Error> {
    let (config, folder) = read::<KeysConfig>(config)?;
    let key = read_key(&folder.join(&config.key))?;
    let host = KeyHost::open(&config, &folder)?;
    let certificate = certificate(&folder, config.certificate.as_deref(), &key)?;
    prepare(&config.listen, door(&key, &certificate, &[])?, host, config.limits.into()).await
}

/// The host of an enclave: starts the measured program, and carries what it cannot read.
pub async fn enclave(config: &Path) -> Result<Prepared, Error> {
    let (config, folder) = read::<EnclaveConfig>(config)?;
    let key = read_key(&folder.join(&config.key))?;
    let public = read_text(&folder.join(&config.bundle))?;
    let bundle = PublicBundle::parse(&public)?;
    let path = folder.join(&config.model);
    let model = std::fs::read(&path)
        .map_err(|e| Error::usage("E141", format!("`{}` cannot be read: {e}.", path.display())))?;
    let configuration = Configuration::new(&config.attester).to_text();
    let options = EnclaveOptions {
        program: privet_enclave_image::IMAGE,
        start: Start { public, configuration, measured: None, model },
        replicas: config.replicas,
        patience: Limits::from(config.limits).patience,
    };
    let relay = to_key_service(&config.keys)?;
    let host = tokio::task::spawn_blocking(move || EnclaveHost::new(&bundle, options, relay)).await;
    let host = host.map_err(|e| Error::new(Blame::Ours, "E902", format!("A task failed: {e}.")))??;
    let certificate = certificate(&folder, config.certificate.as_deref(), &key)?;
    prepare(&config.listen, door(&key, &certificate, &config.origins)?, Arc::new(host), config.limits.into())
        .await
}

/// The way to the owner's key service, for a program that has no network.
fn to_key_service(at: &KeysEndpoint) -> Result<Relay, Error> {
    let address = at.url.strip_prefix("https://").ok_or_else(|| {
        Error::usage("E142", format!("The key service has `{}`; expected `https://HOST:PORT`.", at.url))
    })?;
    let trust = Trust::Pinned(at.key.parse()?);
    let client = Client::new(&Endpoint { name: "keys".into(), address: address.into(), trust })?;
    // The server's threads may all be waiting for an enclave that waits for this.
    let runtime = InBackground::start()?;
    Ok(Arc::new(move |message: &[u8]| {
        let request = call(key_service::NAME, key_service::MESSAGE, message.to_vec());
        let reply = runtime.block_on(client.infer(request, Instant::now() + KEY_SERVICE))?;
        reply_bytes(reply, key_service::MESSAGE).map(Into::into).ok_or_else(|| {
            Error::new(
                Blame::Unreachable,
                "E366",
                "The key service's reply is none. Is the address a key service's?",
            )
        })
    }))
}

/// A runtime of its own, which may be dropped anywhere, also by a task of another one.
pub(crate) struct InBackground(Option<tokio::runtime::Runtime>);

impl InBackground {
    pub(crate) fn start() -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let cannot = |e| Error::new(Blame::Ours, "E902", format!("A runtime cannot be made: {e}."));
        Ok(Self(Some(runtime.map_err(cannot)?)))
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let ended = || Error::new(Blame::Ours, "E902", "The way to another role was closed.");
        self.0.as_ref().ok_or_else(ended)?.block_on(future)
    }
}

impl Drop for InBackground {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A machine's secret key from its file.
pub fn read_key(path: &Path) -> Result<MachineKey, Error> {
    MachineKey::from_text(&Zeroizing::new(read_text(path)?))
}

pub(crate) fn certificate(folder: &Path, path: Option<&Path>, key: &MachineKey) -> Result<String, Error> {
    path.map_or_else(|| key.certificate(&[]), |path| read_text(&folder.join(path)))
}

/// TLS with this machine's key, and the pages that may ask.
pub(crate) fn door(key: &MachineKey, certificate: &str, origins: &[String]) -> Result<Door, Error> {
    Door::tls(server_config(key, certificate)?).with_origins(origins)
}

pub(crate) async fn prepare(
    listen: &str,
    door: Door,
    host: Arc<dyn Host>,
    limits: Limits,
) -> Result<Prepared, Error> {
    let host = match limits.rows_per_minute {
        Some(rows) => Arc::new(RowLimit::new(host, rows)) as Arc<dyn Host>,
        None => host,
    };
    bind(listen, door, Content::Models(Arc::new(Registry::new(vec![host])?)), limits).await
}

/// A gateway: in the clear on a loopback address, elsewhere over TLS and for holders of a token.
/// No call to a role waits longer than `deadline`.
pub async fn gateway(
    gateway: Gateway,
    listen: &str,
    door: Option<Door>,
    deadline: Duration,
) -> Result<Prepared, Error> {
    let public = door.is_some();
    let content = Content::Models(Arc::new(Registry::of(vec![Arc::new(gateway)])?));
    let door = door.unwrap_or_else(Door::loopback).waiting();
    // A large request is several calls, one after the other where they are slow.
    let limits = Limits { peers: deadline.saturating_mul(4), ..Limits::default() };
    let prepared = bind(listen, door, content, limits).await?;
    if public || prepared.address.ip().is_loopback() {
        return Ok(prepared);
    }
    let what = format!(
        "`{listen}` is not this machine's alone, and rows would cross the network in the clear. Listen on 127.0.0.1, or give \
         `--caller-token`, `--certificate` and `--key`."
    );
    Err(Error::usage("E167", what))
}

pub(crate) async fn bind(
    listen: &str,
    door: Door,
    content: Content,
    limits: Limits,
) -> Result<Prepared, Error> {
    let cannot = |e: std::io::Error| {
        Error::usage("E143", format!("Cannot listen on `{listen}`: {e}. Choose another address or port."))
    };
    let listener = TcpListener::bind(listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    Ok(Prepared { listener, address, door, content, limits })
}
