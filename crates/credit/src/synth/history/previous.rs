//! `previous_application`: what the applicant asked for earlier, and the loans that came of it.

use super::super::columns::{MISSING, Row};
use super::super::marginal::{Curve, Levels};
use super::super::random::{Draws, decimals, floor};
use super::super::statistics::Statistics;
use super::super::tables::{Batch, Table};
use super::amounts::{AmountDraws, Amounts};
use super::card::CardPlan;
use super::loan::Loan;
use super::offer::{Contract, Offer, Offers, Outcome};
use super::{Subject, next};
use crate::failure::Failure;

/// "No date", in days.
const NO_DATE: i64 = 365_243;
/// Share of the oldest application being a granted cash or consumer loan, and of each later one by its place:
/// measured, so that 4.8 % of the applicants have no such loan and the others 2.7 of them.
const GRANTED_FIRST: f64 = 0.977;
const GRANTED_LATER: [f64; 4] = [0.605, 0.535, 0.475, 0.415];
/// Of granted loans, the share of cash loans: measured for the oldest and the later ones.
const CASH_FIRST: f64 = 0.13;
const CASH_LATER: f64 = 0.44;

/// Distributions by column.
pub(super) struct Previous {
    offers: Offers,
    amounts: AmountDraws,
    weekday: Levels,
    hour: Curve,
    last_per_contract: Levels,
    suite: Levels,
    privileged: Curve,
    primary: Curve,
}

/// One application and what came of it.
struct Application {
    id: i64,
    offer: Offer,
    amounts: Amounts,
    loan: Option<Loan>,
}

impl Previous {
    pub(super) fn new(statistics: &Statistics) -> Result<Self, Failure> {
        let table = statistics.table("previous_application")?;
        Ok(Self {
            offers: Offers::new(table)?,
            amounts: AmountDraws::new(),
            weekday: table.levels("WEEKDAY_APPR_PROCESS_START")?,
            hour: table.curve("HOUR_APPR_PROCESS_START")?,
            last_per_contract: table.levels("FLAG_LAST_APPL_PER_CONTRACT")?,
            suite: table.levels("NAME_TYPE_SUITE")?,
            privileged: table.curve("RATE_INTEREST_PRIVILEGED")?,
            primary: table.curve("RATE_INTEREST_PRIMARY")?,
        })
    }

    /// Writes the applicant's applications and appends the loans they led to; one of them is the card's.
    pub(super) fn draw(
        &self,
        subject: Subject,
        key: &mut i64,
        mut card: Option<&mut CardPlan>,
        loans: &mut Vec<Loan>,
        draws: &mut Draws,
        batch: &mut Batch,
    ) {
        let applications = subject.applicant.previous;
        let linked = subject.applicant.card == super::Card::Linked;
        let card_place = if linked { draws.whole(i64::from(applications > 1), applications - 1) } else { -1 };
        for place in 0..applications {
            let id = next(key);
            let offer = match &mut card {
                Some(card) if place == card_place => {
                    card.id = id;
                    self.offers.card(card.decision(draws), draws)
                }
                _ => self.offer(place, draws),
            };
            let amounts = self.amounts.draw(&offer, draws);
            let loan = self.loan(id, &offer, &amounts, draws);
            let application = Application { id, offer, amounts, loan };
            self.write(subject, &application, draws, batch);
            loans.extend(application.loan);
        }
    }

    fn offer(&self, place: i64, draws: &mut Draws) -> Offer {
        let later = usize::try_from(place - 1).ok();
        let share = later.map_or(GRANTED_FIRST, |later| GRANTED_LATER[later.min(GRANTED_LATER.len() - 1)]);
        if !draws.chance(share) {
            return self.offers.other(draws);
        }
        let cash = draws.chance(if place == 0 { CASH_FIRST } else { CASH_LATER });
        self.offers.granted(if cash { Contract::Cash } else { Contract::Consumer }, draws)
    }

    fn loan(&self, id: i64, offer: &Offer, amounts: &Amounts, draws: &mut Draws) -> Option<Loan> {
        let terms = self.amounts.terms(offer.contract)?;
        let granted = offer.outcome == Outcome::Approved && !amounts.annuity.is_nan();
        granted.then(|| terms.loan(id, offer.decision, floor(amounts.term), amounts.annuity, draws))
    }

    fn write(&self, subject: Subject, application: &Application, draws: &mut Draws, batch: &mut Batch) {
        let Application { id, offer, amounts, loan } = application;
        let mut row = batch.rows(Table::Previous).row();
        row.integer(*id).integer(subject.applicant.id).level(offer.codes.contract);
        row.real(amounts.annuity).real(amounts.application).real(amounts.credit);
        row.real(amounts.down_payment).real(amounts.goods);
        row.level(self.weekday.draw(draws)).integer(floor(self.hour.draw(draws)));
        row.level(self.last_per_contract.draw(draws)).integer(i64::from(!draws.chance(0.003_3)));
        let rate = amounts.down_payment / amounts.application * draws.between(1.0, 1.089);
        row.real(if amounts.application > 0.0 { rate } else { amounts.down_payment });
        self.rates(offer, draws, &mut row);
        row.level(offer.codes.purpose).level(offer.codes.status).integer(offer.decision);
        row.level(offer.codes.payment).level(offer.codes.reject);
        row.level(if draws.chance(offer.no_suite) { MISSING } else { self.suite.draw(draws) });
        row.level(offer.codes.client).level(offer.codes.goods).level(offer.codes.portfolio);
        row.level(offer.codes.product).level(offer.codes.channel).integer(offer.seller_area);
        row.level(offer.codes.industry).real(amounts.term).level(offer.codes.yield_group);
        row.level(offer.codes.combination);
        dates(offer, loan.as_ref(), draws, &mut row);
        row.end();
    }

    /// Interest rates are known for 0.4 % only: consumer loans that were granted.
    fn rates(&self, offer: &Offer, draws: &mut Draws, row: &mut Row<'_>) {
        let granted = offer.contract == Contract::Consumer && offer.outcome == Outcome::Approved;
        if granted && draws.chance(0.011_6) {
            row.real(decimals(self.primary.draw(draws), 1e6))
                .real(decimals(self.privileged.draw(draws), 1e6));
        } else {
            row.missing(2);
        }
    }
}

/// The five dates and the insurance flag: missing unless granted; 365243 where the date does not exist (yet).
fn dates(offer: &Offer, loan: Option<&Loan>, draws: &mut Draws, row: &mut Row<'_>) {
    if offer.outcome != Outcome::Approved || draws.chance(offer.no_dates) {
        row.missing(6);
        return;
    }
    let Some(loan) = loan else {
        card_dates(offer, draws, row);
        return;
    };
    let last = loan.first_due + 30 * (loan.term - 1);
    let paid = loan.first_due + 30 * (loan.months - 2).max(0);
    let ended = loan.finished && paid < -2;
    let terminated = paid + draws.whole(0, 12);
    row.integer(NO_DATE).integer(if draws.chance(0.007) { NO_DATE } else { loan.first_due }).integer(last);
    row.integer(if ended { paid } else { NO_DATE });
    row.integer(if ended && terminated < -1 { terminated } else { NO_DATE });
    row.integer(i64::from(draws.chance(0.36)));
}

/// A card's dates: measured shares of 365243.
fn card_dates(offer: &Offer, draws: &mut Draws, row: &mut Row<'_>) {
    let after = |days: i64, unknown: f64, draws: &mut Draws| {
        let day = (offer.decision + days).min(-2);
        if draws.chance(unknown) { NO_DATE } else { day }
    };
    let first = draws.whole(5, 60);
    let drawing = after(first, 0.364, draws);
    let due = after(first + 30, 0.395, draws);
    row.integer(drawing).integer(due).integer(after(first + 365, 1.0, draws));
    row.integer(after(first + 300, 0.771, draws)).integer(after(first + 310, 0.844, draws));
    row.integer(i64::from(draws.chance(0.1)));
}
