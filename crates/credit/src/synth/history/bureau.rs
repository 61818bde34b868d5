//! bureau: credits at other lenders.

use super::super::application::probability;
use super::super::marginal::{Curve, Levels};
use super::super::normal;
use super::super::random::{Draws, decimals, floor, round_to};
use super::super::statistics::{Statistics, TableStatistics};
use super::super::tables::{Batch, Table};
use super::months::Months;
use super::{LONGEST, Subject, lift, next};
use crate::failure::Failure;

/// Correlation of `DAYS_CREDIT` with the latent risk: recent credits are risk.
const RECENT_RISK: f64 = 0.50;
/// Log odds of an Active credit: at the median `DAYS_CREDIT`, per unit of its rank (tuned to 36.4 % and to the
/// published medians of -485 and -1,309 days), and per standard deviation of the latent risk.
const ACTIVE: (f64, f64, f64) = (-0.76, 4.4, 0.60);
/// Types of Active and of other credits: measured. Rarer types by their own frequencies.
const ACTIVE_TYPES: [(&str, f64); 5] = [
    ("Consumer credit", 0.504),
    ("Credit card", 0.45),
    ("Mortgage", 0.021),
    ("Car loan", 0.016),
    ("Microloan", 0.007),
];
const CLOSED_TYPES: [(&str, f64); 5] = [
    ("Consumer credit", 0.858),
    ("Credit card", 0.109),
    ("Car loan", 0.015),
    ("Microloan", 0.011),
    ("Mortgage", 0.004),
];
const RARE_TYPES: f64 = 0.0026;

/// Debt divided by the amount of active credits: measured quantiles, zero for a fifth, rarely negative.
const DEBT_SHARE: [(f64, f64); 8] = [
    (0.0, -0.01),
    (0.004, 0.0),
    (0.21, 0.0),
    (0.25, 0.2066),
    (0.5, 0.682),
    (0.75, 0.911),
    (0.95, 1.003),
    (1.0, 1.1),
];

/// What differs by type: share of missing `DAYS_CREDIT_ENDDATE`, agreed term in days (quantiles 5, 25, 50, 75,
/// 95 %), and how far the amount's rank is moved. Measured.
struct TypeFacts {
    no_end: f64,
    term: Curve,
    /// Mean and standard deviation of the amount's rank, on the normal scale.
    amount: (f64, f64),
}

/// The parts of a credit that others depend on.
struct Credit {
    kind: u8,
    start: i64,
    active: bool,
    end: Option<i64>,
    closed: Option<i64>,
}

/// Columns and the facts by type.
pub(super) struct Bureau {
    statuses: [u8; 4],
    active_types: Levels,
    closed_types: Levels,
    rare_types: Levels,
    currencies: Levels,
    card: u8,
    facts: Vec<(u8, TypeFacts)>,
    other: TypeFacts,
    days: Curve,
    amount: Curve,
    annuity: Curve,
    prolonged: Curve,
    max_overdue: Curve,
    debt_share: Curve,
    months: Months,
}

impl Bureau {
    pub(super) fn new(statistics: &Statistics) -> Result<Self, Failure> {
        let table = statistics.table("bureau")?;
        let kinds = |mix: &[(&str, f64)]| table.mixture("CREDIT_TYPE", mix);
        let is_rare = |level: &str| !CLOSED_TYPES.iter().any(|usual| usual.0 == level);
        let status = |level: &str| table.code("CREDIT_ACTIVE", level);
        Ok(Self {
            statuses: [status("Active")?, status("Closed")?, status("Sold")?, status("Bad debt")?],
            active_types: kinds(&ACTIVE_TYPES)?,
            closed_types: kinds(&CLOSED_TYPES)?,
            rare_types: table.levels_where("CREDIT_TYPE", is_rare)?,
            currencies: table.levels("CREDIT_CURRENCY")?,
            card: table.code("CREDIT_TYPE", "Credit card")?,
            facts: facts(table)?,
            other: TypeFacts {
                no_end: 0.1,
                term: term([180.0, 400.0, 730.0, 1_800.0, 3_000.0]),
                amount: (0.8, 0.9),
            },
            days: table.curve("DAYS_CREDIT")?,
            amount: table.curve("AMT_CREDIT_SUM")?,
            annuity: table.curve("AMT_ANNUITY")?,
            prolonged: table.curve("CNT_CREDIT_PROLONG")?,
            max_overdue: table.curve("AMT_CREDIT_MAX_OVERDUE")?,
            debt_share: Curve::new(&DEBT_SHARE),
            months: Months::new(statistics)?,
        })
    }

    /// Draws the applicant's credits and their months.
    pub(super) fn draw(&self, subject: Subject, key: &mut i64, draws: &mut Draws, batch: &mut Batch) {
        let with_months = self.months.known(subject.applicant.train, draws);
        for _ in 0..subject.applicant.credits {
            let id = next(key);
            let credit = self.credit(subject.risk, draws);
            self.write(subject, id, &credit, draws, batch);
            if with_months {
                let closed = credit.closed.filter(|_| !credit.active);
                self.months.draw(id, credit.start, closed, subject.risk, draws, batch);
            }
        }
    }

    fn credit(&self, risk: f64, draws: &mut Draws) -> Credit {
        let z = RECENT_RISK * risk + (1.0 - RECENT_RISK * RECENT_RISK).sqrt() * draws.normal();
        let recent = normal::share(z);
        let start = floor(self.days.at(recent).round());
        let (middle, by_rank, by_risk) = ACTIVE;
        let active = draws.chance(probability(middle + by_rank * (recent - 0.5) + by_risk * risk));
        let kind = match (draws.chance(RARE_TYPES), active) {
            (true, _) => self.rare_types.draw(draws),
            (_, true) => self.active_types.draw(draws),
            _ => self.closed_types.draw(draws),
        };
        let end = self.end(kind, start, active, draws);
        let closed = (!active).then(|| closing(start, end, draws));
        let end = (!draws.chance(self.facts(kind).no_end)).then_some(end);
        Credit { kind, start, active, end, closed }
    }

    /// The agreed end. That of an active credit lies mostly ahead.
    fn end(&self, kind: u8, start: i64, active: bool, draws: &mut Draws) -> i64 {
        // Published: 1 % of the ends lie 85 years ahead (cards without an end).
        if kind == self.card && draws.chance(0.1) {
            return start.max(-1_800) + draws.whole(31_000, 33_000);
        }
        let mut end = start + floor(self.facts(kind).term.draw(draws));
        for _ in 0..2 {
            if active && end <= 0 {
                end = start + floor(self.facts(kind).term.draw(draws));
            }
        }
        end
    }

    fn facts(&self, kind: u8) -> &TypeFacts {
        self.facts.iter().find(|facts| facts.0 == kind).map_or(&self.other, |facts| &facts.1)
    }

    fn write(&self, subject: Subject, id: i64, credit: &Credit, draws: &mut Draws, batch: &mut Batch) {
        let [active, closed, sold, bad] = self.statuses;
        let status = match draws.uniform() {
            _ if credit.active => active,
            u if u < 0.005_7 => sold,
            u if u < 0.005_72 => bad,
            _ => closed,
        };
        let overdue = credit.active && draws.chance(0.006_8 * lift(subject.risk, 0.6));
        let amount = self.amount(credit, draws);
        let day = |day: Option<i64>| day.map_or(f64::NAN, |day| day as f64);
        let mut row = batch.rows(Table::Bureau).row();
        row.integer(subject.applicant.id).integer(id).level(status).level(self.currencies.draw(draws));
        row.integer(credit.start).integer(if overdue { floor(draws.magnitude(1.0, 2_571.0)) } else { 0 });
        row.real(day(credit.end)).real(day(credit.closed.filter(|_| status == closed)));
        row.real(self.max_overdue(subject.risk, draws)).integer(floor(self.prolonged.draw(draws)));
        row.real(amount)
            .real(self.debt(credit, amount, subject.risk, draws))
            .real(self.limit(credit, amount, draws));
        row.real(if overdue { decimals(draws.magnitude(4.5, 50_000.0), 1e3) } else { 0.0 });
        row.level(credit.kind);
        row.integer(updated(credit, draws)).real(self.annuity(draws)).end();
    }

    /// `AMT_CREDIT_SUM`: the published marginal, its rank moved by the type of credit.
    fn amount(&self, credit: &Credit, draws: &mut Draws) -> f64 {
        if draws.chance(2e-5) {
            return f64::NAN;
        }
        let (mean, spread) = self.facts(credit.kind).amount;
        let share = normal::share(mean + spread * draws.normal());
        round_to(self.amount.at(share), 4.5)
    }

    /// `AMT_CREDIT_SUM_DEBT`: missing for 10.6 % of active and 16.5 % of other credits; else a share of the amount.
    fn debt(&self, credit: &Credit, amount: f64, risk: f64, draws: &mut Draws) -> f64 {
        if draws.chance(if credit.active { 0.106 } else { 0.165 }) {
            return f64::NAN;
        }
        if !credit.active && draws.chance(0.992) {
            return 0.0;
        }
        let share = self.debt_share.at(normal::share(0.3 * risk + 0.954 * draws.normal()));
        decimals(if amount.is_nan() { 0.0 } else { share * amount }, 1e3)
    }

    /// `AMT_CREDIT_SUM_LIMIT`: missing for 37 %; of the rest 94 % zero, else what a card has left.
    fn limit(&self, credit: &Credit, amount: f64, draws: &mut Draws) -> f64 {
        if draws.chance(if credit.active { 0.296 } else { 0.413 }) {
            return f64::NAN;
        }
        let share = if credit.kind == self.card { 0.22 } else { 0.01 };
        if amount.is_nan() || !draws.chance(share) {
            return 0.0;
        }
        decimals(amount * draws.between(-0.01, 0.6), 1e3)
    }

    /// `AMT_CREDIT_MAX_OVERDUE`: missing for 67 %; of the rest 20 % above zero, likelier at high risk.
    fn max_overdue(&self, risk: f64, draws: &mut Draws) -> f64 {
        if draws.chance(0.673_57) {
            return f64::NAN;
        }
        let shifted = normal::share(0.25 * risk + 0.968 * draws.normal());
        decimals(self.max_overdue.at(shifted), 1e3)
    }

    fn annuity(&self, draws: &mut Draws) -> f64 {
        if draws.chance(0.568_2) { f64::NAN } else { round_to(self.annuity.draw(draws), 4.5) }
    }
}

/// When a closed credit ended: on the agreed day for more than half, else earlier; always in the past.
fn closing(start: i64, end: i64, draws: &mut Draws) -> i64 {
    let latest = end.min(-1).max(start);
    if end < 0 && draws.chance(0.65) {
        latest
    } else {
        start + floor((latest - start) as f64 * draws.uniform().sqrt())
    }
}

/// `DAYS_CREDIT_UPDATE`: within weeks for active credits, some time after the end for others.
fn updated(credit: &Credit, draws: &mut Draws) -> i64 {
    let Some(closed) = credit.closed else {
        let mean = if draws.chance(0.8) { 22.0 } else { 500.0 };
        return -(3 + floor(draws.exponential(mean))).min(-credit.start);
    };
    let later = if draws.chance(0.55) { draws.whole(0, 5) } else { floor(draws.exponential(380.0)) };
    (closed + later).min(-draws.whole(2, 20)).clamp(credit.start - 30, -1).max(-LONGEST)
}

fn facts(table: &TableStatistics) -> Result<Vec<(u8, TypeFacts)>, Failure> {
    let fact = |level: &str, no_end: f64, days: [f64; 5], amount: (f64, f64)| {
        Ok((table.code("CREDIT_TYPE", level)?, TypeFacts { no_end, term: term(days), amount }))
    };
    [
        fact("Consumer credit", 0.009, [90.0, 212.0, 365.0, 828.0, 1_826.0], (0.0, 0.93)),
        fact("Credit card", 0.218, [360.0, 1_000.0, 1_300.0, 1_826.0, 3_300.0], (-0.15, 0.9)),
        fact("Car loan", 0.009, [540.0, 1_096.0, 1_816.0, 1_826.0, 2_190.0], (1.7, 0.4)),
        fact("Mortgage", 0.049, [1_800.0, 3_656.0, 5_482.0, 7_305.0, 9_131.0], (2.33, 0.3)),
        fact("Microloan", 0.453, [8.0, 15.0, 21.0, 58.0, 365.0], (-1.3, 0.6)),
    ]
    .into_iter()
    .collect()
}

/// A term's distribution from its 5, 25, 50, 75 and 95 % quantiles, in days.
fn term(days: [f64; 5]) -> Curve {
    let [low, quarter, half, most, high] = days;
    Curve::new(&[
        (0.0, low / 2.0),
        (0.05, low),
        (0.25, quarter),
        (0.5, half),
        (0.75, most),
        (0.95, high),
        (1.0, high * 1.3),
    ])
}
