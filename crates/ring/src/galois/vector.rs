//! Vectors of elements, coordinate by coordinate, so that a register has one coordinate of eight of them.

use std::array::from_fn;

use super::{DEGREE, Element, Registers, add_multiples, add_product, extend, reduce};
use crate::lanes::{Kernel, LANES, Lanes, run};

/// A vector of elements, coordinate by coordinate.
#[derive(Clone, Default)]
pub struct Vector {
    n: usize,
    /// From coordinate to coordinate: n, and a register more, so that eight can be read from everywhere.
    stride: usize,
    words: Vec<u64>,
}

crate::not_shown!(Vector);

impl Vector {
    /// Of n zeros.
    pub fn zeros(n: usize) -> Self {
        let stride = n.next_multiple_of(LANES) + LANES;
        Self { n, stride, words: vec![0; DEGREE * stride] }
    }

    /// Those elements.
    pub fn of(elements: &[Element]) -> Self {
        let mut vector = Self::zeros(elements.len());
        elements.iter().enumerate().for_each(|(i, element)| vector.set(i, element));
        vector
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Element i.
    pub fn get(&self, i: usize) -> Element {
        Element(from_fn(|c| self.words[c * self.stride + i]))
    }

    /// Makes it element i.
    pub fn set(&mut self, i: usize, element: &Element) {
        element.0.iter().enumerate().for_each(|(c, x)| self.words[c * self.stride + i] = *x);
    }

    /// Of weights of bits.
    pub fn of_bits(weights: &[u64]) -> Self {
        let mut vector = Self::zeros(weights.len());
        weights.iter().enumerate().for_each(|(i, weight)| vector.set(i, &Element::of_bits(*weight)));
        vector
    }

    /// Makes these the elements from a place on.
    pub fn copy_into(&self, to: &mut Self, at: usize) {
        let stride = to.stride;
        for (from, to) in self.words.chunks_exact(self.stride).zip(to.words.chunks_exact_mut(stride)) {
            to[at..at + self.n].copy_from_slice(&from[..self.n]);
        }
    }

    /// All its words, to be wiped.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Of two halves, the first and the second less the first times r, of which the lowest bits of a word are the coordinates: a
    /// linear polynomial that takes both as values at 0 and 1, at r. What is missing of the second half is zero.
    #[must_use]
    pub fn folded(&self, half: usize, r: u64) -> Self {
        run(Folded { x: self, half, bits: r })
    }

    /// Σ x·y.
    pub fn inner_product(&self, y: &Self) -> Element {
        run(OnGrid { x: self, y, v: 0, groups: self.n.min(y.n) }).swap_remove(0)
    }

    /// x·y of each of two.
    #[must_use]
    pub fn times(&self, y: &Self) -> Self {
        run(Times(self, y))
    }

    /// Each times its own weight, of bits.
    pub fn weigh(&mut self, weights: &[u64]) {
        run(Weigh(self, weights));
    }

    /// The products of two vectors of 2^v elements in each group, of element j of group b at j·groups + b, as polynomials that
    /// take these values on {0, 1}^v, summed over all groups: on each point of the grid of [`extend`], where ∞ stands for the
    /// coefficient of the square.
    pub fn on_grid(&self, y: &Self, v: u32, groups: usize) -> Vec<Element> {
        run(OnGrid { x: self, y, v, groups })
    }

    /// A coordinate of all, and a register more.
    #[inline(always)]
    pub(super) fn coordinate(&mut self, c: usize) -> &mut [u64] {
        &mut self.words[c * self.stride..(c + 1) * self.stride]
    }

    /// Eight elements, as far as they are kept.
    #[inline(always)]
    fn load<L: Lanes>(&self, at: usize, kept: L, to: &mut [L; DEGREE]) {
        for (to, words) in to.iter_mut().zip(self.words.chunks_exact(self.stride)) {
            *to = L::at(words, at).and(kept);
        }
    }

    /// Also writes up to seven beyond, which are to be written later.
    #[inline(always)]
    fn put<L: Lanes>(&mut self, at: usize, x: &[L]) {
        for (x, words) in x.iter().zip(self.words.chunks_exact_mut(self.stride)) {
            x.put(words, at);
        }
    }

    /// What stands beyond is zero.
    #[inline(always)]
    pub(super) fn trim(&mut self) {
        if self.stride > 0 {
            self.words.chunks_exact_mut(self.stride).for_each(|words| words[self.n..].fill(0));
        }
    }
}

/// The lanes below a number.
#[inline(always)]
fn below<L: Lanes>(live: usize) -> L {
    L::load(&from_fn(|lane| if lane < live { u64::MAX } else { 0 }))
}

struct Folded<'a> {
    x: &'a Vector,
    half: usize,
    bits: u64,
}

impl Kernel for Folded<'_> {
    type Output = Vector;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Vector {
        let Self { x, half, bits } = self;
        let mut out = Vector::zeros(half);
        let (mut low, mut high) = ([L::all(0); DEGREE], [L::all(0); DEGREE]);
        let mut sums = [L::all(0); 2 * DEGREE];
        for at in (0..half).step_by(LANES) {
            x.load(at, L::all(u64::MAX), &mut low);
            if half + at < x.n {
                x.load(half + at, L::all(u64::MAX), &mut high);
            } else {
                high.fill(L::all(0));
            }
            for (high, low) in high.iter_mut().zip(&low) {
                *high = high.minus(*low);
            }
            sums[..DEGREE].copy_from_slice(&low);
            sums[DEGREE..].fill(L::all(0));
            add_multiples(&high, bits, &mut sums);
            reduce(&mut sums);
            out.put(at, &sums[..DEGREE]);
        }
        out.trim();
        out
    }
}

struct Times<'a>(&'a Vector, &'a Vector);

impl Kernel for Times<'_> {
    type Output = Vector;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Vector {
        let Self(x, y) = self;
        let mut out = Vector::zeros(x.n.min(y.n));
        let (mut of_x, mut of_y) = ([L::all(0); DEGREE], [L::all(0); DEGREE]);
        let mut sums = [L::all(0); 2 * DEGREE];
        for at in (0..out.n).step_by(LANES) {
            x.load(at, L::all(u64::MAX), &mut of_x);
            y.load(at, L::all(u64::MAX), &mut of_y);
            sums.fill(L::all(0));
            add_product(&of_x, &of_y, &mut sums);
            reduce(&mut sums);
            out.put(at, &sums[..DEGREE]);
        }
        out.trim();
        out
    }
}

struct Weigh<'a>(&'a mut Vector, &'a [u64]);

impl Kernel for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self(x, weights) = self;
        let (mut eight, mut of_lanes) = ([L::all(0); DEGREE], [L::all(0); DEGREE]);
        let mut sums = [L::all(0); 2 * DEGREE];
        for (at, weights) in (0..x.n).step_by(LANES).zip(weights.chunks(LANES)) {
            for (c, to) in of_lanes.iter_mut().enumerate() {
                let mut bits = [0; LANES];
                for (bit, weight) in bits.iter_mut().zip(weights) {
                    *bit = weight >> c & 1;
                }
                *to = L::load(&bits);
            }
            sums.fill(L::all(0));
            x.load(at, L::all(u64::MAX), &mut eight);
            add_product(&eight, &of_lanes, &mut sums);
            reduce(&mut sums);
            x.put(at, &sums[..DEGREE]);
        }
        x.trim();
    }
}

struct OnGrid<'a> {
    x: &'a Vector,
    y: &'a Vector,
    v: u32,
    groups: usize,
}

impl Kernel for OnGrid<'_> {
    type Output = Vec<Element>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Vec<Element> {
        let points = 3usize.pow(self.v);
        let mut sums = vec![Registers::<L, DEGREE>::zeros(); points];
        let (mut x, mut y) = (sums.clone(), sums.clone());
        let mut product = [L::all(0); 2 * DEGREE];
        for b in (0..self.groups).step_by(LANES) {
            let live = below::<L>(self.groups - b);
            for (from, to) in [(self.x, &mut x), (self.y, &mut y)] {
                for (j, to) in to[..1 << self.v].iter_mut().enumerate() {
                    let at = j * self.groups + b;
                    if at < from.n { from.load(at, live, &mut to.0) } else { *to = Registers::zeros() }
                }
                extend(to, self.v);
            }
            for ((sum, x), y) in sums.iter_mut().zip(&x).zip(&y) {
                product.fill(L::all(0));
                add_product(&x.0, &y.0, &mut product);
                reduce(&mut product);
                for (sum, product) in sum.0.iter_mut().zip(&product) {
                    *sum = sum.plus(*product);
                }
            }
        }
        let mut totals = vec![Element::default(); points];
        for (to, sum) in totals.iter_mut().zip(&sums) {
            for (to, sum) in to.0.iter_mut().zip(&sum.0) {
                *to = total(*sum);
            }
        }
        totals
    }
}

/// The sum of all lanes.
#[inline(always)]
fn total<L: Lanes>(x: L) -> u64 {
    let mut lanes = [0; LANES];
    x.store(&mut lanes);
    lanes.iter().fold(0, |sum, x| sum.wrapping_add(*x))
}
