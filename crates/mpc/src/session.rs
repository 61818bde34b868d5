//! One party's view of one computation. An answer can leave only by [`Session::finish`], which consumes the session.

use privet_ring::pack::pack;

use crate::Abort;
use crate::correlated::PairKeys;
use crate::ledger::Ledger;
use crate::link::{LinkError, Links};
use crate::role::Role;

/// Everything that a step of a protocol needs: who one is, the links, the shared randomness, and what it cost so far.
pub struct Session {
    me: Role,
    links: Links,
    keys: PairKeys,
    /// The point at which all shared randomness of this session is drawn: a hash of the whole request.
    point: [u8; 32],
    ledger: Ledger,
    path: String,
}

/// This party's summand of each value of a tensor; the sum over all parties is the value. No `Debug`.
pub struct Additive(pub(crate) Vec<u64>);

/// What a party gives to the client: reduced to k bits and packed.
#[derive(Clone, PartialEq, Eq)]
pub struct OutputShare {
    /// The packed elements.
    pub packed: Vec<u8>,
    /// What the computation cost this party.
    pub ledger: Ledger,
}

impl Session {
    /// A session for one request, whose statement hashes to `point`.
    pub fn new(me: Role, links: Links, keys: PairKeys, point: [u8; 32]) -> Self {
        Self { me, links, keys, point, ledger: Ledger::default(), path: String::new() }
    }

    /// Which party this is.
    pub fn me(&self) -> Role {
        self.me
    }

    /// Runs `body` one step deeper: the path separates the randomness of steps, and labels what they cost.
    pub fn step<T>(&mut self, name: &str, body: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(name);
        let result = body(self);
        self.path.truncate(length);
        result
    }

    /// This party's summand of `n` zeros. One per step: the path is the only thing that separates them.
    pub fn zero_share(&self, n: usize) -> Vec<u64> {
        self.keys.zero_share(&self.point, &self.path, n)
    }

    /// Sends `to` a message while expecting one of `exact_len` bytes from `from`: one round.
    pub fn exchange(
        &mut self,
        to: Role,
        bytes: &[u8],
        from: Role,
        exact_len: usize,
    ) -> Result<Vec<u8>, Abort> {
        let (me, path) = (self.me, self.path.as_str());
        self.links.to(me, to).send(path, bytes).map_err(|e| peer(to, e))?;
        self.ledger.sent.push((path.to_owned(), bytes.len()));
        self.ledger.rounds += 1;
        self.links.to(me, from).recv(path, exact_len).map_err(|e| peer(from, e))
    }

    /// Ends the session with its answer: runs every outstanding check (a semi-honest protocol has none), masks the
    /// summands with a zero share, so that the client learns the sum and nothing about the summands, and reduces to `k`
    /// bits.
    pub fn finish(mut self, output: Additive, k: u32) -> OutputShare {
        self.path.push_str("/finish");
        let zeros = self.zero_share(output.0.len());
        let masked: Vec<u64> = output.0.iter().zip(zeros).map(|(&z, alpha)| z.wrapping_add(alpha)).collect();
        let mut packed = Vec::new();
        pack(k, &masked, &mut packed);
        OutputShare { packed, ledger: self.ledger }
    }
}

fn peer(role: Role, error: LinkError) -> Abort {
    let what = match error {
        LinkError::Closed => "is gone".to_owned(),
        LinkError::Late => "did not answer in time".to_owned(),
        LinkError::Length { expected, got } => format!("sent {got} bytes where {expected} were expected"),
    };
    Abort::Peer { peer: role.index(), what }
}
