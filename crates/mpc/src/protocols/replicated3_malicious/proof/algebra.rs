//! In what a proof computes: the field of 2^64 elements for bits, the Galois ring of degree 48 for integers modulo 2^64.

use privet_ring::carryless::{Kernel, multiply, reduce, run};
use privet_ring::galois::{DEGREE, Element, Value, Vector, extend};

use crate::wiped::wipe;

use super::grid::{element_weights, lanes, points};

/// A ring with a set of challenges no two of which differ by a divisor of zero.
pub(super) trait Algebra {
    type Element: Copy + Default;
    type Vector;
    /// Words of an element.
    const WORDS: usize;

    /// Variables of a step that begins with so many elements: few where there is much to compute or to tell, else as many as
    /// make few steps.
    fn variables(length: usize) -> u32;
    fn of_integer(x: u64) -> Self::Element;
    /// The challenge that a random word is: never 0 or 1, so that it and 1 less it divide 1. Words are no secret.
    fn challenge(word: u64) -> Self::Element;
    fn plus(x: &Self::Element, y: &Self::Element) -> Self::Element;
    fn minus(x: &Self::Element, y: &Self::Element) -> Self::Element;
    fn times(x: &Self::Element, y: &Self::Element) -> Self::Element;
    fn write(x: &Self::Element, out: &mut Vec<u64>);
    /// From as many words as an element has.
    fn read(words: &[u64]) -> Self::Element;

    /// factor·x, of each.
    fn scaled(x: &[Self::Element], factor: &Self::Element) -> Vec<Self::Element>;
    fn length(x: &Self::Vector) -> usize;
    fn first(x: &Self::Vector) -> Self::Element;
    /// Overwrites it with zeros.
    fn wipe(x: &mut Self::Vector);

    /// Of vectors of 2^v elements in each group, of element j of group b at j·groups + b, the sums over all groups of the
    /// products, on each point of the grid.
    fn on_grid(x: &Self::Vector, y: &Self::Vector, v: u32, groups: usize) -> Vec<Self::Element>;
    /// Of vectors of 2^v elements in each group, in that order, the multilinear polynomials at a challenge of v variables.
    fn folded(x: &Self::Vector, challenge: &[Self::Element], groups: usize) -> Self::Vector;
    /// Σ x·y.
    fn inner_product(x: &[Self::Element], y: &[Self::Element]) -> Self::Element;
}

/// The field of 2^64 elements.
pub(super) struct Binary;

impl Algebra for Binary {
    type Element = u64;
    type Vector = Vec<u64>;
    const WORDS: usize = 1;

    fn variables(length: usize) -> u32 {
        const LONG: usize = 1 << 14;
        if length > LONG { 4 } else { length.next_power_of_two().ilog2().min(6) }
    }

    fn of_integer(x: u64) -> u64 {
        x & 1
    }

    fn challenge(word: u64) -> u64 {
        if word < 2 { 2 } else { word }
    }

    fn plus(x: &u64, y: &u64) -> u64 {
        x ^ y
    }

    fn minus(x: &u64, y: &u64) -> u64 {
        x ^ y
    }

    fn times(x: &u64, y: &u64) -> u64 {
        multiply(*x, *y)
    }

    fn write(x: &u64, out: &mut Vec<u64>) {
        out.push(*x);
    }

    fn read(words: &[u64]) -> u64 {
        words[0]
    }

    fn scaled(x: &[u64], factor: &u64) -> Vec<u64> {
        x.iter().map(|x| multiply(*x, *factor)).collect()
    }

    fn length(x: &Vec<u64>) -> usize {
        x.len()
    }

    fn first(x: &Vec<u64>) -> u64 {
        x.first().copied().unwrap_or_default()
    }

    fn wipe(x: &mut Vec<u64>) {
        wipe(x);
    }

    fn on_grid(x: &Vec<u64>, y: &Vec<u64>, v: u32, groups: usize) -> Vec<u64> {
        run(Products { x, y, weights: None, groups, v })
    }

    fn folded(x: &Vec<u64>, challenge: &[u64], groups: usize) -> Vec<u64> {
        run(Folded(x, &element_weights::<Self>(challenge), groups))
    }

    fn inner_product(x: &[u64], y: &[u64]) -> u64 {
        run(Inner(x, y))
    }
}

/// The Galois ring of 2^64 and degree 48.
pub(super) struct Integral;

impl Algebra for Integral {
    type Element = Element;
    type Vector = Vector;
    const WORDS: usize = DEGREE;

    fn variables(length: usize) -> u32 {
        const LONG: usize = 1 << 12;
        length.next_power_of_two().ilog2().min(if length > LONG { 3 } else { 2 })
    }

    fn of_integer(x: u64) -> Element {
        Element::of_integer(x)
    }

    fn challenge(word: u64) -> Element {
        Element::of_bits(2 + word % ((1 << DEGREE) - 2))
    }

    fn plus(x: &Element, y: &Element) -> Element {
        x.plus(y)
    }

    fn minus(x: &Element, y: &Element) -> Element {
        x.minus(y)
    }

    fn times(x: &Element, y: &Element) -> Element {
        x.times(y)
    }

    fn write(x: &Element, out: &mut Vec<u64>) {
        out.extend_from_slice(&x.0);
    }

    fn read(words: &[u64]) -> Element {
        let mut element = Element::default();
        element.0.copy_from_slice(words);
        element
    }

    fn scaled(x: &[Element], factor: &Element) -> Vec<Element> {
        let scaled = Vector::of(x).times(&Vector::of(&vec![*factor; x.len()]));
        (0..x.len()).map(|i| scaled.get(i)).collect()
    }

    fn length(x: &Vector) -> usize {
        x.len()
    }

    fn first(x: &Vector) -> Element {
        if x.is_empty() { Element::default() } else { x.get(0) }
    }

    fn wipe(x: &mut Vector) {
        wipe(x.words_mut());
    }

    fn on_grid(x: &Vector, y: &Vector, v: u32, groups: usize) -> Vec<Element> {
        x.on_grid(y, v, groups)
    }

    /// Variable by variable, from the last: the bits of a challenge are its coordinates.
    fn folded(x: &Vector, challenge: &[Element], groups: usize) -> Vector {
        let mut all: Option<Vector> = None;
        for (t, r) in challenge.iter().enumerate().rev() {
            let bits = r.0.iter().rev().fold(0, |bits, bit| bits << 1 | bit & 1);
            let shorter = all.as_ref().unwrap_or(x).folded(groups << t, bits);
            if let Some(all) = &mut all {
                Self::wipe(all);
            }
            all = Some(shorter);
        }
        all.unwrap_or_default()
    }

    fn inner_product(x: &[Element], y: &[Element]) -> Element {
        Vector::of(x).inner_product(&Vector::of(y))
    }
}

/// Groups that are worked on at a time.
const LANES: usize = 4;

/// Of some groups one word, or one element of the field, each.
#[derive(Clone, Copy)]
struct Words([u64; LANES]);

impl Value for Words {
    #[inline(always)]
    fn difference(at_0: &Self, at_1: &Self) -> Self {
        Self(std::array::from_fn(|lane| at_0.0[lane] ^ at_1.0[lane]))
    }
}

/// Words of bits, or elements of the field; of element j of group b, at j·groups + b.
pub(super) struct Products<'a> {
    pub(super) x: &'a [u64],
    pub(super) y: &'a [u64],
    /// Of words, what each group's products count; of elements, nothing.
    pub(super) weights: Option<&'a [u64]>,
    pub(super) groups: usize,
    pub(super) v: u32,
}

impl Kernel for Products<'_> {
    type Output = Vec<u64>;

    #[inline(always)]
    fn run(self, product: impl Fn(u64, u64) -> u128 + Copy) -> Vec<u64> {
        let points = points(self.v);
        let mut sums = vec![0u128; points];
        let (mut x, mut y) = (vec![Words([0; LANES]); points], vec![Words([0; LANES]); points]);
        for b in (0..self.groups).step_by(LANES) {
            load(self.x, b, &self, &mut x);
            load(self.y, b, &self, &mut y);
            let weights: Option<[u64; LANES]> = self.weights.map(|weights| lanes(weights, b, self.groups));
            for ((sum, x), y) in sums.iter_mut().zip(&x).zip(&y) {
                for lane in 0..LANES {
                    *sum ^= match &weights {
                        Some(weights) => product(x.0[lane] & y.0[lane], weights[lane]),
                        None => product(x.0[lane], y.0[lane]),
                    };
                }
            }
        }
        sums.into_iter().map(reduce).collect()
    }
}

/// Some groups on the grid.
#[inline(always)]
fn load(from: &[u64], b: usize, shape: &Products<'_>, to: &mut [Words]) {
    for (j, to) in to.iter_mut().enumerate().take(1 << shape.v) {
        let row = from.get(j * shape.groups..).unwrap_or_default();
        *to = Words(lanes(row, b, shape.groups.min(row.len())));
    }
    extend(to, shape.v);
}

struct Folded<'a>(&'a [u64], &'a [u64], usize);

impl Kernel for Folded<'_> {
    type Output = Vec<u64>;

    #[inline(always)]
    fn run(self, product: impl Fn(u64, u64) -> u128 + Copy) -> Vec<u64> {
        let Self(x, weights, groups) = self;
        let mut sums = vec![0u128; groups];
        for (row, &weight) in x.chunks(groups.max(1)).zip(weights) {
            sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum ^= product(x, weight));
        }
        sums.into_iter().map(reduce).collect()
    }
}

struct Inner<'a>(&'a [u64], &'a [u64]);

impl Kernel for Inner<'_> {
    type Output = u64;

    #[inline(always)]
    fn run(self, product: impl Fn(u64, u64) -> u128 + Copy) -> u64 {
        reduce(self.0.iter().zip(self.1).fold(0, |sum, (&x, &y)| sum ^ product(x, y)))
    }
}
