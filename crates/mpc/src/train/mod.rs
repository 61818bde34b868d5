//! Training between parties: a step of mini-batch gradient descent on shared rows and labels, over any protocol. Nothing is opened.
//!
//! What is computed is [`privet_model::training`]'s step; every rounding is one of a truncation, whose error has the mean zero, as which way
//! it goes follows from a random summand (as in Gupta et al., ICML 2015, who show that training needs that).
//!
//! | step | rounds with `replicated3` |
//! |---|---|
//! | scores, by the weights | 1 |
//! | residuals, by the logistic function (`SecureML`, Mohassel, Zhang, S&P 2017, clips earlier; this keeps to 2^-12) | 6 |
//! | gradient, by the rows | 2 |
//! | gradient descent | 1 |
//! | Adam: both sums | 2 |
//! | Adam: the inverse root of the sum of squares | 10 |
//! | Adam: the product | 2 |

mod evaluate;

pub use evaluate::{areas, loss};

use privet_model::training::Loss;
use privet_model::training::numbers::{
    Adam, DECAY, Numbers, RATE, RESIDUALS, RING, ROOT, ROWS, SCORES, WEIGHTS,
};

use crate::Abort;
use crate::functions::extremes::clip;
use crate::functions::normal::invert;
use crate::functions::smooth::saturated;
use crate::protocols::protocol::{Matrices, Operand, Protocol};

/// What the parties hold between steps.
#[derive(Clone)]
pub struct State<S> {
    /// Weights, one for each column.
    pub weights: S,
    /// Adam's sums of gradients and of their squares.
    pub sums: [S; 2],
    /// Steps so far.
    pub step: u64,
}

/// Rows and labels of a step, in the ring of 2^64.
pub struct Batch<S> {
    /// Row by row, with [`ROWS`] fraction bits.
    pub rows: S,
    /// With [`Numbers::labels`] fraction bits.
    pub labels: S,
}

impl<S> State<S> {
    /// All weights zero.
    pub fn new<P: Protocol<Share = S>>(p: &P, columns: usize) -> Self {
        let zeros = || p.public(&vec![0; columns], RING);
        Self { weights: zeros(), sums: [zeros(), zeros()], step: 0 }
    }
}

/// One step on one batch.
pub fn step<P: Protocol>(
    p: &mut P,
    numbers: &Numbers,
    state: &mut State<P::Share>,
    batch: &Batch<P::Share>,
) -> Result<(), Abort> {
    let scores = scores(p, numbers, &state.weights, &batch.rows)?;
    let residuals = residuals(p, numbers, &scores, &batch.labels)?;
    let gradient = gradient(p, numbers, &state.weights, &batch.rows, &residuals)?;
    state.step += 1;
    let rate = numbers.rate(state.step);
    let moved = match &numbers.adam {
        None => p.truncate(&P::scale(&gradient, rate), numbers.gradient + RATE - WEIGHTS, RING)?,
        Some(adam) => {
            state.sums = sums(p, adam, &state.sums, &gradient)?;
            quotient(p, numbers, adam, &state.sums, rate)?
        }
    };
    state.weights = P::sub(&state.weights, &moved);
    Ok(())
}

/// `x·w` for each row, as the loss takes it.
fn scores<P: Protocol>(
    p: &mut P,
    numbers: &Numbers,
    weights: &P::Share,
    rows: &P::Share,
) -> Result<P::Share, Abort> {
    let product = product(p, numbers, weights, rows);
    p.truncate(product, ROWS + WEIGHTS - SCORES, numbers.scores)
}

fn product<P: Protocol>(p: &mut P, numbers: &Numbers, weights: &P::Share, rows: &P::Share) -> P::Sum {
    let columns = numbers.recipe.columns;
    let shape = Matrices { rows: P::len(rows) / columns, inner: columns, columns: 1 };
    p.matmul(Operand::Secret(rows), Operand::Secret(weights), RING, shape)
}

/// The derivative of the loss at each score.
fn residuals<P: Protocol>(
    p: &mut P,
    numbers: &Numbers,
    scores: &P::Share,
    labels: &P::Share,
) -> Result<P::Share, Abort> {
    match (&numbers.sigmoid, numbers.recipe.loss) {
        (Some(sigmoid), Loss::Logistic) => {
            let labels = P::scale(labels, 1 << RESIDUALS);
            Ok(P::sub(&saturated(p, scores, sigmoid)?, &labels))
        }
        _ => {
            let most = numbers.residual_units();
            let (within, _) = clip(p, &P::sub(scores, &P::reduce(labels, numbers.scores)), -most, most)?;
            p.truncate(&within, 0, RING)
        }
    }
}

/// The average over the batch of residual times row, and the penalty's.
fn gradient<P: Protocol>(
    p: &mut P,
    numbers: &Numbers,
    weights: &P::Share,
    rows: &P::Share,
    residuals: &P::Share,
) -> Result<P::Share, Abort> {
    let (batch, columns) = (P::len(residuals), numbers.recipe.columns);
    let shape = Matrices { rows: 1, inner: batch, columns };
    let by_column: Vec<usize> = (0..columns).flat_map(|c| (0..batch).map(move |r| r * columns + c)).collect();
    let by_column = P::gather(rows, &by_column);
    let product = p.matmul(Operand::Secret(residuals), Operand::Secret(&by_column), RING, shape);
    let penalty = P::scale(weights, numbers.penalty());
    let sum = P::add_sum(P::shift_sum(product, numbers.finer, RING), (&penalty).into());
    p.truncate(sum, numbers.gradient_drop(), RING)
}

/// What is left of both sums, and the gradient and its square added.
fn sums<P: Protocol>(
    p: &mut P,
    adam: &Adam,
    sums: &[P::Share; 2],
    gradient: &P::Share,
) -> Result<[P::Share; 2], Abort> {
    let n = P::len(gradient);
    let [first, second] = [0, 1].map(|i| P::scale(&sums[i], adam.decay[i]));
    let first = P::add(&first, &P::scale(gradient, 1 << DECAY));
    let squares = p.multiply(gradient, gradient);
    let second = P::add_sum(squares, (&second).into());
    let both = p.concat_sums(vec![(&first).into(), second])?;
    let both = p.truncate(both, DECAY, RING)?;
    Ok([0, n].map(|from| P::gather(&both, &(from..from + n).collect::<Vec<_>>())))
}

/// The sum of gradients over the root of that of squares, times the rate.
fn quotient<P: Protocol>(
    p: &mut P,
    numbers: &Numbers,
    adam: &Adam,
    [first, second]: &[P::Share; 2],
    rate: u64,
) -> Result<P::Share, Abort> {
    let squares = p.add_public(second, &vec![adam.epsilon; P::len(second)]);
    let root = invert(p, &squares, &adam.root)?;
    let product = p.multiply(&P::scale(first, rate), &root);
    p.truncate(product, numbers.gradient + RATE + ROOT - WEIGHTS, RING)
}
