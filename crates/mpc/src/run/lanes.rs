//! Steps of one wave at the same time: each lane on a thread, with a way to the peers of its own, so that the parties wait for all of
//! them as long as for the longest.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};

use privet_model::private::StepId;
use tracing::Span;

use super::values::Value;
use super::{Cost, Runner};
use crate::Abort;
use crate::link::LANES;
use crate::protocols::protocol::Protocol;

/// What a step came to in its lane.
type Done<P> = (StepId, Value<P>, Cost);

impl<P: Protocol> Runner<'_, P> {
    /// Runs steps that do not need each other.
    pub(super) fn run_in_lanes(&mut self, steps: &[StepId]) -> Result<(), Abort> {
        let count = steps.len().min(LANES.into());
        let mut lanes = self.protocol.fork(count);
        let work: Vec<(Vec<StepId>, Vec<Value<P>>)> = (0..count)
            .map(|lane| {
                let steps: Vec<StepId> = steps.iter().skip(lane).step_by(count.max(1)).copied().collect();
                let values = self.lend(&steps);
                (steps, values)
            })
            .collect();
        let (program, inputs) = (self.program, self.inputs);
        let whole = Span::current();
        let done: Vec<Result<Vec<Done<P>>, Abort>> = thread::scope(|scope| {
            let threads: Vec<_> = lanes
                .iter_mut()
                .zip(work)
                .map(|(protocol, (steps, values))| {
                    let whole = whole.clone();
                    let lane = move || {
                        let _within = whole.enter();
                        let mut runner = Runner { values, ..Runner::new(protocol, program, inputs) };
                        steps.into_iter().map(|at| runner.lane_step(at)).collect()
                    };
                    thread::Builder::new().name("lane".into()).spawn_scoped(scope, lane).map_err(no_thread)
                })
                .collect();
            let joined = |thread: ScopedJoinHandle<'_, _>| thread.join().unwrap_or_else(|e| resume_unwind(e));
            threads.into_iter().map(|thread| thread.and_then(joined)).collect()
        });
        self.protocol.join(lanes);
        for lane in done {
            for (at, value, cost) in lane? {
                (self.values[at], self.costs[at]) = (value, cost);
                self.forget(at);
            }
        }
        Ok(())
    }

    fn lane_step(&mut self, at: StepId) -> Result<Done<P>, Abort> {
        self.run(at)?;
        Ok((at, std::mem::replace(&mut self.values[at], Value::Gone), self.costs[at]))
    }

    /// What these steps need: moved where nothing else needs it.
    fn lend(&mut self, steps: &[StepId]) -> Vec<Value<P>> {
        let mut lent: Vec<Value<P>> = self.values.iter().map(|_| Value::Gone).collect();
        for &input in steps.iter().flat_map(|&at| &self.program.steps[at].inputs) {
            match &self.values[input] {
                Value::Share(share) if self.needed[input] > 1 => {
                    lent[input] = Value::Share(Arc::clone(share));
                }
                Value::Gone => {}
                _ => lent[input] = std::mem::replace(&mut self.values[input], Value::Gone),
            }
        }
        lent
    }
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` gives it
fn no_thread(error: std::io::Error) -> Abort {
    Abort::Busy(format!(
        "This party has no thread to compute with ({}). Ask again in a moment.",
        error.kind()
    ))
}
