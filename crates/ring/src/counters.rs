//! AES-128 of consecutive counters: what a seed expands to.
//!
//! The `aes` crate uses 256-bit AES instructions only where a processor has AVX-512 too. Some generations have
//! the one without the other (Zen 3): for them the same blocks are made here, two per instruction. The `unsafe`
//! of this module calls functions compiled for instructions that were found to be there.

use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Block};

use crate::kernels::write_counters;

/// A key, ready to encrypt counter blocks: eight zero bytes and a 64-bit big-endian number.
pub(crate) enum Counters {
    /// By the `aes` crate, with what it finds.
    Any(Box<Aes128>),
    /// Two blocks per instruction.
    #[cfg(target_arch = "x86_64")]
    Wide(Box<wide::Keys>),
}

impl Counters {
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(keys) = wide::Keys::expand(key) {
            return Self::Wide(Box::new(keys));
        }
        Self::any(key)
    }

    fn any(key: &[u8; 16]) -> Self {
        Self::Any(Box::new(Aes128::new(key.into())))
    }

    /// The encrypted counters `first..`, as they lie in memory.
    pub(crate) fn fill(&self, first: u64, blocks: &mut [[u64; 2]]) {
        match self {
            Self::Any(cipher) => {
                write_counters(first, blocks);
                let bytes: &mut [[u8; 16]] = bytemuck::cast_slice_mut(blocks);
                let blocks: &mut [Block] = Array::cast_slice_from_core_mut(bytes);
                cipher.encrypt_blocks(blocks);
            }
            #[cfg(target_arch = "x86_64")]
            Self::Wide(keys) => keys.fill(first, blocks),
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod wide {
    #![allow(unsafe_code)]

    use std::arch::x86_64::{
        __m128i, __m256i, _mm_aeskeygenassist_si128, _mm_setzero_si128, _mm_shuffle_epi32, _mm_slli_si128,
        _mm_xor_si128, _mm256_add_epi64, _mm256_aesenc_epi128, _mm256_aesenclast_epi128,
        _mm256_broadcastsi128_si256, _mm256_set_epi64x, _mm256_setr_epi8, _mm256_shuffle_epi8,
        _mm256_xor_si256,
    };

    use zeroize::{Zeroize as _, ZeroizeOnDrop};

    /// The round keys of FIPS 197, §5.2.
    #[derive(ZeroizeOnDrop)]
    pub(crate) struct Keys([__m128i; 11]);

    /// Registers that are worked on at a time: enough for the instructions' latency, with two blocks in each.
    const REGISTERS: usize = 8;
    const BLOCKS: usize = 2 * REGISTERS;

    impl Keys {
        /// `None` where the processor has no such instructions.
        pub(crate) fn expand(key: &[u8; 16]) -> Option<Self> {
            let has_all = is_x86_feature_detected!("vaes")
                && is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("aes");
            // SAFETY: the processor has these instructions, as was just asked.
            has_all.then(|| Self(unsafe { expand(*key) }))
        }

        pub(crate) fn fill(&self, first: u64, blocks: &mut [[u64; 2]]) {
            // SAFETY: keys are only made where the processor has these instructions.
            unsafe { fill(&self.0, first, blocks) }
        }
    }

    #[target_feature(enable = "aes,sse2")]
    fn expand(key: [u8; 16]) -> [__m128i; 11] {
        let mut keys = [_mm_setzero_si128(); 11];
        keys[0] = bytemuck::cast(key);
        keys[1] = next::<0x01>(keys[0]);
        keys[2] = next::<0x02>(keys[1]);
        keys[3] = next::<0x04>(keys[2]);
        keys[4] = next::<0x08>(keys[3]);
        keys[5] = next::<0x10>(keys[4]);
        keys[6] = next::<0x20>(keys[5]);
        keys[7] = next::<0x40>(keys[6]);
        keys[8] = next::<0x80>(keys[7]);
        keys[9] = next::<0x1b>(keys[8]);
        keys[10] = next::<0x36>(keys[9]);
        keys
    }

    /// One round of the key schedule: each word is the sum of those before it, and of the last one turned and substituted.
    #[target_feature(enable = "aes,sse2")]
    fn next<const ROUND: i32>(key: __m128i) -> __m128i {
        let turned = _mm_shuffle_epi32::<0xff>(_mm_aeskeygenassist_si128::<ROUND>(key));
        let mut sums = key;
        for _ in 0..3 {
            sums = _mm_xor_si128(key, _mm_slli_si128::<4>(sums));
        }
        _mm_xor_si128(sums, turned)
    }

    #[target_feature(enable = "vaes,avx2,aes")]
    fn fill(keys: &[__m128i; 11], first: u64, blocks: &mut [[u64; 2]]) {
        let mut wide = keys.map(|key| _mm256_broadcastsi128_si256(key));
        let (whole, rest) = blocks.as_chunks_mut::<BLOCKS>();
        let mut number = first;
        for blocks in whole {
            encrypt(&wide, number, blocks);
            number = number.wrapping_add(BLOCKS as u64);
        }
        if !rest.is_empty() {
            let mut last = [[0; 2]; BLOCKS];
            encrypt(&wide, number, &mut last);
            rest.copy_from_slice(&last[..rest.len()]);
            last.zeroize();
        }
        wide.zeroize();
    }

    /// The blocks `number..`: counters counted as little-endian words, turned around, and through the cipher's ten rounds.
    #[target_feature(enable = "vaes,avx2,aes")]
    fn encrypt(keys: &[__m256i; 11], number: u64, out: &mut [[u64; 2]; BLOCKS]) {
        let turn = _mm256_setr_epi8(
            0, 1, 2, 3, 4, 5, 6, 7, 15, 14, 13, 12, 11, 10, 9, 8, 0, 1, 2, 3, 4, 5, 6, 7, 15, 14, 13, 12, 11,
            10, 9, 8,
        );
        let two = _mm256_set_epi64x(2, 0, 2, 0);
        let mut next = _mm256_set_epi64x(number.wrapping_add(1).cast_signed(), 0, number.cast_signed(), 0);
        let mut state = [keys[0]; REGISTERS];
        for block in &mut state {
            *block = _mm256_xor_si256(*block, _mm256_shuffle_epi8(next, turn));
            next = _mm256_add_epi64(next, two);
        }
        for key in &keys[1..10] {
            for block in &mut state {
                *block = _mm256_aesenc_epi128(*block, *key);
            }
        }
        for (block, out) in state.iter().zip(out.as_chunks_mut::<2>().0) {
            *out = bytemuck::cast(_mm256_aesenclast_epi128(*block, keys[10]));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_way_gives_the_same_blocks(key: [u8; 16], first: u64, count in 0usize..70) {
            let (mut found, mut any) = (vec![[0; 2]; count], vec![[0; 2]; count]);
            Counters::new(&key).fill(first, &mut found);
            Counters::any(&key).fill(first, &mut any);
            prop_assert_eq!(found, any);
        }
    }
}
