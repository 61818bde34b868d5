//! A smooth public function of a shared argument, as a trigonometric polynomial ([`privet_model::series`]).
//!
//! e^{iw(x0+x1+x2)}: sine and cosine of each component are functions of it alone; those of x0 + x1 are two products, and the sum
//! over all harmonics of these times the factors of x2 is one inner product. Squirrel (Lu et al., USENIX Security 2023) does so
//! with two components. These keep all their bits (an angle takes 53), so that an argument that may lose bits is not off.
//!
//! **Rounding.** [`Series::rounding`] allows a harmonic with coefficients t that are |t| long 2|t|·u + 2v, where u = 2^-(S+1) and
//! v = 2^-(c+1) for S bits of sines and c bits of coefficients. Here sine and cosine of x0 and of x1 have S + 1 bits, so that each
//! pair, as a complex number, is √2·u/2 off, and their product √2·u and at most u/16 more (S ≥ 2): less than 1.5u. The factors of
//! x2 are √2·v off. The sum then has S + 2 bits more than the result and is cut to it, which is less than one unit: 2v/2^S, and
//! the bound still has 0.58v, which is more (S ≥ 2). That float64 sines are 2^-50 off is what the bound allows five times.
//!
//! Where S + 2 bits do not fit beside the ring, the pairs of x0 + x1 are cut to S + 3 bits first: a unit of theirs is u/4 and makes
//! √2·u/4 more, 1.85u together, below 2u as well; the sum is then cut by 3 bits. This takes S ≤ 38.
//!
//! | | |
//! |---|---|
//! | error | that of the series, and of rounding ([`Series::rounding`]) |
//!
//! With h harmonics and a result in the ring 2^k, k + S + 2 ≤ 81, from shares:
//!
//! | rounds | bits an element, over all parties |
//! |---|---|
//! | 5 | 18h·(k+S+2+s) + 6(k+S+2+s) + 12(k+s) |
//!
//! of which the result is not sent yet. With k + S + 2 > 81, nine rounds, and with a = 2S + 5 and b = k + 3, of which t = b + S - 1 - a bits
//! come from wraps: 2h·(3(a+s) + 6(a+s) + 36(t+s) + 18(b+s)) + 6(b+s) + 12(k+s) bits. From summands one round more, and
//! 6(p+s) bits for an argument of p bits.

use privet_model::series::{Series, Term};
use privet_ring::fixed::power_of_two;
use privet_ring::turn::sine_cosine;

use crate::Abort;
use crate::protocols::protocol::SeriesBits;

use super::component::low_bits;
use super::party::Malicious3;
use super::products::rows;
use super::share::{Pair, Share, Shared};
use super::sum::Sum;
use super::word::{WIDEST, Word as _};

/// Most bits of an angle.
const ANGLE: u32 = 53;
/// Words of sines that are worked on at a time, so that memory is bounded.
const AT_ONCE: usize = 1 << 18;

/// In which rings pairs are computed and summed up.
struct Precision {
    /// Fraction bits of sines and cosines of x0 and x1.
    sines: u32,
    /// Ring of the pairs of x0 + x1.
    pairs: u32,
    /// Bits that the pairs lose before they are summed up.
    drop: u32,
    /// Ring of the sum.
    sum: u32,
}

impl Precision {
    fn of(bits: SeriesBits) -> Result<Self, Abort> {
        let sines = bits.sines + 1;
        let sum = bits.ring + sines + 1;
        if sum <= WIDEST {
            return Ok(Self { sines, pairs: sum, drop: 0, sum });
        }
        let narrow = Self { sines, pairs: 2 * sines + 3, drop: bits.sines - 1, sum: bits.ring + 3 };
        if narrow.pairs <= WIDEST {
            return Ok(narrow);
        }
        let (sines, ring) = (bits.sines, bits.ring);
        Err(Abort::Client(format!(
            "`replicated3-malicious` has no room for a series with {sines} bits of sines in a ring of {ring} bits."
        )))
    }

    /// Bits by which the sum is finer than the result.
    fn excess(&self, bits: SeriesBits) -> u32 {
        self.sum - bits.ring
    }
}

impl Malicious3 {
    /// f(x), with the fraction bits of both factors.
    pub(super) fn series_of(
        &mut self,
        x: Sum<u128>,
        f: &Series,
        bits: SeriesBits,
    ) -> Result<Sum<u128>, Abort> {
        let period = f.period_bits + bits.drop;
        debug_assert!(period <= x.ring(), "the ring of the argument is at least a period");
        let n = x.len();
        let constant = encoded(f.constant, bits.sines + bits.coefficients);
        if f.terms.is_empty() {
            return Ok(self.known(bits.ring, vec![constant; n]).into());
        }
        let x = self.components(x.reduced(period))?;
        let angles = low_bits(&x).each(|x| u64::low(x >> period.saturating_sub(ANGLE)));
        let at_once = (AT_ONCE / f.terms.len()).max(1);
        let mut parts = Vec::new();
        for (own, next) in angles.own.chunks(at_once).zip(angles.next.chunks(at_once)) {
            let part = Pair { own: own.to_vec(), next: next.to_vec() };
            parts.push(self.harmonics(&part, period.min(ANGLE), f, bits)?);
        }
        Ok(Sum::concat(parts).plus(self.known(bits.ring, vec![constant; n])))
    }

    /// All but the constant, of angles.
    fn harmonics(
        &mut self,
        x: &Pair<u64>,
        period: u32,
        f: &Series,
        bits: SeriesBits,
    ) -> Result<Sum<u128>, Abort> {
        let precision = Precision::of(bits)?;
        let [sine, cosine] = self.sines_of_two(x, period, f, &precision)?;
        let of_two = |x: &[u64]| {
            by_harmonic(x, period, f, |term, sine, cosine| {
                let of_sine = term.sine * cosine - term.cosine * sine;
                let of_cosine = term.sine * sine + term.cosine * cosine;
                [of_sine, of_cosine].map(|x| encoded(x, bits.coefficients))
            })
        };
        let [of_sine, of_cosine] = self.both_of(x, 2, precision.sum, of_two);
        let terms = f.terms.len();
        let n = x.own.len();
        let sum: Sum<u128> = self.product(&sine, &of_sine, n, rows(terms)).into();
        let sum = sum.plus(self.product(&cosine, &of_cosine, n, rows(terms)));
        let sum = self.share(sum)?;
        self.cut(&sum, precision.excess(bits), bits.ring)
    }

    /// Sine and cosine of x0 + x1 times each harmonic, in the ring of the sum.
    fn sines_of_two(
        &mut self,
        x: &Pair<u64>,
        period: u32,
        f: &Series,
        precision: &Precision,
    ) -> Result<[Share; 2], Abort> {
        let fixed = |x: &[u64]| {
            by_harmonic(x, period, f, |_, sine, cosine| [sine, cosine].map(|x| encoded(x, precision.sines)))
        };
        let [sine, cosine] = self.both_of(x, 0, precision.pairs, fixed).map(Sum::from);
        let [sine, cosine] = self.shares([sine, cosine])?;
        let [other_sine, other_cosine] = self.both_of(x, 1, precision.pairs, fixed);
        let of_both = self.times(&cosine, &other_sine);
        let of_both = self.times(&sine, &other_cosine).plus(of_both);
        let less = self.times(&sine, &other_sine).times(u128::MAX);
        let cosines = self.times(&cosine, &other_cosine).plus(less);
        if precision.drop == 0 {
            return self.shares([of_both, cosines]);
        }
        let n = of_both.len();
        let all = self.rescaled(Sum::concat(vec![of_both, cosines]), precision.drop, precision.sum)?;
        Ok([0, 1].map(|half| all.rows(n, || std::iter::once(half))))
    }

    /// Two functions of component `at`.
    fn both_of(&self, x: &Pair<u64>, at: usize, k: u32, f: impl Fn(&[u64]) -> [Vec<u128>; 2]) -> [Share; 2] {
        let ([first, second], [next_first, next_second]) = (f(&x.own), f(&x.next));
        [(first, next_first), (second, next_second)]
            .map(|(own, next)| Shared::plain(k, Pair { own, next }.component(self.me(), at)))
    }
}

/// Two numbers from sine and cosine of each harmonic of each angle.
fn by_harmonic(
    x: &[u64],
    period: u32,
    f: &Series,
    of: impl Fn(&Term, f64, f64) -> [u128; 2],
) -> [Vec<u128>; 2] {
    let all = x.iter().flat_map(|x| f.terms.iter().map(move |term| (x, term)));
    let one = |(x, term): (&u64, &Term)| {
        let (sine, cosine) = sine_cosine(x.wrapping_mul(term.harmonic.into()), period);
        of(term, sine, cosine).into()
    };
    let (first, second): (Vec<u128>, Vec<u128>) = all.map(one).unzip();
    [first, second]
}

/// The integer nearest to `x·2^bits`, of at most 63 bits.
#[allow(clippy::cast_possible_truncation)] // beyond 2^63 the ring could not hold it either
fn encoded(x: f64, bits: u32) -> u128 {
    i128::from((x * power_of_two(i64::from(bits))).round() as i64).cast_unsigned()
}
