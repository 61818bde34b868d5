//! From `TensorFlow`'s graphs, frozen or in a `SavedModel`'s folder, to ONNX nodes: calls are taken apart, variables get
//! their values, and each node that the outputs need is translated.

mod attr;
mod bundle;
mod edges;
mod frozen;
mod nodes;
mod ops;
mod order;
mod proto;
mod saved_model;
mod tensor;
#[cfg(test)]
mod tests;
mod variables;

use std::collections::{HashMap, HashSet};

use privet_model::Refusal;
use privet_model::graph::Graph;
use prost::Message;

use self::bundle::Bundle;
use self::nodes::{Edge, Nodes};
use self::order::Step;
use self::proto::{GraphDef, SavedModel, Shape};
use self::tensor::Room;
use self::variables::Variables;
use crate::error::ImportError;
use crate::onnx::{ReadOptions, read_model};
use crate::source::Obstacle;
use crate::translate::{Draft, Name};

/// A value that the model takes.
struct Input {
    name: String,
    edge: Edge,
    dtype: i32,
    shape: Option<Shape>,
}

/// What is asked of a graph.
struct Question {
    inputs: Vec<Input>,
    /// Under which name which value is given.
    outputs: Vec<(String, Edge)>,
}

/// Reads a frozen graph.
pub(crate) fn read_frozen(bytes: &[u8], options: ReadOptions<'_>) -> Result<Graph, ImportError> {
    let graph = GraphDef::decode(bytes).map_err(|error| damaged("TensorFlow graph (GraphDef)", &error))?;
    let mut nodes = Nodes::new(&graph)?;
    let question = frozen::question(&mut nodes)?;
    translate(nodes, &question, &mut Bundle::empty(), &Variables::default(), bytes.len(), options)
}

/// Reads the `saved_model.pb` of a folder; its variables are loaded from there.
pub(crate) fn read_saved_model(bytes: &[u8], options: ReadOptions<'_>) -> Result<Graph, ImportError> {
    let model = SavedModel::decode(bytes).map_err(|error| damaged("TensorFlow SavedModel", &error))?;
    let meta = saved_model::meta_graph(&model)?;
    let graph = meta
        .graph_def
        .as_ref()
        .ok_or_else(|| Refusal::new("E203", "The SavedModel has no graph; export it again."))?;
    let mut nodes = Nodes::new(graph)?;
    let question = saved_model::question(meta, &mut nodes)?;
    let restore = meta.saver_def.as_ref().map_or("", |saver| &saver.restore_op_name);
    let variables = Variables::find(&mut nodes, restore)?;
    let mut bundle = saved_model::bundle(&nodes, options.load)?;
    translate(nodes, &question, &mut bundle, &variables, bytes.len(), options)
}

fn translate(
    mut nodes: Nodes<'_>,
    question: &Question,
    bundle: &mut Bundle<'_>,
    variables: &Variables,
    len: usize,
    options: ReadOptions<'_>,
) -> Result<Graph, ImportError> {
    let wanted: Vec<Edge> = question.outputs.iter().map(|(_, edge)| *edge).collect();
    let given: Vec<Edge> = question.inputs.iter().map(|input| input.edge).collect();
    let steps = order::order(&mut nodes, &wanted, &given)?;
    let mut translator = Translator {
        draft: Draft::new(),
        values: HashMap::new(),
        obstructed: HashSet::new(),
        room: Room::of(len),
    };
    translator.ports(question);
    for step in &steps {
        translator.step(&nodes, step, variables, bundle)?;
    }
    for (name, edge) in &question.outputs {
        let value = translator.value(&nodes, *edge)?;
        translator.draft.output(tensor::port(name, 0, None), &value);
    }
    let (model, sources) = translator.draft.finish();
    read_model(&model, len.saturating_add(bundle.len()), options, &sources)
}

/// The translation while it is made.
struct Translator {
    draft: Draft,
    /// The names of what each node gives.
    values: HashMap<usize, Vec<Name>>,
    /// Nodes that could not be translated: one name stands for all that they give.
    obstructed: HashSet<usize>,
    room: Room,
}

impl Translator {
    /// The model's own names come first, so that no node takes one.
    fn ports(&mut self, question: &Question) {
        for (name, _) in &question.outputs {
            self.draft.reserve(name);
        }
        for Input { name, edge, dtype, shape } in &question.inputs {
            let rank = shape.as_ref().filter(|shape| !shape.unknown_rank).map(|shape| shape.dim.len());
            self.draft.input(tensor::port(name, *dtype, shape.as_ref()), rank);
            let values = self.values.entry(edge.node).or_default();
            values.resize(values.len().max(edge.output + 1), name.clone());
            values[edge.output].clone_from(name);
        }
    }

    fn step(
        &mut self,
        nodes: &Nodes<'_>,
        step: &Step,
        variables: &Variables,
        bundle: &mut Bundle<'_>,
    ) -> Result<(), Refusal> {
        if self.values.contains_key(&step.node) {
            return Ok(());
        }
        let node = &nodes.list[step.node];
        self.draft.begin(node.name(), node.op());
        let values: Result<Vec<Name>, Name> = match node.op() {
            "Const" => {
                let missing = || nodes::broken(format!("The constant `{}` has no value.", node.name()));
                let value = node.attrs().tensor("value").ok_or_else(missing)?;
                Ok(vec![self.draft.constant(tensor::constant(value, node.name(), &mut self.room)?)])
            }
            "VarHandleOp" | "VariableV2" | "Variable" => {
                self.variable(variables.key(nodes, step.node, bundle), bundle)?
            }
            _ => {
                let inputs: Result<Vec<Name>, _> =
                    step.inputs.iter().map(|&edge| self.value(nodes, edge)).collect();
                ops::translate(&mut ops::Call { draft: &mut self.draft, node, inputs: inputs? })
            }
        };
        let values = values.unwrap_or_else(|name| {
            self.obstructed.insert(step.node);
            vec![name]
        });
        self.values.insert(step.node, values);
        Ok(())
    }

    fn variable(
        &mut self,
        key: Option<&str>,
        bundle: &mut Bundle<'_>,
    ) -> Result<Result<Vec<Name>, Name>, Refusal> {
        let Some(key) = key else {
            let hint = "Freeze the graph, or export the whole SavedModel folder.";
            let obstacle = Obstacle::new("It is a variable that the file gives no value.", hint);
            return Ok(Err(self.draft.obstruct(obstacle, &[])));
        };
        Ok(Ok(vec![self.draft.constant(bundle.tensor(key)?)]))
    }

    fn value(&self, nodes: &Nodes<'_>, edge: Edge) -> Result<Name, Refusal> {
        let output = if self.obstructed.contains(&edge.node) { 0 } else { edge.output };
        let name = self.values.get(&edge.node).and_then(|values| values.get(output));
        name.cloned().ok_or_else(|| {
            let Edge { node, output } = edge;
            let (name, op) = (nodes.list[node].name(), nodes.list[node].op());
            nodes::broken(format!("Result {output} of node `{name}` ({op}) is used, which it does not give."))
        })
    }
}

fn damaged(what: &str, error: &prost::DecodeError) -> Refusal {
    let text = error.to_string();
    let at = text.strip_prefix("failed to decode Protobuf message: ").unwrap_or(&text);
    Refusal::new("E203", format!("The {what} is damaged or ends early ({at}); export or copy it again."))
}
