//! Writes a linear model as an ONNX file.
//!
//! | node | operator | |
//! |---|---|---|
//! | `center` | `Sub` | the mean is taken off, where the model scales rows itself |
//! | `scale` | `Div` | by the deviation |
//! | `linear` | `Gemm` | weights, and the constant if there is one |
//! | `sigmoid` | `Sigmoid` | the probability, of logistic regression |
//!
//! The input `features` is float32 `[rows, n]`; the output `probability` or `value` is float32 `[rows, 1]`. Equal models give equal bytes.

use prost::{Message, Oneof};

/// A linear model.
pub struct LinearModel<'a> {
    /// Of the columns.
    pub names: &'a [String],
    /// By column.
    pub weights: &'a [f64],
    /// The constant.
    pub bias: f64,
    /// Whether the answer is a probability.
    pub is_logistic: bool,
    /// By column, what is taken off, and what the rest is divided by.
    pub scaling: Option<(&'a [f64], &'a [f64])>,
}

impl LinearModel<'_> {
    /// The file's bytes.
    pub fn to_onnx(&self) -> Vec<u8> {
        let names: Vec<String> = self.names.iter().map(|name| quoted(name)).collect();
        let model = Model {
            ir_version: 8,
            producer_name: "privet".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: Some(self.graph()),
            opset_import: vec![Opset { domain: String::new(), version: 13 }],
            metadata_props: vec![Entry {
                key: "feature_names".into(),
                value: format!("[{}]", names.join(",")),
            }],
        };
        model.encode_to_vec()
    }

    fn graph(&self) -> Graph {
        let (n, mut node, mut initializer) = (self.names.len(), Vec::new(), Vec::new());
        let mut last = "features";
        if let Some((mean, deviation)) = self.scaling {
            initializer.extend([constant("mean", &[n], mean), constant("deviation", &[n], deviation)]);
            node.push(operation("center", "Sub", &[last, "mean"], "centered"));
            node.push(operation("scale", "Div", &["centered", "deviation"], "scaled"));
            last = "scaled";
        }
        initializer.push(constant("weights", &[n, 1], self.weights));
        let mut inputs = vec![last, "weights"];
        if self.bias != 0.0 {
            initializer.push(constant("bias", &[1], &[self.bias]));
            inputs.push("bias");
        }
        let output = if self.is_logistic { "probability" } else { "value" };
        node.push(operation("linear", "Gemm", &inputs, if self.is_logistic { "logit" } else { output }));
        if self.is_logistic {
            node.push(operation("sigmoid", "Sigmoid", &["logit"], output));
        }
        let (input, output) = (vec![port("features", n)], vec![port(output, 1)]);
        Graph { node, name: "linear".into(), initializer, input, output }
    }
}

/// As JSON has it.
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// The number of float32 among the element types.
const FLOAT: i32 = 1;

fn operation(name: &str, op_type: &str, input: &[&str], output: &str) -> Node {
    let input = input.iter().map(|&name| name.into()).collect();
    Node { input, output: vec![output.into()], name: name.into(), op_type: op_type.into() }
}

fn constant(name: &str, dims: &[usize], values: &[f64]) -> Tensor {
    #[allow(clippy::cast_possible_truncation)] // the nearest float32 is what is meant
    let raw_data = values.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect();
    Tensor {
        dims: dims.iter().map(|&dim| number(dim)).collect(),
        data_type: FLOAT,
        name: name.into(),
        raw_data,
    }
}

fn port(name: &str, columns: usize) -> ValueInfo {
    let dimension = |value| Dimension { value: Some(value) };
    let dim = vec![dimension(Size::Symbol("rows".into())), dimension(Size::Number(number(columns)))];
    let tensor_type = Some(TensorType { elem_type: FLOAT, shape: Some(Shape { dim }) });
    ValueInfo { name: name.into(), r#type: Some(Type { tensor_type }) }
}

fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(string, tag = "2")]
    producer_name: String,
    #[prost(string, tag = "3")]
    producer_version: String,
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<Opset>,
    #[prost(message, repeated, tag = "14")]
    metadata_props: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Opset {
    #[prost(string, tag = "1")]
    domain: String,
    #[prost(int64, tag = "2")]
    version: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    node: Vec<Node>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueInfo>,
}

#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    op_type: String,
}

#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct ValueInfo {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    r#type: Option<Type>,
}

#[derive(Clone, PartialEq, Message)]
struct Type {
    #[prost(message, optional, tag = "1")]
    tensor_type: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorType {
    #[prost(int32, tag = "1")]
    elem_type: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(oneof = "Size", tags = "1, 2")]
    value: Option<Size>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Size {
    #[prost(int64, tag = "1")]
    Number(i64),
    #[prost(string, tag = "2")]
    Symbol(String),
}
