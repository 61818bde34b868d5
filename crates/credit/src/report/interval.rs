//! Wilson's 95 % interval of a rate.

/// The 97.5 % point of the normal distribution: 95 % lie between it and its negative.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// Wilson's score interval for `hits` of `trials`, as [low, high]; none without a trial. Unlike the rate plus or minus
/// its standard error it stays within [0, 1] and is right for few hits.
pub(super) fn wilson(hits: usize, trials: usize) -> Option<[f64; 2]> {
    if trials == 0 {
        return None;
    }
    let (n, rate) = (trials as f64, hits as f64 / trials as f64);
    let square = Z * Z;
    let middle = rate + square / (2.0 * n);
    let reach = Z * (rate * (1.0 - rate) / n + square / (4.0 * n * n)).sqrt();
    let bound = |value: f64| (value / (1.0 + square / n)).clamp(0.0, 1.0);
    Some([bound(middle - reach), bound(middle + reach)])
}

/// A share, where there is anything to share.
pub(super) fn share(part: f64, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part / whole as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn published_values() {
        // Newcombe 1998, table I, method 3.
        for (hits, trials, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)]
        {
            let [l, h] = wilson(hits, trials).unwrap();
            assert!((l - low).abs() < 5e-5 && (h - high).abs() < 5e-5, "{hits} of {trials}: {l} {h}");
        }
        assert_eq!(wilson(0, 0), None);
    }

    proptest! {
        /// The ends are the two rates whose own normal test just rejects what was seen.
        #[test]
        fn ends_solve_the_score_equation(trials in 1_usize..5000, some in any::<usize>()) {
            let hits = some % (trials + 1);
            let rate = hits as f64 / trials as f64;
            for end in wilson(hits, trials).unwrap() {
                let left = (rate - end).powi(2);
                let right = Z * Z * end * (1.0 - end) / trials as f64;
                prop_assert!((left - right).abs() < 1e-12, "{left} {right}");
            }
        }
    }
}
