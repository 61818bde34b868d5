//! One proof among three parties: who proves, and the two who verify, each with its summands.

use privet_ring::prg::Stream;

use super::algebra::Algebra;
use super::grid::{at_infinity, elements, point_weights};

/// What is proven, as one of the three knows it: as a prover the factors, as a verifier summands of them and of the products.
pub(super) trait Opening<A: Algebra> {
    /// Draws random weights, the same at all three.
    fn weigh(&mut self, weights: Stream);
    /// Variables of the first step.
    fn variables(&self) -> u32;
    /// The prover's G on the grid.
    fn on_grid(&self) -> Vec<A::Element>;
    /// A verifier's summand of what the products should be: of G at each element, and of what is no part of G.
    fn expected(&self) -> (Vec<A::Element>, A::Element);
    /// The factors that are left at a challenge, and one pair more.
    fn folded(&self, challenge: &[A::Element], more: &[A::Element; 2]) -> [A::Vector; 2];
}

/// Factors, or summands of them, before and after the first step.
enum Factors<A: Algebra> {
    Opening(Box<dyn Opening<A>>),
    Both([A::Vector; 2]),
}

impl<A: Algebra> Drop for Factors<A> {
    fn drop(&mut self) {
        if let Self::Both(both) = self {
            both.iter_mut().for_each(A::wipe);
        }
    }
}

impl<A: Algebra> Factors<A> {
    fn variables(&self) -> u32 {
        match self {
            Self::Opening(opening) => opening.variables(),
            Self::Both([x, _]) => A::variables(A::length(x)),
        }
    }

    fn are_folded(&self) -> bool {
        matches!(self, Self::Both([x, _]) if A::length(x) <= 1)
    }

    /// Elements that are told of the next step: of the first, what is at ∞ and the product of one pair more; of others, all
    /// points but the first.
    fn told(&self) -> usize {
        let v = self.variables();
        match self {
            Self::Opening(_) => at_infinity(v).len() + 1,
            Self::Both(_) => super::grid::points(v) - 1,
        }
    }

    /// Of challenges there are as many as variables, and one more with which the pair counts in the first step.
    fn fold(&mut self, challenge: &[A::Element], pair: &[A::Element; 2]) {
        let both = match self {
            Self::Opening(opening) => {
                let (of_pair, challenge) = of_first_step::<A>(challenge);
                opening.folded(challenge, &[pair[0], A::times(&of_pair, &pair[1])])
            }
            Self::Both(both) => {
                let groups = A::length(&both[0]).div_ceil(1 << challenge.len());
                both.each_ref().map(|factor| A::folded(factor, challenge, groups))
            }
        };
        *self = Self::Both(both);
    }

    /// Words of the challenge of the next step.
    fn wanted(&self) -> usize {
        match self {
            Self::Opening(opening) => opening.variables() as usize + 1,
            Self::Both(_) if self.are_folded() => 0,
            Self::Both(_) => self.variables() as usize,
        }
    }

    fn last(&self) -> [A::Element; 2] {
        let Self::Both(both) = self else { return [A::Element::default(); 2] };
        both.each_ref().map(A::first)
    }
}

/// Who proves.
pub(super) struct Prover<A: Algebra> {
    factors: Factors<A>,
    /// Random, and known to neither verifier, so that what is left at the end tells nothing.
    pair: [A::Element; 2],
    /// What the second verifier draws too.
    shares: Stream,
}

impl<A: Algebra> Prover<A> {
    pub(super) fn of(opening: Box<dyn Opening<A>>, with_first: &mut Stream, mut shares: Stream) -> Self {
        let (first, second) = (pair::<A>(with_first), pair::<A>(&mut shares));
        let pair = [0, 1].map(|i| A::plus(&first[i], &second[i]));
        Self { factors: Factors::Opening(opening), pair, shares }
    }
}

/// Who verifies.
pub(super) struct Verifier<A: Algebra> {
    factors: Factors<A>,
    pair: [A::Element; 2],
    claim: A::Element,
    /// What the other verifier draws too.
    challenges: Stream,
    /// Of the second, what the prover draws too: what it is told.
    shares: Option<Stream>,
}

impl<A: Algebra> Verifier<A> {
    pub(super) fn first(opening: Box<dyn Opening<A>>, with_prover: &mut Stream, challenges: Stream) -> Self {
        let (pair, claim) = (pair::<A>(with_prover), A::Element::default());
        Self { factors: Factors::Opening(opening), pair, claim, challenges, shares: None }
    }

    pub(super) fn second(opening: Box<dyn Opening<A>>, mut shares: Stream, challenges: Stream) -> Self {
        let (pair, claim) = (pair::<A>(&mut shares), A::Element::default());
        Self { factors: Factors::Opening(opening), pair, claim, challenges, shares: Some(shares) }
    }

    fn step(&mut self, told: &[A::Element], challenge: &[A::Element]) {
        let v = self.factors.variables();
        let value = match &self.factors {
            Factors::Opening(opening) => {
                let (of_pair, challenge) = of_first_step::<A>(challenge);
                let weights = point_weights::<A>(challenge);
                let (known, besides) = opening.expected();
                let of = |places: Vec<usize>| places.into_iter().map(|p| weights[p]).collect::<Vec<_>>();
                let known = A::inner_product(&of(elements(v)), &known);
                let (pair, told) = told.split_last().unwrap_or((&besides, told));
                let infinite = A::inner_product(&of(at_infinity(v)), told);
                [infinite, besides, A::times(&of_pair, pair)].iter().fold(known, |sum, x| A::plus(&sum, x))
            }
            Factors::Both(_) => {
                let weights = point_weights::<A>(challenge);
                // The value at the first point is what the claim leaves.
                let others = elements(v).into_iter().skip(1).map(|p| told[p - 1]);
                let first = others.fold(self.claim, |rest, value| A::minus(&rest, &value));
                A::plus(&A::times(&weights[0], &first), &A::inner_product(&weights[1..], told))
            }
        };
        self.claim = value;
        self.factors.fold(challenge, &self.pair);
    }
}

/// What the product of the pair counts, which the prover told before it could know that, and the challenges of all variables.
fn of_first_step<A: Algebra>(challenge: &[A::Element]) -> (A::Element, &[A::Element]) {
    challenge.split_last().map_or((A::of_integer(1), challenge), |(last, others)| (*last, others))
}

/// A prover, whatever it computes in.
pub(super) trait Proves {
    fn weigh(&mut self, seed: Stream);
    /// What the first verifier is told next; nothing at the end.
    fn say(&mut self) -> Vec<u64>;
    /// Words of the challenge that comes then.
    fn wanted(&self) -> usize;
    fn hear(&mut self, challenge: &[u64]);
    fn is_done(&self) -> bool;
}

impl<A: Algebra> Proves for Prover<A> {
    fn weigh(&mut self, seed: Stream) {
        if let Factors::Opening(opening) = &mut self.factors {
            opening.weigh(seed);
        }
    }

    fn say(&mut self) -> Vec<u64> {
        if self.factors.are_folded() {
            return Vec::new();
        }
        let v = self.factors.variables();
        let values = match &self.factors {
            Factors::Opening(opening) => {
                let on_grid = opening.on_grid();
                let product = A::times(&self.pair[0], &self.pair[1]);
                at_infinity(v).into_iter().map(|p| on_grid[p]).chain([product]).collect()
            }
            Factors::Both([x, y]) => {
                let mut on_grid = A::on_grid(x, y, v, A::length(x).div_ceil(1 << v));
                on_grid.remove(0);
                on_grid
            }
        };
        let shares: Vec<A::Element> = drawn::<A>(&mut self.shares, values.len());
        let mut words = Vec::with_capacity(values.len() * A::WORDS);
        values.iter().zip(&shares).for_each(|(x, share)| A::write(&A::minus(x, share), &mut words));
        words
    }

    fn is_done(&self) -> bool {
        self.factors.are_folded()
    }

    fn wanted(&self) -> usize {
        self.factors.wanted()
    }

    fn hear(&mut self, challenge: &[u64]) {
        if !self.factors.are_folded() {
            self.factors.fold(&challenges::<A>(challenge), &self.pair);
        }
    }
}

/// A verifier, whatever it computes in.
pub(super) trait Verifies {
    /// The seed of the weights, for the prover.
    fn weigh(&mut self) -> [u64; 2];
    fn is_done(&self) -> bool;
    /// Words that it is told next; none at the end, and none if it draws them.
    fn told(&self) -> usize;
    /// From what it was told to the challenge, for the prover.
    fn step(&mut self, told: &[u64]) -> Vec<u64>;
    /// Its summands of both factors and of the claim.
    fn last(&self) -> Vec<u64>;
    /// Whether the claim is the product of the factors, with the other verifier's summands.
    fn agrees(&self, other: &[u64]) -> bool;
}

impl<A: Algebra> Verifies for Verifier<A>
where
    A::Element: PartialEq,
{
    fn weigh(&mut self) -> [u64; 2] {
        let mut seed = [0; 2];
        self.challenges.fill(&mut seed);
        if let Factors::Opening(opening) = &mut self.factors {
            opening.weigh(super::expanded(&seed));
        }
        seed
    }

    fn is_done(&self) -> bool {
        self.factors.are_folded()
    }

    fn told(&self) -> usize {
        if self.factors.are_folded() || self.shares.is_some() { 0 } else { self.factors.told() * A::WORDS }
    }

    fn step(&mut self, told: &[u64]) -> Vec<u64> {
        if self.factors.are_folded() {
            return Vec::new();
        }
        let n = self.factors.told();
        let told = match &mut self.shares {
            Some(shares) => drawn::<A>(shares, n),
            None => told.chunks_exact(A::WORDS).map(A::read).collect(),
        };
        let words = super::drawn(&mut self.challenges, self.factors.wanted());
        Verifier::step(self, &told, &challenges::<A>(&words));
        words
    }

    fn last(&self) -> Vec<u64> {
        let [x, y] = self.factors.last();
        let mut words = Vec::with_capacity(3 * A::WORDS);
        for x in [x, y, self.claim] {
            A::write(&x, &mut words);
        }
        words
    }

    fn agrees(&self, other: &[u64]) -> bool {
        let [x, y] = self.factors.last();
        let mut others = other.chunks_exact(A::WORDS).map(A::read);
        let [x, y, claim] = [x, y, self.claim].map(|mine| A::plus(&mine, &others.next().unwrap_or_default()));
        A::times(&x, &y) == claim
    }
}

fn challenges<A: Algebra>(words: &[u64]) -> Vec<A::Element> {
    words.iter().map(|&word| A::challenge(word)).collect()
}

fn drawn<A: Algebra>(stream: &mut Stream, n: usize) -> Vec<A::Element> {
    super::drawn(stream, n * A::WORDS).chunks_exact(A::WORDS).map(A::read).collect()
}

fn pair<A: Algebra>(stream: &mut Stream) -> [A::Element; 2] {
    let drawn = drawn::<A>(stream, 2);
    [drawn[0], drawn[1]]
}
