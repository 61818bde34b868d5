//! Fits that were made already: a plan asks for the same series again and again, as its bits do not matter to it.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::fit::Fitted;
use super::smooth::Smooth;

/// What is kept at most, in functions on intervals; then all is forgotten.
const MOST: usize = 4096;

/// A function on an interval, and the exponent of the period whose parts are tried.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    f: Smooth,
    interval: [u64; 2],
    period: i64,
}

/// What is known of one function on one interval.
#[derive(Default)]
struct Known {
    /// By the bits of the accuracy.
    fits: HashMap<u64, Fitted>,
    /// From this accuracy downwards there is none.
    hopeless: f64,
}

impl Asked {
    pub(super) fn new(f: Smooth, [lo, hi]: [f64; 2], period: i64) -> Self {
        Self { f, interval: [lo.to_bits(), hi.to_bits()], period }
    }

    /// What was found before, or what `fit` finds.
    pub(super) fn fitted(self, accuracy: f64, fit: impl FnOnce() -> Option<Fitted>) -> Option<Fitted> {
        if let Some(known) = lock().get(&self) {
            let fit = known.fits.get(&accuracy.to_bits());
            if fit.is_some() || accuracy <= known.hopeless {
                return fit.cloned();
            }
        }
        let found = fit();
        let mut all = lock();
        if all.len() >= MOST {
            all.clear();
        }
        let known = all.entry(self).or_default();
        match &found {
            Some(fitted) => _ = known.fits.insert(accuracy.to_bits(), fitted.clone()),
            None => known.hopeless = known.hopeless.max(accuracy),
        }
        found
    }
}

fn lock() -> std::sync::MutexGuard<'static, HashMap<Asked, Known>> {
    static ALL: OnceLock<Mutex<HashMap<Asked, Known>>> = OnceLock::new();
    ALL.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}
