//! The operators that are translated: one table, and one function for each.

mod arithmetic;
mod choose;
mod fused;
mod image;
mod matrix;
mod part;
mod reduce;
mod shape;

use super::attr::Attrs;
use super::nodes::Node;
use super::tensor::element_type;
use crate::source::Obstacle;
use crate::translate::{Draft, Name, Translated};

/// A node to translate.
pub(super) struct Call<'c, 'a> {
    pub(super) draft: &'c mut Draft,
    pub(super) node: &'c Node<'a>,
    pub(super) inputs: Vec<Name>,
}

type Translation = fn(&mut Call<'_, '_>) -> Translated;

/// Every operator that is translated, by name.
const OPS: &[(&str, Translation)] = &[
    ("Abs", arithmetic::unary),
    ("Add", arithmetic::binary),
    ("AddN", arithmetic::add_n),
    ("AddV2", arithmetic::binary),
    ("ArgMax", reduce::arg),
    ("ArgMin", reduce::arg),
    ("AvgPool", image::pool),
    ("BatchMatMul", matrix::batch_mat_mul),
    ("BatchMatMulV2", matrix::batch_mat_mul),
    ("BatchMatMulV3", matrix::batch_mat_mul),
    ("BatchToSpaceND", image::batch_to_space),
    ("BiasAdd", image::bias_add),
    ("BroadcastTo", shape::broadcast_to),
    ("Cast", arithmetic::cast),
    ("Ceil", arithmetic::unary),
    ("ClipByValue", arithmetic::clip_by_value),
    ("ConcatV2", shape::concat),
    ("Conv2D", image::conv),
    ("Cos", arithmetic::unary),
    ("DepthwiseConv2dNative", image::depthwise),
    ("Div", arithmetic::binary),
    ("Einsum", matrix::einsum),
    ("Elu", arithmetic::unary),
    ("EnsureShape", arithmetic::same),
    ("Equal", arithmetic::binary),
    ("Erf", arithmetic::unary),
    ("Erfc", arithmetic::erfc),
    ("Exp", arithmetic::unary),
    ("ExpandDims", shape::expand_dims),
    ("Fill", shape::fill),
    ("Floor", arithmetic::unary),
    ("FusedBatchNorm", image::batch_norm),
    ("FusedBatchNormV2", image::batch_norm),
    ("FusedBatchNormV3", image::batch_norm),
    ("Gather", part::gather),
    ("GatherV2", part::gather),
    ("Greater", arithmetic::binary),
    ("GreaterEqual", arithmetic::binary),
    ("Identity", arithmetic::same),
    ("IdentityN", arithmetic::all_same),
    ("Inv", arithmetic::unary),
    ("LeakyRelu", arithmetic::leaky_relu),
    ("Less", arithmetic::binary),
    ("LessEqual", arithmetic::binary),
    ("Log", arithmetic::unary),
    ("LogSoftmax", arithmetic::softmax),
    ("LogicalAnd", arithmetic::binary),
    ("LogicalNot", arithmetic::unary),
    ("LogicalOr", arithmetic::binary),
    ("MatMul", matrix::mat_mul),
    ("Max", reduce::reduce),
    ("MaxPool", image::pool),
    ("Maximum", arithmetic::binary),
    ("Mean", reduce::reduce),
    ("Min", reduce::reduce),
    ("Minimum", arithmetic::binary),
    ("MirrorPad", part::mirror_pad),
    ("Mul", arithmetic::binary),
    ("Neg", arithmetic::unary),
    ("NotEqual", arithmetic::not_equal),
    ("Pack", shape::pack),
    ("Pad", part::pad),
    ("PadV2", part::pad),
    ("PlaceholderWithDefault", arithmetic::same),
    ("Pow", arithmetic::binary),
    ("PreventGradient", arithmetic::same),
    ("Prod", reduce::reduce),
    ("Range", shape::range),
    ("ReadVariableOp", arithmetic::same),
    ("RealDiv", arithmetic::binary),
    ("Reciprocal", arithmetic::unary),
    ("Relu", arithmetic::unary),
    ("Relu6", arithmetic::relu6),
    ("Reshape", shape::reshape),
    ("ResourceGather", part::resource_gather),
    ("Rint", arithmetic::unary),
    ("Round", arithmetic::unary),
    ("Rsqrt", arithmetic::rsqrt),
    ("Select", choose::select),
    ("SelectV2", choose::select_v2),
    ("Selu", arithmetic::unary),
    ("Shape", shape::shape),
    ("Sigmoid", arithmetic::unary),
    ("Sign", arithmetic::unary),
    ("Sin", arithmetic::unary),
    ("Slice", part::slice),
    ("Snapshot", arithmetic::same),
    ("Softmax", arithmetic::softmax),
    ("Softplus", arithmetic::unary),
    ("Softsign", arithmetic::unary),
    ("SpaceToBatchND", image::space_to_batch),
    ("Split", part::split),
    ("SplitV", part::split_v),
    ("Sqrt", arithmetic::unary),
    ("Square", arithmetic::square),
    ("SquaredDifference", arithmetic::squared_difference),
    ("Squeeze", shape::squeeze),
    ("StopGradient", arithmetic::same),
    ("StridedSlice", part::strided_slice),
    ("Sub", arithmetic::binary),
    ("Sum", reduce::reduce),
    ("Tanh", arithmetic::unary),
    ("Tile", shape::tile),
    ("Transpose", shape::transpose),
    ("Unpack", shape::unpack),
    ("_FusedConv2D", fused::conv),
    ("_FusedMatMul", fused::mat_mul),
];

/// The values of a node's results, or the name of the one that stands for all of them where it could not be translated.
pub(super) fn translate(call: &mut Call<'_, '_>) -> Result<Vec<Name>, Name> {
    let op = call.node.op();
    let Ok(at) = OPS.binary_search_by(|(name, _)| (*name).cmp(op)) else {
        return Err(call.draft.obstruct(unsupported(op), &[]));
    };
    let joins = op == "BatchToSpaceND";
    let before = call.draft.apart_before(&call.inputs, joins || KEEPS_APART.contains(&op));
    let made = before.and_then(|apart| {
        let made = OPS[at].1(call)?;
        call.draft.stay_apart(&made, apart.filter(|_| !joins));
        Ok(made)
    });
    made.map_err(|obstacle| call.draft.obstruct(obstacle, &call.inputs))
}

/// What does the same to an image as to its parts.
const KEEPS_APART: [&str; 9] = [
    "BiasAdd",
    "Conv2D",
    "DepthwiseConv2dNative",
    "FusedBatchNorm",
    "FusedBatchNormV2",
    "FusedBatchNormV3",
    "Identity",
    "Relu",
    "Relu6",
];

fn unsupported(op: &str) -> Obstacle {
    let hint = match op {
        "Placeholder" => "Name it as an input of the signature.",
        "If" | "StatelessIf" | "While" | "StatelessWhile" | "Switch" | "Merge" | "Enter" => {
            "Export the model for inference, with fixed shapes, so that it has no branches and loops."
        }
        _ => "Replace it by operators that are read, or compute it outside of the model.",
    };
    Obstacle::new("This operator is not supported.", hint)
}

impl Call<'_, '_> {
    pub(super) fn attrs(&self) -> Attrs<'_> {
        self.node.attrs()
    }

    /// Input `i`, which must be there.
    pub(super) fn input(&self, i: usize) -> Result<Name, Obstacle> {
        let missing = || Obstacle::new(format!("Its input {} is missing.", i + 1), "Export the model again.");
        self.inputs.get(i).cloned().ok_or_else(missing)
    }

    /// The first inputs.
    pub(super) fn first<const N: usize>(&self) -> Result<[Name; N], Obstacle> {
        let mut names = [const { String::new() }; N];
        for (i, name) in names.iter_mut().enumerate() {
            *name = self.input(i)?;
        }
        Ok(names)
    }

    /// Input `i` as whole numbers, which must be constant.
    pub(super) fn ints(&self, i: usize) -> Result<Vec<i64>, Obstacle> {
        let name = self.input(i)?;
        self.draft.ints_of(&name).ok_or_else(|| {
            let reason = format!("Its input `{name}` is no constant of whole numbers.");
            Obstacle::new(reason, "Export the model with fixed shapes and constants folded.")
        })
    }

    /// Input `i` as a whole number.
    pub(super) fn int(&self, i: usize) -> Result<i64, Obstacle> {
        match self.ints(i)?[..] {
            [only] => Ok(only),
            _ => Err(Obstacle::new(
                format!("Its input {} is not a single number.", i + 1),
                "Export the model again.",
            )),
        }
    }

    /// The element type of its numbers, by ONNX.
    pub(super) fn data_type(&self) -> i32 {
        element_type(self.attrs().dtype("T", 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_each_operator_stands_in_it_once() {
        assert!(OPS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
