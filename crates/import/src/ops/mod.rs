//! The operators that are read: one table, and one function for each.

mod activation;
mod arithmetic;
mod branch;
mod cast;
mod conv;
mod einsum;
mod encode;
mod frame;
mod hints;
mod label_encoder;
mod layout;
mod linear_ml;
mod map;
mod moves;
mod norm;
mod pad;
mod pool;
mod post;
mod prepare;
mod products;
mod quantize;
mod reduce;
mod scatter;
mod shape;
mod svm;
mod trees;

pub(crate) use conv::GROUPS_THAT_FIT;

use crate::onnx::{Call, Lowered, Stop};

const ONNX: &str = "";
const ML: &str = "ai.onnx.ml";

/// Turns one node of the file into nodes of the graph.
pub(crate) type Lowering = fn(&mut Call<'_, '_>) -> Lowered;

/// Every operator that is read, by domain and name.
const OPS: &[(&str, &str, Lowering)] = &[
    (ONNX, "Abs", map::plain),
    (ONNX, "Add", arithmetic::add),
    (ONNX, "And", arithmetic::logic),
    (ONNX, "ArgMax", reduce::arg_extreme),
    (ONNX, "ArgMin", reduce::arg_extreme),
    (ONNX, "AveragePool", pool::average_pool),
    (ONNX, "BatchNormalization", norm::batch_normalization),
    (ONNX, "Cast", cast::cast),
    (ONNX, "CastLike", cast::cast_like),
    (ONNX, "Ceil", map::plain),
    (ONNX, "Celu", map::celu),
    (ONNX, "Clip", map::clip),
    (ONNX, "Concat", moves::concat),
    (ONNX, "Constant", cast::constant_node),
    (ONNX, "ConstantOfShape", moves::constant_of_shape),
    (ONNX, "Conv", conv::conv),
    (ONNX, "ConvTranspose", conv::conv_transpose),
    (ONNX, "Cos", map::plain),
    (ONNX, "CumSum", reduce::cum_sum),
    (ONNX, "DepthToSpace", moves::depth_to_space),
    (ONNX, "DequantizeLinear", quantize::dequantize),
    (ONNX, "Div", arithmetic::div),
    (ONNX, "Dropout", cast::dropout),
    (ONNX, "Einsum", einsum::einsum),
    (ONNX, "Elu", map::elu),
    (ONNX, "Equal", arithmetic::compare),
    (ONNX, "Erf", map::plain),
    (ONNX, "Exp", map::plain),
    (ONNX, "Expand", moves::expand),
    (ONNX, "Flatten", shape::flatten),
    (ONNX, "Floor", map::plain),
    (ONNX, "Gather", moves::gather),
    (ONNX, "GatherElements", moves::gather_elements),
    (ONNX, "GatherND", moves::gather_nd),
    (ONNX, "Gelu", map::gelu),
    (ONNX, "Gemm", products::gemm),
    (ONNX, "GlobalAveragePool", pool::global_average_pool),
    (ONNX, "GlobalMaxPool", pool::global_max_pool),
    (ONNX, "Greater", arithmetic::compare),
    (ONNX, "GreaterOrEqual", arithmetic::compare),
    (ONNX, "GroupNormalization", norm::group_normalization),
    (ONNX, "HardSigmoid", map::hard_sigmoid),
    (ONNX, "HardSwish", map::hard_swish),
    (ONNX, "Hardmax", activation::hardmax),
    (ONNX, "Identity", cast::identity),
    (ONNX, "If", branch::branch),
    (ONNX, "InstanceNormalization", norm::instance_normalization),
    (ONNX, "IsInf", arithmetic::is_inf),
    (ONNX, "IsNaN", map::is_nan),
    (ONNX, "LRN", norm::local_response),
    (ONNX, "LayerNormalization", norm::layer_normalization),
    (ONNX, "LeakyRelu", map::leaky_relu),
    (ONNX, "Less", arithmetic::compare),
    (ONNX, "LessOrEqual", arithmetic::compare),
    (ONNX, "Log", map::plain),
    (ONNX, "LogSoftmax", activation::log_softmax),
    (ONNX, "LpNormalization", norm::lp_normalization),
    (ONNX, "LpPool", pool::lp_pool),
    (ONNX, "MatMul", products::mat_mul),
    (ONNX, "Max", arithmetic::max),
    (ONNX, "MaxPool", pool::max_pool),
    (ONNX, "Mean", arithmetic::mean),
    (ONNX, "MeanVarianceNormalization", norm::mean_variance_normalization),
    (ONNX, "Min", arithmetic::min),
    (ONNX, "Mish", map::mish),
    (ONNX, "Mod", arithmetic::modulo),
    (ONNX, "Mul", arithmetic::mul),
    (ONNX, "Neg", arithmetic::neg),
    (ONNX, "NonZero", moves::non_zero),
    (ONNX, "Not", arithmetic::not),
    (ONNX, "OneHot", scatter::one_hot),
    (ONNX, "Or", arithmetic::logic),
    (ONNX, "PRelu", map::prelu),
    (ONNX, "Pad", pad::pad),
    (ONNX, "Pow", map::pow),
    (ONNX, "QuantizeLinear", quantize::quantize),
    (ONNX, "RMSNormalization", norm::rms_normalization),
    (ONNX, "Range", moves::range_of),
    (ONNX, "Reciprocal", map::plain),
    (ONNX, "ReduceL1", reduce::reduce),
    (ONNX, "ReduceL2", reduce::reduce),
    (ONNX, "ReduceLogSum", reduce::reduce),
    (ONNX, "ReduceLogSumExp", reduce::reduce),
    (ONNX, "ReduceMax", reduce::reduce),
    (ONNX, "ReduceMean", reduce::reduce),
    (ONNX, "ReduceMin", reduce::reduce),
    (ONNX, "ReduceProd", reduce::reduce),
    (ONNX, "ReduceSum", reduce::reduce),
    (ONNX, "ReduceSumSquare", reduce::reduce),
    (ONNX, "Relu", map::plain),
    (ONNX, "Reshape", shape::reshape),
    (ONNX, "Round", map::plain),
    (ONNX, "ScatterElements", scatter::scatter_elements),
    (ONNX, "ScatterND", scatter::scatter_nd),
    (ONNX, "Selu", map::selu),
    (ONNX, "Shape", shape::shape),
    (ONNX, "Shrink", map::shrink),
    (ONNX, "Sigmoid", map::plain),
    (ONNX, "Sign", map::plain),
    (ONNX, "Sin", map::plain),
    (ONNX, "Size", shape::size),
    (ONNX, "Slice", moves::slice),
    (ONNX, "Softmax", activation::softmax),
    (ONNX, "Softplus", map::plain),
    (ONNX, "Softsign", map::softsign),
    (ONNX, "SpaceToDepth", moves::space_to_depth),
    (ONNX, "Split", moves::split),
    (ONNX, "Sqrt", map::plain),
    (ONNX, "Squeeze", shape::squeeze),
    (ONNX, "Sub", arithmetic::sub),
    (ONNX, "Sum", arithmetic::sum),
    (ONNX, "Swish", map::swish),
    (ONNX, "Tanh", map::plain),
    (ONNX, "ThresholdedRelu", map::thresholded_relu),
    (ONNX, "Tile", moves::tile),
    (ONNX, "Transpose", moves::transpose),
    (ONNX, "Trilu", moves::trilu),
    (ONNX, "Unsqueeze", shape::unsqueeze),
    (ONNX, "Where", arithmetic::choose),
    (ONNX, "Xor", arithmetic::logic),
    (ML, "ArrayFeatureExtractor", encode::array_feature_extractor),
    (ML, "Binarizer", prepare::binarizer),
    (ML, "FeatureVectorizer", prepare::feature_vectorizer),
    (ML, "Imputer", prepare::imputer),
    (ML, "LabelEncoder", label_encoder::label_encoder),
    (ML, "LinearClassifier", linear_ml::classifier),
    (ML, "LinearRegressor", linear_ml::regressor),
    (ML, "Normalizer", prepare::normalizer),
    (ML, "OneHotEncoder", encode::one_hot_encoder),
    (ML, "SVMClassifier", svm::classifier),
    (ML, "SVMRegressor", svm::regressor),
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
