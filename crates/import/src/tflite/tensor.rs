//! The values behind the file's tensors.

use std::collections::HashMap;

use privet_model::Refusal;

use super::model::{Model, Tensor};
use crate::onnx_proto::{
    Dimension, DimensionValue, TensorProto, TensorShapeProto, TensorType, TypeProto, ValueInfoProto,
};
use crate::translate::{Draft, Name};

/// ONNX's numbers of the element types, in the order of the format's; 0 for those that it has not.
const TYPES: [i32; 19] = [1, 10, 6, 2, 7, 8, 9, 5, 14, 3, 11, 15, 13, 0, 0, 12, 4, 0, 16];

/// Types whose numbers stand for others where a tensor is quantised.
const SMALL: [i8; 5] = [3, 7, 9, 16, 17];

/// ONNX's number of an element type.
pub(super) fn element_type(kind: i8) -> i32 {
    usize::try_from(kind).ok().and_then(|kind| TYPES.get(kind)).copied().unwrap_or_default()
}

/// Fixed-point numbers of another scheme would be answers of another model.
pub(super) fn refuse_quantised(model: &Model<'_>) -> Result<(), Refusal> {
    let used = |at: &i32| usize::try_from(*at).ok().and_then(|at| model.tensors.get(at));
    let all = model.operators.iter().flat_map(|o| o.inputs.iter().chain(&o.outputs)).filter_map(used);
    let mut all = all.filter(|tensor| tensor.quantised && SMALL.contains(&tensor.kind));
    let Some(tensor) = all.next() else { return Ok(()) };
    let message = format!(
        "The TensorFlow Lite model is quantised: `{}` holds small integers that stand for other numbers. Convert the \
         model with float32 or float16 weights.",
        tensor.name
    );
    Err(Refusal::new("E207", message))
}

/// Which names the tensors have in the translated graph.
pub(super) struct Values<'m> {
    model: &'m Model<'m>,
    names: HashMap<i32, Name>,
    /// Bytes of constants that may still be copied: several tensors may share one buffer.
    room: usize,
}

impl<'m> Values<'m> {
    pub(super) fn new(model: &'m Model<'m>, len: usize) -> Self {
        Self { model, names: HashMap::new(), room: len.saturating_mul(8) }
    }

    fn tensor(&self, at: i32) -> Result<&'m Tensor<'m>, Refusal> {
        let tensor = usize::try_from(at).ok().and_then(|at| self.model.tensors.get(at));
        tensor.ok_or_else(super::damaged)
    }

    /// The exporter's name; empty where it has none.
    pub(super) fn name(&self, at: i32) -> &'m str {
        self.tensor(at).map_or("", |tensor| &tensor.name)
    }

    pub(super) fn inputs(&mut self, draft: &mut Draft) -> Result<(), Refusal> {
        for (name, at) in &self.model.inputs {
            let tensor = self.tensor(*at)?;
            draft.input(input(name, tensor), Some(tensor.dims.len()));
            self.names.insert(*at, name.clone());
        }
        Ok(())
    }

    /// What an operator reads: computed before it, or constant.
    pub(super) fn get(&mut self, draft: &mut Draft, at: i32) -> Result<Name, Refusal> {
        if let Some(name) = self.names.get(&at) {
            return Ok(name.clone());
        }
        let tensor = self.tensor(at)?;
        if tensor.data.is_empty() && !tensor.dims.contains(&0) {
            let message = format!(
                "Tensor `{}` is used before anything computes it; export the model again.",
                tensor.name
            );
            return Err(Refusal::new("E204", message));
        }
        let name = draft.constant(self.constant(tensor)?);
        self.names.insert(at, name.clone());
        Ok(name)
    }

    fn constant(&mut self, tensor: &Tensor<'_>) -> Result<TensorProto, Refusal> {
        let refuse = |code, what: &str| Refusal::new(code, format!("Weight `{}` {what}", tensor.name));
        if tensor.sparse {
            return Err(refuse(
                "E207",
                "is stored sparsely, which is not read; export the model with dense weights.",
            ));
        }
        self.room = self.room.checked_sub(tensor.data.len()).ok_or_else(|| {
            refuse(
                "E208",
                "is repeated more often than a file of this size should need; export the model again.",
            )
        })?;
        let (dims, data_type) = (tensor.dims.clone(), element_type(tensor.kind));
        let (name, raw_data) = (tensor.name.clone(), tensor.data.to_vec());
        Ok(TensorProto { dims, data_type, name, raw_data, ..TensorProto::default() })
    }

    /// What an operator gives.
    pub(super) fn set(&mut self, draft: &mut Draft, at: i32, value: Option<&Name>) -> Result<(), Refusal> {
        let tensor = self.tensor(at)?;
        let Some(value) = value else { return Ok(()) };
        // An empty shape may also be one that is not known.
        draft.know_rank(value, Some(tensor.dims.len()).filter(|&rank| rank > 0));
        if self.names.insert(at, value.clone()).is_some() {
            let message = format!("Tensor `{}` is computed twice; export the model again.", tensor.name);
            return Err(Refusal::new("E204", message));
        }
        Ok(())
    }
}

fn input(name: &str, tensor: &Tensor<'_>) -> ValueInfoProto {
    let dim = |&d: &i64| Dimension { value: (d >= 0).then_some(DimensionValue::Number(d)) };
    let shape = Some(TensorShapeProto { dim: tensor.dims.iter().map(dim).collect() });
    let tensor_type = Some(TensorType { elem_type: element_type(tensor.kind), shape });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

pub(super) fn output(name: &str) -> ValueInfoProto {
    ValueInfoProto { name: name.into(), r#type: None }
}
