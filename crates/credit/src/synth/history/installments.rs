//! `installments_payments`: what was due and what was paid.

use super::super::marginal::Curve;
use super::super::random::{Draws, decimals, floor};
use super::super::statistics::Statistics;
use super::super::tables::{Batch, Table};
use super::card::Payment;
use super::loan::Loan;
use super::{Subject, lift};

/// How strongly the share of late rows depends on the latent risk.
const LATE_RISK: f64 = 0.9;
/// Share of the late rows among payments in part: half of the second parts come late (measured).
const LATE_SECOND_PART: f64 = 0.5;
/// Share of instalments paid in two parts, so that 9.6 % of all rows are underpaid; share overpaid: measured.
const TWO_PARTS: f64 = 0.062;
const OVERPAID: f64 = 0.0155;
/// Share of rows never paid: missing day and amount. Measured.
const UNPAID: f64 = 0.000_2;
/// Share of loans whose schedule had been changed before: later versions, so that 1 % of the rows have one above 4.
const VERSIONS: f64 = 0.06;
/// Share of loans without rows here.
const NO_ROWS: f64 = 0.05;
/// Share of card payments on the due day: measured median 0 days.
const CARD_ON_TIME: f64 = 0.75;

/// The published distribution of days between due day and payment.
pub(super) struct Installments {
    days: Curve,
    late: f64,
}

/// One row but its keys.
struct Instalment {
    version: i64,
    number: i64,
    due: i64,
    amount: f64,
}

impl Installments {
    pub(super) fn new(statistics: &Statistics) -> Self {
        Self { days: Curve::new(&statistics.days_late), late: statistics.late }
    }

    /// Writes the instalments of a loan that were due before the application.
    pub(super) fn draw_loan(&self, subject: Subject, loan: &Loan, draws: &mut Draws, batch: &mut Batch) {
        if draws.chance(NO_ROWS) {
            return;
        }
        let late = self.late * lift(subject.risk, LATE_RISK);
        let amount = decimals(loan.annuity, 1e3);
        let paid = if loan.finished { (loan.months - 1).max(1) } else { loan.months };
        let first_version = if draws.chance(VERSIONS) { floor(draws.magnitude(2.0, 14.0)) } else { 1 };
        for number in 1..=paid.min(loan.term) {
            let due = loan.first_due + 30 * (number - 1);
            if due > -1 {
                break;
            }
            let last = number == paid.min(loan.term);
            // Early repayment: a new schedule whose last instalment is all that remains.
            let (version, amount) = match (last, loan.early) {
                (true, true) => (first_version + 1, amount * (loan.term - paid).max(1) as f64 * 0.85),
                (true, false) => (first_version, amount * draws.between(0.7, 1.0)),
                _ => (first_version, amount),
            };
            let row = Instalment { version, number, due, amount: decimals(amount, 1e3) };
            self.pay(subject, loan.id, &row, late, draws, batch);
        }
    }

    /// Writes one instalment: paid to the cent, in two parts, overpaid or not at all.
    fn pay(
        &self,
        subject: Subject,
        id: i64,
        row: &Instalment,
        late: f64,
        draws: &mut Draws,
        batch: &mut Batch,
    ) {
        let u = draws.uniform();
        if u < TWO_PARTS {
            let first = decimals(row.amount * draws.uniform().powi(2), 1e3);
            let day = row.due + self.days_late(late, draws);
            write(subject, id, row, Some((day, first)), batch);
            let late = if draws.chance(LATE_SECOND_PART) { 1.0 } else { 0.0 };
            let day = (row.due + self.days_late(late, draws)).max(day);
            write(subject, id, row, Some((day, decimals(row.amount - first, 1e3))), batch);
            return;
        }
        let amount =
            if u < TWO_PARTS + OVERPAID { row.amount * draws.magnitude(1.01, 5.0) } else { row.amount };
        let paid = (row.due + self.days_late(late, draws), decimals(amount, 1e3));
        write(subject, id, row, (!draws.chance(UNPAID)).then_some(paid), batch);
    }

    /// Days after the due day: late with probability `late`, else early or on the day, as published within each.
    fn days_late(&self, late: f64, draws: &mut Draws) -> i64 {
        let u = draws.uniform();
        let early = 1.0 - self.late;
        let share = if u < late { early + self.late * u / late } else { early * (u - late) / (1.0 - late) };
        floor(self.days.at(share.clamp(0.0, 1.0)).ceil())
    }

    /// Writes the payments of a card: schedule version 0, mostly on the day, to the cent.
    pub(super) fn draw_card(
        &self,
        subject: Subject,
        id: i64,
        payments: &[Payment],
        draws: &mut Draws,
        batch: &mut Batch,
    ) {
        let late = self.late * lift(subject.risk, LATE_RISK);
        for (number, payment) in (1..).zip(payments) {
            let row = Instalment { version: 0, number, due: payment.due, amount: payment.amount };
            let days = if draws.chance(CARD_ON_TIME) && !draws.chance(late) {
                0
            } else {
                self.days_late(late, draws)
            };
            let amount = if draws.chance(0.034) { row.amount * draws.uniform() } else { row.amount };
            write(subject, id, &row, Some((row.due + days, decimals(amount, 1e3))), batch);
        }
    }
}

fn write(subject: Subject, id: i64, instalment: &Instalment, paid: Option<(i64, f64)>, batch: &mut Batch) {
    let mut row = batch.rows(Table::Installments).row();
    row.integer(id).integer(subject.applicant.id).integer(instalment.version).integer(instalment.number);
    row.integer(instalment.due);
    match paid {
        Some((day, amount)) => row.integer(day.min(-1)).real(instalment.amount).real(amount).end(),
        None => row.missing(1).real(instalment.amount).missing(1).end(),
    }
}
