//! Income, credit, price of the goods and annuity.

use super::super::marginal::Curve;
use super::super::random::{Draws, round_to};
use super::super::statistics::TableStatistics;
use super::{Cells, code};
use crate::failure::Failure;

/// Credit divided by the price of the goods, of cash loans: measured quantiles (median 1.119, so the price is
/// 0.89 of the credit; exactly 1 for a third).
const CREDIT_TO_GOODS: [(f64, f64); 9] = [
    (0.0, 0.5),
    (0.0018, 1.0),
    (0.3526, 1.0),
    (0.3526, 1.03),
    (0.5, 1.1188),
    (0.75, 1.198),
    (0.95, 1.396),
    (0.99, 1.4488),
    (1.0, 2.0),
];
/// Yearly instalment divided by the credit, measured extremes.
const ANNUITY_TO_CREDIT: (f64, f64) = (0.0223, 0.1244);
/// Of revolving loans, the annuity is this share of the credit.
const REVOLVING_ANNUITY: f64 = 0.05;

/// Places of the columns.
pub(super) struct Money {
    contract: usize,
    income: usize,
    credit: usize,
    annuity: usize,
    goods: usize,
    revolving: u8,
    credit_to_goods: Curve,
}

impl Money {
    pub(super) fn new(table: &TableStatistics) -> Result<Self, Failure> {
        let at = |name: &str| table.position(name);
        Ok(Self {
            contract: at("NAME_CONTRACT_TYPE")?,
            income: at("AMT_INCOME_TOTAL")?,
            credit: at("AMT_CREDIT")?,
            annuity: at("AMT_ANNUITY")?,
            goods: at("AMT_GOODS_PRICE")?,
            revolving: table.code("NAME_CONTRACT_TYPE", "Revolving loans")?,
            credit_to_goods: Curve::new(&CREDIT_TO_GOODS),
        })
    }

    /// The credit follows its own marginal; the price of the goods and the annuity keep their ratios to it.
    pub(super) fn settle(&self, draws: &mut Draws, cells: &mut Cells) {
        cells[self.income] = round_to(cells[self.income], 450.0);
        let revolving = code(cells[self.contract]) == self.revolving;
        let ratio = if revolving { 1.0 } else { self.credit_to_goods.draw(draws) };
        // Measured: the limits of revolving loans are half the credits of cash loans.
        let amount = cells[self.credit] * if revolving { 0.5 } else { 1.0 };
        let (goods, credit) = if ratio > 0.999 && ratio < 1.001 {
            let price = round_to(amount, 4_500.0).max(45_000.0);
            (price, price)
        } else {
            let price = round_to(amount / ratio, 4_500.0).max(40_500.0);
            (price, round_to(price * ratio, 4.5))
        };
        cells[self.credit] = credit;
        if !cells[self.goods].is_nan() {
            cells[self.goods] = goods;
        }
        let (low, high) = ANNUITY_TO_CREDIT;
        let annuity = cells[self.annuity].clamp(credit * low, credit * high);
        cells[self.annuity] = round_to(if revolving { credit * REVOLVING_ANNUITY } else { annuity }, 4.5);
    }
}
