//! The lead's part: steps and judgements, told as they happen.

use std::time::Duration;

use indicatif::ProgressBar;
use privet_deploy::Error;
use privet_serve::training::lead::{Event, Lead};
use privet_serve::training::owner::Owner;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output;

/// Trains to the end; what came of it.
pub(super) async fn drive(owner: &Owner, patience: Duration) -> Result<Value, Failure> {
    let mut story = Story::default();
    let state = Lead::new(owner, patience, |event| story.tell(&event)).train().await?;
    story.bar.finish_and_clear();
    eprintln!("The training is over: the result is the state after {} steps.", state.step);
    Ok(json!({
        "result_step": state.step,
        "steps": story.steps,
        "seconds": story.seconds,
        "rounds": story.rounds,
        "bytes_between": story.bytes,
        "judgements": story.judgements,
    }))
}

/// What happened so far.
struct Story {
    bar: ProgressBar,
    waited_for: Vec<String>,
    again: Option<Error>,
    batches: u64,
    /// The latest step.
    at: u64,
    /// Steps that were made here.
    steps: u64,
    seconds: f64,
    rounds: u64,
    bytes: u64,
    judgements: Vec<Value>,
}

impl Default for Story {
    fn default() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            waited_for: Vec::new(),
            again: None,
            batches: 1,
            at: 0,
            steps: 0,
            seconds: 0.0,
            rounds: 0,
            bytes: 0,
            judgements: Vec::new(),
        }
    }
}

impl Story {
    fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Waiting(status) => {
                let missing = status.offers.iter().filter(|offer| !offer.complete);
                let missing: Vec<_> = missing.map(|offer| format!("`{}`", offer.owner)).collect();
                if missing != self.waited_for {
                    eprintln!("Waiting for rows of {}.", missing.join(", "));
                    self.waited_for = missing;
                }
            }
            Event::Going(data, step) => {
                eprintln!(
                    "{} rows, of which {} judge; {} steps of an epoch, {} in all, from step {step}.",
                    data.rows, data.judging, data.batches, data.steps
                );
                (self.batches, self.at) = (data.batches.max(1), *step);
                self.bar = output::progress(data.steps, "steps").with_position(*step);
            }
            Event::Ran(ran, took) => {
                self.steps += ran.state.step.saturating_sub(self.at);
                self.at = ran.state.step;
                self.bar.set_position(self.at);
                self.seconds += took.as_secs_f64();
                self.rounds += u64::from(ran.rounds);
                self.bytes += ran.bytes;
            }
            Event::Judged(state, judgement, is_best) => {
                let auc = judgement.auc.map(|auc| format!(", AUC {auc:.4}")).unwrap_or_default();
                let best = if *is_best { ", the best so far" } else { "" };
                let epoch = state.step as f64 / self.batches as f64;
                let line =
                    format!("step {} (epoch {epoch:.2}): loss {:.5}{auc}{best}", state.step, judgement.loss);
                self.bar.suspend(|| eprintln!("{line}"));
                self.judgements.push(json!({
                    "step": state.step, "loss": judgement.loss, "auc": judgement.auc, "best": is_best,
                }));
            }
            Event::Again(error) => {
                // What is waited for has its own line.
                let is_new = self.again.as_ref().is_none_or(|before| before.message != error.message);
                if is_new && error.code != "E352" {
                    self.bar.suspend(|| eprintln!("{error} Trying again."));
                    self.again = Some((*error).clone());
                }
            }
            Event::Stopped(state) => {
                let line =
                    format!("No better judgement for as long as was agreed: it ends at step {}.", state.step);
                self.bar.suspend(|| eprintln!("{line}"));
            }
        }
    }
}
