//! Multi-party computation: the client that splits rows into shares, and the party that answers with a share.

use std::sync::Arc;

use privet_model::encode::Encoder;
use privet_model::graph::Port;
use privet_model::head::Rows;
use privet_model::tensor::Tensor;
use privet_mpc::Abort;
use privet_mpc::correlated::PairKeys;
use privet_mpc::link::{Links, Peers};
use privet_mpc::protocols::replicated3_malicious::open;
use privet_mpc::request::{Layout, PartyRequest, Request, Split, Ticket, combine};
use privet_mpc::role::{PARTIES, Role};
use privet_mpc::run::Room;
use privet_mpc::session::Session;
use privet_mpc::unverified::Checks;
use privet_ring::block_rows;
use privet_ring::entropy::Entropy;
use privet_ring::pack::{packed_len, unpack};

use crate::bundle::{MpcPart, PartySecret, PublicBundle, another_bundle, no_entropy};
use crate::caller::{Answer, Asked, Between, Caller, Job, Pending, check_rows, pieces};
use crate::error::{Blame, Error};
use crate::oip::{Host, InferReply, InferRequest, Metadata, Parameter, RawTensor, TensorMetadata};
use crate::wire;
use crate::work::Work;

/// The tensor of a request that holds its head, as [`wire`] writes it.
pub const HEAD: &str = "request";
/// The tensor that holds the explicit share.
pub const BODY: &str = "share";
pub(crate) const ANSWER: &str = "answer";
/// What a reply may be believed to have run under.
pub(crate) const ASSURANCE: &str = "no two parties collude";
/// The same where a party that cheats is found out.
const CHECKED: &str = "no two parties collude; cheats are found out";
pub(crate) const ROUNDS_BETWEEN: &str = "rounds_between";
pub(crate) const BYTES_BETWEEN: &str = "bytes_between";
pub(crate) const BYTES_DEALT: &str = "bytes_dealt";

/// The client.
pub struct MpcCaller {
    name: String,
    outputs: Vec<Port>,
    part: MpcPart,
    layout: Layout,
    encoder: Encoder,
}

impl MpcCaller {
    /// For the deployment that this public half of a bundle describes.
    pub fn new(bundle: &PublicBundle) -> Result<Arc<Self>, Error> {
        let part = bundle.mpc()?.clone();
        let encoder = part.numbers.encoder();
        let (name, outputs) = (bundle.manifest().name.clone(), bundle.manifest().outputs.clone());
        Ok(Arc::new(Self { name, outputs, layout: bundle.layout()?, encoder, part }))
    }
}

impl Caller for Arc<MpcCaller> {
    fn inputs(&self) -> &[Port] {
        &self.part.head.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn bound(&self) -> Option<f64> {
        Some(self.part.numbers.bound())
    }

    fn assurance(&self) -> &'static str {
        assurance(&self.part)
    }

    fn jobs(&self, rows: Arc<Vec<Tensor>>, entropy: &mut dyn Entropy) -> Result<Vec<Box<dyn Job>>, Error> {
        let count = self.part.head.bind(&rows)?.len();
        if count > self.layout.chunk_rows() {
            check_rows(&self.part.head, &self.encoder, &rows)?;
        }
        let mut request = Request::draw(entropy).map_err(no_entropy)?;
        let mut jobs = Vec::new();
        for range in pieces(count, self.layout.chunk_rows()) {
            let ticket = request.ticket().ok_or_else(|| {
                Error::refused("E106", "So many rows need more than one request; send them in parts.")
            })?;
            jobs.push((ticket, range));
        }
        let request = Arc::new(request);
        let job = |(ticket, range)| {
            let (caller, rows, request) = (Arc::clone(self), Arc::clone(&rows), Arc::clone(&request));
            Box::new(MpcJob { caller, rows, request, ticket, range }) as Box<dyn Job>
        };
        Ok(jobs.into_iter().map(job).collect())
    }
}

struct MpcJob {
    caller: Arc<MpcCaller>,
    rows: Arc<Vec<Tensor>>,
    request: Arc<Request>,
    ticket: Ticket,
    range: std::ops::Range<usize>,
}

impl Job for MpcJob {
    fn ask(self: Box<Self>, entropy: &mut dyn Entropy) -> Result<Asked, Error> {
        let Self { caller, rows, request, ticket, range } = *self;
        let count =
            u32::try_from(range.len()).map_err(|_| Error::usage("E106", "Too many rows in one chunk."))?;
        let bound = caller.part.head.bind(&rows)?;
        let (layout, head) = (&caller.layout, &caller.part.head);
        let mut values = zeroize::Zeroizing::new(vec![0.0; block_rows(layout.columns) * layout.columns]);
        let (split, checks): (Split, _) = if layout.check_rows == 0 {
            let split = request.split(ticket, layout, count, |first, out| {
                caller.encoder.encode(head, &bound, range.start + first, &mut values[..out.len()], out)
            })?;
            (split, None)
        } else {
            let checks = Checks::draw(range.len(), layout.columns, entropy).map_err(no_entropy)?;
            let mut rows = CheckedRows { caller: &caller, rows: &bound, range: range.clone(), checks };
            let all = u32::try_from(range.len() + layout.check_rows).unwrap_or(u32::MAX);
            let split =
                request.split(ticket, layout, all, |first, out| rows.write(first, &mut values, out))?;
            (split, Some(rows.checks))
        };
        let model = &caller.name;
        let messages =
            Role::ALL.iter().zip(&split.messages).map(|(&role, m)| message(model, role, m)).collect();
        let pending =
            MpcPending { caller: Arc::clone(&caller), rows: range.len(), checks, point: split.point };
        Ok(Asked { messages, pending: Box::new(pending), again: None })
    }
}

/// The rows of a chunk, and then the sums of them that check the answers: each with a column more that is 1 in every row.
struct CheckedRows<'a> {
    caller: &'a MpcCaller,
    rows: &'a Rows<'a>,
    range: std::ops::Range<usize>,
    checks: Checks,
}

impl CheckedRows<'_> {
    /// Encodes rows `first..`, as many as `out` holds.
    fn write(&mut self, first: usize, values: &mut [f64], out: &mut [u64]) -> Result<(), Error> {
        let columns = self.caller.layout.columns;
        for (at, row) in (first..).zip(out.chunks_exact_mut(columns)) {
            if let Some(check) = at.checked_sub(self.range.len()) {
                row.copy_from_slice(self.checks.row(check));
                continue;
            }
            let (constant, own) = row.split_last_mut().ok_or_else(|| Error::usage("E106", "No columns."))?;
            let (head, values) = (&self.caller.part.head, &mut values[..own.len()]);
            self.caller.encoder.encode(head, self.rows, self.range.start + at, values, own)?;
            *constant = 1;
            self.checks.take(at, row);
        }
        Ok(())
    }
}

fn message(model: &str, role: Role, request: &PartyRequest) -> InferRequest {
    let (head, body) = wire::encode(role, request);
    let bodies = body.map(|bytes| RawTensor::bytes(BODY, bytes));
    InferRequest {
        model: model.into(),
        inputs: std::iter::once(RawTensor::bytes(HEAD, head)).chain(bodies).collect(),
        ..InferRequest::default()
    }
}

struct MpcPending {
    caller: Arc<MpcCaller>,
    rows: usize,
    /// Where the client checks the answers.
    checks: Option<Checks>,
    point: [u8; 32],
}

impl Pending for MpcPending {
    fn answer(self: Box<Self>, replies: Vec<InferReply>) -> Result<Answer, Error> {
        let caller = Arc::clone(&self.caller);
        let MpcPart { numbers, scores: width, tail, .. } = &caller.part;
        let between = Between {
            bytes: replies.iter().map(|r| counted(r, BYTES_BETWEEN)).fold(0, u64::saturating_add),
            rounds: replies.iter().map(|r| counted(r, ROUNDS_BETWEEN)).max().unwrap_or(0),
            dealt: 0,
        };
        let scores = numbers.decode(&self.sums(&replies)?);
        Ok(Answer { outputs: tail.finish(&scores, *width)?, scores, between })
    }
}

pub(crate) fn counted(reply: &InferReply, what: &str) -> u64 {
    let value = reply.parameters.iter().find(|(name, _)| name == what).map(|(_, value)| value);
    if let Some(Parameter::Int(n)) = value { u64::try_from(*n).unwrap_or(0) } else { 0 }
}

impl MpcPending {
    /// What all parties together say, if it can be believed.
    fn sums(self, replies: &[InferReply]) -> Result<Vec<u64>, Error> {
        let Layout { scores, answer_bits, check_rows, .. } = self.caller.layout;
        let holds_both = self.caller.part.header().finds_cheats && self.checks.is_none();
        let elements = (self.rows + check_rows) * scores;
        let length =
            packed_len(elements, answer_bits).and_then(|one| one.checked_mul(1 + usize::from(holds_both)));
        let mut packed = replies
            .iter()
            .zip(Role::ALL)
            .map(|(reply, role)| packed_answer(reply, role, &self.point, length));
        let mut next =
            || packed.next().unwrap_or_else(|| Err(Error::integrity("E511", "A party did not answer.")));
        let packed = [next()?, next()?, next()?];
        if holds_both {
            let cheated = |e| Error::integrity("E515", format!("{e}. No answer was released."));
            return open(packed, elements, answer_bits).map_err(cheated);
        }
        let sums = combine(packed.map(|packed| {
            let mut share = vec![0; elements];
            unpack(answer_bits, packed, 0, &mut share);
            share
        }));
        let Some(checks) = self.checks else { return Ok(sums) };
        let cheated = |_| {
            let what = "One of the parties changed an answer: the check failed, and nothing was released.";
            Error::integrity("E514", what)
        };
        checks.answered(sums, scores, answer_bits).verify().map_err(cheated)
    }
}

/// A party's packed answer of so many bytes, if it belongs to the very request of that name.
pub(crate) fn packed_answer<'a>(
    reply: &'a InferReply,
    role: Role,
    request: &[u8; 32],
    length: Option<usize>,
) -> Result<&'a [u8], Error> {
    let wrong = |what: &str| {
        Error::integrity("E511", format!("Party {} {what}. No answer was released.", role.index()))
    };
    let raw = reply.outputs.iter().find(|raw| raw.name == ANSWER).ok_or_else(|| wrong("sent no answer"))?;
    let (point, packed) = raw.data.split_first_chunk::<32>().ok_or_else(|| wrong("sent too little"))?;
    if point != request {
        return Err(wrong("answered another request than the one that was sent"));
    }
    if Some(packed.len()) != length {
        return Err(wrong("sent an answer of another length"));
    }
    Ok(packed)
}

/// Where a party's randomness comes from, anew for each request.
pub type Source = Box<dyn Fn() -> Box<dyn Entropy> + Send + Sync>;

/// A party: stateless between requests.
pub struct PartyHost {
    role: Role,
    layout: Layout,
    work: Work,
    keys: PairKeys,
    peers: Option<Arc<dyn Peers>>,
    entropy: Source,
    bound: f64,
    /// What a program takes.
    room: Option<Room>,
    assurance: &'static str,
    metadata: Metadata,
}

fn assurance(part: &MpcPart) -> &'static str {
    if part.header().finds_cheats { CHECKED } else { ASSURANCE }
}

impl PartyHost {
    /// Party `role` of a bundle, with its share of the model and the keys that it agreed on with its neighbours. `peers`
    /// is where it meets them, for a program in which parties talk to each other; a linear one has none.
    pub fn new(
        bundle: &PublicBundle,
        role: Role,
        secret: PartySecret,
        keys: PairKeys,
        peers: Option<Arc<dyn Peers>>,
        entropy: Source,
    ) -> Result<Self, Error> {
        let layout = bundle.layout()?;
        let part = bundle.mpc()?;
        let work = Work::new(part, &layout, role, secret)?;
        let (bound, metadata) = (part.numbers.bound(), metadata(bundle, part, role));
        let (room, assurance) = (part.room(), assurance(part));
        Ok(Self { role, layout, work, keys, peers, entropy, bound, room, assurance, metadata })
    }
}

pub(crate) fn metadata(bundle: &PublicBundle, part: &MpcPart, role: Role) -> Metadata {
    let bytes = |name: &str| TensorMetadata { name: name.into(), datatype: "UINT8".into(), shape: vec![-1] };
    let text = |name: &str, value: String| (name.to_owned(), Parameter::Text(value));
    let explicit = part.layout([0; 32]).protect.components(role).iter().any(|c| !c.is_seeded());
    Metadata {
        name: bundle.manifest().name.clone(),
        version: bundle.manifest().version.to_string(),
        platform: "privet_mpc".into(),
        inputs: std::iter::once(HEAD).chain(explicit.then_some(BODY)).map(bytes).collect(),
        outputs: vec![bytes(ANSWER)],
        parameters: vec![
            text("assurance", assurance(part).into()),
            text("protocol", part.protocol.clone()),
            text("party", role.index().to_string()),
            text("bundle", bundle.digest_hex()),
            text("trust", bundle.trust_card().to_string()),
            ("bound".into(), Parameter::Double(part.numbers.bound())),
        ],
    }
}

impl PartyHost {
    fn message(&self, request: &mut InferRequest) -> Result<PartyRequest, Error> {
        let head = request.take(HEAD).ok_or_else(|| {
            Error::usage("E330", "This is not a message for a party: its tensor `request` is missing.")
        })?;
        let message = wire::decode(self.role, &head, request.take(BODY))?;
        if message.statement.bundle != self.layout.bundle {
            return Err(another_bundle("party", &self.layout.bundle, &message.statement.bundle));
        }
        Ok(message)
    }
}

impl Host for PartyHost {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn waits(&self) -> bool {
        self.peers.is_some()
    }

    fn rows(&self, request: &InferRequest) -> usize {
        request.number_in(HEAD, wire::ROWS).map_or(1, |rows| rows as usize)
    }

    /// More rows than a chunk has are refused before anything is made of them.
    fn memory(&self, request: &InferRequest) -> usize {
        let rows = self.rows(request).min(self.layout.chunk_rows());
        self.room.map_or(0, |room| room.bytes(rows))
    }

    /// A computation that begins and is given up at once is over for the peers too.
    fn decline(&self, mut request: InferRequest) {
        if let (Some(peers), Ok(message)) = (&self.peers, self.message(&mut request)) {
            drop(peers.meet(&message.statement.point()));
        }
    }

    fn infer(&self, mut request: InferRequest) -> Result<InferReply, Error> {
        let message = self.message(&mut request)?;
        let point = message.statement.point();
        let links = self.peers.as_ref().map_or_else(|| Ok(Links::none()), |peers| peers.meet(&point));
        let session = Session::new(self.role, links.map_err(aborted)?, self.keys.clone(), point);
        let mut entropy = (self.entropy)();
        let share = self.work.answer(session, &self.layout, message, &mut *entropy).map_err(aborted)?;
        let mut answer = Vec::with_capacity(32 + share.packed().len());
        answer.extend_from_slice(&point);
        answer.extend_from_slice(share.packed());
        Ok(InferReply {
            id: request.id,
            parameters: vec![
                ("assurance".into(), Parameter::Text(self.assurance.into())),
                ("bound".into(), Parameter::Double(self.bound)),
                (ROUNDS_BETWEEN.into(), Parameter::Int(share.ledger().rounds.into())),
                (
                    BYTES_BETWEEN.into(),
                    Parameter::Int(i64::try_from(share.ledger().bytes_between()).unwrap_or(i64::MAX)),
                ),
            ],
            outputs: vec![RawTensor::bytes(ANSWER, answer)],
        })
    }
}

pub(crate) fn aborted(abort: Abort) -> Error {
    match abort {
        Abort::Client(message) => Error::usage("E332", message),
        Abort::Cheated(message) => Error::integrity("E514", message),
        Abort::Busy(message) => Error::busy("E324", 1, message),
        Abort::Left => Error::usage("E334", abort.to_string()),
        Abort::Peer { .. } => {
            Error::new(Blame::Unreachable, "E320", format!("The computation ended: {abort}."))
        }
    }
}

/// Messages that one request of so many rows sends to all parties together, and their answers: bytes of tensors, without
/// the transport's own.
pub fn traffic(layout: &Layout, rows: usize) -> (usize, usize) {
    let heads: usize = Role::ALL.iter().map(|&r| 144 + 16 * layout.protect.components(r).len()).sum();
    let one = |n: usize| {
        let n = n + layout.check_rows;
        let up = heads + layout.protect.explicit_copies() * layout.explicit_len(n).unwrap_or(0);
        let down = PARTIES * (32 + packed_len(n * layout.scores, layout.answer_bits).unwrap_or(0));
        (up, down)
    };
    pieces(rows, layout.chunk_rows()).map(|r| one(r.len())).fold((0, 0), |(u, d), (x, y)| (u + x, d + y))
}
