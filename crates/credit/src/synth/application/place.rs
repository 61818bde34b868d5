//! Where people live and work, and what is rounded.

use super::super::random::{Draws, decimals};
use super::super::statistics::TableStatistics;
use super::Cells;
use crate::failure::Failure;

/// Given that registered and living place agree or differ: share whose work is elsewhere than registered, and
/// of those who differ in both, the share whose work is not where they live. Measured.
struct Moves {
    work_if_same: f64,
    work_if_moved: f64,
    three_places: f64,
}

const REGION: Moves = Moves { work_if_same: 0.039, work_if_moved: 0.843, three_places: 0.03 };
const CITY: Moves = Moves { work_if_same: 0.177, work_if_moved: 0.869, three_places: 0.08 };

/// Places of the columns.
pub(super) struct Place {
    rating: usize,
    rating_with_city: usize,
    region: [usize; 3],
    city: [usize; 3],
    population: usize,
}

impl Place {
    pub(super) fn new(table: &TableStatistics) -> Result<Self, Failure> {
        let at = |name: &str| table.position(name);
        Ok(Self {
            rating: at("REGION_RATING_CLIENT")?,
            rating_with_city: at("REGION_RATING_CLIENT_W_CITY")?,
            region: [
                at("REG_REGION_NOT_LIVE_REGION")?,
                at("REG_REGION_NOT_WORK_REGION")?,
                at("LIVE_REGION_NOT_WORK_REGION")?,
            ],
            city: [
                at("REG_CITY_NOT_LIVE_CITY")?,
                at("REG_CITY_NOT_WORK_CITY")?,
                at("LIVE_CITY_NOT_WORK_CITY")?,
            ],
            population: at("REGION_POPULATION_RELATIVE")?,
        })
    }

    /// Makes the drawn cells agree with each other.
    pub(super) fn settle(&self, draws: &mut Draws, cells: &mut Cells) {
        cells[self.rating_with_city] = with_city(cells[self.rating], draws);
        settle_moves(&REGION, self.region, draws, cells);
        settle_moves(&CITY, self.city, draws, cells);
        cells[self.population] = decimals(cells[self.population].max(0.000_29), 1e6);
    }
}

/// The rating with the city differs for 1.9 %, always to the better: measured.
fn with_city(rating: f64, draws: &mut Draws) -> f64 {
    let better = if rating > 2.5 { 0.0918 } else { 0.0092 };
    if rating > 1.5 && draws.chance(better) { rating - 1.0 } else { rating }
}

fn settle_moves(moves: &Moves, places: [usize; 3], draws: &mut Draws, cells: &mut Cells) {
    let [living, working, between] = places;
    let elsewhere = cells[living] > 0.5;
    let works_elsewhere = draws.chance(if elsewhere { moves.work_if_moved } else { moves.work_if_same });
    let commutes =
        if elsewhere { !works_elsewhere || draws.chance(moves.three_places) } else { works_elsewhere };
    cells[working] = f64::from(u8::from(works_elsewhere));
    cells[between] = f64::from(u8::from(commutes));
}
