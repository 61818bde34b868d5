//! A deployment's rows with the right answers, as a driver writes them down, and how an answer is judged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use privet_deploy::caller::Answer;
use privet_deploy::{Blame, Error};
use privet_model::tensor::{Data, Tensor};
use serde::Deserialize;

use crate::synthetic::Random;

/// What to ask of one deployment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What records call it.
    pub name: String,
    /// Its `deployment.toml`.
    pub deployment: PathBuf,
    /// Rows of the model's one input.
    pub rows: Vec<Vec<f32>>,
    /// The right answers: for each output of the model and each row, its values.
    pub expected: Vec<Vec<Vec<f64>>>,
    /// How far a number may be off: absolute, and for each unit of its size.
    pub tolerance: [f64; 2],
    /// Rows per request, of which each is chosen as often as it stands here.
    pub batches: Vec<usize>,
}

/// Rows `from..from + count` of a source; behind its last row comes its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The first row.
    pub from: usize,
    /// How many.
    pub count: usize,
}

/// Reads sources from a JSON file.
pub fn read(path: &Path) -> Result<Vec<Source>, Error> {
    let cannot = |e: &dyn std::fmt::Display| {
        Error::usage("E141", format!("`{}` cannot be read: {e}.", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|e| cannot(&e))?;
    let sources: Vec<Source> = serde_json::from_str(&text).map_err(|e| cannot(&e))?;
    let whole = |source: &Source| {
        let count = source.rows.len();
        count > 0 && !source.batches.is_empty() && source.expected.iter().all(|rows| rows.len() == count)
    };
    match sources.iter().find(|source| !whole(source)) {
        Some(source) => Err(cannot(&format!("`{}` has no rows, or other answers than rows", source.name))),
        None => Ok(sources),
    }
}

impl Source {
    /// Any question.
    pub fn question(&self, random: &mut Random) -> Question {
        let count = self.batches[random.below(self.batches.len())];
        Question { from: random.below(self.rows.len()), count }
    }

    /// Its rows.
    pub fn rows(&self, question: Question) -> Arc<Vec<Tensor>> {
        let rows = self.places(question).map(|at| &self.rows[at]);
        let data = Data::F32(rows.flatten().copied().collect());
        Arc::new(vec![Tensor { rows: question.count, width: self.rows[0].len(), data }])
    }

    /// That an answer is the right one, row by row and in order; or what is wrong with it.
    pub fn judge(&self, question: Question, answer: &Answer) -> Result<(), Error> {
        if answer.outputs.len() != self.expected.len() {
            return Err(wrong(&format!(
                "{} outputs came, not {}",
                answer.outputs.len(),
                self.expected.len()
            )));
        }
        for (output, expected) in answer.outputs.iter().zip(&self.expected) {
            if output.rows != question.count {
                return Err(wrong(&format!("{} rows came, not {}", output.rows, question.count)));
            }
            let wanted = self.places(question).map(|at| &expected[at]);
            self.same(output, &wanted.flatten().copied().collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn same(&self, output: &Tensor, wanted: &[f64]) -> Result<(), Error> {
        let exact = matches!(output.data, Data::I64(_));
        let [absolute, relative] = if exact { [0.0; 2] } else { self.tolerance };
        let got = output.to_f64().unwrap_or_default();
        if got.len() != wanted.len() {
            return Err(wrong(&format!("{} values came, not {}", got.len(), wanted.len())));
        }
        // Written so that what is no number is wrong.
        let good = |(got, want): &(&f64, &f64)| (*got - *want).abs() <= absolute + relative * want.abs();
        match got.iter().zip(wanted).position(|pair| !good(&pair)) {
            None => Ok(()),
            Some(at) => Err(wrong(&format!("value {at} is {}, not {}", got[at], wanted[at]))),
        }
    }

    fn places(&self, question: Question) -> impl Iterator<Item = usize> {
        let rows = self.rows.len();
        (question.from..question.from + question.count).map(move |at| at % rows)
    }
}

/// The code of an answer that is wrong, which no server gives.
pub const WRONG: &str = "E909";

fn wrong(what: &str) -> Error {
    Error::new(Blame::Ours, WRONG, format!("A wrong answer: {what}."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use privet_deploy::caller::Between;

    use super::*;

    fn source() -> Source {
        let text = r#"[{"name": "a", "deployment": "d", "rows": [[1, 2], [3, 4], [5, 6]], "tolerance": [0.1, 0],
            "expected": [[[1], [2], [3]], [[0], [1], [1]]], "batches": [1, 4]}]"#;
        let file = std::env::temp_dir().join(format!("source-{}.json", std::process::id()));
        std::fs::write(&file, text).unwrap();
        let read = read(&file).unwrap().remove(0);
        std::fs::remove_file(&file).unwrap();
        read
    }

    fn answer(numbers: &[f32], labels: &[i64]) -> Answer {
        let tensor = |rows, data| Tensor::new(rows, 1, data).unwrap();
        let numbers = tensor(numbers.len(), Data::F32(numbers.to_vec()));
        let labels = tensor(labels.len(), Data::I64(labels.to_vec()));
        Answer { outputs: vec![numbers, labels], scores: Vec::new(), between: Between::default() }
    }

    #[test]
    fn only_the_right_rows_in_their_order_are_right() {
        let (source, question) = (source(), Question { from: 2, count: 2 });
        assert!(source.rows(question)[0].data == Data::F32(vec![5.0, 6.0, 1.0, 2.0]));
        let judged = |numbers: &[f32], labels: &[i64]| source.judge(question, &answer(numbers, labels));
        judged(&[3.05, 1.0], &[1, 0]).unwrap();
        for (numbers, labels) in [
            (&[1.0, 3.0][..], &[0, 1][..]),
            (&[3.2, 1.0], &[1, 0]),
            (&[3.0, 1.0], &[1, 1]),
            (&[3.0], &[1]),
            (&[3.0, 1.0, 1.0], &[1, 0, 0]),
            (&[f32::NAN, 1.0], &[1, 0]),
        ] {
            assert_eq!(judged(numbers, labels).unwrap_err().code, WRONG);
        }
    }
}
