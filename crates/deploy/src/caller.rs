//! The client side of every kind, sans-IO: the same object serves the command line, the gateway and the bindings.
//!
//! A request is split into jobs of bounded size. A job becomes one message per role and something that waits for the
//! replies; both steps consume what they start from, so nothing secret is used twice.

use std::ops::Range;
use std::sync::Arc;

use privet_model::encode::Encoder;
use privet_model::graph::Port;
use privet_model::head::Head;
use privet_model::tensor::Tensor;
use privet_ring::block_rows;
use privet_ring::entropy::Entropy;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::oip::{InferReply, InferRequest};

/// The client side of a deployment.
pub trait Caller: Send + Sync {
    /// What the model takes.
    fn inputs(&self) -> &[Port];

    /// What the model gives.
    fn outputs(&self) -> &[Port];

    /// The proven largest error of what is revealed; `None` where the kind computes as the model is defined.
    fn bound(&self) -> Option<f64>;

    /// Splits rows into jobs, in the order of the rows. Refuses rows of another shape, and any row that the plan does
    /// not cover, before anything is sent.
    fn jobs(&self, rows: Arc<Vec<Tensor>>, entropy: &mut dyn Entropy) -> Result<Vec<Box<dyn Job>>, Error>;

    /// What must be asked before the first job, and again once what came of it is too old at `now` (seconds since 1970).
    /// Most kinds need nothing.
    fn opening(&self, now: u64, entropy: &mut dyn Entropy) -> Result<Option<Opening>, Error> {
        let _ = (now, entropy);
        Ok(None)
    }

    /// What must be asked before jobs that are not [ready](Job::is_ready), for all of them together.
    fn missing(&self, entropy: &mut dyn Entropy) -> Result<Option<Opening>, Error> {
        let _ = entropy;
        Ok(None)
    }

    /// Wants enough prepared for so many rows, for kinds that can do part of the work before there are any.
    fn prepare_ahead(&self, rows: usize) {
        let _ = rows;
    }

    /// Whether less is prepared than is wanted.
    fn is_short(&self) -> bool {
        false
    }

    /// What to ask now, so that there is as much prepared as is wanted; nothing where there is, where that is under way, and in kinds
    /// that prepare nothing.
    fn preparation(&self, entropy: &mut dyn Entropy) -> Result<Option<Preparation>, Error> {
        let _ = entropy;
        Ok(None)
    }

    /// What replies may be believed to have run under.
    fn assurance(&self) -> &'static str;
}

/// A question that is asked ahead of rows.
pub struct Preparation {
    /// The messages, one per role.
    pub messages: Vec<InferRequest>,
    /// Keeps what comes of it.
    pub pending: Box<dyn Prepared>,
}

/// Waits for the reply to a [`Preparation`].
pub trait Prepared: Send {
    /// Keeps what the replies say, one per role, or makes room for another try.
    fn keep(self: Box<Self>, replies: Result<Vec<InferReply>, Error>) -> Result<(), Error>;
}

/// A question that comes before any rows.
pub struct Opening {
    /// The messages, one per role.
    pub messages: Vec<InferRequest>,
    /// Turns the replies into leave to send rows.
    pub pending: Box<dyn Opened>,
}

/// Waits for the reply to an [`Opening`].
pub trait Opened: Send {
    /// Appraises the replies, one per role, at `now`; from then on jobs can be asked.
    fn open(
        self: Box<Self>,
        replies: Vec<InferReply>,
        now: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<(), Error>;
}

/// Some consecutive rows that were not asked about yet.
pub trait Job: Send {
    /// Whether it can be asked; where it cannot, [`Caller::missing`] gets what it lacks.
    fn is_ready(&mut self) -> bool {
        true
    }

    /// The messages, one per role in the deployment's order, and what waits for the replies.
    fn ask(self: Box<Self>, entropy: &mut dyn Entropy) -> Result<Asked, Error>;

    /// Gives up what an earlier asking of the same rows went over, so that [`Caller::opening`] opens anew.
    fn forget(&self) {}
}

/// What is under way.
pub struct Asked {
    /// One per role.
    pub messages: Vec<InferRequest>,
    /// Turns the replies into the model's outputs.
    pub pending: Box<dyn Pending>,
    /// The same rows once more, for a refusal of code [`OPEN_AGAIN`] (nothing was done with them); `None` for kinds that have
    /// no such refusal.
    pub again: Option<Box<dyn Job>>,
}

/// The code of refusals after which opening again helps: what was opened before is not there any more.
pub const OPEN_AGAIN: &str = "E361";

/// Waits for the replies to one job.
pub trait Pending: Send {
    /// The answer for these rows, from one reply per role in the deployment's order.
    fn answer(self: Box<Self>, replies: Vec<InferReply>) -> Result<Answer, Error>;
}

/// What the client learns.
#[derive(Clone, PartialEq)]
pub struct Answer {
    /// The model's outputs, in its order.
    pub outputs: Vec<Tensor>,
    /// What was revealed, where that is not the outputs themselves: row-major, as many per row as the plan says.
    pub scores: Vec<f64>,
    /// What it cost between the roles.
    pub between: Between,
}

privet_ring::not_shown!(Answer);

/// What roles spent on each other for one answer, as they counted it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Between {
    /// Bytes, all roles together.
    pub bytes: u64,
    /// Rounds, of the role that waited most often.
    pub rounds: u64,
    /// Bytes that a dealer had sent to the roles ahead of time, used up by this answer.
    pub dealt: u64,
}

impl Answer {
    /// Puts the rows of `other` below these.
    pub fn append(&mut self, other: Self) {
        self.outputs.iter_mut().zip(other.outputs).for_each(|(a, b)| a.append(b));
        self.scores.extend(other.scores);
        self.between.bytes = self.between.bytes.saturating_add(other.between.bytes);
        self.between.dealt = self.between.dealt.saturating_add(other.between.dealt);
        self.between.rounds = self.between.rounds.max(other.between.rounds);
    }
}

/// `0..rows` in pieces of at most `piece`.
pub(crate) fn pieces(rows: usize, piece: usize) -> impl Iterator<Item = Range<usize>> {
    let piece = piece.max(1);
    (0..rows).step_by(piece).map(move |first| first..rows.min(first + piece))
}

/// Refuses a request of several calls as a whole, so that a bad row at its end means nothing was sent.
pub(crate) fn check_rows(head: &Head, encoder: &Encoder, rows: &[Tensor]) -> Result<(), Error> {
    let bound = head.bind(rows)?;
    let columns = encoder.columns();
    let at_a_time = block_rows(columns);
    let mut values = Zeroizing::new(vec![0.0; columns * at_a_time]);
    for first in (0..bound.len()).step_by(at_a_time) {
        let n = (bound.len() - first).min(at_a_time) * columns;
        encoder.check(head, &bound, first, &mut values[..n])?;
    }
    Ok(())
}

/// Bytes of rows that one call aims at, where rows travel as they are.
const CHUNK_BYTES: usize = 1 << 20;

/// All rows, in calls of about a MiB.
pub(crate) fn chunks(rows: &[Tensor], count: usize) -> impl Iterator<Item = Range<usize>> {
    let bytes: usize = rows.iter().map(|t| t.data.bytes()).sum();
    pieces(count, CHUNK_BYTES / bytes.div_ceil(count.max(1)).max(1))
}
