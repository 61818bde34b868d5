//! The operators that are read: one table, and one function for each.

mod activation;
mod affine;
mod basic;
mod broadcast;
mod encode;
mod hints;
mod linear_ml;
mod matrix;
mod prepare;
mod shape;

use crate::onnx::{Call, Lowered, Stop};

const ONNX: &str = "";
const ML: &str = "ai.onnx.ml";

/// Turns one node of the file into nodes of the graph.
pub(crate) type Lowering = fn(&mut Call<'_, '_>) -> Lowered;

/// Every operator that is read, by domain and name.
const OPS: &[(&str, &str, Lowering)] = &[
    (ONNX, "Add", affine::add),
    (ONNX, "ArgMax", activation::arg_max),
    (ONNX, "Cast", basic::cast),
    (ONNX, "Concat", basic::concat),
    (ONNX, "Constant", basic::constant),
    (ONNX, "Div", affine::div),
    (ONNX, "Flatten", shape::flatten),
    (ONNX, "Gather", encode::gather),
    (ONNX, "Gemm", matrix::gemm),
    (ONNX, "Identity", basic::identity),
    (ONNX, "MatMul", matrix::mat_mul),
    (ONNX, "Mul", affine::mul),
    (ONNX, "Neg", affine::neg),
    (ONNX, "Reshape", shape::reshape),
    (ONNX, "Sigmoid", activation::sigmoid),
    (ONNX, "Softmax", activation::softmax),
    (ONNX, "Squeeze", shape::squeeze),
    (ONNX, "Sub", affine::sub),
    (ONNX, "Unsqueeze", shape::unsqueeze),
    (ML, "ArrayFeatureExtractor", encode::array_feature_extractor),
    (ML, "FeatureVectorizer", prepare::feature_vectorizer),
    (ML, "Imputer", prepare::imputer),
    (ML, "LinearClassifier", linear_ml::classifier),
    (ML, "LinearRegressor", linear_ml::regressor),
    (ML, "Normalizer", prepare::normalizer),
    (ML, "OneHotEncoder", encode::one_hot_encoder),
    (ML, "Scaler", prepare::scaler),
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
