//! How the learning rate falls.

use clap::ValueEnum;
use serde::Serialize;

/// The course of the learning rate from the first step to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Schedule {
    /// The same in all steps.
    Constant,
    /// Falls to nothing along half a cosine: large steps first, and no noise left at the end.
    #[default]
    Cosine,
    /// A tenth after 60 % of the steps, and a tenth of that after 85 %.
    Step,
}

impl Schedule {
    /// The share of the learning rate that step `step` of `steps` uses, both counted from 0.
    pub(crate) fn share(self, step: u64, steps: u64) -> f64 {
        let gone = step as f64 / steps.max(1) as f64;
        match self {
            Self::Constant => 1.0,
            Self::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * gone.min(1.0)).cos()),
            Self::Step if gone < 0.6 => 1.0,
            Self::Step if gone < 0.85 => 0.1,
            Self::Step => 0.01,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact values are meant

    use super::*;

    #[test]
    fn falls_from_one() {
        for schedule in [Schedule::Constant, Schedule::Cosine, Schedule::Step] {
            let shares: Vec<f64> = (0..100).map(|step| schedule.share(step, 100)).collect();
            assert_eq!(shares.first(), Some(&1.0));
            assert!(shares.is_sorted_by(|a, b| a >= b) && shares.iter().all(|&share| share > 0.0));
        }
        assert!((Schedule::Cosine.share(50, 100) - 0.5).abs() < 1e-12);
        assert_eq!([59, 60, 84, 85].map(|step| Schedule::Step.share(step, 100)), [1.0, 0.1, 0.1, 0.01]);
    }
}
