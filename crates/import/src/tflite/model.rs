//! A model file, taken apart: tensors, operators, and what goes in and out.

use super::codes;
use super::flat::{Damaged, File, Read, Table};

/// A value, constant or not.
pub(super) struct Tensor<'a> {
    pub(super) name: String,
    /// -1 where the length is open.
    pub(super) dims: Vec<i64>,
    /// The format's number of the element type.
    pub(super) kind: i8,
    pub(super) quantised: bool,
    pub(super) sparse: bool,
    pub(super) data: &'a [u8],
}

/// One operation; -1 stands for an input that is left out.
pub(super) struct Operator<'a> {
    pub(super) op: String,
    pub(super) options: Option<Table<'a>>,
    pub(super) inputs: Vec<i32>,
    pub(super) outputs: Vec<i32>,
}

/// A name and a tensor.
pub(super) type Port = (String, i32);

/// One graph of the file, and how it is asked.
pub(super) struct Model<'a> {
    pub(super) tensors: Vec<Tensor<'a>>,
    pub(super) operators: Vec<Operator<'a>>,
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
}

/// The signature that is asked by default.
const SERVING: &str = "serving_default";

pub(super) fn read<'a>(file: &'a File<'a>) -> Read<Model<'a>> {
    let root = file.root()?;
    let signature = signature(root)?;
    let subgraph = signature.map_or(Ok(0), |signature| signature.index(4))?;
    let graph = *root.tables(2)?.get(subgraph).ok_or(Damaged)?;
    let buffers = root.tables(4)?;
    let tensors = graph.tables(0)?.into_iter().map(|t| tensor(t, &buffers)).collect::<Read<Vec<_>>>()?;
    let codes = root.tables(1)?.into_iter().map(code).collect::<Read<Vec<_>>>()?;
    let operators = graph.tables(3)?.into_iter().map(|o| operator(o, &codes)).collect::<Read<Vec<_>>>()?;
    let ports = |field: usize| named(graph.ints(field)?, &tensors, signature.map(|s| s.tables(field - 1)));
    let (inputs, outputs) = (ports(1)?, ports(2)?);
    Ok(Model { tensors, operators, inputs, outputs })
}

/// The default signature, or the only one.
fn signature(root: Table<'_>) -> Read<Option<Table<'_>>> {
    let all = root.tables(7)?;
    for &signature in &all {
        if signature.text(2)? == SERVING {
            return Ok(Some(signature));
        }
    }
    Ok(if all.len() == 1 { all.first().copied() } else { None })
}

fn tensor<'a>(table: Table<'a>, buffers: &[Table<'a>]) -> Read<Tensor<'a>> {
    let (shape, open) = (table.ints(0)?, table.ints(7)?);
    let dims = if open.len() == shape.len() { open } else { shape };
    let buffer = buffers.get(table.index(2)?).ok_or(Damaged)?;
    // Files beyond two gigabytes keep their weights behind the tables.
    if buffer.long(1)? > 1 {
        return Err(Damaged);
    }
    Ok(Tensor {
        name: table.text(3)?,
        dims: dims.into_iter().map(i64::from).collect(),
        kind: table.byte(1)?,
        quantised: table.table(4)?.map_or(Ok(0), |q| q.length(2, 4))? > 0,
        sparse: table.table(6)?.is_some(),
        data: buffer.bytes(0)?,
    })
}

/// An operator's name; of one that is not the format's own, with the name that it has.
fn code(table: Table<'_>) -> Read<String> {
    // Older files have the number in one byte.
    let code = table.int(3, 0)?.max(table.byte(0)?.into());
    Ok(match codes::name(code) {
        Some("CUSTOM") => format!("CUSTOM {}", table.text(1)?),
        Some(name) => name.to_owned(),
        None => format!("operator {code}"),
    })
}

fn operator<'a>(table: Table<'a>, codes: &[String]) -> Read<Operator<'a>> {
    Ok(Operator {
        op: codes.get(table.index(0)?).ok_or(Damaged)?.clone(),
        options: table.table(4)?,
        inputs: table.ints(1)?,
        outputs: table.ints(2)?,
    })
}

/// The graph's own inputs or outputs, under the names that the signature gives them.
fn named(own: Vec<i32>, tensors: &[Tensor<'_>], maps: Option<Read<Vec<Table<'_>>>>) -> Read<Vec<Port>> {
    let maps = maps.unwrap_or(Ok(Vec::new()))?;
    let mut names = Vec::new();
    for map in maps {
        names.push((map.index(1)?, map.text(0)?));
    }
    let port = |at: i32| {
        let index = usize::try_from(at).map_err(|_| Damaged)?;
        let own = &tensors.get(index).ok_or(Damaged)?.name;
        let name = names.iter().find(|(tensor, _)| *tensor == index).map_or(own, |(_, name)| name);
        Ok((name.clone(), at))
    };
    own.into_iter().map(port).collect()
}
