//! Application rows: marginals and correlations as published, then the rules that tie columns together.

mod building;
mod counts;
mod documents;
mod logit;
mod money;
mod person;
mod place;
mod scores;

pub(super) use logit::{Logit, probability};

use self::building::Building;
use self::counts::Counts;
use self::documents::Documents;
use self::money::Money;
use self::person::Person;
use self::place::Place;
use self::scores::Scores;
use super::columns::{MISSING, Row};
use super::copula::{Copula, MOST};
use super::marginal::{Curve, Levels};
use super::random::Draws;
use super::statistics::{ColumnStatistics, Kind, Statistics, TableStatistics};
use crate::failure::Failure;

/// The value that means "no date", in days.
pub(super) const NO_DATE: f64 = 365_243.0;

/// Cells of one application by column of `application_train`: numbers, or codes of levels; NaN is missing.
/// TARGET's cell stays unused.
pub(super) type Cells = Vec<f64>;

/// Draws application rows of both splits.
pub(super) struct Applications {
    kinds: Vec<Kind>,
    target: usize,
    /// Test, then train.
    marginals: [Vec<Marginal>; 2],
    copula: Copula,
    person: Person,
    money: Money,
    scores: Scores,
    counts: Counts,
    place: Place,
    documents: Documents,
    building: Building,
}

/// How a column is drawn before the rules.
struct Marginal {
    missing: f64,
    values: Values,
    /// Its place in the copula, if it correlates with others.
    latent: Option<usize>,
}

enum Values {
    Curve(Curve),
    Levels(Levels),
    None,
}

impl Applications {
    /// Resolves all columns.
    pub(super) fn new(statistics: &Statistics) -> Result<Self, Failure> {
        let train = statistics.table("application_train")?;
        let test = statistics.table("application_test")?;
        let copula = Copula::new(&statistics.spearman);
        let marginals = [marginals(train, test, &copula)?, marginals(train, train, &copula)?];
        Ok(Self {
            kinds: train.columns.iter().map(|column| column.kind).collect(),
            target: train.position("TARGET")?,
            marginals,
            copula,
            person: Person::new(statistics)?,
            money: Money::new(train)?,
            scores: Scores::new(statistics)?,
            counts: Counts::new(train)?,
            place: Place::new(train)?,
            documents: Documents::new(train)?,
            building: Building::new(statistics)?,
        })
    }

    /// Draws one application into `cells`.
    pub(super) fn draw(&self, train: bool, draws: &mut Draws, cells: &mut Cells) {
        let shares = self.copula.draw(draws);
        cells.clear();
        cells.extend(self.marginals[usize::from(train)].iter().map(|marginal| marginal.draw(&shares, draws)));
        self.person.settle(train, &shares, draws, cells);
        self.money.settle(draws, cells);
        self.scores.settle(train, draws, cells);
        self.counts.settle(draws, cells);
        self.place.settle(draws, cells);
        self.documents.settle(draws, cells);
        self.building.settle(&shares, draws, cells);
    }

    /// Writes the cells as a row: with TARGET into `application_train`, without it into `application_test`.
    pub(super) fn write(&self, id: i64, target: Option<i64>, cells: &Cells, mut row: Row<'_>) {
        row.integer(id);
        for (column, (kind, &value)) in self.kinds.iter().zip(cells).enumerate().skip(1) {
            match kind {
                _ if column == self.target => {
                    target.map(|target| row.integer(target));
                }
                Kind::Level => {
                    row.level(code(value));
                }
                Kind::Integer | Kind::Real => {
                    row.real(value);
                }
            }
        }
        row.end();
    }
}

/// The code that a cell holds; NaN becomes [`MISSING`].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cells of levels hold codes from 0 to 254"
)]
fn code(cell: f64) -> u8 {
    if cell.is_nan() { MISSING } else { cell as u8 }
}

fn marginals(
    order: &TableStatistics,
    split: &TableStatistics,
    copula: &Copula,
) -> Result<Vec<Marginal>, Failure> {
    let marginal = |column: &ColumnStatistics| {
        let name = &column.name;
        // application_test has no TARGET.
        let facts = split.column(name).or_else(|_| order.column(name))?;
        let values = match facts.kind {
            Kind::Level => Values::Levels(split.levels(name)?),
            _ if facts.points.is_empty() => Values::None,
            _ => Values::Curve(Curve::new(&facts.points)),
        };
        let latent = copula.columns.iter().position(|it| it == name);
        Ok(Marginal { missing: if is_settled(name) { 0.0 } else { facts.missing }, values, latent })
    };
    order.columns.iter().map(marginal).collect()
}

/// Columns whose missing values a rule draws, several columns at once.
fn is_settled(name: &str) -> bool {
    let building = ["_AVG", "_MODE", "_MEDI"].iter().any(|version| name.ends_with(version));
    let circle = name.ends_with("_SOCIAL_CIRCLE") && name != "OBS_30_CNT_SOCIAL_CIRCLE";
    let requests = name.starts_with("AMT_REQ_") && name != "AMT_REQ_CREDIT_BUREAU_YEAR";
    building
        || circle
        || requests
        || ["OWN_CAR_AGE", "OCCUPATION_TYPE"].contains(&name)
        || name.starts_with("EXT_")
}

impl Marginal {
    fn draw(&self, shares: &[f64; MOST], draws: &mut Draws) -> f64 {
        if self.missing > 0.0 && draws.chance(self.missing) {
            return f64::NAN;
        }
        let share = self.latent.map_or_else(|| draws.uniform(), |place| shares[place]);
        match &self.values {
            Values::Curve(curve) => curve.at(share),
            Values::Levels(levels) => f64::from(levels.at(share)),
            Values::None => 0.0,
        }
    }
}
