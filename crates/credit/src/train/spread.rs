//! Mean, standard deviation and range of filled but unclipped columns, for a model that prepares rows itself.

use super::load::shares;
use super::options::Placement;
use super::outcome::Prepared;
use super::rule::Rule;
use super::split::Split;
use super::table::{Table, values};
use crate::failure::Failure;

/// Rows that are read at a time.
const ROWS: usize = 4096;

/// Replaces clip points by the range, and mean and scale by those of unclipped values, over the fitted rows.
pub(crate) fn unclipped(
    table: &Table,
    prepared: &[Prepared],
    split: &Split,
    threads: usize,
) -> Result<Vec<Prepared>, Failure> {
    let last = split.places.iter().position(|place| *place == Some(split.fitted.saturating_sub(1)));
    let rows = last.map_or(0, |last| last + 1);
    let fit = |columns: &[Prepared]| fit(table, columns, split, rows);
    std::thread::scope(|scope| {
        let parts: Vec<_> = shares(prepared.len(), threads)
            .map(|columns| {
                let columns = &prepared[columns];
                scope.spawn(move || fit(columns))
            })
            .collect();
        let mut all = Vec::new();
        for part in parts {
            let failed = |_| Err(Failure::ours("A thread that reads ended early."));
            all.extend(part.join().unwrap_or_else(failed)?);
        }
        Ok(all)
    })
}

fn fit(table: &Table, columns: &[Prepared], split: &Split, rows: usize) -> Result<Vec<Prepared>, Failure> {
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let mut spreads = vec![Spread::default(); columns.len()];
    let mut first_row = 0;
    for batch in table.read(&names, rows, ROWS)? {
        let batch = batch.map_err(|e| Failure::reading(table.path(), e))?;
        for (column, spread) in columns.iter().zip(&mut spreads) {
            let rule = Rule::new(column, Placement::Inside);
            let known = values(&batch, &column.name)?.iter().zip(&split.places[first_row..]);
            let known = known.filter(|(_, place)| place.is_some());
            known.for_each(|(value, _)| spread.add(f64::from(rule.raw(value)), column.fill));
        }
        first_row += batch.num_rows();
    }
    Ok(columns.iter().zip(&spreads).map(|(column, spread)| spread.of(column)).collect())
}

/// Sums of a column's distances from its median, which is near enough to the mean to lose no digits.
#[derive(Clone)]
struct Spread {
    rows: f64,
    sum: f64,
    squares: f64,
    least: f64,
    most: f64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { rows: 0.0, sum: 0.0, squares: 0.0, least: f64::INFINITY, most: f64::NEG_INFINITY }
    }
}

impl Spread {
    fn add(&mut self, value: f64, median: f64) {
        let distance = value - median;
        self.rows += 1.0;
        self.sum += distance;
        self.squares += distance * distance;
        self.least = self.least.min(value);
        self.most = self.most.max(value);
    }

    fn of(&self, column: &Prepared) -> Prepared {
        let mean = self.sum / self.rows.max(1.0);
        let variance = self.squares / self.rows.max(1.0) - mean * mean;
        let constant = self.least >= self.most || variance <= 0.0;
        let scale = if constant { 1.0 } else { variance.sqrt() };
        let Prepared { name, fill, .. } = column.clone();
        Prepared { name, fill, low: self.least, high: self.most, mean: fill + mean, scale }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact values are meant

    use super::*;

    fn of(values: &[f64], fill: f64) -> Prepared {
        let mut spread = Spread::default();
        for &value in values {
            spread.add(value, fill);
        }
        let column = Prepared { name: "x".into(), fill, low: 0.0, high: 0.0, mean: 0.0, scale: 0.0 };
        spread.of(&column)
    }

    #[test]
    fn by_hand() {
        let found = of(&[1e6, 1e6 + 2.0, 1e6 + 4.0, 1e6 + 2.0], 1e6);
        assert_eq!((found.low, found.high, found.mean), (1e6, 1e6 + 4.0, 1e6 + 2.0));
        assert!((found.scale - 2.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_constant_has_scale_one() {
        assert_eq!(of(&[0.1; 5], 0.1).scale, 1.0);
    }
}
