//! `FlatBuffers`: tables whose fields are found through a list of offsets. Every offset is compared with the bytes that are
//! there, and what the file lets us read twice is counted, so that neither time nor memory goes beyond its size.

use std::cell::Cell;

/// The file contradicts itself or ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged;

pub(super) type Read<T> = Result<T, Damaged>;

/// A file, and how many elements of lists may still be read.
pub(super) struct File<'a> {
    bytes: &'a [u8],
    room: Cell<usize>,
}

/// Elements that may be read for each byte: honest files hardly share lists.
const SHARING: usize = 4;
const FREE: usize = 1 << 12;

impl<'a> File<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, room: Cell::new(bytes.len().saturating_mul(SHARING).saturating_add(FREE)) }
    }

    /// The outermost table.
    pub(super) fn root(&'a self) -> Read<Table<'a>> {
        Table::at(self, to_usize(u32::from_le_bytes(self.array(0)?))?)
    }

    fn array<const N: usize>(&self, at: usize) -> Read<[u8; N]> {
        self.bytes.get(at..).and_then(<[u8]>::first_chunk::<N>).copied().ok_or(Damaged)
    }

    /// Where the offset that stands at `at` points.
    fn target(&self, at: usize) -> Read<usize> {
        at.checked_add(to_usize(u32::from_le_bytes(self.array(at)?))?).ok_or(Damaged)
    }

    /// Place and number of the elements of a list, each of `size` bytes, to which the offset at `at` points.
    fn list(&self, at: usize, size: usize) -> Read<(usize, usize)> {
        let start = self.target(at)?;
        let count = to_usize(u32::from_le_bytes(self.array(start)?))?;
        let first = start.checked_add(4).ok_or(Damaged)?;
        let end = count.checked_mul(size).and_then(|length| first.checked_add(length)).ok_or(Damaged)?;
        if end > self.bytes.len() {
            return Err(Damaged);
        }
        Ok((first, count))
    }

    fn take(&self, elements: usize) -> Read<()> {
        self.room.set(self.room.get().checked_sub(elements).ok_or(Damaged)?);
        Ok(())
    }
}

/// A table of the file.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    file: &'a File<'a>,
    at: usize,
    /// Bytes of the table.
    size: usize,
    /// For each field two bytes: its place in the table, or 0.
    offsets: &'a [u8],
}

impl<'a> Table<'a> {
    fn at(file: &'a File<'a>, at: usize) -> Read<Self> {
        let back = i64::from(i32::from_le_bytes(file.array(at)?));
        let list = i64::try_from(at).ok().and_then(|at| at.checked_sub(back)).ok_or(Damaged)?;
        let list = usize::try_from(list).map_err(|_| Damaged)?;
        let length = usize::from(u16::from_le_bytes(file.array(list)?));
        let size = usize::from(u16::from_le_bytes(file.array(list.checked_add(2).ok_or(Damaged)?)?));
        let offsets = file.bytes.get(list + 4..list.saturating_add(length)).ok_or(Damaged)?;
        if at.checked_add(size).is_none_or(|end| end > file.bytes.len()) {
            return Err(Damaged);
        }
        Ok(Self { file, at, size, offsets })
    }

    /// Where a field of `length` bytes stands; `None` where it has its default.
    fn field(self, field: usize, length: usize) -> Read<Option<usize>> {
        let Some(offset) = self.offsets.get(2 * field..2 * field + 2) else { return Ok(None) };
        match usize::from(u16::from_le_bytes([offset[0], offset[1]])) {
            0 => Ok(None),
            offset if offset >= 4 && offset + length <= self.size => Ok(Some(self.at + offset)),
            _ => Err(Damaged),
        }
    }

    fn number<T, const N: usize>(self, field: usize, default: T, of: fn([u8; N]) -> T) -> Read<T> {
        match self.field(field, N)? {
            Some(at) => Ok(of(self.file.array(at)?)),
            None => Ok(default),
        }
    }

    pub(super) fn byte(self, field: usize) -> Read<i8> {
        self.number(field, 0, i8::from_le_bytes)
    }

    pub(super) fn flag(self, field: usize) -> Read<bool> {
        self.number(field, false, |[byte]: [u8; 1]| byte != 0)
    }

    pub(super) fn int(self, field: usize, default: i32) -> Read<i32> {
        self.number(field, default, i32::from_le_bytes)
    }

    pub(super) fn index(self, field: usize) -> Read<usize> {
        to_usize(self.number(field, 0, u32::from_le_bytes)?)
    }

    pub(super) fn long(self, field: usize) -> Read<u64> {
        self.number(field, 0, u64::from_le_bytes)
    }

    pub(super) fn float(self, field: usize, default: f32) -> Read<f32> {
        self.number(field, default, f32::from_le_bytes)
    }

    pub(super) fn table(self, field: usize) -> Read<Option<Self>> {
        let Some(at) = self.field(field, 4)? else { return Ok(None) };
        Table::at(self.file, self.file.target(at)?).map(Some)
    }

    /// A list of tables.
    pub(super) fn tables(self, field: usize) -> Read<Vec<Self>> {
        let Some(at) = self.field(field, 4)? else { return Ok(Vec::new()) };
        let (first, count) = self.file.list(at, 4)?;
        self.file.take(count)?;
        (0..count).map(|i| Table::at(self.file, self.file.target(first + 4 * i)?)).collect()
    }

    /// A list of whole numbers.
    pub(super) fn ints(self, field: usize) -> Read<Vec<i32>> {
        let Some(at) = self.field(field, 4)? else { return Ok(Vec::new()) };
        let (first, count) = self.file.list(at, 4)?;
        self.file.take(count)?;
        (0..count).map(|i| Ok(i32::from_le_bytes(self.file.array(first + 4 * i)?))).collect()
    }

    /// How many elements a list has, of `size` bytes each.
    pub(super) fn length(self, field: usize, size: usize) -> Read<usize> {
        let Some(at) = self.field(field, 4)? else { return Ok(0) };
        self.file.list(at, size).map(|(_, count)| count)
    }

    /// A list of bytes.
    pub(super) fn bytes(self, field: usize) -> Read<&'a [u8]> {
        let Some(at) = self.field(field, 4)? else { return Ok(&[]) };
        let (first, count) = self.file.list(at, 1)?;
        self.file.bytes.get(first..first + count).ok_or(Damaged)
    }

    pub(super) fn text(self, field: usize) -> Read<String> {
        let bytes = self.bytes(field)?;
        self.file.take(bytes.len() / 4)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| Damaged)
    }
}

fn to_usize(number: u32) -> Read<usize> {
    usize::try_from(number).map_err(|_| Damaged)
}
