//! How wrong each value of each step can be: rounding of columns and weights, cuts, and what becomes of earlier errors. All
//! bounds, none estimates; the actual roundings of the owner's weights are used, as the owner knows them.

use super::action::{Action, Step};
use super::draft::{Draft, Secret};
use super::length::{carried, length};
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
    /// By step, [`gains`](super::length::gains).
    pub(crate) gains: &'a [f64],
}

/// The errors of a step.
struct Off {
    /// By value, at most.
    each: Vec<f64>,
    /// At most, as a vector.
    together: f64,
}

impl Off {
    fn unknown(width: usize) -> Self {
        Self { each: vec![f64::INFINITY; width], together: f64::INFINITY }
    }
}

/// The errors of a step's input.
struct Before<'a> {
    each: &'a [f64],
    together: f64,
}

/// Above what float64 rounds in a length.
const ROUNDED_UP: f64 = 1.0 + 1e-9;

/// One unit in the last of so many fraction bits.
pub(crate) fn unit(fraction: u32) -> f64 {
    2f64.powi(-i32::try_from(fraction).unwrap_or(i32::MAX))
}

impl Sources<'_> {
    /// The errors of all steps.
    pub(crate) fn noise(&self) -> Noise {
        let mut noise: Noise = Vec::with_capacity(self.draft.steps.len());
        let mut lengths: Vec<f64> = Vec::with_capacity(self.draft.steps.len());
        for (at, step) in self.draft.steps.iter().enumerate() {
            let before: Vec<f64> = step.inputs.iter().map(|&i| lengths[i]).collect();
            let Off { mut each, together } = self.of(at, step, &noise, &before);
            let together = (together * ROUNDED_UP).min(length(&each) * ROUNDED_UP);
            for e in &mut each {
                *e = e.min(together);
            }
            let each = self.held(at, each);
            lengths.push(if each.iter().all(|e| e.is_finite()) { together } else { f64::INFINITY });
            noise.push(each);
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

    fn of(&self, at: usize, step: &Step, noise: &Noise, before: &[f64]) -> Off {
        if self.is_exact(step, noise) {
            return Off { each: vec![0.0; step.width], together: 0.0 };
        }
        let first = || Before { each: &noise[step.inputs[0]], together: before[0] };
        match &step.action {
            Action::Linear { weights, bias } => self.linear(at, step, *weights, *bias, &first()),
            Action::Conv { weights, bias, .. } => self.convolution(at, step, *weights, *bias, &first()),
            Action::Scale { factors, shift } => self.scale(at, step, *factors, *shift, &first()),
            _ => {
                let each = self.each(at, step, noise);
                let own = self.added(at, step) * (step.width as f64).sqrt();
                Off { each, together: carried(step, before) + own }
            }
        }
    }

    /// What a step without weights adds to each value's error at most.
    fn added(&self, at: usize, step: &Step) -> f64 {
        match step.action {
            Action::Cut | Action::Relu => self.cut(at, step),
            Action::Smooth(_) | Action::Softmax { .. } => self.approximation(at),
            _ => 0.0,
        }
    }

    /// One unit where bits are cut.
    fn cut(&self, at: usize, step: &Step) -> f64 {
        let is_cut = self.numbers[step.inputs[0]].fraction > self.numbers[at].fraction;
        if is_cut { unit(self.numbers[at].fraction) } else { 0.0 }
    }

    fn each(&self, at: usize, step: &Step, noise: &Noise) -> Vec<f64> {
        let e = |i: usize| noise[step.inputs[i]].as_slice();
        let span = |i: usize| &self.spans[step.inputs[i]];
        match &step.action {
            Action::Columns { first } => {
                self.columns[*first..first + step.width].iter().map(Encoding::error).collect()
            }
            Action::Linear { .. } | Action::Conv { .. } | Action::Scale { .. } => {
                Off::unknown(step.width).each
            }
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
                let cut = self.cut(at, step);
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

    fn linear(&self, at: usize, step: &Step, weights: usize, bias: usize, before: &Before<'_>) -> Off {
        let x = &self.spans[step.inputs[0]];
        let ranges = self.ranges(step);
        let (secret, n, fine) = (&self.draft.secrets[weights], x.len(), self.numbers[at].weight);
        let mut squares = 0.0;
        let one = |row: usize| {
            let mut sum = Bounded::default();
            for (j, &range) in ranges.iter().enumerate() {
                let (moved, rounded) = rounding(secret, row * n + j, fine, range);
                squares += moved * moved;
                sum.add(moved, rounded, secret.error(row * n + j), (x.low[j], x.high[j]), before.each[j]);
            }
            sum.errors(n, before.together, self.shift(at, bias, row))
        };
        let (each, own): (Vec<f64>, Vec<f64>) = (0..step.width).map(one).unzip();
        Off { each, together: (self.gains[at] + squares.sqrt()) * before.together + length(&own) }
    }

    fn convolution(&self, at: usize, step: &Step, weights: usize, bias: usize, before: &Before<'_>) -> Off {
        let Action::Conv { conv, .. } = &step.action else { return Off::unknown(step.width) };
        let x = &self.spans[step.inputs[0]];
        let (secret, fine) = (&self.draft.secrets[weights], self.numbers[at].weight);
        let rounded: Vec<(f64, f64)> =
            (0..secret.values.len()).map(|w| rounding(secret, w, fine, 0)).collect();
        let places = conv.out[0] * conv.out[1];
        let one = |output: usize| {
            let mut sum = Bounded::default();
            conv.products(output, |w, i| {
                let (moved, weight) = rounded[w];
                sum.add(moved, weight, secret.error(w), (x.low[i], x.high[i]), before.each[i]);
            });
            sum.errors(conv.filter_len(), before.together, self.shift(at, bias, output / places))
        };
        let (each, own): (Vec<f64>, Vec<f64>) = (0..step.width).map(one).unzip();
        let squares: f64 = rounded.iter().map(|(moved, _)| moved * moved).sum();
        let gain = self.gains[at] + (squares * conv.most_patches() as f64).sqrt();
        Off { each, together: gain * before.together + length(&own) }
    }

    fn scale(&self, at: usize, step: &Step, secret: usize, shift: usize, before: &Before<'_>) -> Off {
        let x = &self.spans[step.inputs[0]];
        let (secret, bits) = (&self.draft.secrets[secret], self.numbers[at].weight);
        let mut largest = 0f64;
        let one = |i: usize| {
            let (moved, rounded) = rounding(secret, i, bits, 0);
            largest = largest.max(rounded.abs());
            let mut sum = Bounded::default();
            sum.add(moved, rounded, secret.error(i), (x.low[i], x.high[i]), before.each[i]);
            sum.errors(1, f64::INFINITY, self.shift(at, shift, i))
        };
        let (each, own): (Vec<f64>, Vec<f64>) = (0..x.len()).map(one).unzip();
        Off { each, together: largest * before.together + length(&own) }
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
    /// Of the rounded factors.
    squares: f64,
    folded: f64,
    size: f64,
}

impl Bounded {
    fn add(&mut self, moved: f64, rounded: f64, folded: f64, (low, high): (f64, f64), e: f64) {
        let (a, b) = if moved < 0.0 { (high, low) } else { (low, high) };
        let size = low.abs().max(high.abs());
        self.moved = (self.moved.0 + moved * a, self.moved.1 + moved * b);
        self.carried += rounded.abs() * e;
        self.squares += rounded * rounded;
        self.folded += folded * size;
        self.size += rounded.abs() * size;
    }

    /// The error of the sum, and what of it is its own, with float64's part in computing the sum that it is compared with. `together`
    /// is the length of the error of what is added up: what is carried of it is at most so much times the length of the factors.
    fn errors(&self, terms: usize, together: f64, shift: f64) -> (f64, f64) {
        let float = self.size * f64::EPSILON * (terms as f64 + 2.0);
        let own = self.moved.0.abs().max(self.moved.1.abs()) + self.folded + float + shift;
        let along = self.squares.sqrt() * together;
        // Zero times infinity is nothing that is known.
        let carried = if along < self.carried { along } else { self.carried };
        (carried + own, own)
    }
}

/// No bound where a value is nearer to zero than its error wherever it is: the decision would be chance.
fn undecided(x: &Span, i: usize, e: f64) -> f64 {
    if e > 0.0 && e >= x.size(i) { f64::INFINITY } else { 0.0 }
}

fn product(x: f64, ex: f64, y: f64, ey: f64) -> f64 {
    x * ey + y * ex + ex * ey
}
