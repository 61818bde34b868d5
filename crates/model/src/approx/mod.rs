//! Plans of functions that parties approximate, each with a proven error: what is evaluated, in which bits. Made by one machine
//! and handed to all: they hold what was fitted in float64, whose last bits are not the same everywhere.
//!
//! | module | what it holds |
//! |---|---|
//! | [`smooth`] | a smooth function on an interval, and beyond it where it levels off |
//! | [`normal`] | reciprocal and square roots over many orders of magnitude |
//! | [`softmax`] | normalised exponentials |

pub mod normal;
pub mod smooth;
pub mod softmax;

use serde::{Deserialize, Serialize};

/// How a tensor holds real numbers: `x·2^fraction_bits` in the ring 2^ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// k of the ring 2^k.
    pub ring: u32,
    /// Fraction bits.
    pub fraction_bits: u32,
}

impl Format {
    /// The real number that a unit is.
    pub fn unit(self) -> f64 {
        privet_ring::fixed::power_of_two(-i64::from(self.fraction_bits))
    }

    /// The nearest element to a real number of magnitude below 2^51 units.
    pub fn element(self, x: f64) -> u64 {
        privet_ring::fixed::encode(x, privet_ring::fixed::power_of_two(self.fraction_bits.into()))
    }
}
