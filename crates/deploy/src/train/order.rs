//! Which rows a batch has. The order is known to all, and follows from the agreement alone: rows are numbered as they are aligned, of a first
//! shuffle the last part judges, and the rest is shuffled anew for each epoch.
//!
//! A shuffle is that of Fisher and Yates, from the last place to the second, each with a number of `SplitMix64` (Steele, Lea, Flood, OOPSLA
//! 2014) modulo the places left. It hides nothing, so it needs no better generator.

use super::agreement::Schedule;

/// How rows are used.
pub struct Order {
    seed: u64,
    batch: usize,
    /// In the order of the first shuffle.
    training: Vec<u32>,
    judging: Vec<u32>,
    /// The latest epoch that was asked for, and its rows.
    epoch: Option<(u64, Vec<u32>)>,
}

impl Order {
    /// Of so many rows.
    pub fn new(schedule: &Schedule, rows: usize) -> Self {
        let mut training: Vec<u32> = (0..u32::try_from(rows).unwrap_or(u32::MAX)).collect();
        shuffle(&mut training, schedule.seed);
        let judging = judging(schedule, rows);
        let judging = training.split_off(rows - judging);
        Self { seed: schedule.seed, batch: schedule.batch.max(1), training, judging, epoch: None }
    }

    /// Batches of an epoch.
    pub fn batches(&self) -> u64 {
        (self.training.len() / self.batch) as u64
    }

    /// The rows that only judge.
    pub fn judging(&self) -> &[u32] {
        &self.judging
    }

    /// The rows of a step, from 0; none where there are too few for a batch.
    pub fn step(&mut self, step: u64) -> &[u32] {
        let Some(epoch) = step.checked_div(self.batches()) else { return &[] };
        if self.epoch.as_ref().is_none_or(|(had, _)| *had != epoch) {
            let mut rows = self.training.clone();
            // The first epoch's number is 1: 0 is that of the first shuffle.
            shuffle(&mut rows, self.seed.wrapping_add((epoch + 1).wrapping_mul(GOLDEN)));
            self.epoch = Some((epoch, rows));
        }
        let at = usize::try_from(step % self.batches()).unwrap_or(0) * self.batch;
        self.epoch.as_ref().map_or(&[], |(_, rows)| &rows[at..at + self.batch])
    }
}

/// How many of so many rows judge.
pub fn judging(schedule: &Schedule, rows: usize) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a part of a length
    let part = (rows as f64 * schedule.validation.clamp(0.0, 0.9)).round() as usize;
    part.min(rows)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn shuffle(rows: &mut [u32], seed: u64) {
    let mut state = seed;
    for at in (1..rows.len()).rev() {
        let other = split_mix(&mut state) % (at as u64 + 1);
        rows.swap(at, usize::try_from(other).unwrap_or(0));
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(GOLDEN);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
