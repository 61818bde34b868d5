//! The operators that are read: one table, and one function for each.

mod activation;
mod affine;
mod basic;
mod broadcast;
mod conv;
mod encode;
mod hints;
mod linear_ml;
mod map;
mod matrix;
mod prepare;
mod shape;
mod transpose;
mod trees;

use crate::onnx::{Call, Lowered, Stop};

const ONNX: &str = "";
const ML: &str = "ai.onnx.ml";

/// Turns one node of the file into nodes of the graph.
pub(crate) type Lowering = fn(&mut Call<'_, '_>) -> Lowered;

/// Every operator that is read, by domain and name.
const OPS: &[(&str, &str, Lowering)] = &[
    (ONNX, "Abs", map::plain),
    (ONNX, "Add", affine::add),
    (ONNX, "ArgMax", activation::arg_max),
    (ONNX, "AveragePool", conv::average_pool),
    (ONNX, "BatchNormalization", conv::batch_normalization),
    (ONNX, "Cast", basic::cast),
    (ONNX, "Ceil", map::plain),
    (ONNX, "Concat", basic::concat),
    (ONNX, "Constant", basic::constant),
    (ONNX, "Conv", conv::conv),
    (ONNX, "Cos", map::plain),
    (ONNX, "Div", affine::div),
    (ONNX, "Elu", map::elu),
    (ONNX, "Erf", map::plain),
    (ONNX, "Exp", map::plain),
    (ONNX, "Flatten", shape::flatten),
    (ONNX, "Floor", map::plain),
    (ONNX, "Gather", encode::gather),
    (ONNX, "Gemm", matrix::gemm),
    (ONNX, "GlobalAveragePool", conv::global_average_pool),
    (ONNX, "GlobalMaxPool", conv::global_max_pool),
    (ONNX, "HardSigmoid", map::hard_sigmoid),
    (ONNX, "Identity", basic::identity),
    (ONNX, "LeakyRelu", map::leaky_relu),
    (ONNX, "Log", map::plain),
    (ONNX, "MatMul", matrix::mat_mul),
    (ONNX, "MaxPool", conv::max_pool),
    (ONNX, "Mul", affine::mul),
    (ONNX, "Neg", affine::neg),
    (ONNX, "Reciprocal", map::plain),
    (ONNX, "Relu", map::plain),
    (ONNX, "Reshape", shape::reshape),
    (ONNX, "Round", map::plain),
    (ONNX, "Sigmoid", activation::sigmoid),
    (ONNX, "Sign", map::plain),
    (ONNX, "Sin", map::plain),
    (ONNX, "Softmax", activation::softmax),
    (ONNX, "Softplus", map::plain),
    (ONNX, "Sqrt", map::plain),
    (ONNX, "Squeeze", shape::squeeze),
    (ONNX, "Sub", affine::sub),
    (ONNX, "Tanh", map::plain),
    (ONNX, "Transpose", transpose::transpose),
    (ONNX, "Unsqueeze", shape::unsqueeze),
    (ML, "ArrayFeatureExtractor", encode::array_feature_extractor),
    (ML, "FeatureVectorizer", prepare::feature_vectorizer),
    (ML, "Imputer", prepare::imputer),
    (ML, "LinearClassifier", linear_ml::classifier),
    (ML, "LinearRegressor", linear_ml::regressor),
    (ML, "Normalizer", prepare::normalizer),
    (ML, "OneHotEncoder", encode::one_hot_encoder),
    (ML, "Scaler", prepare::scaler),
    (ML, "TreeEnsembleClassifier", trees::classifier),
    (ML, "TreeEnsembleRegressor", trees::regressor),
    (ML, "ZipMap", encode::zip_map),
];

/// The function for an operator.
pub(crate) fn find(domain: &str, op: &str) -> Result<Lowering, Stop> {
    match OPS.iter().find(|(d, name, _)| *d == domain && *name == op) {
        Some((_, _, lowering)) => Ok(*lowering),
        None => Err(Stop::problem("This operator is not supported.", hints::nearest(domain, op))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_each_operator_stands_in_it_once() {
        assert!(OPS.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)));
    }
}
