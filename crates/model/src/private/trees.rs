//! Trees as matrices: which branch each condition sends a row to, how many conditions of a leaf's path are not met, and the
//! votes of the leaf that has none. Features, thresholds and paths are all secret; that there are so many trees of so many
//! branches is not.
//!
//! Nakandala et al., Hummingbird, OSDI 2020, section 4.1 ("GEMM strategy").

use super::action::{Action, StepId};
use super::draft::{Draft, Secret};
use super::front::{Columns, emit_whole};
use crate::fold::{Combination, Folder, Form};
use crate::graph::{Aggregate, Branch, Child, Conv, Missing, Origin, Test, Trees};
use crate::head::Column;
use crate::ordinal::{ordinal, ordinal_beside};
use crate::rounded::Rounded;

/// Longest path: mismatches on it must fit into the small ring in which they are compared with zero.
const MAX_DEPTH: usize = 120;

/// What of the trees cannot be run privately, in words.
pub(crate) fn obstacle(trees: &Trees) -> Option<&'static str> {
    let equal = |b: &Branch| matches!(b.test, Test::Equal | Test::NotEqual);
    if trees.branches.iter().any(equal) {
        return Some("A branch asks for equality with a number.");
    }
    if matches!(trees.aggregate, Aggregate::Min | Aggregate::Max) {
        return Some("Its votes are joined by their minimum or maximum.");
    }
    if trees.branches.is_empty() {
        return Some("It has no branch.");
    }
    paths(trees)
        .iter()
        .flatten()
        .any(|p| p.conditions.len() > MAX_DEPTH)
        .then_some("One of its trees is too deep.")
}

/// What trees compare of one feature: its ordinal, or the indicator that it is missing, and what stands in its place then.
#[derive(Clone, Copy)]
pub(crate) struct Compared {
    value: usize,
    missing: usize,
    fill: Option<f64>,
}

/// The columns behind each feature of the trees, if each is a single feature of the applicant, as it is or imputed.
pub(crate) fn compared(folder: &mut Folder, form: &Form) -> Option<Vec<Compared>> {
    match form {
        Form::Raw(features) => Some(
            features.iter().map(|&f| Compared { fill: None, ..columns(folder, f, Missing::Nan) }).collect(),
        ),
        Form::Affine(sums) => sums.iter().map(|sum| imputed(folder, sum)).collect(),
        Form::Beyond | Form::Unknown => None,
    }
}

fn columns(folder: &mut Folder, feature: usize, missing: Missing) -> Compared {
    let value = folder.column(Column::Ordinal { feature, missing });
    let missing = folder.column(Column::Indicator { feature, missing });
    Compared { value, missing, fill: None }
}

/// `value + fill·indicator`.
#[allow(clippy::float_cmp)] // as the folder writes an imputed feature that nothing else was done to
fn imputed(folder: &mut Folder, sum: &Combination) -> Option<Compared> {
    let terms: Vec<(Column, Rounded)> =
        sum.terms.iter().map(|(&c, &k)| (folder.head.columns[c].clone(), k)).collect();
    let one = |k: &Rounded| k.value == 1.0 && k.error == 0.0;
    if sum.constant.value != 0.0 {
        return None;
    }
    match &terms[..] {
        [(Column::Value { feature, missing: None }, k)] if one(k) => {
            Some(Compared { fill: None, ..columns(folder, *feature, Missing::Nan) })
        }
        [
            (Column::Value { feature, missing: Some(missing) }, k),
            (Column::Indicator { feature: f, .. }, fill),
        ] if one(k) && f == feature => {
            Some(Compared { fill: Some(fill.value), ..columns(folder, *feature, *missing) })
        }
        _ => None,
    }
}

impl Compared {
    /// Its two columns.
    pub(crate) fn columns(self) -> [usize; 2] {
        [self.value, self.missing]
    }

    /// A number that is negative where the branch's `x ≤ t` (or `x < t`) holds, and 0 or more elsewhere.
    fn condition(self, branch: &Branch) -> Condition {
        let (strict, swapped) = match branch.test {
            Test::Below => (true, false),
            Test::AtLeast => (true, true),
            Test::Above => (false, true),
            _ => (false, false),
        };
        // x ≤ t is x - t - 1 < 0 for whole numbers.
        let constant = -ordinal_beside(branch.threshold, strict) - f64::from(u8::from(!strict));
        let instead = match self.fill {
            Some(fill) => ordinal(fill),
            // Exactly -1 or 0 once the constant is added.
            None if branch.missing_is_yes != swapped => -1.0 - constant,
            None => -constant,
        };
        let terms = [(self.value, Rounded::exact(1.0)), (self.missing, Rounded::exact(instead))];
        Condition { sum: Combination { terms: terms.into(), constant: Rounded::exact(constant) }, swapped }
    }
}

struct Condition {
    sum: Combination,
    /// Whether a condition that holds sends a row to `no`.
    swapped: bool,
}

/// A leaf, and what must hold on the way to it.
struct Path {
    leaf: usize,
    /// Pairs of a branch of this tree and whether it must be passed.
    conditions: Vec<(usize, bool)>,
}

/// The paths of each tree.
fn paths(trees: &Trees) -> Vec<Vec<Path>> {
    let of_tree = |&root: &Child| {
        let (mut open, mut done) = (vec![(root, Vec::new())], Vec::new());
        while let Some((child, conditions)) = open.pop() {
            match child {
                Child::Leaf(leaf) => done.push(Path { leaf, conditions }),
                Child::Branch(at) => {
                    let branch = &trees.branches[at];
                    let with = |yes| [&conditions[..], &[(at, yes)]].concat();
                    open.push((branch.no, with(false)));
                    open.push((branch.yes, with(true)));
                }
            }
        }
        done
    };
    trees.roots.iter().map(of_tree).collect()
}

/// Steps for an ensemble, all trees padded to the same number of branches and leaves. The last is wide.
pub(crate) fn emit(
    draft: &mut Draft,
    columns: &mut Columns,
    trees: &Trees,
    features: &[Compared],
    origin: &Origin,
) -> StepId {
    let paths = paths(trees);
    let branches = trees_branches(&paths);
    let most = |sizes: &mut dyn Iterator<Item = usize>| sizes.max().unwrap_or(0).max(1);
    let per_tree = most(&mut branches.iter().map(Vec::len));
    let leaves = most(&mut paths.iter().map(Vec::len));

    let mut conditions = Vec::with_capacity(trees.roots.len() * per_tree);
    let mut swapped = vec![false; trees.branches.len()];
    for tree in &branches {
        for &at in tree {
            let branch = &trees.branches[at];
            let condition = features[branch.feature].condition(branch);
            swapped[at] = condition.swapped;
            conditions.push(condition.sum);
        }
        let padding = Combination { constant: Rounded::exact(0.0), ..Combination::default() };
        conditions.extend(std::iter::repeat_n(padding, per_tree - tree.len()));
    }
    let differences = emit_whole(draft, columns, &conditions, origin);
    let bits = draft.push(Action::Negative, vec![differences], conditions.len(), origin);

    let shape = Shape { trees: trees.roots.len(), branches: per_tree, leaves };
    let misses = shape.misses(draft, &paths, &branches, &swapped, bits, origin);
    let reached = draft.push(Action::Zero, vec![misses], shape.trees * leaves, origin);
    votes(draft, trees, &paths, leaves, reached, origin)
}

/// The branches of each tree, in the order of its paths.
fn trees_branches(paths: &[Vec<Path>]) -> Vec<Vec<usize>> {
    let of_tree = |paths: &Vec<Path>| {
        let mut all: Vec<usize> = paths.iter().flat_map(|p| p.conditions.iter().map(|&(at, _)| at)).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    paths.iter().map(of_tree).collect()
}

struct Shape {
    trees: usize,
    branches: usize,
    leaves: usize,
}

impl Shape {
    /// How many conditions of each leaf's path are not met: `Σ` of `1 - bit` where it must be passed, of `bit` elsewhere.
    fn misses(
        &self,
        draft: &mut Draft,
        paths: &[Vec<Path>],
        branches: &[Vec<usize>],
        swapped: &[bool],
        met: StepId,
        origin: &Origin,
    ) -> StepId {
        let mut weights = vec![0.0; self.trees * self.leaves * self.branches];
        // A leaf that is only padding has one miss always.
        let mut wanted_met = vec![1.0; self.trees * self.leaves];
        for (tree, paths) in paths.iter().enumerate() {
            for (leaf, path) in paths.iter().enumerate() {
                let row = tree * self.leaves + leaf;
                wanted_met[row] = 0.0;
                for &(at, yes) in &path.conditions {
                    let place = branches[tree].binary_search(&at).unwrap_or(0);
                    let wanted = yes != swapped[at];
                    weights[row * self.branches + place] = if wanted { -1.0 } else { 1.0 };
                    wanted_met[row] += f64::from(u8::from(wanted));
                }
            }
        }
        let conv = Conv {
            channels: self.trees * self.branches,
            image: [1, 1],
            filters: self.trees * self.leaves,
            kernel: [1, 1],
            groups: self.trees,
            strides: [1, 1],
            dilations: [1, 1],
            pads_before: [0, 0],
            out: [1, 1],
        };
        let (weights, bias) = (draft.secret(Secret::whole(weights)), draft.secret(Secret::whole(wanted_met)));
        draft.push(Action::Conv { conv, weights, bias }, vec![met], self.trees * self.leaves, origin)
    }
}

fn votes(
    draft: &mut Draft,
    trees: &Trees,
    paths: &[Vec<Path>],
    leaves: usize,
    reached: StepId,
    origin: &Origin,
) -> StepId {
    let n = paths.len() * leaves;
    let share = if trees.aggregate == Aggregate::Average { 1.0 / trees.roots.len() as f64 } else { 1.0 };
    let mut weights = vec![0.0; trees.targets * n];
    for (tree, paths) in paths.iter().enumerate() {
        for (leaf, path) in paths.iter().enumerate() {
            for &(target, vote) in &trees.leaves[path.leaf].votes {
                weights[target * n + tree * leaves + leaf] += vote * share;
            }
        }
    }
    let (weights, bias) = (draft.secret(Secret::of(weights)), draft.secret(Secret::of(trees.base.clone())));
    draft.push(Action::Linear { weights, bias }, vec![reached], trees.targets, origin)
}
