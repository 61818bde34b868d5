//! The first step of a proof of products of integers: from products to elements of the Galois ring of degree 48.
//!
//! All that is proven is multiplied by 2^(64-k), so that what counts in a ring 2^k counts in 2^64 ([`Statement`]). Of products
//! element by element, and of inner products term by term, the elements of a tensor are in groups of 2^v, each with a random
//! weight: all terms of a tensor have the same groups. Of matrices there are far more products than elements, so that both are
//! first multiplied by random vectors (Freivalds 1977): of rows σ and columns τ with result Z, `Σ σ_r·τ_c·Z_rc = Σ_i (Σ_r σ_r·X_ri)
//! (Σ_c τ_c·Y_ci)`; likewise of convolutions, whose rows are the positions of the result.

use privet_ring::galois::{DEGREE, Element, Rows, Vector, combined_rows, padded_points};
use privet_ring::prg::Stream;

use crate::protocols::protocol::Matrices;
use crate::protocols::replicated3_malicious::products::{Map, Term, Windows};
use crate::protocols::replicated3_malicious::share::{Components, Pair};
use crate::wiped::{wipe, wiped_on_drop};

use super::algebra::Integral;
use super::claim::Opening;
use super::grid::{element_weights, points};
use super::{Part, drawn};

/// A tensor that was sent: what it is the sum of, as this party knows it. Wiped on drop.
pub(in crate::protocols::replicated3_malicious) struct Statement {
    /// Bits of the ring.
    pub(in crate::protocols::replicated3_malicious) k: u32,
    /// Elements.
    pub(in crate::protocols::replicated3_malicious) n: usize,
    pub(in crate::protocols::replicated3_malicious) terms: Vec<Term>,
    /// Who has something to prove.
    pub(in crate::protocols::replicated3_malicious) active: Components,
    /// What the next party sent, less its mask that this party knows and less what was added.
    pub(in crate::protocols::replicated3_malicious) told: Vec<u64>,
    /// What was drawn with the previous party, for its mask.
    pub(in crate::protocols::replicated3_malicious) drawn: Vec<u64>,
}

wiped_on_drop!(Statement: told, drawn);

impl Statement {
    /// Products, roughly, that are worked on.
    pub(super) fn size(&self) -> usize {
        let of = |term: &Term| match term.map {
            Map::Each => self.n,
            Map::Rows(length) => self.n * length,
            Map::Matrices(_) | Map::Convolution(_) => term.x.len() + term.y.len(),
        };
        self.terms.iter().map(of).sum()
    }
}

/// Tensors that one party has to prove, as one of the three knows them.
pub(super) struct Integers {
    tensors: Vec<Tensor>,
    /// Variables of the step.
    v: u32,
    is_second: bool,
}

/// One of them. Wiped on drop.
struct Tensor {
    factors: Factors,
    /// What the sum of all products should be.
    z: Vec<u64>,
}

enum Factors {
    /// Rows of as many integers as the tensor has; with a weight of each group.
    Each { x: Rows, y: Rows, weights: Vec<u64> },
    /// Both sides of each term; and both under random vectors.
    Outer { places: Places, terms: Vec<(Map, [Vec<u64>; 2])>, weights: [Vec<u64>; 2], both: Vec<[Vector; 2]> },
}

impl Drop for Tensor {
    fn drop(&mut self) {
        wipe(&mut self.z);
        match &mut self.factors {
            Factors::Each { x, y, .. } => [x, y].into_iter().for_each(|x| wipe(x.words_mut())),
            Factors::Outer { terms, both, .. } => {
                terms.iter_mut().flat_map(|(_, sides)| sides).for_each(|side| wipe(side));
                both.iter_mut().flatten().for_each(|side| wipe(side.words_mut()));
            }
        }
    }
}

/// Where the elements of a result stand as rows and columns: as of matrices, or by image, filter and position.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Places {
    images: usize,
    columns: usize,
    area: usize,
}

impl Places {
    fn of(map: &Map) -> Option<Self> {
        match map {
            Map::Matrices(Matrices { rows, columns, .. }) => {
                Some(Self { images: *rows, columns: *columns, area: 1 })
            }
            Map::Convolution(shape) => {
                let area = shape.out().iter().product();
                Some(Self { images: shape.batch, columns: shape.filters, area })
            }
            Map::Each | Map::Rows(_) => None,
        }
    }

    fn rows(&self) -> usize {
        self.images * self.area
    }
}

/// Where all terms are products of matrices that give the same rows and columns.
fn common_places(terms: &[Term]) -> Option<Places> {
    let first = Places::of(&terms.first()?.map)?;
    terms.iter().all(|term| Places::of(&term.map) == Some(first)).then_some(first)
}

impl Integers {
    /// What a party has to prove; nothing if it has nothing.
    pub(super) fn of(statements: &[Statement], prover: usize, part: Part) -> Option<Self> {
        let own = || statements.iter().filter(|s| s.active[prover]);
        let each = || own().filter(|s| common_places(&s.terms).is_none());
        let v = variables(each().map(Statement::size).sum(), each().map(|s| s.n).max().unwrap_or(0));
        let tensors: Vec<Tensor> = own().map(|s| Tensor::of(s, part, v)).collect();
        (!tensors.is_empty()).then_some(Self { tensors, v, is_second: matches!(part, Part::Own) })
    }
}

/// Variables of the step for so many products, and elements of the longest tensor: a proof has 3^v elements.
fn variables(products: usize, longest: usize) -> u32 {
    let worth = match products {
        0..0x100 => 2,
        0x100..0x800 => 3,
        0x800..0x4000 => 4,
        0x4000..0x1_0000 => 5,
        _ => 6,
    };
    longest.next_power_of_two().ilog2().min(worth)
}

impl Tensor {
    fn of(statement: &Statement, part: Part, v: u32) -> Self {
        let up = 64 - statement.k;
        let factors = match common_places(&statement.terms) {
            Some(places) => {
                let terms = statement.terms.iter().map(|term| (term.map, sides(term, part, up))).collect();
                Factors::Outer { places, terms, weights: [Vec::new(), Vec::new()], both: Vec::new() }
            }
            None => Self::each(statement, part, v),
        };
        let scaled = |z: &[u64]| z.iter().map(|z| z << up).collect();
        let mut z = match part {
            Part::Both => Vec::new(),
            Part::Next => scaled(&statement.told),
            Part::Own => scaled(&statement.drawn),
        };
        if let (Part::Own, Factors::Each { x, y, .. }) = (part, &factors) {
            for i in 0..x.rows() {
                let products = x.row(i).iter().zip(y.row(i)).map(|(x, y)| x.wrapping_mul(*y));
                z.iter_mut().zip(products).for_each(|(z, product)| *z = z.wrapping_add(product));
            }
        }
        Self { factors, z }
    }

    fn each(statement: &Statement, part: Part, v: u32) -> Factors {
        let n = statement.n;
        let (mut x, mut y) = (Rows::of(n, v), Rows::of(n, v));
        for term in &statement.terms {
            let as_rows = Places::of(&term.map).map(|_| term.gathered(&(0..n).collect::<Vec<_>>()));
            let term = as_rows.as_ref().unwrap_or(term);
            let length = if let Map::Rows(length) = term.map { length } else { 1 };
            let (mask, factor) = scales(term, 64 - statement.k);
            for i in 0..length {
                side_into(&term.x.value, part, (i, length), |x| x & mask, &mut x);
                side_into(&term.y.value, part, (i, length), |y| y.wrapping_mul(factor), &mut y);
            }
        }
        Factors::Each { x, y, weights: Vec::new() }
    }
}

/// Of one side of a term the lowest bits count, which are the same at all who know them; the other is multiplied by the factor, and
/// so that what is above does not count.
fn scales(term: &Term, up: u32) -> (u64, u64) {
    (u64::MAX >> (64 - term.x.k.clamp(1, 64)), term.factor << up)
}

/// What a party knows of both sides of a term.
fn sides(term: &Term, part: Part, up: u32) -> [Vec<u64>; 2] {
    let (mask, factor) = scales(term, up);
    let x = side(&term.x.value, part, |x| x & mask);
    [x, side(&term.y.value, part, |y| y.wrapping_mul(factor))]
}

/// Element i of each so many, as one row more.
fn side_into(x: &Pair, part: Part, (i, length): (usize, usize), of: impl Fn(u64) -> u64, rows: &mut Rows) {
    let (own, next) = (x.own.get(i..).unwrap_or_default(), x.next.get(i..).unwrap_or_default());
    let (own, next) = (own.iter().step_by(length), next.iter().step_by(length));
    match part {
        Part::Both => rows.push(own.zip(next).map(|(x, y)| of(*x).wrapping_add(of(*y)))),
        Part::Next => rows.push(next.map(|x| of(*x))),
        Part::Own => rows.push(own.map(|x| of(*x))),
    }
}

fn side(x: &Pair, part: Part, of: impl Fn(u64) -> u64) -> Vec<u64> {
    match part {
        Part::Both => x.own.iter().zip(&x.next).map(|(x, y)| of(*x).wrapping_add(of(*y))).collect(),
        Part::Next => x.next.iter().map(|x| of(*x)).collect(),
        Part::Own => x.own.iter().map(|x| of(*x)).collect(),
    }
}

impl Opening<Integral> for Integers {
    fn weigh(&mut self, mut stream: Stream) {
        for tensor in &mut self.tensors {
            match &mut tensor.factors {
                Factors::Each { x, weights, .. } => *weights = drawn(&mut stream, x.groups()),
                Factors::Outer { places, terms, weights, both } => {
                    *weights = [drawn(&mut stream, places.rows()), drawn(&mut stream, places.columns)];
                    *both = terms.iter().map(|(map, sides)| compressed(map, sides, weights)).collect();
                }
            }
        }
    }

    fn variables(&self) -> u32 {
        self.v
    }

    fn on_grid(&self) -> Vec<Element> {
        let padded = padded_points(self.v);
        let mut sums = vec![0; DEGREE * padded];
        for tensor in &self.tensors {
            if let Factors::Each { x, y, weights } = &tensor.factors {
                x.add_on_grid(y, weights, &mut sums);
            }
        }
        (0..points(self.v)).map(|p| Element(std::array::from_fn(|i| sums[i * padded + p]))).collect()
    }

    fn expected(&self) -> (Vec<Element>, Element) {
        let mut known = vec![Element::default(); 1 << self.v];
        let mut besides = Element::default();
        for tensor in &self.tensors {
            match &tensor.factors {
                Factors::Each { weights, .. } => {
                    let groups = weights.len();
                    let sums = combined_rows(groups, known.len(), weights, |b, to| {
                        to.fill(0);
                        let of_group = tensor.z[b..].iter().step_by(groups);
                        to.iter_mut().zip(of_group).for_each(|(to, z)| *to = *z);
                    });
                    known.iter_mut().enumerate().for_each(|(j, sum)| *sum = sum.plus(&sums.get(j)));
                }
                Factors::Outer { places, weights, both, .. } => {
                    besides = besides.plus(&weighed_outer(&tensor.z, places, weights));
                    if self.is_second {
                        let products = both.iter().map(|[x, y]| x.inner_product(y));
                        besides = products.fold(besides, |sum, product| sum.plus(&product));
                    }
                }
            }
        }
        (known, besides)
    }

    fn folded(&self, challenge: &[Element], more: &[Element; 2]) -> [Vector; 2] {
        let of_elements = element_weights::<Integral>(challenge);
        let length = |tensor: &Tensor| match &tensor.factors {
            Factors::Each { x, .. } => x.rows() * x.groups(),
            Factors::Outer { both, .. } => both.iter().map(|[x, _]| x.len()).sum(),
        };
        let n = self.tensors.iter().map(length).sum::<usize>() + 1;
        let mut all = [Vector::zeros(n), Vector::zeros(n)];
        let mut of_groups = Vec::with_capacity(n);
        let mut at = 0;
        // Those that write beyond their end come first.
        for tensor in &self.tensors {
            if let Factors::Each { x, y, weights } = &tensor.factors {
                x.combine_into(&of_elements, &mut all[0], at);
                y.combine_into(&of_elements, &mut all[1], at);
                (0..x.rows()).for_each(|_| of_groups.extend_from_slice(weights));
                at += length(tensor);
            }
        }
        all[1].weigh(&of_groups);
        for tensor in &self.tensors {
            if let Factors::Outer { both, .. } = &tensor.factors {
                for both in both {
                    all.iter_mut().zip(both).for_each(|(all, both)| both.copy_into(all, at));
                    at += both[0].len();
                }
            }
        }
        all.iter_mut().zip(more).for_each(|(all, more)| all.set(at, more));
        all
    }
}

/// `Σ σ_r·τ_c·Z_rc`: column by column first.
fn weighed_outer(z: &[u64], places: &Places, [of_rows, of_columns]: &[Vec<u64>; 2]) -> Element {
    let Places { columns, area, .. } = *places;
    let sums = combined_rows(places.rows(), columns, of_rows, |row, to| {
        let from = row / area * columns * area + row % area;
        to.iter_mut()
            .zip(z.get(from..).unwrap_or_default().iter().step_by(area))
            .for_each(|(to, z)| *to = *z);
    });
    sums.inner_product(&Vector::of_bits(of_columns))
}

/// Both sides of a product of matrices under random vectors.
fn compressed(map: &Map, [x, y]: &[Vec<u64>; 2], [of_rows, of_columns]: &[Vec<u64>; 2]) -> [Vector; 2] {
    let copied =
        |from: &[u64], row: usize, to: &mut [u64]| to.copy_from_slice(&from[row * to.len()..][..to.len()]);
    match map {
        Map::Matrices(Matrices { inner, .. }) => [
            combined_rows(of_rows.len(), *inner, of_rows, |row, to| copied(x, row, to)),
            combined_rows(of_columns.len(), *inner, of_columns, |row, to| copied(y, row, to)),
        ],
        Map::Convolution(shape) => {
            let windows = Windows::of(*shape);
            let (length, of_group) = (windows.depth * windows.taps, shape.filters / shape.groups.max(1));
            let mut of_y = Vector::zeros(shape.groups * length);
            for (group, weights) in of_columns.chunks(of_group.max(1)).enumerate() {
                let first = group * of_group;
                combined_rows(of_group, length, weights, |row, to| copied(y, first + row, to))
                    .copy_into(&mut of_y, group * length);
            }
            let area: usize = shape.out().iter().product();
            let (channels, plane) = (shape.channels, shape.size[0] * shape.size[1]);
            let of_x = combined_rows(of_rows.len(), channels * windows.taps, of_rows, |row, to| {
                let image = &x[row / area * channels * plane..][..channels * plane];
                for tap in 0..windows.taps {
                    let seen = windows.seen(row % area, tap);
                    let of_tap = to[tap..].iter_mut().step_by(windows.taps);
                    for (to, channel) in of_tap.zip(image.chunks(plane.max(1))) {
                        *to = seen.map_or(0, |at| channel[at]);
                    }
                }
            });
            [of_x, of_y]
        }
        Map::Each | Map::Rows(_) => unreachable!("these have no rows and columns"),
    }
}
