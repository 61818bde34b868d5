//! How much memory a party takes to run a program: at most, and roughly. Measured on the models of this repository; the test `memory` of
//! `privet-deploy` holds it to that.

use privet_model::private::{Action, Program, Step};

use super::waves::waves;

/// Bytes for each value of the steps in which parties talk, several at a time: shares of it, and of its bits.
const TALKING: usize = 256;
/// The same for functions that are series: all harmonics at once.
const SERIES: usize = 1024;
/// And for each value of a step that a party does alone.
const QUIET: usize = 64;
/// What is kept for a proof at most, besides what one step adds: as much is proven at once.
const PROOF: usize = 320 << 20;
/// And for any proof at all, besides the model's own tensors.
const ANY_PROOF: usize = 4 << 20;

/// Bytes that a party takes to run a program.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// For any number of rows.
    fixed: usize,
    /// For each row.
    row: usize,
    /// For each row, until there is enough for a proof.
    kept: usize,
}

impl Room {
    /// Of a program whose parties prove what they sent, or do not.
    pub fn of(program: &Program, proves: bool) -> Self {
        let row = together(program);
        if !proves {
            return Self { fixed: 0, row, kept: 0 };
        }
        let at_once = program.steps.iter().filter(|step| !is_series(step)).map(kept).max().unwrap_or(0);
        let kept = program.steps.iter().map(kept).fold(0, usize::saturating_add);
        let secrets = program.secrets.iter().fold(0_usize, |sum, &n| sum.saturating_add(n));
        let fixed = secrets.saturating_mul(TALKING).saturating_add(ANY_PROOF);
        Self { fixed, row: row.saturating_add(at_once), kept }
    }

    /// Bytes for so many rows.
    pub fn bytes(&self, rows: usize) -> usize {
        let kept = self.kept.saturating_mul(rows).min(PROOF);
        self.row.saturating_mul(rows).saturating_add(kept).saturating_add(self.fixed)
    }

    /// Rows for which so many bytes are enough, besides what is kept for proofs; at least one.
    pub fn rows(&self, bytes: usize) -> usize {
        (bytes / self.row.max(1)).max(1)
    }
}

/// Bytes for each row of the widest wave.
fn together(program: &Program) -> usize {
    let of = |at: &usize, each: usize| program.steps[*at].room().saturating_mul(each);
    let together = waves(program).into_iter().map(|wave| {
        let alone = wave.quiet.iter().map(|at| of(at, QUIET)).max().unwrap_or(0);
        let each = |at: &usize| if is_series(&program.steps[*at]) { SERIES } else { TALKING };
        wave.talking.iter().map(|at| of(at, each(at))).fold(alone, usize::saturating_add)
    });
    together.max().unwrap_or(0)
}

fn is_series(step: &Step) -> bool {
    matches!(step.action, Action::Smooth(_) | Action::Softmax { .. })
}

/// Bytes that are kept for a proof: of products of integers in a Galois ring, of matrices by their elements, of bits by bits.
fn kept(step: &Step) -> usize {
    use Action::{Abs, Below, Choose, Cut, Hottest, Max, Multiply, Negative, Relu, Unit, Zero};
    let of_a_value = match step.action {
        Cut | Relu | Abs | Multiply | Choose => 768,
        Unit(_) | Max(_) | Hottest { .. } => 256,
        Negative | Below | Zero => 64,
        _ if is_series(step) => 64 << 10,
        _ => 128,
    };
    step.room().saturating_mul(of_a_value)
}
