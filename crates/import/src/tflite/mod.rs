//! From `TensorFlow` Lite's files to ONNX nodes.

mod codes;
mod flat;
mod model;
mod ops;
mod tensor;
#[cfg(test)]
mod tests;

use privet_model::Refusal;
use privet_model::graph::Graph;

use self::flat::File;
use self::model::{Model, Operator};
use self::tensor::Values;
use crate::error::ImportError;
use crate::onnx::{ReadOptions, read_model};
use crate::translate::{Draft, Name};

/// Reads a model file.
pub(crate) fn read_tflite(bytes: &[u8], options: ReadOptions<'_>) -> Result<Graph, ImportError> {
    let file = File::new(bytes);
    let model = model::read(&file).map_err(|_| damaged())?;
    tensor::refuse_quantised(&model)?;
    let mut draft = Draft::new();
    for (name, _) in &model.outputs {
        draft.reserve(name);
    }
    let mut values = Values::new(&model, bytes.len());
    values.inputs(&mut draft)?;
    for (index, operator) in model.operators.iter().enumerate() {
        step(&mut draft, &mut values, &model, index, operator)?;
    }
    for (name, at) in &model.outputs {
        let value = values.get(&mut draft, *at)?;
        draft.output(tensor::output(name), &value);
    }
    let (model, sources) = draft.finish();
    read_model(&model, bytes.len(), options, &sources)
}

fn step(
    draft: &mut Draft,
    values: &mut Values<'_>,
    model: &Model<'_>,
    index: usize,
    operator: &Operator<'_>,
) -> Result<(), Refusal> {
    // Fused operators carry the names of all that went into them; the result's is the last.
    let name = operator.outputs.first().map_or("", |&at| values.name(at));
    let shown =
        if name.is_empty() { format!("operator {index}") } else { format!("{name} (operator {index})") };
    draft.begin_as(name, &shown, &operator.op);
    let inputs =
        operator.inputs.iter().map(|&at| if at < 0 { Ok(Name::new()) } else { values.get(draft, at) });
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    let results = ops::translate(&mut ops::Call { draft, model, operator, inputs });
    for (place, &at) in operator.outputs.iter().enumerate() {
        let value = match &results {
            Ok(names) => names.get(place),
            Err(name) => Some(name),
        };
        values.set(draft, at, value)?;
    }
    Ok(())
}

fn damaged() -> Refusal {
    let message = "The TensorFlow Lite model is damaged or ends early; export or copy it again.";
    Refusal::new("E203", message)
}
