//! Keys of shared functions and what they say, against another implementation's: see `golden/README.md`.

#![allow(clippy::unwrap_used)]

use privet_mpc::fss::comparison::{self, Words};
use privet_mpc::fss::hash::Hash;
use privet_mpc::fss::{Roots, Side, point};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    version: u32,
    comparisons: Vec<Comparison>,
    points: Vec<Point>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Comparison {
    words: usize,
    bits: u32,
    hash_key: String,
    alphas: String,
    betas: String,
    roots: [String; 2],
    seeds: String,
    controls: String,
    values: String,
    points: Vec<At>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    bits: u32,
    hash_key: String,
    alphas: String,
    roots: [String; 2],
    blocks: String,
    points: Vec<At>,
}

/// Numbers, one of each key, and both sides' shares.
#[derive(Deserialize)]
struct At {
    xs: String,
    shares: [String; 2],
}

/// Of both widths, of every number of bits.
const WIDTHS: [u32; 9] = [1, 2, 7, 8, 9, 16, 31, 43, 64];

fn golden() -> Golden {
    let golden: Golden = serde_json::from_str(include_str!("golden/fss-v1.json")).unwrap();
    assert_eq!(golden.version, 1);
    golden
}

fn words(hex: &str) -> Vec<u64> {
    assert_eq!(hex.len() % 16, 0);
    (0..hex.len()).step_by(16).map(|at| u64::from_str_radix(&hex[at..at + 16], 16).unwrap()).collect()
}

fn values<const W: usize>(hex: &str) -> Vec<Words<W>> {
    words(hex).as_chunks::<W>().0.to_vec()
}

/// A digit each.
fn bits(digits: &str) -> Vec<u64> {
    digits.chars().map(|digit| digit.to_digit(2).unwrap().into()).collect()
}

fn hash(key: &str) -> Hash {
    Hash::new(&u128::from_str_radix(key, 16).unwrap().to_be_bytes())
}

fn roots(of: &[String; 2]) -> [Roots; 2] {
    [Roots::new(Side::Zero, &words(&of[0])), Roots::new(Side::One, &words(&of[1]))]
}

#[test]
fn comparisons_of_one_word() {
    let of: Vec<Comparison> = golden().comparisons.into_iter().filter(|c| c.words == 1).collect();
    assert_eq!(of.iter().map(|c| c.bits).collect::<Vec<_>>(), WIDTHS);
    of.iter().for_each(compared::<1>);
}

#[test]
fn comparisons_of_two_words() {
    let of: Vec<Comparison> = golden().comparisons.into_iter().filter(|c| c.words == 2).collect();
    assert_eq!(of.iter().map(|c| c.bits).collect::<Vec<_>>(), WIDTHS);
    of.iter().for_each(compared::<2>);
}

fn compared<const W: usize>(of: &Comparison) {
    let (hash, alphas, betas) = (hash(&of.hash_key), words(&of.alphas), values::<W>(&of.betas));
    let dealt = comparison::deal(&hash, of.bits, &alphas, &betas, roots(&of.roots).each_ref()).to_words();
    assert_eq!(dealt, [words(&of.seeds), bits(&of.controls), words(&of.values)], "{} bits", of.bits);
    let [zero, one] = roots(&of.roots);
    let sides = [(Side::Zero, zero), (Side::One, one)].map(|(side, roots)| {
        let corrections = comparison::Corrections::<W>::from_words(alphas.len(), &dealt);
        comparison::Keys::new(of.bits, side, roots, corrections)
    });
    for at in &of.points {
        let xs = words(&at.xs);
        let shares = sides.each_ref().map(|keys| keys.below(&hash, &xs));
        assert_eq!(shares, at.shares.each_ref().map(|hex| values::<W>(hex)), "{} bits at {xs:x?}", of.bits);
        for (i, x) in xs.iter().enumerate() {
            let sum = std::array::from_fn(|w| shares[0][i][w].wrapping_add(shares[1][i][w]));
            assert_eq!(sum, if *x < alphas[i] { betas[i] } else { [0; W] }, "{} bits, key {i}", of.bits);
        }
    }
}

#[test]
fn points() {
    let all = golden().points;
    assert_eq!(all.iter().map(|p| p.bits).collect::<Vec<_>>(), WIDTHS);
    for of in all {
        let (hash, alphas) = (hash(&of.hash_key), words(&of.alphas));
        let dealt = point::deal(&hash, of.bits, &alphas, roots(&of.roots).each_ref()).to_words();
        assert_eq!(dealt, words(&of.blocks), "{} bits", of.bits);
        let sides = roots(&of.roots)
            .map(|roots| point::Keys::new(of.bits, roots, point::Corrections::from_words(&dealt)));
        for at in of.points {
            let xs = words(&at.xs);
            let shares = sides.each_ref().map(|keys| keys.up_to(&hash, &xs));
            let expected =
                at.shares.map(|digits| bits(&digits).into_iter().map(|bit| bit == 1).collect::<Vec<_>>());
            assert_eq!(shares, expected, "{} bits at {xs:x?}", of.bits);
            for (i, x) in xs.iter().enumerate() {
                assert_eq!(shares[0][i] ^ shares[1][i], alphas[i] <= *x, "{} bits, key {i}", of.bits);
            }
        }
    }
}
