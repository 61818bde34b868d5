//! Latencies of one deployment at one batch size.

use std::sync::Arc;
use std::time::{Duration, Instant};

use privet_deploy::Error;
use privet_deploy::caller::Between;
use privet_model::tensor::Tensor;
use privet_serve::deployed::Deployed;

/// What repeated requests of one size showed.
pub struct Sample {
    /// Seconds of each, in order.
    pub seconds: Vec<f64>,
    /// Bytes from the client, per request.
    pub bytes_up: u64,
    /// Bytes to the client, per request.
    pub bytes_down: u64,
    /// Between the roles, per request.
    pub between: Between,
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

/// Requests before counting starts: connections, caches, page tables.
const WARM_UP: usize = 3;
/// However many repeats are wanted, stop after this long and this few.
const LONG_ENOUGH: Duration = Duration::from_secs(10);
const FEWEST: usize = 5;

/// Asks `repeats` times for the same rows.
pub async fn measure(
    deployed: &Deployed,
    rows: &Arc<Vec<Tensor>>,
    expected: &Expected,
    repeats: usize,
) -> Result<Sample, Error> {
    let mut max_error = 0.0f64;
    for _ in 0..WARM_UP {
        deployed.predict(Arc::clone(rows)).await?;
    }
    let (up, down) = deployed.bytes();
    let (mut seconds, mut between, began) = (Vec::new(), Between::default(), Instant::now());
    while seconds.len() < repeats && (seconds.len() < FEWEST || began.elapsed() < LONG_ENOUGH) {
        let start = Instant::now();
        let answer = deployed.predict(Arc::clone(rows)).await?;
        seconds.push(start.elapsed().as_secs_f64());
        between = answer.between;
        max_error = max_error.max(if answer.scores.is_empty() || expected.scores.is_empty() {
            difference(&answer.outputs, &expected.outputs)
        } else {
            largest(answer.scores.iter().copied().zip(expected.scores.iter().copied()))
        });
    }
    let (up_after, down_after) = deployed.bytes();
    let count = seconds.len() as u64;
    Ok(Sample {
        bytes_up: (up_after - up) / count,
        bytes_down: (down_after - down) / count,
        seconds,
        between,
        max_error,
    })
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

/// `batch` rows, taken from `rows` again and again.
pub fn cycled(rows: &[Tensor], batch: usize) -> Vec<Tensor> {
    let cycle = |tensor: &Tensor| {
        let mut out = tensor.slice(0, batch.min(tensor.rows));
        while out.rows < batch && tensor.rows > 0 {
            out.append(tensor.slice(0, tensor.rows.min(batch - out.rows)));
        }
        out
    };
    rows.iter().map(cycle).collect()
}

#[cfg(test)]
mod tests {
    use privet_model::tensor::Data;

    use super::*;

    #[test]
    fn rows_are_repeated_in_order() {
        let rows = [Tensor { rows: 3, width: 1, data: Data::I64(vec![1, 2, 3]) }];
        assert!(cycled(&rows, 7)[0].data == Data::I64(vec![1, 2, 3, 1, 2, 3, 1]));
        assert!(cycled(&rows, 2)[0].data == Data::I64(vec![1, 2]));
    }

    #[test]
    fn percentiles_are_of_sorted_samples() {
        let samples = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!((percentile(&samples, 0.5), percentile(&samples, 0.95)), (3.0, 5.0));
    }
}
