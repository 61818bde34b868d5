//! What the steps have given so far, and the places of rows in whole batches.

use std::sync::Arc;

use privet_model::private::StepId;

use super::Runner;
use crate::Abort;
use crate::protocols::protocol::{Operand, Protocol};

/// One of the owner's tensors, as a party holds it.
pub enum Owned<S> {
    /// Its share, in the ring of the step that uses it.
    Secret(S),
    /// The tensor itself, where the model is not hidden from the parties.
    Public(Vec<u64>),
}

impl<S> Owned<S> {
    /// As a side of a product.
    pub(super) fn operand(&self) -> Operand<'_, S> {
        match self {
            Self::Secret(share) => Operand::Secret(share),
            Self::Public(values) => Operand::Public(values),
        }
    }

    /// As a share in the ring 2^k.
    pub(super) fn share<P: Protocol<Share = S>>(&self, protocol: &P, k: u32) -> S {
        match self {
            Self::Secret(share) => P::reduce(share, k),
            Self::Public(values) => protocol.public(values, k),
        }
    }
}

/// The result of a step.
pub(super) enum Value<P: Protocol> {
    /// Of the columns and of what passes a value on, the same one.
    Share(Arc<P::Share>),
    Sum(P::Sum),
    /// Used up, or no longer needed.
    Gone,
}

impl<P: Protocol> Value<P> {
    pub(super) fn share(share: P::Share) -> Self {
        Self::Share(Arc::new(share))
    }
}

/// Modulo 2^ring: the same one where that is its ring.
pub(super) fn reduced<P: Protocol>(share: &Arc<P::Share>, ring: u32) -> Arc<P::Share> {
    if P::ring(share) == ring { Arc::clone(share) } else { Arc::new(P::reduce(share, ring)) }
}

impl<P: Protocol> Runner<'_, P> {
    /// A wide value that is used more than once becomes a share; one that is used once is used as it is.
    pub(super) fn keep(&mut self, at: StepId, value: Value<P>) -> Result<Value<P>, Abort> {
        match value {
            Value::Sum(sum) if self.needed[at] > 1 => Ok(Value::share(self.protocol.reshare(sum)?)),
            value => Ok(value),
        }
    }

    /// Frees what nothing needs after this step.
    pub(super) fn forget(&mut self, done: StepId) {
        for &input in &self.program.steps[done].inputs {
            self.needed[input] -= 1;
            if self.needed[input] == 0 {
                self.values[input] = Value::Gone;
            }
        }
    }

    /// A step's value, to be used up.
    pub(super) fn take(&mut self, step: StepId) -> Result<P::Sum, Abort> {
        if let Value::Share(share) = &self.values[step] {
            return Ok(P::Sum::from(share));
        }
        match std::mem::replace(&mut self.values[step], Value::Gone) {
            Value::Sum(sum) => Ok(sum),
            _ => Err(broken()),
        }
    }

    /// Input `i` of a step, at whatever scale it has.
    pub(super) fn sum(&mut self, at: StepId, i: usize) -> Result<P::Sum, Abort> {
        self.take(self.program.steps[at].inputs[i])
    }

    /// Input `i` of a step as a share, modulo 2^ring.
    pub(super) fn share_in(&mut self, at: StepId, i: usize, ring: u32) -> Result<Arc<P::Share>, Abort> {
        let input = self.program.steps[at].inputs[i];
        match &self.values[input] {
            Value::Share(share) => Ok(reduced::<P>(share, ring)),
            _ => Err(broken()),
        }
    }

    /// Input `i`, with as many fraction bits as the result has.
    pub(super) fn aligned(&mut self, at: StepId, i: usize) -> Result<Arc<P::Share>, Abort> {
        let own = self.numbers(at);
        let from = self.numbers(self.program.steps[at].inputs[i]).fraction;
        let x = self.share_in(at, i, own.ring)?;
        Ok(if from == own.fraction { x } else { Arc::new(P::scale(&x, 1 << (own.fraction - from))) })
    }

    /// Values per row of input `i`.
    pub(super) fn width_in(&self, at: StepId, i: usize) -> usize {
        self.program.steps[self.program.steps[at].inputs[i]].width
    }
}

/// A program that was checked when it was read never gets here.
pub(super) fn broken() -> Abort {
    Abort::Client("A step of the program uses a value that is not there.".into())
}

/// The same values for each of so many rows.
pub(super) fn repeat(width: usize, rows: usize) -> Vec<usize> {
    (0..rows).flat_map(|_| 0..width).collect()
}

/// These columns of each row.
pub(super) fn by_row(indices: &[usize], width: usize, rows: usize) -> Vec<usize> {
    (0..rows).flat_map(|r| indices.iter().map(move |i| r * width + i)).collect()
}

/// From tensors one after the other, rows × width each, to their columns side by side.
pub(super) fn interleaved(widths: &[usize], rows: usize) -> Vec<usize> {
    let mut starts = Vec::with_capacity(widths.len());
    let mut start = 0;
    for width in widths {
        starts.push(start);
        start += rows * width;
    }
    let row = |r: usize| {
        let parts = widths.iter().zip(&starts);
        parts
            .flat_map(move |(&width, &start)| (0..width).map(move |i| start + r * width + i))
            .collect::<Vec<_>>()
    };
    (0..rows).flat_map(row).collect()
}
