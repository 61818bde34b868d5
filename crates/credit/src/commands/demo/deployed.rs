//! One deployment of the model: started by `privet up`, asked by `privet predict`, ended.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Child;

use serde::Serialize;
use serde_json::Value;

use super::path;
use super::scores::{Scores, answered};
use super::steps::{Programs, text};
use crate::failure::Failure;
use crate::output::count;
use crate::train::auc::auc;

/// How the model is served.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Plain,
    Mpc,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Mpc => "mpc",
        }
    }
}

/// What was seen of it.
#[derive(Serialize)]
pub(super) struct Deployed {
    kind: Kind,
    rows: usize,
    auc: Option<f64>,
    /// From the trainer's own probabilities.
    largest_difference: f64,
    /// What the deployment proved.
    bound: Option<f64>,
    /// Of the second request: the first one also connects.
    seconds: f64,
    bytes_up: u64,
    assurance: String,
}

impl Deployed {
    /// Deploys, asks twice, ends, and compares.
    pub(super) fn run(
        kind: Kind,
        programs: &Programs,
        dir: &Path,
        trained: &Scores,
    ) -> Result<Self, Failure> {
        let folder = dir.join(kind.name());
        let (model, ranges) = (path(&dir.join("model.onnx")), path(&dir.join("ranges.parquet")));
        let words = ["up", kind.name(), &model, "--rows", &ranges, "--dir", &path(&folder)];
        let roles = Roles::start(programs, &words)?;
        let (to, rows) = (path(&folder.join("deployment.toml")), path(&dir.join("rows.parquet")));
        let out = folder.join("answers.parquet");
        let words = ["predict", "--to", &to, &rows, "-o", &path(&out)];
        programs.privet(&words)?;
        let facts = programs.privet(&words)?;
        drop(roles);
        Self::compared(kind, &facts, &answered(&out)?, trained)
    }

    fn compared(kind: Kind, facts: &Value, answers: &[f64], trained: &Scores) -> Result<Self, Failure> {
        if answers.len() != trained.probabilities.len() {
            let (got, expected) = (answers.len(), trained.probabilities.len());
            return Err(Failure::ours(format!("Expected {expected} answers, got {got}.")));
        }
        let differences = answers.iter().zip(&trained.probabilities).map(|(a, b)| (a - b).abs());
        Ok(Self {
            kind,
            rows: answers.len(),
            auc: auc(&trained.targets, answers),
            largest_difference: differences.fold(0.0, f64::max),
            bound: facts["bound"].as_f64(),
            seconds: facts["seconds"].as_f64().unwrap_or(0.0),
            bytes_up: facts["bytes_up"].as_u64().unwrap_or(0),
            assurance: text(facts, "assurance"),
        })
    }

    /// For the table.
    pub(super) fn line(&self) -> String {
        let bound = self.bound.map_or_else(|| "none".to_owned(), |bound| format!("{bound:.1e}"));
        let auc = self.auc.map_or_else(|| "none".to_owned(), |auc| format!("{auc:.4}"));
        format!(
            "  {:6} {auc:7} {:<19} {bound:<13} {:<8.3} {:<12} {}",
            self.kind.name(),
            format!("{:.1e}", self.largest_difference),
            self.seconds,
            count(self.bytes_up),
            self.assurance
        )
    }
}

/// Running roles, which end with this value.
struct Roles(Child);

impl Roles {
    /// Waits until every role answers.
    fn start(programs: &Programs, words: &[&str]) -> Result<Self, Failure> {
        let mut roles = Self(programs.start(words)?);
        let mut line = String::new();
        if let Some(out) = roles.0.stdout.take() {
            BufReader::new(out)
                .read_line(&mut line)
                .map_err(|e| Failure::ours(format!("`privet up`: {e}.")))?;
        }
        if line.starts_with("ready ") {
            return Ok(roles);
        }
        Err(Failure::refused("C122", "`privet up` did not become ready; it says why above."))
    }
}

impl Drop for Roles {
    fn drop(&mut self) {
        // The roles of `privet up` end with it, which it does itself when it is asked to.
        if let Some(id) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        let _ = self.0.wait();
    }
}
