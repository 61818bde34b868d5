//! Arithmetic modulo a prime below 2^50, eight numbers at a time, by the 52-bit multiply-add instructions of AVX-512: transforms,
//! products by fixed factors, products.
//!
//! Where a processor has no such instructions there is no [`Wide`], and the caller has code of its own. `unsafe` is what the compiler
//! cannot know: that the processor was asked, and that eight numbers lie behind a reference to eight.

#![allow(unsafe_code)]
// The names of the paper's butterflies.
#![allow(clippy::many_single_char_names)]
// Places among sixteen numbers.
#![allow(clippy::cast_possible_wrap)]

/// The widest prime, in bits: four times it still has 52.
pub const MOST_BITS: u32 = 50;

/// Says that the processor has the instructions; only [`Wide::there`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Wide(());

/// Factors modulo q, with ⌊factor·2^64 / q⌋ of each.
#[derive(Clone, Copy)]
pub struct Factors<'a> {
    /// Below q.
    pub factors: &'a [u64],
    /// One for each.
    pub quotients: &'a [u64],
}

impl Wide {
    /// Whether this processor has them.
    pub fn there() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512ifma")
        {
            return Some(Self(()));
        }
        None
    }
}

#[cfg(target_arch = "x86_64")]
mod ifma {
    use std::arch::x86_64::{
        __m512i, _mm_cvtsi64_si128, _mm512_add_epi64, _mm512_and_si512, _mm512_loadu_si512,
        _mm512_madd52hi_epu64, _mm512_madd52lo_epu64, _mm512_maskz_loadu_epi64, _mm512_min_epu64,
        _mm512_or_si512, _mm512_permutex2var_epi64, _mm512_permutexvar_epi64, _mm512_set1_epi64,
        _mm512_setr_epi64, _mm512_setzero_si512, _mm512_sll_epi64, _mm512_srl_epi64, _mm512_srli_epi64,
        _mm512_storeu_si512, _mm512_sub_epi64,
    };

    use super::{Factors, Wide};

    /// A prime, twice the prime, and 52 ones.
    #[derive(Clone, Copy)]
    struct Prime {
        q: __m512i,
        q2: __m512i,
        mask: __m512i,
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn prime(q: u64) -> Prime {
        let all = |x: u64| _mm512_set1_epi64(x.cast_signed());
        Prime { q: all(q), q2: all(2 * q), mask: all((1 << 52) - 1) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(x: &[u64; 8]) -> __m512i {
        // SAFETY: eight numbers lie there.
        unsafe { _mm512_loadu_si512(x.as_ptr().cast()) }
    }

    /// The first N places, zeros behind.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load_few<const N: usize>(x: &[u64; N]) -> __m512i {
        // SAFETY: N numbers lie there, and no more are read.
        unsafe { _mm512_maskz_loadu_epi64(u8::MAX >> (8 - N), x.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store(to: &mut [u64; 8], x: __m512i) {
        // SAFETY: eight numbers have room there.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), x) }
    }

    /// The lesser of x and x - m: x reduced by m once, as what is negative is large.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn once(x: __m512i, m: __m512i) -> __m512i {
        _mm512_min_epu64(x, _mm512_sub_epi64(x, m))
    }

    /// x·factor below 2q, for x below 2^52; `quotient` is ⌊factor·2^52 / q⌋.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn times(p: Prime, x: __m512i, (factor, quotient): (__m512i, __m512i)) -> __m512i {
        let zero = _mm512_setzero_si512();
        let estimate = _mm512_madd52hi_epu64(zero, x, quotient);
        let (product, multiple) =
            (_mm512_madd52lo_epu64(zero, x, factor), _mm512_madd52lo_epu64(zero, estimate, p.q));
        _mm512_and_si512(_mm512_sub_epi64(product, multiple), p.mask)
    }

    /// Values below 4q to values below 4q.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn butterfly(p: Prime, x: __m512i, y: __m512i, root: (__m512i, __m512i)) -> (__m512i, __m512i) {
        let (u, v) = (once(x, p.q2), times(p, y, root));
        (_mm512_add_epi64(u, v), _mm512_sub_epi64(_mm512_add_epi64(u, p.q2), v))
    }

    /// Values below 2q to values below 2q.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn butterfly_back(p: Prime, x: __m512i, y: __m512i, root: (__m512i, __m512i)) -> (__m512i, __m512i) {
        let sum = once(_mm512_add_epi64(x, y), p.q2);
        (sum, times(p, _mm512_sub_epi64(_mm512_add_epi64(x, p.q2), y), root))
    }

    /// A factor in every place.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn broadcast(roots: Factors<'_>, at: usize) -> (__m512i, __m512i) {
        let all = |x: u64| _mm512_set1_epi64(x.cast_signed());
        (all(roots.factors[at]), all(roots.quotients[at] >> 12))
    }

    /// N factors, each in 8/N places after each other.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn spread<const N: usize>(roots: Factors<'_>, first: usize) -> Option<(__m512i, __m512i)> {
        let at = |i: usize| (i * N / 8) as i64;
        let places = _mm512_setr_epi64(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7));
        let factors = load_few(roots.factors.get(first..)?.first_chunk::<N>()?);
        let quotients = load_few(roots.quotients.get(first..)?.first_chunk::<N>()?);
        let spread = |x| _mm512_permutexvar_epi64(places, x);
        Some((spread(factors), _mm512_srli_epi64::<12>(spread(quotients))))
    }

    /// Where the left and the right halves of blocks stand in sixteen numbers, and back.
    struct Places {
        left: __m512i,
        right: __m512i,
        low: __m512i,
        high: __m512i,
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn places<const HALF: usize>() -> Places {
        // Number i of the left halves stands in block i / HALF.
        let of = |i: usize| (i / HALF * 2 * HALF + i % HALF) as i64;
        // Number i of all sixteen is in the left halves if its block's place is below HALF.
        let back = |i: usize| {
            let (block, place) = (i / (2 * HALF), i % (2 * HALF));
            (if place < HALF { block * HALF + place } else { 8 + block * HALF + place - HALF }) as i64
        };
        let all =
            |f: &dyn Fn(usize) -> i64| _mm512_setr_epi64(f(0), f(1), f(2), f(3), f(4), f(5), f(6), f(7));
        Places {
            left: all(&of),
            right: all(&|i| of(i) + HALF as i64),
            low: all(&back),
            high: all(&|i| back(i + 8)),
        }
    }

    /// One level of blocks of 16 / N numbers, within sixteen.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn within<const N: usize, const BACK: bool>(
        p: Prime,
        at: &Places,
        (a, b): (__m512i, __m512i),
        root: (__m512i, __m512i),
    ) -> (__m512i, __m512i) {
        let (x, y) = (_mm512_permutex2var_epi64(a, at.left, b), _mm512_permutex2var_epi64(a, at.right, b));
        let (x, y) = if BACK { butterfly_back(p, x, y, root) } else { butterfly(p, x, y, root) };
        (_mm512_permutex2var_epi64(x, at.low, y), _mm512_permutex2var_epi64(x, at.high, y))
    }

    /// One level whose halves are whole vectors.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn across<const BACK: bool>(p: Prime, a: &mut [u64], half: usize, roots: Factors<'_>) {
        let first = a.len() / (2 * half);
        for (block, at) in a.chunks_exact_mut(2 * half).zip(first..) {
            let root = broadcast(roots, at);
            let (left, right) = block.split_at_mut(half);
            let pairs = left.as_chunks_mut::<8>().0.iter_mut().zip(right.as_chunks_mut::<8>().0);
            for (x, y) in pairs {
                let (u, v) = (load(x), load(y));
                let (u, v) = if BACK { butterfly_back(p, u, v, root) } else { butterfly(p, u, v, root) };
                store(x, u);
                store(y, v);
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn forward(_: Wide, a: &mut [u64], roots: Factors<'_>, q: u64) {
        let (p, n) = (prime(q), a.len());
        let mut half = n / 2;
        while half >= 8 {
            across::<false>(p, a, half, roots);
            half /= 2;
        }
        let (four, two, one) = (places::<4>(), places::<2>(), places::<1>());
        for (i, sixteen) in a.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            let Some(((a, b), [r4, r2, r1])) = last_levels(sixteen, roots, n, i) else { return };
            let (a, b) = within::<2, false>(p, &four, (a, b), r4);
            let (a, b) = within::<4, false>(p, &two, (a, b), r2);
            let (a, b) = within::<8, false>(p, &one, (a, b), r1);
            put(sixteen, once(once(a, p.q2), p.q), once(once(b, p.q2), p.q));
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn backward(_: Wide, a: &mut [u64], roots: Factors<'_>, shrink: Factors<'_>, q: u64) {
        let (p, n) = (prime(q), a.len());
        let (four, two, one) = (places::<4>(), places::<2>(), places::<1>());
        for (i, sixteen) in a.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            let Some(((a, b), [r4, r2, r1])) = last_levels(sixteen, roots, n, i) else { return };
            let (a, b) = within::<8, true>(p, &one, (a, b), r1);
            let (a, b) = within::<4, true>(p, &two, (a, b), r2);
            let (a, b) = within::<2, true>(p, &four, (a, b), r4);
            put(sixteen, a, b);
        }
        let mut half = 8;
        while half < n {
            across::<true>(p, a, half, roots);
            half *= 2;
        }
        let shrink = broadcast(shrink, 0);
        for x in a.as_chunks_mut::<8>().0 {
            let product = times(p, load(x), shrink);
            store(x, once(product, p.q));
        }
    }

    /// Sixteen numbers, and the roots of the levels within them: of blocks of eight, of four, of two.
    type Last = ((__m512i, __m512i), [(__m512i, __m512i); 3]);

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn last_levels(sixteen: &[u64; 16], roots: Factors<'_>, n: usize, i: usize) -> Option<Last> {
        let (a, b) = (load(sixteen.first_chunk()?), load(sixteen.last_chunk()?));
        let of = [
            spread::<2>(roots, n / 8 + 2 * i)?,
            spread::<4>(roots, n / 4 + 4 * i)?,
            spread::<8>(roots, n / 2 + 8 * i)?,
        ];
        Some(((a, b), of))
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn put(to: &mut [u64; 16], a: __m512i, b: __m512i) {
        let (low, high) = to.split_at_mut(8);
        if let (Some(low), Some(high)) = (low.first_chunk_mut(), high.first_chunk_mut()) {
            store(low, a);
            store(high, b);
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn multiply_by(_: Wide, x: &mut [u64], by: Factors<'_>, q: u64) {
        let p = prime(q);
        let (factors, quotients) = (by.factors.as_chunks::<8>().0, by.quotients.as_chunks::<8>().0);
        for ((x, factor), quotient) in x.as_chunks_mut::<8>().0.iter_mut().zip(factors).zip(quotients) {
            let by = (load(factor), _mm512_srli_epi64::<12>(load(quotient)));
            let product = times(p, load(x), by);
            store(x, once(product, p.q));
        }
    }

    /// Barrett's reduction (Handbook of Applied Cryptography, 14.42) with the product's 104 bits in two halves. `bits` is q's length.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn multiply(_: Wide, x: &mut [u64], y: &[u64], q: u64) {
        let (p, bits) = (prime(q), 64 - i64::from(q.leading_zeros()));
        let zero = _mm512_setzero_si512();
        #[allow(clippy::cast_possible_truncation)] // below 2^51
        let reciprocal = ((1u128 << (50 + bits)) / u128::from(q)) as u64;
        let reciprocal = _mm512_set1_epi64(reciprocal.cast_signed());
        let (up, down) = (_mm_cvtsi64_si128(54 - bits), _mm_cvtsi64_si128(bits - 2));
        for (x, y) in x.as_chunks_mut::<8>().0.iter_mut().zip(y.as_chunks::<8>().0) {
            let (a, b) = (load(x), load(y));
            let (low, high) = (_mm512_madd52lo_epu64(zero, a, b), _mm512_madd52hi_epu64(zero, a, b));
            // The product without its lowest bits - 2 bits: below 2^52.
            let top = _mm512_or_si512(_mm512_sll_epi64(high, up), _mm512_srl_epi64(low, down));
            let estimate = _mm512_madd52hi_epu64(zero, top, reciprocal);
            let rest = _mm512_sub_epi64(low, _mm512_madd52lo_epu64(zero, estimate, p.q));
            // The estimate is at most three too small, so the rest is below 4q.
            store(x, once(once(_mm512_and_si512(rest, p.mask), p.q2), p.q));
        }
    }
}

macro_rules! with_ifma {
    ($name:ident($wide:ident, $($argument:ident),*)) => {{
        #[cfg(target_arch = "x86_64")]
        // SAFETY: there is a `Wide` only where the processor has the instructions.
        unsafe {
            ifma::$name($wide, $($argument),*);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = ($wide, $($argument),*);
    }};
}

/// The transform of `a`, whose numbers are below q, in place: at least 16, a power of two, of them and of roots, in the transform's order.
/// A prime of at most [`MOST_BITS`].
pub fn forward(wide: Wide, a: &mut [u64], roots: Factors<'_>, q: u64) {
    with_ifma!(forward(wide, a, roots, q));
}

/// Back from [`forward`]; `shrink` is 1 divided by how many numbers there are.
pub fn backward(wide: Wide, a: &mut [u64], roots: Factors<'_>, shrink: Factors<'_>, q: u64) {
    with_ifma!(backward(wide, a, roots, shrink, q));
}

/// `x·by`, number by number, for as many as are a multiple of eight.
pub fn multiply_by(wide: Wide, x: &mut [u64], by: Factors<'_>, q: u64) {
    with_ifma!(multiply_by(wide, x, by, q));
}

/// `x·y`, number by number, for as many as are a multiple of eight.
pub fn multiply(wide: Wide, x: &mut [u64], y: &[u64], q: u64) {
    with_ifma!(multiply(wide, x, y, q));
}
