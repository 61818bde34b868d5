//! Trees put together from the list of their nodes.

use std::collections::{HashMap, HashSet};

use privet_model::graph::{Branch, Child, Leaf};

use super::ensemble::{Listed, Mode, Vote, broken};
use crate::onnx::Stop;

/// Nodes by their keys, while trees are put together.
pub(super) struct Building {
    children: HashMap<(i64, i64), usize>,
    leaf_of: HashMap<(i64, i64), usize>,
    voted: HashSet<(usize, usize)>,
    pub(super) leaves: Vec<Leaf>,
}

impl Building {
    pub(super) fn new(nodes: &[Listed]) -> Result<Self, Stop> {
        let mut building = Self {
            children: HashMap::new(),
            leaf_of: HashMap::new(),
            voted: HashSet::new(),
            leaves: Vec::new(),
        };
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

    pub(super) fn vote(&mut self, vote: &Vote, targets: usize) -> Result<(), Stop> {
        match self.leaf_of.get(&vote.leaf) {
            // Of two votes of a leaf for one output, some runtimes count the first only.
            Some(&leaf) if vote.target < targets && self.voted.insert((leaf, vote.target)) => {
                self.leaves[leaf].votes.push((vote.target, vote.weight));
                Ok(())
            }
            _ => Err(broken(
                "A weight belongs to no leaf, to an output that is not there, or to one that the leaf votes for already.",
            )),
        }
    }

    /// Each tree from its root, its first node, downwards: a branch stands before those that it leads to.
    pub(super) fn connect(&self, nodes: &[Listed]) -> Result<(Vec<Child>, Vec<Branch>), Stop> {
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
