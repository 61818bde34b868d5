//! How tensors add up, and how they are written to the wire.

use privet_ring::GROUP;
use privet_ring::pack::{pack, packed_len, unpack};

/// What is dealt or settled: how it adds up, and how long it is on the wire.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocols) enum Form {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(n: usize, seed: u64) -> Vec<u64> {
        (1..=n as u64).map(|i| (i ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)).collect()
    }

    /// What counts of words in memory: k bits of each, or n bits of each plane.
    fn counted(form: Form, words: &[u64]) -> Vec<u64> {
        match form {
            Form::Ring { k, .. } => words.iter().map(|&x| privet_ring::reduce(x, k)).collect(),
            Form::Bits { n, .. } => {
                let of = n.div_ceil(64);
                let bits = |word: usize| (n - word % of * 64).min(64);
                words.iter().enumerate().map(|(i, &x)| x & (u64::MAX >> (64 - bits(i)))).collect()
            }
        }
    }

    fn form() -> impl Strategy<Value = Form> {
        prop_oneof![
            (1u32..=64, 0usize..40).prop_map(|(k, n)| Form::Ring { k, n }),
            (0usize..5, 1usize..200).prop_map(|(planes, n)| Form::Bits { planes, n }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_has_the_stated_length_and_is_read(form in form(), seed: u64) {
            let tensor = words(form.words(), seed);
            let mut bytes = vec![7];
            form.write(&tensor, &mut bytes);
            prop_assert_eq!(bytes.len(), 1 + form.bytes());
            prop_assert_eq!(counted(form, &form.read(&bytes[1..])), counted(form, &tensor));
        }

        #[test]
        fn a_short_message_is_read_without_harm(form in form(), length in 0usize..100) {
            prop_assert_eq!(form.read(&vec![255; length]).len(), form.words());
        }

        #[test]
        fn plus_undoes_minus(form in form(), seed: u64) {
            let (x, y) = (words(form.words(), seed), words(form.words(), !seed));
            let mut z = x.clone();
            form.minus(&mut z, &y);
            form.plus(&mut z, &y);
            prop_assert_eq!(z, x);
        }
    }
}
