//! The public half of a private program: what every party and the client know.

use privet_ring::fixed::power_of_two;
use serde::{Deserialize, Serialize};

use super::action::{Action, SecretId, Step, StepId};
use super::numbers::Numbers;
use super::outputs::Shown;
use super::plans::Plan;
use crate::encode::Encoder;
use crate::range::{Floor, RangeSource};

/// How a column is sent: as the integer nearest to `x·2^scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoding {
    /// The column lies within ±2^this.
    pub exponent: i32,
    /// Where it begins.
    #[serde(default)]
    pub floor: Floor,
    /// Fraction bits, which may be negative.
    pub scale: i32,
    /// The power of two that the weights behind it take over, so that all columns have the same integer range.
    pub relative: i32,
    /// Whether the integer is exact.
    pub exact: bool,
}

impl Encoding {
    /// Largest error of the encoded value.
    pub(crate) fn error(&self) -> f64 {
        if self.exact { 0.0 } else { power_of_two(-i64::from(self.scale) - 1) }
    }

    /// The least and the greatest value of the column.
    pub fn ends(&self) -> (f64, f64) {
        let high = power_of_two(i64::from(self.exponent));
        (self.floor.below(high), high)
    }

    /// Bits of the integer, sign included.
    pub fn bits(&self) -> i32 {
        self.exponent + self.scale + 2
    }
}

/// What the parties do, and with which numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// What the owner asked for: the largest absolute error of what is revealed.
    pub accuracy: f64,
    /// Proven: nothing that is revealed of an accepted input is wrong by more than this. With [`Program::decisions`], where each
    /// value that they compare is farther than this from its threshold: nearer by, no error can be bound.
    pub bound: f64,
    /// Where the ranges came from.
    pub range_source: RangeSource,
    /// By column.
    pub columns: Vec<Encoding>,
    /// In order; a step's inputs stand before it.
    pub steps: Vec<Step>,
    /// By step.
    pub numbers: Vec<Numbers>,
    /// By step, how it is approximated, where it is.
    pub plans: Vec<Option<Plan>>,
    /// Lengths of the owner's secret tensors.
    pub secrets: Vec<usize>,
    /// What is revealed, in order.
    pub shown: Vec<Shown>,
}

impl Program {
    /// The scale by which each column is encoded, a power of two.
    pub fn scales(&self) -> Vec<f64> {
        self.columns.iter().map(|c| power_of_two(i64::from(c.scale))).collect()
    }

    /// Turns rows into integers.
    pub fn encoder(&self) -> Encoder {
        let (low, high) = self.columns.iter().map(Encoding::ends).unzip();
        Encoder::new(self.scales(), low, high)
    }

    /// Bits of the ring in which columns are shared.
    pub fn input_ring(&self) -> u32 {
        let columns = self.steps.iter().zip(&self.numbers).filter(|(step, _)| step.is_columns());
        columns.map(|(_, n)| n.ring).max().unwrap_or(1)
    }

    /// Bits of the widest encoded column, sign included.
    pub fn encoded_bits(&self) -> u32 {
        let widest = self.columns.iter().map(Encoding::bits).max().unwrap_or(2);
        u32::try_from(widest).unwrap_or(1).max(1)
    }

    /// By secret tensor, the ring of the step that uses it.
    pub fn secret_rings(&self) -> Vec<u32> {
        let mut rings = vec![1; self.secrets.len()];
        for (step, n) in self.steps.iter().zip(&self.numbers) {
            step.action.secrets().into_iter().for_each(|id| rings[id] = n.ring);
        }
        rings
    }

    /// Values of a row that the widest step, or two matrices that are laid out for their product, have.
    pub fn widest(&self) -> usize {
        self.steps.iter().map(Step::room).max().unwrap_or(1)
    }

    /// The matrix that all columns go through first, where nothing else is made of them: its step, and the tensor of its weights.
    pub fn first_matrix(&self) -> Option<(StepId, SecretId)> {
        let at = self.steps.iter().position(Step::is_columns)?;
        let mut uses = self.steps.iter().enumerate().filter(|(_, s)| s.inputs.contains(&at));
        let (at_matrix, step) = uses.next()?;
        let is_all = self.steps[at].width == self.columns.len() && uses.next().is_none();
        let is_shown = self.shown.iter().any(|s| s.step == at);
        match step.action {
            Action::Linear { weights, .. } if is_all && !is_shown => Some((at_matrix, weights)),
            _ => None,
        }
    }

    /// Values that are revealed of each row.
    pub fn scores(&self) -> usize {
        self.shown.iter().map(|s| s.indices.len()).sum()
    }

    /// Ring of what is revealed, the same for all, so that an answer is one packed tensor.
    pub fn output_ring(&self) -> u32 {
        self.shown.iter().map(|s| self.numbers[s.step].ring).max().unwrap_or(1)
    }

    /// Bits by which the values of a step are shifted up when they are revealed: above its own ring a share is noise that
    /// nobody may see.
    pub fn output_shift(&self, shown: &Shown) -> u32 {
        self.output_ring() - self.numbers[shown.step].ring
    }

    /// Decodes the revealed values of one or more rows.
    pub fn decode(&self, elements: &[u64]) -> Vec<f64> {
        let k = self.output_ring();
        let fraction = |s: &Shown| self.numbers[s.step].fraction + self.output_shift(s);
        let fractions: Vec<u32> =
            self.shown.iter().flat_map(|s| std::iter::repeat_n(fraction(s), s.indices.len())).collect();
        let rows = elements.chunks_exact(fractions.len().max(1));
        let one = |(&x, &fraction): (&u64, &u32)| privet_ring::fixed::decode(x, k, fraction);
        rows.flat_map(|row| row.iter().zip(&fractions).map(one)).collect()
    }
}

/// The owner's constants as integers modulo 2^64, a tensor each. Wiped on drop.
#[derive(zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct Constants {
    /// In the order of [`Program::secrets`].
    pub tensors: Vec<Vec<u64>>,
}

privet_ring::not_shown!(Constants);
