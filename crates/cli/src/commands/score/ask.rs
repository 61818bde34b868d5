//! Asking about some rows: patiently where a role is not there, and row by row where one of them is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use indicatif::ProgressBar;
use privet_deploy::{Blame, Error};
use privet_model::tensor::{Data, Tensor};
use privet_serve::deployed::Deployed;

use crate::rows::{Chunk, Series};

/// The first pause before a question is asked again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// Refusals of a row, and of nothing else: not a number, no known category, outside the planned range.
const OF_A_ROW: [&str; 2] = ["E104", "E105"];

/// Who asks.
pub(super) struct Asker {
    pub(super) deployed: Deployed,
    pub(super) patience: Duration,
    /// Whether a refused row is left out.
    pub(super) skip: bool,
    pub(super) bar: ProgressBar,
    pub(super) retries: AtomicU64,
    /// Whether a role is not there.
    pub(super) missing: AtomicBool,
}

/// Answers of rows, in their order, in columns: those that are kept, the outputs, and why a row was refused.
pub(super) struct Answers {
    pub(super) columns: Vec<Series>,
    pub(super) refused: usize,
}

/// Answers of those rows that were not refused, and the others.
struct Told {
    outputs: Vec<Tensor>,
    refused: Vec<(usize, String)>,
}

impl Asker {
    /// Answers for all rows of a chunk, which begins with this one of the file.
    pub(super) async fn about(&self, chunk: Chunk, first: usize) -> Result<Answers, Error> {
        let mut why: Vec<Option<String>> = vec![None; chunk.rows];
        for (row, error) in &chunk.refused {
            why[*row] = Some(error.to_string());
        }
        let rows: Vec<usize> = (0..chunk.rows).filter(|&row| why[row].is_none()).collect();
        let numbers: Vec<usize> = rows.iter().map(|row| first + row + 1).collect();
        let tensors = if rows.len() == chunk.rows { chunk.tensors } else { picked(&chunk.tensors, &rows) };
        let Told { outputs, refused } = self.told(tensors, &numbers).await?;
        if outputs.iter().any(|tensor| tensor.rows + refused.len() != numbers.len()) {
            return Err(Error::new(
                Blame::Ours,
                "E902",
                "Answers came for other rows than were asked about.",
            ));
        }
        for (number, error) in refused {
            why[number - first - 1] = Some(error);
        }
        let missing: Vec<bool> = why.iter().map(Option::is_some).collect();
        let ports = self.deployed.caller().outputs().iter().zip(&outputs);
        let mut columns = chunk.kept;
        columns.extend(ports.flat_map(|(port, tensor)| Series::of_output(port, tensor, &missing)));
        columns.push(Series::texts(REFUSED, why));
        Ok(Answers { columns, refused: missing.iter().filter(|missing| **missing).count() })
    }

    /// Asks; where a row is refused, about half of them at a time, until it is alone. Servers number rows within what they were asked.
    fn told<'a>(&'a self, rows: Vec<Tensor>, numbers: &'a [usize]) -> BoxFuture<'a, Result<Told, Error>> {
        Box::pin(async move {
            let rows = Arc::new(rows);
            match self.answer(&rows).await {
                Ok(outputs) => Ok(Told { outputs, refused: Vec::new() }),
                Err(e) if !OF_A_ROW.contains(&e.code) => Err(e),
                Err(e) => match numbers {
                    [] => Err(e),
                    [number] => self.refused(naming(&e, *number), *number),
                    _ => {
                        let (before, after) = numbers.split_at(numbers.len() / 2);
                        let half = |from, to| rows.iter().map(|tensor| tensor.slice(from, to)).collect();
                        let mut told = self.told(half(0, before.len()), before).await?;
                        let rest = self.told(half(before.len(), numbers.len()), after).await?;
                        told.outputs
                            .iter_mut()
                            .zip(rest.outputs)
                            .for_each(|(whole, part)| whole.append(part));
                        told.refused.extend(rest.refused);
                        Ok(told)
                    }
                },
            }
        })
    }

    fn refused(&self, error: Error, number: usize) -> Result<Told, Error> {
        if !self.skip {
            return Err(error);
        }
        let ports = self.deployed.caller().outputs().iter();
        let outputs = ports.map(|p| Tensor { rows: 0, width: p.width, data: Data::empty(p.dtype) }).collect();
        Ok(Told { outputs, refused: vec![(number, error.to_string())] })
    }

    async fn answer(&self, rows: &Arc<Vec<Tensor>>) -> Result<Vec<Tensor>, Error> {
        let ask = |deployed: Deployed| {
            let rows = Arc::clone(rows);
            async move { deployed.predict(rows).await }
        };
        self.patiently(ask).await.map(|answer| answer.outputs)
    }

    /// Asks again while a role is not there, until patience ends.
    pub(super) async fn patiently<T, F: Future<Output = Result<T, Error>>>(
        &self,
        ask: impl Fn(Deployed) -> F,
    ) -> Result<T, Error> {
        let (mut since, mut pause) = (None, PAUSES.0);
        loop {
            match ask(self.deployed.clone()).await {
                Err(e) if e.blame == Blame::Unreachable => {
                    let since: Instant = *since.get_or_insert_with(Instant::now);
                    let left = self.patience.saturating_sub(since.elapsed());
                    if left.is_zero() {
                        return Err(e);
                    }
                    self.says_who(&e);
                    tokio::time::sleep(pause.min(left)).await;
                    pause = PAUSES.1.min(pause * 2);
                    self.retries.fetch_add(1, Ordering::Relaxed);
                }
                answer => {
                    if since.is_some() && self.missing.swap(false, Ordering::Relaxed) {
                        self.bar.set_message("rows");
                        self.bar.suspend(|| eprintln!("Asked again; it goes on."));
                    }
                    return answer;
                }
            }
        }
    }

    /// Once when it begins, and on the line of progress as long as it lasts.
    fn says_who(&self, error: &Error) {
        self.bar.set_message(format!("waiting: {}", error.message));
        if !self.missing.swap(true, Ordering::Relaxed) {
            let patience = self.patience.as_secs();
            self.bar.suspend(|| eprintln!("{error} It is asked again for up to {patience} s."));
        }
    }
}

/// The column that says why a row was refused.
pub(super) const REFUSED: &str = "refused";

/// The refusal of the only row that was asked about, with its number in the file.
fn naming(error: &Error, number: usize) -> Error {
    let message = match error.message.split_once("Row 1") {
        Some((before, after)) if after.starts_with([',', ' ']) => format!("{before}Row {number}{after}"),
        _ => format!("Row {number}: {}", error.message),
    };
    Error { message, ..*error }
}

/// These rows and no others.
fn picked(tensors: &[Tensor], rows: &[usize]) -> Vec<Tensor> {
    let runs: Vec<&[usize]> = rows.chunk_by(|a, b| a + 1 == *b).collect();
    let of = |tensor: &Tensor| {
        let mut out = tensor.slice(0, 0);
        for run in &runs {
            if let [first, .., last] | [first @ last] = run {
                out.append(tensor.slice(*first, last + 1));
            }
        }
        out
    };
    tensors.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_refusal_names_the_row_of_the_file() {
        let of = |message: &str| naming(&Error::refused("E105", message), 70).message;
        assert_eq!(of("Row 1, feature `a` = 1e1 is outside."), "Row 70, feature `a` = 1e1 is outside.");
        assert_eq!(of("`server` answers: Row 1 has a category."), "`server` answers: Row 70 has a category.");
        assert_eq!(of("Not so."), "Row 70: Not so.");
        assert_eq!(of("Row 12, feature."), "Row 70: Row 12, feature.");
    }

    #[test]
    fn rows_are_picked_in_their_order() {
        let tensor = Tensor::new(5, 2, Data::I64((0..10).collect())).unwrap();
        let picked = picked(&[tensor], &[0, 2, 3]);
        assert!(picked[0].rows == 3 && picked[0].data == Data::I64(vec![0, 1, 4, 5, 6, 7]));
    }
}
