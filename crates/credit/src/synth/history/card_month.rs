//! One month of a card: how much is owed, drawn and paid.

use super::super::marginal::Curve;
use super::super::normal;
use super::super::random::{Draws, decimals, floor, round_to};
use super::lift;

/// Credit limits: measured quantiles.
const LIMITS: [(f64, f64); 9] = [
    (0.0, 45_000.0),
    (0.05, 45_000.0),
    (0.25, 90_000.0),
    (0.5, 135_000.0),
    (0.75, 225_000.0),
    (0.95, 450_000.0),
    (0.99, 900_000.0),
    (0.999, 1_125_000.0),
    (1.0, 1_350_000.0),
];
/// Debt divided by limit while something is owed: measured quantiles, negative for the overpaid 0.07 %.
const UTILISATION: [(f64, f64); 9] = [
    (0.0, -0.2),
    (0.001_7, 0.0),
    (0.01, 0.000_2),
    (0.05, 0.002_3),
    (0.25, 0.4145),
    (0.5, 0.8253),
    (0.75, 0.9792),
    (0.95, 1.0459),
    (1.0, 1.12),
];
/// Amounts drawn in a month with drawings: measured quantiles.
const DRAWN: [(f64, f64); 9] = [
    (0.0, 100.0),
    (0.01, 445.0),
    (0.05, 1_440.0),
    (0.25, 6_300.0),
    (0.5, 19_127.0),
    (0.75, 55_495.0),
    (0.95, 177_850.0),
    (0.99, 347_638.0),
    (1.0, 900_000.0),
];
/// Payment divided by the minimum while something is owed: measured quantiles; the largest, which occur with small
/// debts, cut so that payments have their published quantiles.
const PAID: [(f64, f64); 8] = [
    (0.0, 0.0),
    (0.09, 0.0),
    (0.25, 1.0),
    (0.5, 1.0556),
    (0.75, 1.8666),
    (0.95, 4.5),
    (0.99, 15.0),
    (1.0, 60.0),
];
/// Shares of months with drawings while something is owed and while not; of drawings at a cash machine, in
/// shops, and otherwise. Measured.
const DRAWS_OWING: f64 = 0.36;
const DRAWS_IDLE: f64 = 0.0147;
const CASH: f64 = 0.6655;
const SHOPS: f64 = 0.4557;
const OTHER: f64 = 0.0168;
/// Share of never used cards whose drawings and payments are missing; of used ones, shares of months in which
/// payments, drawings and the minimum are missing. Measured.
const UNKNOWN_UNUSED: f64 = 0.86;
const UNKNOWN_MINIMUM: (f64, f64) = (0.2527, 0.0203);
/// Weight of the latent risk in the rank of the utilisation.
const BALANCE_RISK: f64 = 0.65;

/// State and cells of a month. NaN is missing; amounts in the currency's unit.
pub(super) struct Month {
    used: bool,
    known: bool,
    /// The card's own level of utilisation, on the normal scale.
    level: f64,
    full_limit: f64,
    count_so_far: i64,
    pub(super) balance: f64,
    pub(super) limit: i64,
    pub(super) cash: f64,
    pub(super) drawn: f64,
    pub(super) other: f64,
    pub(super) shops: f64,
    pub(super) minimum: f64,
    pub(super) payment: f64,
    pub(super) payment_total: f64,
    pub(super) principal: f64,
    pub(super) receivable: f64,
    pub(super) cash_count: f64,
    pub(super) count: i64,
    pub(super) other_count: f64,
    pub(super) shop_count: f64,
    pub(super) instalments: f64,
    pub(super) late: i64,
    pub(super) late_tolerated: i64,
}

/// The distributions.
pub(super) struct CardMonths {
    limits: Curve,
    utilisation: Curve,
    drawn: Curve,
    paid: Curve,
}

impl CardMonths {
    pub(super) fn new() -> Self {
        Self {
            limits: Curve::new(&LIMITS),
            utilisation: Curve::new(&UTILISATION),
            drawn: Curve::new(&DRAWN),
            paid: Curve::new(&PAID),
        }
    }

    /// A new card.
    pub(super) fn first(&self, used: bool, months: i64, risk: f64, draws: &mut Draws) -> Month {
        let own = (1.0 - BALANCE_RISK * BALANCE_RISK).sqrt();
        Month {
            used,
            known: used || !draws.chance(UNKNOWN_UNUSED),
            level: BALANCE_RISK * risk + own * draws.normal(),
            // Of the longest cards, the table starts after their beginning.
            count_so_far: if used && months > 75 { draws.whole(0, 24) } else { 0 },
            full_limit: round_to(self.limits.draw(draws) * 0.92, 22_500.0).max(45_000.0),
            ..Month::empty()
        }
    }

    /// The next month, in which the card owes something or not.
    pub(super) fn next(&self, month: &mut Month, owing: bool, risk: f64, draws: &mut Draws) {
        month.limit = limit(month, owing, draws);
        self.draw_money(month, owing, risk, draws);
        self.owe(month, owing, draws);
        self.pay(month, owing, draws);
        lateness(month, owing, risk, draws);
        if !month.known {
            month.hide_use();
        }
        let (unused, used) = UNKNOWN_MINIMUM;
        if draws.chance(if month.used { used } else { unused }) {
            (month.minimum, month.instalments) = (f64::NAN, f64::NAN);
        }
    }

    /// Drawings: at cash machines in steps of 450, in shops in any amount.
    fn draw_money(&self, month: &mut Month, owing: bool, risk: f64, draws: &mut Draws) {
        (month.cash, month.shops, month.other, month.drawn) = (0.0, 0.0, 0.0, 0.0);
        (month.cash_count, month.shop_count, month.other_count, month.count) = (0.0, 0.0, 0.0, 0);
        let share = if owing { DRAWS_OWING * lift(risk, 0.5) } else { DRAWS_IDLE };
        if !month.used || !draws.chance(share) {
            return;
        }
        let amount = self.drawn.draw(draws);
        let cash = draws.chance(CASH);
        let shops = !cash || draws.chance((SHOPS + CASH - 1.0) / CASH);
        if cash {
            month.cash = round_to(amount * 0.8, 450.0).max(450.0);
            month.cash_count = 1.0 + floor(draws.exponential(1.6)).min(30) as f64;
        }
        if shops {
            month.shops = decimals(amount * draws.between(0.3, 1.0), 1e2);
            month.shop_count = 1.0 + floor(draws.exponential(5.5)).min(139) as f64;
        }
        if draws.chance(OTHER) {
            month.other = round_to(draws.magnitude(450.0, 200_000.0), 450.0);
            month.other_count = 1.0;
        }
        month.drawn = decimals(month.cash + month.shops + month.other, 1e3);
        month.count = floor(month.cash_count + month.shop_count + month.other_count);
    }

    /// The debt: the card's own level with a monthly change.
    fn owe(&self, month: &mut Month, owing: bool, draws: &mut Draws) {
        if !owing {
            (month.balance, month.principal, month.receivable, month.minimum) = (0.0, 0.0, 0.0, 0.0);
            if month.used && draws.chance(0.026) {
                month.receivable = decimals(-draws.magnitude(10.0, 3_000.0), 1e3);
            }
            return;
        }
        let share = normal::share(0.95 * month.level + 0.31 * draws.normal());
        month.balance = decimals(self.utilisation.at(share) * month.full_limit, 1e3);
        month.principal = decimals(month.balance * draws.between(0.93, 0.985), 1e3);
        month.receivable = if draws.chance(0.8) {
            month.balance
        } else {
            decimals(month.balance * draws.between(0.9, 1.01), 1e3)
        };
        let minimum = (month.balance * draws.between(0.049, 0.075)).max(0.0);
        month.minimum = if draws.chance(0.08) { 0.0 } else { decimals(minimum, 1e3) };
    }

    /// Payments; a month without debt keeps a payment in `AMT_PAYMENT_CURRENT` as the real ones do.
    fn pay(&self, month: &mut Month, owing: bool, draws: &mut Draws) {
        if owing {
            let usual = (month.balance * 0.06).max(0.0);
            month.payment = decimals(self.paid.draw(draws) * usual, 1e2);
            month.payment_total = month.payment;
            return;
        }
        month.payment = if draws.chance(0.15) { 0.0 } else { decimals(draws.magnitude(10.0, 15_000.0), 1e2) };
        month.payment_total = if month.used && draws.chance(0.155) { month.payment } else { 0.0 };
        if month.used && draws.chance(0.045) {
            (month.cash, month.shops, month.other, month.payment) = (f64::NAN, f64::NAN, f64::NAN, f64::NAN);
            (month.cash_count, month.shop_count, month.other_count) = (f64::NAN, f64::NAN, f64::NAN);
        }
    }
}

/// The limit is withdrawn in some months without debt.
fn limit(month: &Month, owing: bool, draws: &mut Draws) -> i64 {
    let share = if month.used { 0.35 } else { 0.295 };
    if !owing && draws.chance(share) { 0 } else { floor(month.full_limit) }
}

/// `SK_DPD`: late in 9 % of the months with debt, mostly by one day and tolerated; some stay late.
fn lateness(month: &mut Month, owing: bool, risk: f64, draws: &mut Draws) {
    (month.late, month.late_tolerated) = (0, 0);
    if owing {
        month.count_so_far += 1;
        if draws.chance(0.085 * lift(risk, 0.8)) {
            let long = draws.chance(0.3);
            month.late = if long { floor(draws.magnitude(30.0, 2_400.0)) } else { 1 };
            month.late_tolerated = i64::from(!long && draws.chance(0.75));
        }
    }
    month.instalments = month.count_so_far as f64;
}

impl Month {
    /// Has the card ever had a debt?
    pub(super) fn has_owed(&self) -> bool {
        self.count_so_far > 0
    }

    fn empty() -> Self {
        Self {
            used: false,
            known: true,
            level: 0.0,
            full_limit: 0.0,
            count_so_far: 0,
            balance: 0.0,
            limit: 0,
            cash: 0.0,
            drawn: 0.0,
            other: 0.0,
            shops: 0.0,
            minimum: 0.0,
            payment: 0.0,
            payment_total: 0.0,
            principal: 0.0,
            receivable: 0.0,
            cash_count: 0.0,
            count: 0,
            other_count: 0.0,
            shop_count: 0.0,
            instalments: 0.0,
            late: 0,
            late_tolerated: 0,
        }
    }

    /// Cards never used: drawings and payments are missing, not zero.
    fn hide_use(&mut self) {
        (self.cash, self.shops, self.other, self.payment) = (f64::NAN, f64::NAN, f64::NAN, f64::NAN);
        (self.cash_count, self.shop_count, self.other_count) = (f64::NAN, f64::NAN, f64::NAN);
    }
}
