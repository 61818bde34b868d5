//! Latencies of several deployments at one place, asked in turn, so that what disturbs the machine disturbs all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use privet_deploy::caller::{Answer, Between};
use privet_deploy::{Blame, Error};
use privet_model::tensor::Tensor;
use privet_serve::deployed::Deployed;

use crate::subject::Subject;

/// What repeated requests of one size showed.
#[derive(Default)]
pub struct Sample {
    /// Seconds of each, in order.
    pub seconds: Vec<f64>,
    /// Seconds of all, one after the other or side by side.
    pub wall_s: f64,
    /// Bytes from the client, per request.
    pub bytes_up: u64,
    /// Bytes to the client, per request.
    pub bytes_down: u64,
    /// Between the roles, per request.
    pub between: Between,
    /// Processor seconds by role, per request.
    pub cpu_s: BTreeMap<String, f64>,
    /// Largest difference from what was expected.
    pub max_error: f64,
}

/// What the right answers are.
pub struct Expected {
    /// Scores in float64, row-major; none where it is the outputs that are compared.
    pub scores: Vec<f64>,
    /// The model's outputs in float64.
    pub outputs: Vec<Tensor>,
}

/// How often, and side by side.
#[derive(Clone, Copy, Debug)]
pub struct Repeats {
    /// Requests that are wanted of each deployment.
    pub wanted: usize,
    /// Requests in flight at a time.
    pub concurrency: usize,
}

/// Requests before counting starts: connections, caches, page tables.
const WARM_UP: usize = 3;
/// However many are wanted: a deployment that took so long is done with so few.
const ENOUGH: [(Duration, usize); 2] = [(Duration::from_secs(10), 20), (Duration::from_secs(60), 5)];
/// How long one deployment is asked before it is the next one's turn.
const TURN: Duration = Duration::from_millis(40);

/// Asks each deployment for the same rows, again and again, in turn.
pub async fn measure(
    subjects: &[Subject],
    rows: &Arc<Vec<Tensor>>,
    expected: &Expected,
    repeats: Repeats,
) -> Result<Vec<Sample>, Error> {
    let mut all = Vec::new();
    for subject in subjects {
        all.push(Asked::new(subject, rows, repeats).await?);
    }
    while all.iter().any(|asked| !asked.is_enough(repeats.wanted)) {
        for asked in all.iter_mut().filter(|asked| !asked.is_enough(repeats.wanted)) {
            asked.turn(rows, expected, repeats).await?;
        }
    }
    Ok(all.into_iter().map(|asked| asked.sample).collect())
}

/// One deployment, and what it showed so far.
struct Asked<'a> {
    subject: &'a Subject,
    /// Requests of one turn.
    turn: usize,
    /// Bytes up and down so far.
    bytes: (u64, u64),
    sample: Sample,
}

impl<'a> Asked<'a> {
    async fn new(subject: &'a Subject, rows: &Arc<Vec<Tensor>>, repeats: Repeats) -> Result<Self, Error> {
        let mut took = TURN;
        for _ in 0..WARM_UP {
            let start = Instant::now();
            subject.deployed.predict(Arc::clone(rows)).await?;
            took = start.elapsed();
        }
        let fit = (TURN.as_nanos() / took.as_nanos().max(1)).clamp(1, 25);
        let turn = usize::try_from(fit).unwrap_or(1).max(2 * repeats.concurrency - 1);
        Ok(Self { subject, turn, bytes: (0, 0), sample: Sample::default() })
    }

    fn is_enough(&self, wanted: usize) -> bool {
        let Sample { seconds, wall_s, .. } = &self.sample;
        let so_long =
            |(time, count): &(Duration, usize)| *wall_s >= time.as_secs_f64() && seconds.len() >= *count;
        seconds.len() >= wanted || ENOUGH.iter().any(so_long)
    }

    async fn turn(
        &mut self,
        rows: &Arc<Vec<Tensor>>,
        expected: &Expected,
        repeats: Repeats,
    ) -> Result<(), Error> {
        let Subject { deployed, .. } = self.subject;
        let left = self.turn.min(repeats.wanted - self.sample.seconds.len());
        let (cpu, (up, down), start) = (self.subject.cpu(), deployed.bytes(), Instant::now());
        let asked = side_by_side(deployed, rows, left, repeats.concurrency).await?;
        self.sample.wall_s += start.elapsed().as_secs_f64();
        let (up_after, down_after) = deployed.bytes();
        self.bytes.0 += up_after - up;
        self.bytes.1 += down_after - down;
        self.count_cpu(&cpu, asked.len());
        for (seconds, answer) in asked {
            self.sample.seconds.push(seconds);
            self.sample.max_error = self.sample.max_error.max(error(&answer, expected));
            self.sample.between = answer.between;
        }
        let count = self.sample.seconds.len() as u64;
        (self.sample.bytes_up, self.sample.bytes_down) = (self.bytes.0 / count, self.bytes.1 / count);
        Ok(())
    }

    /// Keeps the mean over all requests so far.
    fn count_cpu(&mut self, before: &BTreeMap<String, f64>, asked: usize) {
        let so_far = self.sample.seconds.len() as f64;
        for (role, after) in self.subject.cpu() {
            let spent = after - before.get(&role).copied().unwrap_or(after);
            let mean = self.sample.cpu_s.entry(role).or_default();
            *mean = (*mean * so_far + spent) / (so_far + asked as f64);
        }
    }
}

/// So many requests, at most `concurrency` at a time: what each took, and its answer.
async fn side_by_side(
    deployed: &Deployed,
    rows: &Arc<Vec<Tensor>>,
    count: usize,
    concurrency: usize,
) -> Result<Vec<(f64, Answer)>, Error> {
    if concurrency == 1 {
        return one_by_one(deployed.clone(), Arc::clone(rows), count).await;
    }
    let share = |n: usize| count / concurrency + usize::from(n < count % concurrency);
    let tasks =
        (0..concurrency).map(|n| tokio::spawn(one_by_one(deployed.clone(), Arc::clone(rows), share(n))));
    let failed = |e| Error::new(Blame::Ours, "E902", format!("A task failed: {e}."));
    let all = try_join_all(tasks).await.map_err(failed)?;
    Ok(all.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

async fn one_by_one(
    deployed: Deployed,
    rows: Arc<Vec<Tensor>>,
    count: usize,
) -> Result<Vec<(f64, Answer)>, Error> {
    let mut asked = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        let answer = deployed.predict(Arc::clone(&rows)).await?;
        asked.push((start.elapsed().as_secs_f64(), answer));
    }
    Ok(asked)
}

fn error(answer: &Answer, expected: &Expected) -> f64 {
    if answer.scores.is_empty() || expected.scores.is_empty() {
        difference(&answer.outputs, &expected.outputs)
    } else {
        largest(answer.scores.iter().copied().zip(expected.scores.iter().copied()))
    }
}

/// Largest difference between two lists of outputs; text is not compared.
pub fn difference(a: &[Tensor], b: &[Tensor]) -> f64 {
    let pairs = a.iter().zip(b).filter_map(|(a, b)| Some((a.to_f64()?, b.to_f64()?)));
    pairs.map(|(a, b)| largest(a.into_iter().zip(b))).fold(0.0, f64::max)
}

fn largest(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The value below which a fraction `p` of the samples lies.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a place in a list, rounded
pub fn percentile(samples: &[f64], p: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (p * (sorted.len().saturating_sub(1)) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_sorted_samples() {
        let samples = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!((percentile(&samples, 0.5), percentile(&samples, 0.95)), (3.0, 5.0));
    }
}
