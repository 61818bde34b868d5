//! The owner who drives: steps, judgements, and the end. All that must not be lost is kept by the parties, so that the lead may be ended and
//! begin again at any time, and a party too.

use std::time::{Duration, Instant};

use privet_deploy::bundle::PublicBundle;
use privet_deploy::train::agreement::{Agreement, Outcome};
use privet_deploy::train::course::Course;
use privet_deploy::train::owner::Judgement;
use privet_deploy::train::result::public;
use privet_deploy::train::wire::{DataStatus, StateId, Status};
use privet_deploy::{Blame, Error};

use super::owner::{Owner, Ran};
use crate::entropy::OsEntropy;

/// What happens, for whoever watches.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Owners who have not given all of their rows are waited for.
    Waiting(&'a Status),
    /// It begins, or goes on, at this step.
    Going(&'a DataStatus, u64),
    /// Steps were made, in so much time.
    Ran(&'a Ran, Duration),
    /// A state was judged; whether it is the best so far.
    Judged(StateId, Judgement, bool),
    /// Something was not reached, and is tried again.
    Again(&'a Error),
    /// No better judgement came for as long as was agreed.
    Stopped(StateId),
}

/// Drives one training.
pub struct Lead<'a, F> {
    owner: &'a Owner,
    /// How long parties and other owners are waited for.
    patience: Duration,
    tell: F,
    best: Option<(StateId, f64)>,
}

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

impl<'a, F: FnMut(Event<'_>)> Lead<'a, F> {
    /// For the lead of this agreement.
    pub fn new(owner: &'a Owner, patience: Duration, tell: F) -> Self {
        Self { owner, patience, tell, best: None }
    }

    /// Trains until it is over; the state that is the result.
    pub async fn train(&mut self) -> Result<StateId, Error> {
        let mut since = Instant::now();
        let mut is_going = false;
        loop {
            match self.go(&mut is_going).await {
                Ok(Some(state)) => return Ok(state),
                Ok(None) => since = Instant::now(),
                Err(error) if may_pass(&error) && since.elapsed() < self.patience => {
                    (self.tell)(Event::Again(&error));
                    is_going = false;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One thing that is to be done; the result once it is over.
    async fn go(&mut self, is_going: &mut bool) -> Result<Option<StateId>, Error> {
        let standing = self.owner.standing().await?;
        let Some(data) = standing.data else {
            (self.tell)(Event::Waiting(&standing.parties[0]));
            return Err(Error::new(
                Blame::Unreachable,
                "E352",
                "Other owners have not given all of their rows yet.",
            ));
        };
        if data.steps == 0 {
            let what = format!(
                "{} rows are too few for a batch. Give more, or agree on smaller batches.",
                data.rows - data.judging
            );
            return Err(Error::refused("E357", what));
        }
        if let Some(state) = standing.parties.iter().find_map(|party| party.finished) {
            // Whoever has not heard of it hears it now.
            self.owner.finish(state.id).await?;
            return Ok(Some(state));
        }
        let state = common(&standing.parties);
        let step = state.map_or(0, |state| state.step);
        if !std::mem::replace(is_going, true) {
            (self.tell)(Event::Going(&data, step));
        }
        let every =
            Course::of(self.owner.agreement(), usize::try_from(data.rows).unwrap_or(usize::MAX)).every;
        if let Some(state) =
            state.filter(|state| state.step.is_multiple_of(every) || state.step == data.steps)
            && let Some(result) = self.judged(state, &data, &standing.parties, every).await?
        {
            self.owner.finish(result.id).await?;
            return Ok(Some(result));
        }
        let next = (step / every + 1) * every;
        let steps = self.owner.agreement().training.steps_at_once.min(next - step).min(data.steps - step);
        let start = Instant::now();
        let ran = self.owner.run(state.map_or(data.digest, |state| state.id), steps).await?;
        (self.tell)(Event::Ran(&ran, start.elapsed()));
        Ok(None)
    }

    /// Judges a state; the result, if it ends here.
    async fn judged(
        &mut self,
        state: StateId,
        data: &DataStatus,
        parties: &[Status],
        every: u64,
    ) -> Result<Option<StateId>, Error> {
        let is_last = state.step == data.steps;
        if data.judging == 0 {
            return Ok(is_last.then_some(state));
        }
        self.remember(data, parties).await?;
        let judgement = match self.owner.judge(state.id, data).await {
            // A party lost the state of this step that was judged, so this one is not.
            Err(error) if error.code == "E355" => {
                return Ok(self.best.map(|(best, _)| best).filter(|_| is_last));
            }
            judgement => judgement?,
        };
        let is_best = self.best.is_none_or(|(best, loss)| best == state || judgement.loss < loss);
        (self.tell)(Event::Judged(state, judgement, is_best));
        if is_best {
            self.owner.best(state.id).await?;
            self.best = Some((state, judgement.loss));
        }
        let Some((best, _)) = self.best else { return Ok(None) };
        let without = (state.step - best.step) / every;
        let gives_up = self.owner.agreement().training.patience.is_some_and(|patience| without >= patience);
        if gives_up && !is_last {
            (self.tell)(Event::Stopped(state));
        }
        Ok((is_last || gives_up).then_some(best))
    }

    /// The best state of before, where this lead was not there when it was judged.
    async fn remember(&mut self, data: &DataStatus, parties: &[Status]) -> Result<(), Error> {
        let Some(best) = parties[0].best.filter(|best| parties.iter().all(|party| party.best == Some(*best)))
        else {
            return Ok(());
        };
        if self.best.is_none() {
            self.best = Some((best, self.owner.judge(best.id, data).await?.loss));
        }
        Ok(())
    }
}

/// Where the model is kept as shares: makes the public half, and has each party write its own.
pub async fn bundle(owner: &Owner) -> Result<PublicBundle, Error> {
    let standing = owner.standing().await?;
    let halves = standing.parties.into_iter().map(|party| party.half).collect::<Option<Vec<_>>>();
    let none = || Error::usage("E352", "Not all parties keep a share of the model.");
    let public = public(owner.agreement(), halves.ok_or_else(none)?, &mut OsEntropy)?;
    owner.bundle(public.json().to_owned()).await?;
    Ok(public)
}

/// The latest state that all parties have; none at the beginning.
fn common(parties: &[Status]) -> Option<StateId> {
    let all_have = |state: &&StateId| {
        parties.iter().all(|party| party.states.iter().chain(&party.best).any(|other| other == *state))
    };
    let states = parties.first()?.states.iter().chain(&parties[0].best);
    states.filter(all_have).max_by_key(|state| state.step).copied()
}

fn may_pass(error: &Error) -> bool {
    matches!(error.blame, Blame::Unreachable | Blame::Busy) || matches!(error.code, "E353" | "E356")
}

/// Who gets the model.
pub fn opens_to(agreement: &Agreement) -> Option<&str> {
    match &agreement.result {
        Outcome::OpenTo(owner) => Some(owner),
        Outcome::KeptAsShares => None,
    }
}
