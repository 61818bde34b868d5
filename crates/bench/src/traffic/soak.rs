//! Clients that ask anything of any deployment, and write down what became of it.
//!
//! Each client has connections of its own, asks one question after the other, and judges every answer. What goes to the log is a line for
//! each failure, and of answers as many as tell when a deployment answers again: one in [`EVERY`].

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use privet_deploy::Error;
use privet_serve::deployed::Deployed;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::subject::own;
use crate::synthetic::Random;
use crate::traffic::latency::{Outcomes, Percentiles};
use crate::traffic::question::{Question, Source};

/// How often an answer is written down, for each deployment.
const EVERY: Duration = Duration::from_millis(10);

/// How to ask.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Clients at once.
    pub clients: usize,
    /// For so long.
    pub duration: Duration,
    /// No call waits longer.
    pub deadline: Duration,
    /// The longest time that a client thinks between two questions.
    pub pause: Duration,
    /// Where questions come from: the same number gives each client the same ones.
    pub seed: u64,
}

/// A line of the log.
#[derive(Serialize)]
struct Line<'a> {
    /// When the question was asked, in seconds since 1970.
    asked: f64,
    /// How long it took.
    took: f64,
    on: &'a str,
    rows: usize,
    /// Why there was no right answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<&'a str>,
}

/// What became of a deployment's questions.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Rows that were answered rightly.
    pub rows: usize,
    /// Questions that were answered rightly.
    pub answered: Percentiles,
    /// Those that were not, by code; a wrong answer has a code of its own.
    pub failed: BTreeMap<String, Percentiles>,
}

/// What is known of one deployment so far.
#[derive(Default)]
struct Tally {
    outcomes: Outcomes,
    rows: usize,
    written: Option<Instant>,
}

struct Log<W> {
    out: W,
    tallies: Vec<Tally>,
}

/// Asks until the time is over. `log` gets a JSON object on each line.
pub async fn soak<W: Write + Send + 'static>(
    sources: Vec<Source>,
    manner: Manner,
    log: W,
) -> Result<BTreeMap<String, Summary>, Error> {
    let sources = Arc::new(sources);
    let tallies = sources.iter().map(|_| Tally::default()).collect();
    let log = Arc::new(Mutex::new(Log { out: log, tallies }));
    let end = Instant::now() + manner.duration;
    let mut clients = JoinSet::new();
    for client in 0..manner.clients {
        let asker = Asker::new(&sources, manner, client)?;
        clients.spawn(asker.ask_until(end, Arc::clone(&log)));
    }
    while clients.join_next().await.is_some() {}
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    let tallies = std::mem::take(&mut log.tallies);
    Ok(sources.iter().map(|source| source.name.clone()).zip(tallies.into_iter().map(Tally::sum)).collect())
}

impl Tally {
    fn sum(self) -> Summary {
        let (answered, failed) = self.outcomes.into_percentiles();
        Summary { rows: self.rows, answered, failed }
    }
}

/// One client.
struct Asker {
    sources: Arc<Vec<Source>>,
    deployed: Vec<Deployed>,
    random: Random,
    pause: Duration,
}

impl Asker {
    fn new(sources: &Arc<Vec<Source>>, manner: Manner, client: usize) -> Result<Self, Error> {
        let open = |source: &Source| Deployed::open_with(&source.deployment, manner.deadline, &own());
        let deployed = sources.iter().map(open).collect::<Result<_, _>>()?;
        let random = Random::of(manner.seed, client as u64);
        Ok(Self { sources: Arc::clone(sources), deployed, random, pause: manner.pause })
    }

    async fn ask_until<W: Write>(mut self, end: Instant, log: Arc<Mutex<Log<W>>>) {
        while Instant::now() < end {
            let at = self.random.below(self.sources.len());
            let source = &self.sources[at];
            let question = source.question(&mut self.random);
            let (since, start) = (SystemTime::now(), Instant::now());
            let answer = self.deployed[at].predict(source.rows(question)).await;
            let took = start.elapsed();
            let judged = answer.and_then(|answer| source.judge(question, &answer));
            let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
            {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                // Where the log cannot be written the numbers still are.
                let _ = log.add(at, source, question, (since, took), judged.err().as_ref());
            }
            tokio::time::sleep(self.pause.mul_f64(self.random.unit())).await;
        }
    }
}

impl<W: Write> Log<W> {
    fn add(
        &mut self,
        at: usize,
        source: &Source,
        question: Question,
        (asked, took): (Duration, Duration),
        error: Option<&Error>,
    ) -> io::Result<()> {
        let tally = &mut self.tallies[at];
        tally.outcomes.add(took, error.map(|e| e.code));
        if error.is_none() {
            tally.rows += question.count;
            if tally.written.is_some_and(|last| last.elapsed() < EVERY) {
                return Ok(());
            }
        }
        // After a failure the next answer is written down, however soon.
        tally.written = error.is_none().then(Instant::now);
        let line = Line {
            asked: asked.as_secs_f64(),
            took: took.as_secs_f64(),
            on: &source.name,
            rows: question.count,
            code: error.map(|e| e.code),
            said: error.map(|e| e.message.as_str()),
        };
        serde_json::to_writer(&mut self.out, &line)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}
