//! The kind and outcome of a previous application, with all its levels.

use super::super::marginal::{Curve, Levels};
use super::super::random::{Draws, floor};
use super::super::statistics::TableStatistics;
use super::offer_levels::{Codes, OfferLevels};
use crate::failure::Failure;

/// `NAME_CONTRACT_TYPE`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Contract {
    Cash,
    Consumer,
    Revolving,
    Unknown,
}

/// `NAME_CONTRACT_STATUS`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Approved,
    Canceled,
    Refused,
    Unused,
}

use Contract::{Cash, Consumer, Revolving, Unknown};
use Outcome::{Approved, Canceled, Refused, Unused};

/// What is measured of one contract and outcome.
struct Facts {
    contract: Contract,
    outcome: Outcome,
    /// Share of all applications; granted loans and cards are drawn elsewhere.
    share: f64,
    /// Share with all amounts zero or missing.
    blank: f64,
    /// Share without annuity and term; blank ones included.
    unpriced: f64,
    /// Share with missing `NAME_TYPE_SUITE`.
    no_suite: f64,
    /// Share with missing dates although granted.
    no_dates: f64,
    /// `DAYS_DECISION`: quantiles 5, 25, 50, 75, 95 %.
    days: [f64; 5],
}

#[rustfmt::skip]
const FACTS: [Facts; 14] = [
    facts(Cash, Approved, 0.0, [0.0, 0.0, 0.308, 0.078], [-2386.0, -1159.0, -774.0, -473.0, -186.0]),
    facts(Consumer, Approved, 0.0, [0.0, 0.0, 0.338, 0.022], [-2712.0, -1925.0, -1060.0, -524.0, -160.0]),
    facts(Revolving, Approved, 0.003, [0.0, 0.0, 0.543, 0.043], [-2684.0, -1038.0, -520.0, -335.0, -167.0]),
    facts(Cash, Canceled, 0.1748, [0.965, 0.966, 0.967, 1.0], [-526.0, -375.0, -258.0, -148.0, -21.0]),
    facts(Cash, Refused, 0.1005, [0.168, 0.171, 0.369, 1.0], [-1926.0, -667.0, -397.0, -224.0, -51.0]),
    facts(Cash, Unused, 0.0003, [1.0, 1.0, 0.0, 1.0], [-1524.0, -1458.0, -1304.0, -1247.0, -1234.0]),
    facts(Consumer, Canceled, 0.0009, [0.818, 0.841, 0.886, 1.0], [-1865.0, -675.0, -616.0, -454.0, -136.0]),
    facts(Consumer, Refused, 0.0429, [0.0, 0.171, 0.381, 1.0], [-2726.0, -2235.0, -1204.0, -590.0, -213.0]),
    facts(Consumer, Unused, 0.0158, [0.0, 0.981, 0.81, 1.0], [-2073.0, -1357.0, -753.0, -378.0, -136.0]),
    facts(Revolving, Canceled, 0.0311, [0.99, 0.99, 0.995, 1.0], [-531.0, -409.0, -307.0, -214.0, -77.0]),
    facts(Revolving, Refused, 0.0289, [0.051, 0.051, 0.558, 1.0], [-1599.0, -803.0, -454.0, -270.0, -133.0]),
    facts(Revolving, Unused, 0.00002, [0.0, 0.0, 1.0, 1.0], [-400.0, -350.0, -307.0, -250.0, -200.0]),
    facts(Unknown, Canceled, 0.00028, [1.0, 1.0, 1.0, 1.0], [-592.0, -570.0, -540.0, -510.0, -447.0]),
    facts(Unknown, Refused, 0.00002, [1.0, 1.0, 1.0, 1.0], [-592.0, -570.0, -540.0, -510.0, -447.0]),
];

const fn facts(contract: Contract, outcome: Outcome, share: f64, rates: [f64; 4], days: [f64; 5]) -> Facts {
    let [blank, unpriced, no_suite, no_dates] = rates;
    Facts { contract, outcome, share, blank, unpriced, no_suite, no_dates, days }
}

/// One application's kind, outcome and levels.
pub(super) struct Offer {
    pub(super) contract: Contract,
    pub(super) outcome: Outcome,
    /// All amounts are zero or missing.
    pub(super) blank: bool,
    /// Annuity and term are missing.
    pub(super) unpriced: bool,
    pub(super) no_suite: f64,
    pub(super) no_dates: f64,
    /// `DAYS_DECISION`.
    pub(super) decision: i64,
    /// `SELLERPLACE_AREA`.
    pub(super) seller_area: i64,
    pub(super) codes: Codes,
}

/// Draws offers.
pub(super) struct Offers {
    days: Vec<Curve>,
    others: Levels,
    contracts: [u8; 4],
    statuses: [u8; 4],
    levels: OfferLevels,
}

impl Offers {
    pub(super) fn new(table: &TableStatistics) -> Result<Self, Failure> {
        let contract = |level: &str| table.code("NAME_CONTRACT_TYPE", level);
        let status = |level: &str| table.code("NAME_CONTRACT_STATUS", level);
        let shares: Vec<(u8, f64)> =
            (0_u8..).zip(&FACTS).map(|(place, facts)| (place, facts.share)).collect();
        Ok(Self {
            days: FACTS.iter().map(|facts| decision_days(facts.days)).collect(),
            others: Levels::new(&shares),
            contracts: [
                contract("Cash loans")?,
                contract("Consumer loans")?,
                contract("Revolving loans")?,
                contract("XNA")?,
            ],
            statuses: [status("Approved")?, status("Canceled")?, status("Refused")?, status("Unused offer")?],
            levels: OfferLevels::new(table)?,
        })
    }

    /// A granted cash or consumer loan.
    pub(super) fn granted(&self, contract: Contract, draws: &mut Draws) -> Offer {
        self.offer(usize::from(contract == Consumer), draws)
    }

    /// The application for a card that was decided on this day.
    pub(super) fn card(&self, decision: i64, draws: &mut Draws) -> Offer {
        Offer { decision, ..self.offer(2, draws) }
    }

    /// Any other application.
    pub(super) fn other(&self, draws: &mut Draws) -> Offer {
        self.offer(usize::from(self.others.draw(draws)), draws)
    }

    fn offer(&self, place: usize, draws: &mut Draws) -> Offer {
        let facts = &FACTS[place];
        let u = draws.uniform();
        let (blank, unpriced) = (u < facts.blank, u < facts.unpriced);
        let mut codes = self.levels.draw(facts.contract, facts.outcome, unpriced, draws);
        codes.contract = self.contracts[facts.contract as usize];
        codes.status = self.statuses[facts.outcome as usize];
        Offer {
            contract: facts.contract,
            outcome: facts.outcome,
            blank,
            unpriced,
            no_suite: facts.no_suite,
            no_dates: facts.no_dates,
            decision: floor(self.days[place].draw(draws).round()),
            seller_area: seller_area(facts.contract, draws),
            codes,
        }
    }
}

fn decision_days(days: [f64; 5]) -> Curve {
    let [low, quarter, half, most, high] = days;
    let first = (low * 1.25).max(-2_922.0);
    let last = (high / 8.0).min(-2.0);
    Curve::new(&[
        (0.0, first),
        (0.05, low),
        (0.25, quarter),
        (0.5, half),
        (0.75, most),
        (0.95, high),
        (1.0, last),
    ])
}

/// `SELLERPLACE_AREA`: -1 outside shops; shops are log-uniform around the measured median of 93.
fn seller_area(contract: Contract, draws: &mut Draws) -> i64 {
    match contract {
        Consumer if draws.chance(0.000_1) => floor(draws.magnitude(4_000.0, 250_000.0)),
        Consumer => floor(draws.magnitude(6.0, 4_000.0)),
        Revolving if draws.chance(0.28) => floor(draws.magnitude(2.0, 3_000.0)),
        Cash if draws.chance(0.08) => draws.whole(-50, 50).max(0),
        _ => -1,
    }
}
