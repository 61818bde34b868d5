//! A linear model as ONNX: what was trained here is written in the form that everything else here reads.
//!
//! | node | operator | |
//! |---|---|---|
//! | `center` | `Sub` | the mean is taken off; only with [`Linear::scaling`] |
//! | `scale` | `Div` | by the standard deviation; only with [`Linear::scaling`] |
//! | `linear` | `Gemm` | weights, and the bias if there is one |
//! | `sigmoid` | `Sigmoid` | only in a logistic regression |
//!
//! The input `features` is float32 `[rows, n]`; the output is float32 `[rows, 1]`, `probability` of a logistic regression and
//! `value` of a linear one. The mean goes first: what is left of a great amount is exact to float32's last digit then.
//! All constants are float32. Equal models give equal bytes.

use privet_model::Refusal;
use prost::Message as _;

use crate::onnx_proto::{
    Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TensorType, TypeProto, ValueInfoProto,
};

/// Version of the file's own layout.
const IR_VERSION: i64 = 8;

/// Version of the operators.
const OPSET: i64 = 13;

/// The number of float32 among the element types.
const FLOAT: i32 = 1;

/// A linear or logistic regression.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Names of the columns, in order.
    pub features: Vec<String>,
    /// What is done to each column first.
    pub scaling: Option<Scaling>,
    /// One per column.
    pub weights: Vec<f64>,
    /// What is added.
    pub bias: Option<f64>,
    /// Whether the answer is a probability.
    pub logistic: bool,
}

/// `(x - mean) / scale`, by column.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    /// What is taken off.
    pub mean: Vec<f64>,
    /// What the rest is divided by.
    pub scale: Vec<f64>,
}

impl Linear {
    /// The file.
    ///
    /// # Errors
    ///
    /// `E205` where there is not one number per column; `E206` for a number that is not finite in float32, or a scale that is zero there.
    pub fn to_onnx(&self) -> Result<Vec<u8>, Refusal> {
        let names =
            serde_json::to_string(&self.features).map_err(|e| Refusal::new("E204", format!("{e}.")))?;
        let model = ModelProto {
            ir_version: IR_VERSION,
            producer_name: "privet".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: Some(self.graph()?),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
            metadata_props: vec![StringStringEntryProto { key: "feature_names".into(), value: names }],
            ..ModelProto::default()
        };
        Ok(model.encode_to_vec())
    }

    fn graph(&self) -> Result<GraphProto, Refusal> {
        let output = if self.logistic { "probability" } else { "value" };
        Ok(GraphProto {
            node: self.nodes(),
            name: "linear".into(),
            initializer: self.constants()?,
            input: vec![port("features", self.features.len())],
            output: vec![port(output, 1)],
            ..GraphProto::default()
        })
    }

    fn nodes(&self) -> Vec<NodeProto> {
        let mut nodes = Vec::new();
        let mut rows = "features";
        if self.scaling.is_some() {
            nodes.push(node("center", "Sub", &[rows, "mean"], "centered"));
            nodes.push(node("scale", "Div", &["centered", "deviation"], "scaled"));
            rows = "scaled";
        }
        let mut inputs = vec![rows, "weights"];
        inputs.extend(self.bias.map(|_| "bias"));
        let output = if self.logistic { "logit" } else { "value" };
        nodes.push(node("linear", "Gemm", &inputs, output));
        if self.logistic {
            nodes.push(node("sigmoid", "Sigmoid", &[output], "probability"));
        }
        nodes
    }

    fn constants(&self) -> Result<Vec<TensorProto>, Refusal> {
        let columns = self.features.len();
        let mut constants = Vec::new();
        if let Some(Scaling { mean, scale }) = &self.scaling {
            constants.push(constant("mean", &[columns], mean)?);
            let deviation = constant("deviation", &[columns], scale)?;
            if let Some(at) = scale.iter().position(|&value| to_f32(value) == 0.0) {
                let (column, name) = (at + 1, self.features.get(at).map_or("", String::as_str));
                let what =
                    format!("The scale of column {column}, `{name}`, is zero in float32. Take 1 for it.");
                return Err(Refusal::new("E206", what));
            }
            constants.push(deviation);
        }
        constants.push(constant("weights", &[columns, 1], &self.weights)?);
        if let Some(bias) = self.bias {
            constants.push(constant("bias", &[1], &[bias])?);
        }
        Ok(constants)
    }
}

/// An operation with one output.
fn node(name: &str, op_type: &str, input: &[&str], output: &str) -> NodeProto {
    NodeProto {
        input: input.iter().map(|&name| name.into()).collect(),
        output: vec![output.into()],
        name: name.into(),
        op_type: op_type.into(),
        ..NodeProto::default()
    }
}

/// A constant of float32.
fn constant(name: &str, dims: &[usize], values: &[f64]) -> Result<TensorProto, Refusal> {
    let (expected, got) = (dims.iter().product::<usize>(), values.len());
    if expected != got {
        let what = format!("Expected {expected} values of `{name}`, got {got}. Give one per column.");
        return Err(Refusal::new("E205", what));
    }
    if let Some(at) = values.iter().position(|&value| !to_f32(value).is_finite()) {
        let place = at + 1;
        let what = format!(
            "Value {place} of `{name}` is not a finite float32, so the model cannot be written. Train with a smaller rate."
        );
        return Err(Refusal::new("E206", what));
    }
    Ok(TensorProto {
        dims: dims.iter().map(|&dim| number(dim)).collect(),
        data_type: FLOAT,
        name: name.into(),
        raw_data: values.iter().flat_map(|&value| to_f32(value).to_le_bytes()).collect(),
        ..TensorProto::default()
    })
}

/// An input or output of any number of rows.
fn port(name: &str, columns: usize) -> ValueInfoProto {
    let dimension = |value| Dimension { value: Some(value) };
    let rows = dimension(DimensionValue::Symbol("rows".into()));
    let shape = TensorShapeProto { dim: vec![rows, dimension(DimensionValue::Number(number(columns)))] };
    let tensor_type = Some(TensorType { elem_type: FLOAT, shape: Some(shape) });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[allow(clippy::cast_possible_truncation)] // rounding to the file's own type is what is asked for
fn to_f32(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use privet_model::eval::evaluate;
    use privet_model::tensor::{Data, Tensor};

    use super::*;
    use crate::{ReadOptions, read};

    fn model(scaling: bool, bias: Option<f64>, logistic: bool) -> Linear {
        let scaling = scaling.then(|| Scaling { mean: vec![1.0, 2.0], scale: vec![0.5, 4.0] });
        let features = vec!["A".into(), "B \"c\"".into()];
        Linear { features, scaling, weights: vec![0.25, -0.5], bias, logistic }
    }

    /// The answer for one row, through the file.
    fn answer(model: &Linear, row: [f32; 2]) -> (String, Vec<String>, f64) {
        let bytes = model.to_onnx().unwrap();
        assert_eq!(bytes, model.to_onnx().unwrap());
        let graph = read(&bytes, ReadOptions::default()).unwrap();
        let row = Tensor::new(1, 2, Data::F32(row.to_vec())).unwrap();
        let [output] = &evaluate(&graph, &[row]).unwrap()[..] else { panic!("not one output") };
        let (port, _) = &graph.outputs[0];
        (port.name.clone(), graph.inputs[0].columns.clone(), output.to_f64().unwrap()[0])
    }

    #[test]
    fn what_is_written_is_read_and_computes_the_same() {
        for scaling in [false, true] {
            for bias in [None, Some(-2.5)] {
                for logistic in [false, true] {
                    let (name, columns, got) = answer(&model(scaling, bias, logistic), [3.0, -6.0]);
                    let x = if scaling { [4.0, -2.0] } else { [3.0, -6.0] };
                    let score: f64 = 0.25 * x[0] - 0.5 * x[1] + bias.unwrap_or(0.0);
                    let expected = if logistic { 1.0 / (1.0 + (-score).exp()) } else { score };
                    assert!((got - expected).abs() < 1e-6, "{got} instead of {expected}");
                    assert_eq!(name, if logistic { "probability" } else { "value" });
                    assert_eq!(columns, ["A", "B \"c\""]);
                }
            }
        }
    }

    #[test]
    fn what_no_file_can_hold_is_refused() {
        let code = |model: Linear| model.to_onnx().unwrap_err().code;
        let plain = model(false, None, true);
        assert_eq!(code(Linear { weights: vec![1.0], ..plain.clone() }), "E205");
        for bad in [f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(code(Linear { weights: vec![1.0, bad], ..plain.clone() }), "E206");
            assert_eq!(code(Linear { bias: Some(bad), ..plain.clone() }), "E206");
        }
        let scaling = Some(Scaling { mean: vec![0.0, 0.0], scale: vec![1.0, 1e-300] });
        assert_eq!(code(Linear { scaling, ..plain }), "E206");
    }
}
