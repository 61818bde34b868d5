//! Where a number stands on an axis, and which round numbers are written beside it.

/// Round numbers of one decade.
const STEPS: [f64; 3] = [1.0, 2.0, 5.0];
/// From so many decades on, only powers of ten are written.
const MANY_DECADES: f64 = 2.5;
/// From so many decades on, only some powers of ten are.
const MOST_TICKS: f64 = 8.0;

/// A logarithmic axis from a round number to a round number, along so many units of a drawing.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    /// The number at its beginning, above zero.
    pub low: f64,
    /// The number at its end.
    pub high: f64,
    /// The place of its beginning.
    pub from: f64,
    /// The place of its end, which may lie before.
    pub to: f64,
}

impl Log {
    /// That holds all these numbers; what is not above zero has no place on it. From 1 to 10 where nothing is left.
    pub fn holding(values: impl IntoIterator<Item = f64>, (from, to): (f64, f64)) -> Self {
        let values = values.into_iter().filter(|x| is_drawn(*x));
        let (low, high) = values.fold((f64::MAX, 0.0_f64), |(l, h), x| (l.min(x), h.max(x)));
        if low > high {
            return Self { low: 1.0, high: 10.0, from, to };
        }
        let (low, high) = (round_down(low), round_up(high));
        let high = if high > low { high } else { low * 10.0 };
        Self { low, high, from, to }
    }

    /// The place of a number.
    pub fn at(&self, x: f64) -> f64 {
        let part = (x / self.low).log10() / self.decades();
        self.from + part * (self.to - self.from)
    }

    /// The round numbers to write, in order.
    pub fn ticks(&self) -> Vec<f64> {
        let steps = if self.decades() > MANY_DECADES { &STEPS[..1] } else { &STEPS[..] };
        let stride = whole((self.decades() / MOST_TICKS).ceil().max(1.0));
        let powers = whole(self.low.log10().floor())..=whole(self.high.log10().ceil());
        let powers = powers.filter(|power| power.rem_euclid(stride) == 0);
        let all = powers.flat_map(|power| steps.iter().map(move |step| step * ten_to(power)));
        all.filter(|x| (self.low * 0.999_999..=self.high * 1.000_001).contains(x)).collect()
    }

    fn decades(&self) -> f64 {
        (self.high / self.low).log10()
    }
}

/// Whether a number has a place on a logarithmic axis that anybody can read.
pub fn is_drawn(x: f64) -> bool {
    (1e-300..1e300).contains(&x)
}

/// The largest of 1, 2 and 5 times a power of ten that is not above it.
fn round_down(x: f64) -> f64 {
    let power = whole(x.log10().floor());
    let fits = |step: &f64| step * ten_to(power) <= x * 1.000_001;
    STEPS
        .iter()
        .rev()
        .copied()
        .find(fits)
        .map_or_else(|| 5.0 * ten_to(power - 1), |step| step * ten_to(power))
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below it.
pub fn round_up(x: f64) -> f64 {
    let power = whole(x.log10().floor());
    let fits = |step: &f64| step * ten_to(power) >= x * 0.999_999;
    STEPS.iter().copied().find(fits).map_or_else(|| ten_to(power + 1), |step| step * ten_to(power))
}

/// A power of ten as its digits say it: `powi` of a negative power differs in its last bits.
fn ten_to(power: i32) -> f64 {
    format!("1e{power}").parse().unwrap_or(f64::NAN)
}

#[allow(clippy::cast_possible_truncation)] // a power of ten of a float64 is within ±324
fn whole(x: f64) -> i32 {
    x as i32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_decades_have_finer_ticks() {
        let axis = Log::holding([1.2, 30.0], (0.0, 100.0));
        assert_eq!(axis.ticks(), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
        let axis = Log::holding([1.0, 65_536.0], (0.0, 100.0));
        assert_eq!(axis.ticks(), [1.0, 10.0, 100.0, 1e3, 1e4, 1e5]);
        assert_eq!(Log::holding([], (0.0, 100.0)).ticks(), [1.0, 2.0, 5.0, 10.0]);
    }

    proptest! {
        #[test]
        fn ticks_rise_and_every_number_is_within(values in prop::collection::vec(-20.0..20.0_f64, 1..9)) {
            let values: Vec<f64> = values.into_iter().map(|power| 10_f64.powf(power)).collect();
            let axis = Log::holding(values.iter().copied(), (400.0, 20.0));
            let ticks = axis.ticks();
            prop_assert!(!ticks.is_empty() && ticks.len() <= 12, "{ticks:?}");
            prop_assert!(ticks.is_sorted_by(|a, b| a < b));
            let within = |x: &f64| (19.99..=400.01).contains(&axis.at(*x));
            prop_assert!(values.iter().all(within) && ticks.iter().all(within));
        }
    }
}
