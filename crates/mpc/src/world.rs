//! All parties in one process, each on its own thread, over links that an adversary may edit. For tests, and for
//! running a protocol without a network: **nothing here protects anything**, as one process sees every share.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use privet_ring::entropy::{Entropy, EntropyFailed};
use privet_ring::prg::{Seed, Stream};

use crate::Abort;
use crate::correlated::PairKeys;
use crate::link::{Link, LinkError, Links};
use crate::role::{PARTIES, Role};
use crate::session::Session;
use crate::tape::Recording;

/// A message on its way: who sent it to whom, at which step. The adversary may change the bytes, or drop it.
pub struct Passing<'a> {
    /// Who sent it.
    pub from: Role,
    /// Who is to get it.
    pub to: Role,
    /// At which step.
    pub path: &'a str,
    /// What it says.
    pub bytes: Vec<u8>,
}

/// Sees every message; `None` drops it.
pub type Adversary = dyn Fn(Passing<'_>) -> Option<Vec<u8>> + Send + Sync;

/// Three parties in this process.
pub struct World {
    seed: u64,
    deadline: Duration,
    adversary: Arc<Adversary>,
}

impl World {
    /// Parties whose pairwise keys come from `seed`: the number that replays a test.
    pub fn new(seed: u64) -> Self {
        Self { seed, deadline: Duration::from_secs(5), adversary: Arc::new(|m| Some(m.bytes)) }
    }

    /// Lets `adversary` see and change every message.
    #[must_use]
    pub fn adversary(
        mut self,
        adversary: impl Fn(Passing<'_>) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.adversary = Arc::new(adversary);
        self
    }

    /// How long a party waits for another.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The pairwise keys of each party.
    pub fn keys(&self) -> [PairKeys; PARTIES] {
        let key =
            |i: usize| *blake3::hash(format!("test key {i} of seed {}", self.seed).as_bytes()).as_bytes();
        Role::ALL.map(|r| PairKeys { with_previous: key(r.index()), with_next: key(r.next().index()) })
    }

    /// Runs `party` as each of the three, in a session whose shared randomness is drawn at `point`.
    pub fn run<T: Send>(
        &self,
        point: [u8; 32],
        party: impl Fn(Session) -> Result<T, Abort> + Sync,
    ) -> [Result<T, Abort>; PARTIES] {
        let mut links = self.links();
        let keys = self.keys();
        thread::scope(|scope| {
            let party = &party;
            Role::ALL
                .map(|role| {
                    let links = std::mem::replace(&mut links[role.index()], Links::none());
                    let session = Session::new(role, links, keys[role.index()].clone(), point);
                    scope.spawn(move || party(session))
                })
                .map(joined)
        })
    }

    /// The same with the first party as a dealer: it runs alone and to its end, and then the two servers with what it said.
    pub fn run_dealt<T: Send>(
        &self,
        point: [u8; 32],
        party: impl Fn(Session) -> Result<T, Abort> + Sync,
    ) -> [Result<T, Abort>; PARTIES] {
        let [_, of_p1, of_p2] = self.keys();
        let recording = Recording::default();
        let dealt = party(self.dealer(point, &recording));
        let [to_p1, to_p2] = recording.tapes();
        let [_, p1, p2] = self.links();
        let sessions = [(to_p1, p1.next, of_p1), (to_p2, p2.previous, of_p2)];
        let mut roles = Role::ALL.into_iter().skip(1);
        let sessions = sessions.map(|(tape, to_server, keys)| {
            let me = roles.next().unwrap_or(Role::ALL[1]);
            Session::new(me, tape.play(me, to_server), keys, point)
        });
        let [p1, p2] = thread::scope(|scope| {
            let party = &party;
            sessions.map(|session| scope.spawn(move || party(session))).map(joined)
        });
        [dealt, p1, p2]
    }

    /// The first party as a dealer, whose words to the servers are recorded.
    pub fn dealer(&self, point: [u8; 32], recording: &Recording) -> Session {
        let [of_p0, ..] = self.keys();
        Session::new(Role::ALL[0], recording.links(), of_p0, point)
    }

    pub(crate) fn links(&self) -> [Links; PARTIES] {
        let mut ends: Vec<Links> = Role::ALL.iter().map(|_| Links::none()).collect();
        for from in Role::ALL {
            let (a, b) = pair(from, from.next(), self.deadline, &self.adversary);
            ends[from.index()].next = Box::new(a);
            ends[from.next().index()].previous = Box::new(b);
        }
        let mut ends = ends.into_iter();
        Role::ALL.map(|_| ends.next().unwrap_or_else(Links::none))
    }
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T, Abort>>) -> Result<T, Abort> {
    thread.join().unwrap_or_else(|_| Err(Abort::Client("A party panicked.".into())))
}

struct MemoryLink {
    me: Role,
    peer: Role,
    out: Sender<Vec<u8>>,
    inbox: Receiver<Vec<u8>>,
    deadline: Duration,
    adversary: Arc<Adversary>,
    lanes: Lanes,
}

/// By number, the end of a lane that only the other party asked for so far.
type Lanes = Arc<Mutex<HashMap<u8, MemoryLink>>>;

/// Both ends of a link.
fn pair(a: Role, b: Role, deadline: Duration, adversary: &Arc<Adversary>) -> (MemoryLink, MemoryLink) {
    let (to_b, from_a) = channel();
    let (to_a, from_b) = channel();
    let lanes = Lanes::default();
    let end = |me: Role, peer: Role, out: Sender<Vec<u8>>, inbox: Receiver<Vec<u8>>| MemoryLink {
        me,
        peer,
        out,
        inbox,
        deadline,
        adversary: Arc::clone(adversary),
        lanes: Arc::clone(&lanes),
    };
    (end(a, b, to_b, from_b), end(b, a, to_a, from_a))
}

impl Link for MemoryLink {
    fn send(&mut self, path: &str, bytes: &[u8]) -> Result<(), LinkError> {
        let passing = Passing { from: self.me, to: self.peer, path, bytes: bytes.to_vec() };
        match (self.adversary)(passing) {
            Some(bytes) => self.out.send(bytes).map_err(|_| LinkError::Closed),
            None => Ok(()),
        }
    }

    fn recv(&mut self, _: &str, exact_len: usize) -> Result<Vec<u8>, LinkError> {
        let bytes = self.inbox.recv_timeout(self.deadline).map_err(|e| match e {
            RecvTimeoutError::Timeout => LinkError::Late,
            RecvTimeoutError::Disconnected => LinkError::Closed,
        })?;
        if bytes.len() == exact_len {
            Ok(bytes)
        } else {
            Err(LinkError::Length { expected: exact_len, got: bytes.len() })
        }
    }

    fn lane(&mut self, number: u8) -> Box<dyn Link> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        Box::new(lanes.remove(&number).unwrap_or_else(|| {
            let (mine, others) = pair(self.me, self.peer, self.deadline, &self.adversary);
            lanes.insert(number, others);
            mine
        }))
    }
}

/// Entropy that anyone who knows the seed can repeat. **For tests**: it protects nothing.
pub struct DangerousSeededEntropy(Stream);

impl DangerousSeededEntropy {
    /// The same bytes for the same seed.
    pub fn new(seed: u64) -> Self {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        Self(Stream::of_chunk(&Seed::from_bytes(key), 0))
    }
}

impl Entropy for DangerousSeededEntropy {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        for chunk in bytes.chunks_mut(8) {
            let mut word = [0];
            self.0.fill(&mut word);
            chunk.copy_from_slice(&word[0].to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
