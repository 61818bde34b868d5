//! A server: it gives tickets, and computes for who brings one.

use std::sync::Arc;

use privet_mpc::commitment::{Statement, of_seed};
use privet_mpc::correlated::PairKeys;
use privet_mpc::ledger::Ledger;
use privet_mpc::link::{Link, LinkError, Links, Peers};
use privet_mpc::protocols::dealer2::Keys;
use privet_mpc::request::{Held, Layout, PartyRequest};
use privet_mpc::role::Role;
use privet_mpc::session::Session;
use privet_mpc::tape::Tape;
use privet_mpc::{Abort, protect::Component};
use privet_ring::entropy::{Entropy, draw};
use privet_ring::pack::{pack, packed_len, unpack};
use privet_ring::prg::Seed;
use zeroize::Zeroizing;

use super::epoch::{EpochId, TicketId, of_servers, with_dealer};
use super::pool::{Level, Owner, Pool, Supply};
use super::wire::{self, Ask, Compute, Given, Question, TICKETS};
use crate::bundle::{PartySecret, PublicBundle, another_bundle, no_entropy};
use crate::caller::OPEN_AGAIN;
use crate::error::{Blame, Error};
use crate::mpc::{ANSWER, ASSURANCE, BYTES_BETWEEN, BYTES_DEALT, ROUNDS_BETWEEN, aborted, metadata};
use crate::oip::{Host, InferReply, InferRequest, Metadata, Parameter, RawTensor};
use crate::work::Work;

/// Most tickets that are given at once.
pub const MOST_TICKETS: u32 = 64;
/// Tries to find each other in one epoch.
const TRIES: u8 = 5;

/// One of the two servers.
pub struct ServerHost {
    me: Role,
    layout: Layout,
    work: Work,
    keys: PairKeys,
    peers: Arc<dyn Peers>,
    pool: Pool,
    bound: f64,
    metadata: Metadata,
}

impl ServerHost {
    /// P1 or P2 of a bundle, with its share of the model and the keys that it agreed on with the dealer and the other server. `peers` is where it
    /// meets that.
    pub fn new(
        bundle: &PublicBundle,
        (me, secret): (Role, PartySecret),
        keys: PairKeys,
        peers: Arc<dyn Peers>,
        supply: Supply,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, Error> {
        let (layout, part) = (bundle.layout()?, bundle.mpc()?);
        let work = Work::new(part, &layout, me, secret)?;
        let owner = Owner {
            me,
            model: bundle.manifest().called(),
            bundle: layout.bundle,
            nonce: draw(entropy).map_err(no_entropy)?,
            key: Zeroizing::new(*with_dealer(me, me, &keys)),
        };
        let pool = Pool::new(owner, supply);
        let (bound, metadata) = (part.numbers.bound(), metadata(bundle, part, me));
        Ok(Self { me, layout, work, keys, peers, pool, bound, metadata })
    }

    /// Orders the next tapes that are missing, if any are. Whether there were: to be called until there are none, and again after each answer.
    pub fn refill(&self) -> Result<bool, Error> {
        self.pool.refill()
    }

    /// How full its pool is.
    pub fn levels(&self) -> Vec<Level> {
        self.pool.levels()
    }

    fn tickets(&self, ask: &Ask) -> Result<InferReply, Error> {
        let most = self.layout.chunk_rows();
        let possible = ask.rows.is_power_of_two() && ask.rows as usize <= most;
        if !possible || !(1..=MOST_TICKETS).contains(&ask.count) {
            let what = format!(
                "Tickets are for a power of two of rows up to {most}, and at most {MOST_TICKETS} at once; {} for {} rows were \
                 asked for.",
                ask.count, ask.rows
            );
            return Err(Error::usage("E332", what));
        }
        let (epoch, first, count) = self.agreed(ask)?;
        let servers = of_servers(self.me, &self.keys);
        let given: Vec<Given> = (first..)
            .take(count as usize)
            .map(|number| {
                let ticket = TicketId { epoch, rows: ask.rows, number };
                Given { token: ticket.token(servers), seed: self.seed(&ticket) }
            })
            .collect();
        let reply = wire::write_tickets(&epoch, first, &given);
        let outputs = vec![RawTensor::bytes(TICKETS, reply)];
        Ok(InferReply { outputs, ..InferReply::default() })
    }

    /// Of this server's part of a ticket's mask.
    fn seed(&self, ticket: &TicketId) -> Seed {
        let keys = ticket.keys(self.me, &self.keys, &[0; 32]);
        ticket.seed(with_dealer(self.me, self.me, &keys))
    }

    /// Which numbers the client gets: P1 says so, and P2 says whether it is in the same epoch.
    fn agreed(&self, ask: &Ask) -> Result<(EpochId, u64, u32), Error> {
        let mut trouble = apart();
        for attempt in 0..TRIES {
            let mut links = self.peers.meet(&ask.point(attempt)).map_err(aborted)?;
            let link = if self.me.index() == 1 { &mut *links.next } else { &mut *links.previous };
            let agreed = self.agree(ask, link);
            match agreed {
                Ok(agreed) => return Ok(agreed),
                Err(Trouble::Ours(e)) => return Err(e),
                Err(Trouble::Both(e)) => trouble = e,
            }
            // A dealer or a server that started anew knows of this one only once it is told.
            drop(links);
            if let Err(e) = self.pool.introduce() {
                trouble = e;
            }
        }
        Err(trouble)
    }

    /// One try.
    fn agree(&self, ask: &Ask, link: &mut dyn Link) -> Result<(EpochId, u64, u32), Trouble> {
        let other = 3 - self.me.index();
        // Who did not come at all knows of no other try.
        let unmet = |e| match e {
            LinkError::Late | LinkError::Unmet => Trouble::Ours(unmet(other, e)),
            _ => Trouble::Both(unmet(other, e)),
        };
        // Both tell and hear before either gives anything, so that both try again where one has to.
        let own = self.pool.epoch();
        let id = own.as_ref().map_or([0; 32], |epoch| *epoch);
        let heard = link.send("epoch", &id).and_then(|()| link.recv("epoch", 32)).map_err(unmet)?;
        let epoch = own.map_err(Trouble::Both)?;
        if heard != epoch {
            return Err(Trouble::Both(apart()));
        }
        if self.me.index() == 1 {
            let (given, first, count) = self.pool.allocate(ask.rows, ask.count).map_err(Trouble::Both)?;
            // An epoch that ended meanwhile: saying nothing more lets the other one try again too.
            if given != epoch {
                return Err(Trouble::Both(apart()));
            }
            let said = [&first.to_le_bytes()[..], &count.to_le_bytes()].concat();
            let followed = link.send("tickets", &said).and_then(|()| link.recv("given", 1)).map_err(unmet)?;
            return if followed == [1] { Ok((epoch, first, count)) } else { Err(Trouble::Both(apart())) };
        }
        let said = link.recv("tickets", 12).map_err(unmet)?;
        let (first, count) = said.split_at(8);
        let first = u64::from_le_bytes(first.try_into().unwrap_or_default());
        let count = u32::from_le_bytes(count.try_into().unwrap_or_default()).min(ask.count);
        let followed = self.pool.follow(&epoch, ask.rows, first, count);
        link.send("given", &[u8::from(followed.is_ok())]).map_err(unmet)?;
        followed.map(|()| (epoch, first, count)).map_err(Trouble::Both)
    }

    fn compute(&self, compute: Compute) -> Result<InferReply, Error> {
        let ticket = compute.ticket;
        let token = ticket.token(of_servers(self.me, &self.keys));
        if blake3::Hash::from(token) != blake3::Hash::from(compute.token) {
            return Err(Error::refused("E348", "This ticket was not given by these servers."));
        }
        // Burnt before anything is computed with it.
        let tape = self.pool.take(&ticket)?.ok_or_else(|| {
            Error::refused(OPEN_AGAIN, "This ticket was used, or it is of another epoch. Ask for a new one.")
        })?;
        let statement = ticket.statement(&compute.commitment);
        let tape = Tape::from_bytes(&tape)
            .ok_or_else(|| Error::integrity("E513", "A tape of the dealer is none."))?;
        let (dealt, keys) = (tape.len(), ticket.keys(self.me, &self.keys, &statement));
        let request = self.request(compute, &keys)?;
        let links =
            if self.work.talks() { self.peers.meet(&statement).map_err(aborted)? } else { Links::none() };
        let to_server = if self.me.index() == 1 { links.next } else { links.previous };
        let session = Session::new(self.me, tape.play(self.me, to_server), keys, ticket.point());
        let rows = request.statement.rows as usize;
        let (answer, ledger) = self.answer(session, request, rows).map_err(aborted)?;
        let int = |n: usize| Parameter::Int(i64::try_from(n).unwrap_or(i64::MAX));
        Ok(InferReply {
            id: String::new(),
            parameters: vec![
                ("assurance".into(), Parameter::Text(ASSURANCE.into())),
                ("bound".into(), Parameter::Double(self.bound)),
                (ROUNDS_BETWEEN.into(), Parameter::Int(ledger.rounds.into())),
                (BYTES_BETWEEN.into(), int(ledger.bytes_between())),
                (BYTES_DEALT.into(), int(dealt)),
            ],
            outputs: vec![RawTensor::bytes(ANSWER, [&statement[..], &answer].concat())],
        })
    }

    /// What a party of three would have been sent: its seed follows from the ticket.
    fn request(&self, compute: Compute, keys: &PairKeys) -> Result<PartyRequest, Error> {
        let Compute { ticket, protect, bundle, commitment, masked, .. } = compute;
        let key = with_dealer(self.me, self.me, keys);
        let mut masked = masked;
        let mut commitments = [[0; 32], [0; 32], commitment];
        let mut held = Vec::new();
        for component in self.layout.protect.components(self.me) {
            held.push(match component {
                Component::X2 | Component::Whole => {
                    let missing = || Error::usage("E330", "The masked rows are missing.");
                    let (salt, bytes) = masked.take().ok_or_else(missing)?;
                    Held::Packed { salt, bytes }
                }
                Component::X0 | Component::X1 => {
                    let seed = ticket.seed(key);
                    commitments[usize::from(*component == Component::X1)] = of_seed(&seed);
                    Held::Seed(seed)
                }
            });
        }
        let statement = Statement { bundle, protect, rows: ticket.rows, chunk: 0, commitments };
        Ok(PartyRequest { statement, held })
    }

    /// The packed share of the answer; P2 adds what the dealer would have answered, which ends its tape.
    fn answer(
        &self,
        session: Session,
        request: PartyRequest,
        rows: usize,
    ) -> Result<(Vec<u8>, Ledger), Abort> {
        let (bits, elements) = (self.layout.answer_bits, rows * self.layout.scores);
        let mut computed = self.work.run::<Keys>(session, &self.layout, request)?;
        let mut sum = vec![0; elements];
        if self.me.index() == 2 {
            let length = packed_len(elements, bits).unwrap_or(usize::MAX);
            unpack(bits, &computed.session.take(Role::ALL[0], length)?, 0, &mut sum);
        }
        let share = computed.finish(bits);
        let mut own = Zeroizing::new(vec![0; elements]);
        unpack(bits, share.packed(), 0, &mut own);
        sum.iter_mut().zip(own.iter()).for_each(|(sum, own)| *sum = sum.wrapping_add(*own));
        let mut packed = Vec::new();
        pack(bits, &sum, &mut packed);
        Ok((packed, share.ledger().clone()))
    }
}

/// Why servers did not come together.
enum Trouble {
    /// Both know it, and try again.
    Both(Error),
    /// The other one is not there to try again.
    Ours(Error),
}

fn apart() -> Error {
    let what = "The two servers did not come to the same epoch. Ask again in a moment.";
    Error::new(Blame::Unreachable, "E347", what)
}

fn unmet(peer: usize, error: LinkError) -> Error {
    let what = match error {
        LinkError::Closed => "is gone",
        LinkError::Ended => "gave no tickets",
        LinkError::Late | LinkError::Unmet => "did not come in time",
        LinkError::Unasked | LinkError::Length { .. } => "said something else than was expected",
    };
    Error::new(Blame::Unreachable, "E320", format!("No tickets: party {peer} {what}."))
}

impl Host for ServerHost {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn waits(&self) -> bool {
        true
    }

    /// What is asked for is limited when it is given: a ticket is an answer.
    fn rows(&self, request: &InferRequest) -> usize {
        wire::rows_of_tickets(request)
    }

    /// A computation that begins and is given up at once is over for the other server too.
    fn decline(&self, mut request: InferRequest) {
        let head = request.take(wire::HEAD).unwrap_or_default();
        let question = Question::decode(u8::from(self.me), &head, request.take(wire::BODY));
        if let Ok(Question::Compute(compute)) = question
            && self.work.talks()
            && compute.bundle == self.layout.bundle
        {
            drop(self.peers.meet(&compute.ticket.statement(&compute.commitment)));
        }
    }

    fn infer(&self, mut request: InferRequest) -> Result<InferReply, Error> {
        let head = request.take(wire::HEAD).unwrap_or_default();
        let question = Question::decode(u8::from(self.me), &head, request.take(wire::BODY))?;
        let bundle = match &question {
            Question::Tickets(ask) => ask.bundle,
            Question::Compute(compute) => compute.bundle,
        };
        if bundle != self.layout.bundle {
            return Err(another_bundle("party", &self.layout.bundle, &bundle));
        }
        let reply = match question {
            Question::Tickets(ask) => self.tickets(&ask)?,
            Question::Compute(compute) => self.compute(*compute)?,
        };
        Ok(InferReply { id: request.id, ..reply })
    }
}
