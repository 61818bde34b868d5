//! Tree ensembles of ONNX-ML, as ONNX Runtime computes them.

use std::collections::HashMap;

use privet_model::graph::{Aggregate, Branch, Child, Function, Labels, Leaf, NodeId, Op, Test, Trees};
use privet_model::tensor::DataType;

use super::linear_ml::{label, labels, pair};
use crate::onnx::value::{Rows, Value};
use crate::onnx::{Call, Lowered, Stop, one};

pub(super) fn regressor(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.table(0)?;
    let post = call.word("post_transform", "NONE", &["NONE", "LOGISTIC", "SOFTMAX", "PROBIT"])?;
    let targets = usize::try_from(call.int("n_targets", 1)).unwrap_or(0);
    let aggregate = match call.word("aggregate_function", "SUM", &["SUM", "AVERAGE", "MIN", "MAX"])? {
        "AVERAGE" => Aggregate::Average,
        "MIN" => Aggregate::Min,
        "MAX" => Aggregate::Max,
        _ => Aggregate::Sum,
    };
    let trees = Ensemble::read(call, "target")?.build(x.width(), targets, aggregate)?;
    let id = call.emit(Op::Trees(Box::new(trees)), x.id)?;
    let id = transformed(call, id, post, targets)?;
    one(Rows { id, dtype: DataType::Fp32, ..x.shaped(vec![1, targets], x.batch) })
}

/// Label and scores. The label is chosen by the raw scores, before they are transformed.
pub(super) fn classifier(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.table(0)?;
    let post = call.word("post_transform", "NONE", &["NONE", "LOGISTIC", "SOFTMAX", "PROBIT"])?;
    let labels = labels(call)?;
    let ensemble = Ensemble::read(call, "class")?;
    let one_class = labels.len() == 2 && ensemble.votes.iter().all(|v| v.target == ensemble.votes[0].target);
    if one_class {
        return one_class_of_two(call, &x, ensemble, post, labels);
    }
    let classes = labels.len();
    let trees = ensemble.build(x.width(), classes, Aggregate::Sum)?;
    let raw = call.emit(Op::Trees(Box::new(trees)), x.id)?;
    let scores = Rows { id: raw, dtype: DataType::Fp32, ..x.shaped(vec![1, classes], x.batch) };
    let label = if call.wants(0) { label(call, &scores, labels)? } else { Value::Unknown };
    let id = transformed(call, raw, post, classes)?;
    Ok(vec![label, Value::Rows(scores.with(id))])
}

/// Two classes of which only one has votes: the runtime adds the other. Where votes are negative as well, the sum is a score
/// and the second class wins above 0; else it is a probability, and wins above one half.
fn one_class_of_two(
    call: &mut Call<'_, '_>,
    x: &Rows,
    mut ensemble: Ensemble,
    post: &str,
    labels: Labels,
) -> Lowered {
    ensemble.votes.iter_mut().for_each(|v| v.target = 0);
    let is_probability = ensemble.votes.iter().all(|v| v.weight >= 0.0);
    if ensemble.base.len() == 2 {
        ensemble.base.remove(0);
    }
    let trees = ensemble.build(x.width(), 1, Aggregate::Sum)?;
    let score = call.emit(Op::Trees(Box::new(trees)), x.id)?;
    let signed = call.emit(pair(0.0), score)?;
    let whole = call.emit(pair(1.0), score)?;
    let chosen = if is_probability { whole } else { signed };
    let both = Rows { id: chosen, dtype: DataType::Fp32, ..x.shaped(vec![1, 2], x.batch) };
    let label = if call.wants(0) { label(call, &both, labels)? } else { Value::Unknown };
    let id = match post {
        "LOGISTIC" => call.emit(Op::Map(Function::Sigmoid), signed)?,
        "NONE" => whole,
        other => transformed(call, whole, other, 2)?,
    };
    Ok(vec![label, Value::Rows(both.with(id))])
}

fn transformed(call: &mut Call<'_, '_>, id: NodeId, post: &str, width: usize) -> Result<NodeId, Stop> {
    match post {
        "LOGISTIC" => call.emit(Op::Map(Function::Sigmoid), id),
        "SOFTMAX" => call.emit(Op::Softmax { group: width }, id),
        "PROBIT" => call.emit(Op::Map(Function::Probit), id),
        _ => Ok(id),
    }
}

/// A weight of a leaf.
struct Vote {
    leaf: (i64, i64),
    target: usize,
    weight: f64,
}

/// A node as the file lists it.
struct Listed {
    key: (i64, i64),
    feature: usize,
    mode: Mode,
    threshold: f64,
    missing_is_yes: bool,
    yes: i64,
    no: i64,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Leaf,
    Test(Test),
}

/// The attributes, read.
struct Ensemble {
    nodes: Vec<Listed>,
    votes: Vec<Vote>,
    base: Vec<f64>,
}

impl Ensemble {
    fn read(call: &mut Call<'_, '_>, votes: &str) -> Result<Self, Stop> {
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

    fn build(self, features: usize, targets: usize, aggregate: Aggregate) -> Result<Trees, Stop> {
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

fn broken(reason: &str) -> Stop {
    Stop::problem(reason, "Export the model again.")
}

/// Nodes by their keys, while trees are put together.
struct Building {
    children: HashMap<(i64, i64), usize>,
    leaf_of: HashMap<(i64, i64), usize>,
    leaves: Vec<Leaf>,
}

impl Building {
    fn new(nodes: &[Listed]) -> Result<Self, Stop> {
        let mut building = Self { children: HashMap::new(), leaf_of: HashMap::new(), leaves: Vec::new() };
        for (at, node) in nodes.iter().enumerate() {
            if building.children.insert(node.key, at).is_some() {
                return Err(broken("Two of its nodes have the same number."));
            }
            if node.mode == Mode::Leaf {
                building.leaf_of.insert(node.key, building.leaves.len());
                building.leaves.push(Leaf { votes: Vec::new() });
            }
        }
        Ok(building)
    }

    fn vote(&mut self, vote: &Vote, targets: usize) -> Result<(), Stop> {
        match self.leaf_of.get(&vote.leaf) {
            Some(&leaf) if vote.target < targets => {
                self.leaves[leaf].votes.push((vote.target, vote.weight));
                Ok(())
            }
            _ => Err(broken("A weight belongs to no leaf, or to an output that is not there.")),
        }
    }

    /// Each tree from its root, its first node, downwards: a branch stands before those that it leads to.
    fn connect(&self, nodes: &[Listed]) -> Result<(Vec<Child>, Vec<Branch>), Stop> {
        let mut branches: Vec<Branch> = Vec::new();
        let mut roots = Vec::new();
        let mut visited = vec![false; nodes.len()];
        let mut seen = None;
        for (at, node) in nodes.iter().enumerate() {
            if seen == Some(node.key.0) {
                continue;
            }
            seen = Some(node.key.0);
            let root = self.child(nodes, at, &mut branches, &mut visited)?;
            roots.push(root);
            let mut open: Vec<(usize, usize)> =
                if let Child::Branch(b) = root { vec![(b, at)] } else { Vec::new() };
            while let Some((branch, at)) = open.pop() {
                for (side, id) in [(true, nodes[at].yes), (false, nodes[at].no)] {
                    let next = *self
                        .children
                        .get(&(nodes[at].key.0, id))
                        .ok_or_else(|| broken("A branch leads to a node that is not there."))?;
                    let child = self.child(nodes, next, &mut branches, &mut visited)?;
                    *(if side { &mut branches[branch].yes } else { &mut branches[branch].no }) = child;
                    if let Child::Branch(b) = child {
                        open.push((b, next));
                    }
                }
            }
        }
        Ok((roots, branches))
    }

    fn child(
        &self,
        nodes: &[Listed],
        at: usize,
        branches: &mut Vec<Branch>,
        visited: &mut [bool],
    ) -> Result<Child, Stop> {
        let node = &nodes[at];
        if std::mem::replace(&mut visited[at], true) {
            return Err(broken("Two branches lead to the same node."));
        }
        let Mode::Test(test) = node.mode else { return Ok(Child::Leaf(self.leaf_of[&node.key])) };
        let nowhere = Child::Leaf(0);
        let Listed { feature, threshold, missing_is_yes, .. } = *node;
        branches.push(Branch { feature, test, threshold, missing_is_yes, yes: nowhere, no: nowhere });
        Ok(Child::Branch(branches.len() - 1))
    }
}
