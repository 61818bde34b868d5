//! How wrong each value of each step can be: rounding of columns and weights, cuts, and what becomes of earlier errors. All
//! bounds, none estimates; the actual roundings of the owner's weights are used, as the owner knows them.

use super::action::{Action, Step};
use super::draft::{Draft, Secret};
use super::numbers::Numbers;
use super::plans::Plan;
use super::program::Encoding;
use super::smooth::{SLOPE_OF_SOFTMAX, domain, has_domain, moved, range_of};
use super::span::{Span, factors};
use crate::graph::Function;

/// By step, by value: the largest absolute error.
pub(crate) type Noise = Vec<Vec<f64>>;

/// What the errors are bounded from.
pub(crate) struct Sources<'a> {
    pub(crate) draft: &'a Draft,
    pub(crate) spans: &'a [Span],
    pub(crate) numbers: &'a [Numbers],
    /// How columns are encoded.
    pub(crate) columns: &'a [Encoding],
    /// By step, how it is approximated.
    pub(crate) plans: &'a [Option<Plan>],
}

/// One unit in the last of so many fraction bits.
pub(crate) fn unit(fraction: u32) -> f64 {
    2f64.powi(-i32::try_from(fraction).unwrap_or(i32::MAX))
}

impl Sources<'_> {
    /// The errors of all steps.
    pub(crate) fn noise(&self) -> Noise {
        let mut noise: Noise = Vec::with_capacity(self.draft.steps.len());
        for (at, step) in self.draft.steps.iter().enumerate() {
            let errors = self.of(at, step, &noise);
            noise.push(self.held(at, errors));
        }
        noise
    }

    /// How near to its threshold each decision may be wrong that later steps build on: the error of what is compared.
    pub(crate) fn margins(&self, noise: &Noise) -> impl Iterator<Item = f64> + use<> {
        let steps = &self.draft.steps;
        let worst = |step: &Step| noise[step.inputs[0]].iter().copied().fold(0.0, f64::max);
        let margin = |step: &Step| match step.action {
            Action::Below => Some(worst(step)),
            // Two values are compared, each with its own error.
            Action::Hottest { .. } => Some(2.0 * worst(step)),
            _ => None,
        };
        steps.iter().filter_map(margin).collect::<Vec<_>>().into_iter()
    }

    /// No bound where a value with its error may not be held by the numbers of its step, nor where the error is not a number, as
    /// what has no bound times a weight of zero: a maximum would pass over it.
    fn held(&self, at: usize, mut errors: Vec<f64>) -> Vec<f64> {
        let most = 2f64.powi(self.numbers[at].exponent);
        for (i, e) in errors.iter_mut().enumerate() {
            let is_held = self.spans[at].size(i) + *e < most;
            if !is_held {
                *e = f64::INFINITY;
            }
        }
        errors
    }

    fn of(&self, at: usize, step: &Step, noise: &Noise) -> Vec<f64> {
        let e = |i: usize| noise[step.inputs[i]].as_slice();
        let span = |i: usize| &self.spans[step.inputs[i]];
        let own = unit(self.numbers[at].fraction);
        if self.is_exact(step, noise) {
            return vec![0.0; step.width];
        }
        match &step.action {
            Action::Columns { first } => {
                self.columns[*first..first + step.width].iter().map(Encoding::error).collect()
            }
            Action::Linear { weights, bias } => self.linear(at, step, *weights, *bias, e(0)),
            Action::Conv { weights, bias, .. } => self.convolution(at, step, *weights, *bias, e(0)),
            Action::Scale { factors, shift } => self.scale(at, *factors, *shift, e(0), span(0)),
            Action::Constant(values) => (0..step.width).map(|i| self.shift(at, *values, i)).collect(),
            Action::Add | Action::Subtract => e(0).iter().zip(e(1)).map(|(a, b)| a + b).collect(),
            Action::Multiply => {
                let one = |i: usize| product(span(0).size(i), e(0)[i], span(1).size(i), e(1)[i]);
                (0..step.width).map(one).collect()
            }
            Action::MatMul(shape) => {
                let one =
                    |(i, j): (usize, usize)| product(span(0).size(i), e(0)[i], span(1).size(j), e(1)[j]);
                (0..step.width).map(|output| factors(shape, output).map(one).sum()).collect()
            }
            Action::Sum(windows) => windows.0.iter().map(|w| w.iter().map(|&i| e(0)[i]).sum()).collect(),
            Action::Max(windows) => {
                windows.0.iter().map(|w| w.iter().map(|&i| e(0)[i]).fold(0.0, f64::max)).collect()
            }
            Action::Select(indices) => indices.iter().map(|&i| e(0)[i]).collect(),
            Action::Concat => step.inputs.iter().flat_map(|&i| noise[i].iter().copied()).collect(),
            Action::Flip { .. } | Action::Within { .. } | Action::Abs => e(0).to_vec(),
            Action::Cut | Action::Relu => {
                let cut =
                    if self.numbers[step.inputs[0]].fraction > self.numbers[at].fraction { own } else { 0.0 };
                e(0).iter().map(|e| e + cut).collect()
            }
            Action::Smooth(f) => self.smooth(at, *f, e(0), span(0)),
            Action::Unit(unit_of) => match &self.plans[at] {
                Some(Plan::Unit(plan)) => {
                    unit_of.errors(span(0), e(0), plan, unit(2 * self.numbers[step.inputs[0]].fraction))
                }
                _ => vec![f64::INFINITY; step.width],
            },
            // A number that is not exact may fall on the other side.
            Action::Negative | Action::Zero => {
                e(0).iter().map(|&e| if e == 0.0 { 0.0 } else { f64::INFINITY }).collect()
            }
            // The decision is right where it is farther from its threshold than its error, which is a margin.
            Action::Below => (0..step.width).map(|i| undecided(span(0), i, e(0)[i])).collect(),
            Action::Choose => {
                let one = |i: usize| if e(0)[i] == 0.0 { e(1)[i].max(e(2)[i]) } else { f64::INFINITY };
                (0..step.width).map(one).collect()
            }
            // Which is the greatest is what is asked; of those that are as near as their errors, any may be.
            Action::Hottest { .. } => vec![0.0; step.width],
            Action::Softmax { group } => {
                let worst = |group: &[f64]| group.iter().copied().fold(0.0, f64::max) * SLOPE_OF_SOFTMAX;
                let one = |of: &[f64]| std::iter::repeat_n(worst(of) + self.approximation(at), *group);
                e(0).chunks(*group).flat_map(one).collect()
            }
        }
    }

    fn approximation(&self, at: usize) -> f64 {
        self.plans[at].as_ref().map_or(f64::INFINITY, |plan| plan.error(1.0))
    }

    /// What the function makes of the error, and what its plan adds; no bound where the value may be outside the plan's domain.
    fn smooth(&self, at: usize, f: Function, errors: &[f64], x: &Span) -> Vec<f64> {
        let Some(plan) = &self.plans[at] else { return vec![f64::INFINITY; errors.len()] };
        let planned = if has_domain(f) { domain(f, x) } else { None };
        let one = |i: usize| {
            let (low, high, e) = (x.low[i], x.high[i], errors[i] + plan.argument());
            let outside = planned.is_some_and(|d| (d.lo > 0.0 && low - e < d.lo) || high + e > d.hi);
            let (least, most) = range_of(f, low, high);
            let moved = moved(f, low, high, e);
            let bound = moved + plan.error(least.abs().max(most.abs()) + moved);
            if outside { f64::INFINITY } else { bound }
        };
        (0..errors.len()).map(one).collect()
    }

    /// Whether whole numbers are multiplied by whole numbers, all far below 2^53.
    fn is_exact(&self, step: &Step, noise: &Noise) -> bool {
        let (Action::Linear { weights, .. } | Action::Conv { weights, .. }) = step.action else {
            return false;
        };
        self.draft.secrets[weights].whole && noise[step.inputs[0]].iter().all(|&e| e == 0.0)
    }

    fn linear(&self, at: usize, step: &Step, weights: usize, bias: usize, e: &[f64]) -> Vec<f64> {
        let x = &self.spans[step.inputs[0]];
        let ranges = self.ranges(step);
        let (secret, n, fine) = (&self.draft.secrets[weights], x.len(), self.numbers[at].weight);
        let one = |row: usize| {
            let mut sum = Bounded::default();
            for j in 0..n {
                let (moved, rounded) = rounding(secret, row * n + j, fine, ranges[j]);
                sum.add(moved, rounded, secret.error(row * n + j), (x.low[j], x.high[j]), e[j]);
            }
            sum.error(n) + self.shift(at, bias, row)
        };
        (0..step.width).map(one).collect()
    }

    fn convolution(&self, at: usize, step: &Step, weights: usize, bias: usize, e: &[f64]) -> Vec<f64> {
        let Action::Conv { conv, .. } = &step.action else { return Vec::new() };
        let x = &self.spans[step.inputs[0]];
        let (secret, fine) = (&self.draft.secrets[weights], self.numbers[at].weight);
        let rounded: Vec<(f64, f64)> =
            (0..secret.values.len()).map(|w| rounding(secret, w, fine, 0)).collect();
        let places = conv.out[0] * conv.out[1];
        let one = |output: usize| {
            let mut sum = Bounded::default();
            conv.products(output, |w, i| {
                let (moved, weight) = rounded[w];
                sum.add(moved, weight, secret.error(w), (x.low[i], x.high[i]), e[i]);
            });
            sum.error(conv.filter_len()) + self.shift(at, bias, output / places)
        };
        (0..step.width).map(one).collect()
    }

    fn scale(&self, at: usize, secret: usize, shift: usize, e: &[f64], x: &Span) -> Vec<f64> {
        let (secret, bits) = (&self.draft.secrets[secret], self.numbers[at].weight);
        let one = |i: usize| {
            let (moved, rounded) = rounding(secret, i, bits, 0);
            let mut sum = Bounded::default();
            sum.add(moved, rounded, secret.error(i), (x.low[i], x.high[i]), e[i]);
            sum.error(1) + self.shift(at, shift, i)
        };
        (0..x.len()).map(one).collect()
    }

    /// Error of a secret summand.
    fn shift(&self, at: usize, secret: usize, i: usize) -> f64 {
        let secret = &self.draft.secrets[secret];
        let scale = 2f64.powi(i32::try_from(self.numbers[at].fraction).unwrap_or(0));
        let moved = ((secret.values[i] * scale).round_ties_even() / scale - secret.values[i]).abs();
        moved + secret.error(i)
    }

    /// By column of a matrix, the exponent that its weights are scaled up by.
    pub(crate) fn ranges(&self, step: &Step) -> Vec<i32> {
        ranges(self.draft, self.columns, step)
    }
}

/// By value of a matrix's input, the exponent by which its weights are scaled up: the range that a column was scaled down by.
pub(crate) fn ranges(draft: &Draft, columns: &[Encoding], step: &Step) -> Vec<i32> {
    let input = &draft.steps[step.inputs[0]];
    match input.action {
        Action::Columns { first } => columns[first..first + input.width].iter().map(|c| c.relative).collect(),
        _ => vec![0; input.width],
    }
}

/// `(rounded - exact, rounded)` of a secret factor that is multiplied by column or value `j`.
fn rounding(secret: &Secret, at: usize, bits: u32, range: i32) -> (f64, f64) {
    let scale = 2f64.powi(i32::try_from(bits).unwrap_or(0) + range);
    let rounded = (secret.values[at] * scale).round_ties_even() / scale;
    (rounded - secret.values[at], rounded)
}

/// A sum of products with rounded factors.
#[derive(Default)]
struct Bounded {
    moved: (f64, f64),
    carried: f64,
    size: f64,
}

impl Bounded {
    fn add(&mut self, moved: f64, rounded: f64, folded: f64, (low, high): (f64, f64), e: f64) {
        let (a, b) = if moved < 0.0 { (high, low) } else { (low, high) };
        let size = low.abs().max(high.abs());
        self.moved = (self.moved.0 + moved * a, self.moved.1 + moved * b);
        self.carried += rounded.abs() * e + folded * size;
        self.size += rounded.abs() * size;
    }

    /// With float64's own part in computing the sum that it is compared with.
    fn error(&self, terms: usize) -> f64 {
        let float = self.size * f64::EPSILON * (terms as f64 + 2.0);
        self.moved.0.abs().max(self.moved.1.abs()) + self.carried + float
    }
}

/// No bound where a value is nearer to zero than its error wherever it is: the decision would be chance.
fn undecided(x: &Span, i: usize, e: f64) -> f64 {
    if e > 0.0 && e >= x.size(i) { f64::INFINITY } else { 0.0 }
}

fn product(x: f64, ex: f64, y: f64, ey: f64) -> f64 {
    x * ey + y * ex + ex * ey
}
