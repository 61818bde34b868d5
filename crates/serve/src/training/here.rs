//! A whole training on this machine: three parties as real processes. Everything lies in one folder, and goes on from there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use privet_deploy::train::agreement::{Agreement, PartyEntry};
use privet_deploy::{Blame, Error};
use privet_mpc::role::PARTIES;

use super::file::{address, read_agreement};
use super::owner::Owner;
use super::trainer::TrainerConfig;
use crate::config::{LimitsConfig, PeersConfig};
use crate::keys::{MachineKey, write_new};
use crate::public_key::PublicKey;
use crate::roles::read_key;
use crate::up::free_addresses;
use crate::up::network::{Network, Relay};
use crate::up::process::Process;

/// How long parties may take to find each other.
const PATIENCE: Duration = Duration::from_secs(20);
/// The agreement's name.
pub const AGREEMENT: &str = "training.toml";

/// Parties that run: this process's children.
pub struct Here {
    folder: PathBuf,
    parties: Vec<Process>,
    relays: Vec<Relay>,
}

impl Here {
    /// A folder for a training.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(|e| cannot(folder, &e))?;
        Ok(Self { folder: folder.to_owned(), parties: Vec::new(), relays: Vec::new() })
    }

    /// A file of the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The agreement that lies there, if one does.
    pub fn agreement(&self) -> Result<Option<Agreement>, Error> {
        let path = self.path(AGREEMENT);
        if path.exists() { read_agreement(&path).map(Some) } else { Ok(None) }
    }

    /// Writes the agreement.
    pub fn agree(&self, agreement: &Agreement) -> Result<(), Error> {
        write_agreement(&self.path(AGREEMENT), agreement)
    }

    /// A machine's key, made where it is not there yet.
    pub fn key(&self, name: &str) -> Result<PublicKey, Error> {
        let path = self.path(&format!("{name}.key"));
        if !path.exists() {
            write_new(&path, &MachineKey::generate(name)?.to_text()?)?;
        }
        read_key(&path).map(|key| key.public().clone())
    }

    /// Three parties at free ports.
    pub fn new_parties(&self) -> Result<Vec<PartyEntry>, Error> {
        let entry = |(at, address): (usize, String)| {
            let url = format!("https://{address}");
            Ok(PartyEntry { key: self.key(&format!("party-{at}"))?.to_string(), url })
        };
        free_addresses()?.into_iter().enumerate().map(entry).collect()
    }

    /// Starts the parties of the agreement, with this network between them.
    pub async fn start(
        &mut self,
        program: &Path,
        agreement: &Agreement,
        network: Network,
    ) -> Result<(), Error> {
        let mut far = Vec::new();
        for party in &agreement.parties {
            far.push(self.far(address(&party.url)?, network)?);
        }
        for (at, party) in agreement.parties.iter().enumerate() {
            let name = format!("party-{at}");
            let config = TrainerConfig {
                listen: address(&party.url)?.to_owned(),
                key: format!("{name}.key").into(),
                training: AGREEMENT.into(),
                state: format!("{name}.state").into(),
                certificate: None,
                peers: Some(PeersConfig {
                    previous: far[(at + 2) % PARTIES].clone(),
                    next: far[(at + 1) % PARTIES].clone(),
                }),
                audit: Some(format!("{name}.audit.jsonl").into()),
                limits: LimitsConfig::default(),
                clients: Vec::new(),
            };
            let path = self.path(&format!("{name}.toml"));
            let text = toml::to_string(&config).map_err(|e| cannot(&path, &e))?;
            std::fs::write(&path, text).map_err(|e| cannot(&path, &e))?;
            let mut process = Process::spawn(program, "trainer", &name, &path)?;
            process.address().await?;
            self.parties.push(process);
        }
        Ok(())
    }

    /// The address under which others find a party.
    fn far(&mut self, address: &str, network: Network) -> Result<String, Error> {
        if network.is_this_machines() {
            return Ok(address.to_owned());
        }
        let relay = Relay::start(address.to_owned(), network)
            .map_err(|e| Error::new(Blame::Ours, "E904", format!("There is no free port here: {e}.")))?;
        let far = relay.address();
        self.relays.push(relay);
        Ok(far)
    }

    /// Waits until all parties answer.
    pub async fn ready(&self, owner: &Owner) -> Result<(), Error> {
        let start = std::time::Instant::now();
        while let Err(error) = owner.ready().await {
            if start.elapsed() > PATIENCE {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// The parties' processes.
    pub fn processes(&self) -> Vec<Option<u32>> {
        self.parties.iter().map(|party| party.child.id()).collect()
    }

    /// Ends the parties. Their files stay.
    pub async fn stop(mut self) {
        self.parties.iter().for_each(Process::terminate);
        for party in &mut self.parties {
            if tokio::time::timeout(PATIENCE, party.child.wait()).await.is_err() {
                let _ = party.child.kill().await;
            }
        }
    }
}

/// Writes an agreement, in no one's stead.
pub fn write_agreement(path: &Path, agreement: &Agreement) -> Result<(), Error> {
    agreement.check()?;
    let text = toml::to_string(agreement).map_err(|e| cannot(path, &e))?;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
        .map_err(|e| cannot(path, &e))
}

fn cannot(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(Blame::Ours, "E144", format!("`{}` cannot be written: {error}.", path.display()))
}
