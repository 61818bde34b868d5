//! What must be known before blocks can be drawn independently: the split and everyone's loan numbers.

use super::marginal::RowCounts;
use super::random::{Draws, Purpose};
use super::statistics::Statistics;
use crate::failure::Failure;

/// Applicants of one block: drawn, held in memory and written together.
pub(super) const BLOCK: u64 = 1_000;
/// The first `SK_ID_CURR`; the others follow without holes.
const FIRST_APPLICANT: i64 = 100_001;
/// The first `SK_ID_PREV`.
const FIRST_PREVIOUS: i64 = 1_000_001;
/// The first `SK_ID_BUREAU`.
const FIRST_BUREAU: i64 = 5_000_000;
/// Share of cards that `previous_application` does not know: measured.
const ORPHAN_CARDS: f64 = 0.12;
/// Mean number of instalment loans per applicant that `previous_application` does not know: 4.5 % of the loans.
const ORPHAN_LOANS: f64 = 0.115;

/// One applicant before any value is drawn.
#[derive(Clone, Copy)]
pub(super) struct Applicant {
    /// `SK_ID_CURR`.
    pub(super) id: i64,
    /// In `application_train`?
    pub(super) train: bool,
    /// Rows in bureau.
    pub(super) credits: i64,
    /// Rows in `previous_application`.
    pub(super) previous: i64,
    /// Has a card?
    pub(super) card: Card,
    /// Instalment loans that `previous_application` does not know.
    pub(super) orphans: i64,
}

/// An applicant's card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Card {
    /// No rows in `credit_card_balance`.
    None,
    /// One of the previous applications.
    Linked,
    /// Its `SK_ID_PREV` is not in `previous_application`.
    Orphan,
}

impl Applicant {
    /// Numbers of `SK_ID_PREV` that the applicant takes.
    fn previous_ids(&self) -> i64 {
        self.previous + self.orphans + i64::from(self.card == Card::Orphan)
    }
}

/// The next free keys.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    /// `SK_ID_PREV`.
    pub(super) previous: i64,
    /// `SK_ID_BUREAU`.
    pub(super) bureau: i64,
}

/// The split and the first keys of each block.
pub(super) struct Plan {
    seed: u64,
    applicants: u64,
    train: Vec<u64>,
    keys: Vec<Keys>,
    counts: [SplitCounts; 2],
}

/// Row counts of one split.
struct SplitCounts {
    credits: RowCounts,
    previous: RowCounts,
    no_card: RowCounts,
}

impl Plan {
    /// Draws the split and counts every applicant's keys.
    pub(super) fn new(statistics: &Statistics, applicants: u64, seed: u64) -> Result<Self, Failure> {
        let counts = [split_counts(statistics, "test")?, split_counts(statistics, "train")?];
        let train = choose_train(statistics, applicants, seed)?;
        let mut plan = Self { seed, applicants, train, keys: Vec::new(), counts };
        let mut next = Keys { previous: FIRST_PREVIOUS, bureau: FIRST_BUREAU };
        for block in 0..plan.blocks() {
            plan.keys.push(next);
            for applicant in plan.block(block) {
                next.previous += applicant.previous_ids();
                next.bureau += applicant.credits;
            }
        }
        Ok(plan)
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> u64 {
        self.applicants.div_ceil(BLOCK)
    }

    /// The first keys of a block.
    pub(super) fn keys(&self, block: u64) -> Keys {
        let place = usize::try_from(block).ok().and_then(|block| self.keys.get(block));
        place.copied().unwrap_or(Keys { previous: FIRST_PREVIOUS, bureau: FIRST_BUREAU })
    }

    /// The applicants of a block, in order of `SK_ID_CURR`.
    pub(super) fn block(&self, block: u64) -> impl Iterator<Item = Applicant> {
        let first = block * BLOCK;
        let end = (first + BLOCK).min(self.applicants);
        let mut draws = Draws::new(self.seed, Purpose::Counts, block);
        (first..end).map(move |index| self.applicant(index, &mut draws))
    }

    fn applicant(&self, index: u64, draws: &mut Draws) -> Applicant {
        let train = is_set(&self.train, index);
        let counts = &self.counts[usize::from(train)];
        let credits = counts.credits.draw(draws);
        let previous = counts.previous.draw(draws);
        let card = match (counts.no_card.draw(draws), draws.chance(ORPHAN_CARDS)) {
            (0, _) => Card::None,
            (_, true) => Card::Orphan,
            _ if previous == 0 => Card::Orphan,
            _ => Card::Linked,
        };
        let orphans = i64::from(draws.chance(ORPHAN_LOANS));
        Applicant { id: FIRST_APPLICANT + index.cast_signed(), train, credits, previous, card, orphans }
    }
}

fn split_counts(statistics: &Statistics, split: &str) -> Result<SplitCounts, Failure> {
    Ok(SplitCounts {
        credits: statistics.table("bureau")?.per_applicant(split)?,
        previous: statistics.table("previous_application")?.per_applicant(split)?,
        no_card: statistics.table("credit_card_balance")?.per_applicant(split)?,
    })
}

/// Selection sampling: exactly the published share of training applicants, any subset equally likely. One bit
/// per applicant.
fn choose_train(statistics: &Statistics, applicants: u64, seed: u64) -> Result<Vec<u64>, Failure> {
    let train = u128::from(statistics.table("application_train")?.rows);
    let all = train + u128::from(statistics.table("application_test")?.rows);
    let wanted = (u128::from(applicants) * train + all / 2) / all;
    let mut wanted = u64::try_from(wanted).unwrap_or(applicants);
    let mut draws = Draws::new(seed, Purpose::Split, 0);
    let mut bits = Vec::new();
    for index in 0..applicants {
        if index % 64 == 0 {
            bits.push(0_u64);
        }
        if draws.uniform() * ((applicants - index) as f64) < wanted as f64 {
            wanted -= 1;
            if let Some(word) = bits.last_mut() {
                *word |= 1 << (index % 64);
            }
        }
    }
    Ok(bits)
}

fn is_set(bits: &[u64], index: u64) -> bool {
    let word = usize::try_from(index / 64).ok().and_then(|word| bits.get(word));
    word.is_some_and(|word| word >> (index % 64) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_size_has_the_published_split() {
        let plan = Plan::new(&Statistics::embedded().unwrap(), 356_255, 1).unwrap();
        let train = plan.train.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        assert_eq!(train, 307_511);
    }

    #[test]
    fn keys_of_blocks_follow_each_other() {
        let plan = Plan::new(&Statistics::embedded().unwrap(), 2_500, 1).unwrap();
        assert_eq!(plan.blocks(), 3);
        let taken: i64 = plan.block(0).map(|applicant| applicant.previous_ids()).sum();
        assert_eq!(plan.keys(1).previous, FIRST_PREVIOUS + taken);
        assert_eq!(plan.block(2).map(|applicant| applicant.id).max(), Some(102_500));
    }
}
