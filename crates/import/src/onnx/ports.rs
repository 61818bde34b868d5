//! The model's own inputs and outputs.

use privet_model::Refusal;
use privet_model::graph::{NodeId, Origin, Port};
use privet_model::tensor::DataType;

use super::builder::Builder;
use super::call::Stop;
use super::value::{Form, Rows, Value};
use crate::onnx_proto::{
    Dimension, DimensionValue, GraphProto, TensorType, ValueInfoProto, element_type_name,
};

/// No table has more columns. The bound keeps declared widths from deciding allocations.
pub(crate) const MAX_WIDTH: usize = 1 << 20;

/// Reads the inputs; one that cannot be used is reported, and unknown to all nodes. `names` are those of the columns of a
/// model's one input; a list of another length means something else.
pub(crate) fn inputs<'a>(graph: &'a GraphProto, names: &[String], builder: &mut Builder<'a>) {
    let mut ports = Vec::new();
    for info in &graph.input {
        if builder.is_constant(&info.name) {
            continue;
        }
        let value = match input(info, builder) {
            Ok(port) => {
                let dims = port.row_shape();
                let rows = Rows::new(NodeId(ports.len()), dims, port.dtype);
                ports.push(port);
                Value::Rows(rows)
            }
            Err((reason, hint)) => {
                builder.report(at(&info.name, "input"), reason, hint.into());
                Value::Unknown
            }
        };
        builder.define(&info.name, value);
    }
    if let [only] = ports.as_mut_slice()
        && only.width == names.len()
    {
        only.columns = names.to_vec();
    }
    builder.start(ports);
}

type Bad = (String, &'static str);

fn input(info: &ValueInfoProto, builder: &mut Builder<'_>) -> Result<Port, Bad> {
    let kind = "Declare it as a tensor of shape [rows, n].";
    let tensor = tensor_of(info).ok_or_else(|| ("It is no tensor.".to_owned(), kind))?;
    let dtype = dtype(tensor.elem_type)?;
    let shape = tensor.shape.as_ref().ok_or_else(|| ("Its shape is not given.".to_owned(), kind))?;
    let Some((_rows, inner)) = shape.dim.split_first() else {
        return Err(("It is a single number, where [rows, …] is expected.".into(), kind));
    };
    let dims = inner.iter().map(columns_of).collect::<Result<Vec<_>, _>>()?;
    let width = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= MAX_WIDTH);
    let width = width.ok_or_else(|| {
        (format!("A row of it has more than {MAX_WIDTH} values."), "Ask about smaller pieces.")
    })?;
    let flat = dims.is_empty();
    let rows = shape.dim.first().and_then(number).filter(|&rows| rows > 0);
    builder.batch = builder.batch.or(rows);
    let dims = if dims.len() > 1 { dims } else { Vec::new() };
    Ok(Port { name: info.name.clone(), dtype, width, flat, dims, columns: Vec::new() })
}

fn columns_of(dim: &Dimension) -> Result<usize, Bad> {
    let hint = "Export the model with a fixed number of columns; only the number of rows may be open.";
    let Some(given) = number(dim) else { return Err(("Its number of columns is not given.".into(), hint)) };
    match usize::try_from(given) {
        Ok(width) if (1..=MAX_WIDTH).contains(&width) => Ok(width),
        _ => Err((format!("It declares {given} columns; 1 to {MAX_WIDTH} are possible."), hint)),
    }
}

fn number(dim: &Dimension) -> Option<i64> {
    match dim.value {
        Some(DimensionValue::Number(number)) => Some(number),
        _ => None,
    }
}

fn tensor_of(info: &ValueInfoProto) -> Option<&TensorType> {
    info.r#type.as_ref()?.tensor_type.as_ref()
}

fn dtype(number: i32) -> Result<DataType, Bad> {
    let hint = "Use float32, float64, int64, int32, bool or string.";
    data_type(number)
        .ok_or_else(|| (format!("Its values are {}, which is not read.", element_type_name(number)), hint))
}

/// The type of that number in the format.
pub(crate) fn data_type(number: i32) -> Option<DataType> {
    Some(match number {
        1 => DataType::Fp32,
        11 => DataType::Fp64,
        7 => DataType::Int64,
        6 => DataType::Int32,
        9 => DataType::Bool,
        8 => DataType::Bytes,
        _ => return None,
    })
}

/// Reads the outputs. What a node computes counts; the file's own word is only compared, as runtimes do.
pub(crate) fn outputs(graph: &GraphProto, builder: &mut Builder<'_>) -> Result<(), Refusal> {
    for info in &graph.output {
        let port = match builder.value(&info.name) {
            Value::Unknown => continue,
            Value::Constant(_) => {
                Err(Stop::problem("It is a constant.", "Leave it out: it is the same for every row."))
            }
            Value::Rows(rows) => output(info, &rows).map(|port| (port, rows.id)),
        };
        match port {
            Ok(port) => builder.graph.outputs.push(port),
            Err(Stop::Problem { reason, hint }) => builder.report(at(&info.name, "output"), reason, hint),
            Err(Stop::Refused(refusal)) => return Err(refusal),
            Err(Stop::Unknown) => {}
        }
    }
    Ok(())
}

fn output(info: &ValueInfoProto, rows: &Rows) -> Result<Port, Stop> {
    match rows.form {
        Form::Plain => {}
        Form::Cut => {
            return Err(Stop::problem("It was cut to whole numbers by a Cast.", "Leave out the Cast."));
        }
        Form::Sideways => {
            let reason = "It has the shape [1, rows], where [rows, …] is expected.";
            return Err(Stop::problem(reason, "Reshape it to [-1, n]."));
        }
    }
    compare_type(info, rows)?;
    let (name, columns) = (info.name.clone(), rows.columns.to_vec());
    let dims = if rows.dims.len() > 1 { rows.dims.clone() } else { Vec::new() };
    Ok(Port { name, dtype: rows.dtype, width: rows.width(), flat: rows.dims.is_empty(), dims, columns })
}

fn compare_type(info: &ValueInfoProto, rows: &Rows) -> Result<(), Refusal> {
    let declared = tensor_of(info).map_or(0, |tensor| tensor.elem_type);
    // 0 is "not given".
    if declared == 0 || data_type(declared) == Some(rows.dtype) {
        return Ok(());
    }
    let message = format!(
        "The model's output `{}` is declared as {}, but its node computes {}; export the model again.",
        info.name,
        element_type_name(declared),
        rows.dtype.name()
    );
    Err(Refusal::new("E204", message))
}

fn at(name: &str, op: &str) -> Origin {
    Origin { node: name.into(), op: op.into() }
}
