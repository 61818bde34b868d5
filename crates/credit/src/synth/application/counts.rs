//! Counts that are missing together: the social circle's defaults, and requests to the credit bureau.

use super::super::random::Draws;
use super::super::statistics::TableStatistics;
use super::Cells;
use crate::failure::Failure;

/// Places of the columns.
pub(super) struct Counts {
    circle: [usize; 4],
    requests: [usize; 6],
}

impl Counts {
    pub(super) fn new(table: &TableStatistics) -> Result<Self, Failure> {
        let circle = |count: &str| table.position(&format!("{count}_CNT_SOCIAL_CIRCLE"));
        let request = |span: &str| table.position(&format!("AMT_REQ_CREDIT_BUREAU_{span}"));
        Ok(Self {
            circle: [circle("OBS_30")?, circle("DEF_30")?, circle("OBS_60")?, circle("DEF_60")?],
            requests: [
                request("HOUR")?,
                request("DAY")?,
                request("WEEK")?,
                request("MON")?,
                request("QRT")?,
                request("YEAR")?,
            ],
        })
    }

    /// Makes the drawn cells agree with each other.
    pub(super) fn settle(&self, draws: &mut Draws, cells: &mut Cells) {
        self.social_circle(draws, cells);
        self.requests(cells);
    }

    /// The four counts are missing together; defaults are at most the people observed; 60 days at most 30 days.
    fn social_circle(&self, draws: &mut Draws, cells: &mut Cells) {
        let [seen_30, bad_30, seen_60, bad_60] = self.circle;
        if cells[seen_30].is_nan() {
            for place in self.circle {
                cells[place] = f64::NAN;
            }
            return;
        }
        cells[seen_30] = cells[seen_30].round().max(cells[bad_30]);
        // Measured: the counts of 30 and 60 days agree for 98 % (people) and 96 % (defaults).
        let fewer = f64::from(u8::from(cells[seen_30] > 0.0 && draws.chance(0.041)));
        let mended = f64::from(u8::from(cells[bad_30] > 0.0 && draws.chance(0.36)));
        cells[bad_60] = cells[bad_30] - mended;
        cells[seen_60] = (cells[seen_30] - fewer).max(cells[bad_60]);
    }

    /// The six counts of requests to the bureau are missing together.
    fn requests(&self, cells: &mut Cells) {
        if cells[self.requests[5]].is_nan() {
            for place in self.requests {
                cells[place] = f64::NAN;
            }
        }
    }
}
