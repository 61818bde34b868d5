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
        let mix = |column: &str, levels: &[(&str, f64)]| table.mixture(column, levels);
        let reject = |levels: &[(&str, f64)]| mix("CODE_REJECT_REASON", levels);
        let channel = |levels: &[(&str, f64)]| mix("CHANNEL_TYPE", levels);
        let client = |levels: &[(&str, f64)]| mix("NAME_CLIENT_TYPE", levels);
        let rest = [("VERIF", 0.012), ("SYSTEM", 0.001), ("XNA", 0.016)];
        let with_rest = |levels: [(&'static str, f64); 4]| [levels.as_slice(), &rest].concat();
        Ok(Self {
            purposes: [
                table.levels_where("NAME_CASH_LOAN_PURPOSE", |level| level != "XAP" && level != "XNA")?,
                mix("NAME_CASH_LOAN_PURPOSE", &[("XNA", 1.0)])?,
            ],
            no_purpose: code("NAME_CASH_LOAN_PURPOSE", "XAP")?,
            payments: table.levels_where("NAME_PAYMENT_TYPE", |level| level != "XNA")?,
            no_payment: code("NAME_PAYMENT_TYPE", "XNA")?,
            rejects: [
                reject(&with_rest([("HC", 0.741), ("LIMIT", 0.123), ("SCO", 0.071), ("SCOFR", 0.037)]))?,
                reject(&with_rest([("HC", 0.287), ("LIMIT", 0.42), ("SCO", 0.248), ("SCOFR", 0.007)]))?,
                reject(&with_rest([("HC", 0.72), ("LIMIT", 0.085), ("SCO", 0.05), ("SCOFR", 0.115)]))?,
            ],
            not_rejected: code("CODE_REJECT_REASON", "XAP")?,
            unused: code("CODE_REJECT_REASON", "CLIENT")?,
            clients: [
                client(&[("Repeater", 0.494), ("New", 0.414), ("Refreshed", 0.091), ("XNA", 0.001)])?,
                client(&[("Repeater", 0.89), ("New", 0.03), ("Refreshed", 0.079), ("XNA", 0.001)])?,
            ],
            no_goods: code("NAME_GOODS_CATEGORY", "XNA")?,
            goods: table.levels_where("NAME_GOODS_CATEGORY", |level| level != "XNA" && level != "Mobile")?,
            mobile: code("NAME_GOODS_CATEGORY", "Mobile")?,
            portfolios: [
                code("NAME_PORTFOLIO", "Cash")?,
                code("NAME_PORTFOLIO", "POS")?,
                code("NAME_PORTFOLIO", "Cards")?,
                code("NAME_PORTFOLIO", "XNA")?,
            ],
            products: [
                code("NAME_PRODUCT_TYPE", "walk-in")?,
                code("NAME_PRODUCT_TYPE", "x-sell")?,
                code("NAME_PRODUCT_TYPE", "XNA")?,
            ],
            channels: [
                channel(&[
                    ("Credit and cash offices", 0.8),
                    ("Contact center", 0.084),
                    ("Country-wide", 0.054),
                    ("AP+ (Cash loan)", 0.048),
                    ("Channel of corporate sales", 0.007),
                    ("Stone", 0.004),
                    ("Regional / Local", 0.003),
                ])?,
                channel(&[
                    ("Country-wide", 0.595),
                    ("Stone", 0.272),
                    ("Regional / Local", 0.133),
                    ("Car dealer", 0.0004),
                ])?,
                channel(&[
                    ("Credit and cash offices", 0.678),
                    ("Country-wide", 0.137),
                    ("AP+ (Cash loan)", 0.071),
                    ("Contact center", 0.051),
                    ("Regional / Local", 0.033),
                    ("Stone", 0.025),
                    ("Channel of corporate sales", 0.005),
                ])?,
            ],
            no_industry: code("NAME_SELLER_INDUSTRY", "XNA")?,
            industries: table.levels_where("NAME_SELLER_INDUSTRY", |level| level != "XNA")?,
            yields: Yields::new(table)?,
            combinations: Combinations::new(table)?,
        })
    }

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
        let street = draws.chance(match (contract, outcome) {
            (Revolving, Refused) => 0.46,
            (Revolving, _) => 0.29,
            (_, Refused) => 0.38,
            _ => 0.14,
        });
        let yield_group = self.yield_group(contract, unpriced, street, combination, draws);
        let known_payment = contract != Revolving && contract != Unknown;
        Codes {
            contract: 0,
            status: 0,
            purpose: self.purpose(contract, outcome, draws),
            payment: if known_payment && draws.chance(if unpriced && !consumer { 0.01 } else { 0.87 }) {
                self.payments.draw(draws)
            } else {
                self.no_payment
            },
            reject: match outcome {
                Refused => self.rejects[kind].draw(draws),
                Unused => self.unused,
                Approved | Canceled => self.not_rejected,
            },
            client: self.clients[usize::from(!(consumer && outcome == Approved))].draw(draws),
            goods: match (consumer, mobile && draws.chance(0.91)) {
                (true, true) => self.mobile,
                (true, false) => self.goods.draw(draws),
                _ => self.no_goods,
            },
            portfolio: if unpriced { self.portfolios[3] } else { self.portfolios[contract as usize] },
            product: self.products[if unpriced || consumer { 2 } else { usize::from(!street) }],
            channel: self.channels[kind].draw(draws),
            industry: if consumer || draws.chance(0.05) {
                self.industries.draw(draws)
            } else {
                self.no_industry
            },
            yield_group,
            combination: self.combination(contract, unpriced, street, yield_group, combination),
        }
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
