//! An instalment loan, as `previous_application`, `POS_CASH_balance` and `installments_payments` share it.

use super::super::marginal::{Curve, RowCounts};
use super::super::random::{Draws, floor};
use super::super::statistics::Statistics;
use super::{LONGEST, MONTH};
use crate::failure::Failure;

/// Agreed numbers of instalments of cash and of consumer loans: measured frequencies.
const CASH_TERMS: [(i64, f64); 9] = [
    (6, 0.077),
    (12, 0.27),
    (18, 0.139),
    (24, 0.184),
    (30, 0.036),
    (36, 0.128),
    (42, 0.028),
    (48, 0.082),
    (60, 0.056),
];
const CONSUMER_TERMS: [(i64, f64); 9] = [
    (4, 0.04),
    (6, 0.244),
    (8, 0.044),
    (10, 0.196),
    (12, 0.321),
    (14, 0.02),
    (18, 0.04),
    (24, 0.085),
    (36, 0.01),
];
/// Months with a row divided by the months there could be: measured quantiles.
const CASH_KEPT: [(f64, f64); 7] =
    [(0.0, 0.08), (0.05, 0.23), (0.1, 0.32), (0.25, 0.55), (0.5, 0.92), (0.6, 1.0), (1.0, 1.0)];
const CONSUMER_KEPT: [(f64, f64); 7] =
    [(0.0, 0.15), (0.05, 0.4), (0.1, 0.54), (0.25, 0.8), (0.4, 1.0), (0.93, 1.0), (1.0, 1.15)];

/// A loan with months.
pub(super) struct Loan {
    /// `SK_ID_PREV`.
    pub(super) id: i64,
    /// Agreed number of instalments.
    pub(super) term: i64,
    /// The first instalment's due day, days before the application.
    pub(super) first_due: i64,
    /// The first month with a row.
    pub(super) first_month: i64,
    /// Number of months with a row.
    pub(super) months: i64,
    /// One instalment.
    pub(super) annuity: f64,
    /// Repaid before the application?
    pub(super) finished: bool,
    /// Repaid before the agreed end?
    pub(super) early: bool,
}

/// Distribution of terms and of how long loans last.
pub(super) struct Terms {
    terms: Vec<(f64, i64)>,
    kept: Curve,
}

impl Terms {
    /// Cash loans.
    pub(super) fn cash() -> Self {
        Self { terms: cumulative(&CASH_TERMS), kept: Curve::new(&CASH_KEPT) }
    }

    /// Consumer loans.
    pub(super) fn consumer() -> Self {
        Self { terms: cumulative(&CONSUMER_TERMS), kept: Curve::new(&CONSUMER_KEPT) }
    }

    /// The agreed number of instalments at the share `u`: short ones first.
    pub(super) fn at(&self, u: f64) -> i64 {
        self.terms.iter().find(|term| u < term.0).or(self.terms.last()).map_or(12, |term| term.1)
    }

    /// The months of a loan decided `decision` days before the application (negative).
    pub(super) fn loan(&self, id: i64, decision: i64, term: i64, annuity: f64, draws: &mut Draws) -> Loan {
        let first_month = floor((decision as f64 / MONTH).round()).clamp(-96, -1);
        let possible = (term + 1).min(-first_month);
        let kept = self.kept.draw(draws);
        let months = floor((possible as f64 * kept).round()).clamp(1, -first_month);
        let finished = months > term || kept < 1.0;
        let early = finished && months < term;
        let first_due = decision + 30 + if draws.chance(0.3) { draws.whole(1, 20) } else { 0 };
        Loan { id, term, first_due: first_due.min(-2), first_month, months, annuity, finished, early }
    }
}

/// Loans that `previous_application` does not know.
pub(super) struct Orphans {
    months: RowCounts,
}

impl Orphans {
    pub(super) fn new(statistics: &Statistics) -> Result<Self, Failure> {
        Ok(Self { months: statistics.table("POS_CASH_balance")?.per_loan()? })
    }

    /// Draws an orphan with key `id`: months by the published histogram of rows per loan.
    pub(super) fn draw(&self, id: i64, draws: &mut Draws) -> Loan {
        let months = self.months.draw_some(draws).min(96);
        let first_month = -draws.whole(months, 96);
        let first_due = (floor(first_month as f64 * MONTH) + 30).clamp(-LONGEST, -2);
        let annuity = draws.magnitude(2_200.0, 40_000.0);
        Loan { id, term: months, first_due, first_month, months, annuity, finished: true, early: false }
    }
}

fn cumulative(terms: &[(i64, f64)]) -> Vec<(f64, i64)> {
    let total: f64 = terms.iter().map(|term| term.1).sum();
    let mut sum = 0.0;
    let below = terms.iter().map(|&(term, share)| {
        sum += share / total;
        (sum, term)
    });
    below.collect()
}
