//! The nearest way that is supported, for operators that are not.

const ACTIVATIONS: &str = "Of the activations, `Sigmoid` and `Softmax` can be used.";
const LAYERS: &str = "Of the layers, dense ones (`Gemm`, or `MatMul` with `Add`) can be used.";
const TREES: &str =
    "Linear models (`ai.onnx.ml.LinearClassifier`, `ai.onnx.ml.LinearRegressor`) can be used instead.";
const SHAPES: &str = "Export the model with fixed shapes and constants folded, so that this node disappears.";
const COLUMNS: &str = "Compute this column before the model is asked, and pass it as an input.";
const OTHER: &str =
    "Replace it by an affine operation, `Sigmoid` or `Softmax`, or compute it outside of the model.";

const HINTS: &[(&str, &str)] = &[
    (
        "Relu LeakyRelu PRelu Elu Selu Celu Gelu Tanh HardSigmoid HardSwish Mish Softplus Softsign \
         LogSoftmax Hardmax ThresholdedRelu Clip Erf",
        ACTIVATIONS,
    ),
    (
        "Conv ConvTranspose MaxPool AveragePool GlobalAveragePool GlobalMaxPool LSTM GRU RNN \
         BatchNormalization LayerNormalization InstanceNormalization Attention",
        LAYERS,
    ),
    ("TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor SVMClassifier SVMRegressor", TREES),
    (
        "Shape Slice Transpose ConstantOfShape Expand Range Size Split Tile Pad GatherElements \
         GatherND Where",
        SHAPES,
    ),
    (
        "Binarizer LabelEncoder CategoryMapper DictVectorizer CastMap Log Exp Pow Sqrt Abs \
         StringNormalizer TfIdfVectorizer Floor Ceil Round IsNaN",
        COLUMNS,
    ),
];

/// What to do instead of this operator.
pub(super) fn nearest(domain: &str, op: &str) -> &'static str {
    if domain != super::ONNX && domain != super::ML {
        return "Only operators of `ai.onnx` and `ai.onnx.ml` can be used; export the model with these.";
    }
    HINTS
        .iter()
        .find(|(ops, _)| ops.split_whitespace().any(|known| known == op))
        .map_or(OTHER, |(_, hint)| hint)
}
