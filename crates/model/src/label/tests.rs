#![allow(clippy::unwrap_used)]

use super::*;
use crate::eval::evaluate;
use crate::tensor::{Data, Tensor};

/// A model of two features.
struct Model(Graph);

impl Model {
    fn new() -> Self {
        Self(Graph::new(vec![port("x", DataType::Fp64, 2)]))
    }

    fn add(&mut self, op: Op, input: NodeId) -> NodeId {
        self.0.add(op, vec![input], Origin { node: "n".into(), op: "op".into() }).unwrap()
    }

    fn scores(&mut self, rows: &[[f64; 2]], bias: &[f64]) -> NodeId {
        self.add(Op::Linear { weights: rows.concat(), bias: bias.to_vec() }, NodeId(0))
    }

    fn gives(mut self, name: &str, dtype: DataType, id: NodeId) -> Self {
        let width = self.0.width(id);
        self.0.outputs.push((port(name, dtype, width), id));
        self
    }
}

fn port(name: &str, dtype: DataType, width: usize) -> Port {
    Port { name: name.into(), dtype, width, flat: false, dims: Vec::new(), columns: Vec::new() }
}

fn rows() -> [Tensor; 1] {
    let values = (0..400).map(|i| f64::from(i * 37 % 101) / 20.0 - 2.5).collect();
    [Tensor { rows: 200, width: 2, data: Data::F64(values) }]
}

fn labels(graph: &Graph) -> Vec<i64> {
    assert_eq!(graph.outputs.len(), 1, "nothing else is given");
    let Data::I64(labels) = evaluate(graph, &rows()).unwrap().remove(0).data else { panic!("no integers") };
    labels
}

/// The last column of the model's only number, in float64.
fn numbers(model: &Model) -> Vec<f64> {
    let answers = evaluate(&model.0, &rows()).unwrap();
    let number = answers.iter().find(|a| matches!(a.data, Data::F64(_))).unwrap();
    number.to_f64().unwrap().chunks(number.width).map(|row| row[number.width - 1]).collect()
}

fn has_activation(graph: &Graph) -> bool {
    let activation = |op: &Op| matches!(op, Op::Map(_) | Op::Softmax { .. });
    crate::cut::reachable(graph).nodes.iter().any(|node| activation(&node.op))
}

/// At each threshold: above it the second class, at no cost of an activation.
fn check(model: &Model, thresholds: &[f64], labels_of: [i64; 2]) {
    let numbers = numbers(model);
    for &threshold in thresholds {
        let graph = label_only(&model.0, Some(threshold)).unwrap();
        assert!(!has_activation(&graph));
        let expected: Vec<i64> = numbers.iter().map(|&x| labels_of[usize::from(x > threshold)]).collect();
        assert!(expected.contains(&labels_of[0]) && expected.contains(&labels_of[1]), "{threshold}");
        assert_eq!(labels(&graph), expected, "{threshold}");
    }
}

fn one_score() -> (Model, NodeId) {
    let mut model = Model::new();
    let score = model.scores(&[[1.5, -0.7]], &[0.3]);
    (model, score)
}

fn both(model: &mut Model, second: NodeId, bias: f64) -> NodeId {
    model.add(Op::Linear { weights: vec![-1.0, 1.0], bias: vec![bias, 0.0] }, second)
}

#[test]
fn one_probability() {
    let (mut model, score) = one_score();
    let p = model.add(Op::Map(Function::Sigmoid), score);
    let model = model.gives("p", DataType::Fp64, p);
    check(&model, &[0.08, 0.5, 0.9], [0, 1]);
    let half = label_only(&model.0, None).unwrap();
    assert_eq!(labels(&half), labels(&label_only(&model.0, Some(0.5)).unwrap()));
    assert_eq!(half.outputs[0].0, counted());
}

#[test]
fn both_probabilities_and_a_label() {
    let (mut model, score) = one_score();
    let p = model.add(Op::Map(Function::Sigmoid), score);
    let pair = both(&mut model, p, 1.0);
    let label = model.add(Op::Label(Labels::Int(vec![7, 9])), pair);
    let model = model.gives("l", DataType::Int64, label).gives("p", DataType::Fp64, pair);
    check(&model, &[0.08, 0.5, 0.9], [7, 9]);
    let own = label_only(&model.0, None).unwrap();
    assert_eq!(own.outputs[0].0.name, "l");
    assert!(!has_activation(&own));
    assert_eq!(labels(&own), labels(&label_only(&model.0, Some(0.5)).unwrap()));
}

#[test]
fn both_scores_with_a_softmax() {
    let (mut model, score) = one_score();
    let pair = both(&mut model, score, 0.0);
    let p = model.add(Op::Softmax { group: 2 }, pair);
    let label = model.add(Op::Label(Labels::Int(vec![0, 1])), pair);
    let model = model.gives("l", DataType::Int64, label).gives("p", DataType::Fp64, p);
    check(&model, &[0.08, 0.5, 0.9], [0, 1]);
}

#[test]
fn two_scores_of_their_own_with_a_softmax() {
    let mut model = Model::new();
    let pair = model.scores(&[[1.0, 0.2], [-0.4, 0.9]], &[0.1, -0.2]);
    let p = model.add(Op::Softmax { group: 2 }, pair);
    let label = model.add(Op::Label(Labels::Int(vec![3, 4])), p);
    let model = model.gives("l", DataType::Int64, label).gives("p", DataType::Fp64, p);
    check(&model, &[0.08, 0.5, 0.9], [3, 4]);
    let own = label_only(&model.0, None).unwrap();
    assert_eq!(labels(&own), labels(&label_only(&model.0, Some(0.5)).unwrap()));
}

#[test]
fn a_probability_of_the_first_class_is_selected_from_the_pair() {
    let mut model = Model::new();
    let pair = model.scores(&[[1.0, 0.2], [-0.4, 0.9]], &[0.1, -0.2]);
    let p = model.add(Op::Softmax { group: 2 }, pair);
    let first = model.add(Op::Select(vec![0]), p);
    check(&model.gives("p", DataType::Fp64, first), &[0.08, 0.5, 0.9], [0, 1]);
}

#[test]
fn a_score_without_a_probability_needs_a_threshold() {
    let (model, score) = one_score();
    let model = model.gives("s", DataType::Fp64, score);
    check(&model, &[-0.5, 0.0, 1.25], [0, 1]);
    let problems = label_only(&model.0, None).unwrap_err().to_string();
    assert!(problems.contains("--threshold"), "{problems}");
}

#[test]
fn the_greatest_of_three() {
    let mut model = Model::new();
    let scores = model.scores(&[[1.0, 0.2], [-0.4, 0.9], [0.1, -0.8]], &[0.1, -0.2, 0.0]);
    let p = model.add(Op::Softmax { group: 3 }, scores);
    let model = model.gives("p", DataType::Fp64, p);
    let graph = label_only(&model.0, None).unwrap();
    assert!(!has_activation(&graph));
    let answers = evaluate(&model.0, &rows()).unwrap().remove(0).to_f64().unwrap();
    let greatest: Vec<i64> =
        answers.chunks(3).map(|row| i64::try_from(crate::eval::greatest(row)).unwrap()).collect();
    assert_eq!(labels(&graph), greatest);
    assert!((0..3).all(|class| greatest.contains(&class)));
    let problems = label_only(&model.0, Some(0.5)).unwrap_err().to_string();
    assert!(problems.contains("it has 3"), "{problems}");
}

#[test]
fn a_threshold_that_no_probability_passes_is_refused() {
    let (mut model, score) = one_score();
    let p = model.add(Op::Map(Function::Sigmoid), score);
    let model = model.gives("p", DataType::Fp64, p);
    for threshold in [0.0, 1.0, -3.0, f64::NAN, f64::INFINITY] {
        assert!(label_only(&model.0, Some(threshold)).is_err(), "{threshold}");
    }
}

#[test]
fn of_two_numbers_none_decides() {
    let (mut model, score) = one_score();
    let p = model.add(Op::Map(Function::Sigmoid), score);
    let model = model.gives("s", DataType::Fp64, score).gives("p", DataType::Fp64, p);
    let problems = label_only(&model.0, Some(0.5)).unwrap_err().to_string();
    assert!(problems.contains("2 outputs"), "{problems}");
}
