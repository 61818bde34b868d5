//! Rows of integers, and their sums with weights that are elements.

use std::array::from_fn;

use super::{DEGREE, Element, Registers, TILE, Vector, extend};
use crate::lanes::{Kernel, LANES, Lanes, run};

/// Rows of integers in groups, of element j of group b of a row at j·groups + b.
#[derive(Clone)]
pub struct Rows {
    groups: usize,
    v: u32,
    /// Row after row, each of groups·2^v, and a register more.
    words: Vec<u64>,
    count: usize,
}

crate::not_shown!(Rows);

impl Rows {
    /// Nothing, for rows of n integers in groups of 2^v.
    pub fn of(n: usize, v: u32) -> Self {
        Self { groups: n.div_ceil(1 << v), v, words: vec![0; LANES], count: 0 }
    }

    /// Groups of a row.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.count
    }

    /// One row more.
    pub fn push(&mut self, row: impl Iterator<Item = u64>) {
        let length = self.groups << self.v;
        self.words.truncate(self.count * length);
        self.words.extend(row.take(length));
        self.count += 1;
        self.words.resize(self.count * length + LANES, 0);
    }

    /// The integers of a row, and zeros up to whole groups.
    pub fn row(&self, i: usize) -> &[u64] {
        let length = self.groups << self.v;
        &self.words[i * length..(i + 1) * length]
    }

    /// All its words, to be wiped.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// `Σ_j weights[j]·x[j·groups + b]` for each group b of each row, to `out` from a place on.
    pub fn combine_into(&self, weights: &[Element], out: &mut Vector, at: usize) {
        run(CombineRows { x: self, weights, out, at });
    }

    /// Adds the products of two, on each point of the grid of [`extend`], each group's times its weight, of bits:
    /// coordinate i of point p at i·[`padded_points`] + p.
    pub fn add_on_grid(&self, y: &Self, weights: &[u64], sums: &mut [u64]) {
        run(RowsOnGrid { x: self, y, weights, sums });
    }
}

/// Points of the grid of so many variables, to a whole number of registers.
pub fn padded_points(v: u32) -> usize {
    3usize.pow(v).next_multiple_of(LANES)
}

struct CombineRows<'a> {
    x: &'a Rows,
    weights: &'a [Element],
    out: &'a mut Vector,
    at: usize,
}

impl Kernel for CombineRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { x, weights, out, at } = self;
        for row in 0..x.count {
            let first = row * (x.groups << x.v);
            for b in (0..x.groups).step_by(LANES) {
                for c in (0..DEGREE).step_by(TILE) {
                    let mut sums = [L::all(0); TILE];
                    for (j, weight) in weights.iter().enumerate() {
                        let x = L::at(&x.words, first + j * x.groups + b);
                        let weight = &weight.0[c..c + TILE];
                        for i in 0..TILE {
                            sums[i] = sums[i].plus(x.times(L::all(weight[i])));
                        }
                    }
                    for (i, sum) in sums.into_iter().enumerate() {
                        sum.put(out.coordinate(c + i), at + row * x.groups + b);
                    }
                }
            }
        }
        out.trim();
    }
}

struct RowsOnGrid<'a> {
    x: &'a Rows,
    y: &'a Rows,
    weights: &'a [u64],
    sums: &'a mut [u64],
}

/// Registers of groups that are worked on at a time.
const BATCH: usize = 4;
/// Groups all sums of whose products are made, to be picked by the bits of their weights, which all know.
const SET: usize = 4;
/// Sets of a batch.
const SETS: usize = BATCH * LANES / SET;

impl Kernel for RowsOnGrid<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { x, y, weights, sums } = self;
        let padded = padded_points(x.v);
        let zeros = || vec![Registers::<L, 1>::zeros(); BATCH * padded];
        let (mut on_x, mut on_y) = (zeros(), zeros());
        let mut of_batch = [0; BATCH * LANES];
        let mut filled = 0;
        for row in 0..x.count {
            for b in (0..x.groups).step_by(LANES) {
                for (from, to) in [(x, &mut on_x), (y, &mut on_y)] {
                    let to = &mut to[filled * padded..(filled + 1) * padded];
                    let first = row * (x.groups << x.v) + b;
                    for (j, to) in to[..1 << x.v].iter_mut().enumerate() {
                        *to = Registers([L::at(&from.words, first + j * x.groups)]);
                    }
                    extend(to, x.v);
                }
                // Lanes beyond the row have no weight.
                let of_lanes = &mut of_batch[filled * LANES..(filled + 1) * LANES];
                of_lanes.fill(0);
                of_lanes.iter_mut().zip(&weights[b..]).for_each(|(to, weight)| *to = *weight);
                filled += 1;
                if filled == BATCH {
                    add_weighed(&on_x, &on_y, &of_batch, sums, padded);
                    filled = 0;
                }
            }
        }
        if filled > 0 {
            of_batch[filled * LANES..].fill(0);
            add_weighed(&on_x, &on_y, &of_batch, sums, padded);
        }
    }
}

/// Adds to the sums of coordinate i the products of the groups whose weight has bit i, eight points at a time.
#[inline(always)]
fn add_weighed<L: Lanes>(
    x: &[Registers<L, 1>],
    y: &[Registers<L, 1>],
    weights: &[u64; BATCH * LANES],
    sums: &mut [u64],
    padded: usize,
) {
    let picks = picks(weights);
    let mut tables = [[L::all(0); 1 << SET]; SETS];
    for p in (0..padded).step_by(LANES) {
        for batch in 0..BATCH {
            let at = batch * padded + p;
            let mut products = [L::all(0); LANES];
            for i in 0..LANES {
                products[i] = x[at + i].0[0].times(y[at + i].0[0]);
            }
            L::transpose(&mut products);
            subsets(&products[..SET], &mut tables[2 * batch]);
            subsets(&products[SET..], &mut tables[2 * batch + 1]);
        }
        for (picks, sums) in picks.iter().zip(sums.chunks_exact_mut(padded)) {
            let mut sum = L::at(sums, p);
            for set in 0..SETS {
                sum = sum.plus(tables[set][usize::from(picks[set]) % (1 << SET)]);
            }
            sum.put(sums, p);
        }
    }
}

/// For each coordinate, which of each set count.
fn picks(weights: &[u64; BATCH * LANES]) -> [[u8; SETS]; DEGREE] {
    from_fn(|c| {
        from_fn(|set| {
            let weights = &weights[set * SET..(set + 1) * SET];
            weights.iter().rev().fold(0, |pick, weight| pick << 1 | u8::from(weight >> c & 1 == 1))
        })
    })
}

/// All sums of some.
#[inline(always)]
fn subsets<L: Lanes>(x: &[L], sums: &mut [L; 1 << SET]) {
    sums[0] = L::all(0);
    for lane in 0..SET {
        for set in 0..1 << lane {
            sums[1 << lane | set] = sums[set].plus(x[lane]);
        }
    }
}

/// `Σ_r weights[r]·x[r·length + i]` for each i, of weights of bits; row r as `fill` says.
pub fn combined_rows(
    rows: usize,
    length: usize,
    weights: &[u64],
    fill: impl FnMut(usize, &mut [u64]),
) -> Vector {
    run(CombinedRows { rows, length, weights, fill })
}

struct CombinedRows<'a, F> {
    rows: usize,
    length: usize,
    weights: &'a [u64],
    fill: F,
}

impl<F: FnMut(usize, &mut [u64])> Kernel for CombinedRows<'_, F> {
    type Output = Vector;

    #[inline(always)]
    fn run<L: Lanes>(mut self) -> Vector {
        const ROWS: usize = BATCH * LANES;
        let mut out = Vector::zeros(self.length);
        let stride = self.length.next_multiple_of(LANES);
        let mut rows = vec![0; ROWS * stride];
        let mut tables = [[L::all(0); 1 << SET]; SETS];
        for first in (0..self.rows).step_by(ROWS) {
            let mut weights = [0; ROWS];
            for (i, weight) in weights.iter_mut().enumerate().take(self.rows - first) {
                *weight = self.weights[first + i];
                (self.fill)(first + i, &mut rows[i * stride..i * stride + self.length]);
            }
            let picks = picks(&weights);
            for at in (0..self.length).step_by(LANES) {
                for (set, table) in tables.iter_mut().enumerate() {
                    let mut of_set = [L::all(0); SET];
                    for (i, to) in of_set.iter_mut().enumerate() {
                        *to = L::at(&rows, (set * SET + i) * stride + at);
                    }
                    subsets(&of_set, table);
                }
                for (c, picks) in picks.iter().enumerate() {
                    let words = out.coordinate(c);
                    let mut sum = L::at(words, at);
                    for set in 0..SETS {
                        sum = sum.plus(tables[set][usize::from(picks[set]) % (1 << SET)]);
                    }
                    sum.put(words, at);
                }
            }
        }
        out
    }
}
