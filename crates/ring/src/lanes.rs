//! Eight integers modulo 2^64 at a time, in a register where the processor has one that wide. The `unsafe` of this module calls
//! functions compiled for instructions that were found to be there.

#![allow(clippy::inline_always)] // so that loops are compiled for the instructions of their caller

use std::array::from_fn;

/// Integers that are worked on at a time.
pub(crate) const LANES: usize = 8;

/// Eight integers.
pub(crate) trait Lanes: Copy {
    fn all(x: u64) -> Self;
    fn load(x: &[u64; LANES]) -> Self;
    fn store(self, to: &mut [u64; LANES]);
    fn plus(self, y: Self) -> Self;
    fn minus(self, y: Self) -> Self;
    fn times(self, y: Self) -> Self;
    /// Bit by bit.
    fn and(self, y: Self) -> Self;
    /// Exclusive or.
    fn xor(self, y: Self) -> Self;
    /// Shifted by so many bits, towards higher ones.
    fn up(self, bits: u32) -> Self;
    /// Towards lower ones.
    fn down(self, bits: u32) -> Self;

    /// Integer i of each of eight becomes integer of that number of the i-th.
    fn transpose(x: &mut [Self; LANES]);

    /// Those of a longer slice, from a place on.
    #[inline(always)]
    fn at(x: &[u64], at: usize) -> Self {
        match x[at..].first_chunk() {
            Some(x) => Self::load(x),
            None => Self::all(0),
        }
    }

    /// Into a longer slice, from a place on.
    #[inline(always)]
    fn put(self, to: &mut [u64], at: usize) {
        if let Some(to) = to[at..].first_chunk_mut() {
            self.store(to);
        }
    }
}

/// A loop over lanes, compiled for each set of instructions. `run` is to be `#[inline(always)]`.
pub(crate) trait Kernel {
    type Output;

    fn run<L: Lanes>(self) -> Self::Output;
}

/// Runs it with the widest instructions.
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") && !is_narrow() {
        // SAFETY: the processor has these instructions, as was just asked.
        #[allow(unsafe_code)]
        return unsafe { x86::with_512(kernel) };
    }
    kernel.run::<[u64; LANES]>()
}

/// Whether a test wants what is run where registers are narrow.
#[cfg(all(target_arch = "x86_64", not(test)))]
fn is_narrow() -> bool {
    false
}

#[cfg(all(target_arch = "x86_64", test))]
fn is_narrow() -> bool {
    tests::NARROW.get()
}

impl Lanes for [u64; LANES] {
    #[inline(always)]
    fn all(x: u64) -> Self {
        [x; LANES]
    }

    #[inline(always)]
    fn load(x: &[u64; LANES]) -> Self {
        *x
    }

    #[inline(always)]
    fn store(self, to: &mut [u64; LANES]) {
        *to = self;
    }

    #[inline(always)]
    fn plus(self, y: Self) -> Self {
        from_fn(|i| self[i].wrapping_add(y[i]))
    }

    #[inline(always)]
    fn minus(self, y: Self) -> Self {
        from_fn(|i| self[i].wrapping_sub(y[i]))
    }

    #[inline(always)]
    fn times(self, y: Self) -> Self {
        from_fn(|i| self[i].wrapping_mul(y[i]))
    }

    #[inline(always)]
    fn and(self, y: Self) -> Self {
        from_fn(|i| self[i] & y[i])
    }

    #[inline(always)]
    fn xor(self, y: Self) -> Self {
        from_fn(|i| self[i] ^ y[i])
    }

    #[inline(always)]
    fn up(self, bits: u32) -> Self {
        from_fn(|i| self[i] << bits)
    }

    #[inline(always)]
    fn down(self, bits: u32) -> Self {
        from_fn(|i| self[i] >> bits)
    }

    #[inline(always)]
    fn transpose(x: &mut [Self; LANES]) {
        *x = from_fn(|i| from_fn(|j| x[j][i]));
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #![allow(unsafe_code)]

    use std::arch::x86_64::{
        __m512i, _mm_cvtsi64_si128, _mm512_add_epi64, _mm512_and_si512, _mm512_loadu_si512,
        _mm512_mullo_epi64, _mm512_permutex2var_epi64, _mm512_set1_epi64, _mm512_setr_epi64,
        _mm512_sll_epi64, _mm512_srl_epi64, _mm512_storeu_si512, _mm512_sub_epi64, _mm512_unpackhi_epi64,
        _mm512_unpacklo_epi64, _mm512_xor_si512,
    };

    use super::{Kernel, LANES, Lanes};

    /// A register. Nothing outside [`with_512`] makes one.
    #[derive(Clone, Copy)]
    struct Register(__m512i);

    #[target_feature(enable = "avx512f,avx512dq")]
    pub(super) fn with_512<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Register>()
    }

    // SAFETY, of all: only `with_512` runs a kernel with registers, and it is called where the processor has the instructions;
    // eight integers lie behind a reference to eight.
    impl Lanes for Register {
        #[inline(always)]
        fn all(x: u64) -> Self {
            Self(unsafe { _mm512_set1_epi64(x.cast_signed()) })
        }

        #[inline(always)]
        fn load(x: &[u64; LANES]) -> Self {
            Self(unsafe { _mm512_loadu_si512(x.as_ptr().cast()) })
        }

        #[inline(always)]
        fn store(self, to: &mut [u64; LANES]) {
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), self.0) }
        }

        #[inline(always)]
        fn plus(self, y: Self) -> Self {
            Self(unsafe { _mm512_add_epi64(self.0, y.0) })
        }

        #[inline(always)]
        fn minus(self, y: Self) -> Self {
            Self(unsafe { _mm512_sub_epi64(self.0, y.0) })
        }

        #[inline(always)]
        fn times(self, y: Self) -> Self {
            Self(unsafe { _mm512_mullo_epi64(self.0, y.0) })
        }

        #[inline(always)]
        fn and(self, y: Self) -> Self {
            Self(unsafe { _mm512_and_si512(self.0, y.0) })
        }

        #[inline(always)]
        fn xor(self, y: Self) -> Self {
            Self(unsafe { _mm512_xor_si512(self.0, y.0) })
        }

        #[inline(always)]
        fn up(self, bits: u32) -> Self {
            Self(unsafe { _mm512_sll_epi64(self.0, _mm_cvtsi64_si128(bits.into())) })
        }

        #[inline(always)]
        fn down(self, bits: u32) -> Self {
            Self(unsafe { _mm512_srl_epi64(self.0, _mm_cvtsi64_si128(bits.into())) })
        }

        /// Pairs of integers, then pairs of pairs, then halves change places.
        #[inline(always)]
        fn transpose(x: &mut [Self; LANES]) {
            for i in [0, 2, 4, 6] {
                let (a, b) = (x[i].0, x[i + 1].0);
                x[i].0 = unsafe { _mm512_unpacklo_epi64(a, b) };
                x[i + 1].0 = unsafe { _mm512_unpackhi_epi64(a, b) };
            }
            for i in [0, 1, 4, 5] {
                let (a, b) = (x[i].0, x[i + 2].0);
                x[i].0 =
                    unsafe { _mm512_permutex2var_epi64(a, _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), b) };
                x[i + 2].0 =
                    unsafe { _mm512_permutex2var_epi64(a, _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15), b) };
            }
            for i in 0..4 {
                let (a, b) = (x[i].0, x[i + 4].0);
                x[i].0 =
                    unsafe { _mm512_permutex2var_epi64(a, _mm512_setr_epi64(0, 1, 2, 3, 8, 9, 10, 11), b) };
                x[i + 4].0 =
                    unsafe { _mm512_permutex2var_epi64(a, _mm512_setr_epi64(4, 5, 6, 7, 12, 13, 14, 15), b) };
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        pub(crate) static NARROW: Cell<bool> = const { Cell::new(false) };
    }

    /// With the widest registers, and without.
    pub(crate) fn with_all_registers(test: impl Fn()) {
        for narrow in [false, true] {
            NARROW.set(narrow);
            test();
        }
        NARROW.set(false);
    }

    struct Transposed;

    impl Kernel for Transposed {
        type Output = [[u64; LANES]; LANES];

        #[inline(always)]
        fn run<L: Lanes>(self) -> Self::Output {
            let mut x: [L; LANES] = from_fn(|i| L::load(&from_fn(|j| (8 * i + j) as u64)));
            L::transpose(&mut x);
            let mut out = [[0; LANES]; LANES];
            x.into_iter().zip(&mut out).for_each(|(x, out)| x.store(out));
            out
        }
    }

    #[test]
    fn every_way_transposes() {
        let expected = from_fn(|i| from_fn(|j| (8 * j + i) as u64));
        assert_eq!(run(Transposed), expected);
        assert_eq!(Transposed.run::<[u64; LANES]>(), expected);
    }
}
