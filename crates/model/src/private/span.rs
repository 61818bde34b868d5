//! Where each value of each step can lie: interval arithmetic from the ranges of the columns through the owner's constants.

use super::action::{Action, Step, StepId};
use super::draft::{Draft, Secret};
use super::smooth::range_of;
use crate::graph::{Conv, MatMul, Windows};

/// The least and the greatest of each value of a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Span {
    pub(crate) low: Vec<f64>,
    pub(crate) high: Vec<f64>,
}

impl Span {
    pub(crate) fn len(&self) -> usize {
        self.low.len()
    }

    /// Largest absolute value of value `i`.
    pub(crate) fn size(&self, i: usize) -> f64 {
        self.low[i].abs().max(self.high[i].abs())
    }

    /// Largest absolute value of all.
    pub(crate) fn greatest(&self) -> f64 {
        (0..self.len()).map(|i| self.size(i)).fold(0.0, f64::max)
    }

    fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self {
            low: self.low.iter().map(|&x| f(x)).collect(),
            high: self.high.iter().map(|&x| f(x)).collect(),
        }
    }

    fn pick(&self, indices: impl Iterator<Item = usize>) -> Self {
        indices.map(|i| (self.low[i], self.high[i])).collect()
    }

    fn zip(&self, other: &Self, f: impl Fn((f64, f64), (f64, f64)) -> (f64, f64)) -> Self {
        (0..self.len()).map(|i| f((self.low[i], self.high[i]), (other.low[i], other.high[i]))).collect()
    }
}

impl FromIterator<(f64, f64)> for Span {
    fn from_iter<T: IntoIterator<Item = (f64, f64)>>(pairs: T) -> Self {
        let (low, high) = pairs.into_iter().unzip();
        Self { low, high }
    }
}

/// The spans of all steps. `columns` has one per column.
pub(crate) fn spans(draft: &Draft, columns: &Span) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::with_capacity(draft.steps.len());
    for step in &draft.steps {
        spans.push(Of { draft, step, spans: &spans }.span(columns));
    }
    spans
}

struct Of<'a> {
    draft: &'a Draft,
    step: &'a Step,
    spans: &'a [Span],
}

impl Of<'_> {
    fn input(&self, i: usize) -> &Span {
        &self.spans[self.step.inputs[i]]
    }

    fn secret(&self, id: StepId) -> &Secret {
        &self.draft.secrets[id]
    }

    fn span(&self, columns: &Span) -> Span {
        match &self.step.action {
            Action::Columns { first } => columns.pick(*first..first + self.step.width),
            Action::Linear { weights, bias } => {
                linear(self.input(0), self.secret(*weights), self.secret(*bias))
            }
            Action::Conv { conv, weights, bias } => {
                convolve(self.input(0), conv, self.secret(*weights), self.secret(*bias))
            }
            Action::Scale { factors, shift } => {
                let (factors, shift) = (&self.secret(*factors).values, &self.secret(*shift).values);
                let one = |i: usize| {
                    let (a, b) =
                        times((self.input(0).low[i], self.input(0).high[i]), (factors[i], factors[i]));
                    (a + shift[i], b + shift[i])
                };
                (0..self.step.width).map(one).collect()
            }
            Action::Constant(values) => self.secret(*values).values.iter().map(|&v| (v, v)).collect(),
            Action::Add => self.input(0).zip(self.input(1), |a, b| (a.0 + b.0, a.1 + b.1)),
            Action::Subtract => self.input(0).zip(self.input(1), |a, b| (a.0 - b.1, a.1 - b.0)),
            Action::Multiply if self.step.inputs[0] == self.step.inputs[1] => square(self.input(0)),
            Action::Multiply => self.input(0).zip(self.input(1), times),
            Action::MatMul(shape) => matmul(self.input(0), self.input(1), shape),
            Action::Sum(windows) => over(self.input(0), windows, (0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1)),
            Action::Max(windows) => {
                let none = (f64::NEG_INFINITY, f64::NEG_INFINITY);
                over(self.input(0), windows, none, |a, b| (a.0.max(b.0), a.1.max(b.1)))
            }
            Action::Select(indices) => self.input(0).pick(indices.iter().copied()),
            Action::Concat => (0..self.step.inputs.len())
                .flat_map(|i| self.input(i).low.iter().copied().zip(self.input(i).high.iter().copied()))
                .collect(),
            Action::Flip { negate: false, shift } => self.input(0).map(|x| x + f64::from(*shift)),
            Action::Flip { negate: true, shift } => {
                let Span { low, high } = self.input(0).map(|x| f64::from(*shift) - x);
                Span { low: high, high: low }
            }
            Action::Cut => self.input(0).clone(),
            Action::Abs => {
                let least =
                    |x: (f64, f64)| if x.0 <= 0.0 && x.1 >= 0.0 { 0.0 } else { x.0.abs().min(x.1.abs()) };
                self.input(0).zip(self.input(0), |x, _| (least(x), x.0.abs().max(x.1.abs())))
            }
            Action::Relu => self.input(0).map(|x| x.max(0.0)),
            Action::Unit(unit) => unit.span(self.input(0)),
            Action::Smooth(f) => {
                let x = self.input(0);
                (0..x.len()).map(|i| range_of(*f, x.low[i], x.high[i])).collect()
            }
            Action::Choose => self.input(1).zip(self.input(2), |a, b| (a.0.min(b.0), a.1.max(b.1))),
            Action::Within { low, high } => {
                let [low, high] = [low, high].map(|bound| bound.map(f64::from));
                self.input(0).map(|x| x.max(low.unwrap_or(x)).min(high.unwrap_or(f64::INFINITY)))
            }
            Action::Negative
            | Action::Below
            | Action::Zero
            | Action::Hottest { .. }
            | Action::Softmax { .. } => std::iter::repeat_n((0.0, 1.0), self.step.width).collect(),
        }
    }
}

/// Product of two intervals.
pub(crate) fn times(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    let all = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
    (all.iter().copied().fold(f64::INFINITY, f64::min), all.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

fn square(x: &Span) -> Span {
    let one = |i: usize| {
        let (a, b) = (x.low[i] * x.low[i], x.high[i] * x.high[i]);
        (if x.low[i] <= 0.0 && x.high[i] >= 0.0 { 0.0 } else { a.min(b) }, a.max(b))
    };
    (0..x.len()).map(one).collect()
}

fn over(
    x: &Span,
    windows: &Windows,
    none: (f64, f64),
    join: impl Fn((f64, f64), (f64, f64)) -> (f64, f64),
) -> Span {
    let one = |w: &Vec<usize>| w.iter().fold(none, |sum, &i| join(sum, (x.low[i], x.high[i])));
    windows.0.iter().map(one).collect()
}

/// `weight·[low, high]`, added to a sum.
fn add_product(sum: &mut (f64, f64), weight: f64, low: f64, high: f64) {
    let (a, b) = if weight < 0.0 { (high, low) } else { (low, high) };
    *sum = (sum.0 + weight * a, sum.1 + weight * b);
}

fn linear(x: &Span, weights: &Secret, bias: &Secret) -> Span {
    let one = |(weights, &bias): (&[f64], &f64)| {
        let mut sum = (bias, bias);
        weights.iter().enumerate().for_each(|(j, &w)| add_product(&mut sum, w, x.low[j], x.high[j]));
        sum
    };
    weights.values.chunks_exact(x.len().max(1)).zip(&bias.values).map(one).collect()
}

fn convolve(x: &Span, conv: &Conv, weights: &Secret, bias: &Secret) -> Span {
    let places = conv.out[0] * conv.out[1];
    let one = |output: usize| {
        let bias = bias.values[output / places];
        let mut sum = (bias, bias);
        conv.products(output, |w, i| add_product(&mut sum, weights.values[w], x.low[i], x.high[i]));
        sum
    };
    (0..conv.width_out()).map(one).collect()
}

/// The places of the factors of each sum of a stack of matrix products.
pub(crate) fn factors(shape: &MatMul, output: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
    let MatMul { rows, inner, columns, .. } = *shape;
    let (s, i, j) = (output / (rows * columns), output / columns % rows, output % columns);
    (0..inner).map(move |l| ((s * rows + i) * inner + l, (s * inner + l) * columns + j))
}

fn matmul(a: &Span, b: &Span, shape: &MatMul) -> Span {
    let one = |output: usize| {
        factors(shape, output).fold((0.0, 0.0), |sum, (i, j)| {
            let product = times((a.low[i], a.high[i]), (b.low[j], b.high[j]));
            (sum.0 + product.0, sum.1 + product.1)
        })
    };
    (0..shape.stack * shape.rows * shape.columns).map(one).collect()
}
