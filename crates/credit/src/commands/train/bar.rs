//! How far a training is, for people.

use indicatif::ProgressBar;

use crate::output::{bar, count};
use crate::train::Progress;

/// A bar over rows, then over epochs.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new() -> Self {
        Self(bar(0, "{prefix:9} {wide_bar} {human_pos}/{human_len} {msg}"))
    }

    pub(crate) fn show(&self, progress: &Progress<'_>) {
        match progress {
            Progress::Read { rows, of } => self.at("reading", *rows, *of, String::new()),
            Progress::Training { features, rows } => {
                let what = format!("{features} features of {} rows", count(*rows as u64));
                self.at("training", 0, 0, what);
            }
            Progress::Epoch { epoch, of } => {
                let auc = epoch.validation_auc.map_or_else(String::new, |auc| format!("   AUC {auc:.4}"));
                let loss =
                    if epoch.validation_loss.is_nan() { epoch.train_loss } else { epoch.validation_loss };
                self.at("training", epoch.epoch, *of, format!("epochs   loss {loss:.5}{auc}"));
            }
        }
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }

    fn at(&self, prefix: &'static str, position: usize, length: usize, message: String) {
        self.0.set_prefix(prefix);
        self.0.set_length(length as u64);
        self.0.set_position(position as u64);
        self.0.set_message(message);
    }
}
