//! A program on integers in the clear: what every protocol must give, up to one unit in the last place at each cut. For `check`
//! on the owner's rows and for tests; it protects nothing.

use privet_ring::fixed::encode;

use super::action::{Action, Step};
use super::program::{Constants, Program};
use super::span::factors;

/// By step, the integers of one row.
type Values = Vec<Vec<i64>>;

impl Program {
    /// The revealed values, decoded, for rows of encoded columns.
    pub fn in_the_clear(&self, constants: &Constants, columns: &[f64]) -> Vec<f64> {
        let scales = self.scales();
        let rows = columns.chunks_exact(scales.len().max(1));
        rows.flat_map(|row| {
            let encoded: Vec<i64> =
                row.iter().zip(&scales).map(|(&x, &scale)| encode(x, scale).cast_signed()).collect();
            self.row(constants, &encoded)
        })
        .collect()
    }

    fn row(&self, constants: &Constants, columns: &[i64]) -> Vec<f64> {
        let mut values: Values = Vec::with_capacity(self.steps.len());
        for at in 0..self.steps.len() {
            let value = Clear { program: self, constants, columns, values: &values, at }.value();
            values.push(value);
        }
        let unit = |step: usize| 2f64.powi(-i32::try_from(self.numbers[step].fraction).unwrap_or(0));
        let shown = self.shown.iter();
        shown
            .flat_map(|s| {
                s.indices.iter().map(|&i| values[s.step][i] as f64 * unit(s.step)).collect::<Vec<_>>()
            })
            .collect()
    }
}

struct Clear<'a> {
    program: &'a Program,
    constants: &'a Constants,
    columns: &'a [i64],
    values: &'a Values,
    at: usize,
}

impl Clear<'_> {
    fn step(&self) -> &Step {
        &self.program.steps[self.at]
    }

    /// Input `i`, shifted up to this step's fraction where that is finer.
    fn aligned(&self, i: usize) -> Vec<i64> {
        let shift = self.program.numbers[self.at].fraction.saturating_sub(self.fraction(i));
        self.input(i).iter().map(|x| x << shift).collect()
    }

    fn input(&self, i: usize) -> &[i64] {
        &self.values[self.step().inputs[i]]
    }

    fn fraction(&self, i: usize) -> u32 {
        self.program.numbers[self.step().inputs[i]].fraction
    }

    fn secret(&self, id: usize) -> Vec<i64> {
        self.constants.tensors[id].iter().map(|x| x.cast_signed()).collect()
    }

    /// Input 0 with this step's fewer fraction bits, to nearest.
    fn cut(&self) -> Vec<i64> {
        let drop = self.fraction(0) - self.program.numbers[self.at].fraction;
        let half = if drop == 0 { 0 } else { 1 << (drop - 1) };
        self.input(0).iter().map(|x| (x + half) >> drop).collect()
    }

    fn value(&self) -> Vec<i64> {
        let pairs = |f: fn(i64, i64) -> i64| -> Vec<i64> {
            self.aligned(0).iter().zip(&self.aligned(1)).map(|(&a, &b)| f(a, b)).collect()
        };
        let width = self.step().width;
        match &self.step().action {
            Action::Columns { first } => self.columns[*first..first + width].to_vec(),
            Action::Linear { weights, bias } => self.linear(*weights, *bias),
            Action::Conv { weights, bias, .. } => self.convolution(*weights, *bias),
            Action::Scale { factors, shift } => {
                let (factors, shift) = (self.secret(*factors), self.secret(*shift));
                self.input(0)
                    .iter()
                    .zip(&factors)
                    .zip(&shift)
                    .map(|((x, f), s)| x.wrapping_mul(*f).wrapping_add(*s))
                    .collect()
            }
            Action::Constant(values) => self.secret(*values),
            Action::Add => pairs(i64::wrapping_add),
            Action::Subtract => pairs(i64::wrapping_sub),
            Action::Multiply => {
                self.input(0).iter().zip(self.input(1)).map(|(a, b)| a.wrapping_mul(*b)).collect()
            }
            Action::MatMul(shape) => {
                let (a, b) = (self.input(0), self.input(1));
                let one = |output| {
                    factors(shape, output).map(|(i, j)| a[i].wrapping_mul(b[j])).fold(0, i64::wrapping_add)
                };
                (0..width).map(one).collect()
            }
            Action::Sum(windows) => {
                windows.0.iter().map(|w| w.iter().map(|&i| self.input(0)[i]).sum()).collect()
            }
            Action::Max(windows) => {
                windows.0.iter().map(|w| w.iter().map(|&i| self.input(0)[i]).max().unwrap_or(0)).collect()
            }
            Action::Select(indices) => indices.iter().map(|&i| self.input(0)[i]).collect(),
            Action::Concat => (0..self.step().inputs.len()).flat_map(|i| self.aligned(i)).collect(),
            Action::Flip { negate, shift } => {
                let shift = i64::from(*shift) << self.program.numbers[self.at].fraction;
                self.input(0).iter().map(|&x| shift + if *negate { -x } else { x }).collect()
            }
            Action::Cut => self.cut(),
            Action::Relu => self.cut().iter().map(|&x| x.max(0)).collect(),
            Action::Abs => self.input(0).iter().map(|x| x.abs()).collect(),
            Action::Unit(unit) => {
                let (from, to) = (self.fraction(0), self.program.numbers[self.at].fraction);
                let x: Vec<f64> = self.input(0).iter().map(|&x| real(x, from)).collect();
                unit.at(&x).into_iter().map(|y| fixed(y, to)).collect()
            }
            Action::Smooth(f) => {
                let (from, to) = (self.fraction(0), self.program.numbers[self.at].fraction);
                self.input(0).iter().map(|&x| fixed(f.at(real(x, from)), to)).collect()
            }
            Action::Choose => {
                let both = self.aligned(1).into_iter().zip(self.aligned(2));
                self.input(0).iter().zip(both).map(|(&c, (a, b))| if c == 0 { b } else { a }).collect()
            }
            Action::Within { .. } => self.input(0).to_vec(),
            Action::Negative | Action::Below => self.input(0).iter().map(|&x| i64::from(x < 0)).collect(),
            Action::Zero => self.input(0).iter().map(|&x| i64::from(x == 0)).collect(),
            Action::Hottest { group } => self.input(0).chunks(*group).flat_map(hottest).collect(),
            Action::Softmax { group } => self.softmax(*group),
        }
    }

    fn linear(&self, weights: usize, bias: usize) -> Vec<i64> {
        let (x, weights) = (self.input(0), self.secret(weights));
        let rows = weights.chunks_exact(x.len().max(1)).zip(self.secret(bias));
        let dot = |row: &[i64]| row.iter().zip(x).map(|(w, x)| w.wrapping_mul(*x)).fold(0, i64::wrapping_add);
        rows.map(|(row, bias)| bias.wrapping_add(dot(row))).collect()
    }

    fn convolution(&self, weights: usize, bias: usize) -> Vec<i64> {
        let Action::Conv { conv, .. } = &self.step().action else { return Vec::new() };
        let (x, weights, bias) = (self.input(0), self.secret(weights), self.secret(bias));
        let places = conv.out[0] * conv.out[1];
        let one = |output: usize| {
            let mut sum = bias[output / places];
            conv.products(output, |w, i| sum = sum.wrapping_add(weights[w].wrapping_mul(x[i])));
            sum
        };
        (0..conv.width_out()).map(one).collect()
    }

    fn softmax(&self, group: usize) -> Vec<i64> {
        let (from, to) = (self.fraction(0), self.program.numbers[self.at].fraction);
        let one = |x: &[i64]| {
            let mut row: Vec<f64> = x.iter().map(|&x| real(x, from)).collect();
            crate::eval::softmax(&mut row);
            row.into_iter().map(|p| fixed(p, to)).collect::<Vec<_>>()
        };
        self.input(0).chunks(group).flat_map(one).collect()
    }
}

fn hottest(x: &[i64]) -> Vec<i64> {
    let best = (0..x.len()).fold(0, |best, i| if x[i] > x[best] { i } else { best });
    (0..x.len()).map(|i| i64::from(i == best)).collect()
}

fn real(x: i64, fraction: u32) -> f64 {
    x as f64 * 2f64.powi(-i32::try_from(fraction).unwrap_or(0))
}

#[allow(clippy::cast_possible_truncation)] // the planner holds values far below 2^63
fn fixed(x: f64, fraction: u32) -> i64 {
    (x * 2f64.powi(i32::try_from(fraction).unwrap_or(0))).round() as i64
}
