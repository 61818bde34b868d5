//! Inner products, and the client's subtraction of masks, with the widest instructions that the processor has.
//!
//! The bodies are plain iterator code that the compiler vectorises; the only `unsafe` of this crate calls such a body
//! compiled for instructions that were found to be there. Results do not depend on which one ran.

#![allow(unsafe_code)]

/// Compiles a function for AVX-512, AVX2 and the baseline, and picks one at run time.
macro_rules! multiversioned {
    ($(#[$meta:meta])* pub fn $name:ident($($arg:ident: $type:ty),*) $body:block) => {
        $(#[$meta])*
        pub fn $name($($arg: $type),*) {
            #[inline(always)]
            fn portable($($arg: $type),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
                fn avx512($($arg: $type),*) { portable($($arg),*) }
                #[target_feature(enable = "avx2")]
                fn avx2($($arg: $type),*) { portable($($arg),*) }

                if std::arch::is_x86_feature_detected!("avx512dq")
                    && std::arch::is_x86_feature_detected!("avx512bw")
                    && std::arch::is_x86_feature_detected!("avx512vl")
                {
                    // SAFETY: the processor has these instructions, as was just asked.
                    return unsafe { avx512($($arg),*) };
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: as above.
                    return unsafe { avx2($($arg),*) };
                }
            }
            portable($($arg),*);
        }
    };
}

multiversioned! {
    /// Adds to `out[r]` the inner product of row `r` of `x` with `weights`, modulo 2^64. `x` is row-major with rows as
    /// long as `weights`; rows beyond `out` are left out.
    pub fn add_products(x: &[u64], weights: &[u64], out: &mut [u64]) {
        for (row, sum) in x.chunks_exact(weights.len().max(1)).zip(out) {
            *sum = row.iter().zip(weights).fold(*sum, |sum, (&a, &b)| sum.wrapping_add(a.wrapping_mul(b)));
        }
    }
}

multiversioned! {
    /// Adds to `out` the rows of `x`, each times its factor, modulo 2^64. `x` is row-major with rows as long as `out`.
    pub fn add_combined(x: &[u64], factors: &[u64], out: &mut [u64]) {
        for (row, &factor) in x.chunks_exact(out.len().max(1)).zip(factors) {
            for (sum, &x) in out.iter_mut().zip(row) {
                *sum = sum.wrapping_add(x.wrapping_mul(factor));
            }
        }
    }
}

multiversioned! {
    /// Adds to `out` the convolution of `x` with the weights `w`, modulo 2^64; lengths as the shape says.
    pub fn add_convolution(shape: &crate::conv::Conv2d, x: &[u64], w: &[u64], out: &mut [u64]) {
        shape.add(x, w, out);
    }
}

multiversioned! {
    /// `x[i] -= a[i] + b[i]`, modulo 2^64: the explicit third share of values whose other two shares are `a` and `b`.
    pub fn subtract_both(x: &mut [u64], a: &[u64], b: &[u64]) {
        for ((x, &a), &b) in x.iter_mut().zip(a).zip(b) {
            *x = x.wrapping_sub(a).wrapping_sub(b);
        }
    }
}

multiversioned! {
    /// Encodes each row of `x` in fixed point, column `j` with `scales[j]`: see [`encode`](crate::fixed::encode).
    pub fn encode_rows(x: &[f64], scales: &[f64], out: &mut [u64]) {
        let columns = scales.len().max(1);
        for (row, out) in x.chunks_exact(columns).zip(out.chunks_exact_mut(columns)) {
            for ((&x, &scale), out) in row.iter().zip(scales).zip(out) {
                *out = crate::fixed::encode(x, scale);
            }
        }
    }
}

multiversioned! {
    /// `ok` becomes false unless every value of every row lies between its column's ends. NaN does not.
    #[allow(clippy::needless_bitwise_bool)] // without branches, so that values are compared side by side
    pub fn check_rows(x: &[f64], low: &[f64], high: &[f64], ok: &mut bool) {
        for row in x.chunks_exact(high.len().max(1)) {
            let ends = low.iter().zip(high);
            *ok &= row.iter().zip(ends).fold(true, |all, (x, (low, high))| all & (low <= x) & (x <= high));
        }
    }
}

multiversioned! {
    /// Writes the counter blocks `first..`: eight zero bytes and the big-endian number, as they lie in memory.
    pub fn write_counters(first: u64, blocks: &mut [[u64; 2]]) {
        for (i, block) in blocks.iter_mut().enumerate() {
            *block = [0, first.wrapping_add(i as u64).to_be()];
        }
    }
}

/// Partial sums that are kept apart, so that a sum of floats is the same on every processor.
const LANES: usize = 32;

multiversioned! {
    /// `out[r]` = `bias` plus the inner product of row `r` of `x` with `weights`, in float64, in a fixed order of additions.
    pub fn float_products(x: &[f64], weights: &[f64], bias: f64, out: &mut [f64]) {
        for (row, out) in x.chunks_exact(weights.len().max(1)).zip(out) {
            let mut lanes = [0.0; LANES];
            let (xs, x_rest) = row.as_chunks::<LANES>();
            let (ws, w_rest) = weights.as_chunks::<LANES>();
            for (x, w) in xs.iter().zip(ws) {
                for ((lane, x), w) in lanes.iter_mut().zip(x).zip(w) {
                    *lane += x * w;
                }
            }
            let rest: f64 = x_rest.iter().zip(w_rest).map(|(x, w)| x * w).sum();
            *out = bias + (lanes.iter().sum::<f64>() + rest);
        }
    }
}

multiversioned! {
    /// Widens float32 to float64, exactly.
    pub fn widen(x: &[f32], out: &mut [f64]) {
        for (&x, out) in x.iter().zip(out) {
            *out = f64::from(x);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::cast_possible_truncation)] // modulo 2^64 is what is tested

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn products_are_exact_modulo_two_to_the_64(
            weights in proptest::collection::vec(any::<u64>(), 1..70),
            start in any::<u64>(),
            x in proptest::collection::vec(any::<u64>(), 210),
        ) {
            let rows = x.len() / weights.len();
            let mut out = vec![start; rows];
            add_products(&x, &weights, &mut out);
            for (r, &got) in out.iter().enumerate() {
                let exact: u128 = weights.iter().enumerate()
                    .map(|(j, &w)| u128::from(x[r * weights.len() + j].wrapping_mul(w))).sum();
                prop_assert_eq!(got, ((exact & u128::from(u64::MAX)) as u64).wrapping_add(start));
            }
        }

        #[test]
        fn combined_rows_are_exact_modulo_two_to_the_64(
            factors in proptest::collection::vec(any::<u64>(), 1..9),
            start in any::<u64>(),
            x in proptest::collection::vec(any::<u64>(), 210),
        ) {
            let columns = x.len() / factors.len();
            let mut out = vec![start; columns];
            add_combined(&x, &factors, &mut out);
            for (c, &got) in out.iter().enumerate() {
                let column = factors.iter().enumerate().map(|(r, f)| x[r * columns + c].wrapping_mul(*f));
                prop_assert_eq!(got, column.fold(start, u64::wrapping_add));
            }
        }

        #[test]
        fn one_bad_value_is_seen(bad in 0usize..60, columns in 1usize..8) {
            let mut x = vec![1.0; 60 / columns * columns];
            let (low, high) = (vec![0.25; columns], vec![1.0; columns]);
            let mut ok = true;
            check_rows(&x, &low, &high, &mut ok);
            prop_assert!(ok);
            let bad = bad % x.len();
            for value in [f64::NAN, f64::INFINITY, 1.000_001, 0.249_999, -0.5] {
                x[bad] = value;
                let mut ok = true;
                check_rows(&x, &low, &high, &mut ok);
                prop_assert!(!ok);
            }
        }

        #[test]
        fn float_products_are_within_rounding(weights in proptest::collection::vec(-1.0f64..1.0, 1..100)) {
            let x: Vec<f64> = weights.iter().map(|w| w * 3.0 - 0.5).collect();
            let mut out = [0.0];
            float_products(&x, &weights, 0.25, &mut out);
            let expected: f64 = 0.25 + x.iter().zip(&weights).map(|(a, b)| a * b).sum::<f64>();
            prop_assert!((out[0] - expected).abs() < 1e-12);
        }
    }
}
