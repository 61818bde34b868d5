//! Random small linear models with every kind of column, and their scores in twice the precision of float64.

#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::cast_possible_truncation)]

use privet_model::graph::{Graph, Labels, Missing, NodeId, Op};
use privet_model::tensor::{Data, DataType, Tensor};
use proptest::prelude::*;

use super::{origin, port};

pub const FLOATS: usize = 3;
pub const WHOLES: usize = 2;
pub const GAPS: usize = 2;
pub const LEVELS: i64 = 3;
/// Values that the linear operation takes: scaled floats, whole numbers, imputed and scaled floats, levels.
pub const WIDTH: usize = FLOATS + WHOLES + GAPS + LEVELS as usize;

/// A scaler in front of the floats, imputation and a scaler in front of those with gaps, one-hot levels.
#[derive(Clone, Debug)]
pub struct Model {
    pub scale: Vec<f64>,
    pub shift: Vec<f64>,
    pub fill: Vec<f64>,
    pub weights: Vec<f64>,
    pub bias: Vec<f64>,
    pub missing: Missing,
}

/// Numbers of many magnitudes, some of them zero or powers of two.
pub fn magnitudes(n: usize) -> impl Strategy<Value = Vec<f64>> {
    let one = prop_oneof![
        8 => (-1.0f64..1.0, -14i32..8).prop_map(|(x, e)| x * 2f64.powi(e)),
        1 => Just(0.0),
        1 => (-6i32..6).prop_map(|e| 2f64.powi(e)),
    ];
    proptest::collection::vec(one, n)
}

pub fn models() -> impl Strategy<Value = Model> {
    let scalers = (magnitudes(FLOATS + GAPS), magnitudes(FLOATS + GAPS), magnitudes(GAPS));
    let missing = prop_oneof![Just(Missing::Nan), Just(Missing::Value(-999.0))];
    (scalers, 1usize..4, missing).prop_flat_map(|((scale, shift, fill), scores, missing)| {
        (magnitudes(scores * WIDTH), magnitudes(scores)).prop_map(move |(weights, bias)| Model {
            scale: scale.clone(),
            shift: shift.clone(),
            fill: fill.clone(),
            weights,
            bias,
            missing,
        })
    })
}

impl Model {
    pub fn scores(&self) -> usize {
        self.bias.len()
    }

    pub fn graph(&self) -> Graph {
        let mut graph = Graph::new(vec![
            port("floats", DataType::Fp64, FLOATS),
            port("wholes", DataType::Int64, WHOLES),
            port("gaps", DataType::Fp64, GAPS),
            port("level", DataType::Int64, 1),
        ]);
        let mut add = |op, input: &[usize]| {
            let inputs = input.iter().map(|&i| NodeId(i)).collect();
            graph.add(op, inputs, origin("node")).unwrap().0
        };
        let affine = |range: std::ops::Range<usize>| Op::Affine {
            scale: self.scale[range.clone()].to_vec(),
            shift: self.shift[range].to_vec(),
        };
        let floats = add(affine(0..FLOATS), &[0]);
        let filled = add(Op::Impute { fill: self.fill.clone(), missing: self.missing }, &[2]);
        let gaps = add(affine(FLOATS..FLOATS + GAPS), &[filled]);
        let levels = Labels::Int((0..LEVELS).collect());
        let level = add(Op::OneHot { levels, unknown_is_zeros: false }, &[3]);
        let all = add(Op::Concat, &[floats, 1, gaps, level]);
        let (weights, bias) = (self.weights.clone(), self.bias.clone());
        let scores = add(Op::Linear { weights, bias }, &[all]);
        graph.outputs = vec![(port("scores", DataType::Fp64, self.scores()), NodeId(scores))];
        graph
    }

    /// The score as the model defines it, on exact reals but for one part in 2^100.
    pub fn score(&self, row: &Row, score: usize) -> Twofold {
        let weights = &self.weights[score * WIDTH..(score + 1) * WIDTH];
        let scaled = |at: usize, x: f64| Twofold::product(self.scale[at], x).plus(self.shift[at]);
        let gap = |at: usize| if self.missing.is(row.gaps[at]) { self.fill[at] } else { row.gaps[at] };
        let floats = (0..FLOATS).map(|j| scaled(j, row.floats[j]));
        let wholes = row.wholes.iter().map(|&x| Twofold(x as f64, 0.0));
        let gaps = (0..GAPS).map(|j| scaled(FLOATS + j, gap(j)));
        let levels = (0..LEVELS).map(|l| Twofold(f64::from(u8::from(l == row.level)), 0.0));
        let values = floats.chain(wholes).chain(gaps).chain(levels);
        values.zip(weights).fold(Twofold(self.bias[score], 0.0), |sum, (x, &w)| sum.add(x.times(w)))
    }
}

/// One applicant.
#[derive(Clone, Debug)]
pub struct Row {
    pub floats: Vec<f64>,
    pub wholes: Vec<i64>,
    pub gaps: Vec<f64>,
    pub level: i64,
}

pub fn tensors(rows: &[Row]) -> Vec<Tensor> {
    let floats = rows.iter().flat_map(|r| r.floats.clone()).collect();
    let wholes = rows.iter().flat_map(|r| r.wholes.clone()).collect();
    let gaps = rows.iter().flat_map(|r| r.gaps.clone()).collect();
    let level = rows.iter().map(|r| r.level).collect();
    let tensor = |width, data| Tensor::new(rows.len(), width, data).unwrap();
    vec![
        tensor(FLOATS, Data::F64(floats)),
        tensor(WHOLES, Data::I64(wholes)),
        tensor(GAPS, Data::F64(gaps)),
        tensor(1, Data::I64(level)),
    ]
}

/// An unevaluated sum of two float64, by Dekker's and Knuth's exact sum and product.
#[derive(Clone, Copy, Debug)]
pub struct Twofold(pub f64, pub f64);

impl Twofold {
    pub fn product(a: f64, b: f64) -> Self {
        let p = a * b;
        Self(p, a.mul_add(b, -p))
    }

    pub fn plus(self, b: f64) -> Self {
        self.add(Self(b, 0.0))
    }

    pub fn add(self, other: Self) -> Self {
        let (sum, error) = two_sum(self.0, other.0);
        let (low, rest) = two_sum(self.1, other.1);
        let (sum, error) = two_sum(sum, error + low);
        let (sum, error) = two_sum(sum, error + rest);
        Self(sum, error)
    }

    pub fn times(self, w: f64) -> Self {
        let Self(p, e) = Self::product(self.0, w);
        let (sum, error) = two_sum(p, e + self.1 * w);
        Self(sum, error)
    }

    /// How far `x` is from it.
    pub fn distance(self, x: f64) -> f64 {
        ((x - self.0) - self.1).abs()
    }
}

fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}
