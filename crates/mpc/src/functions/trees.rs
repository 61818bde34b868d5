//! Ensembles of decision trees, all of it hidden: which feature a node looks at, its threshold, the paths, the values.
//!
//! Every node compares, and every leaf counts how many of the nodes above it decided against it: the leaf that is reached counts
//! none. Tai, Ma, Zhao, Chow: ESORICS 2017 (path costs), Kiss et al.: PETS 2019 (the parts of the known protocols). Trees are filled up to the
//! same public numbers of nodes and leaves: a node that is not there is on no path, and a leaf that is not there counts one to begin
//! with. Exact, but for what the features were rounded.
//!
//! Counts are in the smallest ring that holds the depth. `replicated3` with a ring of at most 42 bits: 7 rounds. With R rows, N
//! nodes and L leaves over all trees, s bits of depth, k of features, k' of values: R·N·(2k + sign(k) + 3s) + R·L·(2s + 2^s + 2 + 3k')
//! bits over all parties.

use crate::Abort;
use crate::protocols::protocol::{Matrices, Operand, Protocol};

/// What is public of an ensemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows of features.
    pub rows: usize,
    /// Features of a row.
    pub features: usize,
    /// How many trees.
    pub trees: usize,
    /// Nodes of each, filled up.
    pub nodes: usize,
    /// Leaves of each, filled up.
    pub leaves: usize,
    /// Most nodes above a leaf, below 256.
    pub depth: usize,
    /// Values of a leaf.
    pub outputs: usize,
    /// Ring of features and thresholds.
    pub ring: u32,
    /// Ring of the values.
    pub value_ring: u32,
}

impl Shape {
    /// Ring of paths and counts: counts go to the depth.
    pub fn count_ring(&self) -> u32 {
        usize::BITS - self.depth.leading_zeros().min(usize::BITS - 1)
    }
}

/// The ensemble; each part may be known where the model is.
pub struct Ensemble<'a, S> {
    /// `trees·nodes × features`: 1 where the node looks at the feature, else 0.
    pub selection: Operand<'a, S>,
    /// By node: its bit is `feature < threshold`. The difference of both must fit the ring.
    pub thresholds: &'a S,
    /// `trees × leaves × nodes` in the ring of counts: 1 where the path goes on if the bit is not set, -1 where it goes on if it is, 0
    /// off the path.
    pub paths: Operand<'a, S>,
    /// By leaf: how many entries of its path are -1.
    pub starts: &'a S,
    /// `outputs × trees·leaves`.
    pub values: Operand<'a, S>,
}

/// The sum over all trees of the values that each row reaches: `rows × outputs`.
pub fn trees<P: Protocol>(
    p: &mut P,
    x: Operand<'_, P::Share>,
    shape: &Shape,
    ensemble: &Ensemble<'_, P::Share>,
) -> Result<P::Sum, Abort> {
    let decisions = decisions(p, x, shape, ensemble)?;
    let reached = reached(p, &decisions, shape, ensemble)?;
    let indicators = p.bit_to_arith(&reached, shape.value_ring)?;
    let product = Matrices { rows: shape.rows, inner: shape.trees * shape.leaves, columns: shape.outputs };
    Ok(p.matmul(Operand::Secret(&indicators), ensemble.values, shape.value_ring, product))
}

/// By tree, then row, then node: whether the feature is below the threshold, in the ring of counts.
fn decisions<P: Protocol>(
    p: &mut P,
    x: Operand<'_, P::Share>,
    shape: &Shape,
    ensemble: &Ensemble<'_, P::Share>,
) -> Result<P::Share, Abort> {
    let Shape { rows, nodes, trees, .. } = *shape;
    let all = trees * nodes;
    let picked = Matrices { rows, inner: shape.features, columns: all };
    let picked = p.matmul(x, ensemble.selection, shape.ring, picked);
    let thresholds: Vec<usize> = (0..rows * all).map(|i| i % all).collect();
    let less = P::scale(&P::gather(ensemble.thresholds, &thresholds), u64::MAX);
    let below = p.is_negative(P::add_sum(picked, (&less).into()), 0)?;
    let by_tree: Vec<usize> = (0..trees)
        .flat_map(|t| (0..rows).flat_map(move |r| (0..nodes).map(move |n| (r * trees + t) * nodes + n)))
        .collect();
    p.bit_to_arith(&P::gather_bits(&below, &by_tree), shape.count_ring())
}

/// By row, then tree, then leaf: whether nothing was decided against it.
fn reached<P: Protocol>(
    p: &mut P,
    decisions: &P::Share,
    shape: &Shape,
    ensemble: &Ensemble<'_, P::Share>,
) -> Result<P::Bit, Abort> {
    let Shape { rows, nodes, trees, leaves, .. } = *shape;
    let ring = shape.count_ring();
    let counts: Vec<P::Sum> = (0..trees)
        .map(|t| {
            let bits = P::gather(decisions, &(t * rows * nodes..(t + 1) * rows * nodes).collect::<Vec<_>>());
            let path = t * leaves * nodes..(t + 1) * leaves * nodes;
            let product = Matrices { rows, inner: nodes, columns: leaves };
            let bits = Operand::Secret(&bits);
            let counts = match ensemble.paths {
                Operand::Secret(paths) => {
                    let paths = P::gather(paths, &path.collect::<Vec<_>>());
                    p.matmul(bits, Operand::Secret(&paths), ring, product)
                }
                Operand::Public(paths) => p.matmul(bits, Operand::Public(&paths[path]), ring, product),
            };
            let starts: Vec<usize> = (0..rows * leaves).map(|i| t * leaves + i % leaves).collect();
            P::add_sum(counts, (&P::gather(ensemble.starts, &starts)).into())
        })
        .collect();
    let zero = {
        let counts = p.concat_sums(counts);
        p.is_zero(counts)?
    };
    let by_row: Vec<usize> = (0..rows)
        .flat_map(|r| (0..trees).flat_map(move |t| (0..leaves).map(move |l| (t * rows + r) * leaves + l)))
        .collect();
    Ok(P::gather_bits(&zero, &by_row))
}
