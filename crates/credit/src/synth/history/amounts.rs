//! The amounts of a previous application.

use super::super::normal;
use super::super::random::{Draws, decimals, round_to};
use super::loan::Terms;
use super::offer::{Contract, Offer};

/// Correlation of amount and term, on the normal scale: so that annuities have their published quantiles.
const CASH_TERM: f64 = 0.88;
const CONSUMER_TERM: f64 = 0.45;

/// Amounts of one application.
pub(super) struct Amounts {
    pub(super) annuity: f64,
    pub(super) application: f64,
    pub(super) credit: f64,
    pub(super) down_payment: f64,
    pub(super) goods: f64,
    pub(super) term: f64,
}

/// Draws amounts.
pub(super) struct AmountDraws {
    cash_terms: Terms,
    consumer_terms: Terms,
}

impl AmountDraws {
    pub(super) fn new() -> Self {
        Self { cash_terms: Terms::cash(), consumer_terms: Terms::consumer() }
    }

    /// The terms of instalment loans.
    pub(super) fn terms(&self, contract: Contract) -> Option<&Terms> {
        match contract {
            Contract::Cash => Some(&self.cash_terms),
            Contract::Consumer => Some(&self.consumer_terms),
            Contract::Revolving | Contract::Unknown => None,
        }
    }

    /// Draws the amounts of `offer`.
    pub(super) fn draw(&self, offer: &Offer, draws: &mut Draws) -> Amounts {
        if offer.blank {
            return Amounts {
                annuity: f64::NAN,
                application: 0.0,
                credit: 0.0,
                down_payment: f64::NAN,
                goods: f64::NAN,
                term: f64::NAN,
            };
        }
        let mut amounts = match offer.contract {
            Contract::Cash => self.cash(draws),
            Contract::Consumer => self.consumer(draws),
            Contract::Revolving | Contract::Unknown => revolving(draws),
        };
        if offer.unpriced {
            (amounts.annuity, amounts.term) = (f64::NAN, f64::NAN);
        }
        amounts
    }

    /// Cash loans: measured quantiles of the amount, of credit to application, and of the total repaid.
    fn cash(&self, draws: &mut Draws) -> Amounts {
        const AMOUNT: [f64; 7] =
            [45_000.0, 67_500.0, 139_500.0, 279_000.0, 571_500.0, 1_260_000.0, 1_858_140.0];
        let (size, length) = together(CASH_TERM, draws);
        let application = round_to(quantiles(&AMOUNT, 3_150_000.0, size), 4_500.0).max(45_000.0);
        let ratio = quantiles(&[1.0, 1.0, 1.0515, 1.1056, 1.1716, 1.3168, 1.4346], 1.6, draws.uniform());
        let term = self.cash_terms.at(length);
        let credit = round_to(application * ratio, 4.5);
        let repaid = 1.0 + 0.021 * term as f64 * draws.between(0.6, 1.3);
        let annuity = decimals(credit * repaid / term as f64, 1e3);
        let down_payment = if draws.chance(0.119) { 0.0 } else { f64::NAN };
        Amounts { annuity, application, credit, down_payment, goods: application, term: term as f64 }
    }

    /// Consumer loans: as cash loans, with a down payment for 54 %.
    fn consumer(&self, draws: &mut Draws) -> Amounts {
        const AMOUNT: [f64; 7] = [15_863.0, 20_880.0, 39_820.0, 70_875.0, 118_404.0, 256_428.0, 486_000.0];
        let (size, length) = together(CONSUMER_TERM, draws);
        let application = round_to(quantiles(&AMOUNT, 2_970_000.0, size), 4.5);
        let (ratio, down_payment) = if draws.chance(0.543) {
            let share = quantiles(&[0.001, 0.05, 0.1, 0.1, 0.199, 0.32, 0.52], 0.77, draws.uniform());
            let ratio = (1.0 - share) * draws.between(0.98, 1.1);
            (ratio, round_to(application * share, 4.5).max(4.5))
        } else {
            (quantiles(&[0.9, 0.95, 1.0, 1.03, 1.08, 1.17, 1.25], 1.4, draws.uniform()), 0.0)
        };
        let term = self.consumer_terms.at(length);
        let credit = round_to(application * ratio, 4.5).max(4.5);
        let repaid = 1.0 + 0.02 * term as f64 * draws.between(0.3, 1.7);
        let annuity = decimals(credit * repaid / term as f64, 1e3);
        Amounts { annuity, application, credit, down_payment, goods: application, term: term as f64 }
    }
}

/// Revolving loans: 41 % of the granted have asked for no amount; the annuity is 5 % of the credit. Measured.
fn revolving(draws: &mut Draws) -> Amounts {
    const CREDIT: [f64; 7] = [45_000.0, 45_000.0, 90_000.0, 180_000.0, 270_000.0, 720_000.0, 900_000.0];
    let credit = round_to(quantiles(&CREDIT, 1_350_000.0, draws.uniform()), 45_000.0).max(45_000.0);
    let asked = draws.chance(0.6);
    let credit = if draws.chance(0.019) { 0.0 } else { credit };
    let application = if asked { credit } else { 0.0 };
    let goods = if asked { application } else { f64::NAN };
    let down_payment = if draws.chance(0.012) { 0.0 } else { f64::NAN };
    Amounts { annuity: credit * 0.05, application, credit, down_payment, goods, term: 0.0 }
}

/// Two shares whose normal scores have this correlation: large loans run longer.
fn together(correlation: f64, draws: &mut Draws) -> (f64, f64) {
    let size = draws.normal();
    let length = correlation * size + (1.0 - correlation * correlation).sqrt() * draws.normal();
    (normal::share(size), normal::share(length))
}

/// The value at the share `u` of a distribution known by its quantiles 1, 5, 25, 50, 75, 95, 99 % and its maximum.
fn quantiles(values: &[f64; 7], maximum: f64, u: f64) -> f64 {
    const SHARES: [f64; 9] = [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0];
    let above = SHARES.iter().position(|&share| u < share).unwrap_or(8);
    let value = |place: usize| match place {
        0 => values[0],
        8 => maximum,
        _ => values[place - 1],
    };
    let (low, high) = (SHARES[above - 1], SHARES[above]);
    // The last piece rises steeply only at its end.
    let part = ((u - low) / (high - low)).powi(if above == 8 { 4 } else { 1 });
    value(above - 1) + (value(above) - value(above - 1)) * part
}
