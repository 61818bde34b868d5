//! One party's view of one computation. An answer can leave only by [`Session::finish`], which consumes the session.

use privet_ring::pack::pack;
use privet_ring::prg::Stream;

use crate::Abort;
use crate::correlated::PairKeys;
use crate::ledger::Ledger;
use crate::link::{LANES, LinkError, Links};
use crate::role::{PARTIES, Role};
use crate::wiped::wipe;

/// Everything that a step of a protocol needs: who one is, the links, the shared randomness, and what it cost so far.
pub struct Session {
    me: Role,
    links: Links,
    keys: PairKeys,
    /// The point at which all shared randomness of this session is drawn: a hash of the whole request.
    point: [u8; 32],
    ledger: Ledger,
    path: String,
    /// Draws of shared randomness so far.
    draws: u32,
    /// By number, from 1, those that were made and are not in use.
    lanes: Vec<Links>,
}

/// This party's summand of each value of a tensor; the sum over all parties is the value. Wiped on drop.
pub struct Additive(pub(crate) Vec<u64>);

/// What a party gives to the client: reduced to k bits and packed.
/// Only [`Session::finish`] makes one:
///
/// ```compile_fail,E0451
/// # use privet_mpc::{ledger::Ledger, session::OutputShare};
/// let share = OutputShare { packed: vec![1, 2, 3], ledger: Ledger::default() };
/// ```
#[derive(Clone)]
pub struct OutputShare {
    packed: Vec<u8>,
    ledger: Ledger,
}

privet_ring::not_shown!(Additive, OutputShare);

impl Drop for Additive {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl OutputShare {
    /// The packed elements.
    pub fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// What the computation cost this party.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

impl Session {
    /// A session for one request, whose statement hashes to `point`.
    pub fn new(me: Role, links: Links, keys: PairKeys, point: [u8; 32]) -> Self {
        let (ledger, path) = (Ledger::default(), String::new());
        Self { me, links, keys, point, ledger, path, draws: 0, lanes: Vec::new() }
    }

    /// Sessions for steps that run at the same time, at most [`LANES`]: each has its own way to the peers, and its own randomness,
    /// as its path begins with a draw that is nobody else's. To be [joined](Self::join).
    pub fn fork(&mut self, count: usize) -> Vec<Self> {
        let (fork, count) = (self.next_draw(), count.min(LANES.into()));
        while self.lanes.len() < count {
            let number = u8::try_from(self.lanes.len() + 1).unwrap_or(LANES);
            self.lanes.push(self.links.lane(number));
        }
        let lanes: Vec<Links> = self.lanes.drain(..count).collect();
        let (me, point) = (self.me, self.point);
        let session = |(i, links)| Self {
            path: format!("{fork}/lane{i}"),
            ..Self::new(me, links, self.keys.clone(), point)
        };
        lanes.into_iter().enumerate().map(session).collect()
    }

    /// Takes back, in their order, what [`Self::fork`] gave.
    pub fn join(&mut self, lanes: Vec<Self>) {
        let (links, ledgers): (Vec<Links>, Vec<Ledger>) =
            lanes.into_iter().map(|l| (l.links, l.ledger)).unzip();
        self.lanes.splice(..0, links);
        self.ledger.add_lanes(ledgers);
    }

    /// Which party this is.
    pub fn me(&self) -> Role {
        self.me
    }

    /// What it cost so far.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Runs `body` one step deeper: the path separates the randomness of steps, and labels what they cost.
    pub fn step<T>(&mut self, name: &str, body: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.descend(name);
        let result = body(self);
        self.ascend(outer);
        result
    }

    /// One step deeper, for a protocol that is more than a session; what it returns is for [`Self::ascend`].
    pub(crate) fn descend(&mut self, name: &str) -> usize {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(name);
        length
    }

    /// Back to where a step began.
    pub(crate) fn ascend(&mut self, length: usize) {
        self.path.truncate(length);
    }

    /// This party's summand of `n` fresh zeros. Numbered besides the path, so that no two of a session are the same,
    /// whatever its steps are called: all parties run the same steps in the same order.
    pub fn zero_share(&mut self, n: usize) -> Vec<u64> {
        let path = self.next_draw();
        self.keys.zero_share(&self.point, &path, n)
    }

    /// `n` words that only `a` and `b` know, for these two; nothing for the third, which draws along so that all count alike.
    pub fn common(&mut self, a: Role, b: Role, n: usize) -> Option<Vec<u64>> {
        let path = self.next_draw();
        let peer = match self.me {
            me if me == a => b,
            me if me == b => a,
            _ => return None,
        };
        Some(self.keys.common(peer == self.me.next(), &self.point, &path, n))
    }

    /// 16 bytes that all parties of this session know, and nobody before it began; for one use.
    pub fn public_bytes(&mut self) -> [u8; 16] {
        let path = self.next_draw();
        let mut hasher = blake3::Hasher::new_derive_key("privet 2026 public bytes of a session");
        let mut bytes = [0; 16];
        hasher.update(&self.point).update(path.as_bytes()).finalize_xof().fill(&mut bytes);
        bytes
    }

    /// This party's two of three streams of random words: a replicated tensor, as long as is needed, that nobody knows.
    pub(crate) fn random(&mut self) -> [Stream; 2] {
        let path = self.next_draw();
        self.keys.random(&self.point, &path)
    }

    /// Fresh pairwise keys, so that nothing of an earlier run of the same request, whatever a peer did in it, is drawn again:
    /// each pair's from what both drew now. One round. What it returns names this very run: a hash of the point and of what the parties drew,
    /// the same at all of them unless one tells the others different things.
    pub(crate) fn renew(&mut self, drawn: &[u8; 32]) -> Result<[u8; 32], Abort> {
        let [previous, next] = self.exchange_both(drawn)?;
        self.keys = self.keys.renewed(&self.point, drawn, &previous, &next);
        let mut of = [&[][..]; PARTIES];
        of[self.me.index()] = drawn;
        of[self.me.previous().index()] = &previous;
        of[self.me.next().index()] = &next;
        let mut hasher = blake3::Hasher::new_derive_key("privet 2026 one run of a session");
        hasher.update(&self.point);
        for drawn in of {
            hasher.update(drawn);
        }
        Ok(*hasher.finalize().as_bytes())
    }

    fn next_draw(&mut self) -> String {
        let number = self.draws;
        self.draws += 1;
        format!("{}#{number}", self.path)
    }

    /// Sends `to` a message and waits for nothing.
    pub fn give(&mut self, to: Role, bytes: &[u8]) -> Result<(), Abort> {
        let (me, path) = (self.me, self.path.as_str());
        self.links.to(me, to).send(path, bytes).map_err(|e| peer(to, e))?;
        self.ledger.sent.push((path.to_owned(), bytes.len()));
        Ok(())
    }

    /// A message of `exact_len` bytes from a party that waits for nobody, and is therefore ahead: no round.
    pub fn take(&mut self, from: Role, exact_len: usize) -> Result<Vec<u8>, Abort> {
        self.links.to(self.me, from).recv(&self.path, exact_len).map_err(|e| peer(from, e))
    }

    /// Sends `to` a message while expecting one of `exact_len` bytes from `from`: one round.
    pub fn exchange(
        &mut self,
        to: Role,
        bytes: &[u8],
        from: Role,
        exact_len: usize,
    ) -> Result<Vec<u8>, Abort> {
        self.give(to, bytes)?;
        self.ledger.rounds += 1;
        self.take(from, exact_len)
    }

    /// The same where one of the messages may be empty: then it is not sent.
    pub(crate) fn pass(
        &mut self,
        to: Role,
        bytes: &[u8],
        from: Role,
        exact_len: usize,
    ) -> Result<Vec<u8>, Abort> {
        if !bytes.is_empty() {
            self.give(to, bytes)?;
        }
        self.ledger.rounds += 1;
        if exact_len == 0 { Ok(Vec::new()) } else { self.take(from, exact_len) }
    }

    /// Sends both peers a message and gets one as long from each, the previous party's first: one round.
    pub(crate) fn exchange_both(&mut self, bytes: &[u8]) -> Result<[Vec<u8>; 2], Abort> {
        let (previous, next) = (self.me.previous(), self.me.next());
        self.give(previous, bytes)?;
        self.give(next, bytes)?;
        self.ledger.rounds += 1;
        Ok([self.take(previous, bytes.len())?, self.take(next, bytes.len())?])
    }

    /// Ends the session without an answer: what it cost.
    pub(crate) fn close(self) -> Ledger {
        self.ledger
    }

    /// Ends the session with an answer that its protocol checked.
    pub(crate) fn answer(self, packed: Vec<u8>) -> OutputShare {
        OutputShare { packed, ledger: self.ledger }
    }

    /// Ends the session with its answer: runs every outstanding check (a semi-honest protocol has none), masks the
    /// summands with a zero share, so that the client learns the sum and nothing about the summands, and reduces to `k`
    /// bits.
    ///
    /// ```compile_fail,E0382
    /// # use privet_mpc::session::{Additive, Session};
    /// fn twice(session: Session, first: Additive, second: Additive) {
    ///     session.finish(first, 64);
    ///     session.finish(second, 64);
    /// }
    /// ```
    ///
    /// With the second call gone, it compiles:
    ///
    /// ```
    /// # use privet_mpc::session::{Additive, Session};
    /// fn once(session: Session, first: Additive) {
    ///     session.finish(first, 64);
    /// }
    /// ```
    #[allow(clippy::needless_pass_by_value)] // by value, so that no summand is masked twice
    pub fn finish(mut self, output: Additive, k: u32) -> OutputShare {
        self.path.push_str("/finish");
        let zeros = self.zero_share(output.0.len());
        let masked: Vec<u64> = output.0.iter().zip(zeros).map(|(&z, alpha)| z.wrapping_add(alpha)).collect();
        let mut packed = Vec::new();
        pack(k, &masked, &mut packed);
        OutputShare { packed, ledger: self.ledger }
    }
}

/// A source of randomness failed.
pub(crate) fn no_randomness() -> Abort {
    Abort::Busy("This party has no randomness. Ask again.".into())
}

fn peer(role: Role, error: LinkError) -> Abort {
    let what = match error {
        LinkError::Left => return Abort::Left,
        LinkError::Closed => "is gone".to_owned(),
        LinkError::Late => "did not answer in time".to_owned(),
        LinkError::Unmet => {
            "did not begin the same computation in time; were all parties sent the same request?".to_owned()
        }
        LinkError::Ended => "ended this computation".to_owned(),
        LinkError::Unasked => "sent more than any step asked for".to_owned(),
        LinkError::Length { expected, got } => format!("sent {got} bytes where {expected} were expected"),
    };
    Abort::Peer { peer: role.index(), what }
}
