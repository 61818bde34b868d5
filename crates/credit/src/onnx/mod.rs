//! A trained model as ONNX.
//!
//! | node | operator | |
//! |---|---|---|
//! | `fill` | `ai.onnx.ml.Imputer` | missing values get the median; only in a model that prepares rows itself |
//! | `center` | `Sub` | the mean is taken off (or the least value) |
//! | `scale` | `Div` | by the standard deviation (or the range) |
//! | `linear` | `Gemm` | weights, and the bias if there is one |
//! | `sigmoid` | `Sigmoid` | the probability |
//!
//! The input `features` is float32 `[rows, n]`, the output `probability` float32 `[rows, 1]`. The mean goes first: what is
//! left of an amount of a hundred million is exact to float32's last digit then, which it would not be in a product with a
//! folded weight. All constants are float32 from the start, so nothing is rounded here. Equal models give equal bytes.

mod nodes;
mod proto;

use std::path::Path;

use prost::Message as _;

use self::nodes::{constant, floats, node, one_float, port};
use self::proto::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
};
use crate::failure::Failure;
use crate::output::write_whole;
use crate::train::outcome::Prepared;
use crate::train::{Outcome, Placement};

/// Version of the file's own layout.
const IR_VERSION: i64 = 8;

/// The operators' domain for classical models.
const ML: &str = "ai.onnx.ml";

/// Writes the model, whole or not at all.
pub(crate) fn write(outcome: &Outcome, placement: Placement, path: &Path) -> Result<(), Failure> {
    write_whole(path, &bytes(outcome, placement)?)
}

/// The file.
pub(crate) fn bytes(outcome: &Outcome, placement: Placement) -> Result<Vec<u8>, Failure> {
    let names = serde_json::to_string(&outcome.features).map_err(|e| Failure::ours(e.to_string()))?;
    let mut opsets = vec![OperatorSetIdProto { domain: String::new(), version: 13 }];
    if placement == Placement::Inside {
        opsets.push(OperatorSetIdProto { domain: ML.into(), version: 3 });
    }
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "privet-credit".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(graph(outcome, placement)),
        opset_import: opsets,
        metadata_props: vec![StringStringEntryProto { key: "feature_names".into(), value: names }],
    };
    Ok(model.encode_to_vec())
}

fn graph(outcome: &Outcome, placement: Placement) -> GraphProto {
    let columns = outcome.features.len();
    let of = |field: fn(&Prepared) -> f64| outcome.preparation.iter().map(field).collect::<Vec<f64>>();
    let fill = (placement == Placement::Inside).then(|| imputer(&of(|p| p.fill)));
    let rows = if fill.is_some() { "filled" } else { "features" };
    let mut constants: Vec<TensorProto> = vec![
        constant("mean", &[columns], &of(|p| p.mean)),
        constant("deviation", &[columns], &of(|p| p.scale)),
        constant("weights", &[columns, 1], &outcome.weights),
    ];
    let mut linear = vec!["scaled", "weights"];
    // A model without a bias has none in the file either.
    if outcome.bias != 0.0 {
        constants.push(constant("bias", &[1], &[outcome.bias]));
        linear.push("bias");
    }
    let nodes = [
        node("center", "Sub", &[rows, "mean"], "centered"),
        node("scale", "Div", &["centered", "deviation"], "scaled"),
        node("linear", "Gemm", &linear, "logit"),
        node("sigmoid", "Sigmoid", &["logit"], "probability"),
    ];
    GraphProto {
        node: fill.into_iter().chain(nodes).collect(),
        name: "credit".into(),
        initializer: constants,
        input: vec![port("features", columns)],
        output: vec![port("probability", 1)],
    }
}

/// What fills missing values, which are NaN.
fn imputer(fill: &[f64]) -> NodeProto {
    let attribute = vec![floats("imputed_value_floats", fill), one_float("replaced_value_float", f32::NAN)];
    NodeProto { domain: ML.into(), attribute, ..node("fill", "Imputer", &["features"], "filled") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(bias: f64) -> Outcome {
        let prepared = |name: &str, mean| Prepared {
            name: name.into(),
            fill: 1.5,
            low: 0.0,
            high: 3.0,
            mean,
            scale: 0.5,
        };
        Outcome {
            features: vec!["A".into(), "B \"c\"".into()],
            weights: vec![0.25, -0.5],
            bias,
            preparation: vec![prepared("A", 1.0), prepared("B \"c\"", 2.0)],
            history: Vec::new(),
            parts: Vec::new(),
        }
    }

    fn read(outcome: &Outcome, placement: Placement) -> ModelProto {
        let bytes = bytes(outcome, placement).unwrap();
        assert_eq!(bytes, super::bytes(outcome, placement).unwrap());
        ModelProto::decode(bytes.as_slice()).unwrap()
    }

    fn operators(model: &ModelProto) -> Vec<&str> {
        model.graph.iter().flat_map(|graph| &graph.node).map(|node| node.op_type.as_str()).collect()
    }

    #[test]
    fn the_bytes_are_the_model() {
        let model = read(&outcome(-2.5), Placement::Beside);
        assert_eq!(operators(&model), ["Sub", "Div", "Gemm", "Sigmoid"]);
        assert_eq!(model.metadata_props[0].value, r#"["A","B \"c\""]"#);
        let graph = model.graph.unwrap();
        assert!(graph.node.iter().all(|node| !node.name.is_empty() && node.output.len() == 1));
        let tensor = |name: &str| {
            let tensor = graph.initializer.iter().find(|tensor| tensor.name == name).unwrap();
            let (values, rest) = tensor.raw_data.as_chunks::<4>();
            assert!(rest.is_empty());
            (tensor.dims.clone(), values.iter().map(|v| f32::from_le_bytes(*v)).collect::<Vec<_>>())
        };
        assert_eq!(tensor("mean"), (vec![2], vec![1.0, 2.0]));
        assert_eq!(tensor("deviation"), (vec![2], vec![0.5, 0.5]));
        assert_eq!(tensor("weights"), (vec![2, 1], vec![0.25, -0.5]));
        assert_eq!(tensor("bias"), (vec![1], vec![-2.5]));
    }

    #[test]
    fn without_bias_and_with_the_preparation_inside() {
        let model = read(&outcome(0.0), Placement::Inside);
        assert_eq!(operators(&model), ["Imputer", "Sub", "Div", "Gemm", "Sigmoid"]);
        assert_eq!(model.opset_import.len(), 2);
        let graph = model.graph.unwrap();
        assert_eq!(graph.node[3].input, ["scaled", "weights"]);
        assert_eq!((graph.node[0].domain.as_str(), graph.node[0].attribute.len()), (ML, 2));
        assert_eq!(graph.node[0].attribute[0].floats, [1.5, 1.5]);
        assert!(graph.node[0].attribute[1].f.unwrap().is_nan());
    }
}
