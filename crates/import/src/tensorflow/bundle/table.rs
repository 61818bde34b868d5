//! A sorted table of keys and values, as `LevelDB` writes it: blocks of entries, a block that lists them, and a footer.

use privet_model::Refusal;

use super::{block, crc, damaged};

/// The footer: two handles of up to 20 bytes together with padding, and the magic.
const FOOTER: usize = 48;
const MAGIC: u64 = 0xdb47_7524_8b80_fb57;
/// Behind each block: one byte that names its compression, and its checksum.
const TRAILER: usize = 5;
const PLAIN: u8 = 0;

/// A key and its value.
pub(super) type Entry = (Vec<u8>, Vec<u8>);

/// All entries of all blocks, in order.
pub(super) fn entries(file: &[u8]) -> Result<Vec<Entry>, Refusal> {
    let footer =
        file.len().checked_sub(FOOTER).map(|from| &file[from..]).ok_or_else(|| damaged("its end"))?;
    if footer[40..] != MAGIC.to_le_bytes() {
        return Err(damaged("its end is not that of an index"));
    }
    let mut handles = &footer[..40];
    handle(&mut handles).ok_or_else(|| damaged("its end"))?;
    let listing = handle(&mut handles).ok_or_else(|| damaged("its end"))?;
    let mut all = Vec::new();
    // Blocks do not overlap in honest files: together they cannot be longer than the file.
    let mut left = file.len();
    for (_, value) in block::entries(content(file, listing)?)? {
        let at = handle(&mut value.as_slice()).ok_or_else(|| damaged("a handle"))?;
        let block = content(file, at)?;
        left = left.checked_sub(block.len() + TRAILER).ok_or_else(|| damaged("blocks that overlap"))?;
        all.extend(block::entries(block)?);
    }
    Ok(all)
}

/// Place and length of a block.
#[derive(Clone, Copy)]
struct Handle {
    offset: usize,
    size: usize,
}

fn handle(bytes: &mut &[u8]) -> Option<Handle> {
    Some(Handle { offset: block::varint(bytes)?, size: block::varint(bytes)? })
}

fn content(file: &[u8], Handle { offset, size }: Handle) -> Result<&[u8], Refusal> {
    let end = offset.checked_add(size).and_then(|end| end.checked_add(TRAILER));
    let whole = end.and_then(|end| file.get(offset..end)).ok_or_else(|| damaged("a block"))?;
    let (covered, checksum) = whole.split_at(size + 1);
    if crc::masked(crc::crc32c(covered)).to_le_bytes() != checksum {
        return Err(damaged("a block's checksum"));
    }
    if covered[size] != PLAIN {
        let message =
            "The index of the model's variables is compressed, which is not read; export the model again.";
        return Err(Refusal::new("E207", message));
    }
    Ok(&covered[..size])
}
