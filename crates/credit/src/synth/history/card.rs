//! `credit_card_balance`: the months of a card.

use super::super::marginal::RowCounts;
use super::super::random::{Draws, decimals, floor, round_to};
use super::super::statistics::Statistics;
use super::super::tables::{Batch, Table};
use super::card_month::{CardMonths, Month};
use super::{LONGEST, MONTH, Subject, lift};
use crate::failure::Failure;

/// Of the cards with 76 to 96 months, the share with exactly 96: measured.
const FULL: f64 = 0.7;
/// Shares of cards never used, by months 1-12, 13-40, 41-75 and more: measured 36 % over all, 12 % of the long.
const NEVER_USED: [f64; 4] = [0.5, 0.42, 0.25, 0.12];
/// Share of used cards that owe something in the first month; shares of months in which a card without debt
/// gets one (again, and for the first time), and in which a debt ends. Measured.
const STARTS_OWING: f64 = 0.566;
const BEGINS: f64 = 0.043;
const BEGINS_FIRST: f64 = 0.5;
const ENDS: f64 = 0.044;
/// Rows in `installments_payments` per month with a payment, so that 30.6 % of all rows are cards'.
const PAYMENTS_PER_MONTH: f64 = 2.65;

/// A card before its months are drawn.
pub(super) struct CardPlan {
    /// `SK_ID_PREV`.
    pub(super) id: i64,
    /// Number of months with a row.
    pub(super) months: i64,
    /// The latest month.
    pub(super) last: i64,
}

impl CardPlan {
    /// `DAYS_DECISION` of the application that led to the card.
    pub(super) fn decision(&self, draws: &mut Draws) -> i64 {
        let month = self.last - self.months;
        (floor(month as f64 * MONTH) - draws.whole(0, 60)).max(-LONGEST)
    }
}

/// A payment that `installments_payments` lists.
pub(super) struct Payment {
    /// Due day.
    pub(super) due: i64,
    /// Amount due.
    pub(super) amount: f64,
}

/// Draws cards.
pub(super) struct CardHistory {
    months: RowCounts,
    month: CardMonths,
    active: u8,
    completed: u8,
    rare: [u8; 2],
}

impl CardHistory {
    pub(super) fn new(statistics: &Statistics) -> Result<Self, Failure> {
        let table = statistics.table("credit_card_balance")?;
        let status = |level: &str| table.code("NAME_CONTRACT_STATUS", level);
        Ok(Self {
            months: table.per_loan()?,
            month: CardMonths::new(),
            active: status("Active")?,
            completed: status("Completed")?,
            rare: [status("Signed")?, status("Sent proposal")?],
        })
    }

    /// How long the card has been there.
    pub(super) fn plan(&self, draws: &mut Draws) -> CardPlan {
        let published = self.months.draw_some(draws);
        let months = match published {
            ..76 => published,
            _ if draws.chance(FULL) => 96,
            _ => draws.whole(76, 96),
        };
        // Measured: the latest month is the last or the one before.
        let last = if draws.chance(0.57) { -1 } else { -2 };
        CardPlan { id: 0, months: months.min(97 + last), last }
    }

    /// Writes the card's months, oldest first, and returns its payments.
    pub(super) fn draw(
        &self,
        subject: Subject,
        card: &CardPlan,
        draws: &mut Draws,
        batch: &mut Batch,
    ) -> Vec<Payment> {
        let band = match card.months {
            ..13 => 0,
            13..41 => 1,
            41..76 => 2,
            _ => 3,
        };
        let used = !draws.chance(NEVER_USED[band]);
        let mut payments = Vec::new();
        let mut month = self.month.first(used, card.months, subject.risk, draws);
        let mut owing = used && draws.chance(STARTS_OWING);
        let completes = !used && draws.chance(0.2);
        for index in 0..card.months {
            self.month.next(&mut month, owing, subject.risk, draws);
            let at = card.last + 1 - card.months + index;
            let status = self.status(index, card, completes, owing, draws);
            write(subject, card.id, at, status, &month, batch);
            pay(&mut payments, at, &month, draws);
            let begins = if month.has_owed() { BEGINS } else { BEGINS_FIRST };
            owing = used
                && if owing { !draws.chance(ENDS) } else { draws.chance(begins * lift(subject.risk, 0.3)) };
        }
        payments
    }

    fn status(&self, index: i64, card: &CardPlan, completes: bool, owing: bool, draws: &mut Draws) -> u8 {
        if completes && index * 3 > card.months {
            return self.completed;
        }
        match draws.uniform() {
            u if u < 0.002_7 => self.rare[0],
            u if u < 0.002_82 => self.rare[1],
            u if u < 0.045 && !owing && index * 2 > card.months => self.completed,
            _ => self.active,
        }
    }
}

/// What was paid in a month becomes one or more rows of `installments_payments`.
fn pay(payments: &mut Vec<Payment>, month: i64, state: &Month, draws: &mut Draws) {
    if state.payment.is_nan() || state.payment <= 0.0 || state.balance <= 0.0 {
        return;
    }
    let rows = floor(PAYMENTS_PER_MONTH) + i64::from(draws.chance(PAYMENTS_PER_MONTH.fract()));
    let mut rest = state.payment;
    for row in 1..=rows {
        let part = if row == rows { rest } else { rest * draws.uniform() };
        rest -= part;
        let due = (floor(month as f64 * MONTH) + draws.whole(1, 28)).clamp(-LONGEST, -1);
        payments.push(Payment { due, amount: decimals(round_to(part, 0.045).max(0.045), 1e3) });
    }
}

fn write(subject: Subject, id: i64, at: i64, status: u8, month: &Month, batch: &mut Batch) {
    let mut row = batch.rows(Table::Card).row();
    row.integer(id).integer(subject.applicant.id).integer(at);
    row.real(month.balance).integer(month.limit);
    row.real(month.cash).real(month.drawn).real(month.other).real(month.shops);
    row.real(month.minimum).real(month.payment).real(month.payment_total);
    row.real(month.principal).real(month.receivable).real(month.receivable);
    row.real(month.cash_count).integer(month.count).real(month.other_count).real(month.shop_count);
    row.real(month.instalments).level(status).integer(month.late).integer(month.late_tolerated).end();
}
