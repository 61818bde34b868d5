//! The server: it has the model in the clear, and sees nothing of rows or answers.

use std::sync::Arc;

use privet_he::parameters::{ANSWERS_PER_KEY, MOST_ANSWER_BYTES};
use privet_he::ring::Ring;
use privet_he::sample::PublicSeed;
use privet_he::server::{Added, Failed, Model, PublicKey};
use privet_model::plan::Integers;
use privet_ring::entropy::{Entropy, EntropyFailed};
use privet_ring::pack::{pack, packed_len, unpack};
use zeroize::Zeroizing;

use crate::bundle::{PublicBundle, another_bundle, no_entropy};
use crate::error::Error;
use crate::he::ASSURANCE;
use crate::he::keys::{Keys, Known};
use crate::he::tickets::{Secret, masks};
use crate::he::wire::{
    ANSWER, CIPHERTEXTS, HEAD, KEY, MASKED, Message, Question, ROWS, UnderTicket, Wanted, key_id, ticket,
};
use crate::oip::{Host, InferReply, InferRequest, Metadata, Parameter, RawTensor, TensorMetadata};

/// Gives each call its source of randomness.
pub type Source = Box<dyn Fn() -> Box<dyn Entropy> + Send + Sync>;

/// The server of one model.
pub struct HeHost {
    ring: Ring,
    model: Model,
    integers: Integers,
    secret: Secret,
    bundle: [u8; 32],
    keys: Keys,
    entropy: Source,
    bound: f64,
    metadata: Metadata,
}

impl HeHost {
    /// Serves a model of a bundle.
    pub fn new(
        public: &PublicBundle,
        integers: Integers,
        secret: Secret,
        entropy: Source,
    ) -> Result<Self, Error> {
        let part = public.he()?;
        let ring = Ring::new(part.parameters.clone());
        let needs = part.needs();
        let model = Model::new(&ring, needs.columns, needs.norm_bits, &integers.weights, &integers.bias);
        let model = model.filter(|model| model.scores() == part.scores);
        let misfit = || Error::refused("E230", "The model does not fit its own bundle.");
        Ok(Self {
            ring,
            model: model.ok_or_else(misfit)?,
            integers,
            secret,
            bundle: public.digest(),
            keys: Keys::default(),
            entropy,
            bound: part.plan.bound,
            metadata: metadata(public, part.plan.bound),
        })
    }

    /// The client's key: known, or brought along.
    fn key(&self, question: &Question) -> Result<Arc<Known>, Error> {
        let Some(key) = &question.key else { return self.keys.find(&question.id) };
        if key_id(&question.bundle, &question.seed, key) != question.id {
            return Err(Error::integrity("E344", "The key that came is not the one that its digest names."));
        }
        self.keys.find_or_add(question.id, || {
            let seed = PublicSeed { seed: question.seed, bundle: question.bundle };
            let malformed = |what| Error::usage("E345", format!("The key is none of this model's: {what}."));
            PublicKey::read(&self.ring, seed, key).map_err(malformed)
        })
    }

    /// Answers all ciphertexts of a question, behind what `out` holds.
    fn answer(&self, question: &Question, out: &mut Vec<u8>) -> Result<(), Error> {
        let rows = question.rows as usize;
        let parameters = self.ring.parameters();
        let size = parameters.polynomial_bytes();
        // Bounds rows before anything is multiplied by them.
        let answers =
            rows.checked_mul(self.model.scores()).filter(|&n| (1..=ANSWERS_PER_KEY as usize).contains(&n));
        let answers = answers.and_then(|n| u32::try_from(n).ok()).ok_or_else(|| {
            let what = format!("A question has 1 to {ANSWERS_PER_KEY} answers; this one has {rows} rows.");
            Error::usage("E341", what)
        })?;
        let packing = self.model.packing(&self.ring, rows);
        let ciphertexts = packing.ciphertexts(rows);
        if question.ciphertexts.len() != ciphertexts * size {
            let (got, expected) = (question.ciphertexts.len(), ciphertexts * size);
            let what = format!(
                "{rows} rows are {ciphertexts} ciphertexts of {size} bytes here, {expected} in all; {got} bytes came."
            );
            return Err(Error::usage("E340", what));
        }
        let of_c1 = packing.products().saturating_mul(parameters.answer_bytes(parameters.degree));
        if ciphertexts.saturating_mul(of_c1) > MOST_ANSWER_BYTES {
            let what =
                format!("The answer to {rows} rows would be longer than a message. Send fewer at a time.");
            return Err(Error::usage("E341", what));
        }
        let known = self.key(question)?;
        known.claim(question.first, u32::try_from(ciphertexts).unwrap_or(u32::MAX), answers)?;
        let mut entropy = (self.entropy)();
        // By row of the whole question; scores have none.
        let masks = match question.wanted {
            Wanted::Scores => None,
            Wanted::Tickets => {
                let ticket = ticket(&question.head(), &question.ciphertexts);
                Some(masks(&self.secret, &ticket, 0, answers as usize))
            }
        };
        for (at, (ciphertext, index)) in
            question.ciphertexts.chunks_exact(size).zip(question.first..).enumerate()
        {
            let (first, rows) = (at * packing.rows_in_one, packing.rows_in(at, rows));
            let key = &known.key;
            let added = masks
                .as_ref()
                .map_or(Added::Bias, |masks| Added::Masks(&masks[first * self.model.scores()..]));
            self.model
                .answer(&self.ring, &packing, key, index, ciphertext, rows, added, &mut *entropy, out)
                .map_err(|failed| match failed {
                    Failed::Malformed(what) => {
                        Error::usage("E345", format!("Ciphertext {at} is none of this model's: {what}."))
                    }
                    Failed::NoEntropy => no_entropy(EntropyFailed),
                })?;
        }
        Ok(())
    }
}

impl HeHost {
    fn is_for(&self, bundle: &[u8; 32]) -> Result<(), Error> {
        if *bundle == self.bundle { Ok(()) } else { Err(another_bundle("server", &self.bundle, bundle)) }
    }

    /// Masked rows times the weights, and the biases, less the masks of the ticket's products.
    fn answer_under_ticket(&self, question: &UnderTicket, out: &mut Vec<u8>) -> Result<(), Error> {
        let (rows, place, scores) = (question.rows as usize, question.place as usize, self.model.scores());
        let k = self.ring.parameters().plaintext_bits;
        let columns = self.integers.weights.len() / scores.max(1);
        let end = place.checked_add(rows).and_then(|rows| rows.checked_mul(scores));
        if rows == 0 || end.is_none_or(|end| end > ANSWERS_PER_KEY as usize) {
            let what = format!(
                "A ticket has at most {ANSWERS_PER_KEY} answers; rows {place} to {} came.",
                place.saturating_add(rows)
            );
            return Err(Error::usage("E341", what));
        }
        let values = rows * columns;
        if Some(question.masked.len()) != packed_len(values, k) {
            let got = question.masked.len();
            return Err(Error::usage("E340", format!("{rows} masked rows came as {got} bytes.")));
        }
        let mut masked = Zeroizing::new(vec![0; values]);
        unpack(k, &question.masked, 0, &mut masked);
        let mut answers = Zeroizing::new(self.integers.scores(&masked));
        let masks = masks(&self.secret, &question.ticket, place * scores, rows * scores);
        answers.iter_mut().zip(masks.iter()).for_each(|(answer, mask)| *answer = answer.wrapping_sub(*mask));
        pack(k, &answers, out);
        Ok(())
    }
}

fn metadata(public: &PublicBundle, bound: f64) -> Metadata {
    let bytes = |name: &str| TensorMetadata { name: name.into(), datatype: "UINT8".into(), shape: vec![-1] };
    let text = |name: &str, value: String| (name.to_owned(), Parameter::Text(value));
    Metadata {
        name: public.manifest().name.clone(),
        version: public.manifest().version.to_string(),
        platform: "privet_he".into(),
        inputs: [HEAD, KEY, CIPHERTEXTS, MASKED].map(bytes).into(),
        outputs: vec![bytes(ANSWER)],
        parameters: vec![
            text("assurance", ASSURANCE.into()),
            text("bundle", public.digest_hex()),
            text("trust", public.trust_card().to_string()),
            ("bound".into(), Parameter::Double(bound)),
        ],
    }
}

impl Host for HeHost {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn rows(&self, request: &InferRequest) -> usize {
        request.number_in(HEAD, ROWS).map_or(1, |rows| rows as usize)
    }

    fn infer(&self, mut request: InferRequest) -> Result<InferReply, Error> {
        let id = std::mem::take(&mut request.id);
        let (message, digest) = Message::read(request)?;
        let mut answer = digest.to_vec();
        match message {
            Message::Question(question) => {
                self.is_for(&question.bundle)?;
                self.answer(&question, &mut answer)?;
            }
            Message::UnderTicket(question) => {
                self.is_for(&question.bundle)?;
                self.answer_under_ticket(&question, &mut answer)?;
            }
        }
        Ok(InferReply {
            id,
            parameters: vec![
                ("assurance".into(), Parameter::Text(ASSURANCE.into())),
                ("bound".into(), Parameter::Double(self.bound)),
            ],
            outputs: vec![RawTensor::bytes(ANSWER, answer)],
        })
    }
}
