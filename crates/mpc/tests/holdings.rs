//! Which party holds what, and that what it holds says nothing.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use common::{entropy, explicit, inputs, is_even, layout, seeds, split_rows, words};
use privet_model::plan::Integers;
use privet_mpc::protect::Protect;
use privet_mpc::request::{Held, PartyRequest, Request};
use privet_mpc::role::PARTIES;
use privet_mpc::weights::share;
use privet_mpc::world::World;
use privet_ring::pack::unpack;
use privet_ring::prg::{Seed, Stream};
use privet_ring::reduce;

/// What stands in a message, by comparing it with all that the request has: `0` and `1` for the seeds, `e` for the
/// explicit component.
fn names(message: &PartyRequest, [s0, s1]: [[u8; 16]; 2]) -> String {
    let name = |held: &Held| match held {
        Held::Seed(seed) if *seed.expose() == s0 => '0',
        Held::Seed(seed) if *seed.expose() == s1 => '1',
        Held::Seed(_) => '?',
        Held::Packed { .. } => 'e',
    };
    message.held.iter().map(name).collect()
}

/// The two seeds that this entropy gives to a request.
fn drawn(seed: u64) -> [[u8; 16]; 2] {
    let mut entropy = entropy(seed);
    [0; 2].map(|_: u8| *Seed::draw(&mut entropy).unwrap().expose())
}

#[test]
fn each_party_holds_the_stated_components() {
    for (protect, expected) in [
        (Protect::Both, ["01", "1e", "e0"]),
        (Protect::Input, ["0", "1", "e"]),
        (Protect::Model, ["e", "e", "e"]),
    ] {
        let layout = layout(protect, 43, 5);
        let x = inputs(20, 5 * 9);
        let mut request = Request::draw(&mut entropy(1)).unwrap();
        let split = split_rows(&mut request, &layout, &x);
        let got = split.messages.each_ref().map(|m| names(m, drawn(1)));
        assert_eq!(got, expected, "{protect:?}");
    }
}

#[test]
fn the_three_components_add_up_to_the_input() {
    for (protect, k) in [(Protect::Both, 43), (Protect::Both, 64), (Protect::Input, 17)] {
        let layout = layout(protect, k, 5);
        let x = words(7, 5 * 11);
        let mut request = Request::draw(&mut entropy(1)).unwrap();
        for chunk in 0..3 {
            let split = split_rows(&mut request, &layout, &x);
            let mut sum = vec![0; x.len()];
            unpack(k, explicit(&split.messages[2]).unwrap(), 0, &mut sum);
            for seed in drawn(1) {
                let mut component = vec![0; x.len()];
                Stream::of_chunk(&Seed::from_bytes(seed), chunk).fill(&mut component);
                sum.iter_mut().zip(component).for_each(|(sum, c)| *sum = sum.wrapping_add(c));
            }
            assert!(sum.iter().zip(&x).all(|(&a, &b)| reduce(a, k) == reduce(b, k)), "chunk {chunk}");
        }
    }
}

/// 200 000 values: elements of x2 for the given inputs.
fn explicit_elements(k: u32, x: &[u64], seed: u64) -> Vec<u64> {
    let layout = layout(Protect::Both, k, 50);
    let mut request = Request::draw(&mut entropy(seed)).unwrap();
    let split = split_rows(&mut request, &layout, x);
    let mut out = vec![0; x.len()];
    unpack(k, explicit(&split.messages[1]).unwrap(), 0, &mut out);
    out
}

#[test]
fn the_explicit_share_is_even_whatever_the_input() {
    let n = 200_000;
    for k in [8, 43, 50, 64] {
        let largest = reduce(u64::MAX >> 1, k - 1);
        let alternating = (0..n).map(|i| if i % 2 == 0 { 0 } else { largest }).collect();
        for (what, x) in [("zero", vec![0; n]), ("largest", vec![largest; n]), ("alternating", alternating)] {
            let x2 = explicit_elements(k, &x, 11);
            for byte in 0..k / 8 {
                let values = x2.iter().map(|e| (e >> (8 * byte)) as usize & 255);
                assert!(is_even(values, 256), "k {k}, {what}, byte {byte}");
            }
            for bit in [0, 1, k - 1] {
                assert!(is_even(x2.iter().map(|e| (e >> bit) as usize & 1), 2), "k {k}, {what}, bit {bit}");
            }
            let neighbours = x2.windows(2).map(|w| ((w[0] & 15) << 4 | w[1] & 15) as usize);
            assert!(is_even(neighbours, 256), "k {k}, {what}, neighbours");
        }
    }
}

#[test]
fn two_requests_for_the_same_rows_have_unrelated_explicit_shares() {
    let x = inputs(20, 200_000);
    let mut source = entropy(1);
    let layout = layout(Protect::Both, 43, 50);
    let mut one = || {
        let mut request = Request::draw(&mut source).unwrap();
        let split = split_rows(&mut request, &layout, &x);
        let mut out = vec![0; x.len()];
        unpack(43, explicit(&split.messages[1]).unwrap(), 0, &mut out);
        (out, seeds(&split.messages[0]))
    };
    let ((a, seeds_a), (b, seeds_b)) = (one(), one());
    assert!(seeds_a.iter().all(|s| !seeds_b.contains(s)));
    assert!(is_even(a.iter().zip(&b).map(|(a, b)| a.wrapping_sub(*b) as usize & 255), 256));
}

#[test]
fn shares_of_a_model_are_even_and_drawn_anew() {
    let integers = || Integers { weights: vec![3; 100_000], bias: vec![5; 4] };
    for protect in [Protect::Both, Protect::Model] {
        let mut source = entropy(1);
        let first = share(&integers(), protect, &mut source).unwrap();
        let second = share(&integers(), protect, &mut source).unwrap();
        for (a, b) in first.iter().zip(&second) {
            assert_ne!(a.bias, b.bias);
            for (a, b) in a.factors.iter().zip(&b.factors) {
                assert!(is_even(a.iter().map(|w| *w as usize & 255), 256));
                assert!(is_even(a.iter().zip(b).map(|(a, b)| (a.wrapping_sub(*b) >> 56) as usize), 256));
            }
        }
    }
    let known = share(&integers(), Protect::Input, &mut entropy(1)).unwrap();
    assert!(known.iter().all(|party| party.factors == [integers().weights.clone()]));
}

#[test]
fn zero_shares_add_up_to_zero_and_each_is_even() {
    let n = 50_000;
    let mut seen = Vec::new();
    for (point, path) in [([0; 32], ""), ([0; 32], "/a"), ([1; 32], "/a"), ([1; 32], "/a/finish#0")] {
        let shares = World::new(2).keys().map(|keys| keys.zero_share(&point, path, n));
        let [a, b, c] = &shares;
        assert!((0..n).all(|i| a[i].wrapping_add(b[i]).wrapping_add(c[i]) == 0));
        for share in &shares {
            for byte in 0..8 {
                assert!(is_even(share.iter().map(|w| (w >> (8 * byte)) as usize & 255), 256));
            }
        }
        seen.extend(shares);
    }
    for (i, a) in seen.iter().enumerate() {
        for b in &seen[i + 1..] {
            assert!(is_even(a.iter().zip(b).map(|(a, b)| a.wrapping_sub(*b) as usize & 255), 256));
        }
    }
}

#[test]
fn one_session_never_gives_the_same_zeros_twice_nor_do_its_lanes() {
    let shares: [Vec<Vec<u64>>; PARTIES] = World::new(2)
        .run([3; 32], |mut session| {
            let mut shares = vec![session.zero_share(8), session.zero_share(8)];
            shares.push(session.step("same", |s| s.zero_share(8)));
            shares.push(session.step("same", |s| s.zero_share(8)));
            for _ in 0..2 {
                let mut lanes = session.fork(2);
                shares.extend(lanes.iter_mut().map(|lane| lane.zero_share(8)));
                session.join(lanes);
            }
            Ok(shares)
        })
        .map(Result::unwrap);
    for party in &shares {
        assert!((0..8).all(|i| (0..i).all(|j| party[i] != party[j])));
    }
    let zero = |i: usize, at: usize| shares.iter().fold(0u64, |sum, p| sum.wrapping_add(p[i][at])) == 0;
    assert!((0..8).all(|i| (0..8).all(|at| zero(i, at))));
}
