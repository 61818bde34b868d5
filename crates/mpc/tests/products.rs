//! Products of shared and of known tensors, against the same maps in the clear.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use common::gates::{done, done_as, given, opened, share};
use common::party::Party;
use common::words;
use privet_mpc::Abort;
use privet_mpc::protocols::protocol::{Matrices, Operand, Protocol};
use privet_mpc::protocols::replicated3::{Replicated, Replicated3, Sum};
use privet_mpc::protocols::replicated3_malicious::Malicious3;
use privet_mpc::role::Role;
use privet_ring::conv::Conv2d;
use privet_ring::kernels::add_convolution;
use privet_ring::reduce;
use proptest::prelude::*;

const K: u32 = 47;

/// The map with both, either and neither side shared, all opened.
fn each_way(
    x: &[u64],
    w: &[u64],
    map: impl Fn(&mut Replicated3, Operand<'_, Replicated>, Operand<'_, Replicated>) -> Sum + Sync,
) -> Vec<Vec<u64>> {
    let run = |hide_x: bool, hide_w: bool| {
        opened(&done(|me: Role, p| -> Result<Replicated, Abort> {
            let (sx, sw) = (share(me, K, 1, x), share(me, K, 2, w));
            let x = if hide_x { Operand::Secret(&sx) } else { Operand::Public(x) };
            let w = if hide_w { Operand::Secret(&sw) } else { Operand::Public(w) };
            let sum = map(p, x, w);
            assert_eq!(matches!(sum, Sum::Shared(_)), !(hide_x && hide_w), "what is known saves a round");
            p.reshare(sum)
        }))
    };
    vec![run(true, true), run(true, false), run(false, true), run(false, false)]
}

#[test]
fn sums_add_up_and_stand_one_after_the_other() {
    let (x, y) = (words(3, 9), words(4, 9));
    let all = |me| (share(me, K, 1, &x), share(me, K, 2, &y));
    let product = |i: usize| x[i].wrapping_mul(y[i]);
    for shared in [false, true] {
        let got = opened(&done(|me, p| {
            let (x, y) = all(me);
            let first = if shared { (&x).into() } else { p.multiply(&x, &y) };
            let both = Replicated3::add_sum(first, (&y).into());
            let second = Replicated3::reduce_sum((&x).into(), K);
            let parts = p.concat_sums(vec![both, second])?;
            assert_eq!((Replicated3::sum_ring(&parts), parts.len(), parts.is_empty()), (K, 18, false));
            assert_eq!(matches!(parts, Sum::Shared(_)), shared);
            p.reshare(parts)
        }));
        let first = |i: usize| if shared { x[i] } else { product(i) };
        let expected = (0..9).map(|i| first(i).wrapping_add(y[i])).chain(x.iter().copied());
        assert_eq!(got, mod_k(expected.collect()));
    }
}

fn mod_k(x: Vec<u64>) -> Vec<u64> {
    x.into_iter().map(|x| reduce(x, K)).collect()
}

#[test]
fn matrices_whatever_is_hidden() {
    for (rows, inner, columns) in [(1, 1, 1), (3, 5, 2), (17, 40, 9), (33, 7, 1)] {
        let (x, w) = (words(3, rows * inner), words(4, columns * inner));
        let dot = |r: usize, c: usize| {
            (0..inner).fold(0u64, |sum, i| sum.wrapping_add(x[r * inner + i].wrapping_mul(w[c * inner + i])))
        };
        let expected = mod_k(
            (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))).map(|(r, c)| dot(r, c)).collect(),
        );
        let shape = Matrices { rows, inner, columns };
        for got in each_way(&x, &w, |p, x, w| p.matmul(x, w, K, shape)) {
            assert_eq!(got, expected, "{shape:?}");
        }
    }
}

/// Where rows are added up as they lie, and where they are turned first.
#[test]
fn rows_times_factors_add_up() {
    for (rows, columns) in [(1, 1), (3, 5), (17, 40), (33, 1)] {
        let (x, f) = (words(3, rows * columns), words(4, rows));
        let of_column =
            |c: usize| (0..rows).fold(0u64, |sum, r| sum.wrapping_add(x[r * columns + c].wrapping_mul(f[r])));
        let expected = mod_k((0..columns).map(of_column).collect());
        assert_eq!(combined::<Replicated3>(&x, &f), expected, "{rows} {columns}");
        assert_eq!(combined::<Malicious3>(&x, &f), expected, "{rows} {columns}");
    }
}

fn combined<P: Party>(x: &[u64], factors: &[u64]) -> Vec<u64> {
    opened(&done_as(|me: Role, p: &mut P| {
        let sum = p.combine(&given::<P>(me, K, 1, x), &given::<P>(me, K, 2, factors));
        p.reshare(sum)
    }))
}

#[test]
fn a_convolution_whatever_is_hidden() {
    let shape = Conv2d {
        batch: 2,
        channels: 4,
        size: [7, 6],
        filters: 6,
        kernel: [3, 2],
        strides: [2, 1],
        dilations: [1, 2],
        pads_before: [1, 0],
        pads_after: [2, 1],
        groups: 2,
    };
    let (x, w) = (words(3, shape.input_len()), words(4, shape.weights_len()));
    let mut expected = vec![0; shape.output_len()];
    add_convolution(&shape, &x, &w, &mut expected);
    let expected = mod_k(expected);
    for got in each_way(&x, &w, |p, x, w| p.convolve(x, w, K, &shape)) {
        assert_eq!(got, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn elements_rows_and_local_operations(k in 1u32..=64, n in 1usize..40, length in 1usize..6, seed: u8) {
        let (x, y) = (words(seed, n * length), words(seed ^ 7, n * length));
        let pair = |me: Role| (share(me, k, 1, &x), share(me, k, 2, &y));
        let zip = |f: fn(u64, u64) -> u64| -> Vec<u64> { x.iter().zip(&y).map(|(&x, &y)| reduce(f(x, y), k)).collect() };
        let product = done(|me, p| { let (x, y) = pair(me); let z = p.multiply(&x, &y); p.reshare(z) });
        prop_assert_eq!(opened(&product), zip(u64::wrapping_mul));
        let dot = done(|me, p| { let (x, y) = pair(me); let z = p.dot(&x, &y, length); p.reshare(z) });
        let sums = |v: &[u64]| -> Vec<u64> {
            v.chunks(length).map(|row| reduce(row.iter().fold(0, |s: u64, x| s.wrapping_add(*x)), k)).collect()
        };
        prop_assert_eq!(opened(&dot), sums(&zip(u64::wrapping_mul)));
        let local = done(|me, p| {
            let (x, y) = pair(me);
            let known = Replicated3::mul_public(&p.add_public(&x, &words(9, n * length)), &words(8, n * length));
            Ok([
                Replicated3::add(&x, &y), Replicated3::sub(&x, &y), Replicated3::scale(&x, 12_345), known,
                Replicated3::sum_rows(&x, length), Replicated3::gather(&x, &[n - 1, 0]),
                Replicated3::concat(&[&x, &y]), Replicated3::reduce(&x, k.div_ceil(2)), p.public(&words(5, 3), k),
            ])
        });
        let [p0, p1, p2] = local;
        let all: Vec<[Replicated; 3]> = p0.into_iter().zip(p1).zip(p2).map(|((a, b), c)| [a, b, c]).collect();
        let (eight, nine) = (words(8, n * length), words(9, n * length));
        let known: Vec<u64> = (0..x.len()).map(|i| reduce(x[i].wrapping_add(nine[i]).wrapping_mul(eight[i]), k)).collect();
        let mod_k = |v: &[u64], k: u32| v.iter().map(|&x| reduce(x, k)).collect::<Vec<_>>();
        let expected = [
            zip(u64::wrapping_add), zip(u64::wrapping_sub), zip(|x, _| x.wrapping_mul(12_345)), known,
            sums(&x), mod_k(&[x[n - 1], x[0]], k), mod_k(&[&x[..], &y].concat(), k), mod_k(&x, k.div_ceil(2)), mod_k(&words(5, 3), k),
        ];
        for (got, expected) in all.iter().zip(&expected) {
            prop_assert_eq!(&opened(got), expected);
        }
    }
}
