//! Many small requests in one private call.
//!
//! A request that finds a call free is sent at once: alone, nobody waits. Where all calls are under way, requests gather; the
//! next call that ends takes them along, and a request that has waited for as long as it may starts one itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use privet_deploy::caller::Answer;
use privet_deploy::{Blame, Error};
use privet_model::tensor::Tensor;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::deployed::Deployed;

/// How requests are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batching {
    /// The most rows of a private call that is made of several requests; a request of as many goes alone. One means: never together.
    pub rows: usize,
    /// The longest time that a request waits for others.
    pub delay: Duration,
    /// Private calls of small requests at a time, before requests wait for each other.
    pub calls: usize,
}

impl Default for Batching {
    fn default() -> Self {
        Self { rows: 1024, delay: Duration::from_millis(5), calls: 2 }
    }
}

/// Rows that may wait at a time, for each row of a call.
const CROWD: usize = 64;

pub(super) struct Batches {
    deployed: Deployed,
    batching: Batching,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    under_way: usize,
    waiting: VecDeque<Waiting>,
    waiting_rows: usize,
}

struct Waiting {
    since: Instant,
    rows: Vec<Tensor>,
    answer: oneshot::Sender<Result<Answer, Error>>,
}

impl Waiting {
    fn count(&self) -> usize {
        count(&self.rows)
    }
}

fn count(rows: &[Tensor]) -> usize {
    rows.first().map_or(0, |tensor| tensor.rows)
}

/// Leave to make one call. Whoever gives it up starts the next one, with what has gathered.
struct Turn(Arc<Batches>);

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.0.state();
        let batch = state.take(self.0.batching.rows);
        match Handle::try_current() {
            Ok(runtime) if !batch.is_empty() => {
                drop(state);
                runtime.spawn(together(Self(Arc::clone(&self.0)), batch));
            }
            _ => state.under_way -= 1,
        }
    }
}

enum Entry {
    Now(Turn),
    Later(oneshot::Receiver<Result<Answer, Error>>),
}

impl Batches {
    pub(super) fn new(deployed: Deployed, batching: Batching) -> Arc<Self> {
        Arc::new(Self { deployed, batching, state: Mutex::default() })
    }

    /// The answer for these rows.
    pub(super) async fn ask(self: &Arc<Self>, rows: Vec<Tensor>) -> Result<Answer, Error> {
        if count(&rows) >= self.batching.rows {
            return self.deployed.predict(Arc::new(rows)).await;
        }
        let mut rows = Some(rows);
        match self.enter(&mut rows)? {
            Entry::Now(_turn) => self.deployed.predict(Arc::new(rows.unwrap_or_default())).await,
            Entry::Later(mut answer) => {
                if let Ok(answer) = timeout(self.batching.delay, &mut answer).await {
                    return answer.unwrap_or_else(|_| Err(lost()));
                }
                self.start_another();
                answer.await.unwrap_or_else(|_| Err(lost()))
            }
        }
    }

    /// Takes the rows along where others are waited for.
    fn enter(self: &Arc<Self>, rows: &mut Option<Vec<Tensor>>) -> Result<Entry, Error> {
        let mut state = self.state();
        if state.under_way < self.batching.calls {
            state.under_way += 1;
            return Ok(Entry::Now(Turn(Arc::clone(self))));
        }
        let rows = rows.take().unwrap_or_default();
        let most = self.batching.rows.saturating_mul(CROWD);
        if state.waiting_rows + count(&rows) > most {
            let what = format!("{most} rows are waiting here already. Ask again in a second.");
            return Err(Error::new(Blame::Unreachable, "E163", what));
        }
        let (answer, later) = oneshot::channel();
        state.waiting_rows += count(&rows);
        state.waiting.push_back(Waiting { since: Instant::now(), rows, answer });
        Ok(Entry::Later(later))
    }

    /// A call more than there should be, where somebody is still waiting who has waited for long enough.
    fn start_another(self: &Arc<Self>) {
        let mut state = self.state();
        let is_due = |first: &Waiting| first.since.elapsed() >= self.batching.delay;
        if !state.waiting.front().is_some_and(is_due) {
            return;
        }
        let batch = state.take(self.batching.rows);
        if !batch.is_empty() {
            state.under_way += 1;
            drop(state);
            tokio::spawn(together(Turn(Arc::clone(self)), batch));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Those who have waited longest, up to so many rows; whoever left meanwhile is left out.
    fn take(&mut self, most: usize) -> Vec<Waiting> {
        let mut batch = Vec::new();
        let mut room = most;
        while let Some(next) = self.waiting.front().map(Waiting::count) {
            if next > room && !batch.is_empty() {
                break;
            }
            let Some(next) = self.waiting.pop_front() else { break };
            self.waiting_rows -= next.count();
            if !next.answer.is_closed() {
                room = room.saturating_sub(next.count());
                batch.push(next);
            }
        }
        batch
    }
}

/// Asks about all of them, and then lets others go on.
async fn together(turn: Turn, batch: Vec<Waiting>) {
    ask_about(&turn.0.deployed, batch).await;
    drop(turn);
}

/// One private call for all who still wait. What is wrong with one must not be the others' trouble: then half of them are asked about at a
/// time, until it is alone.
fn ask_about(deployed: &Deployed, mut batch: Vec<Waiting>) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        batch.retain(|one| !one.answer.is_closed());
        if batch.is_empty() {
            return;
        }
        let counts: Vec<usize> = batch.iter().map(Waiting::count).collect();
        match deployed.predict(Arc::new(appended(&batch))).await {
            Ok(answer) => {
                let parts = parted(&answer, &counts);
                batch.into_iter().zip(parts).for_each(|(one, part)| drop(one.answer.send(Ok(part))));
            }
            Err(e) if batch.len() > 1 && matches!(e.blame, Blame::Usage | Blame::Refused) => {
                let rest = batch.split_off(batch.len() / 2);
                ask_about(deployed, batch).await;
                ask_about(deployed, rest).await;
            }
            Err(e) => batch.into_iter().for_each(|one| drop(one.answer.send(Err(e.clone())))),
        }
    })
}

/// All rows below each other.
fn appended(batch: &[Waiting]) -> Vec<Tensor> {
    let mut all = batch.iter();
    let mut rows = all.next().map(|one| one.rows.clone()).unwrap_or_default();
    for one in all {
        rows.iter_mut().zip(&one.rows).for_each(|(whole, part)| whole.append(part.clone()));
    }
    rows
}

/// Each request's part of an answer; what it cost between the roles is everybody's.
fn parted(answer: &Answer, counts: &[usize]) -> Vec<Answer> {
    let rows: usize = counts.iter().sum();
    let per_row = answer.scores.len().checked_div(rows).unwrap_or(0);
    let mut first = 0;
    let part = |&count: &usize| {
        let range = first..first + count;
        first = range.end;
        let outputs = answer.outputs.iter().map(|tensor| tensor.slice(range.start, range.end)).collect();
        let scores = answer.scores[range.start * per_row..range.end * per_row].to_vec();
        Answer { outputs, scores, between: answer.between }
    };
    counts.iter().map(part).collect()
}

fn lost() -> Error {
    Error::new(Blame::Ours, "E902", "A task failed, and with it the answer. Ask again.")
}
