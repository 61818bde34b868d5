//! Smooth functions: as a series on an interval, and beyond it where the function levels off or grows like its argument.
//!
//! The error is stated by each plan: series, rounding, one unit of the result, and what the function still does beyond the clip.

use privet_ring::fixed::{outward_exponent, power_of_two};
use serde::{Deserialize, Serialize};

use super::Format;
use crate::series::fit::{Domain, fit};
use crate::series::smooth::Smooth;
use crate::series::{Series, SeriesBits};

/// A planned evaluation of a smooth function on an interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approximation {
    /// What is evaluated.
    pub series: Series,
    /// In fixed point so.
    pub bits: SeriesBits,
    /// How the result is held.
    pub output: Format,
    /// At least |result - f| for any argument of the interval that is a whole number of units.
    pub error: f64,
}

impl Approximation {
    /// Nothing evaluated, without error: what a planner hopes for before it looks for a series.
    pub(crate) fn wish(output: Format) -> Self {
        let series = Series { period_bits: 1, constant: 0.0, terms: Vec::new() };
        let half = output.fraction_bits.div_ceil(2) + 1;
        let bits = SeriesBits { drop: 0, sines: half, coefficients: half, ring: 2 * half + 3 };
        Self { series, bits, output, error: 0.0 }
    }

    /// The fewest terms and bits that keep `error ≤ accuracy`, if there are any. The ring of the argument is at least
    /// `domain.ring`.
    pub fn plan(f: Smooth, domain: &Domain, accuracy: f64, output: Format) -> Option<Self> {
        let room = accuracy - output.unit();
        let fitted = fit(f, domain, room * 0.7)?;
        let series = fitted.series;
        let magnitude = f.value(domain.lo).abs().max(f.value(domain.hi).abs()) + 1.0;
        let whole = u32::try_from(outward_exponent(magnitude)).ok()?;
        // The fewest bits together, split so that both roundings together fit.
        let fits = |[sines, coefficients]: &[u32; 2]| {
            fitted.error + series.rounding(*sines, *coefficients) <= room
                && series.largest() * power_of_two((*coefficients).into()) < power_of_two(50)
        };
        let splits = |total: u32| (2..=50.min(total - 2)).map(move |sines| [sines, total - sines]);
        let least = output.fraction_bits.max(4);
        let [sines, coefficients] =
            (least..=62 - whole.min(58)).flat_map(splits).filter(|[_, c]| *c <= 50).find(fits)?;
        let bits = SeriesBits { drop: 0, sines, coefficients, ring: sines + coefficients + whole + 2 };
        let error = fitted.error + series.rounding(sines, coefficients) + output.unit();
        (bits.ring <= 64).then_some(Self { series, bits, output, error })
    }
}

/// A longer domain takes more terms than are worth looking for.
const WIDEST: f64 = 128.0;

/// Clips that are tried: farther out there is more accuracy left to the series, and then no more.
const FARTHER: usize = 3;

/// For the exponential a clip costs less beyond this.
const WIDEST_POWER: f64 = 24.0;

/// A planned evaluation of a function that levels off, or grows like its argument.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saturated {
    /// Within the clip, or everywhere.
    pub inside: Approximation,
    /// In units of the argument, ±.
    pub clip: Option<i64>,
    /// Whether only what is below `-clip` is clipped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub below_only: bool,
    /// Whether what the argument is above the clip is added.
    pub grows: bool,
    /// At least |result - f| for any argument of the domain.
    pub error: f64,
}

impl Saturated {
    /// A series over the whole domain if one keeps `error ≤ accuracy`, else a clip at the least whole number that does. Only for
    /// functions that level off ([`limits`]), and for the exponential, which does so on one side; one that grows needs the same fraction bits in argument and result.
    pub fn plan(f: Smooth, domain: &Domain, accuracy: f64, output: Format) -> Option<Self> {
        let grows = matches!(f, Smooth::Gelu | Smooth::GeluTanh | Smooth::Softplus);
        if f == Smooth::Exp && domain.hi - domain.lo > WIDEST_POWER {
            return Self::vanishing(domain, accuracy, output);
        }
        let whole = || Approximation::plan(f, domain, accuracy, output);
        if let Some(inside) = (limits(f).is_none() || domain.hi - domain.lo <= WIDEST).then(whole).flatten() {
            return Some(Self { error: inside.error, inside, clip: None, below_only: false, grows });
        }
        if grows && output.fraction_bits != domain.fraction_bits {
            return None;
        }
        let limits = limits(f)?;
        let beyond = |far: f64| {
            let each = limits.map(|limit| (f.value(far * limit[0]) - limit[1] - limit[2] * far).abs());
            each[0].max(each[1])
        };
        let far_enough = (1..64).map(f64::from).filter(|far| beyond(*far) < accuracy / 4.0);
        far_enough.take(FARTHER).find_map(|far| {
            let beyond = beyond(far);
            let domain = Domain { lo: -far, hi: far, ..*domain };
            let inside = Approximation::plan(f, &domain, accuracy - beyond, output)?;
            let clip =
                Some(Format { ring: 64, fraction_bits: domain.fraction_bits }.element(far).cast_signed());
            Some(Self { error: inside.error + beyond, inside, clip, below_only: false, grows })
        })
    }

    /// The exponential, where what is so small that it does not matter is the same everywhere.
    fn vanishing(domain: &Domain, accuracy: f64, output: Format) -> Option<Self> {
        let far = (1..40).map(f64::from).find(|far| (-far).exp() <= accuracy / 4.0)?;
        let beyond = (-far).exp();
        let inside = Approximation::plan(
            Smooth::Exp,
            &Domain { lo: (-far).max(domain.lo), ..*domain },
            accuracy - beyond,
            output,
        )?;
        let clip = Some(Format { ring: 64, fraction_bits: domain.fraction_bits }.element(far).cast_signed());
        Some(Self { error: inside.error + beyond, inside, clip, below_only: true, grows: false })
    }
}

/// Far below and far above: the side, and constant and slope of what the function comes near to, ever nearer.
fn limits(f: Smooth) -> Option<[[f64; 3]; 2]> {
    match f {
        Smooth::Sigmoid => Some([[-1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]),
        Smooth::Tanh | Smooth::Erf => Some([[-1.0, -1.0, 0.0], [1.0, 1.0, 0.0]]),
        Smooth::Gelu | Smooth::GeluTanh | Smooth::Softplus => Some([[-1.0, 0.0, 0.0], [1.0, 0.0, 1.0]]),
        _ => None,
    }
}
