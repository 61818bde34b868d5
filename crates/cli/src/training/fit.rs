//! A preparation from rows, in memory that does not grow with them.
//!
//! Up to 200,000 rows, every number is exact. Of more rows, so many are drawn at random, each as likely as the others (algorithm R of
//! Vitter, ACM TOMS 11(1), 1985), by a generator whose seed is fixed: the same file gives the same preparation. Where there are many
//! columns, the file is read several times, some columns at a time.

use privet_deploy::Error;
use privet_model::tensor::Data;
use privet_ring::prg::{Seed, Stream as Random};

use super::numbers;
use super::preparation::{Feature, Preparation};
use crate::rows::{Stream, Wanted};

/// Rows that are looked at.
const SAMPLE: usize = 200_000;

/// Values that are held at a time: 256 MiB.
const VALUES: usize = 1 << 25;

/// Rows that are read at a time.
const ROWS: usize = 4096;

/// Share of the values below which, and above which, they are clipped.
const CLIPPED: f64 = 0.005;

/// Fits these columns on all rows of the file, so that no prepared value is greater than `largest` in magnitude: of long tails, what would be is
/// clipped too.
pub(crate) fn fit(path: &str, columns: &[String], largest: f64) -> Result<Preparation, Error> {
    let (mut features, mut rows) = (Vec::new(), 0);
    for columns in columns.chunks(VALUES / SAMPLE) {
        let mut sample = Sample::new(columns, SAMPLE);
        read(path, columns, &mut sample)?;
        rows = sample.rows;
        features.append(&mut sample.fitted()?);
    }
    if rows == 0 {
        let what = format!("`{path}` has no rows to fit a preparation on. Name a file that has some.");
        return Err(Error::refused("E123", what));
    }
    for feature in &mut features {
        feature.narrow(largest);
    }
    Ok(Preparation::fitted(features, rows))
}

fn read(path: &str, columns: &[String], sample: &mut Sample<'_>) -> Result<(), Error> {
    let wanted = Wanted { inputs: vec![numbers(columns)], keep: Vec::new(), lenient: false };
    let mut stream = Stream::open(path, &wanted)?;
    loop {
        let chunk = stream.next(ROWS)?;
        if chunk.rows == 0 {
            return Ok(());
        }
        for tensor in &chunk.tensors {
            if let Data::F64(values) = &tensor.data {
                values.chunks_exact(columns.len()).for_each(|row| sample.add(row));
            }
        }
    }
}

/// Some rows of all that there are.
struct Sample<'a> {
    columns: &'a [String],
    most: usize,
    rows: usize,
    /// Row-major.
    values: Vec<f64>,
    random: Random,
}

impl<'a> Sample<'a> {
    /// Of so many rows at most.
    fn new(columns: &'a [String], most: usize) -> Self {
        let random = Random::of_chunk(&Seed::from_bytes(*b"privet sample 01"), 0);
        Self { columns, most, rows: 0, values: Vec::new(), random }
    }

    /// Looks at the next row.
    fn add(&mut self, row: &[f64]) {
        self.rows += 1;
        if self.rows <= self.most {
            self.values.extend_from_slice(row);
            return;
        }
        let (place, width) = (self.below(self.rows), row.len());
        if let Some(held) = self.values.get_mut(place * width..(place + 1) * width) {
            held.copy_from_slice(row);
        }
    }

    /// A number from zero to below `count`.
    #[allow(clippy::cast_possible_truncation)] // less than `count`
    fn below(&mut self, count: usize) -> usize {
        let mut drawn = [0];
        self.random.fill(&mut drawn);
        ((u128::from(drawn[0]) * count as u128) >> 64) as usize
    }

    /// How each column is prepared.
    fn fitted(&self) -> Result<Vec<Feature>, Error> {
        let width = self.columns.len().max(1);
        let rows = self.values.len() / width;
        let column = |(at, name): (usize, &String)| {
            let values = self.values.iter().skip(at).step_by(width).copied();
            prepared(name, &mut values.filter(|value| value.is_finite()).collect::<Vec<_>>(), rows)
        };
        self.columns.iter().enumerate().map(column).collect()
    }
}

/// Fits one column on its finite values; `rows` counts the missing ones too.
fn prepared(name: &str, finite: &mut [f64], rows: usize) -> Result<Feature, Error> {
    let name = name.to_owned();
    let mut at = |q| quantile(finite, q);
    let (Some(fill), Some(low), Some(high)) = (at(0.5), at(CLIPPED), at(1.0 - CLIPPED)) else {
        return Ok(Feature { name, fill: 0.0, low: 0.0, high: 0.0, mean: 0.0, scale: 1.0 });
    };
    let clipped = Feature { name, fill, low, high, mean: 0.0, scale: 1.0 };
    if clipped.is_sound() {
        let (mean, scale) = moments(finite, rows, fill, low, high);
        let feature = Feature { mean, scale, ..clipped };
        return if feature.is_sound() { Ok(feature) } else { Err(too_great(&feature.name)) };
    }
    Err(too_great(&clipped.name))
}

/// Sums and differences of such values overflow.
fn too_great(name: &str) -> Error {
    let what =
        format!("Column `{name}` has values too great for a mean and a scale in float64. Scale it down.");
    Error::refused("E123", what)
}

/// Mean and standard deviation of all rows after filling and clipping.
fn moments(finite: &[f64], rows: usize, fill: f64, low: f64, high: f64) -> (f64, f64) {
    let (filled, count) = ((rows - finite.len()) as f64, rows as f64);
    let clipped = || finite.iter().map(|value| value.clamp(low, high));
    let mean = (clipped().sum::<f64>() + filled * fill) / count;
    let squares = clipped().map(|x| (x - mean).powi(2)).sum::<f64>() + filled * (fill - mean).powi(2);
    let scale = (squares / count).sqrt();
    // What is the same in all rows has no scale; the sum's own rounding is no scale either.
    if low >= high || scale <= mean.abs() * 1e-12 { (mean, 1.0) } else { (mean, scale) }
}

/// A quantile by linear interpolation between neighbours, as numpy's default; reorders the values.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a place in the slice
fn quantile(values: &mut [f64], q: f64) -> Option<f64> {
    let at = q * (values.len().checked_sub(1)? as f64);
    let (_, &mut low, above) = values.select_nth_unstable_by(at.floor() as usize, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    let part = at.fract();
    Some(if part < 0.5 { low + (high - low) * part } else { high - (high - low) * (1.0 - part) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_rule_by_hand() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        // The second column is missing in the last row, and infinite in the one before.
        let lines = (0..=200).map(|x| format!("{x},7,{x}\n")).chain(["inf,7,\n".into(), ",7,\n".into()]);
        std::fs::write(&path, format!("a,b,c\n{}", lines.collect::<String>())).unwrap();
        let fitted = fit(path.to_str().unwrap(), &names(&["b", "a"]), 8.0).unwrap();
        let [b, a] = &fitted.features[..] else { panic!("not two") };
        assert_eq!((a.name.as_str(), a.fill, a.low, a.high), ("a", 100.0, 1.0, 199.0));
        assert!((a.mean - 100.0).abs() < 1e-12);
        let squares: f64 = (0..=200).map(|x| (f64::from(x).clamp(1.0, 199.0) - 100.0).powi(2)).sum();
        assert!((a.scale - (squares / 203.0).sqrt()).abs() < 1e-12);
        assert_eq!((b.fill, b.low, b.high, b.mean, b.scale), (7.0, 7.0, 7.0, 7.0, 1.0));
    }

    #[test]
    fn of_nothing_there_is_none_and_of_missing_values_one_that_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, "a,b\n").unwrap();
        assert_eq!(fit(path.to_str().unwrap(), &names(&["a"]), 8.0).unwrap_err().code, "E123");
        std::fs::write(&path, "a,b\n1,\n2,\n").unwrap();
        let fitted = fit(path.to_str().unwrap(), &names(&["b"]), 8.0).unwrap();
        assert!(fitted.features[0].apply(f64::NAN).abs() < f64::EPSILON);
    }

    #[test]
    fn values_that_overflow_are_refused() {
        for bad in [[-1e308, 1e308, 0.0], [1e308, 1e308, 1e307], [1e200, -1e200, 0.0]] {
            assert_eq!(prepared("x", &mut bad.clone(), 3).unwrap_err().code, "E123");
        }
    }

    #[test]
    fn of_many_rows_each_is_as_likely_as_the_others() {
        let columns = names(&["x", "y"]);
        let mut sample = Sample::new(&columns, 2_000);
        (0..40_000).map(f64::from).for_each(|x| sample.add(&[x, -x]));
        assert_eq!((sample.rows, sample.values.len()), (40_000, 4_000));
        assert!(sample.values.chunks_exact(2).all(|row| row[0] + row[1] == 0.0));
        // The mean of so many is within five standard errors of that of all, and each quarter has its share.
        let mean = sample.values.iter().step_by(2).sum::<f64>() / 2_000.0;
        assert!((mean - 19_999.5).abs() < 5.0 * 11_547.0 / 2_000f64.sqrt(), "{mean}");
        for quarter in 0..4 {
            let from = f64::from(quarter) * 10_000.0;
            let inside = |x: &&f64| (from..from + 10_000.0).contains(*x);
            let count = sample.values.iter().step_by(2).filter(inside).count();
            assert!((400..600).contains(&count), "{count} of quarter {quarter}");
        }
        let x = &sample.fitted().unwrap()[0];
        assert!((x.fill - 20_000.0).abs() < 2_000.0 && x.low < 600.0 && x.high > 39_400.0);
    }
}
