//! Axes: what range they cover, where their ticks are, how those read.

use super::numbers::fixed;

/// One direction of a plot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// What it measures.
    pub label: &'static str,
    /// The value at its start.
    pub low: f64,
    /// The value at its end, above `low`.
    pub high: f64,
    /// Whether its ticks are percentages.
    pub percent: bool,
}

/// About how many ticks there are.
const TICKS: f64 = 5.0;

impl Axis {
    /// From 0 to 1, in per cent.
    pub(super) fn share(label: &'static str) -> Self {
        Self { label, low: 0.0, high: 1.0, percent: true }
    }

    /// From 0 in per cent, to the first tick not below all values.
    pub(super) fn share_up_to(label: &'static str, values: impl Iterator<Item = f64>) -> Self {
        let high = values.filter(|value| value.is_finite()).fold(0.01, f64::max);
        let step = step(high);
        Self { label, low: 0.0, high: (high / step).ceil().mul_add(step, 0.0).min(1.0), percent: true }
    }

    /// Around all finite values, from tick to tick; none where there is no such value.
    pub(super) fn around(label: &'static str, values: impl Iterator<Item = f64>) -> Option<Self> {
        let ends = |ends: Option<(f64, f64)>, value: f64| {
            let (low, high) = ends.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        };
        let (low, high) = values.filter(|value| value.is_finite()).fold(None, ends)?;
        // A range of its own for what does not vary.
        let range = (high - low).max(1e-3 * high.abs()).max(1e-9);
        let step = step(range);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        Some(Self { label, low, high: if high > low { high } else { low + step }, percent: false })
    }

    /// Each tick's value and text.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let step = step(self.high - self.low);
        let first = (self.low / step).ceil() * step;
        let values = (0..20_u32).map(|index| f64::from(index).mul_add(step, first));
        let within = values.take_while(|value| *value <= self.high + step * 1e-6);
        within.map(|value| (value, self.text(value, step))).collect()
    }

    fn text(&self, value: f64, step: f64) -> String {
        if self.percent {
            return format!("{} %", fixed(100.0 * value, decimals(100.0 * step)));
        }
        fixed(value, decimals(step))
    }
}

/// 1, 2 or 5 times a power of ten.
fn step(range: f64) -> f64 {
    let raw = range / TICKS;
    let power = 10_f64.powf(raw.log10().floor());
    let nice = [1.0, 2.0, 5.0, 10.0].into_iter().find(|nice| nice * power >= raw * 0.999).unwrap_or(10.0);
    nice * power
}

/// How many decimals tell neighbouring ticks apart.
fn decimals(step: f64) -> usize {
    (0..9_usize)
        .find(|&decimals| {
            let scaled = step * 10_f64.powi(i32::try_from(decimals).unwrap_or(0));
            (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1.0) && scaled >= 0.999
        })
        .unwrap_or(9)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_read_well() {
        let texts = |axis: Axis| axis.ticks().into_iter().map(|tick| tick.1).collect::<Vec<_>>();
        assert_eq!(texts(Axis::share("x")), ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]);
        let axis = Axis::around("x", [0.2412, 0.2613].into_iter()).unwrap();
        assert_eq!(texts(axis), ["0.240", "0.245", "0.250", "0.255", "0.260", "0.265"]);
        let axis = Axis::share_up_to("x", [0.31, 0.02].into_iter());
        assert_eq!(texts(axis), ["0 %", "10 %", "20 %", "30 %", "40 %"]);
        assert!(Axis::around("x", [f64::NAN].into_iter()).is_none());
    }

    proptest! {
        #[test]
        fn covers_its_values_with_a_few_ticks(a in -1e6..1e6, b in -1e6..1e6, size in -9..3) {
            let values = [a, b].map(|value: f64| value * 10_f64.powi(size));
            let axis = Axis::around("x", values.into_iter()).unwrap();
            let slack = 1e-9 * (axis.high - axis.low).abs().max(values[0].abs());
            prop_assert!(values.iter().all(|value| axis.low - slack <= *value && *value <= axis.high + slack));
            let ticks = axis.ticks();
            prop_assert!((2..=9).contains(&ticks.len()), "{:?} {:?}", axis, ticks);
        }
    }
}
