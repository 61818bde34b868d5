//! Clients that ask one deployment: each as soon as it was answered, or all together at a rate that waits for nobody.
//!
//! At a rate, a question's time begins when it was due, whether or not a client was free to ask it: a server that stalls delays all that
//! were due meanwhile, and a measurement that counted from when they could be asked would not show that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use privet_deploy::{Blame, Error};
use privet_serve::deployed::Deployed;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::subject::own;
use crate::synthetic::Random;
use crate::traffic::latency::{Outcomes, Percentiles};
use crate::traffic::question::{Question, Source};

/// How questions come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "mode", rename_all = "lowercase")]
pub enum Arrivals {
    /// So many clients, each of which asks again once it is answered.
    Closed {
        /// How many.
        clients: usize,
    },
    /// At random times, so many a second, whoever is still waiting.
    Open {
        /// How many.
        per_s: f64,
    },
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// How questions came.
    #[serde(flatten)]
    pub arrivals: Arrivals,
    /// How long they came.
    pub seconds: f64,
    /// Answers a second, until the last one came.
    pub answers_per_s: f64,
    /// How long answers took.
    pub answered: Percentiles,
    /// Questions without a right answer, by code: how long that took.
    pub refused: BTreeMap<String, Percentiles>,
}

/// Clients that are connected, each by connections of its own.
pub struct Crowd {
    source: Arc<Source>,
    clients: Vec<Arc<Deployed>>,
    random: Random,
}

/// Clients that connect at the same time.
const AT_ONCE: usize = 16;

impl Crowd {
    /// So many; each has been answered once.
    pub async fn gather(
        source: Source,
        clients: usize,
        deadline: Duration,
        seed: u64,
    ) -> Result<Self, Error> {
        let (source, random) = (Arc::new(source), Random::of(seed, 0));
        let open = |_| Deployed::open_with(&source.deployment, deadline, &own()).map(Arc::new);
        let clients = (0..clients).map(open).collect::<Result<Vec<_>, _>>()?;
        for some in clients.chunks(AT_ONCE) {
            let met = some.iter().map(|client| met(client, &source, deadline));
            futures_util::future::try_join_all(met).await?;
        }
        Ok(Self { source, clients, random })
    }

    /// Asks in this manner for so long, and waits for the last answer.
    pub async fn measure(&mut self, arrivals: Arrivals, duration: Duration) -> Measured {
        let (outcomes, start) = (Arc::<Mutex<Outcomes>>::default(), Instant::now());
        match arrivals {
            Arrivals::Closed { clients } => self.closed(clients, start + duration, &outcomes).await,
            Arrivals::Open { per_s } => self.open(per_s, start, duration, &outcomes).await,
        }
        let took = start.elapsed().as_secs_f64();
        let outcomes = std::mem::take(&mut *outcomes.lock().unwrap_or_else(PoisonError::into_inner));
        let (answered, refused) = outcomes.into_percentiles();
        let answers_per_s = answered.count as f64 / took;
        Measured { arrivals, seconds: duration.as_secs_f64(), answers_per_s, answered, refused }
    }

    async fn closed(&mut self, clients: usize, end: Instant, outcomes: &Arc<Mutex<Outcomes>>) {
        let mut tasks = JoinSet::new();
        for client in self.clients.iter().take(clients) {
            let (client, source) = (Arc::clone(client), Arc::clone(&self.source));
            let (outcomes, mut random) = (Arc::clone(outcomes), self.random.split());
            tasks.spawn(async move {
                while Instant::now() < end {
                    let question = source.question(&mut random);
                    ask(&client, &source, question, Instant::now(), &outcomes).await;
                }
            });
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn open(
        &mut self,
        per_s: f64,
        start: Instant,
        duration: Duration,
        outcomes: &Arc<Mutex<Outcomes>>,
    ) {
        let (give_back, mut free) = mpsc::unbounded_channel();
        self.clients.iter().for_each(|client| drop(give_back.send(Arc::clone(client))));
        let (begin, mut due) = mpsc::unbounded_channel();
        let (done, all_done) = oneshot::channel::<()>();
        let (source, outcomes) = (Arc::clone(&self.source), Arc::clone(outcomes));
        tokio::spawn(async move {
            let mut tasks = JoinSet::new();
            while let Some((at, question)) = due.recv().await {
                let Some(client) = free.recv().await else { break };
                let (source, outcomes) = (Arc::clone(&source), Arc::clone(&outcomes));
                let give_back = give_back.clone();
                tasks.spawn(async move {
                    ask(&client, &source, question, at, &outcomes).await;
                    let _ = give_back.send(client);
                });
                while tasks.try_join_next().is_some() {}
            }
            while tasks.join_next().await.is_some() {}
            drop(done);
        });
        let mut at = Duration::ZERO;
        while at < duration {
            tokio::time::sleep_until((start + at).into()).await;
            let _ = begin.send((start + at, self.source.question(&mut self.random)));
            // Times between arrivals that know nothing of each other.
            at += Duration::from_secs_f64(-(1.0 - self.random.unit()).ln() / per_s);
        }
        drop(begin);
        let _ = all_done.await;
    }
}

/// Asks until there is room: the others come at the same time.
async fn met(client: &Deployed, source: &Source, deadline: Duration) -> Result<(), Error> {
    let end = Instant::now() + deadline;
    loop {
        match asked(client, source, Question { from: 0, count: 1 }).await {
            Err(e) if e.blame == Blame::Busy && Instant::now() < end => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            answer => return answer,
        }
    }
}

async fn asked(client: &Deployed, source: &Source, question: Question) -> Result<(), Error> {
    source.judge(question, &client.predict(source.rows(question)).await?)
}

/// Asks, and notes how long it took since it was due.
async fn ask(
    client: &Deployed,
    source: &Source,
    question: Question,
    due: Instant,
    outcomes: &Mutex<Outcomes>,
) {
    let outcome = asked(client, source, question).await;
    let code = outcome.err().map(|e| e.code);
    outcomes.lock().unwrap_or_else(PoisonError::into_inner).add(due.elapsed(), code);
}
