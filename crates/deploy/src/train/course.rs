//! The course of a training: which steps, judgements and end its lead may ask for. Parties hold the lead to the agreement, as each state that
//! is judged tells something of the rows, and one that is opened after a few steps tells much of the few rows that it saw.

use super::agreement::Agreement;
use super::order::judging;
use super::progress::Progress;
use super::wire::StateId;
use crate::error::Error;

/// What follows from the agreement and the number of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// Rows that only judge.
    pub judging: usize,
    /// Steps of an epoch.
    pub batches: u64,
    /// Steps of all epochs.
    pub steps: u64,
    /// Steps between two judgements.
    pub every: u64,
    at_once: u64,
    patience: Option<u64>,
}

impl Course {
    /// With so many rows.
    pub fn of(agreement: &Agreement, rows: usize) -> Self {
        let schedule = &agreement.training;
        let judging = judging(schedule, rows);
        let batches = ((rows - judging) / schedule.batch.max(1)) as u64;
        Self {
            judging,
            batches,
            steps: batches.saturating_mul(schedule.epochs),
            every: schedule.judge_every.unwrap_or(batches).max(1),
            at_once: schedule.steps_at_once,
            patience: schedule.patience,
        }
    }

    /// So many steps at once, of those that there are, and past no judgement.
    pub(super) fn may_run(&self, from: u64, steps: u64) -> Result<(), Error> {
        let end = from.saturating_add(steps);
        let next = (from / self.every).saturating_add(1).saturating_mul(self.every);
        if (1..=self.at_once).contains(&steps) && end <= self.steps && end <= next {
            return Ok(());
        }
        let Self { at_once, steps: all, every, .. } = self;
        Err(Error::usage(
            "E355",
            format!(
                "{steps} steps from step {from} are not what was agreed on: {at_once} at once, {all} in all, and a judgement every {every}."
            ),
        ))
    }

    /// One state of each step that has a judgement: with several of one step, judgements of them would tell what single steps did. Those that
    /// were judged and are still needed may be judged again, by a lead that has forgotten.
    pub(super) fn may_judge(&self, progress: &Progress, of: StateId) -> Result<(), Error> {
        let is_due = of.step > 0 && (of.step.is_multiple_of(self.every) || of.step == self.steps);
        if !is_due {
            let what = format!(
                "Step {} is not one at which the agreement has a judgement: every {}.",
                of.step, self.every
            );
            return Err(Error::usage("E355", what));
        }
        let is_new = progress.judged.is_none_or(|judged| of.step > judged.step);
        if is_new || progress.judged == Some(of) || progress.best == Some(of) {
            return Ok(());
        }
        let what =
            format!("Of step {} or a later one another state was judged. One of each step is.", of.step);
        Err(Error::usage("E355", what))
    }

    /// The best state is one that was judged.
    pub(super) fn may_be_best(progress: &Progress, of: StateId) -> Result<(), Error> {
        if progress.judged == Some(of) || progress.best == Some(of) {
            return Ok(());
        }
        Err(Error::usage("E355", format!("The state of step {} was not judged last.", of.step)))
    }

    /// The best state, once all steps were made, or as many judgements without a better one as were agreed on.
    pub(super) fn may_end(&self, progress: &Progress, of: StateId) -> Result<(), Error> {
        let is_result = if self.judging == 0 { of.step == self.steps } else { progress.best == Some(of) };
        let latest = progress.states.last().map_or(0, |state| state.step);
        let waited = self.patience.map(|judgements| judgements.saturating_mul(self.every));
        let is_over =
            latest == self.steps || waited.is_some_and(|steps| latest >= of.step.saturating_add(steps));
        if self.steps > 0 && is_result && is_over {
            return Ok(());
        }
        let what = format!(
            "This training is not over with the state of step {}: of {} steps {latest} were made. The result is the best state that was judged, \
             after all steps or as many judgements without a better one as were agreed on; without rows that judge, it is the last state.",
            of.step, self.steps
        );
        Err(Error::usage("E355", what))
    }
}
