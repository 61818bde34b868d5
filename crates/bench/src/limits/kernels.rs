//! Rates of the kernels that ship, on one core, with data in its cache.

use std::hint::black_box;
use std::time::Instant;

use privet_he::modulus::{Factors, Modulus, primes};
use privet_he::ntt::Ntt;
use privet_ring::kernels;
use privet_ring::pack::{pack, unpack};
use privet_ring::prg::{Seed, Stream};

const COLUMNS: usize = 528;
const ROWS: usize = 8;
const ELEMENTS: usize = COLUMNS * ROWS;
/// Bits of an element that is packed: what the reference workload needs at 1e-4.
const BITS: u32 = 52;

/// The best of many runs: a limit is what the machine can do when nothing disturbs it.
fn best(per_run: usize, mut run: impl FnMut()) -> f64 {
    let mut once = || {
        let start = Instant::now();
        (0..8).for_each(|_| run());
        8.0 * per_run as f64 / start.elapsed().as_secs_f64()
    };
    (0..200).map(|_| once()).fold(0.0, f64::max)
}

pub(super) fn hashing() -> f64 {
    let bytes = vec![7u8; 1 << 18];
    best(bytes.len(), || {
        black_box(privet_mpc::commitment::of_bytes(
            &privet_mpc::commitment::Salt::from_bytes([1; 16]),
            black_box(&bytes),
        ));
    })
}

pub(super) fn expansion() -> f64 {
    let (mut out, seed) = (vec![0; ELEMENTS], Seed::from_bytes([1; 16]));
    best(ELEMENTS, || Stream::of_chunk(&seed, 0).fill(black_box(&mut out)))
}

pub(super) fn encoding() -> f64 {
    let (x, scales, ends) = (vec![0.5f32; ELEMENTS], vec![1024.0; COLUMNS], vec![1.0; COLUMNS]);
    let low = vec![-1.0; COLUMNS];
    let (mut wide, mut out, mut ok) = (vec![0.0; ELEMENTS], vec![0; ELEMENTS], true);
    best(ELEMENTS, || {
        kernels::widen(black_box(&x), &mut wide);
        kernels::check_rows(&wide, &low, &ends, &mut ok);
        kernels::encode_rows(&wide, &scales, black_box(&mut out));
    })
}

pub(super) fn packing() -> f64 {
    let (x, mut out) = (vec![3; ELEMENTS], Vec::with_capacity(ELEMENTS * 8));
    best(ELEMENTS, || {
        out.clear();
        pack(BITS, black_box(&x), &mut out);
        black_box(&out);
    })
}

pub(super) fn unpacking() -> f64 {
    let (mut packed, mut out) = (Vec::new(), vec![0; ELEMENTS]);
    pack(BITS, &out, &mut packed);
    best(ELEMENTS, || unpack(BITS, black_box(&packed), 0, black_box(&mut out)))
}

pub(super) fn products() -> f64 {
    let (x, w, mut out) = (vec![3; ELEMENTS], vec![5; COLUMNS], vec![0; ROWS]);
    best(ELEMENTS, || kernels::add_products(black_box(&x), &w, black_box(&mut out)))
}

/// Coefficients of a polynomial of ciphertexts, and bits of a prime of theirs: the reference workload's.
const DEGREE: usize = 8192;
const PRIME_BITS: u32 = 50;

fn prime() -> Modulus {
    Modulus::new(primes(DEGREE, PRIME_BITS, 1).first().copied().unwrap_or((1 << 49) + 1))
}

pub(super) fn butterflies() -> f64 {
    let (ntt, mut x) = (Ntt::new(prime(), DEGREE), vec![3; DEGREE]);
    best(DEGREE / 2 * DEGREE.trailing_zeros() as usize, || ntt.forward(black_box(&mut x)))
}

pub(super) fn residue_products() -> f64 {
    let (m, mut x) = (prime(), vec![3; ELEMENTS]);
    let by = Factors::of(&m, vec![12345; ELEMENTS]);
    best(ELEMENTS, || m.multiply_by(black_box(&mut x), black_box(&by)))
}

pub(super) fn float_products() -> f64 {
    let (x, mut wide) = (vec![3.0f32; ELEMENTS], vec![0.0; ELEMENTS]);
    let (w, mut out) = (vec![5.0; COLUMNS], vec![0.0; ROWS]);
    best(ELEMENTS, || {
        kernels::widen(black_box(&x), &mut wide);
        kernels::float_products(&wide, &w, 0.0, black_box(&mut out));
    })
}
