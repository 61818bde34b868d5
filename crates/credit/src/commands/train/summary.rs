//! What a training says at its end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::output::{count, print};
use crate::report::Dropped;
use crate::train::outcome::{HELD_OUT, Part};
use crate::train::{Outcome, related};

/// Where everything lies.
#[derive(Serialize)]
pub(super) struct Files {
    pub(super) model: PathBuf,
    pub(super) preparation: PathBuf,
    /// As JSON, and as a page.
    pub(super) report: [PathBuf; 2],
}

/// What was made.
#[derive(Serialize)]
pub(super) struct Summary {
    #[serde(flatten)]
    files: Files,
    features: usize,
    epochs: usize,
    /// Median wall time of an epoch.
    epoch_seconds: Option<f64>,
    seconds: f64,
    /// Rows, AUC and log loss, by part.
    parts: BTreeMap<&'static str, Measures>,
    dropped: Option<Dropped>,
    /// Sentences.
    pub(super) warnings: Vec<String>,
}

#[derive(Serialize)]
struct Measures {
    rows: usize,
    auc: Option<f64>,
    log_loss: f64,
}

impl Summary {
    /// Of a training that took so long.
    pub(super) fn new(
        files: Files,
        outcome: &Outcome,
        dropped: Option<Dropped>,
        drop: &[String],
        took: Duration,
    ) -> Self {
        let mut seconds: Vec<f64> = outcome.history.iter().map(|epoch| epoch.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        Self {
            files,
            features: outcome.features.len(),
            epochs: outcome.history.len(),
            epoch_seconds: seconds.get(seconds.len() / 2).copied(),
            seconds: took.as_secs_f64(),
            parts: outcome.parts.iter().map(|part| (part.name, measured(part))).collect(),
            dropped,
            warnings: warnings(drop, &outcome.features),
        }
    }

    /// For people.
    pub(super) fn tell(&self) {
        let Self { epochs, features, seconds, files, .. } = self;
        print(&format!("{}: {features} features, {epochs} epochs, {seconds:.1} s.", files.model.display()));
        for (name, Measures { rows, auc, log_loss }) in &self.parts {
            let auc = auc.map_or_else(|| "not defined".to_owned(), |auc| format!("{auc:.4}"));
            print(&format!(
                "  {name:11} {:>9} rows   AUC {auc}   log loss {log_loss:.5}",
                count(*rows as u64)
            ));
        }
        if let Some(Dropped { auc_with: Some(with), auc_without: Some(without), .. }) = &self.dropped {
            print(&format!(
                "  With the dropped features the AUC on {HELD_OUT} rows is {with:.4}: they cost {:.4}.",
                with - without
            ));
        }
        print(&format!("  {}", files.report[1].display()));
    }
}

fn measured(part: &Part) -> Measures {
    let auc = crate::train::auc::auc(&part.targets, &part.probabilities);
    Measures { rows: part.ids.len(), auc, log_loss: part.log_loss() }
}

fn warnings(dropped: &[String], kept: &[String]) -> Vec<String> {
    let sentence = |(name, relatives): (String, Vec<String>)| {
        format!(
            "`{name}` is dropped, but these come from the same column and stay: {}.",
            relatives.join(", ")
        )
    };
    related(dropped, kept).into_iter().map(sentence).collect()
}
