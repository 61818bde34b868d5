//! A role, from its configuration to a running server.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use privet_deploy::bundle::{Called, PublicBundle};
use privet_deploy::he::bundle::HeFile;
use privet_deploy::he::host::HeHost;
use privet_deploy::plain::PlainHost;
use privet_deploy::reveal::revealing;
use privet_deploy::tee::{call, reply_bytes};
use privet_deploy::{Blame, Error};
use privet_import::{Exported, ImportError};
use privet_tee::frames::{Configuration, Start};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::access::Access;
use crate::audit::Audit;
use crate::client::{Client, Endpoint, Trust};
use crate::clients::{ClientConfig, Clients};
use crate::config::{
    AlsoConfig, EnclaveConfig, HeConfig, KeysConfig, KeysEndpoint, LimitsConfig, PlainConfig, read, read_text,
};
use crate::enclave::{EnclaveHost, EnclaveOptions, Relay};
use crate::entropy::OsEntropy;
use crate::gateway::Gateway;
use crate::key_service::{self, KeyHost};
use crate::keys::MachineKey;
use crate::limits::Limits;
use crate::loaded::{Loaded, Reloader, Served, kept, role};
use crate::process::open_as_many_as_may_be;
use crate::registry::Registry;
use crate::seat::Seats;
use crate::server::{Content, Door, serve_behind};

/// How long the key service may take.
const KEY_SERVICE: Duration = Duration::from_secs(10);

/// A role that listens but does not answer yet.
pub struct Prepared {
    listener: TcpListener,
    address: SocketAddr,
    door: Door,
    content: Content,
    limits: Limits,
    reloader: Option<Arc<Reloader>>,
}

impl Prepared {
    pub(crate) fn with_reloader(self, reloader: Arc<Reloader>) -> Self {
        Self { reloader: Some(reloader), ..self }
    }

    /// What reads its configuration again while it runs, for roles that can.
    pub fn reloader(&self) -> Option<Arc<Reloader>> {
        self.reloader.clone()
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

/// What every role's configuration has.
struct Common<'a> {
    folder: &'a Path,
    listen: String,
    key: &'a Path,
    certificate: Option<&'a Path>,
    origins: Vec<String>,
    limits: LimitsConfig,
    audit: Option<&'a Path>,
    clients: &'a [ClientConfig],
}

/// Those of a role's configuration.
macro_rules! common {
    ($config:ident, $folder:expr) => {
        Common {
            folder: $folder,
            listen: $config.listen,
            key: &$config.key,
            certificate: $config.certificate.as_deref(),
            origins: $config.origins,
            limits: $config.limits,
            audit: $config.audit.as_deref(),
            clients: &$config.clients,
        }
    };
}

/// The part of a configuration that all roles have, with these models.
fn loaded(common: Common<'_>, models: Vec<Served>) -> Result<Loaded, Error> {
    let Common { folder, listen, key, certificate: path, origins, limits, audit, clients } = common;
    let key = read_key(&folder.join(key))?;
    let limits = Limits::from(limits);
    let certificate = certificate(folder, path, &key)?;
    let audit = audit.map(|path| Audit::open(&folder.join(path))).transpose()?;
    let access = Access::Clients(Clients::new(clients, limits.requests_per_minute, false)?);
    Ok(Loaded { listen, key, certificate, access, origins, limits, audit, models })
}

/// A role whose configuration is read by this, at the start and again.
pub(crate) async fn role_of(
    config: &Path,
    read: impl Fn(&Path, &[Served]) -> Result<Loaded, Error> + Send + Sync + Copy + 'static,
) -> Result<Prepared, Error> {
    let config = config.to_owned();
    role(Arc::new(move |had| {
        let config = config.clone();
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || read(&config, &had)).await;
            read.map_err(|e| Error::new(Blame::Ours, "E902", format!("A task failed: {e}.")))?
        })
    }))
    .await
}

/// The plain kind's server.
pub async fn plain(config: &Path) -> Result<Prepared, Error> {
    role_of(config, read_plain).await
}

fn read_plain(config: &Path, _: &[Served]) -> Result<Loaded, Error> {
    let (config, folder) = read::<PlainConfig>(config)?;
    let first = AlsoConfig {
        model: config.model,
        name: config.name,
        version: config.version,
        reveal: config.reveal,
        threshold: config.threshold,
    };
    let served = |also: &AlsoConfig| {
        let model = read_model(&folder.join(&also.model))?.graph;
        let called = Called { name: also.name.clone(), version: also.version };
        let host = PlainHost::new(called, revealing(model, also.reveal, also.threshold)?);
        Ok(Served::alone(None, Arc::new(host)))
    };
    let models = std::iter::once(&first).chain(&config.also).map(served).collect::<Result<_, Error>>()?;
    loaded(common!(config, &folder), models)
}

/// One party's server.
pub async fn party(config: &Path) -> Result<Prepared, Error> {
    role_of(config, |config, had| Seats::read(config)?.serve(had)).await
}

/// The dealer of two servers.
pub async fn dealer(config: &Path) -> Result<Prepared, Error> {
    role_of(config, |config, had| Seats::read(config)?.deal(had)).await
}

/// The server of a model on ciphertexts.
pub async fn he(config: &Path) -> Result<Prepared, Error> {
    role_of(config, read_he).await
}

fn read_he(config: &Path, had: &[Served]) -> Result<Loaded, Error> {
    let (config, folder) = read::<HeConfig>(config)?;
    let served = |bundle: &PathBuf| {
        let path = folder.join(bundle);
        let text = Zeroizing::new(read_text(&path)?);
        let half: HeFile = serde_json::from_str(&text).map_err(|_| {
            let what = format!("`{}` is not a server's half of a bundle of kind `he`.", path.display());
            Error::refused("E230", what)
        })?;
        let (public, integers, secret) = half.open()?;
        if let Some(kept) = kept(had, public.digest()) {
            return Ok(kept);
        }
        let host = HeHost::new(&public, integers, secret, Box::new(|| Box::new(OsEntropy)))?;
        Ok(Served::alone(Some(public.digest()), Arc::new(host)))
    };
    let models =
        std::iter::once(&config.bundle).chain(&config.also).map(served).collect::<Result<_, Error>>()?;
    loaded(common!(config, &folder), models)
}

/// What goes on through a reload, whatever the configuration says of it now: it keeps what must not be lost.
const FOR_GOOD: [u8; 32] = [0; 32];

/// The owner's key service.
pub async fn keys(config: &Path) -> Result<Prepared, Error> {
    role_of(config, read_keys).await
}

fn read_keys(config: &Path, had: &[Served]) -> Result<Loaded, Error> {
    let (config, folder) = read::<KeysConfig>(config)?;
    let model = match kept(had, FOR_GOOD) {
        Some(kept) => kept,
        None => Served::alone(Some(FOR_GOOD), KeyHost::open(&config, &folder)?),
    };
    let common = Common {
        folder: &folder,
        listen: config.listen,
        key: &config.key,
        certificate: config.certificate.as_deref(),
        origins: Vec::new(),
        limits: config.limits,
        audit: None,
        clients: &[],
    };
    loaded(common, vec![model])
}

/// The host of an enclave: starts the measured program, and carries what it cannot read.
pub async fn enclave(config: &Path) -> Result<Prepared, Error> {
    role_of(config, read_enclave).await
}

fn read_enclave(config: &Path, had: &[Served]) -> Result<Loaded, Error> {
    let (config, folder) = read::<EnclaveConfig>(config)?;
    let model = match kept(had, FOR_GOOD) {
        Some(kept) => kept,
        None => Served::alone(Some(FOR_GOOD), Arc::new(started(&config, &folder)?)),
    };
    loaded(common!(config, &folder), vec![model])
}

/// The measured programs of a configuration, running.
fn started(config: &EnclaveConfig, folder: &Path) -> Result<EnclaveHost, Error> {
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
    EnclaveHost::new(&bundle, options, to_key_service(&config.keys)?)
}

/// The way to the owner's key service, for a program that has no network.
fn to_key_service(at: &KeysEndpoint) -> Result<Relay, Error> {
    let address = at.url.strip_prefix("https://").ok_or_else(|| {
        Error::usage("E142", format!("The key service has `{}`; expected `https://HOST:PORT`.", at.url))
    })?;
    let trust = Trust::Pinned(at.key.parse()?);
    let client = Client::new(&Endpoint::new("keys", address, trust))?;
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

/// A gateway: in the clear on a loopback address, elsewhere over TLS and for holders of a token.
/// No call to a role waits longer than `deadline`.
pub async fn gateway(
    gateway: Gateway,
    listen: &str,
    door: Option<Door>,
    deadline: Duration,
) -> Result<Prepared, Error> {
    let public = door.is_some();
    let door = door.unwrap_or_else(Door::loopback).waiting();
    // A large request is several calls, one after the other where they are slow.
    let limits = Limits { peers: deadline.saturating_mul(4), ..Limits::default() };
    let content = Content::Models(Arc::new(Registry::of(vec![Arc::new(gateway)], &limits, None)?));
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
    open_as_many_as_may_be();
    let listener = TcpListener::bind(listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    Ok(Prepared { listener, address, door, content, limits, reloader: None })
}
