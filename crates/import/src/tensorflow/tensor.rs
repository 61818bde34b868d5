//! Constants: `TensorFlow`'s arrays as those of ONNX.

use privet_model::Refusal;

use super::proto::{Shape, TensorProto};
use crate::onnx_proto::{
    Dimension, DimensionValue, TensorProto as Onnx, TensorShapeProto, TensorType, TypeProto, ValueInfoProto,
};

/// ONNX's numbers of the element types, by those of `TensorFlow`.
const TYPES: &[(i32, i32)] = &[
    (1, 1),
    (2, 11),
    (3, 6),
    (4, 2),
    (5, 5),
    (6, 3),
    (7, 8),
    (9, 7),
    (10, 9),
    (14, 16),
    (17, 4),
    (19, 10),
    (22, 12),
    (23, 13),
];

/// 0, ONNX's "undefined", for all that ONNX has not.
pub(super) fn element_type(number: i32) -> i32 {
    // A reference to a variable has a number of its own.
    let number = if number > 100 { number - 100 } else { number };
    TYPES.iter().find(|(known, _)| *known == number).map_or(0, |(_, onnx)| *onnx)
}

/// Values that a file may repeat beyond those that it has.
pub(super) struct Room(usize);

impl Room {
    pub(super) fn of(file_len: usize) -> Self {
        Self(file_len.saturating_mul(8).max(1 << 22))
    }

    fn take(&mut self, values: usize, name: &str) -> Result<(), Refusal> {
        let left = self.0.checked_sub(values).ok_or_else(|| {
            let message = format!(
                "Weight `{name}` repeats one value more often than a file of this size should need; export the model \
                 again."
            );
            Refusal::new("E208", message)
        })?;
        self.0 = left;
        Ok(())
    }
}

/// A constant. Where fewer values are listed than the shape has, the last one is repeated.
pub(super) fn constant(tensor: &TensorProto, name: &str, room: &mut Room) -> Result<Onnx, Refusal> {
    let dims: Vec<i64> = tensor.tensor_shape.iter().flat_map(|s| &s.dim).map(|dim| dim.size).collect();
    let mut onnx = Onnx { name: name.into(), dims, data_type: element_type(tensor.dtype), ..Onnx::default() };
    if !tensor.tensor_content.is_empty() {
        onnx.raw_data.clone_from(&tensor.tensor_content);
        return Ok(onnx);
    }
    let length = |&d: &i64| usize::try_from(d).ok();
    let total = onnx.dims.iter().try_fold(1_usize, |n, d| n.checked_mul(length(d)?));
    // A shape that cannot be is refused with the values that are there.
    let total = total.unwrap_or(usize::MAX);
    let mut fill = Fill { total, name, room };
    match onnx.data_type {
        1 => onnx.float_data = fill.up(&tensor.float_val)?,
        11 => onnx.double_data = fill.up(&tensor.double_val)?,
        7 => onnx.int64_data = fill.up(&tensor.int64_val)?,
        8 => onnx.string_data = fill.up(&tensor.string_val)?,
        10 | 16 => onnx.int32_data = fill.up(&tensor.half_val)?,
        9 => {
            let bits: Vec<i32> = tensor.bool_val.iter().map(|&b| b.into()).collect();
            onnx.int32_data = fill.up(&bits)?;
        }
        _ => onnx.int32_data = fill.up(&tensor.int_val)?,
    }
    Ok(onnx)
}

struct Fill<'r> {
    total: usize,
    name: &'r str,
    room: &'r mut Room,
}

impl Fill<'_> {
    fn up<T: Clone + Default>(&mut self, given: &[T]) -> Result<Vec<T>, Refusal> {
        let mut values = given.to_vec();
        if self.total > values.len() {
            self.room.take(self.total - values.len(), self.name)?;
            let last = values.last().cloned().unwrap_or_default();
            values.resize(self.total, last);
        }
        Ok(values)
    }
}

/// What an input or output is called and looks like; -1 stands for what is open.
pub(super) fn port(name: &str, dtype: i32, shape: Option<&Shape>) -> ValueInfoProto {
    let dim = |size: i64| Dimension { value: (size >= 0).then_some(DimensionValue::Number(size)) };
    let shape = shape.filter(|shape| !shape.unknown_rank);
    let shape = shape.map(|s| TensorShapeProto { dim: s.dim.iter().map(|d| dim(d.size)).collect() });
    let tensor_type = Some(TensorType { elem_type: element_type(dtype), shape });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}
