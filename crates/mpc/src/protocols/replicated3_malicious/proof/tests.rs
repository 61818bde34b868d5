//! A prover that cheats and then tells what would fit, with all that it knows by then.

use privet_ring::galois::Element;
use privet_ring::prg::{Seed, Stream};

use crate::protocols::protocol::Matrices;
use crate::protocols::replicated3_malicious::products::{Map, Term};
use crate::protocols::replicated3_malicious::share::{Pair, Share};
use crate::role::PARTIES;

use super::algebra::{Algebra, Binary, Integral};
use super::ands::Ands;
use super::claim::{Opening, Prover, Proves as _, Verifier, Verifies as _};
use super::integers::{Integers, Statement};
use super::{Part, drawn, expanded};

fn stream(seed: u8) -> Stream {
    Stream::of_chunk(&Seed::from_bytes([seed; 16]), 0)
}

fn words(n: usize, seed: u8) -> Vec<u64> {
    drawn(&mut stream(seed), n)
}

/// What both verifiers make of P0's proof, of which `change` sees the seed of the weights and each message.
fn verdict<A: Algebra>(
    [own, first, second]: [Box<dyn Opening<A>>; PARTIES],
    change: impl Fn(usize, &mut Vec<u64>, &[u64; 2]),
) -> bool
where
    A::Element: PartialEq,
{
    let mut prover = Prover::of(own, &mut stream(201), stream(202));
    let mut first = Verifier::first(first, &mut stream(201), stream(203));
    let mut second = Verifier::second(second, stream(202), stream(203));
    let seed = first.weigh();
    assert_eq!(second.weigh(), seed);
    prover.weigh(expanded(&seed));
    for step in 0.. {
        if prover.is_done() {
            break;
        }
        let mut message = prover.say();
        change(step, &mut message, &seed);
        let challenge = first.step(&message);
        assert_eq!(second.step(&[]), challenge);
        prover.hear(&challenge);
    }
    second.agrees(&first.last())
}

/// Components 0, 1, 2 of a tensor, as P0, P2 and P1 hold them: the prover, its first and its second verifier.
fn holdings(x: &[Vec<u64>; 3]) -> [Pair; 3] {
    [0, 2, 1].map(|i| Pair { own: x[i].clone(), next: x[(i + 1) % 3].clone() })
}

fn three(n: usize, seed: u8) -> [Vec<u64>; 3] {
    [0, 1, 2].map(|i| words(n, seed + i))
}

/// P0's proof of n words of ands, of which it told its first verifier `error` more.
fn of_ands(n: usize, error: &[u64]) -> [Box<dyn Opening<Binary>>; 3] {
    let (x, y, r) = (three(n, 1), three(n, 11), three(n, 21));
    let told = (0..n).map(|i| {
        let product = x[0][i] & (y[0][i] ^ y[1][i]) ^ x[1][i] & y[0][i];
        product ^ r[0][i] ^ r[1][i] ^ error.get(i).unwrap_or(&0)
    });
    let told: Vec<u64> = told.collect();
    let ([x, y], masks) = ([&x, &y].map(holdings), holdings(&r));
    let of = |i: usize, part: Part| -> Box<dyn Opening<Binary>> {
        let mut ands = Ands::default();
        ands.push(&x[i], &y[i], &told, &masks[i]);
        Box::new(ands.opening(part))
    };
    [of(0, Part::Both), of(1, Part::Next), of(2, Part::Own)]
}

/// Likewise of a map of two tensors in the ring 2^k.
#[allow(clippy::many_single_char_names)] // the names of the headers
fn of_integers(map: Map, [x, y, n]: [usize; 3], k: u32, error: &[u64]) -> [Box<dyn Opening<Integral>>; 3] {
    let (x, y, r) = (three(x, 31), three(y, 41), three(n, 51));
    let sum = |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(a, b)| a.wrapping_add(*b)).collect::<Vec<_>>();
    let mut told = sum(&r[0], error);
    map.add(&x[0], &sum(&y[0], &y[1]), &mut told);
    map.add(&x[1], &y[0], &mut told);
    told.iter_mut().zip(&r[1]).for_each(|(z, r)| *z = z.wrapping_sub(*r));
    let told_less: Vec<u64> = told.iter().zip(&r[0]).map(|(z, r)| z.wrapping_sub(*r)).collect();
    let ([x, y], masks) = ([&x, &y].map(holdings), holdings(&r));
    let of = |i: usize, part: Part| -> Box<dyn Opening<Integral>> {
        let share = |x: &[Pair; 3]| Share::of(k, x[i].clone(), [true; PARTIES]);
        let terms = vec![Term { factor: 1, map, x: share(&x), y: share(&y) }];
        let (told, drawn) = (told_less.clone(), masks[i].own.clone());
        let statement = Statement { k, n, terms, active: [true; PARTIES], told, drawn };
        let Some(integers) = Integers::of(&[statement], 0, part) else { panic!("it has a product") };
        Box::new(integers)
    };
    [of(0, Part::Both), of(1, Part::Next), of(2, Part::Own)]
}

/// The last of the first message is the summand of the pair's product.
fn add_to_pair(message: &mut [u64], more: &Element) {
    let at = message.len() - more.0.len();
    message[at..].iter_mut().zip(&more.0).for_each(|(x, more)| *x = x.wrapping_add(*more));
}

fn zeros_but(n: usize, errors: &[(usize, u64)]) -> Vec<u64> {
    let mut all = vec![0; n];
    for &(at, error) in errors {
        all[at] = error;
    }
    all
}

#[test]
fn what_is_right_is_believed() {
    for n in [1, 5, 32, 33, 200] {
        assert!(verdict(of_ands(n, &[]), |_, _, _| ()), "{n} words");
    }
    for (map, sizes) in MAPS {
        for k in [1, 40, 64] {
            assert!(verdict(of_integers(map, sizes, k, &vec![0; sizes[2]]), |_, _, _| ()), "{sizes:?} {k}");
        }
    }
}

const MAPS: [(Map, [usize; 3]); 4] = [
    (Map::Each, [1, 1, 1]),
    (Map::Each, [300, 300, 300]),
    (Map::Rows(5), [60, 60, 12]),
    (Map::Matrices(Matrices { rows: 3, inner: 5, columns: 4 }), [15, 20, 12]),
];

#[test]
fn a_wrong_element_is_not() {
    for (n, at) in [(1, 0), (33, 32), (200, 77)] {
        let error = zeros_but(n, &[(at, 1 << 63)]);
        assert!(!verdict(of_ands(n, &error), |_, _, _| ()), "{n} words");
    }
    for (map, sizes) in MAPS {
        for k in [1, 40, 64] {
            // The highest bit of the ring: twice that is nothing.
            let error = zeros_but(sizes[2], &[(sizes[2] / 2, 1 << (k - 1))]);
            assert!(!verdict(of_integers(map, sizes, k, &error), |_, _, _| ()), "{sizes:?} {k}");
        }
    }
}

#[test]
fn a_changed_message_is_not() {
    let flipped = |step: usize, place: usize| {
        move |now: usize, message: &mut Vec<u64>, _: &[u64; 2]| {
            if now == step {
                let at = place % message.len();
                message[at] ^= 1 << 63;
            }
        }
    };
    for (step, place) in (0..2).flat_map(|step| [0, 1, 100, 211].map(|place| (step, place))) {
        assert!(!verdict(of_ands(70, &[]), flipped(step, place)), "{step} {place}");
    }
    for (map, sizes) in MAPS {
        for place in [0, 47, 48, 383] {
            let all = of_integers(map, sizes, 40, &vec![0; sizes[2]]);
            assert!(!verdict(all, flipped(0, place)), "{sizes:?} {place}");
        }
    }
}

/// Of a whole group the same error at every element is a constant polynomial, whose value the weights tell: the pair's
/// product, which is told with them known, must not make up for it.
#[test]
fn the_pair_makes_up_for_nothing() {
    let (groups, b, error) = (3, 1, 0x1234_5678_9ABC_DEF1);
    let all: Vec<(usize, u64)> = (0..32).map(|j| (j * groups + b, error)).collect();
    let openings = of_ands(32 * groups, &zeros_but(32 * groups, &all));
    let adapted = |step: usize, message: &mut Vec<u64>, seed: &[u64; 2]| {
        if let (0, Some(last)) = (step, message.last_mut()) {
            *last ^= Binary::times(&drawn(&mut expanded(seed), groups)[b], &error);
        }
    };
    assert!(!verdict(openings, adapted), "ands");

    let (k, error) = (40, 5u64);
    let up = 64 - k;
    for (n, v) in [(1, 0), (4, 2)] {
        let openings = of_integers(Map::Each, [n; 3], k, &vec![error; n]);
        assert_eq!(openings[0].variables(), v);
        let adapted = |step: usize, message: &mut Vec<u64>, seed: &[u64; 2]| {
            if step == 0 {
                let weight = Element::of_bits(drawn(&mut expanded(seed), 1)[0]);
                add_to_pair(
                    message,
                    &Element::default().minus(&weight.times(&Element::of_integer(error << up))),
                );
            }
        };
        assert!(!verdict(openings, adapted), "{n} products");
    }

    let (map, sizes) = MAPS[3];
    let openings = of_integers(map, sizes, k, &zeros_but(sizes[2], &[(5, error)]));
    let adapted = |step: usize, message: &mut Vec<u64>, seed: &[u64; 2]| {
        if step == 0 {
            let weights = drawn(&mut expanded(seed), 3 + 4);
            let weight = Element::of_bits(weights[1]).times(&Element::of_bits(weights[3 + 1]));
            add_to_pair(message, &Element::default().minus(&weight.times(&Element::of_integer(error << up))));
        }
    };
    assert!(!verdict(openings, adapted), "matrices");
}
