//! What comes before a linear model: filling gaps, scaling, joining columns.

use privet_model::graph::{Comparison, Missing, Norm, Op};
use privet_model::tensor::DataType;

use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

/// `(x - offset)·scale`.
pub(super) fn scaler(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.table(0)?;
    let (offset, scale) = (call.floats("offset")?, call.floats("scale")?);
    if offset.len() != scale.len() {
        let reason = format!("It has {} offsets and {} scales.", offset.len(), scale.len());
        return Err(Stop::problem(reason, "Both need one value, or one for each column."));
    }
    let offset = per_column(offset, x.width(), "offset")?;
    let scale = per_column(scale, x.width(), "scale")?;
    let shift = offset.iter().zip(&scale).map(|(o, s)| 0.0 - o * s).collect();
    let id = call.emit(Op::Affine { scale, shift }, x.id)?;
    one(Rows { dtype: DataType::Fp32, ..x.with(id) })
}

pub(super) fn imputer(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.table(0)?;
    let (floats, ints) = (call.floats("imputed_value_floats")?, call.ints("imputed_value_int64s"));
    let (fill, missing) = match x.dtype {
        DataType::Fp32 if ints.is_empty() => (floats, call.float("replaced_value_float", 0.0)),
        DataType::Int64 if floats.is_empty() => {
            (ints.iter().map(|&x| x as f64).collect(), call.int("replaced_value_int64", 0) as f64)
        }
        other => {
            let reason = format!("Its input is {}, which its imputed values are not.", other.name());
            return Err(Stop::problem(reason, "Use float32 with float values, or int64 with int64 values."));
        }
    };
    let fill = per_column(fill, x.width(), "imputed")?;
    let missing = if missing.is_nan() { Missing::Nan } else { Missing::Value(missing) };
    let id = call.emit(Op::Impute { fill, missing }, x.id)?;
    one(x.with(id))
}

/// 1 above the threshold, else 0.
pub(super) fn binarizer(call: &mut Call<'_, '_>) -> Lowered {
    let threshold = call.finite_float("threshold", 0.0)?;
    let x = call.numbers(0)?;
    let bound = call.fixed(vec![threshold; x.width()])?;
    let id = call.emit_many(Op::Compare(Comparison::Less), vec![bound, x.id])?;
    one(x.with(id))
}

pub(super) fn normalizer(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.table(0)?;
    let norm = match call.word("norm", "MAX", &["MAX", "L1", "L2"])? {
        "L1" => Norm::L1,
        "L2" => Norm::L2,
        _ => Norm::Max,
    };
    let id = call.emit(Op::Normalize(norm), x.id)?;
    one(Rows { dtype: DataType::Fp32, ..x.with(id) })
}

pub(super) fn feature_vectorizer(call: &mut Call<'_, '_>) -> Lowered {
    let parts = (0..call.inputs.len()).map(|i| call.table(i)).collect::<Result<Vec<_>, _>>()?;
    let declared = call.ints("inputdimensions");
    let widths: Vec<i64> = parts.iter().filter_map(|part| i64::try_from(part.width()).ok()).collect();
    if parts.is_empty() || (!declared.is_empty() && declared != widths) {
        let reason = "Its `inputdimensions` are not the widths of its inputs, so it would cut or pad them.";
        return Err(Stop::problem(reason, "Export the model with the widths of its columns."));
    }
    let id = call.emit_many(Op::Concat, parts.iter().map(|part| part.id).collect())?;
    let width = parts.iter().map(Rows::width).sum();
    one(Rows { id, dtype: DataType::Fp32, ..parts[0].shaped(vec![1, width], parts[0].batch) })
}

/// One value for each column; a single one stands for all.
fn per_column(values: Vec<f64>, width: usize, what: &str) -> Result<Vec<f64>, Stop> {
    match values[..] {
        [single] => Ok(vec![single; width]),
        _ if values.len() == width => Ok(values),
        _ => {
            let reason = format!("It has {} {what} values for {width} columns.", values.len());
            Err(Stop::problem(reason, "It needs one value, or one for each column; export the model again."))
        }
    }
}
