//! Integers modulo 2^k: how they are packed on the wire, how real numbers are rounded to them, the seeded
//! generator that expands shares, and the kernels that multiply them.
//!
//! A ring element is held in a `u64` whose low `k` bits count; arithmetic wraps modulo 2^64, of which modulo 2^k
//! is a quotient for sums and products (a *shift* is not), so reduction waits until something leaves the machine.
//!
//! | module | what it holds |
//! |---|---|
//! | [`entropy`] | where randomness comes from: an argument |
//! | [`fixed`] | fixed point: rounding, decoding, and the error of each |
//! | [`pack`] | k bits per element on the wire |
//! | [`prg`] | [`Seed`](prg::Seed)s and their expansion by AES-128 in counter mode |
//! | [`kernels`] | inner products and convolutions, with the widest instructions that the processor has |
//! | [`residues`] | arithmetic modulo a prime, eight numbers at a time where the processor can |
//! | [`carryless`] | carry-less products, and the field of 2^64 elements |
//! | [`galois`] | integers modulo 2^64 with a root of degree 48 |
//! | [`conv`] | the shape of a convolution |
//! | [`words`] | words of bits with weights from that field |
//! | [`turn`] | sine and cosine of integer angles, the same bits everywhere |

pub mod carryless;
pub mod conv;
mod counters;
pub mod entropy;
pub mod fixed;
pub mod galois;
pub mod kernels;
mod lanes;
mod memory;
pub mod pack;
pub mod prg;
pub mod residues;
pub mod turn;
pub mod words;

pub use self::memory::keep_freed_memory;

/// `Debug` for types that hold what nobody else may see: their name, and nothing of what is in them.
#[macro_export]
macro_rules! not_shown {
    ($($secret:ident),+) => {$(
        impl ::std::fmt::Debug for $secret {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(concat!(stringify!($secret), "(not shown)"))
            }
        }
    )+};
}

/// Elements are read and written in groups of this many, so that a group of k-bit elements is k whole bytes.
pub const GROUP: usize = 8;

/// Rows of so many columns that are worked on at a time: whole groups, and as few as keep a block in the nearest cache.
pub fn block_rows(columns: usize) -> usize {
    const ELEMENTS: usize = 512;
    // The least number of rows whose elements are whole groups: 1, 2, 4 or 8.
    let unit = GROUP >> columns.trailing_zeros().min(GROUP.trailing_zeros());
    unit * (ELEMENTS / (unit * columns).max(1)).max(1)
}

/// The value of a k-bit element, 1 ≤ k ≤ 64, as a signed integer: the representative in [-2^(k-1), 2^(k-1)).
pub fn signed(element: u64, k: u32) -> i64 {
    let unused = 64 - k.clamp(1, 64);
    ((element << unused).cast_signed()) >> unused
}

/// The low `k` bits, 1 ≤ k ≤ 64.
pub fn reduce(element: u64, k: u32) -> u64 {
    element & (u64::MAX >> (64 - k.clamp(1, 64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_whole_groups_and_fit_into_the_nearest_cache() {
        for columns in 1..2000 {
            let elements = block_rows(columns) * columns;
            assert!(elements.is_multiple_of(GROUP) && elements >= 512 / 2, "{columns}: {elements}");
            assert!(elements <= 512.max(columns * GROUP), "{columns}: {elements}");
        }
        assert_eq!((block_rows(528), block_rows(23), block_rows(64)), (1, 16, 8));
        assert!(block_rows(0) > 0);
    }

    #[test]
    fn signed_is_the_representative_nearest_zero() {
        for k in 1..=16 {
            for value in -(1i64 << (k - 1))..(1i64 << (k - 1)) {
                assert_eq!(signed(value.cast_unsigned(), k), value);
                assert_eq!(signed(reduce(value.cast_unsigned(), k), k), value);
            }
        }
        assert_eq!(signed(u64::MAX, 64), -1);
    }
}
