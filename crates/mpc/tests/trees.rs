//! Ensembles of trees against walking down them, whatever is hidden.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use common::gates::{costs, done, opened_signed, share, unsigned};
use common::words;
use privet_mpc::Abort;
use privet_mpc::functions::trees::{Ensemble, Shape, trees};
use privet_mpc::ledger::Ledger;
use privet_mpc::protocols::protocol::{Operand, Protocol};
use privet_mpc::protocols::replicated3::{Replicated, Replicated3, Sum};
use privet_mpc::role::Role;

const K: u32 = 32;
const VALUES: u32 = 40;

/// A node: feature and threshold, and where it goes if the feature is below and if not; or a leaf.
enum Tree {
    Node(usize, i64, Box<Tree>, Box<Tree>),
    Leaf(Vec<i64>),
}

struct Numbers(std::vec::IntoIter<u64>);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0.next().unwrap() % n
    }
}

impl Tree {
    fn grown(numbers: &mut Numbers, shape: &Shape, depth: usize) -> Self {
        if depth == 0 || (depth < shape.depth && numbers.below(4) == 0) {
            return Self::Leaf((0..shape.outputs).map(|_| numbers.below(1000).cast_signed() - 500).collect());
        }
        let feature = numbers.below(shape.features as u64) as usize;
        let threshold = numbers.below(9).cast_signed() - 4;
        let mut side = || Box::new(Self::grown(numbers, shape, depth - 1));
        Self::Node(feature, threshold, side(), side())
    }

    fn walked(&self, x: &[i64]) -> &[i64] {
        match self {
            Self::Leaf(values) => values,
            Self::Node(feature, threshold, below, not) => {
                if x[*feature] < *threshold {
                    below.walked(x)
                } else {
                    not.walked(x)
                }
            }
        }
    }
}

/// The ensemble as tensors, in the clear.
struct Tensors {
    selection: Vec<u64>,
    thresholds: Vec<u64>,
    paths: Vec<u64>,
    starts: Vec<u64>,
    values: Vec<u64>,
}

impl Tensors {
    fn of(forest: &[Tree], shape: &Shape) -> Self {
        let (nodes, leaves) = (shape.trees * shape.nodes, shape.trees * shape.leaves);
        let mut tensors = Self {
            selection: vec![0; nodes * shape.features],
            thresholds: vec![0; nodes],
            paths: vec![0; leaves * shape.nodes],
            starts: vec![1; leaves],
            values: vec![0; leaves * shape.outputs],
        };
        for (t, tree) in forest.iter().enumerate() {
            tensors.add(tree, shape, t, &mut (0, 0), &mut Vec::new());
        }
        tensors
    }

    /// `path`: the nodes above and whether their bit is set on the way here.
    fn add(
        &mut self,
        tree: &Tree,
        shape: &Shape,
        t: usize,
        used: &mut (usize, usize),
        path: &mut Vec<(usize, bool)>,
    ) {
        match tree {
            Tree::Node(feature, threshold, below, not) => {
                let node = used.0;
                used.0 += 1;
                self.selection[(t * shape.nodes + node) * shape.features + feature] = 1;
                self.thresholds[t * shape.nodes + node] = threshold.cast_unsigned();
                for (side, set) in [(below, true), (not, false)] {
                    path.push((node, set));
                    self.add(side, shape, t, used, path);
                    path.pop();
                }
            }
            Tree::Leaf(values) => {
                let leaf = t * shape.leaves + used.1;
                used.1 += 1;
                self.starts[leaf] = path.iter().filter(|(_, set)| *set).count() as u64;
                for &(node, set) in path.iter() {
                    self.paths[leaf * shape.nodes + node] = if set { u64::MAX } else { 1 };
                }
                for (output, value) in values.iter().enumerate() {
                    self.values[output * shape.trees * shape.leaves + leaf] = value.cast_unsigned();
                }
            }
        }
    }

    fn run(
        &self,
        me: Role,
        p: &mut Replicated3<'_>,
        shape: &Shape,
        x: &[u64],
        hide: (bool, bool),
    ) -> Result<Sum, Abort> {
        let s = shape.count_ring();
        let [selection, paths] = [(&self.selection, K), (&self.paths, s)].map(|(v, k)| share(me, k, 7, v));
        let (values, shared) = (share(me, VALUES, 8, &self.values), share(me, K, 9, x));
        let (thresholds, starts) = if hide.1 {
            (share(me, K, 3, &self.thresholds), share(me, s, 4, &self.starts))
        } else {
            (p.public(&self.thresholds, K), p.public(&self.starts, s))
        };
        let of_model =
            |secret, public| if hide.1 { Operand::Secret(secret) } else { Operand::Public(public) };
        let ensemble: Ensemble<'_, Replicated> = Ensemble {
            selection: of_model(&selection, &self.selection),
            thresholds: &thresholds,
            paths: of_model(&paths, &self.paths),
            starts: &starts,
            values: of_model(&values, &self.values),
        };
        trees(p, if hide.0 { Operand::Secret(&shared) } else { Operand::Public(x) }, shape, &ensemble)
    }
}

fn shape(rows: usize, trees: usize, depth: usize) -> Shape {
    // Room for two more of each than a full tree has.
    let (nodes, leaves) = ((1 << depth) + 1, (1 << depth) + 2);
    Shape { rows, features: 5, trees, nodes, leaves, depth, outputs: 2, ring: K, value_ring: VALUES }
}

fn forest(shape: &Shape) -> Vec<Tree> {
    let mut numbers = Numbers(words(3, 20_000).into_iter());
    (0..shape.trees).map(|_| Tree::grown(&mut numbers, shape, shape.depth)).collect()
}

fn features(shape: &Shape) -> Vec<i64> {
    words(4, shape.rows * shape.features).into_iter().map(|w| (w % 11).cast_signed() - 5).collect()
}

#[test]
fn every_row_reaches_the_leaf_that_walking_down_reaches() {
    for (rows, trees, depth) in [(1, 1, 1), (30, 1, 3), (20, 4, 4), (3, 2, 7)] {
        let shape = shape(rows, trees, depth);
        let (forest, x) = (forest(&shape), features(&shape));
        let tensors = Tensors::of(&forest, &shape);
        let expected: Vec<i64> = x
            .chunks(shape.features)
            .flat_map(|x| {
                (0..shape.outputs)
                    .map(|o| forest.iter().map(|t| t.walked(x)[o]).sum::<i64>())
                    .collect::<Vec<_>>()
            })
            .collect();
        for hide in [(true, true), (true, false), (false, true)] {
            let got = done(|me, p| {
                let sum = tensors.run(me, p, &shape, &unsigned(&x), hide)?;
                p.reshare(sum)
            });
            assert_eq!(opened_signed(&got), expected, "{shape:?} {hide:?}");
        }
    }
}

#[test]
fn the_cost_is_the_stated_one() {
    let shape = shape(8, 2, 3);
    let tensors = Tensors::of(&forest(&shape), &shape);
    let x = unsigned(&features(&shape));
    let ledgers = costs(|me, p| tensors.run(me, p, &shape, &x, (true, true)));
    assert_eq!(ledgers.each_ref().map(|l| l.rounds), [0, 7, 7]);
    // Eight rows, so that everything is whole bytes. A sign in a ring of 32 bits takes 326.
    let (nodes, leaves, s) = (shape.trees * shape.nodes, shape.trees * shape.leaves, 2);
    let bits = nodes * (2 * 32 + 326 + 3 * s) + leaves * (2 * s + (1 << s) + 2 + 3 * VALUES as usize);
    assert_eq!(ledgers.iter().map(Ledger::bytes_between).sum::<usize>(), bits * shape.rows / 8);
    let fewer = costs(|me, p| tensors.run(me, p, &shape, &x, (true, false)));
    assert_eq!(fewer[1].rounds, 5, "a known model saves the rounds that open a product");
}

#[test]
fn counts_fit_their_ring() {
    for (depth, ring) in [(1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (255, 8)] {
        assert_eq!(Shape { depth, ..shape(1, 1, 1) }.count_ring(), ring, "depth {depth}");
    }
}
