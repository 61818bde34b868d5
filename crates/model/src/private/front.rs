//! The front of a private program: what is affine in the client's columns is folded into one matrix, as in a linear model.

use std::collections::{BTreeSet, HashMap};

use super::action::{Action, StepId};
use super::draft::{Draft, Secret};
use crate::cut::place;
use crate::fold::{Combination, Folder, Form};
use crate::graph::Origin;
use crate::head::Head;
use crate::tail::Spread;

/// The columns that a program uses, in the order in which they are sent: numbers, then those that trees compare.
pub(crate) struct Columns {
    numbers: Group,
    compared: Group,
}

/// Columns that are encoded alike.
struct Group {
    order: Vec<usize>,
    place: HashMap<usize, usize>,
    first: usize,
    step: Option<StepId>,
}

impl Group {
    fn new(head: &Head, used: &BTreeSet<usize>, first: usize) -> Self {
        let mut order: Vec<usize> = used.iter().copied().collect();
        // By feature and not by the order of folding, so that plain columns stand in the input's own order.
        order.sort_by_key(|&c| (head.columns[c].feature(), c));
        let place = order.iter().enumerate().map(|(at, &c)| (c, at)).collect();
        Self { order, place, first, step: None }
    }

    fn step(&mut self, draft: &mut Draft) -> StepId {
        let (first, width) = (self.first, self.order.len());
        *self.step.get_or_insert_with(|| {
            let origin = Origin { node: "columns".into(), op: "input".into() };
            draft.push(Action::Columns { first }, Vec::new(), width, &origin)
        })
    }
}

impl Columns {
    /// Of all that some boundary value is written with.
    pub(crate) fn of(head: &Head, numbers: &BTreeSet<usize>, compared: &BTreeSet<usize>) -> Self {
        let numbers = Group::new(head, numbers, 0);
        let compared = Group::new(head, compared, numbers.order.len());
        Self { numbers, compared }
    }

    /// The head with these columns only.
    pub(crate) fn head(&self, mut head: Head) -> Head {
        let order = self.numbers.order.iter().chain(&self.compared.order);
        head.columns = order.map(|&c| head.columns[c].clone()).collect();
        head
    }
}

/// The columns that a form is written with.
pub(crate) fn used(folder: &mut Folder, form: &Form) -> Vec<usize> {
    folder.sums(form).iter().flat_map(|sum| sum.terms.keys().copied()).collect()
}

/// A value that is affine in the columns.
pub(crate) fn emit(
    draft: &mut Draft,
    columns: &mut Columns,
    sums: &[Combination],
    origin: &Origin,
) -> StepId {
    let step = columns.numbers.step(draft);
    let place = &columns.numbers.place;
    let places: Vec<Vec<usize>> = sums.iter().map(|s| s.terms.keys().map(|c| place[c]).collect()).collect();
    let single: Option<Vec<usize>> =
        places.iter().map(|p| if let [one] = p[..] { Some(one) } else { None }).collect();
    match single {
        Some(places) => one_by_one(draft, step, sums, places, origin),
        None => matrix(draft, step, sums, &places, false, origin),
    }
}

/// Whole numbers from what trees compare: exact.
pub(crate) fn emit_whole(
    draft: &mut Draft,
    columns: &mut Columns,
    sums: &[Combination],
    origin: &Origin,
) -> StepId {
    let step = columns.compared.step(draft);
    let place = &columns.compared.place;
    let places: Vec<Vec<usize>> = sums.iter().map(|s| s.terms.keys().map(|c| place[c]).collect()).collect();
    matrix(draft, step, sums, &places, true, origin)
}

/// Each value comes from one column: selected, and scaled where that is not by one.
#[allow(clippy::float_cmp)] // exactly one and zero leave a column as it is
fn one_by_one(
    draft: &mut Draft,
    step: StepId,
    sums: &[Combination],
    places: Vec<usize>,
    origin: &Origin,
) -> StepId {
    let width = sums.len();
    let is_all = places.iter().copied().eq(0..draft.width(step));
    let chosen = if is_all { step } else { draft.push(Action::Select(places), vec![step], width, origin) };
    let factors: Vec<_> = sums.iter().filter_map(|s| s.terms.values().next().copied()).collect();
    if factors.iter().all(|f| f.value == 1.0 && f.error == 0.0)
        && sums.iter().all(|s| s.constant.value == 0.0)
    {
        return chosen;
    }
    let factors = Secret {
        values: factors.iter().map(|f| f.value).collect(),
        errors: factors.iter().map(|f| f.error).collect(),
        whole: false,
    };
    let shift = constants(sums);
    let (factors, shift) = (draft.secret(factors), draft.secret(shift));
    draft.push(Action::Scale { factors, shift }, vec![chosen], width, origin)
}

fn constants(sums: &[Combination]) -> Secret {
    Secret {
        values: sums.iter().map(|s| s.constant.value).collect(),
        errors: sums.iter().map(|s| s.constant.error).collect(),
        whole: false,
    }
}

/// Rows that are another one, or its negation, are computed once; not so of trees, whose thresholds are nobody's to compare.
fn matrix(
    draft: &mut Draft,
    step: StepId,
    sums: &[Combination],
    places: &[Vec<usize>],
    whole: bool,
    origin: &Origin,
) -> StepId {
    let (mut rows, mut spread) = (Vec::new(), Vec::new());
    if whole {
        rows = sums.to_vec();
        spread = (0..sums.len()).map(Spread::Score).collect();
    } else {
        for sum in sums {
            spread.push(place(&mut rows, sum));
        }
    }
    let of_row = |spread: &Spread, row| matches!(spread, Spread::Score(i) if *i == row);
    let first = |row| spread.iter().position(|s| of_row(s, row)).unwrap_or(0);
    let n = draft.width(step);
    let mut weights = Secret { values: vec![0.0; n * rows.len()], errors: vec![0.0; n * rows.len()], whole };
    for (row, sum) in rows.iter().enumerate() {
        for (term, place) in sum.terms.values().zip(&places[first(row)]) {
            weights.values[row * n + place] = term.value;
            weights.errors[row * n + place] = term.error;
        }
    }
    let bias = Secret { whole, ..constants(&rows) };
    let (weights, bias) = (draft.secret(weights), draft.secret(bias));
    let product = draft.push(Action::Linear { weights, bias }, vec![step], rows.len(), origin);
    if rows.len() == sums.len() { product } else { spread_out(draft, product, &spread, origin) }
}

/// All rows from the distinct ones.
fn spread_out(draft: &mut Draft, product: StepId, spread: &[Spread], origin: &Origin) -> StepId {
    let n = draft.width(product);
    let rows = draft.narrow(product);
    let negated = draft.push(Action::Flip { negate: true, shift: 0 }, vec![rows], n, origin);
    let all = draft.push(Action::Concat, vec![rows, negated], 2 * n, origin);
    let pick = |s: &Spread| match s {
        Spread::Minus(i) => n + i,
        Spread::Score(i) | Spread::OneMinus(i) => *i,
        Spread::Zero => 0,
    };
    draft.push(Action::Select(spread.iter().map(pick).collect()), vec![all], spread.len(), origin)
}
