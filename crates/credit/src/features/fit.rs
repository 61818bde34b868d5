//! How each feature becomes an input of the model, fitted on the first rows of a feature file, a column at a time.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};

use arrow::array::AsArray as _;
use arrow::datatypes::Float64Type;

use super::preparation::Prepared;
use crate::failure::Failure;

/// Share of the values below which, and above which, they are clipped.
const CLIPPED: f64 = 0.005;

/// Fits all `names` on the first `rows` rows of the file.
pub(crate) fn fit(
    path: &Path,
    names: &[String],
    rows: usize,
    threads: usize,
) -> Result<Vec<Prepared>, Failure> {
    let file = File::open(path).map_err(|e| Failure::reading(path, e))?;
    let metadata = ArrowReaderMetadata::load(&file, parquet::arrow::arrow_reader::ArrowReaderOptions::new())
        .map_err(|e| Failure::reading(path, e))?;
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, Prepared)>, Failure> {
        let mut done = Vec::new();
        while let Some((at, name)) = take(&next, names) {
            let mut values = column(path, &metadata, name, rows)?;
            done.push((at, prepared(name, &mut values, rows)));
        }
        Ok(done)
    };
    let parts = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let ended = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|_| Err(Failure::ours("A thread ended early.")))
        };
        workers.into_iter().map(ended).collect::<Result<Vec<_>, Failure>>()
    })?;
    let mut fitted: Vec<_> = parts.into_iter().flatten().collect();
    fitted.sort_unstable_by_key(|(at, _)| *at);
    Ok(fitted.into_iter().map(|(_, prepared)| prepared).collect())
}

fn take<'a>(next: &AtomicUsize, names: &'a [String]) -> Option<(usize, &'a String)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    names.get(at).map(|name| (at, name))
}

/// The finite values among the first rows of a column.
fn column(path: &Path, metadata: &ArrowReaderMetadata, name: &str, rows: usize) -> Result<Vec<f64>, Failure> {
    let bad = |e: &dyn std::fmt::Display| Failure::reading(path, e);
    let file = File::open(path).map_err(|e| bad(&e))?;
    let place = metadata.schema().index_of(name).map_err(|e| bad(&e))?;
    let only = ProjectionMask::roots(metadata.parquet_schema(), [place]);
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone())
        .with_projection(only)
        .with_limit(rows)
        .build()
        .map_err(|e| bad(&e))?;
    let mut finite = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|e| bad(&e))?;
        let values = batch.column(0).as_primitive_opt::<Float64Type>();
        let values = values.ok_or_else(|| bad(&format!("its column `{name}` holds no float64")))?;
        finite.extend(values.iter().flatten().filter(|value| value.is_finite()));
    }
    Ok(finite)
}

/// Fits one feature on its finite values; `rows` counts the missing ones too.
fn prepared(name: &str, values: &mut [f64], rows: usize) -> Prepared {
    let name = name.to_owned();
    let mut at = |q| quantile_of(values, q);
    let (Some(fill), Some(low), Some(high)) = (at(0.5), at(CLIPPED), at(1.0 - CLIPPED)) else {
        return Prepared { name, fill: 0.0, low: 0.0, high: 0.0, mean: 0.0, scale: 1.0 };
    };
    let (mean, scale) = moments(values, rows.max(values.len()), fill, low, high);
    Prepared { name, fill, low, high, mean, scale }
}

/// Mean and standard deviation of all rows after filling and clipping.
fn moments(finite: &[f64], rows: usize, fill: f64, low: f64, high: f64) -> (f64, f64) {
    let filled = (rows - finite.len()) as f64;
    let clipped = || finite.iter().map(|value| value.clamp(low, high));
    let fill = fill.clamp(low, high);
    let count = rows as f64;
    let mean = (clipped().sum::<f64>() + filled * fill) / count;
    let squares = clipped().map(|x| (x - mean).powi(2)).sum::<f64>() + filled * (fill - mean).powi(2);
    let scale = (squares / count).sqrt();
    // What is the same in all rows has no scale; the sum's own rounding is no scale either.
    if low >= high || scale <= mean.abs() * 1e-12 { (mean, 1.0) } else { (mean, scale) }
}

/// A quantile by linear interpolation between neighbours, as numpy's default; reorders the values.
fn quantile_of(values: &mut [f64], q: f64) -> Option<f64> {
    let (below, part) = place(values.len(), q)?;
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(between(low, high, part))
}

/// The same of values in ascending order.
pub(super) fn quantile(ascending: &[f64], q: f64) -> Option<f64> {
    let (below, part) = place(ascending.len(), q)?;
    let low = *ascending.get(below)?;
    Some(between(low, ascending.get(below + 1).copied().unwrap_or(low), part))
}

/// The element below the quantile, and how far it is to the next.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn place(count: usize, q: f64) -> Option<(usize, f64)> {
    let at = q * (count.checked_sub(1)? as f64);
    Some((at.floor() as usize, at.fract()))
}

fn between(low: f64, high: f64, part: f64) -> f64 {
    if part < 0.5 { low + (high - low) * part } else { high - (high - low) * (1.0 - part) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_rule_by_hand() {
        let mut values: Vec<f64> = (0..=200).map(f64::from).collect();
        let p = prepared("x", &mut values, 202);
        assert_eq!((p.fill, p.low, p.high), (100.0, 1.0, 199.0));
        assert!((p.mean - 100.0).abs() < 1e-12);
        let squares: f64 = (0..=200).map(|x| (f64::from(x).clamp(1.0, 199.0) - 100.0).powi(2)).sum();
        assert!((p.scale - (squares / 202.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn nothing_and_always_the_same() {
        assert!((prepared("x", &mut [], 3).scale - 1.0).abs() < f64::EPSILON);
        let p = prepared("x", &mut [0.1, 0.1, 0.1], 5);
        assert_eq!((p.fill, p.low, p.high, p.scale), (0.1, 0.1, 0.1, 1.0));
    }

    proptest! {
        #[test]
        fn both_ways_to_a_quantile_agree(
            mut values in proptest::collection::vec(-1e6_f64..1e6, 1..200), q in 0.0_f64..=1.0
        ) {
            let mut sorted = values.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            prop_assert_eq!(quantile_of(&mut values, q), quantile(&sorted, q));
        }
    }
}
