//! What ties a person's columns together: job, family, car.

use super::super::copula::MOST;
use super::super::marginal::Levels;
use super::super::normal;
use super::super::random::Draws;
use super::super::statistics::{Statistics, TableStatistics};
use super::{Cells, NO_DATE, code};
use crate::failure::Failure;

/// Share of applicants who live as a couple, by number of children 0, 1, 2 and more: so that `CNT_FAM_MEMBERS` has
/// its published frequencies.
const COUPLES: [f64; 4] = [0.688, 0.82, 0.913, 0.93];
/// Correlation of being a pensioner with age, on the normal scale.
const PENSION_AGE: f64 = 0.85;
/// `OCCUPATION_TYPE` is missing for this share of those who work, and for every pensioner: measured.
const NO_OCCUPATION: f64 = 0.162;
/// Nobody works before this age, in days.
const WORKING_AGE: f64 = 16.0 * 365.25;

/// Places of the columns and what the rules need.
pub(super) struct Person {
    at: Places,
    retired: [f64; 2],
    /// Share of `DAYS_EMPLOYED` = 365243: test, train.
    retired_share: [f64; 2],
    working: Levels,
    car: u8,
    couples: Levels,
    singles: Levels,
    organization_none: f64,
    organizations: Levels,
    birth_latent: usize,
}

/// Column places.
struct Places {
    own_car: usize,
    car_age: usize,
    children: usize,
    members: usize,
    status: usize,
    income_type: usize,
    birth: usize,
    employed: usize,
    job_phone: usize,
    occupation: usize,
    organization: usize,
    days: [usize; 4],
}

impl Person {
    pub(super) fn new(statistics: &Statistics) -> Result<Self, Failure> {
        let (table, test) = (statistics.table("application_train")?, statistics.table("application_test")?);
        let cell = |column: &str, level: &str| table.code(column, level).map(f64::from);
        let retired = [cell("NAME_INCOME_TYPE", "Pensioner")?, cell("NAME_INCOME_TYPE", "Unemployed")?];
        let is_retired = |level: &str| level == "Pensioner" || level == "Unemployed";
        let couple = |level: &str| level == "Married" || level == "Civil marriage";
        Ok(Self {
            at: Places::new(table)?,
            retired,
            retired_share: [test.column("DAYS_EMPLOYED")?.sentinel, table.column("DAYS_EMPLOYED")?.sentinel],
            working: table.levels_where("NAME_INCOME_TYPE", |level| !is_retired(level))?,
            car: table.code("FLAG_OWN_CAR", "Y")?,
            couples: table.levels_where("NAME_FAMILY_STATUS", couple)?,
            singles: table.levels_where("NAME_FAMILY_STATUS", |level| !couple(level))?,
            organization_none: cell("ORGANIZATION_TYPE", "XNA")?,
            organizations: table.levels_where("ORGANIZATION_TYPE", |level| level != "XNA")?,
            birth_latent: statistics.spearman.columns.iter().position(|it| it == "DAYS_BIRTH").unwrap_or(0),
        })
    }

    /// Makes the drawn cells agree with each other.
    pub(super) fn settle(&self, train: bool, shares: &[f64; MOST], draws: &mut Draws, cells: &mut Cells) {
        for place in self.at.days {
            cells[place] = cells[place].round();
        }
        self.job(train, shares, draws, cells);
        self.family(draws, cells);
        if code(cells[self.at.own_car]) == self.car {
            cells[self.at.car_age] = cells[self.at.car_age].ceil();
        } else {
            cells[self.at.car_age] = f64::NAN;
        }
    }

    /// `DAYS_EMPLOYED` is 365243 exactly with `ORGANIZATION_TYPE` = XNA: the pensioners, the oldest most often.
    fn job(&self, train: bool, shares: &[f64; MOST], draws: &mut Draws, cells: &mut Cells) {
        let age = normal::quantile(shares[self.birth_latent]);
        let z = PENSION_AGE * age + (1.0 - PENSION_AGE * PENSION_AGE).sqrt() * draws.normal();
        if normal::share(z) < self.retired_share[usize::from(train)] {
            // Published: 3 of 8,839 are unemployed, the others pensioners.
            cells[self.at.income_type] = self.retired[usize::from(draws.chance(3.0 / 8_839.0))];
            cells[self.at.employed] = NO_DATE;
            cells[self.at.job_phone] = 0.0;
            cells[self.at.occupation] = f64::NAN;
            cells[self.at.organization] = self.organization_none;
            return;
        }
        cells[self.at.income_type] = f64::from(self.working.draw(draws));
        cells[self.at.employed] =
            cells[self.at.employed].max(cells[self.at.birth] + WORKING_AGE).round().min(-1.0);
        cells[self.at.job_phone] = 1.0;
        if draws.chance(NO_OCCUPATION) {
            cells[self.at.occupation] = f64::NAN;
        }
        cells[self.at.organization] = f64::from(self.organizations.draw(draws));
    }

    /// `CNT_FAM_MEMBERS` is the children and one or two adults, as in every real row.
    fn family(&self, draws: &mut Draws, cells: &mut Cells) {
        let children = cells[self.at.children];
        let couple = draws.chance(COUPLES[usize::from(code(children)).min(COUPLES.len() - 1)]);
        let levels = if couple { &self.couples } else { &self.singles };
        cells[self.at.status] = f64::from(levels.draw(draws));
        cells[self.at.members] = children + if couple { 2.0 } else { 1.0 };
    }
}

impl Places {
    fn new(table: &TableStatistics) -> Result<Self, Failure> {
        let at = |name: &str| table.position(name);
        Ok(Self {
            own_car: at("FLAG_OWN_CAR")?,
            car_age: at("OWN_CAR_AGE")?,
            children: at("CNT_CHILDREN")?,
            members: at("CNT_FAM_MEMBERS")?,
            status: at("NAME_FAMILY_STATUS")?,
            income_type: at("NAME_INCOME_TYPE")?,
            birth: at("DAYS_BIRTH")?,
            employed: at("DAYS_EMPLOYED")?,
            job_phone: at("FLAG_EMP_PHONE")?,
            occupation: at("OCCUPATION_TYPE")?,
            organization: at("ORGANIZATION_TYPE")?,
            days: [
                at("DAYS_BIRTH")?,
                at("DAYS_REGISTRATION")?,
                at("DAYS_ID_PUBLISH")?,
                at("DAYS_LAST_PHONE_CHANGE")?,
            ],
        })
    }
}
