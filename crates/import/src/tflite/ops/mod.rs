//! The operators that are translated: one table, and one function for each.

mod arithmetic;
mod layers;
mod options;
mod part;
mod shape;

use super::model::{Model, Operator, Tensor};
use super::tensor::element_type;
use crate::source::Obstacle;
use crate::translate::{Draft, Name, Translated, one};

/// An operator to translate.
pub(super) struct Call<'c, 'm> {
    pub(super) draft: &'c mut Draft,
    pub(super) model: &'c Model<'m>,
    pub(super) operator: &'c Operator<'m>,
    /// Empty where an optional input is left out.
    pub(super) inputs: Vec<Name>,
}

type Translation = fn(&mut Call<'_, '_>) -> Translated;

/// Every operator that is translated, by name.
const OPS: &[(&str, Translation)] = &[
    ("ABS", arithmetic::unary),
    ("ADD", arithmetic::activated),
    ("ADD_N", arithmetic::add_n),
    ("ARG_MAX", part::arg),
    ("ARG_MIN", part::arg),
    ("AVERAGE_POOL_2D", layers::pool),
    ("BATCH_MATMUL", layers::batch_mat_mul),
    ("BATCH_TO_SPACE_ND", layers::batch_to_space),
    ("BROADCAST_TO", shape::broadcast_to),
    ("CAST", arithmetic::cast),
    ("CEIL", arithmetic::unary),
    ("CONCATENATION", shape::concat),
    ("CONV_2D", layers::conv),
    ("COS", arithmetic::unary),
    ("DEPTHWISE_CONV_2D", layers::depthwise),
    ("DEQUANTIZE", arithmetic::widen),
    ("DIV", arithmetic::activated),
    ("ELU", arithmetic::unary),
    ("EQUAL", arithmetic::binary),
    ("EXP", arithmetic::unary),
    ("EXPAND_DIMS", shape::expand_dims),
    ("FILL", shape::fill),
    ("FLOOR", arithmetic::unary),
    ("FULLY_CONNECTED", layers::dense),
    ("GATHER", part::gather),
    ("GELU", arithmetic::gelu),
    ("GREATER", arithmetic::binary),
    ("GREATER_EQUAL", arithmetic::binary),
    ("HARD_SWISH", arithmetic::unary),
    ("LEAKY_RELU", arithmetic::leaky_relu),
    ("LESS", arithmetic::binary),
    ("LESS_EQUAL", arithmetic::binary),
    ("LOG", arithmetic::unary),
    ("LOGICAL_AND", arithmetic::binary),
    ("LOGICAL_NOT", arithmetic::unary),
    ("LOGICAL_OR", arithmetic::binary),
    ("LOGISTIC", arithmetic::unary),
    ("LOG_SOFTMAX", arithmetic::softmax),
    ("MAXIMUM", arithmetic::binary),
    ("MAX_POOL_2D", layers::pool),
    ("MEAN", part::reduce),
    ("MINIMUM", arithmetic::binary),
    ("MIRROR_PAD", part::mirror_pad),
    ("MUL", arithmetic::activated),
    ("NEG", arithmetic::unary),
    ("NOT_EQUAL", arithmetic::not_equal),
    ("PACK", shape::pack),
    ("PAD", part::pad),
    ("PADV2", part::pad),
    ("POW", arithmetic::binary),
    ("PRELU", arithmetic::prelu),
    ("RANGE", shape::range),
    ("REDUCE_MAX", part::reduce),
    ("REDUCE_MIN", part::reduce),
    ("REDUCE_PROD", part::reduce),
    ("RELU", arithmetic::unary),
    ("RELU6", arithmetic::relu6),
    ("RELU_0_TO_1", arithmetic::relu_0_to_1),
    ("RELU_N1_TO_1", arithmetic::relu_n1_to_1),
    ("RESHAPE", shape::reshape),
    ("ROUND", arithmetic::unary),
    ("RSQRT", arithmetic::rsqrt),
    ("SELECT", part::select),
    ("SELECT_V2", part::select_v2),
    ("SHAPE", shape::shape),
    ("SIGN", arithmetic::unary),
    ("SIN", arithmetic::unary),
    ("SLICE", part::slice),
    ("SOFTMAX", arithmetic::softmax),
    ("SPACE_TO_BATCH_ND", layers::space_to_batch),
    ("SPLIT", part::split),
    ("SPLIT_V", part::split_v),
    ("SQRT", arithmetic::unary),
    ("SQUARE", arithmetic::square),
    ("SQUARED_DIFFERENCE", arithmetic::squared_difference),
    ("SQUEEZE", shape::squeeze),
    ("STRIDED_SLICE", part::strided_slice),
    ("SUB", arithmetic::activated),
    ("SUM", part::reduce),
    ("TANH", arithmetic::unary),
    ("TILE", shape::tile),
    ("TRANSPOSE", shape::transpose),
    ("UNPACK", shape::unpack),
];

/// The values of an operator's results, or the name of the one that stands for all of them where it could not be
/// translated.
pub(super) fn translate(call: &mut Call<'_, '_>) -> Result<Vec<Name>, Name> {
    let Ok(at) = OPS.binary_search_by(|(name, _)| (*name).cmp(&call.operator.op)) else {
        let hint = "Replace it by operators that are read, or compute it outside of the model.";
        return Err(call.draft.obstruct(Obstacle::new("This operator is not supported.", hint), &[]));
    };
    let op = call.operator.op.as_str();
    let joins = op == "BATCH_TO_SPACE_ND";
    let before = call.draft.apart_before(&call.inputs, joins || KEEPS_APART.contains(&op));
    let made = before.and_then(|apart| {
        let made = OPS[at].1(call)?;
        call.draft.stay_apart(&made, apart.filter(|_| !joins));
        Ok(made)
    });
    made.map_err(|obstacle| call.draft.obstruct(obstacle, &call.inputs))
}

/// What does the same to an image as to its parts.
const KEEPS_APART: [&str; 4] = ["CONV_2D", "DEPTHWISE_CONV_2D", "RELU", "RELU6"];

impl<'m> Call<'_, 'm> {
    /// Input `i`, which must be there.
    pub(super) fn input(&self, i: usize) -> Result<Name, Obstacle> {
        let missing = || Obstacle::new(format!("Its input {} is missing.", i + 1), "Export the model again.");
        self.inputs.get(i).filter(|name| !name.is_empty()).cloned().ok_or_else(missing)
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

    /// Input `i` as the file has it.
    pub(super) fn tensor(&self, i: usize) -> Option<&Tensor<'m>> {
        self.model.tensors.get(usize::try_from(*self.operator.inputs.get(i)?).ok()?)
    }

    /// ONNX's element type of the first result.
    pub(super) fn result_type(&self) -> i32 {
        let at = self.operator.outputs.first().and_then(|&at| usize::try_from(at).ok());
        at.and_then(|at| self.model.tensors.get(at)).map_or(0, |tensor| element_type(tensor.kind))
    }

    /// The activation that is joined to the operator, by the field that holds it.
    pub(super) fn activation(&mut self, x: Name, field: usize) -> Translated {
        let number = self.options().byte(field)?;
        let data_type = self.result_type();
        one(match number {
            0 => x,
            1 => self.draft.map("Relu", &[&x], Vec::new()),
            2 => self.draft.clip(&x, -1.0, Some(1.0), data_type),
            3 => self.draft.clip(&x, 0.0, Some(6.0), data_type),
            4 => self.draft.map("Tanh", &[&x], Vec::new()),
            other => {
                let reason = format!("It is joined with activation {other}, which is not supported.");
                return Err(Obstacle::new(reason, "Use `relu`, `relu6` or `tanh`."));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_each_operator_stands_in_it_once() {
        assert!(OPS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn each_operator_is_one_of_the_format() {
        let known: Vec<_> = (0..210).filter_map(super::super::codes::name).collect();
        assert!(OPS.iter().all(|(name, _)| known.contains(name)));
    }
}
