//! `POS_CASH_balance`: the months of instalment loans.

use super::super::random::{Draws, floor};
use super::super::statistics::Statistics;
use super::super::tables::{Batch, Table};
use super::loan::Loan;
use super::{Subject, lift};
use crate::failure::Failure;

/// Shares of loans: in `installments_payments` only; ever late. Measured. Of the late and unfinished, late for good.
const NO_MONTHS: f64 = 0.055;
const EVER_LATE: f64 = 0.075;
const LATE_FOR_GOOD: f64 = 0.25;
/// Share of late months of a loan that is ever late.
const LATE_MONTHS: f64 = 0.2;
/// Shares of loans whose first status is Signed, and of rows with the rarer statuses: measured.
const SIGNED_FIRST: f64 = 0.085;
const RARE: f64 = 0.0018;
/// Share of rows without the number of instalments: measured.
const NO_COUNT: f64 = 0.002_8;

/// Codes of the statuses.
pub(super) struct Pos {
    active: u8,
    completed: u8,
    signed: u8,
    rare: super::super::marginal::Levels,
}

/// How late a loan is.
enum Late {
    Never,
    Sometimes,
    /// Days late in the first month.
    ForGood(i64),
}

impl Pos {
    pub(super) fn new(statistics: &Statistics) -> Result<Self, Failure> {
        let table = statistics.table("POS_CASH_balance")?;
        let status = |level: &str| table.code("NAME_CONTRACT_STATUS", level);
        let usual = ["Active", "Completed", "Signed"];
        Ok(Self {
            active: status("Active")?,
            completed: status("Completed")?,
            signed: status("Signed")?,
            rare: table.levels_where("NAME_CONTRACT_STATUS", |level| !usual.contains(&level))?,
        })
    }

    /// Writes the loan's months, oldest first.
    pub(super) fn draw(&self, subject: Subject, loan: &Loan, draws: &mut Draws, batch: &mut Batch) {
        if draws.chance(NO_MONTHS) {
            return;
        }
        let late = lateness(subject.risk, loan, draws);
        let signed = draws.chance(SIGNED_FIRST);
        let rows = batch.rows(Table::Pos);
        for month in 0..loan.months {
            let last = loan.finished && month == loan.months - 1;
            let status = match month {
                _ if last => self.completed,
                0 if signed => self.signed,
                _ if draws.chance(RARE) => self.rare.draw(draws),
                _ => self.active,
            };
            // A completed loan shortens its term to what was paid.
            let term = if last { loan.term.min(loan.months) } else { loan.term };
            let future = if last { 0 } else { (loan.term - month).max(0) };
            let (days, tolerated) = if last { (0, 0) } else { late.days(month, draws) };
            let mut row = rows.row();
            row.integer(loan.id).integer(subject.applicant.id).integer(loan.first_month + month);
            if draws.chance(NO_COUNT) {
                row.missing(2);
            } else {
                row.integer(term.max(1)).integer(future);
            }
            row.level(status).integer(days).integer(tolerated).end();
        }
    }
}

fn lateness(risk: f64, loan: &Loan, draws: &mut Draws) -> Late {
    if !draws.chance(EVER_LATE * lift(risk, 0.9)) {
        return Late::Never;
    }
    let stays = !loan.finished && draws.chance(LATE_FOR_GOOD);
    if stays { Late::ForGood(floor(draws.magnitude(1.0, 2_500.0))) } else { Late::Sometimes }
}

impl Late {
    /// `SK_DPD` and `SK_DPD_DEF` (with tolerated small debts) of a month.
    fn days(&self, month: i64, draws: &mut Draws) -> (i64, i64) {
        match self {
            Self::Never => (0, 0),
            Self::Sometimes if !draws.chance(LATE_MONTHS) => (0, 0),
            Self::Sometimes => {
                let days = floor(draws.magnitude(1.0, 45.0));
                (days, if draws.chance(0.6) { days } else { 0 })
            }
            Self::ForGood(first) => {
                let days = first + 30 * month;
                (days, if days > 2_000 { days / 3 } else { 0 })
            }
        }
    }
}
