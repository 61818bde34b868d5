//! One pass over the training rows in batches.
//!
//! A batch is cut into blocks of [`BLOCK`] rows: a block is summed in float32, the blocks of a batch in float64. One thread
//! does it: a second one would have to be met after each batch, some thousand times a second, which costs more than it
//! brings wherever the machine has anything else to do.

use super::adam::Adam;
use super::kernels::{GROUP, add_multiples, fetch, products};
use super::matrix::{Lanes, Matrix, lanes_for};

/// Rows that are summed together: few enough for the second-level cache, enough to come from memory side by side.
const BLOCK: usize = 32;

/// What an epoch is about.
pub(crate) struct Epoch<'a> {
    /// The rows.
    pub(crate) matrix: &'a Matrix,
    /// Their outcomes.
    pub(crate) targets: &'a [bool],
    /// Training rows in the order in which they are taken.
    pub(crate) order: &'a [u32],
    /// Rows per step; at least 1.
    pub(crate) batch: usize,
    /// λ of the penalty `λ/2·Σw²`, which spares the bias.
    pub(crate) l2: f64,
    /// Whether the bias is learnt too.
    pub(crate) bias: bool,
}

/// Sums over the rows of a batch.
struct Sums {
    /// Weights and bias as the batch sees them.
    weights: Vec<Lanes>,
    bias: f64,
    /// Of the block at hand.
    block: Vec<Lanes>,
    /// Of the batch, the bias last.
    gradient: Vec<f64>,
    loss: f64,
}

impl Epoch<'_> {
    /// Goes through all rows once; gives the mean log loss, each row under the weights that it met. `rate` is the learning
    /// rate of a step, counted from the first epoch.
    pub(crate) fn run(&self, adam: &mut Adam, rate: impl Fn(u64) -> f64) -> f64 {
        let mut sums = Sums::new(self.matrix.columns());
        let mut loss = 0.0;
        for rows in self.order.chunks(self.batch) {
            sums.start(&adam.weights);
            rows.chunks(BLOCK).for_each(|rows| sums.add(self.matrix, self.targets, rows));
            loss += sums.loss;
            let rate = rate(adam.steps());
            adam.step(sums.mean_gradient(rows.len(), self, &adam.weights), rate);
        }
        loss / self.order.len().max(1) as f64
    }
}

impl Sums {
    fn new(columns: usize) -> Self {
        let lanes = vec![Lanes::ZERO; lanes_for(columns)];
        let gradient = vec![0.0; columns + 1];
        Self { weights: lanes.clone(), bias: 0.0, block: lanes, gradient, loss: 0.0 }
    }

    /// Nothing summed, under these weights.
    fn start(&mut self, weights: &[f64]) {
        self.gradient.fill(0.0);
        self.loss = 0.0;
        let Some((&bias, weights)) = weights.split_last() else { return };
        self.bias = bias;
        for (place, &weight) in self.weights.iter_mut().flat_map(|lanes| &mut lanes.0).zip(weights) {
            *place = narrowed(weight);
        }
    }

    /// Adds gradient and log loss of a block of rows.
    fn add(&mut self, matrix: &Matrix, targets: &[bool], rows: &[u32]) {
        self.block.fill(Lanes::ZERO);
        fetch(rows.iter().map(|&row| matrix.row(row as usize)));
        for group in rows.chunks(GROUP) {
            // A group that is not full repeats its first row without weight.
            let at: [usize; GROUP] =
                std::array::from_fn(|i| group.get(i).or(group.first()).map_or(0, |&row| row as usize));
            let lanes = at.map(|row| matrix.row(row));
            let logits = products(lanes, &self.weights);
            let residuals = self.residuals(logits, at.map(|row| targets[row]), group.len());
            add_multiples(lanes, residuals, &mut self.block);
        }
        for (sum, part) in self.gradient.iter_mut().zip(self.block.iter().flat_map(|lanes| &lanes.0)) {
            *sum += f64::from(*part);
        }
    }

    /// How far the probabilities are off, for the first `count` rows of a group; adds their log loss.
    fn residuals(&mut self, logits: [f32; GROUP], targets: [bool; GROUP], count: usize) -> [f32; GROUP] {
        let mut residuals = [0.0; GROUP];
        let mut product = 1.0;
        for i in 0..count {
            let (logit, target) = (f64::from(logits[i]) + self.bias, targets[i]);
            let e = (-logit.abs()).exp();
            let probability = if logit < 0.0 { e } else { 1.0 } / (1.0 + e);
            let residual = probability - f64::from(u8::from(target));
            self.loss += logit.max(0.0) - if target { logit } else { 0.0 };
            product *= 1.0 + e;
            residuals[i] = narrowed(residual);
            if let Some(bias) = self.gradient.last_mut() {
                *bias += residual;
            }
        }
        // ln(1 + e) of all rows of the group at once.
        self.loss += product.ln();
        residuals
    }

    /// The gradient of the mean log loss of so many rows, and of the penalty.
    fn mean_gradient(&mut self, rows: usize, epoch: &Epoch<'_>, weights: &[f64]) -> &[f64] {
        let share = 1.0 / rows as f64;
        if let Some((bias, gradient)) = self.gradient.split_last_mut() {
            for (g, w) in gradient.iter_mut().zip(weights) {
                *g = *g * share + epoch.l2 * w;
            }
            *bias *= if epoch.bias { share } else { 0.0 };
        }
        &self.gradient
    }
}

#[allow(clippy::cast_possible_truncation)] // to the nearest float32, as meant
fn narrowed(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::super::matrix::WIDTH;
    use super::super::score::{log_loss, logits};
    use super::*;

    const ROWS: usize = 77;
    const COLUMNS: usize = 19;

    fn matrix() -> Matrix {
        let mut matrix = Matrix::zeros(ROWS, COLUMNS);
        for row in 0..ROWS {
            for column in 0..COLUMNS {
                let value = ((row * 53 + column * 29) % 97) as f32 / 48.0 - 1.0;
                matrix.lanes_mut(row, column / WIDTH).0[column % WIDTH] = value;
            }
        }
        matrix
    }

    fn targets() -> Vec<bool> {
        (0..ROWS).map(|row| row * row % 7 == 1).collect()
    }

    fn weights() -> Vec<f64> {
        (0..=COLUMNS).map(|i| f64::from(narrowed((i as f64 * 1.7).sin() * 0.4))).collect()
    }

    /// Mean log loss and penalty of all rows.
    fn objective(weights: &[f64], l2: f64) -> f64 {
        let squares: f64 = weights[..COLUMNS].iter().map(|w| w * w).sum();
        log_loss(&logits(&matrix(), 0..ROWS, weights, 1), &targets()) + 0.5 * l2 * squares
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_objective() {
        let (matrix, targets, order) = (matrix(), targets(), (0..77).collect::<Vec<u32>>());
        for (l2, bias) in [(0.0, true), (0.3, true), (0.3, false)] {
            let epoch = Epoch { matrix: &matrix, targets: &targets, order: &order, batch: ROWS, l2, bias };
            let mut sums = Sums::new(COLUMNS);
            sums.start(&weights());
            order.chunks(BLOCK).for_each(|rows| sums.add(&matrix, &targets, rows));
            let loss = sums.loss / ROWS as f64;
            assert!((loss - objective(&weights(), 0.0)).abs() < 1e-6, "{loss}");
            for (i, g) in sums.mean_gradient(ROWS, &epoch, &weights()).iter().enumerate() {
                let moved = |by: f64| {
                    let mut moved = weights();
                    moved[i] += by;
                    objective(&moved, l2)
                };
                let slope = if i == COLUMNS && !bias { 0.0 } else { (moved(1e-5) - moved(-1e-5)) / 2e-5 };
                assert!((g - slope).abs() < 1e-6, "{i}: {g} and {slope}");
            }
        }
    }

    /// One batch after the other in float64, without blocks and lanes.
    #[test]
    fn an_epoch_is_that_of_the_textbook() {
        let (matrix, targets) = (matrix(), targets());
        let order: Vec<u32> = (0..77).map(|i| i * 30 % 77).collect();
        let epoch =
            Epoch { matrix: &matrix, targets: &targets, order: &order, batch: 10, l2: 0.01, bias: true };
        let (mut fast, mut slow) = (Adam::new(weights()), Adam::new(weights()));
        for _ in 0..3 {
            epoch.run(&mut fast, |step| 0.01 / (step + 1) as f64);
        }
        for rows in order.chunks(10).cycle().take(3 * 8) {
            let mut gradient: Vec<f64> =
                slow.weights.iter().map(|w| w * 0.01).take(COLUMNS).chain([0.0]).collect();
            for &row in rows {
                let row = row as usize;
                let logit = logits(&matrix, row..row + 1, &slow.weights, 1)[0];
                let residual = 1.0 / (1.0 + (-logit).exp()) - f64::from(u8::from(targets[row]));
                for (column, g) in gradient.iter_mut().enumerate() {
                    let lanes = matrix.row(row).get(column / WIDTH).filter(|_| column < COLUMNS);
                    let x = lanes.map_or(1.0, |lanes| f64::from(lanes.0[column % WIDTH]));
                    *g += residual * x / rows.len() as f64;
                }
            }
            let rate = 0.01 / (slow.steps() + 1) as f64;
            slow.step(&gradient, rate);
        }
        for (fast, slow) in fast.weights.iter().zip(&slow.weights) {
            assert!((fast - slow).abs() < 1e-5, "{fast} and {slow}");
        }
    }
}
