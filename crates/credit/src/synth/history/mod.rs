//! The rows of an applicant in the six history tables.
//!
//! Each applicant has a latent risk, standard normal and independent of the application. It moves the share of
//! active bureau credits and how recent they are, the card's balance, and the days late; TARGET depends on it.

mod amounts;
mod bureau;
mod card;
mod card_month;
mod installments;
mod loan;
mod months;
mod offer;
mod offer_levels;
mod pos;
mod previous;

use self::bureau::Bureau;
use self::card::CardHistory;
use self::installments::Installments;
use self::loan::Orphans;
use self::pos::Pos;
use self::previous::Previous;
use super::plan::{Applicant, Card, Keys};
use super::random::Draws;
use super::statistics::Statistics;
use super::tables::Batch;
use crate::failure::Failure;

/// Days in a month of `MONTHS_BALANCE`.
const MONTH: f64 = 365.25 / 12.0;
/// Eight years: the history tables look no further back, in days.
const LONGEST: i64 = 2_922;

/// An applicant whose history is drawn.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    /// What the plan knows.
    pub(super) applicant: Applicant,
    /// The latent risk, standard normal.
    pub(super) risk: f64,
}

/// Draws history rows.
pub(super) struct History {
    bureau: Bureau,
    previous: Previous,
    orphans: Orphans,
    pos: Pos,
    card: CardHistory,
    installments: Installments,
}

impl History {
    /// Resolves all columns.
    pub(super) fn new(statistics: &Statistics) -> Result<Self, Failure> {
        Ok(Self {
            bureau: Bureau::new(statistics)?,
            previous: Previous::new(statistics)?,
            orphans: Orphans::new(statistics)?,
            pos: Pos::new(statistics)?,
            card: CardHistory::new(statistics)?,
            installments: Installments::new(statistics),
        })
    }

    /// Draws all history rows of `subject`, taking its keys from `keys`.
    pub(super) fn draw(&self, subject: Subject, keys: &mut Keys, draws: &mut Draws, batch: &mut Batch) {
        self.bureau.draw(subject, &mut keys.bureau, draws, batch);
        let mut card = (subject.applicant.card != Card::None).then(|| self.card.plan(draws));
        let mut loans = Vec::new();
        self.previous.draw(subject, &mut keys.previous, card.as_mut(), &mut loans, draws, batch);
        if subject.applicant.card == Card::Orphan
            && let Some(card) = card.as_mut()
        {
            card.id = next(&mut keys.previous);
        }
        for _ in 0..subject.applicant.orphans {
            loans.push(self.orphans.draw(next(&mut keys.previous), draws));
        }
        for loan in &loans {
            self.pos.draw(subject, loan, draws, batch);
            self.installments.draw_loan(subject, loan, draws, batch);
        }
        if let Some(card) = card {
            let payments = self.card.draw(subject, &card, draws, batch);
            self.installments.draw_card(subject, card.id, &payments, draws, batch);
        }
    }
}

/// Takes the next key.
fn next(key: &mut i64) -> i64 {
    *key += 1;
    *key - 1
}

/// How much likelier something is at this `risk`, with mean 1 over applicants.
fn lift(risk: f64, strength: f64) -> f64 {
    (strength * risk - strength * strength / 2.0).exp()
}
