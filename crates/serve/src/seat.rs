//! A party's seat: its half of the bundle, its key, and its way to the two others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use privet_deploy::Error;
use privet_deploy::bundle::{PartyFile, PartySecret, PublicBundle};
use privet_deploy::dealer2::dealer::DealerHost;
use privet_deploy::dealer2::pool::{Memory, Place, Supply};
use privet_deploy::dealer2::server::ServerHost;
use privet_deploy::mpc::PartyHost;
use privet_mpc::correlated::PairKeys;
use privet_mpc::link::Peers;
use privet_mpc::role::Role;
use zeroize::Zeroizing;

use crate::config::{PartyConfig, PeersConfig, read, read_text};
use crate::dealt::{Refilled, to_dealer};
use crate::entropy::OsEntropy;
use crate::keys::MachineKey;
use crate::limits::Limits;
use crate::on_disk::OnDisk;
use crate::peers::{Identity, Mesh, Side};
use crate::public_key::{PublicKey, of_parties};
use crate::roles::{Prepared, certificate, door, prepare, read_key};

/// What a party's configuration names, read and found to fit together.
pub struct Seat {
    config: PartyConfig,
    file: PathBuf,
    folder: PathBuf,
    key: MachineKey,
    certificate: String,
    public: PublicBundle,
    role: Role,
    parties: Vec<PublicKey>,
}

impl Seat {
    /// Reads a party's configuration, and all that it names. Its share of the model comes beside it.
    pub fn read(file: &Path) -> Result<(Self, PartySecret), Error> {
        let (config, folder) = read::<PartyConfig>(file)?;
        let key = read_key(&folder.join(&config.key))?;
        let path = folder.join(&config.bundle);
        let text = Zeroizing::new(read_text(&path)?);
        let half: PartyFile = serde_json::from_str(&text).map_err(|_| {
            Error::refused("E230", format!("`{}` is not a party's half of a bundle.", path.display()))
        })?;
        let (public, role, weights) = half.open()?;
        let parties = of_parties(&public.mpc()?.parties)?;
        check_own(&parties, role, &key)?;
        let certificate = certificate(&folder, config.certificate.as_deref(), &key)?;
        Ok((Self { config, file: file.to_owned(), folder, key, certificate, public, role, parties }, weights))
    }

    /// Who it is among its peers.
    pub fn identity(&self) -> Identity<'_> {
        Identity {
            me: self.role,
            bundle: self.public.digest(),
            key: &self.key,
            certificate: &self.certificate,
            parties: &self.parties,
        }
    }

    /// Where its peers are.
    pub fn peers(&self) -> Result<&PeersConfig, Error> {
        self.config.peers.as_ref().ok_or_else(|| {
            let what = format!(
                "`{}` does not say where the two others are. Add `[peers]` with `previous = \"HOST:PORT\"`, which is \
                 party {}, and `next = \"HOST:PORT\"`, party {}.",
                self.file.display(),
                self.role.previous().index(),
                self.role.next().index()
            );
            Error::usage("E323", what)
        })
    }

    /// Whether the dealer stands on this side.
    pub fn has_dealer_at(&self, side: Side) -> bool {
        self.public.mpc().is_ok_and(|part| part.has_dealer() && side.role(self.role).index() == 0)
    }

    /// Whether the dealer at this address answers.
    pub fn ask_dealer(&self, address: &str) -> Result<(), Error> {
        crate::dealt::answers(address, &self.parties[0])
    }

    /// As the dealer, which is asked by the two servers.
    pub(crate) async fn deal(&self, secret: PartySecret) -> Result<Prepared, Error> {
        if !self.is_dealer()? {
            return Err(self.other_command("a party's", "party"));
        }
        let keys = pair_keys(&self.public, &self.parties, self.role, &self.key)?;
        let host = DealerHost::new(&self.public, secret, keys, &mut OsEntropy)?;
        let door = door(&self.key, &self.certificate, &self.config.origins)?;
        prepare(&self.config.listen, door, Arc::new(host), Limits::from(self.config.limits)).await
    }

    fn is_dealer(&self) -> Result<bool, Error> {
        Ok(self.public.mpc()?.has_dealer() && self.role.index() == 0)
    }

    fn other_command(&self, is: &str, command: &str) -> Error {
        let (bundle, file) = (self.config.bundle.display(), self.file.display());
        let what =
            format!("`{bundle}` is {is} half of its bundle: use `privet serve {command} --config {file}`.");
        Error::usage("E168", what)
    }

    /// Its server, which meets its peers where parties talk to each other to compute.
    pub(crate) async fn serve(&self, secret: PartySecret) -> Result<Prepared, Error> {
        if self.is_dealer()? {
            return Err(self.other_command("the dealer's", "dealer"));
        }
        if self.public.mpc()?.has_dealer() {
            return self.serve_dealt(secret).await;
        }
        let needs_peers = self.public.mpc()?.numbers.needs_peers();
        let limits = Limits::from(self.config.limits);
        let keys = pair_keys(&self.public, &self.parties, self.role, &self.key)?;
        let mesh = Arc::new(Mesh::new(&self.identity(), limits.peers)?);
        let peers = needs_peers.then(|| Arc::clone(&mesh) as Arc<dyn Peers>);
        let host =
            PartyHost::new(&self.public, self.role, secret, keys, peers, Box::new(|| Box::new(OsEntropy)))?;
        let door = door(&self.key, &self.certificate, &self.config.origins)?;
        let prepared = prepare(&self.config.listen, door, Arc::new(host), limits).await?;
        if needs_peers {
            let PeersConfig { previous, next } = self.peers()?;
            mesh.connect(&self.identity(), [previous, next])?;
        }
        Ok(prepared.with_peers(mesh))
    }
}

impl Seat {
    /// As one of two servers: it meets the other one, and orders from the dealer, which stands among its peers too.
    async fn serve_dealt(&self, secret: PartySecret) -> Result<Prepared, Error> {
        let limits = Limits::from(self.config.limits);
        let keys = pair_keys(&self.public, &self.parties, self.role, &self.key)?;
        let PeersConfig { previous, next } = self.peers()?;
        let (server, dealer) =
            if self.role.index() == 1 { (Side::Next, previous) } else { (Side::Previous, next) };
        let mesh = Arc::new(Mesh::between(&self.identity(), &[server], limits.peers)?);
        let peers = Arc::clone(&mesh) as Arc<dyn Peers>;
        let place: Arc<dyn Place> = match &self.config.pool_folder {
            Some(folder) => Arc::new(OnDisk::open(&self.folder.join(folder))?),
            None => Arc::new(Memory),
        };
        let supply = Supply { to_dealer: to_dealer(dealer, &self.parties[0])?, bytes: limits.pool, place };
        let host = ServerHost::new(&self.public, (self.role, secret), keys, peers, supply, &mut OsEntropy)?;
        let door = door(&self.key, &self.certificate, &self.config.origins)?;
        let prepared = prepare(&self.config.listen, door, Arc::new(Refilled::new(host)?), limits).await?;
        mesh.connect(&self.identity(), [previous, next])?;
        Ok(prepared.with_peers(mesh))
    }
}

fn check_own(parties: &[PublicKey], role: Role, key: &MachineKey) -> Result<(), Error> {
    let own = &parties[role.index()];
    if own == key.public() {
        return Ok(());
    }
    Err(Error::refused(
        "E232",
        format!(
            "The bundle was made for the key of `{}` as party {}; this machine holds the key of `{}`. Ask the \
             owner for a bundle with this machine's line.",
            own.name(),
            role.index(),
            key.public().name()
        ),
    ))
}

/// `K_i` and `K_(i+1)`: agreed with each neighbour from both sides' pinned keys and the bundle's digest.
fn pair_keys(
    public: &PublicBundle,
    parties: &[PublicKey],
    role: Role,
    key: &MachineKey,
) -> Result<PairKeys, Error> {
    // The key between P_{j-1} and P_j is K_j; the context says so, as a party could stand on both sides in another bundle.
    let agree = |peer: Role, j: Role| {
        let context = [&public.digest()[..], &[u8::from(j)]].concat();
        key.agree(&parties[peer.index()], &context).map(|k| *k)
    };
    Ok(PairKeys { with_previous: agree(role.previous(), role)?, with_next: agree(role.next(), role.next())? })
}
