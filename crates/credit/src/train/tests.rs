//! Whole trainings on small tables.

#![allow(clippy::float_cmp)] // exact values are meant

use std::cell::Cell;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Float64Array, Int64Array, RecordBatch};
use arrow::datatypes::{Float32Type, Int64Type};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::*;
use crate::features::preparation::Preparation;

const ROWS: u32 = 900;
const FITTED: usize = 600;
const COLUMNS: u32 = 21;

/// A number in [0, 1) that looks random.
fn noise(row: u32, column: u32) -> f64 {
    let mut x = row.wrapping_mul(0x9e37_79b9) ^ column.wrapping_mul(0x85eb_ca6b).wrapping_add(0x1234_5678);
    for _ in 0..3 {
        x = (x ^ (x >> 15)).wrapping_mul(0x2c1b_3c6d);
    }
    f64::from(x) / f64::from(u32::MAX)
}

/// The feature's value: gaps, an infinity, one column that is never known, and one that is always the same.
fn value(row: u32, column: u32) -> Option<f64> {
    match column {
        5 => None,
        6 => Some(0.1),
        7 if row.is_multiple_of(50) => Some(f64::INFINITY),
        _ if noise(row, 100 + column) < 0.1 => None,
        8 => Some((noise(row, 8) * 1e8).round()),
        _ => Some(noise(row, column) * 4.0 - 2.0),
    }
}

/// Every ninth outcome is not known.
fn target(row: u32) -> Option<i64> {
    let logit = 1.5 * value(row, 0).unwrap_or(0.0) - value(row, 1).unwrap_or(0.0) - 0.5;
    let target = i64::from(noise(row, 999) < score::sigmoid(logit));
    (!row.is_multiple_of(9)).then_some(target)
}

struct Fixture {
    folder: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ids: Int64Array =
            (0..ROWS).map(|row| 100_001 + i64::from(row * 7 % ROWS)).collect::<Vec<_>>().into();
        let targets: Int64Array = (0..ROWS).map(target).collect();
        let mut columns: Vec<(String, ArrayRef)> =
            vec![("SK_ID_CURR".into(), Arc::new(ids)), ("TARGET".into(), Arc::new(targets))];
        for column in 0..COLUMNS {
            let values: Float64Array = (0..ROWS).map(|row| value(row, column)).collect();
            columns.push((format!("F{column}"), Arc::new(values)));
        }
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
        let file = File::create(folder.path().join("features.parquet")).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let features = (0..COLUMNS).map(prepared).collect();
        let preparation = Preparation { features, ..Preparation::new(FITTED) };
        let fixture = Self { folder };
        preparation.write(&fixture.path("preparation.json")).unwrap();
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn options(&self) -> Options {
        Options {
            features: self.path("features.parquet"),
            preparation: self.path("preparation.json"),
            data: Data {
                placement: Placement::Beside,
                scaling: Scaling::Standard,
                columns: Columns::All,
                drop: Vec::new(),
                validation: 0.25,
            },
            recipe: Recipe {
                bias: true,
                l2: 0.0,
                epochs: 6,
                batch: 32,
                learning_rate: 0.05,
                schedule: Schedule::Cosine,
                patience: None,
                seed: 3,
            },
            checkpoint: None,
            resume: false,
            threads: 1,
        }
    }
}

fn prepared(column: u32) -> Prepared {
    let name = format!("F{column}");
    match column {
        5 => Prepared { name, fill: 0.0, low: 0.0, high: 0.0, mean: 0.0, scale: 1.0 },
        6 => Prepared { name, fill: 0.1, low: 0.1, high: 0.1, mean: 0.1, scale: 1.0 },
        8 => Prepared { name, fill: 5e7, low: 1e6, high: 9.9e7, mean: 5e7, scale: 2.8e7 },
        _ => Prepared { name, fill: 0.05, low: -1.9, high: 1.9, mean: 0.01, scale: 1.1 },
    }
}

fn train(options: &Options) -> Outcome {
    run(options, &|_| {}).unwrap().outcome
}

/// Everything that must not change, as bits.
fn bits(outcome: &Outcome) -> Vec<u64> {
    let probabilities = outcome.parts.iter().flat_map(|part| &part.probabilities);
    let losses = outcome.history.iter().flat_map(|epoch| [&epoch.train_loss, &epoch.validation_loss]);
    outcome
        .weights
        .iter()
        .chain([&outcome.bias])
        .chain(probabilities)
        .chain(losses)
        .map(|x| x.to_bits())
        .collect()
}

fn assert_fails(options: &Options, saying: &str) {
    let failure = run(options, &|_| {}).err().expect("a failure").to_string();
    assert!(failure.contains(saying), "{failure}");
}

#[test]
fn learns_and_splits_by_the_order_of_the_rows() {
    let fixture = Fixture::new();
    let outcome = train(&fixture.options());
    let sizes: Vec<_> = outcome.parts.iter().map(|part| (part.name, part.ids.len())).collect();
    assert_eq!(sizes, [("training", 450), ("validation", 150), ("held-out", 200)]);
    assert_eq!(outcome.parts[0].ids[..2], [100_008, 100_015]);
    let held_out = outcome.counting().unwrap();
    assert!(auc::auc(&held_out.targets, &held_out.probabilities).unwrap() > 0.8);
    assert!(outcome.history.iter().is_sorted_by(|a, b| a.learning_rate > b.learning_rate));
    // What is never known and what is always the same tell nothing.
    assert_eq!(outcome.weights[5..7], [0.0, 0.0]);
    assert!(outcome.weights.iter().all(|w| f64::from(to_f32(*w)) == *w));
}

#[test]
fn probabilities_are_those_of_the_weights() {
    let fixture = Fixture::new();
    for (placement, scaling) in [(Placement::Beside, Scaling::MinMax), (Placement::Inside, Scaling::Standard)]
    {
        let mut options = fixture.options();
        (options.data.placement, options.data.scaling) = (placement, scaling);
        let outcome = train(&options);
        let known = (0..ROWS).filter(|&row| target(row).is_some());
        let found: Vec<f64> = outcome.parts.iter().flat_map(|part| part.probabilities.clone()).collect();
        for (row, found) in known.zip(found) {
            let mut logit = outcome.bias;
            for (p, (w, column)) in outcome.preparation.iter().zip(outcome.weights.iter().zip(0..)) {
                let x = value(row, column).filter(|x| x.is_finite()).unwrap_or(p.fill);
                let x = if placement == Placement::Beside { x.clamp(p.low, p.high) } else { x };
                logit += w * (f64::from(to_f32(x)) - p.mean) / p.scale;
            }
            assert!((score::sigmoid(logit) - found).abs() < 1e-6, "row {row}");
        }
    }
}

#[test]
fn inside_fits_what_is_not_clipped() {
    let fixture = Fixture::new();
    let mut options = fixture.options();
    options.data.placement = Placement::Inside;
    let outcome = train(&options);
    let known = (0..ROWS).filter(|&row| target(row).is_some()).take(FITTED);
    let values: Vec<f64> = known.map(|row| f64::from(to_f32(value(row, 0).unwrap_or(0.05)))).collect();
    let mean = values.iter().sum::<f64>() / FITTED as f64;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / FITTED as f64;
    let p = &outcome.preparation[0];
    assert!((p.mean - mean).abs() < 1e-7 && (p.scale - variance.sqrt()).abs() < 1e-7, "{p:?}");
    assert!(p.low < -1.9 && p.high > 1.9);
}

#[test]
fn the_seed_decides_and_threads_do_not() {
    let fixture = Fixture::new();
    let once = bits(&train(&fixture.options()));
    for threads in [1, 2, 5] {
        assert_eq!(once, bits(&train(&Options { threads, ..fixture.options() })));
    }
    let mut options = fixture.options();
    options.recipe.seed = 4;
    assert_ne!(once, bits(&train(&options)));
}

/// Goes on from each epoch's checkpoint, as if it had been killed after it.
#[test]
fn resumed_it_comes_to_the_same_end() {
    let fixture = Fixture::new();
    for patience in [None, Some(2)] {
        let mut options = fixture.options();
        options.recipe.patience = patience;
        let whole = bits(&train(&options));
        let path = fixture.path("checkpoint");
        options.checkpoint = Some(path.clone());
        for stop in 1..4 {
            let kept = fixture.path("kept");
            let copy = |progress: &Progress<'_>| {
                if matches!(progress, Progress::Epoch { epoch, .. } if epoch.epoch == stop) {
                    std::fs::copy(&path, &kept).unwrap();
                }
            };
            options.resume = false;
            run(&options, &copy).unwrap();
            std::fs::rename(&kept, &path).unwrap();
            options.resume = true;
            let epochs = Cell::new(0);
            let count = |progress: &Progress<'_>| {
                epochs.set(epochs.get() + usize::from(matches!(progress, Progress::Epoch { .. })));
            };
            let resumed = run(&options, &count).unwrap().outcome;
            assert_eq!((bits(&resumed), epochs.get()), (whole.clone(), resumed.history.len() - stop));
        }
    }
}

#[test]
fn a_checkpoint_of_another_training_is_refused() {
    let fixture = Fixture::new();
    let mut options = fixture.options();
    options.checkpoint = Some(fixture.path("checkpoint"));
    options.recipe.epochs = 1;
    train(&options);
    options.resume = true;
    options.recipe.batch = 64;
    assert_fails(&options, "`--batch` was 32, and is 64");
    options.recipe.batch = 32;
    options.data.validation = 0.2;
    assert_fails(&options, "`--validation` was 0.25, and is 0.2");
    options.data.validation = 0.25;
    let mut preparation = Preparation::read(&fixture.path("preparation.json")).unwrap();
    preparation.features[0].mean = 0.02;
    preparation.write(&fixture.path("preparation.json")).unwrap();
    assert_fails(&options, "the checksum of the data was");
}

#[test]
fn patience_takes_the_best_epoch() {
    let fixture = Fixture::new();
    let mut options = fixture.options();
    options.recipe =
        Recipe { epochs: 60, learning_rate: 0.3, schedule: Schedule::Constant, ..options.recipe };
    options.recipe.patience = Some(3);
    let outcome = train(&options);
    let losses: Vec<f64> = outcome.history.iter().map(|epoch| epoch.validation_loss).collect();
    let best = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap();
    assert_eq!(losses.len(), best + 4);
    let part = &outcome.parts[1];
    assert!((part.log_loss() - losses[best]).abs() < 1e-6);
    options.data.validation = 0.0;
    assert_fails(&options, "C409");
}

#[test]
fn dropping_is_the_same_as_never_having_had() {
    let fixture = Fixture::new();
    let mut options = fixture.options();
    options.data.drop = vec!["F0".into(), "F17".into()];
    let dropped = run(&options, &|_| {}).unwrap();
    assert_eq!(bits(&dropped.undropped.unwrap()), bits(&train(&fixture.options())));
    let by_hand = {
        let path = fixture.path("features.parquet");
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let batch = reader.with_batch_size(2000).build().unwrap().next().unwrap().unwrap();
        let kept: Vec<usize> = (0..batch.num_columns()).filter(|i| ![2, 19].contains(i)).collect();
        let batch = batch.project(&kept).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        train(&fixture.options())
    };
    assert_eq!(bits(&dropped.outcome), bits(&by_hand));
    assert!(!dropped.file.preparation.features.iter().any(|p| p.name == "F17"));
    options.data.drop = vec!["f3".into()];
    assert_fails(&options, "Did you mean `F3`?");
}

#[test]
fn without_bias_there_is_none() {
    let fixture = Fixture::new();
    let mut options = fixture.options();
    options.recipe.bias = false;
    assert_eq!(train(&options).bias, 0.0);
}

fn rows_of(fixture: &Fixture, placement: Placement, which: Which) -> RecordBatch {
    let mut options = fixture.options();
    options.data.placement = placement;
    let file = run(&options, &|_| {}).unwrap().file;
    let table = Table::open(&options.features).unwrap();
    let out = fixture.path("rows.parquet");
    let rows = write_rows(&table, &file, which, &out, &|_| {}).unwrap();
    let batch = whole(&out);
    assert_eq!(batch.num_rows(), rows);
    batch
}

fn whole(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    reader.with_batch_size(10_000).build().unwrap().next().unwrap().unwrap()
}

#[test]
fn rows_for_the_model_are_filled_and_clipped() {
    let fixture = Fixture::new();
    let batch = rows_of(&fixture, Placement::Beside, Which::All);
    assert_eq!(batch.num_rows(), ROWS as usize);
    let column = batch.column(2 + 7).as_primitive::<Float32Type>();
    for (row, found) in (0..ROWS).zip(column.values()) {
        let known = value(row, 7).filter(|x| x.is_finite()).unwrap_or(0.05);
        assert_eq!(*found, to_f32(known.clamp(-1.9, 1.9)));
    }
    assert!(batch.columns()[2..].iter().all(|column| column.null_count() == 0));
    for (which, rows) in [(Which::Training, 600), (Which::HeldOut, 200), (Which::Test, 100)] {
        let batch = rows_of(&fixture, Placement::Beside, which);
        assert_eq!(batch.num_rows(), rows);
        let missing = batch.column(1).as_primitive::<Int64Type>().null_count();
        assert_eq!(missing, if which == Which::Test { rows } else { 0 });
    }
}

#[test]
fn rows_for_a_model_that_fills_gaps_keep_them() {
    let fixture = Fixture::new();
    let batch = rows_of(&fixture, Placement::Inside, Which::All);
    let column = batch.column(2 + 7).as_primitive::<Float32Type>();
    for (row, found) in (0..ROWS).zip(column) {
        assert_eq!(found, value(row, 7).filter(|x| x.is_finite()).map(to_f32));
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let fixture = Fixture::new();
    let path = fixture.path("preparation.json");
    let preparation = Preparation::read(&path).unwrap();
    let options = fixture.options();
    Preparation { fitted_rows: 801, ..preparation.clone() }.write(&path).unwrap();
    assert_fails(&options, "C403");
    Preparation { fitted_rows: 2, ..preparation.clone() }.write(&path).unwrap();
    assert_fails(&options, "C404");
    let fewer = preparation.features[1..].to_vec();
    Preparation { features: fewer, ..preparation }.write(&path).unwrap();
    assert_fails(&options, "does not know the feature `F0`");
    std::fs::remove_file(&path).unwrap();
    assert_fails(&options, "C101");
    assert_fails(&Options { features: path, ..fixture.options() }, "C101");
}
