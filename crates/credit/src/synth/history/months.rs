//! `bureau_balance`: the monthly status of bureau credits.

use super::super::random::{Draws, floor};
use super::super::statistics::Statistics;
use super::super::tables::{Batch, Table};
use super::{MONTH, lift};
use crate::failure::Failure;

/// Statuses other than C (closed): no days late to more than 120, and X (unknown).
const STATUSES: [&str; 7] = ["0", "1", "2", "3", "4", "5", "X"];
const UNKNOWN: usize = 6;
/// Shares of a credit's first status: measured, C left out.
const FIRST: [f64; 7] = [0.57, 0.000_4, 0.0, 0.0, 0.000_1, 0.0, 0.429_5];
/// Shares of the next month's status by this month's: measured over all credits, C left out.
const NEXT: [[f64; 7]; 7] = [
    [0.899, 0.019, 0.0003, 0.0, 0.0, 0.0, 0.0817],
    [0.554, 0.359, 0.046, 0.001, 0.0, 0.0, 0.040],
    [0.268, 0.158, 0.191, 0.340, 0.004, 0.0, 0.039],
    [0.157, 0.051, 0.040, 0.143, 0.549, 0.019, 0.041],
    [0.070, 0.036, 0.006, 0.047, 0.117, 0.676, 0.048],
    [0.031, 0.004, 0.001, 0.001, 0.002, 0.928, 0.033],
    [0.125, 0.0015, 0.0, 0.0, 0.0, 0.0, 0.8735],
];
/// Share of credits whose months are all X: measured.
const ALL_UNKNOWN: f64 = 0.07;
/// Share of credits whose last month is not the current one, and how many months they end earlier: measured, and
/// lengthened until the rows per credit agree with the published 35.
const ENDS_EARLIER: (f64, f64) = (0.135, 26.0);

/// Draws months.
pub(super) struct Months {
    known: [f64; 2],
    codes: [u8; 7],
    closed: u8,
    first: [f64; 7],
    next: [[f64; 7]; 7],
}

impl Months {
    pub(super) fn new(statistics: &Statistics) -> Result<Self, Failure> {
        let table = statistics.table("bureau_balance")?;
        let share = |split: &str| statistics.months_share.get(split).copied().unwrap_or(1.0);
        let mut codes = [0; 7];
        for (code, status) in codes.iter_mut().zip(STATUSES) {
            *code = table.code("STATUS", status)?;
        }
        Ok(Self {
            known: [share("test"), share("train")],
            codes,
            closed: table.code("STATUS", "C")?,
            first: cumulative(FIRST),
            next: NEXT.map(cumulative),
        })
    }

    /// Does `bureau_balance` hold the credits of this applicant? All or none of them: 36 % of training applicants,
    /// 99.9 % of test applicants.
    pub(super) fn known(&self, train: bool, draws: &mut Draws) -> bool {
        draws.chance(self.known[usize::from(train)])
    }

    /// Writes the months of a credit from the latest back to the month of `start` (days, negative); from the
    /// month of `closed` on they are C.
    pub(super) fn draw(
        &self,
        id: i64,
        start: i64,
        closed: Option<i64>,
        risk: f64,
        draws: &mut Draws,
        batch: &mut Batch,
    ) {
        let first = (-floor(-start as f64 / MONTH)).max(-96);
        let (share, mean) = ENDS_EARLIER;
        let last = if draws.chance(share) { -floor(draws.exponential(mean)).min(-first) } else { 0 };
        let closing = closed.map_or(1, |day| -floor(-day as f64 / MONTH));
        let mut statuses = [0_u8; 97];
        let statuses = &mut statuses[..usize::try_from(last - first + 1).unwrap_or(1).min(97)];
        self.fill(statuses, closing - first, risk, draws);
        let rows = batch.rows(Table::BureauBalance);
        for (month, &status) in (first..=last).rev().zip(statuses.iter().rev()) {
            rows.row().integer(id).integer(month).level(status).end();
        }
    }

    /// Statuses from the first month on: a chain that persists as measured, and C from month `closing` on.
    fn fill(&self, statuses: &mut [u8], closing: i64, risk: f64, draws: &mut Draws) {
        if draws.chance(ALL_UNKNOWN) {
            statuses.fill(self.codes[UNKNOWN]);
            return;
        }
        // At high risk a month late is likelier: the uniform draw is bent towards the worse statuses.
        let late = 0.019 * lift(risk, 0.5);
        let mut state = pick(&self.first, draws.uniform());
        for (month, status) in (0_i64..).zip(statuses) {
            *status = if month >= closing { self.closed } else { self.codes[state] };
            let u = draws.uniform();
            state = match state {
                0 if u < late => 1,
                0 if u < late + 0.072 => UNKNOWN,
                0 => 0,
                _ => pick(&self.next[state], u),
            };
        }
    }
}

#[inline]
fn pick(below: &[f64; 7], u: f64) -> usize {
    below.iter().position(|&share| u < share).unwrap_or(UNKNOWN)
}

fn cumulative(shares: [f64; 7]) -> [f64; 7] {
    let mut sum = 0.0;
    shares.map(|share| {
        sum += share;
        sum
    })
}
