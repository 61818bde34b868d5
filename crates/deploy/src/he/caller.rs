//! The client: it encrypts rows under a key of its own, and decrypts scores.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use privet_he::client::Key;
use privet_he::packing::Packing;
use privet_he::parameters::{ANSWERS_PER_KEY, MOST_ANSWER_BYTES};
use privet_he::ring::Ring;
use privet_model::encode::Encoder;
use privet_model::graph::Port;
use privet_model::head::Rows;
use privet_model::tensor::Tensor;
use privet_ring::block_rows;
use privet_ring::entropy::Entropy;
use zeroize::Zeroizing;

use crate::bundle::{PublicBundle, no_entropy};
use crate::caller::{Answer, Asked, Between, Caller, Job, Pending, check_rows, pieces};
use crate::error::Error;
use crate::he::ASSURANCE;
use crate::he::bundle::HePart;
use crate::he::wire::{ANSWER, Question, digest, key_id};
use crate::oip::InferReply;

/// Ciphertexts of one call: few enough that the server works on the first while the client encrypts the next.
const CIPHERTEXTS_PER_CALL: usize = 3;

/// The client.
pub struct HeCaller {
    name: String,
    outputs: Vec<Port>,
    part: HePart,
    ring: Ring,
    encoder: Encoder,
    bundle: [u8; 32],
    own: Mutex<Option<Current>>,
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

    /// The plaintexts of some consecutive rows, each at its place.
    fn plaintext(
        &self,
        packing: &Packing,
        rows: &Rows<'_>,
        range: Range<usize>,
    ) -> Result<Zeroizing<Vec<u64>>, Error> {
        let columns = self.encoder.columns();
        let mut plaintext = Zeroizing::new(vec![0; self.ring.degree()]);
        let block = block_rows(columns) * columns;
        let (mut values, mut encoded) = (Zeroizing::new(vec![0.0; block]), Zeroizing::new(vec![0; block]));
        for at in range.clone().step_by(block / columns) {
            let n = (range.end - at).min(block / columns) * columns;
            self.encoder.encode(&self.part.head, rows, at, &mut values[..n], &mut encoded[..n])?;
            for (row, encoded) in (at - range.start..).zip(encoded[..n].chunks_exact(columns)) {
                let place = packing.place(row);
                plaintext[place..place + columns].copy_from_slice(encoded);
            }
        }
        Ok(plaintext)
    }
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

    fn jobs(&self, rows: Arc<Vec<Tensor>>, _: &mut dyn Entropy) -> Result<Vec<Box<dyn Job>>, Error> {
        let count = self.part.head.bind(&rows)?.len();
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
        let count = range.len();
        let packing = caller.packing(count);
        let ciphertexts = packing.ciphertexts(count);
        let bound = caller.part.head.bind(&rows)?;
        let mut sent = Vec::with_capacity(ciphertexts * caller.ring.parameters().polynomial_bytes());
        let (own, first) = caller.claim(ciphertexts, count * caller.part.scores, entropy)?;
        for (at, index) in (0..ciphertexts).zip(first..) {
            let start = range.start + at * packing.rows_in_one;
            let plaintext = caller.plaintext(&packing, &bound, start..start + packing.rows_in(at, count))?;
            own.key.encrypt(&caller.ring, index, &plaintext, entropy, &mut sent).map_err(no_entropy)?;
        }
        // A second asking always brings the key: another job may have learnt meanwhile that some server has it.
        let known = key.is_none() && own.known.load(Ordering::Relaxed);
        let question = Question {
            rows: u32::try_from(count).map_err(|_| Error::usage("E106", "Too many rows in one call."))?,
            first,
            bundle: caller.bundle,
            seed: own.key.seed().seed,
            id: own.id,
            key: (!known).then(|| own.key.public().to_vec().into()),
            ciphertexts: sent.into(),
        };
        let head = question.head();
        let pending = HePending {
            caller: Arc::clone(&caller),
            own: Arc::clone(&own),
            rows: count,
            packing,
            digest: digest(&head),
        };
        let messages = vec![question.call(&caller.name, head)];
        let again = Self { caller, rows, range, key: Some(own) };
        Ok(Asked { messages, pending: Box::new(pending), again: Some(Box::new(again)) })
    }

    fn forget(&self) {
        if let Some(own) = &self.key {
            own.known.store(false, Ordering::Relaxed);
        }
    }
}

struct HePending {
    caller: Arc<HeCaller>,
    own: Arc<OwnKey>,
    rows: usize,
    packing: Packing,
    digest: [u8; 32],
}

impl Pending for HePending {
    fn answer(self: Box<Self>, replies: Vec<InferReply>) -> Result<Answer, Error> {
        let wrong =
            |what: &str| Error::integrity("E512", format!("The server {what}. No answer was released."));
        let reply = replies.into_iter().next().unwrap_or_default();
        let raw =
            reply.outputs.iter().find(|raw| raw.name == ANSWER).ok_or_else(|| wrong("sent no answer"))?;
        let (digest, rest) = raw.data.split_first_chunk::<32>().ok_or_else(|| wrong("sent too little"))?;
        if *digest != self.digest {
            return Err(wrong("answered another question than the one that was asked"));
        }
        let HePart { plan, tail, scores: width, .. } = &self.caller.part;
        let mut scores = Zeroizing::new(Vec::with_capacity(self.rows * width));
        let mut rest = rest;
        for at in 0..self.packing.ciphertexts(self.rows) {
            let rows = self.packing.rows_in(at, self.rows);
            let (one, others) = rest.split_at(self.bytes(rows).min(rest.len()));
            let products = self.own.key.decrypt(&self.caller.ring, &self.packing, rows, one);
            let products = products.map_err(|_| wrong("sent an answer of another length"))?;
            let in_one = self.packing.scores_in_one;
            for row in 0..rows {
                let of_row = products.iter().flat_map(|product| &product[row * in_one..(row + 1) * in_one]);
                scores.extend(of_row.map(|&score| plan.decode(score)));
            }
            rest = others;
        }
        if !rest.is_empty() {
            return Err(wrong("sent an answer of another length"));
        }
        self.own.known.store(true, Ordering::Relaxed);
        let outputs = tail.finish(&scores, *width)?;
        Ok(Answer { outputs, scores: std::mem::take(&mut *scores), between: Between::default() })
    }
}

impl HePending {
    /// Bytes of the answer to one ciphertext of so many rows.
    fn bytes(&self, rows: usize) -> usize {
        let parameters = self.caller.ring.parameters();
        let answers = rows * self.packing.scores_in_one;
        self.packing.products()
            * (parameters.answer_bytes(parameters.degree) + parameters.answer_bytes(answers))
    }
}
