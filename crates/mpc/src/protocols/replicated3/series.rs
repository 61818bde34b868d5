//! A smooth public function of a shared argument, as a trigonometric polynomial ([`privet_model::series`]).
//!
//! sin w(a+b) = sin wa·cos wb + cos wa·sin wb, and likewise the cosine: P0 deals sin wa and cos wa in fixed point, the others
//! multiply them by their own, times the coefficient. The argument is reduced modulo the period first, which is exact, and may
//! lose low bits, which costs nothing. Both
//! compute the same integers, as [`privet_ring::turn`] gives the same bits everywhere. Squirrel (Lu et al., USENIX Security
//! 2023) has two parties multiply what is dealt here.
//!
//! | | |
//! |---|---|
//! | error | that of the series, of rounding ([`Series::rounding`]), and of one unit of an argument that loses bits |
//!
//! With h harmonics and a result in the ring 2^k, from a period of 2^p:
//!
//! | from | rounds | bits an element, over all parties |
//! |---|---|---|
//! | shares | 0 | 2h·k |
//! | summands | 1 | 2h·k + 2(p + dropped bits) |

use privet_model::series::{Series, Term};
use privet_ring::fixed::{encode, power_of_two};
use privet_ring::turn::sine_cosine;

use crate::Abort;
use crate::protocols::protocol::SeriesBits;
use crate::session::Session;

use super::P0;
use super::deal::{at_once, deal};
use super::form::Form;
use super::share::Sum;
use super::view::View;

/// f(x), with the fraction bits of both factors.
pub(super) fn series(session: &mut Session, x: Sum, f: &Series, bits: SeriesBits) -> Result<Sum, Abort> {
    let period = (f.period_bits + bits.drop).min(x.ring());
    debug_assert_eq!(period, f.period_bits + bits.drop, "the ring of the argument is at least a period");
    let view = View::open(session, x.reduced(period))?.narrow(session, bits.drop);
    let mut z = session.zero_share(view.half.len());
    if session.me() == P0 {
        let constant = encode_wide(f.constant, bits.sines + bits.coefficients);
        for z in &mut z {
            *z = z.wrapping_add(constant);
        }
    }
    let chunk = at_once(2 * f.terms.len());
    for (half, z) in view.half.chunks(chunk).zip(z.chunks_mut(chunk)) {
        add_terms(session, half, f, bits, z)?;
    }
    Ok(Sum::Summed { k: bits.ring, z })
}

/// At P1 and P2, adds their summand of all terms to z.
fn add_terms(
    session: &mut Session,
    half: &[u64],
    f: &Series,
    bits: SeriesBits,
    z: &mut [u64],
) -> Result<(), Abort> {
    let words = 2 * f.terms.len();
    let form = Form::Ring { k: bits.ring, n: words * half.len() };
    let [dealt] = deal(session, [form], || [half.iter().flat_map(|&a| dealt_to(a, f, bits)).collect()])?;
    if session.me() == P0 {
        return Ok(());
    }
    for ((z, &b), dealt) in z.iter_mut().zip(half).zip(dealt.half.chunks_exact(words.max(1))) {
        let factors = f.terms.iter().flat_map(|term| factors(b, f, *term, bits.coefficients));
        let products = dealt.iter().zip(factors).map(|(u, v)| u.wrapping_mul(v));
        *z = products.fold(*z, u64::wrapping_add);
    }
    Ok(())
}

/// Sine and cosine of each harmonic at a.
fn dealt_to(a: u64, f: &Series, bits: SeriesBits) -> impl Iterator<Item = u64> {
    let scale = power_of_two(i64::from(bits.sines));
    f.terms.iter().flat_map(move |term| {
        let (sine, cosine) = sine_cosine(a.wrapping_mul(term.harmonic.into()), f.period_bits);
        [encode(sine, scale), encode(cosine, scale)]
    })
}

/// By what P1 and P2 multiply them.
fn factors(b: u64, f: &Series, term: Term, fraction_bits: u32) -> [u64; 2] {
    let scale = power_of_two(i64::from(fraction_bits));
    let (sine, cosine) = sine_cosine(b.wrapping_mul(term.harmonic.into()), f.period_bits);
    let of_sine = term.sine * cosine - term.cosine * sine;
    let of_cosine = term.sine * sine + term.cosine * cosine;
    [encode(of_sine, scale), encode(of_cosine, scale)]
}

/// The nearest integer to `x·2^bits`, which may have more bits than [`encode`] takes.
#[allow(clippy::cast_possible_truncation)] // beyond 2^63 the ring could not hold it either
fn encode_wide(x: f64, bits: u32) -> u64 {
    ((x * power_of_two(i64::from(bits))).round() as i64).cast_unsigned()
}
