//! The client: it encrypts rows under a key of its own, and decrypts scores.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use privet_he::client::Key;
use privet_he::packing::Packing;
use privet_he::parameters::{ANSWERS_PER_KEY, MOST_ANSWER_BYTES};
use privet_he::ring::Ring;
use privet_model::encode::Encoder;
use privet_model::graph::Port;
use privet_model::head::Rows;
use privet_model::tensor::Tensor;
use privet_ring::entropy::Entropy;
use privet_ring::prg::Seed;
use zeroize::Zeroizing;

use crate::bundle::{PublicBundle, no_entropy};
use crate::caller::{Answer, Asked, Between, Caller, Job, Pending, Preparation, check_rows, pieces};
use crate::error::Error;
use crate::he::ASSURANCE;
use crate::he::ahead::{Preparing, TicketsPending, under_tickets};
use crate::he::bundle::HePart;
use crate::he::tickets::{Pool, fill_masks};
use crate::he::wire::{ANSWER, Question, Wanted, digest, key_id, ticket};
use crate::oip::{InferReply, InferRequest};

/// Ciphertexts of one call: few enough that the server works on the first while the client encrypts the next.
const CIPHERTEXTS_PER_CALL: usize = 3;

/// The client.
pub struct HeCaller {
    pub(super) name: String,
    outputs: Vec<Port>,
    pub(super) part: HePart,
    ring: Ring,
    pub(super) encoder: Encoder,
    pub(super) bundle: [u8; 32],
    own: Mutex<Option<Current>>,
    pub(super) tickets: Pool,
    /// Rows that there should be tickets for.
    wanted: AtomicUsize,
    pub(super) preparing: AtomicBool,
    /// Whether the next question for tickets brings the key, as the last one was in vain.
    pub(super) bring_key: AtomicBool,
}

/// A key, and whether the server has it.
struct OwnKey {
    key: Key,
    id: [u8; 32],
    known: AtomicBool,
}

/// The key of the next ciphertexts, and what is left of it.
struct Current {
    key: Arc<OwnKey>,
    next: u32,
    answers: u32,
}

impl HeCaller {
    /// For the deployment that this public half of a bundle describes.
    pub fn new(public: &PublicBundle) -> Result<Arc<Self>, Error> {
        let part = public.he()?.clone();
        let (name, outputs) = (public.manifest().name.clone(), public.manifest().outputs.clone());
        let (ring, encoder) = (Ring::new(part.parameters.clone()), part.plan.encoder());
        Ok(Arc::new(Self {
            name,
            outputs,
            ring,
            encoder,
            part,
            bundle: public.digest(),
            own: Mutex::new(None),
            tickets: Pool::default(),
            wanted: AtomicUsize::new(0),
            preparing: AtomicBool::new(false),
            bring_key: AtomicBool::new(false),
        }))
    }

    fn packing(&self, rows: usize) -> Packing {
        Packing::of(self.ring.parameters(), self.encoder.columns(), self.part.scores, rows)
    }

    /// A key, and the number of the first of so many public polynomials that no other ciphertext will have.
    fn claim(
        &self,
        ciphertexts: usize,
        answers: usize,
        entropy: &mut dyn Entropy,
    ) -> Result<(Arc<OwnKey>, u32), Error> {
        let too_many = || Error::usage("E106", "Too many rows in one call.");
        let whole = |n: usize| u32::try_from(n).ok().filter(|&n| n <= ANSWERS_PER_KEY).ok_or_else(too_many);
        let (ciphertexts, answers) = (whole(ciphertexts)?, whole(answers)?);
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let left = own.take().filter(|own| own.answers + answers <= ANSWERS_PER_KEY);
        let mut current = left.map_or_else(|| self.draw(entropy), Ok)?;
        let first = current.next;
        // As many answers as ciphertexts at least, so numbers last as long as the key.
        (current.next, current.answers) = (first + ciphertexts, current.answers + answers);
        let key = Arc::clone(&current.key);
        *own = Some(current);
        Ok((key, first))
    }

    fn draw(&self, entropy: &mut dyn Entropy) -> Result<Current, Error> {
        let key = Key::draw(&self.ring, self.bundle, entropy).map_err(no_entropy)?;
        let id = key_id(&self.bundle, &key.seed().seed, key.public());
        Ok(Current { key: Arc::new(OwnKey { key, id, known: AtomicBool::new(false) }), next: 1, answers: 0 })
    }

    /// A question on so many rows, whose columns `fill` writes, row by row. The key comes along until it is known, and where it is asked
    /// for, after a question in vain: another job may have learnt meanwhile that *some* server has it.
    fn question(
        &self,
        wanted: Wanted,
        packing: &Packing,
        rows: usize,
        bring_key: bool,
        mut fill: impl FnMut(usize, &mut [u64]) -> Result<(), Error>,
        entropy: &mut dyn Entropy,
    ) -> Result<(AskedOf, InferRequest), Error> {
        let (ciphertexts, columns) = (packing.ciphertexts(rows), self.encoder.columns());
        let (own, first) = self.claim(ciphertexts, rows * self.part.scores, entropy)?;
        let mut sent = Vec::with_capacity(ciphertexts * self.ring.parameters().polynomial_bytes());
        let mut plaintext = Zeroizing::new(vec![0; self.ring.degree()]);
        for (at, index) in (0..ciphertexts).zip(first..) {
            plaintext.fill(0);
            for row in 0..packing.rows_in(at, rows) {
                let place = packing.place(row);
                fill(at * packing.rows_in_one + row, &mut plaintext[place..place + columns])?;
            }
            own.key.encrypt(&self.ring, index, &plaintext, entropy, &mut sent).map_err(no_entropy)?;
        }
        let known = !bring_key && own.known.load(Ordering::Relaxed);
        let question = Question {
            wanted,
            rows: u32::try_from(rows).map_err(|_| Error::usage("E106", "Too many rows in one call."))?,
            first,
            bundle: self.bundle,
            seed: own.key.seed().seed,
            id: own.id,
            key: (!known).then(|| own.key.public().to_vec().into()),
            ciphertexts: sent.into(),
        };
        let head = question.head();
        let ticket = if wanted == Wanted::Tickets { ticket(&head, &question.ciphertexts) } else { [0; 32] };
        let asked = AskedOf { own, digest: digest(&head), ticket, brought_key: !known };
        Ok((asked, question.call(&self.name, head)))
    }

    /// What the server answered, by row and then by score, modulo 2^k.
    pub(super) fn opened(
        &self,
        asked: &AskedOf,
        packing: &Packing,
        rows: usize,
        reply: Option<&InferReply>,
    ) -> Result<Zeroizing<Vec<u64>>, Error> {
        let mut rest = answered(reply, &asked.digest)?;
        let parameters = self.ring.parameters();
        let mut all = Zeroizing::new(Vec::with_capacity(rows * self.part.scores));
        for at in 0..packing.ciphertexts(rows) {
            let (rows, in_one) = (packing.rows_in(at, rows), packing.scores_in_one);
            let few = parameters.answer_bytes(rows * in_one);
            let bytes = packing.products() * (parameters.answer_bytes(parameters.degree) + few);
            let (one, others) = rest.split_at(bytes.min(rest.len()));
            let products = asked.own.key.decrypt(&self.ring, packing, rows, one);
            let products = products.map_err(|_| wrong("sent an answer of another length"))?;
            for row in 0..rows {
                all.extend(products.iter().flat_map(|product| &product[row * in_one..(row + 1) * in_one]));
            }
            rest = others;
        }
        if !rest.is_empty() {
            return Err(wrong("sent an answer of another length"));
        }
        asked.own.known.store(true, Ordering::Relaxed);
        Ok(all)
    }

    /// What scores say.
    pub(super) fn finished(&self, elements: &[u64]) -> Result<Answer, Error> {
        let HePart { plan, tail, scores: width, .. } = &self.part;
        let scores: Vec<f64> = elements.iter().map(|&element| plan.decode(element)).collect();
        Ok(Answer { outputs: tail.finish(&scores, *width)?, scores, between: Between::default() })
    }

    /// Writes the encoded columns of one row after the other.
    pub(super) fn encode<'a>(
        &'a self,
        rows: &'a Rows<'a>,
        first: usize,
    ) -> impl FnMut(usize, &mut [u64]) -> Result<(), Error> + 'a {
        let mut values = Zeroizing::new(vec![0.0; self.encoder.columns()]);
        move |row, out| Ok(self.encoder.encode(&self.part.head, rows, first + row, &mut values, out)?)
    }
}

/// A question that was asked: under which key, and by what its answer begins.
pub(super) struct AskedOf {
    own: Arc<OwnKey>,
    digest: [u8; 32],
    /// By which tickets of it are referred to.
    pub(super) ticket: [u8; 32],
    pub(super) brought_key: bool,
}

pub(super) fn wrong(what: &str) -> Error {
    Error::integrity("E512", format!("The server {what}. No answer was released."))
}

/// The answer to this very question.
pub(super) fn answered<'a>(reply: Option<&'a InferReply>, digest: &[u8; 32]) -> Result<&'a [u8], Error> {
    let raw = reply.and_then(|reply| reply.outputs.iter().find(|raw| raw.name == ANSWER));
    let raw = raw.ok_or_else(|| wrong("sent no answer"))?;
    let (of, rest) = raw.data.split_first_chunk::<32>().ok_or_else(|| wrong("sent too little"))?;
    if of == digest { Ok(rest) } else { Err(wrong("answered another question than the one that was asked")) }
}

impl Caller for Arc<HeCaller> {
    fn inputs(&self) -> &[Port] {
        &self.part.head.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn bound(&self) -> Option<f64> {
        Some(self.part.plan.bound)
    }

    fn assurance(&self) -> &'static str {
        ASSURANCE
    }

    fn prepare_ahead(&self, rows: usize) {
        self.wanted.store(rows, Ordering::Relaxed);
    }

    fn is_short(&self) -> bool {
        self.tickets.left() < self.wanted.load(Ordering::Relaxed)
    }

    fn preparation(&self, entropy: &mut dyn Entropy) -> Result<Option<Preparation>, Error> {
        if !self.is_short() || self.preparing.swap(true, Ordering::Acquire) {
            return Ok(None);
        }
        // From here on, whatever happens, another one may prepare once this is dropped.
        let preparing = Preparing(Arc::clone(self));
        let most = (ANSWERS_PER_KEY as usize / self.part.scores).max(1);
        let rows = self.packing(usize::MAX).rows_in_one.min(most);
        let (seed, packing) = (Seed::draw(entropy).map_err(no_entropy)?, self.packing(rows));
        let masks = |place: usize, out: &mut [u64]| {
            let row = u32::try_from(place).map_err(|_| Error::usage("E106", "Too many rows in one call."))?;
            fill_masks(&seed, row, out);
            Ok(())
        };
        let (asked, message) = self.question(
            Wanted::Tickets,
            &packing,
            rows,
            self.bring_key.swap(false, Ordering::Relaxed),
            masks,
            entropy,
        )?;
        let pending = Box::new(TicketsPending { preparing, asked, packing, rows, seed });
        Ok(Some(Preparation { messages: vec![message], pending }))
    }

    fn jobs(&self, rows: Arc<Vec<Tensor>>, _: &mut dyn Entropy) -> Result<Vec<Box<dyn Job>>, Error> {
        let count = self.part.head.bind(&rows)?.len();
        if let Some(tickets) = self.tickets.take(count) {
            if tickets.len() > 1 {
                check_rows(&self.part.head, &self.encoder, &rows)?;
            }
            return Ok(under_tickets(self, &rows, tickets));
        }
        let fit = MOST_ANSWER_BYTES / self.part.parameters.largest_answer(self.part.needs()).max(1);
        let most = CIPHERTEXTS_PER_CALL.min(fit) * self.packing(usize::MAX).rows_in_one;
        let at_a_time = most.min(ANSWERS_PER_KEY as usize / self.part.scores).max(1);
        if count > at_a_time {
            check_rows(&self.part.head, &self.encoder, &rows)?;
        }
        let job = |range| {
            let (caller, rows) = (Arc::clone(self), Arc::clone(&rows));
            Box::new(HeJob { caller, rows, range, key: None }) as Box<dyn Job>
        };
        Ok(pieces(count, at_a_time).map(job).collect())
    }
}

struct HeJob {
    caller: Arc<HeCaller>,
    rows: Arc<Vec<Tensor>>,
    range: Range<usize>,
    /// The key under which these rows were asked about before, in vain.
    key: Option<Arc<OwnKey>>,
}

impl Job for HeJob {
    fn ask(self: Box<Self>, entropy: &mut dyn Entropy) -> Result<Asked, Error> {
        let Self { caller, rows, range, key } = *self;
        let (count, packing) = (range.len(), caller.packing(range.len()));
        let bound = caller.part.head.bind(&rows)?;
        let fill = caller.encode(&bound, range.start);
        let (asked, message) =
            caller.question(Wanted::Scores, &packing, count, key.is_some(), fill, entropy)?;
        let key = Some(Arc::clone(&asked.own));
        let pending = HePending { caller: Arc::clone(&caller), asked, rows: count, packing };
        let again = Self { caller, rows, range, key };
        Ok(Asked { messages: vec![message], pending: Box::new(pending), again: Some(Box::new(again)) })
    }

    fn forget(&self) {
        if let Some(own) = &self.key {
            own.known.store(false, Ordering::Relaxed);
        }
    }
}

struct HePending {
    caller: Arc<HeCaller>,
    asked: AskedOf,
    rows: usize,
    packing: Packing,
}

impl Pending for HePending {
    fn answer(self: Box<Self>, replies: Vec<InferReply>) -> Result<Answer, Error> {
        let scores = self.caller.opened(&self.asked, &self.packing, self.rows, replies.first())?;
        self.caller.finished(&scores)
    }
}
