//! k bits per element on the wire, 1 ≤ k ≤ 64.
//!
//! Layout, fixed by golden vectors: bit `b` of element `e` is bit `e·k + b` of the message, counting each byte from
//! its least bit. A group of eight elements is exactly `k` bytes; the last group is padded with zero bits to a whole
//! byte, so `n` elements take `⌈n·k/8⌉` bytes.

use crate::GROUP;

/// Bytes that `elements` elements of `k` bits take, or `None` where that overflows.
pub fn packed_len(elements: usize, k: u32) -> Option<usize> {
    elements.checked_mul(k as usize).map(|bits| bits.div_ceil(8))
}

/// Appends `elements` to `out`; the last call for a message may have any length, earlier ones whole groups.
pub fn pack(k: u32, elements: &[u64], out: &mut Vec<u8>) {
    by_width(k, Pack { elements, out });
}

/// Reads elements `first..first + out.len()`; `first` must be a multiple of eight. Elements that lie beyond the end of
/// `bytes` read as zero: callers compare lengths with [`packed_len`] once, before the first call.
pub fn unpack(k: u32, bytes: &[u8], first: usize, out: &mut [u64]) {
    debug_assert!(first.is_multiple_of(GROUP));
    by_width(k, Unpack { bytes: bytes.get(first / GROUP * k as usize..).unwrap_or(&[]), out });
}

/// A job over groups, compiled once per width so that every shift is a constant.
trait PerWidth {
    fn run<const K: usize>(self);
}

struct Pack<'a> {
    elements: &'a [u64],
    out: &'a mut Vec<u8>,
}

impl PerWidth for Pack<'_> {
    fn run<const K: usize>(self) {
        let (groups, rest) = self.elements.as_chunks::<GROUP>();
        // Exactly: a message whose size was known keeps its place to the end.
        self.out.reserve((self.elements.len() * K).div_ceil(8));
        for group in groups {
            self.out.extend_from_slice(&pack_group::<K>(group)[..K]);
        }
        if !rest.is_empty() {
            let mut group = [0; GROUP];
            group[..rest.len()].copy_from_slice(rest);
            self.out.extend_from_slice(&pack_group::<K>(&group)[..(rest.len() * K).div_ceil(8)]);
        }
    }
}

struct Unpack<'a> {
    bytes: &'a [u8],
    out: &'a mut [u64],
}

impl PerWidth for Unpack<'_> {
    fn run<const K: usize>(self) {
        let (groups, rest) = self.out.as_chunks_mut::<GROUP>();
        let end = groups.len() * K;
        for (at, out) in (0..).step_by(K).zip(groups) {
            *out = unpack_at::<K>(self.bytes, at);
        }
        rest.copy_from_slice(&unpack_at::<K>(self.bytes, end)[..rest.len()]);
    }
}

#[inline]
fn pack_group<const K: usize>(group: &[u64; GROUP]) -> [u8; 64] {
    let mut words = [0u64; 9];
    for (j, &element) in group.iter().enumerate() {
        let element = element & (u64::MAX >> (64 - K));
        let (word, shift) = (j * K / 64, j * K % 64);
        words[word] |= element << shift;
        if shift + K > 64 {
            words[word + 1] |= element >> (64 - shift);
        }
    }
    let mut bytes = [0; 64];
    for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *chunk = word.to_le_bytes();
    }
    bytes
}

/// Bytes that are looked at for one group: whole words that hold it, wherever its last bit falls.
const WINDOW: usize = 72;

/// The group that begins at byte `at`.
#[inline]
fn unpack_at<const K: usize>(bytes: &[u8], at: usize) -> [u64; GROUP] {
    match bytes.get(at..at + WINDOW) {
        Some(window) => unpack_group::<K>(words(window)),
        None => unpack_group::<K>(words(&padded(bytes.get(at..).unwrap_or(&[])))),
    }
}

/// The end of a message, with zeros behind it.
fn padded(bytes: &[u8]) -> [u8; WINDOW] {
    let mut window = [0; WINDOW];
    let n = bytes.len().min(WINDOW);
    window[..n].copy_from_slice(&bytes[..n]);
    window
}

#[inline]
fn words(window: &[u8]) -> [u64; WINDOW / 8] {
    let mut words = [0; WINDOW / 8];
    for (word, bytes) in words.iter_mut().zip(window.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

#[inline]
fn unpack_group<const K: usize>(words: [u64; WINDOW / 8]) -> [u64; GROUP] {
    std::array::from_fn(|j| {
        let (word, shift) = (j * K / 64, j * K % 64);
        let high = if shift + K > 64 { words[word + 1] << (64 - shift) } else { 0 };
        (words[word] >> shift | high) & (u64::MAX >> (64 - K))
    })
}

macro_rules! widths {
    ($k:expr, $job:expr; $($width:literal)*) => {
        match $k { $($width => $job.run::<$width>(),)* _ => debug_assert!(false, "width {} is not 1 to 64", $k) }
    };
}

#[rustfmt::skip]
fn by_width(k: u32, job: impl PerWidth) {
    widths!(k, job;
        1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
        33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The layout in the module's text, bit by bit.
    fn slow(k: u32, elements: &[u64]) -> Vec<u8> {
        let mut bytes = vec![0u8; packed_len(elements.len(), k).unwrap_or(0)];
        for (e, element) in elements.iter().enumerate() {
            for b in 0..k as usize {
                let bit = e * k as usize + b;
                bytes[bit / 8] |= ((element >> b & 1) as u8) << (bit % 8);
            }
        }
        bytes
    }

    proptest! {
        #[test]
        fn packing_follows_the_layout_and_unpacking_undoes_it(
            k in 1u32..=64,
            elements in proptest::collection::vec(any::<u64>(), 0..40),
        ) {
            let mut bytes = Vec::new();
            pack(k, &elements, &mut bytes);
            prop_assert_eq!(&bytes, &slow(k, &elements));
            for first in (0..elements.len()).step_by(GROUP) {
                let mut out = vec![0; elements.len() - first];
                unpack(k, &bytes, first, &mut out);
                let expected: Vec<u64> = elements[first..].iter().map(|&x| crate::reduce(x, k)).collect();
                prop_assert_eq!(out, expected);
            }
        }

        #[test]
        fn a_short_message_reads_as_zeros(k in 1u32..=64, bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            let mut out = vec![u64::MAX; 64];
            unpack(k, &bytes, 40, &mut out);
            let whole = bytes.len().saturating_sub(40 / 8 * k as usize) * 8 / k as usize;
            prop_assert!(out[(whole + 1).min(64)..].iter().all(|&x| x == 0));
        }
    }
}
