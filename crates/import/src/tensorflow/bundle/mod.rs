//! A tensor bundle: an index of names, and files that hold the values of all tensors one after another.

mod block;
mod crc;
mod table;
#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeMap;

use privet_model::Refusal;
use prost::Message;

use super::proto::{BundleEntry, BundleHeader};
use super::tensor::element_type;
use crate::Load;
use crate::onnx_proto::TensorProto;

/// Where the index of a `SavedModel` lies in its folder.
pub(super) const INDEX: &str = "variables/variables.index";
/// More files than anybody splits a model into.
const MAX_SHARDS: i32 = 10_000;
/// Bytes of a value, by ONNX's number of its type.
const SIZES: &[(i32, usize)] = &[
    (1, 4),
    (2, 1),
    (3, 1),
    (4, 2),
    (5, 2),
    (6, 4),
    (7, 8),
    (9, 1),
    (10, 2),
    (11, 8),
    (12, 4),
    (13, 8),
    (16, 2),
];

/// The index, and those files that were needed so far.
pub(super) struct Bundle<'l> {
    entries: BTreeMap<Vec<u8>, BundleEntry>,
    shards: i32,
    load: Option<Load<'l>>,
    files: BTreeMap<i32, Vec<u8>>,
}

impl<'l> Bundle<'l> {
    /// A graph without variables needs none.
    pub(super) fn empty() -> Self {
        Self { entries: BTreeMap::new(), shards: 0, load: None, files: BTreeMap::new() }
    }

    pub(super) fn read(index: &[u8], load: Load<'l>) -> Result<Self, Refusal> {
        let mut entries = BTreeMap::new();
        let mut header = None;
        for (key, value) in table::entries(index)? {
            if key.is_empty() {
                header = Some(BundleHeader::decode(value.as_slice()).map_err(|_| damaged("its header"))?);
            } else if let Ok(entry) = BundleEntry::decode(value.as_slice()) {
                entries.insert(key, entry);
            } else {
                return Err(damaged("an entry"));
            }
        }
        let header = header.ok_or_else(|| damaged("its header"))?;
        if header.endianness != 0 || !(0..=MAX_SHARDS).contains(&header.num_shards) {
            let message =
                "The model's variables are stored big-endian or in too many files; export it again.";
            return Err(Refusal::new("E207", message));
        }
        Ok(Self { entries, shards: header.num_shards, load: Some(load), files: BTreeMap::new() })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name.as_bytes())
    }

    /// Bytes that were read so far.
    pub(super) fn len(&self) -> usize {
        self.files.values().map(Vec::len).sum()
    }

    /// A tensor, compared with its checksum.
    pub(super) fn tensor(&mut self, name: &str) -> Result<TensorProto, Refusal> {
        let refuse = |code, what: &str| Refusal::new(code, format!("Variable `{name}` {what}"));
        let missing =
            || refuse("E207", "is not among the model's variables; copy or export the folder again.");
        let entry = self.entries.get(name.as_bytes()).ok_or_else(missing)?.clone();
        if !entry.slices.is_empty() {
            return Err(refuse(
                "E207",
                "is stored in slices, which are not read; export the model unpartitioned.",
            ));
        }
        let data_type = element_type(entry.dtype);
        let dims: Vec<i64> = entry.shape.iter().flat_map(|shape| &shape.dim).map(|dim| dim.size).collect();
        let cut = || refuse("E203", "reaches beyond its file: it is damaged or ends early; copy it again.");
        let range = range(&entry).ok_or_else(cut)?;
        let shard = self.shard(entry.shard_id).map_err(|why| refuse("E207", &why))?;
        let bytes = shard.get(range).ok_or_else(cut)?;
        if crc::masked(crc::crc32c(bytes)) != entry.crc32c {
            return Err(refuse("E203", "is damaged: its checksum does not fit. Copy the folder again."));
        }
        let tensor = TensorProto { name: name.into(), dims, data_type, ..TensorProto::default() };
        if holds(&tensor, bytes.len()) {
            return Ok(TensorProto { raw_data: bytes.to_vec(), ..tensor });
        }
        Err(refuse("E205", "has another shape or type than its values; export the model again."))
    }

    fn shard(&mut self, shard: i32) -> Result<&[u8], String> {
        if !(0..self.shards).contains(&shard) {
            return Err("lies in a file that the index does not count; export the model again.".into());
        }
        if !self.files.contains_key(&shard) {
            let file = format!("variables/variables.data-{shard:05}-of-{:05}", self.shards);
            let load = self.load.ok_or("has no file.")?;
            let bytes =
                load(&file).map_err(|why| format!("lies in `{file}`, which cannot be read: {why}."))?;
            self.files.insert(shard, bytes);
        }
        Ok(self.files.get(&shard).map_or(&[], Vec::as_slice))
    }
}

fn range(entry: &BundleEntry) -> Option<std::ops::Range<usize>> {
    let from = usize::try_from(entry.offset).ok()?;
    Some(from..from.checked_add(usize::try_from(entry.size).ok()?)?)
}

fn holds(tensor: &TensorProto, bytes: usize) -> bool {
    let size = SIZES.iter().find(|(number, _)| *number == tensor.data_type).map(|(_, size)| *size);
    let each = |n: usize, &d: &i64| n.checked_mul(usize::try_from(d).ok()?);
    size.and_then(|size| tensor.dims.iter().try_fold(size, each)) == Some(bytes)
}

fn damaged(what: &str) -> Refusal {
    let message = format!(
        "The index of the model's variables (`{INDEX}`) is damaged or ends early ({what}); copy the folder again."
    );
    Refusal::new("E203", message)
}
