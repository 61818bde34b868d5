//! Words that hold an element of a ring 2^(k+s): 128 bits for integers, 64 for single bits.

use privet_ring::pack::{pack, packed_len, unpack};

/// s: bits of each element above the k that count, in which a wrong one shows.
pub const SECURITY: u32 = 47;

/// Most bits of a ring inside this protocol; those of programs have at most 64.
pub(super) const WIDEST: u32 = u128::BITS - SECURITY;

/// An unsigned integer, modulo 2^[`BITS`](Word::BITS).
pub trait Word: Copy + Default + Send + Sync + 'static {
    /// Its bits.
    const BITS: u32;
    /// 64-bit words in it.
    const WORDS: usize;
    /// 0 above.
    fn of(x: u64) -> Self;
    /// From its 64-bit words, the least first.
    fn of_words(x: &[u64]) -> Self;
    /// The lowest 64 bits, and those above.
    fn halves(self) -> [u64; 2];
    /// The lowest bits of an integer.
    fn low(x: u128) -> Self;
    /// As an integer.
    fn wide(self) -> u128;
    /// x + y.
    #[must_use]
    fn plus(self, y: Self) -> Self;
    /// x - y.
    #[must_use]
    fn minus(self, y: Self) -> Self;
    /// x·y.
    #[must_use]
    fn times(self, y: Self) -> Self;
    /// x·2^bits.
    #[must_use]
    fn up(self, bits: u32) -> Self;
}

macro_rules! word {
    ($type:ty, $words:literal, $halves:expr, $of_words:expr) => {
        impl Word for $type {
            const BITS: u32 = <$type>::BITS;
            const WORDS: usize = $words;

            fn of(x: u64) -> Self {
                x.into()
            }

            fn of_words(x: &[u64]) -> Self {
                $of_words(x)
            }

            fn halves(self) -> [u64; 2] {
                $halves(self)
            }

            #[allow(clippy::cast_possible_truncation, trivial_numeric_casts)] // the lowest bits are what is asked for
            fn low(x: u128) -> Self {
                x as Self
            }

            fn wide(self) -> u128 {
                self.into()
            }

            #[inline]
            fn plus(self, y: Self) -> Self {
                self.wrapping_add(y)
            }

            #[inline]
            fn minus(self, y: Self) -> Self {
                self.wrapping_sub(y)
            }

            #[inline]
            fn times(self, y: Self) -> Self {
                self.wrapping_mul(y)
            }

            #[inline]
            fn up(self, bits: u32) -> Self {
                self.checked_shl(bits).unwrap_or(0)
            }
        }
    };
}

word!(u64, 1, |x| [x, 0], |x: &[u64]| x[0]);
#[rustfmt::skip]
word!(u128, 2, |x: u128| [u64::low(x), u64::low(x >> 64)], |x: &[u64]| u128::from(x[0]) | u128::from(x[1]) << 64);

/// Bytes of `n` elements of so many bits.
pub(super) fn wire_len(n: usize, bits: u32) -> usize {
    let high = if bits > 64 { packed_len(n, bits - 64) } else { Some(0) };
    match (packed_len(n, bits.min(64)), high) {
        (Some(low), Some(high)) => low.saturating_add(high),
        _ => usize::MAX,
    }
}

/// The lowest 64 bits of all, and then what is above, packed each.
pub(super) fn write<W: Word>(bits: u32, x: &[W], out: &mut Vec<u8>) {
    let half = |at: usize| x.iter().map(|x| x.halves()[at]).collect::<Vec<u64>>();
    pack(bits.min(64), &half(0), out);
    if bits > 64 {
        pack(bits - 64, &half(1), out);
    }
}

/// What [`write`] wrote; bytes that are missing read as zero.
pub(super) fn read<W: Word>(bits: u32, bytes: &[u8], n: usize) -> Vec<W> {
    let mut low = vec![0; n];
    unpack(bits.min(64), bytes, 0, &mut low);
    let mut high = vec![0; n];
    if bits > 64 {
        unpack(bits - 64, bytes.get(wire_len(n, 64)..).unwrap_or_default(), 0, &mut high);
    }
    low.iter().zip(&high).map(|(&low, &high)| W::of_words(&[low, high])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_has_the_stated_length_and_is_read() {
        let x: Vec<u128> =
            (1..12u128).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)).collect();
        for bits in [1, 7, 48, 63, 64, 65, 80, 111, 127, 128] {
            let mut bytes = Vec::new();
            write(bits, &x, &mut bytes);
            assert_eq!(bytes.len(), wire_len(x.len(), bits));
            let expected: Vec<u128> = x.iter().map(|x| x & (u128::MAX >> (128 - bits))).collect();
            assert_eq!(read::<u128>(bits, &bytes, x.len()), expected, "{bits}");
            assert_eq!(read::<u128>(bits, &bytes[..bytes.len() / 2], x.len()).len(), x.len());
        }
        let mut bytes = Vec::new();
        write(48, &[u64::MAX, 5], &mut bytes);
        assert_eq!(read::<u64>(48, &bytes, 2), [(1 << 48) - 1, 5]);
    }
}
