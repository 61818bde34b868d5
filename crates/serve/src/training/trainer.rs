//! A party of a training, from its configuration to a running server. Its owners are its clients: nobody else may ask.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use privet_deploy::Error;
use privet_deploy::train::agreement::Agreement;
use privet_deploy::train::host::TrainHost;
use privet_mpc::link::Peers;
use privet_mpc::role::Role;
use serde::{Deserialize, Serialize};

use super::file::{address, parties, read_agreement};
use super::folder::Folder;
use crate::access::Access;
use crate::audit::Audit;
use crate::clients::{ClientConfig, Clients};
use crate::config::{LimitsConfig, PeersConfig, read};
use crate::entropy::OsEntropy;
use crate::keys::MachineKey;
use crate::limits::Limits;
use crate::loaded::{Connect, Loaded, Served, kept};
use crate::peers::{Identity, Mesh};
use crate::public_key::PublicKey;
use crate::roles::{Prepared, certificate, read_key, role_of};
use crate::seat::pair_keys;

/// How long steps may take that are made at once, where the configuration does not say.
const PEERS: Duration = Duration::from_secs(300);

/// `privet serve trainer --config FILE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerConfig {
    /// `HOST:PORT`; port 0 takes a free one.
    pub listen: String,
    /// This machine's secret key, made by `privet keygen`.
    pub key: PathBuf,
    /// What owners and parties agreed on.
    pub training: PathBuf,
    /// The folder for this party's share of rows and weights. It goes on from there after a restart.
    pub state: PathBuf,
    /// A certificate (PEM) for this machine's key; without, one is made that only clients which pin keys accept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Where the two other parties are, if not where the agreement says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peers: Option<PeersConfig>,
    /// A file to which each request adds a line: which owner asked, and what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<PathBuf>,
    /// How much is too much. A computation is `steps_at_once` steps of the agreement, and has 300 seconds without `peers_seconds`.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Who may read `/metrics`, with `operator = true`. The owners need not be named: they are the agreement's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<ClientConfig>,
}

/// One party of a training.
pub async fn trainer(config: &Path) -> Result<Prepared, Error> {
    role_of(config, load).await
}

fn load(file: &Path, had: &[Served]) -> Result<Loaded, Error> {
    let (config, folder) = read::<TrainerConfig>(file)?;
    let agreement = read_agreement(&folder.join(&config.training))?;
    let key = read_key(&folder.join(&config.key))?;
    let certificate = certificate(&folder, config.certificate.as_deref(), &key)?;
    let mut limits = Limits::from(config.limits);
    if config.limits.peers_seconds.is_none() {
        limits.peers = PEERS;
    }
    let clients = Clients::new(&clients(&agreement, &config.clients), limits.requests_per_minute, true)?;
    let audit = config.audit.as_ref().map(|path| Audit::open(&folder.join(path))).transpose()?;
    let served = match kept(had, agreement.digest()) {
        Some(kept) => kept,
        None => seat(&config, &folder, agreement, &key, &certificate, limits.peers)?,
    };
    let (listen, access) = (config.listen, Access::Clients(clients));
    Ok(Loaded { listen, key, certificate, access, origins: Vec::new(), limits, audit, models: vec![served] })
}

/// The owners, by their keys, and whom the configuration names besides.
fn clients(agreement: &Agreement, others: &[ClientConfig]) -> Vec<ClientConfig> {
    let owner = |owner: &privet_deploy::train::agreement::OwnerEntry| ClientConfig {
        name: owner.name.clone(),
        key: Some(owner.key.clone()),
        ..ClientConfig::default()
    };
    // The others may look, and ask nothing.
    let other = |client: &ClientConfig| ClientConfig { models: Some(Vec::new()), ..client.clone() };
    agreement.owners.iter().map(owner).chain(others.iter().map(other)).collect()
}

fn seat(
    config: &TrainerConfig,
    folder: &Path,
    agreement: Agreement,
    key: &MachineKey,
    certificate: &str,
    deadline: Duration,
) -> Result<Served, Error> {
    let (parties, digest) = (parties(&agreement)?, agreement.digest());
    let role = own_role(&parties, key)?;
    let identity = Identity { me: role, bundle: digest, key, certificate, parties: &parties };
    let mesh = Arc::new(Mesh::new(&identity, deadline)?);
    let keys = pair_keys(&digest, &parties, role, key)?;
    let store = Arc::new(Folder::open(&folder.join(&config.state))?);
    let peers = peers(config, &agreement, role)?;
    let host = TrainHost::new(
        agreement,
        role,
        keys,
        Arc::clone(&mesh) as Arc<dyn Peers>,
        store,
        Box::new(|| Box::new(OsEntropy)),
    )?;
    let connect = connecting(
        &mesh,
        role,
        digest,
        (read_key(&folder.join(&config.key))?, certificate.to_owned()),
        parties,
        peers,
    );
    Ok(Served::among(digest, Arc::new(host), mesh, Some(connect)))
}

/// Goes to its peers.
fn connecting(
    mesh: &Arc<Mesh>,
    me: Role,
    bundle: [u8; 32],
    (key, certificate): (MachineKey, String),
    parties: Vec<PublicKey>,
    peers: PeersConfig,
) -> Connect {
    let mesh = Arc::downgrade(mesh);
    Arc::new(move || {
        let identity = Identity { me, bundle, key: &key, certificate: &certificate, parties: &parties };
        mesh.upgrade().map_or(Ok(()), |mesh| mesh.connect(&identity, [&peers.previous, &peers.next]))
    })
}

fn peers(config: &TrainerConfig, agreement: &Agreement, role: Role) -> Result<PeersConfig, Error> {
    if let Some(peers) = &config.peers {
        return Ok(peers.clone());
    }
    let at = |role: Role| address(&agreement.parties[role.index()].url).map(str::to_owned);
    Ok(PeersConfig { previous: at(role.previous())?, next: at(role.next())? })
}

/// Which party this machine is.
fn own_role(parties: &[PublicKey], key: &MachineKey) -> Result<Role, Error> {
    let role = Role::ALL.into_iter().find(|role| parties[role.index()] == *key.public());
    role.ok_or_else(|| {
        let what = format!(
            "The agreement names no party with the key of `{}`, which this machine has.",
            key.public().name()
        );
        Error::refused("E232", what)
    })
}
