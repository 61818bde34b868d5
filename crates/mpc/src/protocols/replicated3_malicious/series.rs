//! A smooth public function of a shared argument, as a trigonometric polynomial ([`privet_model::series`]).
//!
//! e^{iw(x0+x1+x2)}: sine and cosine of each component are functions of it alone; those of x0 + x1 are two products, and the sum
//! over all harmonics of these times the factors of x2 is one inner product. Squirrel (Lu et al., USENIX Security 2023) does so
//! with two components. These keep all their bits (an angle takes 53), so that an argument that may lose bits is not off.
//!
//! **Rounding.** [`Series::rounding`] allows a harmonic with coefficients t that are |t| long 2|t|·u + 2v(1+u), where u = 2^-(S+1)
//! and v = 2^-(c+1) for S bits of sines and c bits of coefficients. Here sine and cosine of x0 and of x1 have S + 1 bits, so that each
//! pair, as a complex number, is √2·u/2 off, and their product √2·u and at most u/16 more (S ≥ 2): less than 1.5u. The factors of
//! x2 are √2·v off, with these √2·v(1+1.5u). The sum then has S + 2 bits more than the result and is cut to it, which is at most
//! one unit, 2v/2^S = 4uv; the bound still has 0.58v less 0.13uv, which is more (S ≥ 2). That float64 sines are 2^-50 off is what
//! the bound allows five times.
//!
//! Where S + 2 bits do not fit beside the ring, the pairs of x0 + x1 are cut to S + 3 bits first: a unit of theirs is u/4 and makes
//! √2·u/4 more, 1.85u together, below 2u as well; the sum is then cut by 3 bits. This takes S ≤ 29. Beyond, up to 37,
//! the lowest 16 bits of the sines of x1 are multiplied apart, both products cut to S + 4 bits, where two units are √2·u/4 again, and
//! the sum is cut by 4. Where the ring has no room for the 3 or 4 bits more, the factors of x2 are split likewise, f = high·2^3 +
//! low (2^4), and only the sum with the low parts is cut, by a truncation.
//!
//! | | |
//! |---|---|
//! | error | that of the series, and of rounding ([`Series::rounding`]) |
//!
//! With h harmonics and a result in the ring 2^k, k + S + 2 ≤ 64, from shares:
//!
//! | rounds | bits an element, over all parties |
//! |---|---|
//! | 3 | 2h·(k+S+2) + 2(k+S+2) + k |
//!
//! of which the result is not sent yet. With k + S + 2 > 64 the pairs have 2S + 5 bits, and their truncation by S - 1 bits to the ring
//! 2^(k+3) comes between ([`super::truncate`]), 2h times an element (with S > 29 two of them, to 2^(k+4)); then the sum is 2(k+3) bits, or a
//! truncation of it where there is no room. From summands one round more, and 3p bits for an argument of p bits.

use privet_model::series::{Series, Term};
use privet_ring::fixed::power_of_two;
use privet_ring::turn::sine_cosine;

use crate::Abort;
use crate::protocols::protocol::SeriesBits;
use crate::role::Role;

use super::party::Malicious3;
use super::products::Map;
use super::share::{Pair, Share, only};
use super::sum::Sum;

/// Most bits of a ring.
const WIDEST: u32 = 64;
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
    /// Lowest bits of the sines of x1 that are multiplied apart.
    apart: u32,
    /// Ring of the sum.
    sum: u32,
}

/// Lowest bits of the sines of x1 that are multiplied apart where the pairs would not fit a ring.
const APART: u32 = 16;

impl Precision {
    fn of(bits: SeriesBits) -> Result<Self, Abort> {
        let sines = bits.sines + 1;
        let wide =
            Self { sines, pairs: bits.ring + sines + 1, drop: 0, apart: 0, sum: bits.ring + sines + 1 };
        let drop = sines.saturating_sub(2);
        let narrow = Self { pairs: 2 * sines + 3, drop, sum: bits.ring + 3, ..wide };
        let apart = drop.saturating_sub(1);
        let split = Self { pairs: WIDEST, drop: apart, apart: APART, sum: bits.ring + 4, ..wide };
        match bits.sines {
            // The bound is proven from two bits on.
            2.. if wide.sum <= WIDEST => Ok(wide),
            2.. if narrow.pairs <= WIDEST => Ok(narrow),
            2..=37 => Ok(split),
            sines => Err(Abort::Client(format!(
                "`replicated3-malicious` has no room for a series with {sines} bits of sines in a ring of {} bits.",
                bits.ring
            ))),
        }
    }

    /// The ring of the pairs when they are summed up.
    fn ring(&self) -> u32 {
        self.sum.min(WIDEST)
    }

    /// Bits of the pairs then, which are at most about 1.
    fn of_pairs(&self) -> u32 {
        2 * self.sines - self.drop + 1
    }

    /// Bits by which the sum is finer than the result.
    fn excess(&self, bits: SeriesBits) -> u32 {
        self.sum - bits.ring
    }
}

impl Malicious3 {
    /// f(x), with the fraction bits of both factors.
    pub(super) fn series_of(&mut self, x: Sum, f: &Series, bits: SeriesBits) -> Result<Sum, Abort> {
        let period = f.period_bits + bits.drop;
        debug_assert!(period <= x.ring(), "the ring of the argument is at least a period");
        let n = x.len();
        let constant = encoded(f.constant, bits.sines + bits.coefficients);
        if f.terms.is_empty() || n == 0 {
            return Ok(self.known(bits.ring, vec![constant; n]).into());
        }
        let x = self.share(x.reduced(period))?;
        let angles = x.low_bits().each(|x| x >> period.saturating_sub(ANGLE));
        let at_once = (AT_ONCE / f.terms.len()).max(1);
        let mut parts = Vec::new();
        for (own, next) in angles.own.chunks(at_once).zip(angles.next.chunks(at_once)) {
            let part = Pair { own: own.to_vec(), next: next.to_vec() };
            parts.push(self.harmonics(&part, period.min(ANGLE), f, bits)?);
        }
        let all = self.side_by_side(parts)?;
        Ok(all.plus(self.known(bits.ring, vec![constant; n])))
    }

    /// All but the constant, of angles.
    fn harmonics(&mut self, x: &Pair, period: u32, f: &Series, bits: SeriesBits) -> Result<Sum, Abort> {
        let precision = Precision::of(bits)?;
        let pairs = self.sines_of_two(x, period, f, &precision)?;
        let of_two = |x: &[u64]| {
            by_harmonic(x, period, f, |term, sine, cosine| {
                let of_sine = term.sine * cosine - term.cosine * sine;
                let of_cosine = term.sine * sine + term.cosine * cosine;
                [of_sine, of_cosine].map(|x| encoded(x, bits.coefficients))
            })
        };
        let terms = f.terms.len();
        let factors = self.both_of(x, 2, (precision.ring(), x.len() * terms), of_two);
        if precision.sum > WIDEST {
            return self.in_two_parts(&pairs, &factors, terms, &precision, bits.ring);
        }
        let sum = self.inner_products(&pairs, &factors, terms);
        let sum = self.share(sum)?;
        self.cut(&sum, precision.excess(bits), bits.ring)
    }

    /// Of sines and cosines with their factors.
    fn inner_products(&self, pairs: &[Share; 2], factors: &[Share; 2], terms: usize) -> Sum {
        let [sines, cosines] =
            [0, 1].map(|i| self.product(&pairs[i], &factors[i], pairs[i].len() / terms, Map::Rows(terms)));
        sines.plus(cosines)
    }

    /// The same where the ring has no room for the bits that are cut: these are those of the factors' lowest bits alone.
    fn in_two_parts(
        &mut self,
        pairs: &[Share; 2],
        factors: &[Share; 2],
        terms: usize,
        precision: &Precision,
        ring: u32,
    ) -> Result<Sum, Abort> {
        let excess = precision.sum - ring;
        let [high, low] = in_parts(factors, excess);
        let k = precision.of_pairs() + excess + (2 * terms).next_power_of_two().ilog2() + 3;
        let narrow = |x: &[Share; 2]| x.each_ref().map(|x| x.clone().in_ring(k));
        let rest = self.inner_products(&narrow(pairs), &narrow(&low), terms);
        let rest = self.rescaled(rest, excess, ring)?;
        Ok(self.inner_products(pairs, &high, terms).reduced(ring).plus(rest))
    }

    /// Sine and cosine of x0 + x1 times each harmonic, in the ring of the sum.
    fn sines_of_two(
        &mut self,
        x: &Pair,
        period: u32,
        f: &Series,
        precision: &Precision,
    ) -> Result<[Share; 2], Abort> {
        let fixed = |x: &[u64]| {
            by_harmonic(x, period, f, |_, sine, cosine| [sine, cosine].map(|x| encoded(x, precision.sines)))
        };
        let of_pairs = (precision.pairs, x.len() * f.terms.len());
        let (first, second) = (self.both_of(x, 0, of_pairs, fixed), self.both_of(x, 1, of_pairs, fixed));
        if precision.drop == 0 {
            let mut pairs = self.shares_of(self.complex_product(&first, &second).into())?.into_iter();
            return Ok([(); 2].map(|()| pairs.next().unwrap_or_else(|| unreachable!("a share of each"))));
        }
        let all = if precision.apart == 0 {
            self.cut_pairs(&first, &second, precision.drop, precision)?
        } else {
            let in_ring = |x: &[Share; 2], k: u32| x.each_ref().map(|x| x.clone().in_ring(k));
            let [high, low] = in_parts(&second, precision.apart);
            let k = 2 * precision.sines - precision.apart + 3;
            let drop = precision.drop - precision.apart;
            let high = self.cut_pairs(&in_ring(&first, k), &in_ring(&high, k), drop, precision)?;
            let k = precision.sines + precision.apart + 4;
            high.plus(&self.cut_pairs(&in_ring(&first, k), &in_ring(&low, k), precision.drop, precision)?)
        };
        let n = all.len() / 2;
        Ok([0, 1].map(|half| all.map(|x| x[half * n..(half + 1) * n].to_vec())))
    }

    /// Sine and cosine of a sum.
    fn complex_product(
        &self,
        [sine, cosine]: &[Share; 2],
        [other_sine, other_cosine]: &[Share; 2],
    ) -> [Sum; 2] {
        let of_both = self.times(sine, other_cosine).plus(self.times(cosine, other_sine));
        let less = self.times(sine, other_sine).times(u64::MAX);
        [of_both, self.times(cosine, other_cosine).plus(less)]
    }

    /// Both, one after the other, without their lowest bits.
    fn cut_pairs(
        &mut self,
        first: &[Share; 2],
        second: &[Share; 2],
        drop: u32,
        precision: &Precision,
    ) -> Result<Share, Abort> {
        let all = self.side_by_side(self.complex_product(first, second).into())?;
        self.rescaled(all, drop, precision.ring())
    }

    /// Two functions of component `at`, as so many elements of each; computed by those who know it.
    fn both_of(
        &self,
        x: &Pair,
        at: usize,
        (k, n): (u32, usize),
        f: impl Fn(&[u64]) -> [Vec<u64>; 2],
    ) -> [Share; 2] {
        let of = |role: Role, x: &[u64]| if role.index() == at { f(x) } else { [vec![0; n], vec![0; n]] };
        let ([first, second], [next_first, next_second]) =
            (of(self.me(), &x.own), of(self.me().next(), &x.next));
        [(first, next_first), (second, next_second)]
            .map(|(own, next)| Share::of(k, Pair { own, next }, only(at)))
    }
}

/// Functions of one component, and so of the one that is not zero: x = high·2^bits + low.
fn in_parts(x: &[Share; 2], bits: u32) -> [[Share; 2]; 2] {
    let each =
        |f: fn(u64, u32) -> u64| x.each_ref().map(|x| x.map(|x| x.iter().map(|&x| f(x, bits)).collect()));
    [each(|x, bits| (x.cast_signed() >> bits).cast_unsigned()), each(|x, bits| x & ((1 << bits) - 1))]
}

/// Two numbers from sine and cosine of each harmonic of each angle.
fn by_harmonic(
    x: &[u64],
    period: u32,
    f: &Series,
    of: impl Fn(&Term, f64, f64) -> [u64; 2],
) -> [Vec<u64>; 2] {
    let all = x.iter().flat_map(|x| f.terms.iter().map(move |term| (x, term)));
    let one = |(x, term): (&u64, &Term)| {
        let (sine, cosine) = sine_cosine(x.wrapping_mul(term.harmonic.into()), period);
        of(term, sine, cosine).into()
    };
    let (first, second): (Vec<u64>, Vec<u64>) = all.map(one).unzip();
    [first, second]
}

/// The integer nearest to `x·2^bits`, of at most 63 bits.
#[allow(clippy::cast_possible_truncation)] // beyond 2^63 the ring could not hold it either
fn encoded(x: f64, bits: u32) -> u64 {
    ((x * power_of_two(i64::from(bits))).round() as i64).cast_unsigned()
}
