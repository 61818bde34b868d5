//! The attributes of an ensemble, read.

use std::collections::{HashMap, HashSet};

use privet_model::graph::{Aggregate, Test, Trees};

use super::building::Building;
use crate::onnx::{Call, Stop};

/// A weight of a leaf.
pub(super) struct Vote {
    pub(super) leaf: (i64, i64),
    pub(super) target: usize,
    pub(super) weight: f64,
}

/// A node as the file lists it.
pub(super) struct Listed {
    pub(super) key: (i64, i64),
    pub(super) feature: usize,
    pub(super) mode: Mode,
    pub(super) threshold: f64,
    pub(super) missing_is_yes: bool,
    pub(super) yes: i64,
    pub(super) no: i64,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Mode {
    Leaf,
    Test(Test),
}

/// The attributes, read.
pub(super) struct Ensemble {
    nodes: Vec<Listed>,
    pub(super) votes: Vec<Vote>,
    pub(super) base: Vec<f64>,
}

impl Ensemble {
    pub(super) fn read(call: &mut Call<'_, '_>, votes: &str) -> Result<Self, Stop> {
        let (trees, ids) = (call.ints("nodes_treeids"), call.ints("nodes_nodeids"));
        let (features, modes) = (call.ints("nodes_featureids"), call.strings("nodes_modes")?);
        let (yes, no) = (call.ints("nodes_truenodeids"), call.ints("nodes_falsenodeids"));
        let (thresholds, missing) =
            (call.numbers_of("nodes_values")?, call.ints("nodes_missing_value_tracks_true"));
        let n = ids.len();
        let lengths = [trees.len(), features.len(), modes.len(), yes.len(), no.len(), thresholds.len()];
        if n == 0 || lengths.iter().any(|&l| l != n) || (!missing.is_empty() && missing.len() != n) {
            return Err(broken("Its lists of nodes have different lengths, or none."));
        }
        call.builder.charge(8 * n)?;
        let mut nodes = Vec::with_capacity(n);
        for i in 0..n {
            nodes.push(Listed {
                key: (trees[i], ids[i]),
                feature: usize::try_from(features[i]).unwrap_or(usize::MAX),
                mode: mode(&modes[i])?,
                threshold: thresholds[i],
                missing_is_yes: missing.get(i).is_some_and(|&m| m != 0),
                yes: yes[i],
                no: no[i],
            });
        }
        let base = call.numbers_of("base_values")?;
        Ok(Self { nodes, votes: read_votes(call, votes)?, base })
    }

    /// Whether no vote is negative.
    pub(super) fn is_positive(&self) -> bool {
        self.votes.iter().all(|v| v.weight >= 0.0)
    }

    /// Outputs without a tree of which every leaf votes for them: some rows may leave them without a vote.
    pub(super) fn uncertain(&self, targets: usize) -> Vec<usize> {
        let mut leaves: HashMap<i64, usize> = HashMap::new();
        for node in self.nodes.iter().filter(|node| node.mode == Mode::Leaf) {
            *leaves.entry(node.key.0).or_default() += 1;
        }
        let mut voting: HashMap<(i64, usize), HashSet<i64>> = HashMap::new();
        for vote in &self.votes {
            voting.entry((vote.leaf.0, vote.target)).or_default().insert(vote.leaf.1);
        }
        let full = voting.iter().filter(|((tree, _), nodes)| leaves.get(tree) == Some(&nodes.len()));
        let certain: HashSet<usize> = full.map(|((_, target), _)| *target).collect();
        (0..targets).filter(|target| !certain.contains(target)).collect()
    }

    pub(super) fn build(self, features: usize, targets: usize, aggregate: Aggregate) -> Result<Trees, Stop> {
        if !(1..=1 << 16).contains(&targets) {
            return Err(broken("Its number of outputs is not possible."));
        }
        let base = match self.base.len() {
            0 => vec![0.0; targets],
            n if n == targets => self.base.clone(),
            n => return Err(broken(&format!("It has {n} base values for {targets} outputs."))),
        };
        let mut building = Building::new(&self.nodes)?;
        for vote in &self.votes {
            building.vote(vote, targets)?;
        }
        let (roots, branches) = building.connect(&self.nodes)?;
        let trees = Trees { features, targets, roots, branches, leaves: building.leaves, aggregate, base };
        if trees.is_sound() { Ok(trees) } else { Err(broken("Its nodes do not form trees over its input.")) }
    }
}

fn mode(name: &str) -> Result<Mode, Stop> {
    Ok(match name {
        "LEAF" => Mode::Leaf,
        "BRANCH_LEQ" => Mode::Test(Test::AtMost),
        "BRANCH_LT" => Mode::Test(Test::Below),
        "BRANCH_GTE" => Mode::Test(Test::AtLeast),
        "BRANCH_GT" => Mode::Test(Test::Above),
        "BRANCH_EQ" => Mode::Test(Test::Equal),
        "BRANCH_NEQ" => Mode::Test(Test::NotEqual),
        other => return Err(broken(&format!("It has a node of the mode `{other}`."))),
    })
}

fn read_votes(call: &mut Call<'_, '_>, kind: &str) -> Result<Vec<Vote>, Stop> {
    let list = |name: &str| call.ints(&format!("{kind}_{name}"));
    let (trees, nodes, targets) = (list("treeids"), list("nodeids"), list("ids"));
    let weights = call.numbers_of(&format!("{kind}_weights"))?;
    if [trees.len(), nodes.len(), targets.len()].iter().any(|&l| l != weights.len()) || weights.is_empty() {
        return Err(broken("Its lists of leaf weights have different lengths, or none."));
    }
    let vote = |i: usize| Vote {
        leaf: (trees[i], nodes[i]),
        target: usize::try_from(targets[i]).unwrap_or(usize::MAX),
        weight: weights[i],
    };
    Ok((0..weights.len()).map(vote).collect())
}

pub(super) fn broken(reason: &str) -> Stop {
    Stop::problem(reason, "Export the model again.")
}
