//! A party's seats: its halves of bundles, its key, and its way to the two others.

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

use crate::access::Access;
use crate::audit::Audit;
use crate::clients::Clients;
use crate::config::{PartyConfig, PeersConfig, read, read_text};
use crate::dealt::{Refilled, to_dealer};
use crate::entropy::OsEntropy;
use crate::keys::MachineKey;
use crate::limits::Limits;
use crate::loaded::{Connect, Loaded, Served, kept};
use crate::on_disk::OnDisk;
use crate::peers::{Identity, Mesh, Side};
use crate::public_key::{PublicKey, of_parties};
use crate::roles::{certificate, read_key};

/// What a party's configuration names: its seat among the parties of each of its bundles.
pub struct Seats {
    config: PartyConfig,
    folder: PathBuf,
    certificate: String,
    all: Vec<(Seat, PartySecret)>,
}

/// A party's seat among the parties of one bundle, read and found to fit together.
pub struct Seat {
    bundle: PathBuf,
    file: PathBuf,
    peers: Option<PeersConfig>,
    pool_folder: Option<PathBuf>,
    key: MachineKey,
    certificate: String,
    public: PublicBundle,
    role: Role,
    parties: Vec<PublicKey>,
}

impl Seats {
    /// Reads a party's configuration, and all that it names.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let (config, folder) = read::<PartyConfig>(file)?;
        let key = read_key(&folder.join(&config.key))?;
        let certificate = certificate(&folder, config.certificate.as_deref(), &key)?;
        let mut seats = Self { config, folder, certificate, all: Vec::new() };
        let bundles: Vec<_> =
            std::iter::once(&seats.config.bundle).chain(&seats.config.also).cloned().collect();
        seats.all = bundles.iter().map(|bundle| seats.take(file, bundle)).collect::<Result<_, _>>()?;
        Ok(seats)
    }

    /// Reads a half of a bundle. Its share of the model comes beside it.
    fn take(&self, file: &Path, bundle: &Path) -> Result<(Seat, PartySecret), Error> {
        let path = self.folder.join(bundle);
        let text = Zeroizing::new(read_text(&path)?);
        let half: PartyFile = serde_json::from_str(&text).map_err(|_| {
            Error::refused("E230", format!("`{}` is not a party's half of a bundle.", path.display()))
        })?;
        let (public, role, weights) = half.open()?;
        let key = read_key(&self.folder.join(&self.config.key))?;
        let parties = of_parties(&public.mpc()?.parties)?;
        check_own(&parties, role, &key)?;
        let seat = Seat {
            bundle: bundle.to_owned(),
            file: file.to_owned(),
            peers: self.config.peers.clone(),
            pool_folder: self.pool_folder(bundle),
            key,
            certificate: self.certificate.clone(),
            public,
            role,
            parties,
        };
        Ok((seat, weights))
    }

    /// Where the tapes of a bundle wait: each further one has a folder of its own, as each empties its own at the start.
    fn pool_folder(&self, bundle: &Path) -> Option<PathBuf> {
        let pool = self.folder.join(self.config.pool_folder.as_ref()?);
        let is_first = bundle == self.config.bundle;
        Some(if is_first { pool } else { pool.join(bundle.file_name().unwrap_or_default()) })
    }

    /// The seat of the first bundle.
    pub fn into_first(self) -> Result<Seat, Error> {
        let first = self.all.into_iter().next().map(|(seat, _)| seat);
        first.ok_or_else(|| Error::refused("E230", "The configuration names no bundle."))
    }

    /// As the dealer, which is asked by the two servers.
    pub(crate) fn deal(mut self, had: &[Served]) -> Result<Loaded, Error> {
        let seats = std::mem::take(&mut self.all);
        let models =
            seats.into_iter().map(|(seat, secret)| seat.deal(secret, had)).collect::<Result<_, _>>()?;
        self.loaded(models)
    }

    /// Its servers, which meet their peers where parties talk to each other to compute.
    pub(crate) fn serve(mut self, had: &[Served]) -> Result<Loaded, Error> {
        let limits = Limits::from(self.config.limits);
        let seats = std::mem::take(&mut self.all);
        let serve = |(seat, secret): (Seat, PartySecret)| seat.serve(secret, &limits, had);
        let models = seats.into_iter().map(serve).collect::<Result<_, _>>()?;
        self.loaded(models)
    }

    fn loaded(self, models: Vec<Served>) -> Result<Loaded, Error> {
        let Self { config, folder, certificate, .. } = self;
        let limits = Limits::from(config.limits);
        let clients = Clients::new(&config.clients, limits.requests_per_minute, true)?;
        let audit = config.audit.map(|path| Audit::open(&folder.join(path))).transpose()?;
        let (key, access) = (read_key(&folder.join(&config.key))?, Access::Clients(clients));
        let (listen, origins) = (config.listen, config.origins);
        Ok(Loaded { listen, key, certificate, access, origins, limits, audit, models })
    }
}

impl Seat {
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
        self.peers.as_ref().ok_or_else(|| {
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

    fn is_dealer(&self) -> Result<bool, Error> {
        Ok(self.public.mpc()?.has_dealer() && self.role.index() == 0)
    }

    fn other_command(&self, is: &str, command: &str) -> Error {
        let (bundle, file) = (self.bundle.display(), self.file.display());
        let what =
            format!("`{bundle}` is {is} half of its bundle: use `privet serve {command} --config {file}`.");
        Error::usage("E168", what)
    }

    /// The bundle, and where the peers are: a party that is made from the same goes on.
    fn made_from(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.public.digest());
        for address in self.peers.iter().flat_map(|peers| [&peers.previous, &peers.next]) {
            hasher.update(&(address.len() as u64).to_le_bytes()).update(address.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    fn deal(self, secret: PartySecret, had: &[Served]) -> Result<Served, Error> {
        if !self.is_dealer()? {
            return Err(self.other_command("a party's", "party"));
        }
        if let Some(kept) = kept(had, self.public.digest()) {
            return Ok(kept);
        }
        let keys = pair_keys(&self.public.digest(), &self.parties, self.role, &self.key)?;
        let host = DealerHost::new(&self.public, secret, keys, &mut OsEntropy)?;
        Ok(Served::alone(Some(self.public.digest()), Arc::new(host)))
    }

    fn serve(self, secret: PartySecret, limits: &Limits, had: &[Served]) -> Result<Served, Error> {
        if self.is_dealer()? {
            return Err(self.other_command("the dealer's", "dealer"));
        }
        if let Some(kept) = kept(had, self.made_from()) {
            return Ok(kept);
        }
        if self.public.mpc()?.has_dealer() {
            return self.dealt(secret, limits);
        }
        self.among_equals(secret, limits)
    }

    fn among_equals(self, secret: PartySecret, limits: &Limits) -> Result<Served, Error> {
        let needs_peers = self.public.mpc()?.numbers.needs_peers();
        let keys = pair_keys(&self.public.digest(), &self.parties, self.role, &self.key)?;
        let mesh = Arc::new(Mesh::new(&self.identity(), limits.peers)?);
        let peers = needs_peers.then(|| Arc::clone(&mesh) as Arc<dyn Peers>);
        let host =
            PartyHost::new(&self.public, self.role, secret, keys, peers, Box::new(|| Box::new(OsEntropy)))?;
        if needs_peers {
            self.peers()?;
        }
        let made_from = self.made_from();
        let connect = needs_peers.then(|| self.connecting(&mesh));
        Ok(Served::among(made_from, Arc::new(host), mesh, connect))
    }

    /// Goes to its peers.
    fn connecting(self, mesh: &Arc<Mesh>) -> Connect {
        let mesh = Arc::downgrade(mesh);
        Arc::new(move || {
            let PeersConfig { previous, next } = self.peers()?;
            mesh.upgrade().map_or(Ok(()), |mesh| mesh.connect(&self.identity(), [previous, next]))
        })
    }

    /// As one of two servers: it meets the other one, and orders from the dealer, which stands among its peers too.
    fn dealt(self, secret: PartySecret, limits: &Limits) -> Result<Served, Error> {
        let keys = pair_keys(&self.public.digest(), &self.parties, self.role, &self.key)?;
        let PeersConfig { previous, next } = self.peers()?;
        let (server, dealer) =
            if self.role.index() == 1 { (Side::Next, previous) } else { (Side::Previous, next) };
        let mesh = Arc::new(Mesh::between(&self.identity(), &[server], limits.peers)?);
        let peers = Arc::clone(&mesh) as Arc<dyn Peers>;
        let place: Arc<dyn Place> = match &self.pool_folder {
            Some(folder) => Arc::new(OnDisk::open(folder)?),
            None => Arc::new(Memory),
        };
        let supply = Supply { to_dealer: to_dealer(dealer, &self.parties[0])?, bytes: limits.pool, place };
        let host = ServerHost::new(&self.public, (self.role, secret), keys, peers, supply, &mut OsEntropy)?;
        let (made_from, host) = (self.made_from(), Arc::new(Refilled::new(host)?));
        let connect = self.connecting(&mesh);
        Ok(Served::among(made_from, host, mesh, Some(connect)))
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
pub(crate) fn pair_keys(
    digest: &[u8; 32],
    parties: &[PublicKey],
    role: Role,
    key: &MachineKey,
) -> Result<PairKeys, Error> {
    // The key between P_{j-1} and P_j is K_j; the context says so, as a party could stand on both sides in another bundle.
    let agree = |peer: Role, j: Role| {
        let context = [&digest[..], &[u8::from(j)]].concat();
        key.agree(&parties[peer.index()], &context).map(|k| *k)
    };
    Ok(PairKeys { with_previous: agree(role.previous(), role)?, with_next: agree(role.next(), role.next())? })
}
