//! Dense layers.

use privet_model::graph::Op;

use super::broadcast::{not_numbers, spread};
use crate::onnx::tensor::Constant;
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

/// `alpha·x·B + beta·C`.
pub(super) fn gemm(call: &mut Call<'_, '_>) -> Lowered {
    call.only("transA", 0, "Export the layer with one row for each row of its input.")?;
    let x = call.table(0)?;
    let constant = call.constant(1)?;
    let matrix = Matrix::read(&constant, call.int("transB", 0) != 0, x.width())?;
    let alpha = call.finite_float("alpha", 1.0)?;
    let weights = matrix.weights.iter().map(|w| alpha * w).collect();
    let shape = Rows::new(x.id, vec![matrix.outputs], x.dtype);
    let bias = if call.has(2) { scaled_bias(call, &shape)? } else { vec![0.0; matrix.outputs] };
    let id = call.emit(Op::Linear { weights, bias }, x.id)?;
    one(Rows::new(id, shape.dims, x.dtype))
}

fn scaled_bias(call: &mut Call<'_, '_>, shape: &Rows) -> Result<Vec<f64>, Stop> {
    let constant = call.constant(2)?;
    let beta = call.finite_float("beta", 1.0)?;
    let spread = spread(&constant, shape)?;
    if spread.dims == shape.dims {
        return Ok(spread.values.iter().map(|c| beta * c).collect());
    }
    let reason = format!("Its bias has {} values for {} outputs.", spread.values.len(), shape.width());
    Err(Stop::problem(reason, "Export the layer again."))
}

pub(super) fn mat_mul(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.table(0)?;
    let constant = call.constant(1)?;
    let Matrix { weights, outputs } = Matrix::read(&constant, false, x.width())?;
    // A vector on the right takes its dimension away.
    let dims = if constant.dims.len() == 1 { Vec::new() } else { vec![outputs] };
    let id = call.emit(Op::Linear { weights, bias: vec![0.0; outputs] }, x.id)?;
    one(Rows::new(id, dims, x.dtype))
}

/// Weights, one row for each output.
struct Matrix {
    weights: Vec<f64>,
    outputs: usize,
}

impl Matrix {
    /// Reads `inputs × outputs` values, or `outputs × inputs` where they are stored transposed.
    fn read(constant: &Constant, transposed: bool, inputs: usize) -> Result<Self, Stop> {
        let (rows, columns) = match constant.dims[..] {
            [rows] if !transposed => (rows, 1),
            [rows, columns] => (rows, columns),
            _ => return Err(shape_problem(constant, inputs)),
        };
        let (takes, outputs) = if transposed { (columns, rows) } else { (rows, columns) };
        if takes != inputs || outputs == 0 {
            return Err(shape_problem(constant, inputs));
        }
        let given = constant.data.to_f64().ok_or_else(|| not_numbers(constant))?;
        let weights = if transposed { given } else { transpose(&given, outputs) };
        Ok(Self { weights, outputs })
    }
}

fn shape_problem(constant: &Constant, inputs: usize) -> Stop {
    let (name, dims) = (&constant.name, &constant.dims);
    let reason = format!("Its weight `{name}` has the shape {dims:?}, but {inputs} values per row come in.");
    Stop::problem(
        reason,
        "The weight must have one row for each column of the input; export the model again.",
    )
}

fn transpose(values: &[f64], columns: usize) -> Vec<f64> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposes_row_major_values() {
        assert_eq!(transpose(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }
}
