//! Three parties on real sockets, any of which can be killed and started again.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::pedantic
)]

pub mod host;
pub mod raw;

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use privet_mpc::Abort;
use privet_mpc::link::{Links, Peers as _};
use privet_mpc::protocols::replicated3::{Replicated, multiply};
use privet_mpc::role::{PARTIES, Role};
use privet_mpc::session::Session;
use privet_mpc::world::World;
use privet_serve::peers::{Identity, Mesh, Meshes};
use privet_serve::server::{Content, Door, serve_behind};
use privet_serve::tls::server_config;
use privet_serve::{Limits, MachineKey, PublicKey, Registry};
use tokio::runtime::Runtime;

pub type Point = [u8; 32];

/// What a party is made of.
pub struct Member {
    pub key: MachineKey,
    pub certificate: String,
    pub address: String,
    pub bundle: [u8; 32],
}

/// A party that runs.
pub struct Running {
    pub mesh: Arc<Mesh>,
    runtime: Option<Runtime>,
}

impl Drop for Running {
    /// As if it were killed: all its sockets close at once.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}

pub struct Trio {
    pub members: [Member; PARTIES],
    /// The keys as the bundle has them.
    pub pins: Vec<PublicKey>,
    pub deadline: Duration,
    pub running: [Option<Running>; PARTIES],
}

impl Trio {
    /// All keys and addresses, and nothing that runs.
    pub fn stopped(deadline: Duration) -> Self {
        let listeners = Role::ALL.map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let members = Role::ALL.map(|role| {
            let key = MachineKey::generate(&format!("party-{}", role.index())).unwrap();
            let certificate = key.certificate(&[]).unwrap();
            let address = listeners[role.index()].local_addr().unwrap().to_string();
            Member { key, certificate, address, bundle: [7; 32] }
        });
        let pins = members.iter().map(|m| m.key.public().clone()).collect();
        Self { members, pins, deadline, running: [None, None, None] }
    }

    /// Three parties that are connected.
    pub fn new(deadline: Duration) -> Self {
        let mut trio = Self::stopped(deadline);
        Role::ALL.into_iter().for_each(|role| trio.start(role));
        trio.connected();
        trio
    }

    pub fn identity(&self, role: Role) -> Identity<'_> {
        let Member { key, certificate, bundle, .. } = &self.members[role.index()];
        Identity { me: role, bundle: *bundle, key, certificate, parties: &self.pins }
    }

    pub fn address(&self, role: Role) -> &str {
        &self.members[role.index()].address
    }

    pub fn start(&mut self, role: Role) {
        let peers = [role.previous(), role.next()].map(|peer| self.address(peer).to_owned());
        self.start_to(role, [&peers[0], &peers[1]]);
    }

    /// Starts a party that looks for its peers at these addresses.
    pub fn start_to(&mut self, role: Role, peers: [&str; 2]) {
        let identity = self.identity(role);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = bind(self.address(role));
        let tls = server_config(identity.key, identity.certificate).unwrap();
        let mesh = Arc::new(Mesh::new(&identity, self.deadline).unwrap());
        mesh.connect(&identity, peers).unwrap();
        let all = vec![Arc::clone(&mesh)];
        let served = Arc::new(Meshes::new(identity.key, identity.certificate, all).unwrap());
        let host = Arc::new(host::Multiplies::new(role, Arc::clone(&mesh)));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let registry = Arc::new(Registry::new(vec![host]).unwrap());
            let limits = Limits::default();
            serve_behind(
                listener,
                Door::tls(tls).with_peers(Some(served)),
                Content::Models(registry),
                limits,
                std::future::pending(),
            )
            .await
        });
        self.running[role.index()] = Some(Running { mesh, runtime: Some(runtime) });
    }

    pub fn kill(&mut self, role: Role) {
        self.running[role.index()] = None;
    }

    pub fn mesh(&self, role: Role) -> &Mesh {
        &self.running[role.index()].as_ref().unwrap().mesh
    }

    /// Waits until everyone is connected to everyone.
    pub fn connected(&self) {
        for role in Role::ALL {
            let mesh = self.mesh(role);
            assert!(mesh.connected(Duration::from_secs(10)), "{role}: {:?}", mesh.troubles());
        }
    }

    pub fn meet(&self, role: Role, point: &Point) -> Result<Links, Abort> {
        self.mesh(role).meet(point)
    }

    pub fn mesh_meet(&self, role: Role, seed: u64) -> Links {
        self.meet(role, &point_of(seed)).unwrap()
    }

    /// Multiplies a pair of numbers that depends on `seed`, as each party at once.
    pub fn product(&self, seed: u64, point: Point) -> [Result<Replicated, Abort>; PARTIES] {
        self.product_with(seed, [point; PARTIES], |_| ())
    }

    /// The same, where each party may be told another point, and does something first.
    pub fn product_with(
        &self,
        seed: u64,
        points: [Point; PARTIES],
        before: impl Fn(Role) + Sync,
    ) -> [Result<Replicated, Abort>; PARTIES] {
        let keys = World::new(1).keys();
        let before = &before;
        thread::scope(|scope| {
            Role::ALL
                .map(|role| {
                    let (point, keys) = (points[role.index()], keys[role.index()].clone());
                    scope.spawn(move || {
                        let links = self.meet(role, &point)?;
                        let mut session = Session::new(role, links, keys, point);
                        before(role);
                        multiply(&mut session, &part(role, seed), &part(role, seed + 1))
                    })
                })
                .map(|thread| thread.join().unwrap())
        })
    }

    pub fn check(&self, seed: u64) {
        let parts = self.product(seed, point_of(seed)).map(Result::unwrap);
        assert_right(seed, &parts);
    }

    /// Until a computation works again.
    pub fn works_again(&self, within: Duration) {
        let start = Instant::now();
        for seed in 1_000_000.. {
            let parts = self.product(seed, point_of(seed));
            if parts.iter().all(Result::is_ok) {
                return;
            }
            let errors: Vec<_> = parts.into_iter().map(Result::err).collect();
            assert!(start.elapsed() < within, "no computation works again: {errors:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Three elements: the summands of party `role`.
pub fn part(role: Role, seed: u64) -> Replicated {
    let summand = |at: usize| (0..3).map(|i| word(seed, at, i)).collect();
    Replicated { k: 64, own: summand(role.index()), next: summand(role.next().index()) }
}

fn word(seed: u64, at: usize, i: u64) -> u64 {
    let hash = blake3::hash(format!("{seed} {at} {i}").as_bytes());
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap())
}

pub fn assert_right(seed: u64, parts: &[Replicated; PARTIES]) {
    let sum = |seed: u64, i: u64| (0..3).fold(0_u64, |sum, at| sum.wrapping_add(word(seed, at, i)));
    for i in 0..3 {
        let expected = sum(seed, i).wrapping_mul(sum(seed + 1, i));
        let got = parts.iter().fold(0_u64, |sum, part| sum.wrapping_add(part.own[i as usize]));
        assert_eq!(got, expected, "product {i} of {seed}");
    }
}

pub fn point_of(seed: u64) -> Point {
    *blake3::hash(format!("point {seed}").as_bytes()).as_bytes()
}

/// Whom a computation ended by, and why.
pub fn blamed<T>(result: Result<T, Abort>) -> (usize, String) {
    match result.err().expect("an error") {
        Abort::Peer { peer, what } => (peer, what),
        other => panic!("no party is blamed: {other}"),
    }
}

pub fn bind(address: &str) -> TcpListener {
    // The sockets of a killed server may take a moment to go.
    let listener = (0..500).find_map(|_| {
        let listener = TcpListener::bind(address).ok();
        if listener.is_none() {
            thread::sleep(Duration::from_millis(10));
        }
        listener
    });
    let listener = listener.expect("the address stays in use");
    listener.set_nonblocking(true).unwrap();
    listener
}

/// Whether nobody listens there.
pub fn is_down(address: &str) -> bool {
    TcpStream::connect(address).is_err()
}
