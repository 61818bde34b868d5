//! Words that hold an element of a ring 2^(k+s): 128 bits for integers, 64 for single bits.

use privet_ring::pack::{pack, packed_len, unpack};
use privet_ring::prg::Stream;

use crate::wiped::wipe;

/// s: bits of each element above the k that count, in which a wrong one shows.
pub const SECURITY: u32 = 47;

/// Most bits of a ring inside this protocol; those of programs have at most 64.
pub(super) const WIDEST: u32 = u128::BITS - SECURITY;

/// An unsigned integer, modulo 2^[`BITS`](Word::BITS).
pub trait Word: Copy + Default + Send + Sync + 'static {
    /// Its bits.
    const BITS: u32;
    /// 0 above.
    fn of(x: u64) -> Self;
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
    /// The next `n` of a stream.
    fn drawn(stream: &mut Stream, n: usize) -> Vec<Self>;
    /// Appends so many bits of each: the lowest 64 bits of all, and then what is above.
    fn write(bits: u32, x: &[Self], out: &mut Vec<u8>);
    /// What [`Self::write`] wrote; bytes that are missing read as zero.
    fn read(bits: u32, bytes: &[u8], n: usize) -> Vec<Self>;
}

macro_rules! arithmetic {
    ($type:ty) => {
        const BITS: u32 = <$type>::BITS;

        fn of(x: u64) -> Self {
            x.into()
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
    };
}

impl Word for u64 {
    arithmetic!(u64);

    #[allow(clippy::cast_possible_truncation)] // the lowest bits are what is asked for
    fn low(x: u128) -> Self {
        x as Self
    }

    fn drawn(stream: &mut Stream, n: usize) -> Vec<Self> {
        let mut words = vec![0; n];
        stream.fill(&mut words);
        words
    }

    fn write(bits: u32, x: &[Self], out: &mut Vec<u8>) {
        pack(bits, x, out);
    }

    fn read(bits: u32, bytes: &[u8], n: usize) -> Vec<Self> {
        let mut words = vec![0; n];
        unpack(bits, bytes, 0, &mut words);
        words
    }
}

impl Word for u128 {
    arithmetic!(u128);

    fn low(x: u128) -> Self {
        x
    }

    fn drawn(stream: &mut Stream, n: usize) -> Vec<Self> {
        let mut words = u64::drawn(stream, 2 * n);
        let drawn = words.as_chunks::<2>().0.iter().map(|[low, high]| joined(*low, *high)).collect();
        wipe(&mut words);
        drawn
    }

    fn write(bits: u32, x: &[Self], out: &mut Vec<u8>) {
        let half = |up: u32| x.iter().map(|x| u64::low(x >> up)).collect::<Vec<u64>>();
        pack(bits.min(64), &half(0), out);
        if bits > 64 {
            pack(bits - 64, &half(64), out);
        }
    }

    fn read(bits: u32, bytes: &[u8], n: usize) -> Vec<Self> {
        let low = u64::read(bits.min(64), bytes, n);
        if bits <= 64 {
            return low.into_iter().map(Self::from).collect();
        }
        let high = u64::read(bits - 64, bytes.get(wire_len(n, 64)..).unwrap_or_default(), n);
        low.iter().zip(&high).map(|(&low, &high)| joined(low, high)).collect()
    }
}

fn joined(low: u64, high: u64) -> u128 {
    u128::from(low) | u128::from(high) << 64
}

/// Bytes of `n` elements of so many bits.
pub(super) fn wire_len(n: usize, bits: u32) -> usize {
    let high = if bits > 64 { packed_len(n, bits - 64) } else { Some(0) };
    match (packed_len(n, bits.min(64)), high) {
        (Some(low), Some(high)) => low.saturating_add(high),
        _ => usize::MAX,
    }
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
            u128::write(bits, &x, &mut bytes);
            assert_eq!(bytes.len(), wire_len(x.len(), bits));
            let expected: Vec<u128> = x.iter().map(|x| x & (u128::MAX >> (128 - bits))).collect();
            assert_eq!(u128::read(bits, &bytes, x.len()), expected, "{bits}");
            assert_eq!(u128::read(bits, &bytes[..bytes.len() / 2], x.len()).len(), x.len());
        }
        let mut bytes = Vec::new();
        u64::write(48, &[u64::MAX, 5], &mut bytes);
        assert_eq!(u64::read(48, &bytes, 2), [(1 << 48) - 1, 5]);
    }
}
