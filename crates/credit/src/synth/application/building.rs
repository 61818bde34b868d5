//! The 47 columns on the building: missing as a block, and three nearly equal versions of each attribute.

use super::super::copula::MOST;
use super::super::marginal::Curve;
use super::super::normal;
use super::super::random::{Draws, decimals};
use super::super::statistics::Statistics;
use super::Cells;
use crate::failure::Failure;

/// Share of applicants with all 47 missing, and with none missing: published.
const ALL_MISSING: f64 = 0.4762;
const NONE_MISSING: f64 = 0.2551;
/// Attributes, the attribute whose draw they follow (apartments or year built), and the rank correlation with
/// it, measured.
const ATTRIBUTES: [(&str, Follows, f64); 14] = [
    ("APARTMENTS", Follows::Apartments, 1.0),
    ("BASEMENTAREA", Follows::Apartments, 0.70),
    ("YEARS_BEGINEXPLUATATION", Follows::YearBuilt, 0.99),
    ("YEARS_BUILD", Follows::YearBuilt, 1.0),
    ("COMMONAREA", Follows::Apartments, 0.58),
    ("ELEVATORS", Follows::Apartments, 0.70),
    ("ENTRANCES", Follows::Apartments, 0.56),
    ("FLOORSMAX", Follows::Apartments, 0.75),
    ("FLOORSMIN", Follows::Apartments, 0.48),
    ("LANDAREA", Follows::Apartments, 0.45),
    ("LIVINGAPARTMENTS", Follows::Apartments, 0.98),
    ("LIVINGAREA", Follows::Apartments, 0.91),
    ("NONLIVINGAPARTMENTS", Follows::Apartments, 0.28),
    ("NONLIVINGAREA", Follows::Apartments, 0.24),
];
/// Columns with one version only.
const SINGLE: [&str; 5] =
    ["FONDKAPREMONT_MODE", "HOUSETYPE_MODE", "TOTALAREA_MODE", "WALLSMATERIAL_MODE", "EMERGENCYSTATE_MODE"];

#[derive(Clone, Copy)]
enum Follows {
    Apartments,
    YearBuilt,
}

/// Attributes and single columns.
pub(super) struct Building {
    attributes: Vec<Attribute>,
    /// Columns of one version with their missing rates among partly missing blocks.
    single: Vec<(usize, f64)>,
    latent: [usize; 2],
    total_area: (usize, usize, Curve),
}

struct Attribute {
    follows: Follows,
    correlation: f64,
    /// Missing rate among those whose block is partly missing.
    missing: f64,
    /// `_AVG`, `_MODE`, `_MEDI`.
    versions: [(usize, Curve); 3],
}

/// What of an applicant's block is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    All,
    None,
    Part,
}

impl Building {
    pub(super) fn new(statistics: &Statistics) -> Result<Self, Failure> {
        let table = statistics.table("application_train")?;
        let latent = |name: &str| statistics.spearman.columns.iter().position(|it| it == name).unwrap_or(0);
        let version = |attribute: &str, version: &str| {
            let name = format!("{attribute}_{version}");
            Ok::<_, Failure>((table.position(&name)?, table.curve(&name)?))
        };
        let attribute = |&(name, follows, correlation): &(&str, Follows, f64)| {
            let missing = within_part(table.column(&format!("{name}_AVG"))?.missing);
            let versions = [version(name, "AVG")?, version(name, "MODE")?, version(name, "MEDI")?];
            Ok(Attribute { follows, correlation, missing, versions })
        };
        let single = |name: &&str| Ok((table.position(name)?, within_part(table.column(name)?.missing)));
        let (place, curve) = version("TOTALAREA", "MODE")?;
        Ok(Self {
            attributes: ATTRIBUTES.iter().map(attribute).collect::<Result<_, Failure>>()?,
            single: SINGLE.iter().map(single).collect::<Result<_, Failure>>()?,
            latent: [latent("APARTMENTS_AVG"), latent("YEARS_BUILD_AVG")],
            total_area: (place, latent("TOTALAREA_MODE"), curve),
        })
    }

    /// Draws the block anew: what is missing, then the values.
    pub(super) fn settle(&self, shares: &[f64; MOST], draws: &mut Draws, cells: &mut Cells) {
        let u = draws.uniform();
        let block = match u {
            _ if u < ALL_MISSING => Block::All,
            _ if u < ALL_MISSING + NONE_MISSING => Block::None,
            _ => Block::Part,
        };
        let latent = self.latent.map(|place| normal::quantile(shares[place]));
        for attribute in &self.attributes {
            attribute.settle(block, latent, draws, cells);
        }
        let (place, latent, curve) = &self.total_area;
        cells[*place] = decimals(curve.at(shares[*latent]), 1e4);
        for &(place, missing) in &self.single {
            if hides(block, missing, draws) {
                cells[place] = f64::NAN;
            }
        }
    }
}

impl Attribute {
    fn settle(&self, block: Block, latent: [f64; 2], draws: &mut Draws, cells: &mut Cells) {
        if hides(block, self.missing, draws) {
            for (place, _) in &self.versions {
                cells[*place] = f64::NAN;
            }
            return;
        }
        let parent = match self.follows {
            Follows::Apartments => latent[0],
            Follows::YearBuilt => latent[1],
        };
        let own = (1.0 - self.correlation * self.correlation).sqrt();
        let share = normal::share(self.correlation * parent + own * draws.normal());
        // One share for the three versions: they differ only as their quantiles do.
        for (place, curve) in &self.versions {
            cells[*place] = decimals(curve.at(share), 1e4);
        }
    }
}

fn hides(block: Block, missing: f64, draws: &mut Draws) -> bool {
    match block {
        Block::All => true,
        Block::None => false,
        Block::Part => draws.chance(missing),
    }
}

/// The missing rate among partly missing blocks that gives the published rate over all.
fn within_part(missing: f64) -> f64 {
    ((missing - ALL_MISSING) / (1.0 - ALL_MISSING - NONE_MISSING)).clamp(0.0, 1.0)
}
