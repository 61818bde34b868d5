//! A translated graph while it is written down.

use std::collections::{HashMap, HashSet};

use privet_model::graph::Origin;

use super::ranks::rank_of;
use crate::onnx_proto::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};
use crate::source::{Obstacle, Source, Sources};

/// What a value is called in the translated graph.
pub(crate) type Name = String;

/// ONNX's number of float32.
pub(crate) const FLOAT: i32 = 1;
/// ONNX's number of int64.
pub(crate) const INT64: i32 = 7;

/// Nodes and constants so far.
pub(crate) struct Draft {
    pub(super) graph: GraphProto,
    pub(super) sources: Sources,
    /// The exporter's node that is being translated.
    source: Source,
    /// What its values are called.
    stem: String,
    taken: HashSet<Name>,
    /// How many names were tried.
    tries: usize,
    /// Constants that several nodes share, by what they say.
    shared: HashMap<String, Name>,
    /// Where a constant stands among the initializers.
    constants: HashMap<Name, usize>,
    pub(super) ranks: HashMap<Name, usize>,
    /// Of images with channels last, the same image with channels first.
    pub(super) twins: HashMap<Name, Name>,
    /// Images of which the exporter has made several, each with the rows and columns that stand so far apart.
    pub(super) apart: HashMap<Name, [i64; 2]>,
    /// Which node computes a value.
    pub(super) makers: HashMap<Name, usize>,
}

impl Draft {
    pub(crate) fn new() -> Self {
        let origin = Origin { node: String::new(), op: String::new() };
        Self {
            graph: GraphProto::default(),
            sources: Sources::default(),
            source: Source { origin, obstacle: None },
            stem: String::new(),
            taken: HashSet::new(),
            tries: 0,
            shared: HashMap::new(),
            constants: HashMap::new(),
            ranks: HashMap::new(),
            twins: HashMap::new(),
            apart: HashMap::new(),
            makers: HashMap::new(),
        }
    }

    /// From here on, nodes stand for this one of the exporter's.
    pub(crate) fn begin(&mut self, node: &str, op: &str) {
        self.begin_as(node, node, op);
    }

    /// The same, with another name for its values than for messages.
    pub(crate) fn begin_as(&mut self, stem: &str, node: &str, op: &str) {
        self.stem = stem.into();
        let origin = Origin { node: node.into(), op: op.into() };
        self.source = Source { origin, obstacle: None };
    }

    /// An input of the model; `rank` where its shape is known.
    pub(crate) fn input(&mut self, info: ValueInfoProto, rank: Option<usize>) {
        self.taken.insert(info.name.clone());
        self.know_rank(&info.name, rank);
        self.graph.input.push(info);
    }

    /// An output of the model, which is the value `of`.
    pub(crate) fn output(&mut self, info: ValueInfoProto, of: &Name) {
        let output = vec![info.name.clone()];
        self.push("Identity", &[of], Vec::new(), output);
        self.graph.output.push(info);
    }

    /// Keeps a name for an output of the model.
    pub(crate) fn reserve(&mut self, name: &str) {
        self.taken.insert(name.into());
    }

    /// A constant of the file, under its own name if that is still free.
    pub(crate) fn constant(&mut self, mut tensor: TensorProto) -> Name {
        let name = self.free(&tensor.name);
        tensor.name.clone_from(&name);
        self.ranks.insert(name.clone(), tensor.dims.len());
        self.constants.insert(name.clone(), self.graph.initializer.len());
        self.graph.initializer.push(tensor);
        name
    }

    /// Whole numbers, as a list.
    pub(crate) fn ints(&mut self, values: &[i64]) -> Name {
        let dims = vec![i64::try_from(values.len()).unwrap_or_default()];
        self.small(
            format!("{values:?}"),
            TensorProto { dims, data_type: INT64, int64_data: values.into(), ..TensorProto::default() },
        )
    }

    /// A number by itself, of float32 or whichever other element type.
    pub(crate) fn number(&mut self, value: f32, data_type: i32) -> Name {
        let mut tensor = TensorProto { data_type, ..TensorProto::default() };
        if data_type == FLOAT {
            tensor.float_data = vec![value];
        } else {
            // The only other type that real numbers come in.
            tensor.data_type = 11;
            tensor.double_data = vec![value.into()];
        }
        self.small(format!("{value:?} of type {}", tensor.data_type), tensor)
    }

    /// A constant that several nodes may share.
    fn small(&mut self, name: String, tensor: TensorProto) -> Name {
        if let Some(known) = self.shared.get(&name) {
            return known.clone();
        }
        let free = self.constant(TensorProto { name: name.clone(), ..tensor });
        self.shared.insert(name, free.clone());
        free
    }

    /// The values of a constant of whole numbers.
    pub(crate) fn ints_of(&self, name: &str) -> Option<Vec<i64>> {
        whole(self.tensor_of(name)?)
    }

    /// The only value of such a constant.
    pub(crate) fn int_of(&self, name: &str) -> Option<i64> {
        let tensor = self.tensor_of(name)?;
        whole(tensor).filter(|values| values.len() == 1).map(|values| values[0])
    }

    /// A constant.
    pub(crate) fn tensor_of(&self, name: &str) -> Option<&TensorProto> {
        self.graph.initializer.get(*self.constants.get(name)?)
    }

    /// How many dimensions a value has, where that is known.
    pub(crate) fn rank(&self, name: &str) -> Option<usize> {
        self.ranks.get(name).copied()
    }

    pub(crate) fn know_rank(&mut self, name: &str, rank: Option<usize>) {
        if let Some(rank) = rank {
            self.ranks.insert(name.into(), rank);
        }
    }

    /// A node with one result.
    pub(crate) fn emit(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> Name {
        let name = self.fresh();
        self.push(op, inputs, attributes, vec![name.clone()]);
        let rank = rank_of(self, op, inputs, &name);
        self.know_rank(&name, rank);
        name
    }

    /// A node with several.
    pub(crate) fn emit_many(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
        outputs: usize,
    ) -> Vec<Name> {
        let names: Vec<Name> = (0..outputs).map(|_| self.fresh()).collect();
        self.push(op, inputs, attributes, names.clone());
        names
    }

    /// A node that cannot be translated: it is reported if the model needs it, and if its inputs are known.
    pub(crate) fn obstruct(&mut self, obstacle: Obstacle, inputs: &[Name]) -> Name {
        self.source.obstacle = Some(obstacle);
        let op = self.source.origin.op.clone();
        let (name, inputs) = (self.fresh(), inputs.iter().map(Name::as_str).collect::<Vec<_>>());
        self.push(&op, &inputs, Vec::new(), vec![name.clone()]);
        name
    }

    fn push(&mut self, op: &str, inputs: &[&str], attribute: Vec<AttributeProto>, output: Vec<Name>) {
        for name in &output {
            self.makers.insert(name.clone(), self.graph.node.len());
        }
        if let Some(first) = output.first() {
            self.sources.insert(first.clone(), self.source.clone());
        }
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|&name| name.into()).collect(),
            output,
            name: self.source.origin.node.clone(),
            op_type: op.into(),
            attribute,
            ..NodeProto::default()
        });
    }

    /// The node that computes a value.
    pub(super) fn maker(&self, name: &str) -> Option<&NodeProto> {
        self.graph.node.get(*self.makers.get(name)?)
    }

    fn fresh(&mut self) -> Name {
        let name = self.stem.clone();
        self.free(&name)
    }

    /// This name, or one like it that nothing has yet.
    fn free(&mut self, name: &str) -> Name {
        let mut free = name.to_owned();
        while free.is_empty() || !self.taken.insert(free.clone()) {
            self.tries += 1;
            free = format!("{name}~{}", self.tries);
        }
        free
    }
}

fn whole(tensor: &TensorProto) -> Option<Vec<i64>> {
    let t = tensor;
    Some(match t.data_type {
        INT64 if t.raw_data.is_empty() => t.int64_data.clone(),
        INT64 => t.raw_data.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b)).collect(),
        6 if t.raw_data.is_empty() => t.int32_data.iter().map(|&x| x.into()).collect(),
        6 => t.raw_data.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b).into()).collect(),
        _ => return None,
    })
}
