//! Multi-party computation: the client that splits rows into shares, and the party that answers with a share.

use std::sync::Arc;

use privet_model::encode::Encoder;
use privet_model::graph::Port;
use privet_model::private::Program;
use privet_model::tensor::Tensor;
use privet_mpc::Abort;
use privet_mpc::correlated::PairKeys;
use privet_mpc::link::{Links, Peers};
use privet_mpc::protect::Protect;
use privet_mpc::protocols::protocol::Protocol as _;
use privet_mpc::protocols::replicated3::{self, Input, Replicated, Replicated3};
use privet_mpc::request::{Layout, PartyRequest, Request, Split, Ticket, combine};
use privet_mpc::role::{PARTIES, Role};
use privet_mpc::run::{Columns, Inputs, Owned, run};
use privet_mpc::session::{OutputShare, Session};
use privet_mpc::weights::PartyWeights;
use privet_ring::block_rows;
use privet_ring::entropy::Entropy;
use privet_ring::pack::{packed_len, unpack};

use crate::bundle::{MpcPart, PartySecret, PublicBundle, another_bundle, no_entropy};
use crate::caller::{Answer, Asked, Between, Caller, Job, Pending, check_rows, pieces};
use crate::error::{Blame, Error};
use crate::numbers::Numbers;
use crate::oip::{Host, InferReply, InferRequest, Metadata, Parameter, RawTensor, TensorMetadata};
use crate::wire;

/// The tensor of a request that holds its head, as [`wire`] writes it.
pub const HEAD: &str = "request";
/// The tensor that holds the explicit share.
pub const BODY: &str = "share";
const ANSWER: &str = "answer";
/// What a reply may be believed to have run under.
const ASSURANCE: &str = "no two parties collude";
const ROUNDS_BETWEEN: &str = "rounds_between";
const BYTES_BETWEEN: &str = "bytes_between";

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
        ASSURANCE
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
    fn ask(self: Box<Self>, _: &mut dyn Entropy) -> Result<Asked, Error> {
        let Self { caller, rows, request, ticket, range } = *self;
        let count =
            u32::try_from(range.len()).map_err(|_| Error::usage("E106", "Too many rows in one chunk."))?;
        let bound = caller.part.head.bind(&rows)?;
        let mut values =
            zeroize::Zeroizing::new(vec![0.0; block_rows(caller.layout.columns) * caller.layout.columns]);
        let split: Split = request.split(ticket, &caller.layout, count, |first, out| {
            let (head, first) = (&caller.part.head, range.start + first);
            caller.encoder.encode(head, &bound, first, &mut values[..out.len()], out)
        })?;
        let model = &caller.name;
        let messages =
            Role::ALL.iter().zip(&split.messages).map(|(&role, m)| message(model, role, m)).collect();
        let pending = MpcPending { caller: Arc::clone(&caller), rows: range.len(), point: split.point };
        Ok(Asked { messages, pending: Box::new(pending), again: None })
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
    point: [u8; 32],
}

impl Pending for MpcPending {
    fn answer(self: Box<Self>, replies: Vec<InferReply>) -> Result<Answer, Error> {
        let MpcPart { numbers, scores: width, tail, .. } = &self.caller.part;
        let mut shares = replies.iter().zip(Role::ALL).map(|(reply, role)| self.share(reply, role));
        let mut next =
            || shares.next().unwrap_or_else(|| Err(Error::integrity("E511", "A party did not answer.")));
        let sums = combine([next()?, next()?, next()?]);
        let scores = numbers.decode(&sums);
        let between = Between {
            bytes: replies.iter().map(|r| counted(r, BYTES_BETWEEN)).fold(0, u64::saturating_add),
            rounds: replies.iter().map(|r| counted(r, ROUNDS_BETWEEN)).max().unwrap_or(0),
        };
        Ok(Answer { outputs: tail.finish(&scores, *width)?, scores, between })
    }
}

fn counted(reply: &InferReply, what: &str) -> u64 {
    let value = reply.parameters.iter().find(|(name, _)| name == what).map(|(_, value)| value);
    if let Some(Parameter::Int(n)) = value { u64::try_from(*n).unwrap_or(0) } else { 0 }
}

impl MpcPending {
    /// One party's answer share, if it belongs to this very request.
    fn share(&self, reply: &InferReply, role: Role) -> Result<Vec<u64>, Error> {
        let Layout { scores, answer_bits, .. } = self.caller.layout;
        let wrong = |what: &str| {
            Error::integrity("E511", format!("Party {} {what}. No answer was released.", role.index()))
        };
        let raw =
            reply.outputs.iter().find(|raw| raw.name == ANSWER).ok_or_else(|| wrong("sent no answer"))?;
        let (point, packed) = raw.data.split_first_chunk::<32>().ok_or_else(|| wrong("sent too little"))?;
        if *point != self.point {
            return Err(wrong("answered another request than the one that was sent"));
        }
        let elements = self.rows * scores;
        if Some(packed.len()) != packed_len(elements, answer_bits) {
            return Err(wrong("sent an answer of another length"));
        }
        let mut share = vec![0; elements];
        unpack(answer_bits, packed, 0, &mut share);
        Ok(share)
    }
}

/// A party: stateless between requests.
pub struct PartyHost {
    role: Role,
    layout: Layout,
    work: Work,
    keys: PairKeys,
    peers: Option<Arc<dyn Peers>>,
    bound: f64,
    metadata: Metadata,
}

/// What a party does with a request.
enum Work {
    Linear(PartyWeights),
    Program(Box<Program>, Vec<Owned<Replicated>>),
}

impl Work {
    /// The share of a model, if it fits the model's public half.
    fn new(part: &MpcPart, layout: &Layout, role: Role, secret: PartySecret) -> Option<Self> {
        match (&part.numbers, secret) {
            (Numbers::Linear(_), PartySecret::Linear(weights)) => {
                let fits = weights.bias.len() == part.scores
                    && weights.factors.len() == layout.protect.components(role).len()
                    && weights
                        .factors
                        .iter()
                        .all(|f| Some(f.len()) == layout.columns.checked_mul(part.scores));
                fits.then_some(Self::Linear(weights))
            }
            (Numbers::Program(program), PartySecret::Program(constants)) => {
                let fits = constants.fit(program, part.protect);
                fits.then(|| Self::Program(program.clone(), constants.owned(program)))
            }
            _ => None,
        }
    }

    /// This party's share of everything that is revealed.
    fn run(
        &self,
        mut session: Session,
        layout: &Layout,
        request: PartyRequest,
    ) -> Result<OutputShare, Abort> {
        match self {
            Self::Linear(weights) => {
                let output = session.step("linear", |s| replicated3::linear(s, layout, weights, request))?;
                Ok(session.finish(output, layout.answer_bits))
            }
            Self::Program(program, secrets) => {
                let inputs = Inputs { secrets, rows: request.statement.rows as usize };
                let mut protocol = Replicated3 { session };
                let columns = columns(&mut protocol, program, secrets, layout, request)?;
                let output = run(&mut protocol, program, &inputs, columns)?;
                Ok(protocol.session.finish(Replicated3::output(output), layout.answer_bits))
            }
        }
    }
}

/// The rows of a request: through the first matrix at once, where all of them go through one that is shared as they are.
fn columns(
    protocol: &mut Replicated3,
    program: &Program,
    secrets: &[Owned<Replicated>],
    layout: &Layout,
    request: PartyRequest,
) -> Result<Columns<Replicated3>, Abort> {
    let matrix = program.first_matrix().map(|(step, weights)| (step, &secrets[weights]));
    if let (Protect::Both, Some((step, Owned::Secret(matrix)))) = (layout.protect, matrix) {
        let k = program.numbers[step].ring;
        let product = replicated3::product(&mut protocol.session, layout, request, matrix, k)?;
        return Ok(Columns::Product(product));
    }
    let tensor = match replicated3::input(&mut protocol.session, layout, request)? {
        Input::Shared(tensor) => tensor,
        Input::Summed(tensor) => protocol.reshare(tensor)?,
        Input::Known(tensor) => protocol.public(&tensor, layout.k),
    };
    Ok(Columns::Tensor(tensor.into()))
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
    ) -> Result<Self, Error> {
        let layout = bundle.layout()?;
        let part = bundle.mpc()?;
        let misfit = || Error::refused("E230", "The share of the model does not fit its own bundle.");
        let work = Work::new(part, &layout, role, secret).ok_or_else(misfit)?;
        let (bound, metadata) = (part.numbers.bound(), metadata(bundle, part, role));
        Ok(Self { role, layout, work, keys, peers, bound, metadata })
    }
}

fn metadata(bundle: &PublicBundle, part: &MpcPart, role: Role) -> Metadata {
    let bytes = |name: &str| TensorMetadata { name: name.into(), datatype: "UINT8".into(), shape: vec![-1] };
    let text = |name: &str, value: String| (name.to_owned(), Parameter::Text(value));
    let explicit = part.layout([0; 32]).protect.components(role).iter().any(|c| !c.is_seeded());
    Metadata {
        name: bundle.manifest().name.clone(),
        version: "1".into(),
        platform: "privet_mpc".into(),
        inputs: std::iter::once(HEAD).chain(explicit.then_some(BODY)).map(bytes).collect(),
        outputs: vec![bytes(ANSWER)],
        parameters: vec![
            text("assurance", ASSURANCE.into()),
            text("protocol", part.protocol.clone()),
            text("party", role.index().to_string()),
            text("bundle", bundle.digest_hex()),
            text("trust", bundle.trust_card().to_string()),
            ("bound".into(), Parameter::Double(part.numbers.bound())),
        ],
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

    fn infer(&self, mut request: InferRequest) -> Result<InferReply, Error> {
        let mut take = |name: &str| {
            let at = request.inputs.iter().position(|raw| raw.name == name)?;
            Some(request.inputs.swap_remove(at).data)
        };
        let head = take(HEAD).ok_or_else(|| {
            Error::usage("E330", "This is not a message for a party: its tensor `request` is missing.")
        })?;
        let message = wire::decode(self.role, &head, take(BODY))?;
        if message.statement.bundle != self.layout.bundle {
            return Err(another_bundle("party", &self.layout.bundle, &message.statement.bundle));
        }
        let point = message.statement.point();
        let links = self.peers.as_ref().map_or_else(|| Ok(Links::none()), |peers| peers.meet(&point));
        let session = Session::new(self.role, links.map_err(aborted)?, self.keys.clone(), point);
        let share = self.work.run(session, &self.layout, message).map_err(aborted)?;
        let mut answer = Vec::with_capacity(32 + share.packed().len());
        answer.extend_from_slice(&point);
        answer.extend_from_slice(share.packed());
        Ok(InferReply {
            id: request.id,
            parameters: vec![
                ("assurance".into(), Parameter::Text(ASSURANCE.into())),
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
        Abort::Busy(message) => Error::new(Blame::Unreachable, "E324", message),
        Abort::Peer { .. } | Abort::Cheated(_) => {
            Error::new(Blame::Unreachable, "E320", format!("The computation ended: {abort}."))
        }
    }
}

/// Messages that one request of so many rows sends to all parties together, and their answers: bytes of tensors, without
/// the transport's own.
pub fn traffic(layout: &Layout, rows: usize) -> (usize, usize) {
    let heads: usize = Role::ALL.iter().map(|&r| 144 + 16 * layout.protect.components(r).len()).sum();
    let one = |n: usize| {
        let up = heads + layout.protect.explicit_copies() * layout.explicit_len(n).unwrap_or(0);
        let down = PARTIES * (32 + packed_len(n * layout.scores, layout.answer_bits).unwrap_or(0));
        (up, down)
    };
    pieces(rows, layout.chunk_rows()).map(|r| one(r.len())).fold((0, 0), |(u, d), (x, y)| (u + x, d + y))
}
