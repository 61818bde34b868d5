//! What programs compute, written once over any [`Protocol`](crate::protocols::protocol::Protocol): whole tensors at a time,
//! plans made before and the same for every party.
//!
//! Plans are made by one machine and handed to all: they hold what was fitted in float64, whose last bits are not the same
//! everywhere.
//!
//! | module | what it holds |
//! |---|---|
//! | [`extremes`] | greatest and least, where it is, absolute value, clipping |
//! | [`smooth`] | a smooth function on an interval, and beyond it where it levels off |
//! | [`normal`] | reciprocal, quotient, square root over many orders of magnitude |
//! | [`softmax`] | normalised exponentials |
//! | [`trees`] | ensembles of decision trees |

pub mod extremes;
pub mod normal;
pub mod smooth;
pub mod softmax;
pub mod trees;

/// How a tensor holds real numbers: `x·2^fraction_bits` in the ring 2^ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
