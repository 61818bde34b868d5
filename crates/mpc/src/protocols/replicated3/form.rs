//! How tensors add up, and how they are written to the wire.

use privet_ring::GROUP;
use privet_ring::pack::{pack, packed_len, unpack};

/// What is dealt or settled: how it adds up, and how long it is on the wire.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// n integers modulo 2^k.
    Ring { k: u32, n: usize },
    /// `planes` times n bits, each plane in words of its own and in whole bytes on the wire.
    Bits { planes: usize, n: usize },
}

impl Form {
    /// Words in memory.
    pub(super) fn words(self) -> usize {
        match self {
            Self::Ring { n, .. } => n,
            Self::Bits { planes, n } => planes * n.div_ceil(64),
        }
    }

    /// Bytes on the wire.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Ring { k, n } => packed_len(n, k).unwrap_or(usize::MAX),
            Self::Bits { planes, n } => planes * n.div_ceil(GROUP),
        }
    }

    pub(super) fn write(self, words: &[u64], out: &mut Vec<u8>) {
        match self {
            Self::Ring { k, .. } => pack(k, words, out),
            Self::Bits { n, .. } => {
                for plane in words.chunks_exact(n.div_ceil(64).max(1)) {
                    let end = out.len() + n.div_ceil(GROUP);
                    out.extend(plane.iter().flat_map(|word| word.to_le_bytes()));
                    out.truncate(end);
                }
            }
        }
    }

    /// What `write` wrote; bytes that are missing read as zero.
    pub(super) fn read(self, bytes: &[u8]) -> Vec<u64> {
        let mut words = vec![0; self.words()];
        match self {
            Self::Ring { k, .. } => unpack(k, bytes, 0, &mut words),
            Self::Bits { n, .. } => {
                let planes = words.chunks_exact_mut(n.div_ceil(64).max(1));
                for (plane, bytes) in planes.zip(bytes.chunks(n.div_ceil(GROUP).max(1))) {
                    for (word, bytes) in plane.iter_mut().zip(bytes.chunks(8)) {
                        let mut whole = [0; 8];
                        whole[..bytes.len()].copy_from_slice(bytes);
                        *word = u64::from_le_bytes(whole);
                    }
                }
            }
        }
        words
    }

    pub(super) fn minus(self, x: &mut [u64], y: &[u64]) {
        match self {
            Self::Ring { .. } => x.iter_mut().zip(y).for_each(|(x, y)| *x = x.wrapping_sub(*y)),
            Self::Bits { .. } => x.iter_mut().zip(y).for_each(|(x, y)| *x ^= y),
        }
    }

    pub(super) fn plus(self, x: &mut [u64], y: &[u64]) {
        match self {
            Self::Ring { .. } => x.iter_mut().zip(y).for_each(|(x, y)| *x = x.wrapping_add(*y)),
            Self::Bits { .. } => self.minus(x, y),
        }
    }
}
