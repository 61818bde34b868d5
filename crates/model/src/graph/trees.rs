//! Ensembles of decision trees.

use serde::{Deserialize, Serialize};

/// When a split sends a value to its `yes` side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Test {
    /// `x ≤ t`.
    AtMost,
    /// `x < t`.
    Below,
    /// `x ≥ t`.
    AtLeast,
    /// `x > t`.
    Above,
    /// `x = t`.
    Equal,
    /// `x ≠ t`.
    NotEqual,
}

impl Test {
    /// Whether `x` passes.
    #[allow(clippy::float_cmp)] // it is what the model asks
    pub fn passes(self, x: f64, threshold: f64) -> bool {
        match self {
            Self::AtMost => x <= threshold,
            Self::Below => x < threshold,
            Self::AtLeast => x >= threshold,
            Self::Above => x > threshold,
            Self::Equal => x == threshold,
            Self::NotEqual => x != threshold,
        }
    }
}

/// Where a side of a split leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Child {
    /// To another branch.
    Branch(usize),
    /// To a leaf.
    Leaf(usize),
}

/// One inner node.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// Which of the values in.
    pub feature: usize,
    /// How it is compared.
    pub test: Test,
    /// With what.
    pub threshold: f64,
    /// Whether a missing value (NaN) goes to `yes`, whatever the test says.
    pub missing_is_yes: bool,
    /// Where a value that passes goes.
    pub yes: Child,
    /// Where one that does not goes.
    pub no: Child,
}

/// A leaf: what it adds to which outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// Pairs of an output and a weight.
    pub votes: Vec<(usize, f64)>,
}

/// How the trees' votes become one number per output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aggregate {
    /// Their sum.
    Sum,
    /// Their sum over the number of trees.
    Average,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// Trees over the same values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trees {
    /// Values in.
    pub features: usize,
    /// Values out.
    pub targets: usize,
    /// Where each tree starts.
    pub roots: Vec<Child>,
    /// All inner nodes; a branch leads only to branches behind it.
    pub branches: Vec<Branch>,
    /// All leaves.
    pub leaves: Vec<Leaf>,
    /// How votes are joined.
    pub aggregate: Aggregate,
    /// Added to each output.
    pub base: Vec<f64>,
}

impl Trees {
    /// Whether every index points at something, and every path ends.
    pub fn is_sound(&self) -> bool {
        let child = |from: Option<usize>, child: &Child| match *child {
            Child::Branch(s) => s < self.branches.len() && from.is_none_or(|from| s > from),
            Child::Leaf(l) => l < self.leaves.len(),
        };
        let split = |(at, s): (usize, &Branch)| {
            s.feature < self.features && child(Some(at), &s.yes) && child(Some(at), &s.no)
        };
        self.base.len() == self.targets
            && self.roots.iter().all(|root| child(None, root))
            && self.branches.iter().enumerate().all(split)
            && self.leaves.iter().flat_map(|l| &l.votes).all(|&(target, _)| target < self.targets)
    }

    /// The leaf in which tree `tree` ends for these values.
    pub fn leaf(&self, tree: usize, x: &[f64]) -> usize {
        let mut at = self.roots[tree];
        loop {
            match at {
                Child::Leaf(leaf) => return leaf,
                Child::Branch(s) => {
                    let split = &self.branches[s];
                    let value = x[split.feature];
                    let yes = if value.is_nan() {
                        split.missing_is_yes || split.test.passes(value, split.threshold)
                    } else {
                        split.test.passes(value, split.threshold)
                    };
                    at = if yes { split.yes } else { split.no };
                }
            }
        }
    }

    /// The outputs for one row.
    pub fn evaluate(&self, x: &[f64]) -> Vec<f64> {
        let mut out: Vec<Option<f64>> = vec![None; self.targets];
        for tree in 0..self.roots.len() {
            for &(target, weight) in &self.leaves[self.leaf(tree, x)].votes {
                let joined = out[target].map_or(weight, |sum| self.join(sum, weight));
                out[target] = Some(joined);
            }
        }
        let share = if self.aggregate == Aggregate::Average { self.roots.len().max(1) as f64 } else { 1.0 };
        out.iter().zip(&self.base).map(|(sum, base)| sum.unwrap_or(0.0) / share + base).collect()
    }

    fn join(&self, a: f64, b: f64) -> f64 {
        match self.aggregate {
            Aggregate::Sum | Aggregate::Average => a + b,
            Aggregate::Min => a.min(b),
            Aggregate::Max => a.max(b),
        }
    }
}
