//! Training between parties: a step of mini-batch gradient descent on shared rows and labels, over any protocol. Nothing is opened.
//!
//! What is computed is [`privet_model::training`]'s step; every rounding is one of a truncation, whose error has the mean zero, as which way
//! it goes follows from a random summand (as in Gupta et al., ICML 2015, who show that training needs that).
//!
//! | part | rounds with `replicated3` |
//! |---|---|
//! | scores, by the weights | 1 |
//! | residuals: the logistic function (`SecureML`, Mohassel, Zhang, S&P 2017, clips earlier; this keeps to 2^-12) | 5 |
//! | residuals of squares | 4 |
//! | gradient, by the rows, with noise or without | 2 |
//! | gradient descent | 1 |
//! | Adam: both sums | 2 |
//! | Adam: the inverse root of the sum of squares | 10 |
//! | Adam: the product | 2 |
//! | [`settle`] | 4 |
//!
//! for scores of at most 42 bits. With 528 columns of at most 8, batches of 128 and the logistic loss the parties send 60,962 bytes a step by gradient
//! descent, and 364,892 by Adam.
//!
//! With `replicated3` one of three parties may be curious. With `replicated3-malicious` one may do anything: what it sends is proven before a run
//! [ends](Trains::end) or is [opened](Trains::open), and until then nothing of the run is to be kept.
//!
//! What one party learns that another does not: whether its own run ended. Parties agree on that before they forget what they had before.

mod evaluate;
mod noise;
mod state;
mod trains;

pub use evaluate::{areas, counts, loss};
pub use state::{Batch, State, Stored};
pub use trains::Trains;

use privet_model::training::adam::Adam;
use privet_model::training::numbers::{DECAY, Numbers, RATE, RESIDUALS, RING, ROOT, ROWS, SCORES, WEIGHTS};
use privet_ring::entropy::Entropy;

use crate::Abort;
use crate::functions::extremes::clip;
use crate::functions::normal::invert;
use crate::functions::smooth::saturated;
use crate::protocols::protocol::{Matrices, Operand, Protocol};

/// One step on one batch. What a party draws is its part of the noise, where the recipe has any.
pub fn step<P: Trains>(
    p: &mut P,
    numbers: &Numbers,
    state: &mut State<P::Share>,
    batch: &Batch<P::Share>,
    entropy: &mut dyn Entropy,
) -> Result<(), Abort> {
    let scores = scores(p, numbers, &state.weights, &batch.rows)?;
    let residuals = residuals(p, numbers, &scores, &batch.labels)?;
    let noise = noise::of_step(p, numbers, entropy)?;
    let gradient = gradient(p, numbers, &state.weights, &batch.rows, &residuals, noise)?;
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

/// Brings weights to their bound. All parties do so after the same steps, [`run`](privet_model::training::Recipe::run) of them at most.
pub fn settle<P: Protocol>(p: &mut P, numbers: &Numbers, state: &mut State<P::Share>) -> Result<(), Abort> {
    let most = numbers.most_weight_units();
    let narrow = P::reduce(&state.weights, numbers.settling());
    let (weights, _) = clip(p, &narrow, -most, most)?;
    state.weights = p.truncate(&weights, 0, RING)?;
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
    if let Some(sigmoid) = &numbers.sigmoid {
        let labels = P::scale(labels, 1 << RESIDUALS);
        return Ok(P::sub(&saturated(p, scores, sigmoid)?, &labels));
    }
    let most = numbers.residual_units();
    let (within, _) = clip(p, &P::sub(scores, &P::reduce(labels, numbers.scores)), -most, most)?;
    p.truncate(&within, 0, RING)
}

/// The average over the batch of residual times row, and the penalty's.
fn gradient<P: Protocol>(
    p: &mut P,
    numbers: &Numbers,
    weights: &P::Share,
    rows: &P::Share,
    residuals: &P::Share,
    noise: Option<P::Sum>,
) -> Result<P::Share, Abort> {
    let product = p.combine(rows, residuals);
    let product = noise.into_iter().fold(product, P::add_sum);
    let penalty = P::mul_public(weights, &numbers.penalties());
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
