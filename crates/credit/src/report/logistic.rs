//! Logistic regression on one column, by Newton's method: the line of the calibration.

/// P(default) = sigmoid(intercept + slope x).
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub intercept: f64,
    pub slope: f64,
}

/// Far more than a fit that exists needs: Newton doubles the digits with each step.
const STEPS: usize = 60;

/// Largest move, relative to 1 + the value, of the last step.
const TOLERANCE: f64 = 1e-10;

/// The line of greatest likelihood. None where there is none: no defaults or only defaults, one value of `x` throughout,
/// or values that separate the two perfectly (the slope then grows without end).
pub(super) fn line(targets: &[bool], x: &[f64]) -> Option<Line> {
    let mut line = Line { intercept: 0.0, slope: 0.0 };
    let mut likelihood = log_likelihood(line, targets, x);
    for _ in 0..STEPS {
        let (towards, size) = newton(line, targets, x)?;
        // Half as far until it is no worse; the likelihood is concave, so there is such a length.
        let shorten = |halvings: i32| {
            let length = 0.5_f64.powi(halvings);
            Line {
                intercept: line.intercept + length * towards.intercept,
                slope: line.slope + length * towards.slope,
            }
        };
        let better = |line: &Line| log_likelihood(*line, targets, x) >= likelihood - 1e-12 * likelihood.abs();
        line = (0..30).map(shorten).find(better)?;
        likelihood = log_likelihood(line, targets, x);
        if size < TOLERANCE {
            return Some(line);
        }
    }
    None
}

/// The full step from `line`, and the larger of its two relative sizes; none where the curvature is singular.
fn newton(line: Line, targets: &[bool], x: &[f64]) -> Option<(Line, f64)> {
    let (mut gradient, mut curvature) = ([0.0; 2], [0.0; 3]);
    for (&target, &x) in targets.iter().zip(x) {
        let probability = sigmoid(line.intercept + line.slope * x);
        let (off, weight) = (f64::from(target) - probability, probability * (1.0 - probability));
        gradient = [gradient[0] + off, gradient[1] + off * x];
        curvature = [curvature[0] + weight, curvature[1] + weight * x, curvature[2] + weight * x * x];
    }
    let [a, b, c] = curvature;
    let determinant = a * c - b * b;
    // Relative to its terms: what is left of them when `x` is constant is rounding.
    if !(determinant > 1e-12 * a * c && a > 1e-9) {
        return None;
    }
    let intercept = (c * gradient[0] - b * gradient[1]) / determinant;
    let slope = (a * gradient[1] - b * gradient[0]) / determinant;
    let relative = |step: f64, value: f64| step.abs() / (1.0 + value.abs());
    let size = relative(intercept, line.intercept).max(relative(slope, line.slope));
    Some((Line { intercept, slope }, size))
}

fn log_likelihood(line: Line, targets: &[bool], x: &[f64]) -> f64 {
    let of_row = |(&target, &x): (&bool, &f64)| {
        let z = line.intercept + line.slope * x;
        // ln(sigmoid(s)) = -ln(1 + e^-s) without overflow.
        let s = if target { z } else { -z };
        s.min(0.0) - (-s.abs()).exp().ln_1p()
    };
    targets.iter().zip(x).map(of_row).sum()
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::sample::rows_with_ties;

    #[test]
    fn two_values_have_a_closed_form() {
        // At x = 0 one of four defaulted, at x = 2 three of five.
        let targets = [true, false, false, false, true, true, true, false, false];
        let x = [0.0, 0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 2.0, 2.0];
        let line = line(&targets, &x).unwrap();
        let (low, high) = ((1.0_f64 / 3.0).ln(), 1.5_f64.ln());
        assert!((line.intercept - low).abs() < 1e-9 && (line.slope - (high - low) / 2.0).abs() < 1e-9);
    }

    #[test]
    fn none_where_there_is_none() {
        assert!(line(&[], &[]).is_none());
        assert!(line(&[true], &[0.1]).is_none());
        assert!(line(&[false; 4], &[0.1, 0.2, 0.3, 0.4]).is_none());
        assert!(line(&[true, false, true], &[0.7; 3]).is_none());
        assert!(line(&[false, false, true, true], &[-2.0, -1.0, 1.0, 2.0]).is_none());
    }

    proptest! {
        /// At the optimum the mean probability is the rate, and so is the mean weighted by x.
        #[test]
        fn gradient_is_zero((targets, x) in rows_with_ties(3..60)) {
            if let Some(line) = line(&targets, &x) {
                let off = |row: usize| f64::from(targets[row]) - sigmoid(line.intercept + line.slope * x[row]);
                let sums = (0..x.len()).fold([0.0, 0.0], |sum, row| [sum[0] + off(row), sum[1] + off(row) * x[row]]);
                prop_assert!(sums.iter().all(|sum| sum.abs() < 1e-6), "{:?} {:?}", sums, line);
            }
        }
    }
}
