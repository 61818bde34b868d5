//! The levels of a previous application, given its contract and outcome.

use super::super::columns::MISSING;
use super::super::marginal::Levels;
use super::super::random::Draws;
use super::super::statistics::TableStatistics;
use super::offer::Contract::{self, Cash, Consumer, Revolving, Unknown};
use super::offer::Outcome::{self, Approved, Canceled, Refused, Unused};
use crate::failure::Failure;

/// Level codes in the table's order.
pub(super) struct Codes {
    pub(super) contract: u8,
    pub(super) purpose: u8,
    pub(super) status: u8,
    pub(super) payment: u8,
    pub(super) reject: u8,
    pub(super) client: u8,
    pub(super) goods: u8,
    pub(super) portfolio: u8,
    pub(super) product: u8,
    pub(super) channel: u8,
    pub(super) industry: u8,
    pub(super) yield_group: u8,
    pub(super) combination: u8,
}

/// `CHANNEL_TYPE` of cash, consumer and revolving loans: measured.
const CHANNELS: [&[(&str, f64)]; 3] = [
    &[
        ("Credit and cash offices", 0.8),
        ("Contact center", 0.084),
        ("Country-wide", 0.054),
        ("AP+ (Cash loan)", 0.048),
        ("Channel of corporate sales", 0.007),
        ("Stone", 0.004),
        ("Regional / Local", 0.003),
    ],
    &[("Country-wide", 0.595), ("Stone", 0.272), ("Regional / Local", 0.133), ("Car dealer", 0.0004)],
    &[
        ("Credit and cash offices", 0.678),
        ("Country-wide", 0.137),
        ("AP+ (Cash loan)", 0.071),
        ("Contact center", 0.051),
        ("Regional / Local", 0.033),
        ("Stone", 0.025),
        ("Channel of corporate sales", 0.005),
    ],
];
/// `CODE_REJECT_REASON` of refused cash, consumer and revolving loans, and what is alike for all: measured.
const REJECTS: [[(&str, f64); 4]; 3] = [
    [("HC", 0.741), ("LIMIT", 0.123), ("SCO", 0.071), ("SCOFR", 0.037)],
    [("HC", 0.287), ("LIMIT", 0.42), ("SCO", 0.248), ("SCOFR", 0.007)],
    [("HC", 0.72), ("LIMIT", 0.085), ("SCO", 0.05), ("SCOFR", 0.115)],
];
const OTHER_REJECTS: [(&str, f64); 3] = [("VERIF", 0.012), ("SYSTEM", 0.001), ("XNA", 0.016)];
/// `NAME_CLIENT_TYPE` of granted consumer loans, and of all others: measured.
const CLIENTS: [[(&str, f64); 4]; 2] = [
    [("Repeater", 0.494), ("New", 0.414), ("Refreshed", 0.091), ("XNA", 0.001)],
    [("Repeater", 0.89), ("New", 0.03), ("Refreshed", 0.079), ("XNA", 0.001)],
];

/// Level frequencies given contract and outcome: measured, or the column's own restricted to what can occur.
pub(super) struct OfferLevels {
    purposes: [Levels; 2],
    no_purpose: u8,
    payments: Levels,
    no_payment: u8,
    rejects: [Levels; 3],
    not_rejected: u8,
    unused: u8,
    clients: [Levels; 2],
    no_goods: u8,
    goods: Levels,
    mobile: u8,
    portfolios: [u8; 4],
    products: [u8; 3],
    channels: [Levels; 3],
    no_industry: u8,
    industries: Levels,
    yields: Yields,
    combinations: Combinations,
}

struct Yields {
    none: u8,
    cash: [Levels; 2],
    with_interest: [Levels; 2],
    without_interest: Levels,
}

struct Combinations {
    cash: u8,
    /// Street, then cross-sell; by yield group.
    priced: [Vec<(u8, u8)>; 2],
    cards: [u8; 2],
    consumer: Levels,
    mobile: Vec<u8>,
    without_interest: Vec<u8>,
}

impl OfferLevels {
    pub(super) fn new(table: &TableStatistics) -> Result<Self, Failure> {
        let code = |column: &str, level: &str| table.code(column, level);
        let but = |column: &str, none: [&str; 2]| table.levels_where(column, |level| !none.contains(&level));
        let portfolio = |level: &str| table.code("NAME_PORTFOLIO", level);
        let product = |level: &str| table.code("NAME_PRODUCT_TYPE", level);
        let unnamed = table.mixture("NAME_CASH_LOAN_PURPOSE", &[("XNA", 1.0)])?;
        Ok(Self {
            purposes: [but("NAME_CASH_LOAN_PURPOSE", ["XAP", "XNA"])?, unnamed],
            no_purpose: code("NAME_CASH_LOAN_PURPOSE", "XAP")?,
            payments: but("NAME_PAYMENT_TYPE", ["XNA", ""])?,
            no_payment: code("NAME_PAYMENT_TYPE", "XNA")?,
            rejects: rejects(table)?,
            not_rejected: code("CODE_REJECT_REASON", "XAP")?,
            unused: code("CODE_REJECT_REASON", "CLIENT")?,
            clients: mixtures(table, "NAME_CLIENT_TYPE", CLIENTS.each_ref().map(<[_; 4]>::as_slice))?,
            no_goods: code("NAME_GOODS_CATEGORY", "XNA")?,
            goods: but("NAME_GOODS_CATEGORY", ["XNA", "Mobile"])?,
            mobile: code("NAME_GOODS_CATEGORY", "Mobile")?,
            portfolios: [portfolio("Cash")?, portfolio("POS")?, portfolio("Cards")?, portfolio("XNA")?],
            products: [product("walk-in")?, product("x-sell")?, product("XNA")?],
            channels: mixtures(table, "CHANNEL_TYPE", CHANNELS)?,
            no_industry: code("NAME_SELLER_INDUSTRY", "XNA")?,
            industries: but("NAME_SELLER_INDUSTRY", ["XNA", ""])?,
            yields: Yields::new(table)?,
            combinations: Combinations::new(table)?,
        })
    }

    /// Draws all levels but the contract's and the status's own.
    pub(super) fn draw(
        &self,
        contract: Contract,
        outcome: Outcome,
        unpriced: bool,
        draws: &mut Draws,
    ) -> Codes {
        let consumer = contract == Consumer;
        let kind = (contract as usize).min(2);
        let combination = self.combinations.consumer.draw(draws);
        let mobile = consumer && self.combinations.mobile.contains(&combination);
        let street = draws.chance(walk_in(contract, outcome));
        let yield_group = self.yield_group(contract, unpriced, street, combination, draws);
        Codes {
            contract: 0,
            status: 0,
            purpose: self.purpose(contract, outcome, draws),
            payment: self.payment(contract, unpriced, draws),
            reject: match outcome {
                Refused => self.rejects[kind].draw(draws),
                Unused => self.unused,
                Approved | Canceled => self.not_rejected,
            },
            client: self.clients[usize::from(!(consumer && outcome == Approved))].draw(draws),
            goods: self.goods(consumer, mobile, draws),
            portfolio: if unpriced { self.portfolios[3] } else { self.portfolios[contract as usize] },
            product: self.products[if unpriced || consumer { 2 } else { usize::from(!street) }],
            channel: self.channels[kind].draw(draws),
            industry: self.industry(consumer, draws),
            yield_group,
            combination: self.combination(contract, unpriced, street, yield_group, combination),
        }
    }

    /// How it is paid: unknown for cards and for most applications without a price.
    fn payment(&self, contract: Contract, unpriced: bool, draws: &mut Draws) -> u8 {
        let known = match contract {
            Revolving | Unknown => 0.0,
            Cash if unpriced => 0.01,
            Cash | Consumer => 0.87,
        };
        if draws.chance(known) { self.payments.draw(draws) } else { self.no_payment }
    }

    /// Only consumer loans have goods.
    fn goods(&self, consumer: bool, mobile: bool, draws: &mut Draws) -> u8 {
        match (consumer, mobile && draws.chance(0.91)) {
            (true, true) => self.mobile,
            (true, false) => self.goods.draw(draws),
            _ => self.no_goods,
        }
    }

    fn industry(&self, consumer: bool, draws: &mut Draws) -> u8 {
        if consumer || draws.chance(0.05) { self.industries.draw(draws) } else { self.no_industry }
    }

    /// Cash loans name a purpose for 3.4 %, refused ones for 24 %; other contracts have none.
    fn purpose(&self, contract: Contract, outcome: Outcome, draws: &mut Draws) -> u8 {
        if contract != Cash {
            return self.no_purpose;
        }
        let named = match outcome {
            Approved => 0.087,
            Refused => 0.238,
            Canceled => 0.006,
            Unused => 0.538,
        };
        self.purposes[usize::from(!draws.chance(named))].draw(draws)
    }

    fn yield_group(
        &self,
        contract: Contract,
        unpriced: bool,
        street: bool,
        combination: u8,
        draws: &mut Draws,
    ) -> u8 {
        let yields = &self.yields;
        match contract {
            _ if unpriced => yields.none,
            Cash => yields.cash[usize::from(!street)].draw(draws),
            Consumer if self.combinations.without_interest.contains(&combination) => {
                yields.without_interest.draw(draws)
            }
            Consumer => {
                yields.with_interest[usize::from(self.combinations.mobile.contains(&combination))].draw(draws)
            }
            Revolving | Unknown => yields.none,
        }
    }

    fn combination(
        &self,
        contract: Contract,
        unpriced: bool,
        street: bool,
        yield_group: u8,
        consumer: u8,
    ) -> u8 {
        let combinations = &self.combinations;
        match contract {
            Consumer => consumer,
            Revolving => combinations.cards[usize::from(!unpriced && !street)],
            Unknown => MISSING,
            Cash if unpriced => combinations.cash,
            Cash => {
                let priced = &combinations.priced[usize::from(!street)];
                priced.iter().find(|pair| pair.0 == yield_group).map_or(combinations.cash, |pair| pair.1)
            }
        }
    }
}

/// The share of walk-ins, as opposed to cross-selling: measured.
fn walk_in(contract: Contract, outcome: Outcome) -> f64 {
    match (contract, outcome) {
        (Revolving, Refused) => 0.46,
        (Revolving, _) => 0.29,
        (_, Refused) => 0.38,
        _ => 0.14,
    }
}

fn rejects(table: &TableStatistics) -> Result<[Levels; 3], Failure> {
    let reasons = REJECTS.map(|usual| [usual.as_slice(), &OTHER_REJECTS].concat());
    mixtures(table, "CODE_REJECT_REASON", reasons.each_ref().map(Vec::as_slice))
}

/// One mixture of a column's levels for each list of frequencies.
fn mixtures<const N: usize>(
    table: &TableStatistics,
    column: &str,
    frequencies: [&[(&str, f64)]; N],
) -> Result<[Levels; N], Failure> {
    let levels: Vec<Levels> =
        frequencies.iter().map(|it| table.mixture(column, it)).collect::<Result<_, Failure>>()?;
    levels.try_into().map_err(|_| Failure::ours("There is a mixture for each list of frequencies."))
}

impl Yields {
    fn new(table: &TableStatistics) -> Result<Self, Failure> {
        let mix = |shares: [f64; 4]| {
            let names = ["high", "middle", "low_normal", "low_action"];
            let levels: Vec<(&str, f64)> = names.into_iter().zip(shares).collect();
            table.mixture("NAME_YIELD_GROUP", &levels)
        };
        Ok(Self {
            none: table.code("NAME_YIELD_GROUP", "XNA")?,
            cash: [mix([0.463, 0.265, 0.203, 0.069])?, mix([0.182, 0.433, 0.346, 0.039])?],
            with_interest: [mix([0.219, 0.447, 0.302, 0.032])?, mix([0.757, 0.138, 0.105, 0.0])?],
            without_interest: mix([0.005, 0.114, 0.35, 0.531])?,
        })
    }
}

impl Combinations {
    fn new(table: &TableStatistics) -> Result<Self, Failure> {
        let column = "PRODUCT_COMBINATION";
        let code = |level: &str| table.code(column, level);
        let priced = |place: &str| -> Result<Vec<(u8, u8)>, Failure> {
            [("high", "high"), ("middle", "middle"), ("low_normal", "low"), ("low_action", "low")]
                .into_iter()
                .map(|(group, name)| {
                    Ok((table.code("NAME_YIELD_GROUP", group)?, code(&format!("Cash {place}: {name}"))?))
                })
                .collect()
        };
        let having = |part: &str| -> Result<Vec<u8>, Failure> {
            let levels = table.column(column)?.levels.iter().map(|level| level.0.as_str());
            levels.filter(|level| level.contains(part)).map(code).collect()
        };
        Ok(Self {
            cash: code("Cash")?,
            priced: [priced("Street")?, priced("X-Sell")?],
            cards: [code("Card Street")?, code("Card X-Sell")?],
            consumer: table.levels_where(column, |level| level.starts_with("POS"))?,
            mobile: having("POS mobile")?,
            without_interest: having("without interest")?,
        })
    }
}
