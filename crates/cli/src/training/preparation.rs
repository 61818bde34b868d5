//! `preparation.json`: how a column's values become what is trained on, as `privet-credit` writes it too. What is missing or infinite is filled;
//! what lies outside of `[low, high]` is clipped; then (x − mean) / scale.

use std::path::Path;

use privet_deploy::Error;
use privet_serve::config::read_text;
use serde::{Deserialize, Serialize};

use super::data::numbers;
use crate::failure::Failure;
use crate::rows::{RowsError, Stream};

/// Version of the format.
const FORMAT: u32 = 1;
/// Rows that are looked at together at most: of longer files every second, third… row.
const SAMPLED: usize = 200_000;
/// Rows that are read at a time.
const AT_A_TIME: usize = 4096;
/// The part of the values below which, and above which, they are clipped.
const TAIL: f64 = 0.005;

/// The file. `privet-credit` writes more into it, for which there is no use here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Preparation {
    format: u32,
    fitted_rows: usize,
    features: Vec<Prepared>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prepared {
    pub(crate) name: String,
    /// For missing values: the median of the others.
    pub(crate) fill: f64,
    /// The 0.5 % quantile.
    pub(crate) low: f64,
    /// The 99.5 % quantile.
    pub(crate) high: f64,
    /// Of the filled and clipped values.
    pub(crate) mean: f64,
    /// Their standard deviation; 1 where they are all the same.
    pub(crate) scale: f64,
}

impl Preparation {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let refuse =
            |what: String| Error::refused("E349", format!("`{}` is no preparation: {what}.", path.display()));
        let read: Self = serde_json::from_str(&read_text(path)?).map_err(|e| refuse(e.to_string()))?;
        if read.format != FORMAT {
            return Err(refuse(format!("it has format {}, this program reads {FORMAT}", read.format)));
        }
        let odd = read.features.iter().find(|p| {
            let all = [p.fill, p.low, p.high, p.mean, p.scale];
            !all.iter().all(|x| x.is_finite()) || p.scale <= 0.0 || p.low > p.high
        });
        odd.map_or(Ok(()), |p| {
            Err(refuse(format!("its numbers for `{}` are none that can be used", p.name)))
        })?;
        Ok(read)
    }

    /// Writes it, never over another one.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let cannot = |e: &dyn std::fmt::Display| {
            Error::usage("E144", format!("`{}` cannot be written: {e}.", path.display()))
        };
        let text = serde_json::to_string_pretty(self).map_err(|e| cannot(&e))?;
        let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
        file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
            .map_err(|e| cannot(&e))
    }

    /// How a column is prepared.
    pub(crate) fn of(&self, column: &str) -> Option<&Prepared> {
        self.features.iter().find(|feature| feature.name == column)
    }
}

impl Prepared {
    /// A value as it is trained on.
    pub(crate) fn apply(&self, x: f64) -> f64 {
        let filled = if x.is_finite() { x } else { self.fill };
        (filled.clamp(self.low, self.high) - self.mean) / self.scale
    }

    /// From values, of which some may be missing.
    fn fit(name: &str, values: &[f64], largest: f64) -> Self {
        let mut known: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
        known.sort_unstable_by(f64::total_cmp);
        let (fill, low, high) = (quantile(&known, 0.5), quantile(&known, TAIL), quantile(&known, 1.0 - TAIL));
        let rough = Self { name: name.to_owned(), fill, low, high, mean: 0.0, scale: 1.0 };
        let n = values.len().max(1) as f64;
        let mean = values.iter().map(|x| rough.apply(*x)).sum::<f64>() / n;
        let variance = values.iter().map(|x| (rough.apply(*x) - mean).powi(2)).sum::<f64>() / n;
        let scale = if variance.sqrt() > 1e-12 * (1.0 + mean.abs()) { variance.sqrt() } else { 1.0 };
        // Of long tails, what would still be too great is clipped too.
        let (low, high) = (low.max(mean - largest * scale), high.min(mean + largest * scale));
        Self { mean, scale, low, high, ..rough }
    }
}

/// A preparation of these columns from a file's rows, after which no value is greater than `largest` in magnitude.
pub(crate) fn fit(path: &str, columns: &[String], largest: f64) -> Result<Preparation, Failure> {
    let wanted = numbers(columns, None, None);
    let mut stream = Stream::open(path, &wanted)?;
    let file = std::fs::File::open(path).map_err(|e| RowsError::unreadable(&e).within(path))?;
    let rows = stream.count(file)?;
    let every = rows.div_ceil(SAMPLED).max(1);
    let mut values = vec![Vec::new(); columns.len()];
    let mut at = 0usize;
    loop {
        let chunk = stream.next(AT_A_TIME)?;
        if chunk.rows == 0 {
            break;
        }
        let table = chunk.tensors.first().and_then(privet_model::tensor::Tensor::to_f64).unwrap_or_default();
        for row in table.chunks_exact(columns.len().max(1)) {
            if at.is_multiple_of(every) {
                values.iter_mut().zip(row).for_each(|(values, x)| values.push(*x));
            }
            at += 1;
        }
    }
    let features =
        columns.iter().zip(&values).map(|(name, values)| Prepared::fit(name, values, largest)).collect();
    Ok(Preparation { format: FORMAT, fitted_rows: rows.div_ceil(every), features })
}

/// Between neighbours as straight lines go; 0 of nothing.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * sorted.len().saturating_sub(1) as f64;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a place among the values
    let below = place.floor() as usize;
    let Some(low) = sorted.get(below) else { return 0.0 };
    let high = sorted.get(below + 1).unwrap_or(low);
    low + (place - below as f64) * (high - low)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp)]
    use super::*;

    #[test]
    fn a_fitted_column_has_mean_zero_and_deviation_one() {
        let values: Vec<f64> = (0..1001).map(|x| if x == 500 { f64::NAN } else { f64::from(x) }).collect();
        let prepared = Prepared::fit("x", &values, 8.0);
        assert_eq!((prepared.fill, prepared.low), (500.0, 4.995));
        let after: Vec<f64> = values.iter().map(|x| prepared.apply(*x)).collect();
        let mean = after.iter().sum::<f64>() / 1001.0;
        let variance = after.iter().map(|x| x * x).sum::<f64>() / 1001.0;
        assert!(mean.abs() < 1e-12 && (variance - 1.0).abs() < 1e-12, "{mean} {variance}");
        assert_eq!(prepared.apply(1e9), prepared.apply(prepared.high));
        assert_eq!(prepared.apply(f64::INFINITY), prepared.apply(500.0));
        let same = Prepared::fit("x", &[3.0; 10], 8.0);
        assert_eq!((same.scale, same.apply(3.0)), (1.0, 0.0));
        let tail: Vec<f64> = (0..1000).map(|x| if x < 990 { 0.0 } else { 1000.0 }).collect();
        assert!((Prepared::fit("x", &tail, 2.0).apply(1000.0) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_file_comes_back_and_what_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let rows = folder.path().join("rows.csv");
        std::fs::write(&rows, "a,b\n1,2\n3,\n5,4\n").unwrap();
        let fitted = fit(rows.to_str().unwrap(), &["b".into(), "a".into()], 8.0).ok().unwrap();
        assert_eq!((fitted.fitted_rows, fitted.of("b").unwrap().fill), (3, 3.0));
        let path = folder.path().join("preparation.json");
        fitted.write(&path).unwrap();
        assert!(fitted.write(&path).is_err(), "never over another one");
        assert_eq!(Preparation::read(&path).unwrap(), fitted);
        let text = std::fs::read_to_string(&path).unwrap();
        // As `privet-credit` writes it.
        std::fs::write(&path, text.replacen('{', "{\"levels\": {}, \"inside\": true, ", 1)).unwrap();
        assert_eq!(Preparation::read(&path).unwrap(), fitted);
        for (from, to) in [("\"format\": 1", "\"format\": 2"), ("\"scale\"", "\"skale\"")] {
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            assert_eq!(Preparation::read(&path).unwrap_err().code, "E349", "{to}");
        }
    }
}
