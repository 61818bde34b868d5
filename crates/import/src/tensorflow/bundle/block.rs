//! One block of a table: entries whose keys share their beginnings with the key before, and a list of places to start at.

use privet_model::Refusal;

use super::damaged;
use super::table::Entry;

/// Keys are names of tensors.
const MAX_KEY: usize = 1 << 12;
/// How much longer keys may be than the block that holds them: they share their beginnings.
const SHARING: usize = 16;

pub(super) fn entries(block: &[u8]) -> Result<Vec<Entry>, Refusal> {
    let mut rest = without_restarts(block).ok_or_else(|| damaged("a block's end"))?;
    let mut all: Vec<Entry> = Vec::new();
    let mut room = block.len().saturating_mul(SHARING);
    while !rest.is_empty() {
        let before = all.last().map_or(&[][..], |(key, _)| key);
        let entry = entry(&mut rest, before).ok_or_else(|| damaged("an entry"))?;
        if all.last().is_some_and(|(key, _)| *key >= entry.0) {
            return Err(damaged("the order of its keys"));
        }
        room = room.checked_sub(entry.0.len()).ok_or_else(|| damaged("the length of its keys"))?;
        all.push(entry);
    }
    Ok(all)
}

/// The entries' part: the places to start at, and their number, stand behind it.
fn without_restarts(block: &[u8]) -> Option<&[u8]> {
    let (rest, count) = block.split_last_chunk::<4>()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    rest.get(..rest.len().checked_sub(count.checked_mul(4)?)?)
}

fn entry(rest: &mut &[u8], before: &[u8]) -> Option<Entry> {
    let (shared, own, length) = (varint(rest)?, varint(rest)?, varint(rest)?);
    let key = [before.get(..shared)?, take(rest, own)?].concat();
    (key.len() <= MAX_KEY).then_some(())?;
    Some((key, take(rest, length)?.to_vec()))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

/// A number of seven bits a byte, the least first.
pub(super) fn varint(bytes: &mut &[u8]) -> Option<usize> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return usize::try_from(value).ok();
        }
    }
    None
}
