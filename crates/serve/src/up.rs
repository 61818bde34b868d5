//! All roles of a deployment on this machine, from the same files as on many: real processes, real TLS.

mod folder;
pub mod network;
pub(crate) mod process;
mod tee;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use privet_deploy::bundle::{Choices, PublicBundle, for_parties, for_plain};
use privet_deploy::he::bundle::{for_he, planned_for_he};
use privet_deploy::kind::{Kind, Reveal};
use privet_deploy::prepared::prepare;
use privet_deploy::{Blame, Error};
use privet_model::graph::Graph;
use privet_model::tensor::Tensor;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::Header;
use privet_mpc::role::{PARTIES, Role};

use crate::belief::Belief;
use crate::config::{HeConfig, LimitsConfig, PartyConfig, PeersConfig, PlainConfig};
use crate::deployed::Deployed;
use crate::deployment::{DeploymentFile, EndpointEntry};
use crate::entropy::OsEntropy;
use crate::keys::MachineKey;
use crate::server::origin_header;
use crate::up::folder::Folder;
use crate::up::network::{Network, Relay};
use crate::up::process::Process;
use crate::up::tee::POLICY;

/// What to bring up.
pub struct Wanted<'a> {
    /// The program whose `serve` command runs a role: this one.
    pub program: &'a Path,
    /// The exported file.
    pub file: &'a Path,
    /// The same, read, and giving what is to be revealed.
    pub graph: &'a Graph,
    /// Served under this name.
    pub name: &'a str,
    /// How it is served.
    pub kind: Kind,
    /// Which protocol parties run.
    pub protocol: &'static Header,
    /// What is hidden from the parties.
    pub protect: Protect,
    /// What the client gets.
    pub reveal: Reveal,
    /// Above which a label is the second of two classes; the model's own rule without.
    pub threshold: Option<f64>,
    /// Largest error of a score.
    pub accuracy: f64,
    /// Sample rows, for ranges.
    pub rows: Option<&'a [Tensor]>,
    /// What to imitate between the roles, and between them and clients.
    pub network: Network,
    /// Pages that may ask from a browser.
    pub origins: &'a [String],
}

/// A deployment that runs: its processes are this process's children, and its files are removed with it.
pub struct Running {
    folder: Folder,
    roles: Vec<Process>,
    relays: Vec<Relay>,
}

/// How long a role may take to start, and to stop.
const PATIENCE: Duration = Duration::from_secs(20);

impl Running {
    /// Writes keys, bundle and configurations into `folder` (a new temporary one if none is given), starts every role,
    /// and waits until each answers health.
    pub async fn start(wanted: &Wanted<'_>, folder: Option<&Path>) -> Result<Self, Error> {
        // What is wrong with an option is said before any role starts.
        wanted.origins.iter().try_for_each(|origin| origin_header(origin).map(drop))?;
        let mut running =
            Self { folder: Folder::make(folder, wanted.kind)?, roles: Vec::new(), relays: Vec::new() };
        match running.start_roles(wanted).await {
            Ok(()) => Ok(running),
            Err(e) => {
                running.stop().await;
                Err(e)
            }
        }
    }

    /// `deployment.toml`.
    pub fn file(&self) -> PathBuf {
        self.folder.path.join("deployment.toml")
    }

    /// The processes' ids, by role.
    pub fn processes(&self) -> Vec<(String, Option<u32>)> {
        self.roles.iter().map(|p| (p.name.clone(), p.child.id())).collect()
    }

    /// Waits until some role ends by itself, and says which and how.
    pub async fn watch(&mut self) -> String {
        loop {
            for role in &mut self.roles {
                if let (false, Ok(Some(status))) = (role.ended, role.child.try_wait()) {
                    role.ended = true;
                    return format!(
                        "`{}` ended ({status}). Start it again with `privet serve {} --config {}`.",
                        role.name,
                        role.command,
                        role.config.display()
                    );
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Ends every role and removes what [`start`](Self::start) wrote.
    pub async fn stop(mut self) {
        for role in &self.roles {
            role.terminate();
        }
        for role in &mut self.roles {
            if tokio::time::timeout(PATIENCE, role.child.wait()).await.is_err() {
                let _ = role.child.kill().await;
            }
        }
        self.folder.remove();
    }

    async fn start_roles(&mut self, wanted: &Wanted<'_>) -> Result<(), Error> {
        let (public, entries) = match wanted.kind {
            Kind::Plain => self.plain(wanted).await?,
            Kind::Mpc => self.parties(wanted).await?,
            Kind::Tee => self.enclave(wanted).await?,
            Kind::He => self.ciphertexts(wanted).await?,
        };
        let file = DeploymentFile {
            name: wanted.name.into(),
            kind: wanted.kind,
            digest: public.digest_hex(),
            public: public.json().into(),
            policy: (wanted.kind == Kind::Tee).then(|| POLICY.into()),
            collateral: Vec::new(),
            client_key: None,
            client_token: None,
            endpoints: entries,
        };
        self.folder.write("deployment.toml", &file.to_toml()?)?;
        // Nothing is sent: only health is asked for.
        let belief = Belief::dangerous_accept_simulated();
        Deployed::open_with(&self.file(), PATIENCE, &belief)?.ready(PATIENCE).await
    }

    async fn plain(&mut self, wanted: &Wanted<'_>) -> Result<(PublicBundle, Vec<EndpointEntry>), Error> {
        let public = for_plain(wanted.name, wanted.graph, wanted.reveal, &mut OsEntropy)?;
        let key = self.key("server")?;
        let config = |listen: String| PlainConfig {
            listen,
            key: "server.key".into(),
            model: wanted.file.canonicalize().unwrap_or_else(|_| wanted.file.into()),
            name: wanted.name.into(),
            version: 1,
            also: Vec::new(),
            reveal: wanted.reveal,
            threshold: wanted.threshold,
            certificate: Some("server.pem".into()),
            origins: wanted.origins.to_vec(),
            audit: None,
            limits: LimitsConfig::default(),
            clients: Vec::new(),
        };
        let entry = self.role(wanted.program, "plain", "server", &key, config).await?;
        Ok((public, vec![self.far(entry, wanted.network)?]))
    }

    async fn ciphertexts(
        &mut self,
        wanted: &Wanted<'_>,
    ) -> Result<(PublicBundle, Vec<EndpointEntry>), Error> {
        let planned = planned_for_he(wanted.graph, wanted.reveal, wanted.accuracy, wanted.rows)?;
        let (public, half) = for_he(&planned, wanted.name, wanted.reveal, &mut OsEntropy)?;
        let text = serde_json::to_string(&half).map(zeroize::Zeroizing::new);
        self.folder.write_secret("server.bundle", &text.map_err(|e| cannot_write("server.bundle", &e))?)?;
        let key = self.key("server")?;
        let config = |listen: String| HeConfig {
            listen,
            key: "server.key".into(),
            bundle: "server.bundle".into(),
            also: Vec::new(),
            certificate: Some("server.pem".into()),
            origins: wanted.origins.to_vec(),
            audit: None,
            limits: LimitsConfig::default(),
            clients: Vec::new(),
        };
        let entry = self.role(wanted.program, "he", "server", &key, config).await?;
        Ok((public, vec![self.far(entry, wanted.network)?]))
    }

    async fn parties(&mut self, wanted: &Wanted<'_>) -> Result<(PublicBundle, Vec<EndpointEntry>), Error> {
        let plan = prepare(wanted.graph, wanted.reveal, wanted.accuracy, wanted.rows).map_err(Error::from)?;
        let names = Role::ALL.map(|role| wanted.protocol.role_name(role));
        let keys = names.iter().map(|name| self.key(name)).collect::<Result<Vec<_>, _>>()?;
        let choices = Choices {
            protocol: wanted.protocol,
            name: wanted.name.into(),
            protect: wanted.protect,
            reveal: wanted.reveal,
            parties: keys.iter().map(|key| key.public().to_string()).collect(),
        };
        let (public, halves) = for_parties(&plan, choices, &mut OsEntropy)?;
        let addresses = free_addresses()?;
        let far = self.far_addresses(&addresses, wanted.network)?;
        let mut entries = Vec::new();
        for (role, half) in Role::ALL.into_iter().zip(&halves) {
            let (name, key) = (&names[role.index()], &keys[role.index()]);
            let bundle = format!("{name}.bundle");
            let text = serde_json::to_string(half)
                .map(zeroize::Zeroizing::new)
                .map_err(|e| cannot_write(&bundle, &e))?;
            self.folder.write_secret(&bundle, &text)?;
            let peer = |role: Role| far[role.index()].clone();
            let config = |listen: String| PartyConfig {
                listen,
                key: format!("{name}.key").into(),
                bundle: bundle.clone().into(),
                also: Vec::new(),
                certificate: Some(format!("{name}.pem").into()),
                peers: Some(PeersConfig { previous: peer(role.previous()), next: peer(role.next()) }),
                pool_folder: None,
                origins: wanted.origins.to_vec(),
                audit: None,
                limits: LimitsConfig::default(),
                clients: Vec::new(),
            };
            let (address, command) = (&addresses[role.index()], wanted.protocol.command(role));
            let entry = self.role_at(address, wanted.program, command, name, key, config).await?;
            if command == "party" {
                entries.push(at(entry, &far[role.index()]));
            }
        }
        Ok((public, entries))
    }

    /// The addresses under which these are found by others.
    fn far_addresses(
        &mut self,
        addresses: &[String; PARTIES],
        network: Network,
    ) -> Result<[String; PARTIES], Error> {
        let mut far = addresses.clone();
        for address in &mut far {
            *address = self.far_address(address.clone(), network)?;
        }
        Ok(far)
    }

    fn far_address(&mut self, address: String, network: Network) -> Result<String, Error> {
        if network.is_this_machines() {
            return Ok(address);
        }
        let relay = Relay::start(address, network)
            .map_err(|e| Error::new(Blame::Ours, "E904", format!("There is no free port here: {e}.")))?;
        let address = relay.address();
        self.relays.push(relay);
        Ok(address)
    }

    /// The same role, behind the network.
    fn far(&mut self, entry: EndpointEntry, network: Network) -> Result<EndpointEntry, Error> {
        let near = entry.http_url.trim_start_matches("https://").to_owned();
        let address = self.far_address(near, network)?;
        Ok(at(entry, &address))
    }

    fn key(&mut self, name: &str) -> Result<MachineKey, Error> {
        let key = MachineKey::generate(name)?;
        self.folder.write_secret(&format!("{name}.key"), &key.to_text()?)?;
        Ok(key)
    }

    /// Starts one role on a free port, and writes its configuration again with that port, so that it can be started
    /// again by hand.
    async fn role<C: serde::Serialize>(
        &mut self,
        program: &Path,
        command: &'static str,
        name: &str,
        key: &MachineKey,
        config: impl Fn(String) -> C,
    ) -> Result<EndpointEntry, Error> {
        self.role_at("127.0.0.1:0", program, command, name, key, config).await
    }

    /// The same at an address that others know before it starts.
    async fn role_at<C: serde::Serialize>(
        &mut self,
        listen: &str,
        program: &Path,
        command: &'static str,
        name: &str,
        key: &MachineKey,
        config: impl Fn(String) -> C,
    ) -> Result<EndpointEntry, Error> {
        let file = format!("{name}.toml");
        let text = |listen: String| toml::to_string(&config(listen)).map_err(|e| cannot_write(&file, &e));
        self.folder.write(&format!("{name}.pem"), &key.certificate(&[])?)?;
        let path = self.folder.write(&file, &text(listen.into())?)?;
        let mut process = Process::spawn(program, command, name, &path)?;
        let address = process.address().await;
        self.roles.push(process);
        let address = address?;
        self.folder.write(&file, &text(address.clone())?)?;
        let url = format!("https://{address}");
        Ok(EndpointEntry {
            name: name.into(),
            http_url: url.clone(),
            grpc_url: url,
            key: Some(key.public().to_string()),
            ca: Some(format!("{name}.pem")),
        })
    }
}

/// The same role at another address.
fn at(entry: EndpointEntry, address: &str) -> EndpointEntry {
    let url = format!("https://{address}");
    EndpointEntry { http_url: url.clone(), grpc_url: url, ..entry }
}

/// An address of this machine for each party. They are free now; each is taken as soon as its party starts.
pub(crate) fn free_addresses() -> Result<[String; PARTIES], Error> {
    let none =
        |e: std::io::Error| Error::new(Blame::Ours, "E904", format!("There is no free port here: {e}."));
    // All at once, so that no two are the same.
    let listeners = Role::ALL.map(|_| TcpListener::bind("127.0.0.1:0"));
    let mut addresses = Vec::new();
    for listener in listeners {
        addresses.push(listener.and_then(|l| l.local_addr()).map_err(none)?.to_string());
    }
    addresses.try_into().map_err(|_| none(std::io::ErrorKind::AddrInUse.into()))
}

fn cannot_write(file: &str, error: &dyn std::fmt::Display) -> Error {
    Error::new(Blame::Ours, "E144", format!("`{file}` cannot be written: {error}."))
}
