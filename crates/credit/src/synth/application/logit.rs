//! The reference logit: how TARGET depends on the application.

use super::super::random::{Draws, Purpose};
use super::super::statistics::{Statistics, TableStatistics, Term};
use super::{Applications, Cells, NO_DATE, code};
use crate::failure::Failure;

/// Weight of the reference logit's 30 terms together. 1 is the published fit; a little more makes up for the
/// dependencies that the copula lacks and for the latent risk, so that the application alone reaches AUC 0.75.
const APPLICATION_WEIGHT: f64 = 1.09;
/// Weight of the latent risk that only the history tables show, per standard deviation: tuned so that a logistic
/// regression on all 528 columns gains about 0.02 AUC over the application columns alone.
const HISTORY_WEIGHT: f64 = 0.61;
/// Applicants on whom the intercept is solved.
const CALIBRATION: usize = 40_000;

/// The probability of TARGET 1.
pub(in super::super) struct Logit {
    intercept: f64,
    terms: Vec<(Input, Scale)>,
}

/// What a term reads from a row.
enum Input {
    Value(usize),
    Logarithm(usize),
    Missing(usize),
    Level(usize, u8),
}

struct Scale {
    mean: f64,
    weight: f64,
    fill: f64,
}

impl Logit {
    /// Resolves the terms and solves the intercept for the published base rate of `applications`.
    pub(in super::super) fn new(
        statistics: &Statistics,
        applications: &Applications,
    ) -> Result<Self, Failure> {
        let table = statistics.table("application_train")?;
        let terms =
            statistics.logit.iter().map(|term| resolve(table, term)).collect::<Result<_, Failure>>()?;
        let mut logit = Self { intercept: 0.0, terms };
        logit.intercept = logit.solve(applications, statistics.base_rate);
        Ok(logit)
    }

    /// Log odds of an applicant: from the application, and with the latent `risk` (standard normal) added.
    pub(in super::super) fn log_odds(&self, cells: &Cells, risk: f64) -> (f64, f64) {
        let own = self.intercept
            + APPLICATION_WEIGHT * self.terms.iter().map(|term| value(term, cells)).sum::<f64>();
        (own, own + HISTORY_WEIGHT * risk)
    }

    /// The intercept with which the calibration sample's mean probability is the base rate: bisection.
    fn solve(&self, applications: &Applications, base_rate: f64) -> f64 {
        let mut draws = Draws::new(0, Purpose::Calibration, 0);
        let mut cells = Cells::new();
        let sample: Vec<f64> = (0..CALIBRATION)
            .map(|_| {
                applications.draw(true, &mut draws, &mut cells);
                self.log_odds(&cells, draws.normal()).1
            })
            .collect();
        let (mut low, mut high) = (-20.0, 20.0);
        for _ in 0..50 {
            let middle = f64::midpoint(low, high);
            let mean =
                sample.iter().map(|odds| probability(middle + odds)).sum::<f64>() / sample.len() as f64;
            if mean < base_rate { low = middle } else { high = middle }
        }
        f64::midpoint(low, high)
    }
}

/// The probability of these log odds.
pub(in super::super) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

fn resolve(table: &TableStatistics, term: &Term) -> Result<(Input, Scale), Failure> {
    let input = if let Some(column) = term.feature.strip_prefix("missing:") {
        Input::Missing(table.position(column)?)
    } else if let Some(column) = term.feature.strip_prefix("log:") {
        Input::Logarithm(table.position(column)?)
    } else if let Some((column, level)) = term.feature.split_once('=') {
        Input::Level(table.position(column)?, table.code(column, level)?)
    } else {
        Input::Value(table.position(&term.feature)?)
    };
    Ok((
        input,
        Scale { mean: term.mean, weight: term.weight / term.std, fill: term.fill.unwrap_or(term.mean) },
    ))
}

fn value((input, scale): &(Input, Scale), cells: &Cells) -> f64 {
    let present = |place: usize| Some(cells[place]).filter(|cell| !cell.is_nan() && *cell != NO_DATE);
    let read = match *input {
        Input::Value(place) => present(place).unwrap_or(scale.fill),
        Input::Logarithm(place) => present(place).map_or(scale.fill, f64::ln),
        Input::Missing(place) => f64::from(u8::from(present(place).is_none())),
        Input::Level(place, level) => f64::from(u8::from(code(cells[place]) == level)),
    };
    scale.weight * (read - scale.mean)
}
