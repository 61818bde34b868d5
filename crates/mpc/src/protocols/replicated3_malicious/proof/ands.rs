//! The first step of a proof of ands: from words of bits to elements of the field of 2^64.
//!
//! Words of 64 bits are elements of the field. Group b has 2^5 words and a random weight `w_b`; X and Y of a group are polynomials
//! in five variables, word by word, and `G = Σ_b w_b·X_b·Y_b`. At a challenge each lane of each group is an element.

use privet_ring::carryless::{Kernel, reduce, run, times_x};
use privet_ring::prg::Stream;
use privet_ring::words::folded_bits;

use crate::protocols::replicated3_malicious::share::Pair;
use crate::wiped::wiped_on_drop;

use super::algebra::{Algebra as _, Binary, Products};
use super::claim::Opening;
use super::grid::element_weights;
use super::{Part, drawn};

/// Variables of the step.
const VARIABLES: u32 = 5;

/// What a party keeps of its ands, word by word, until they are proven. Wiped on drop.
#[derive(Default)]
pub(in crate::protocols::replicated3_malicious) struct Ands {
    x: Pair,
    y: Pair,
    /// `z_{i+1} + r_{i+1}`.
    told: Vec<u64>,
    /// `r_i`.
    drawn: Vec<u64>,
}

wiped_on_drop!(Ands: told, drawn);

impl Ands {
    /// Words.
    pub(super) fn len(&self) -> usize {
        self.told.len()
    }

    /// x and y, what came of the next party, and what was drawn for it.
    pub(in crate::protocols::replicated3_malicious) fn push(
        &mut self,
        x: &Pair,
        y: &Pair,
        received: &[u64],
        drawn: &Pair,
    ) {
        self.x.extend(x);
        self.y.extend(y);
        self.told.extend(received.iter().zip(&drawn.next).map(|(z, r)| z ^ r));
        self.drawn.extend_from_slice(&drawn.own);
    }

    /// Those of a lane.
    pub(super) fn append(&mut self, other: &Self) {
        self.x.extend(&other.x);
        self.y.extend(&other.y);
        self.told.extend_from_slice(&other.told);
        self.drawn.extend_from_slice(&other.drawn);
    }

    /// As one of the three knows it.
    pub(super) fn opening(&self, part: Part) -> Words {
        let of = |x: &Pair| part.of(x, |x, y| x ^ y);
        let (x, y) = (of(&self.x), of(&self.y));
        let z = match part {
            Part::Both => Vec::new(),
            Part::Next => self.told.clone(),
            Part::Own => {
                let products = x.iter().zip(&y).map(|(x, y)| x & y);
                self.drawn.iter().zip(products).map(|(r, product)| r ^ product).collect()
            }
        };
        Words { x, y, z, weights: Vec::new() }
    }
}

/// Summands of words of x, y and, for a verifier, of x·y. Wiped on drop.
pub(super) struct Words {
    x: Vec<u64>,
    y: Vec<u64>,
    z: Vec<u64>,
    /// Of each group.
    weights: Vec<u64>,
}

wiped_on_drop!(Words: x, y, z);

impl Opening<Binary> for Words {
    fn weigh(&mut self, mut weights: Stream) {
        self.weights = drawn(&mut weights, self.x.len().div_ceil(1 << VARIABLES));
    }

    fn variables(&self) -> u32 {
        VARIABLES
    }

    fn on_grid(&self) -> Vec<u64> {
        let groups = self.weights.len();
        run(Products { x: &self.x, y: &self.y, weights: Some(&self.weights), groups, v: VARIABLES })
    }

    fn expected(&self) -> (Vec<u64>, u64) {
        let mut rows: Vec<u64> =
            self.z.chunks(self.weights.len()).map(|row| Binary::inner_product(row, &self.weights)).collect();
        rows.resize(1 << VARIABLES, 0);
        (rows, 0)
    }

    fn folded(&self, challenge: &[u64], more: &[u64; 2]) -> [Vec<u64>; 2] {
        let weights = element_weights::<Binary>(challenge);
        let [mut x, mut y] = [&self.x, &self.y].map(|words| folded_bits(words, &weights, self.weights.len()));
        run(Weigh(&mut y, &self.weights));
        x.push(more[0]);
        y.push(more[1]);
        [x, y]
    }
}

/// Multiplies the elements of lane l by X^l times the weight of their group.
struct Weigh<'a>(&'a mut [u64], &'a [u64]);

impl Kernel for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, product: impl Fn(u64, u64) -> u128 + Copy) {
        let mut weights = self.1.to_vec();
        for lane in self.0.chunks_exact_mut(weights.len()) {
            for (x, weight) in lane.iter_mut().zip(&mut weights) {
                *x = reduce(product(*x, *weight));
                *weight = times_x(*weight);
            }
        }
    }
}
