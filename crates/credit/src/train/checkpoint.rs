//! The state of a training after an epoch, from which it can go on to the same end, bit for bit.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::adam::Adam;
use super::outcome::Epoch;
use crate::failure::Failure;
use crate::output::write_whole;

/// Raised when the meaning of a field changes.
const FORMAT: u32 = 1;

/// What training needs to go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Weights and moments.
    pub(crate) adam: Adam,
    /// Weights of the epoch with the lowest validation loss, where that is what counts.
    pub(crate) best: Option<Best>,
    /// What was run.
    pub(crate) history: Vec<Epoch>,
}

/// An epoch's weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    /// From 1.
    pub(crate) epoch: usize,
    /// Of the validation part.
    pub(crate) loss: f64,
    /// The bias last.
    pub(crate) weights: Vec<f64>,
}

/// The file.
#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    /// What the training was asked to do, on what.
    settings: Map<String, Value>,
    state: State,
}

/// Writes the file, whole or not at all.
pub(crate) fn write(path: &Path, settings: &Map<String, Value>, state: &State) -> Result<(), Failure> {
    let file = File { format: FORMAT, settings: settings.clone(), state: state.clone() };
    let text = serde_json::to_vec(&file).map_err(|e| Failure::writing(path, e))?;
    write_whole(path, &text)
}

/// Reads it, if it is there and of the same training.
pub(crate) fn read(path: &Path, settings: &Map<String, Value>) -> Result<Option<State>, Failure> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Failure::reading(path, e)),
    };
    let shown = path.display();
    let file: File = serde_json::from_slice(&text).map_err(|e| {
        let what = format!("`{shown}` is no checkpoint: {e}");
        Failure::refused("C410", format!("{what}. Start again without `--resume`."))
    })?;
    if file.format != FORMAT {
        let what = format!("`{shown}` has format {}, this program reads {FORMAT}", file.format);
        return Err(Failure::refused("C411", format!("{what}. Start again without `--resume`.")));
    }
    match difference(&file.settings, settings) {
        None => Ok(Some(file.state)),
        Some(difference) => Err(Failure::refused(
            "C412",
            format!(
                "`{shown}` is of another training: {difference}. Give the same again, or start without `--resume`."
            ),
        )),
    }
}

/// The first setting that is not the same.
fn difference(before: &Map<String, Value>, now: &Map<String, Value>) -> Option<String> {
    let shown = |value: Option<&Value>| value.map_or_else(|| "not known".to_owned(), ToString::to_string);
    let names = now.keys().chain(before.keys());
    let mut different = names.filter(|name| before.get(*name) != now.get(*name));
    different
        .next()
        .map(|name| format!("{name} was {}, and is {}", shown(before.get(name)), shown(now.get(name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(batch: u32) -> Map<String, Value> {
        [("batch".to_owned(), batch.into()), ("rows".to_owned(), 7.into())].into_iter().collect()
    }

    fn state() -> State {
        let mut adam = Adam::new(vec![0.1, -1.0 / 3.0]);
        adam.step(&[0.3, 1e-9], 0.001);
        let epoch = Epoch {
            epoch: 1,
            train_loss: 0.3,
            validation_loss: 0.1 + 0.2,
            validation_auc: None,
            learning_rate: 1e-3,
            seconds: 0.25,
        };
        let best = Best { epoch: 1, loss: 1.0 / 3.0, weights: digits() };
        State { adam, best: Some(best), history: vec![epoch] }
    }

    /// Numbers with all their digits, of which a parser that is off by the last bit gets some wrong.
    fn digits() -> Vec<f64> {
        (1..2000).map(|i| (f64::from(i) * 0.618_033_988_749).sin() * 10_f64.powi(i % 40 - 30)).collect()
    }

    #[test]
    fn comes_back_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        assert_eq!(read(&path, &settings(256)).unwrap(), None);
        write(&path, &settings(256), &state()).unwrap();
        assert_eq!(read(&path, &settings(256)).unwrap(), Some(state()));
    }

    #[test]
    fn another_training_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        write(&path, &settings(256), &state()).unwrap();
        let failure = format!("{:?}", read(&path, &settings(128)).unwrap_err());
        assert!(failure.contains("batch was 256, and is 128"), "{failure}");
        std::fs::write(&path, "{").unwrap();
        assert!(format!("{:?}", read(&path, &settings(256)).unwrap_err()).contains("C410"));
    }
}
