//! The choice of numbers: the least bits with which everything that is revealed is good to the accuracy that was asked for.

use super::action::{Action, Step, StepId};
use super::draft::Draft;
use super::length::gains;
use super::lower::Lowered;
use super::noise::{Sources, ranges as factors_of};
use super::numbers::{Fineness, Numbers, exponents, is_compared, numbers};
use super::origin::columns_of;
use super::plans::{Plan, Plans};
use super::program::{Constants, Encoding, Program};
use super::smooth::{domain, has_domain};
use super::span::{Span, spans};
use crate::Refusal;
use crate::graph::{Function, Origin};
use crate::head::{Column, Head};
use crate::range::{Floor, RangeSource, Ranges};
use privet_ring::fixed::{MAX_INPUT_BITS, outward_exponent, power_of_two};

/// Fraction bits of values that are tried.
const VALUE_BITS: std::ops::RangeInclusive<u32> = 6..=44;
/// How many more bits secret factors may have.
const EXTRA: [u32; 4] = [0, 3, 6, 10];

/// Chooses numbers for a lowered model.
///
/// Where a function is not defined on all of a range that reaches below zero, the columns that its argument is made of begin where
/// sample rows say.
pub(crate) fn choose(
    lowered: &Lowered,
    accuracy: f64,
    ranges: &Ranges,
) -> Result<(Program, Constants), Refusal> {
    if !(accuracy > 0.0 && accuracy.is_finite()) {
        return Err(Refusal::new("E210", format!("Accuracy must be a positive number, got {accuracy}.")));
    }
    let mut candidates: Vec<Vec<i32>> = ranges.candidates(&lowered.head, &lowered.statistics).collect();
    // From the narrowest to the widest; the widest that keeps the accuracy is wanted.
    candidates.reverse();
    candidates.dedup();
    let mut floors = vec![Floor::Opposite; lowered.head.columns.len()];
    loop {
        match widest(lowered, accuracy, ranges, &candidates, &floors) {
            Err(Miss::Undefined(at)) if raise(&mut floors, lowered, at, ranges, &candidates[0]) => {}
            Err(Miss::Undefined(at)) => return Err(undefined(&lowered.draft.steps[at], ranges.source())),
            Err(Miss::Reachable(reachable)) => return Err(unreachable(accuracy, reachable)),
            Ok(found) => return Ok(found),
        }
    }
}

/// With the widest ranges that keep the accuracy, of `candidates` from the narrowest to the widest.
fn widest(
    lowered: &Lowered,
    accuracy: f64,
    ranges: &Ranges,
    candidates: &[Vec<i32>],
    floors: &[Floor],
) -> Result<(Program, Constants), Miss> {
    let (mut low, mut high) = (0, candidates.len());
    let (plans, gains) = (Plans::default(), gains(&lowered.draft));
    let mut best = Err(Miss::Reachable(0.0));
    while low < high {
        let middle = usize::midpoint(low, high);
        let exponents = &candidates[middle];
        match (Search { lowered, accuracy, exponents, floors, plans: &plans, gains: &gains }).run(ranges) {
            Ok(found) => {
                best = Ok(found);
                low = middle + 1;
            }
            Err(reachable) => {
                if best.is_err() {
                    best = Err(reachable);
                }
                high = middle;
            }
        }
    }
    best
}

/// Makes the columns that the argument of a function is made of begin where sample rows say; false where that changes nothing.
fn raise(floors: &mut [Floor], lowered: &Lowered, at: StepId, ranges: &Ranges, exponents: &[i32]) -> bool {
    let spans = spans(&lowered.draft, &columns_span(&lowered.head, exponents, floors));
    let before = floors.to_vec();
    for column in columns_of(&lowered.draft, at, |i| undefined_at(&lowered.draft.steps[at], &spans, i)) {
        floors[column] = ranges.floor(&lowered.head, column);
    }
    before != floors
}

/// Why there are no numbers.
#[derive(Clone, Copy)]
enum Miss {
    /// This accuracy is the best that any have; infinite if there is none.
    Reachable(f64),
    /// A function is not defined everywhere where its argument can be.
    Undefined(StepId),
}

fn undefined(step: &Step, source: RangeSource) -> Refusal {
    let Origin { node, op } = &step.origin;
    let what = match step.action {
        Action::Smooth(Function::Sqrt) => "the root of what may be below 0",
        Action::Smooth(Function::Log) => "the logarithm of what may be 0 or less",
        Action::Smooth(Function::Reciprocal) => "the inverse of what may be 0 or less",
        _ => "a power of what may be 0 or less",
    };
    let remedy = match source {
        RangeSource::Model => "Give `--rows` with the values that occur, or clip",
        RangeSource::Rows => {
            "Leave out rows for which it is not defined; where the ranges of several features together let it happen, clip"
        }
    };
    Refusal::new(
        "E212",
        format!(
            "`{node}` ({op}) takes {what} with these ranges. {remedy} what it is applied to (`Clip`, `Max`) in the model."
        ),
    )
}

/// By step of a program, the largest error of its values.
pub(crate) fn errors(lowered: &Lowered, program: &Program) -> Vec<f64> {
    let columns = || program.columns.iter();
    let exponents: Vec<i32> = columns().map(|c| c.exponent).collect();
    let floors: Vec<Floor> = columns().map(|c| c.floor).collect();
    let spans = spans(&lowered.draft, &columns_span(&lowered.head, &exponents, &floors));
    let (draft, numbers) = (&lowered.draft, &program.numbers);
    let (gains, columns, plans) = (gains(draft), &program.columns, &program.plans);
    let sources = Sources { draft, spans: &spans, numbers, columns, plans, gains: &gains };
    sources.noise().iter().map(|step| step.iter().copied().fold(0.0, f64::max)).collect()
}

/// Indicators and levels are not negative.
fn columns_span(head: &Head, exponents: &[i32], floors: &[Floor]) -> Span {
    let ends = exponents.iter().zip(floors).map(|(&exponent, floor)| {
        let high = power_of_two(i64::from(exponent));
        (floor.below(high), high)
    });
    let columns = head.columns.iter().zip(ends);
    columns
        .map(|(column, ends)| match column {
            Column::Indicator { .. } | Column::Level { .. } => (0.0, 1.0),
            Column::Value { .. } | Column::Ordinal { .. } => ends,
        })
        .collect()
}

fn unreachable(accuracy: f64, reachable: f64) -> Refusal {
    let remedy = if reachable.is_finite() {
        format!("{:.1e} does. Ask for that, or give `--rows` with smaller values.", reachable * 1.05)
    } else {
        "no other does: its values grow too large, or a choice depends on rounded numbers. Give `--rows` with smaller values."
            .into()
    };
    Refusal::new(
        "E211",
        format!("Accuracy {accuracy:e} does not fit into 64 bits with these ranges; {remedy}"),
    )
}

struct Search<'a> {
    lowered: &'a Lowered,
    accuracy: f64,
    exponents: &'a [i32],
    floors: &'a [Floor],
    plans: &'a Plans,
    /// [`gains`] of the draft.
    gains: &'a [f64],
}

/// One choice of bits, with what follows from it.
struct Tried {
    numbers: Vec<Numbers>,
    plans: Vec<Option<Plan>>,
    columns: Vec<Encoding>,
    bound: f64,
}

impl Search<'_> {
    /// The program with the fewest bits, or the best bound that any has.
    fn run(&self, ranges: &Ranges) -> Result<(Program, Constants), Miss> {
        let draft = &self.lowered.draft;
        let spans = spans(draft, &columns_span(&self.lowered.head, self.exponents, self.floors));
        if let Some(at) = (0..draft.steps.len()).find(|&at| is_undefined(draft, &spans, at)) {
            return Err(Miss::Undefined(at));
        }
        let exponents = exponents(&spans);
        let columns = draft.steps.iter().position(Step::is_columns);
        let shown = |at: StepId| self.lowered.shown.iter().any(|s| s.step == at);
        let relative = columns.is_some_and(|at| is_relative(draft, at) && !shown(at));
        let gain = if relative { gain(draft, &spans) } else { 0 };
        let attempt = |fine: Fineness| self.attempt(fine, &spans, &exponents, relative);
        let wish = |fine: Fineness| self.wish(|| attempt(fine));
        let fine = |value: u32, extra: u32| {
            let column = (value + gain).min(MAX_INPUT_BITS);
            Fineness { value, weight: value + extra, column }
        };
        let is_good = |tried: &Tried| tried.bound <= self.accuracy;
        let (mut best, mut missed) = (f64::INFINITY, Vec::new());
        for value in VALUE_BITS {
            // What the finest weights miss, coarser ones miss too.
            let finest = fine(value, EXTRA[EXTRA.len() - 1]);
            if let Some(wished) = wish(finest).filter(|wished| !is_good(wished)) {
                missed.push((wished.bound, finest));
                continue;
            }
            for extra in EXTRA {
                if !wish(fine(value, extra)).is_some_and(|wished| is_good(&wished)) {
                    continue;
                }
                let Some(tried) = attempt(fine(value, extra)) else { continue };
                if is_good(&tried) {
                    return Ok(self.program(tried, ranges));
                }
                best = best.min(tried.bound);
            }
        }
        Err(Miss::Reachable(best.min(reachable(missed, |fine| Some(attempt(fine)?.bound)))))
    }

    /// What an attempt comes to at best: with plans that have no error, and that nobody fits.
    fn wish(&self, attempt: impl FnOnce() -> Option<Tried>) -> Option<Tried> {
        self.plans.wished.set(true);
        let wished = attempt();
        self.plans.wished.set(false);
        wished
    }

    fn attempt(&self, fine: Fineness, spans: &[Span], exponents: &[i32], relative: bool) -> Option<Tried> {
        let draft = &self.lowered.draft;
        let (numbers, plans) = numbers(draft, spans, exponents, fine, self.plans).ok()?;
        let columns = self.encodings(draft, fine, relative);
        if columns.iter().any(|c| c.exponent + c.scale > 50) {
            return None;
        }
        let gains = self.gains;
        let sources = Sources { draft, spans, numbers: &numbers, columns: &columns, plans: &plans, gains };
        let noise = sources.noise();
        // What is not a number is not within any bound.
        let shown = self.lowered.shown.iter().flat_map(|s| s.indices.iter().map(|&i| noise[s.step][i]));
        // A decision counts by how near to its threshold it may be wrong.
        let bound = shown
            .chain(sources.margins(&noise))
            .fold(0.0, |worst: f64, e| if e <= worst { worst } else { e });
        let bound = if bound.is_nan() { f64::INFINITY } else { bound };
        // What float64 adds when an answer is decoded.
        let largest = self.lowered.shown.iter().map(|s| spans[s.step].greatest()).fold(0.0, f64::max);
        Some(Tried { numbers, plans, columns, bound: bound + largest * f64::EPSILON })
    }

    fn encodings(&self, draft: &Draft, fine: Fineness, relative: bool) -> Vec<Encoding> {
        let mut all = Vec::with_capacity(self.exponents.len());
        for (at, step) in draft.steps.iter().enumerate().filter(|(_, s)| s.is_columns()) {
            let Action::Columns { first } = step.action else { continue };
            debug_assert_eq!(first, all.len());
            for c in first..first + step.width {
                let (exponent, floor) = (self.exponents[c], self.floors[c]);
                all.push(if is_compared(draft, at) {
                    Encoding { exponent, floor, scale: 0, relative: 0, exact: true }
                } else {
                    let relative = if relative { exponent } else { 0 };
                    let scale = i32::try_from(fine.column).unwrap_or(0) - relative;
                    Encoding {
                        exponent,
                        floor,
                        scale,
                        relative,
                        exact: scale >= 0 && is_whole(&self.lowered.head, c),
                    }
                });
            }
        }
        all
    }

    fn program(&self, tried: Tried, ranges: &Ranges) -> (Program, Constants) {
        let Tried { numbers, plans, columns, bound } = tried;
        let draft = &self.lowered.draft;
        let constants = constants(draft, &numbers, &columns);
        let program = Program {
            accuracy: self.accuracy,
            bound: power_of_two(outward_exponent(bound)).min(self.accuracy),
            range_source: ranges.source(),
            columns,
            steps: draft.steps.clone(),
            numbers,
            plans,
            secrets: constants.tensors.iter().map(Vec::len).collect(),
            shown: self.lowered.shown.clone(),
        };
        (program, constants)
    }
}

/// The bound of the first that has one, of what was only wished for, best wishes first.
fn reachable(mut missed: Vec<(f64, Fineness)>, bound: impl Fn(Fineness) -> Option<f64>) -> f64 {
    missed.retain(|(wished, _)| wished.is_finite());
    missed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut bounds = missed.into_iter().filter_map(|(_, fine)| bound(fine));
    bounds.find(|b| b.is_finite()).unwrap_or(f64::INFINITY)
}

fn is_undefined(draft: &Draft, spans: &[Span], at: StepId) -> bool {
    let step = &draft.steps[at];
    match &step.action {
        Action::Unit(unit) => unit.domain(&spans[step.inputs[0]]).is_none(),
        Action::Smooth(f) => has_domain(*f) && domain(*f, &spans[step.inputs[0]]).is_none(),
        _ => false,
    }
}

/// Whether a function is not defined on all that its argument `i` can be; of the whole, where it is not one of single values.
fn undefined_at(step: &Step, spans: &[Span], i: usize) -> bool {
    let Action::Smooth(f) = step.action else { return true };
    let x = &spans[step.inputs[0]];
    has_domain(f) && domain(f, &std::iter::once((x.low[i], x.high[i])).collect()).is_none()
}

/// Whether everything made of these columns is a matrix, which can take over a power of two from each. (What is shown as it came has
/// none to take it over.)
fn is_relative(draft: &Draft, at: usize) -> bool {
    let mut uses = draft.steps.iter().filter(|s| s.inputs.contains(&at));
    uses.all(|s| matches!(s.action, Action::Linear { weights, .. } if !draft.secrets[weights].whole))
}

/// Bits by which the columns must be finer than values, as their errors add up in a matrix.
fn gain(draft: &Draft, spans: &[Span]) -> u32 {
    let of_columns = |s: &&Step| s.inputs.first().is_some_and(|&i| draft.steps[i].is_columns());
    let widest = draft.steps.iter().filter(of_columns).map(|s| {
        let Action::Linear { weights, .. } = s.action else { return 0.0 };
        let x = &spans[s.inputs[0]];
        let row = |w: &[f64]| w.iter().enumerate().map(|(j, w)| (w * x.size(j)).abs()).sum::<f64>();
        draft.secrets[weights].values.chunks_exact(x.len().max(1)).map(row).fold(0.0, f64::max)
    });
    u32::try_from(outward_exponent(widest.fold(0.0, f64::max)).clamp(0, 20)).unwrap_or(0)
}

fn is_whole(head: &Head, column: usize) -> bool {
    match &head.columns[column] {
        Column::Value { feature, .. } => head.is_whole(*feature),
        Column::Indicator { .. } | Column::Level { .. } | Column::Ordinal { .. } => true,
    }
}

/// The owner's constants as integers.
fn constants(draft: &Draft, numbers: &[Numbers], columns: &[Encoding]) -> Constants {
    let mut tensors: Vec<Vec<u64>> = vec![Vec::new(); draft.secrets.len()];
    for (step, n) in draft.steps.iter().zip(numbers) {
        match step.action {
            Action::Linear { weights, bias } => {
                let ranges = factors_of(draft, columns, step);
                tensors[weights] = integers(&draft.secrets[weights].values, n.weight, &ranges);
                tensors[bias] = integers(&draft.secrets[bias].values, n.fraction, &[0]);
            }
            Action::Conv { weights, bias, .. } | Action::Scale { factors: weights, shift: bias } => {
                tensors[weights] = integers(&draft.secrets[weights].values, n.weight, &[0]);
                tensors[bias] = integers(&draft.secrets[bias].values, n.fraction, &[0]);
            }
            Action::Constant(values) => {
                tensors[values] = integers(&draft.secrets[values].values, n.fraction, &[0]);
            }
            _ => {}
        }
    }
    Constants { tensors }
}

/// The integers nearest to `x·2^bits`, and by column to `x·2^(bits + range)`.
#[allow(clippy::cast_possible_truncation)] // the planner holds them below 2^62
fn integers(values: &[f64], bits: u32, ranges: &[i32]) -> Vec<u64> {
    let scale = |j: usize| power_of_two(i64::from(bits) + i64::from(ranges[j % ranges.len().max(1)]));
    values
        .iter()
        .enumerate()
        .map(|(j, x)| ((x * scale(j)).round_ties_even() as i64).cast_unsigned())
        .collect()
}
