//! Rows from Parquet: only the columns that are needed, one row group after the other.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parquet::column::reader::get_column_reader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{ChunkReader, FileReader, SerializedPageReader};
use parquet::file::serialized_reader::SerializedFileReader;
use privet_model::graph::Port;
use privet_model::tensor::Data;

use super::error::RowsError;
use super::layout::Layout;
use super::parquet_column::{Column, Input, Kept, is_unsigned, kept, refuse_unreadable};
use super::parquet_pages::{Bounded, Pages};
use super::series::Series;
use super::source::{LARGEST, Whole};
use super::table::{Chunk, Content, Table, tensor, weave};

/// Reads all rows.
pub(super) fn read(source: Whole, inputs: &[Port]) -> Result<Content, RowsError> {
    guarded(|| match source {
        Whole::File(file) => read_from(file, inputs),
        Whole::Memory(bytes) => read_from(bytes, inputs),
    })
}

/// The library asserts what a damaged file may violate; that must be an error like any other.
fn guarded<T>(read: impl FnOnce() -> Result<T, RowsError>) -> Result<T, RowsError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(damaged("its parts contradict each other")))
}

fn read_from<R: ChunkReader + 'static>(source: R, inputs: &[Port]) -> Result<Content, RowsError> {
    let mut groups = Groups::open(source, inputs, &[])?;
    refuse_too_large(groups.rows()?, &groups.layout)?;
    let mut table = Vec::new();
    for port in inputs {
        table.push(tensor(0, port, Data::empty(port.dtype))?);
    }
    while let Some(rows) = groups.left()? {
        let chunk = groups.piece(inputs, rows, false)?;
        table.iter_mut().zip(chunk.tensors).for_each(|(whole, part)| whole.append(part));
    }
    Ok(Content { tensors: table, notes: groups.layout.notes })
}

/// Runs of equal values take up almost nothing in a file, so its length is no bound.
fn refuse_too_large(rows: usize, layout: &Layout) -> Result<(), RowsError> {
    let values: usize = layout.columns.iter().map(Vec::len).sum();
    if (rows as u64).saturating_mul(values as u64 * 8) > LARGEST {
        return Err(RowsError::damaged(
            "The file declares more than 4 GiB of values. Split the rows into several files.",
        ));
    }
    Ok(())
}

/// All columns of a file, as they are.
pub(super) fn all(source: bytes::Bytes) -> Result<Vec<Series>, RowsError> {
    guarded(|| {
        let source = Arc::new(source);
        let names = names(&metadata(&source)?);
        let mut groups = Groups::open(Arc::unwrap_or_clone(source), &[], &names)?;
        let mut all = groups.kept.clone();
        while let Some(rows) = groups.left()? {
            let chunk = groups.piece(&[], rows, false)?;
            all.iter_mut().zip(chunk.kept).for_each(|(whole, part)| whole.append(part));
        }
        Ok(all)
    })
}

/// Rows, some at a time: the columns of one row group are read side by side.
pub(super) struct Groups<R> {
    source: Arc<R>,
    metadata: ParquetMetaData,
    pub(super) layout: Layout,
    keep: Vec<usize>,
    /// The columns to keep, without rows.
    pub(super) kept: Vec<Series>,
    group: usize,
    /// Rows of the group that were not read yet, and readers of its columns: those of the inputs, then those to keep.
    open: Option<(usize, Vec<Column>)>,
    row: usize,
}

impl<R: ChunkReader + 'static> Groups<R> {
    /// Reads what the file says of itself.
    pub(super) fn open(source: R, inputs: &[Port], keep: &[String]) -> Result<Self, RowsError> {
        let source = Arc::new(source);
        let metadata = metadata(&source)?;
        let (layout, keep) = Layout::keeping(inputs, &names(&metadata), keep)?;
        let schema = metadata.file_metadata().schema_descr();
        for &column in layout.columns.iter().flatten().chain(&keep) {
            refuse_unreadable(&schema.column(column))?;
        }
        let kept = keep.iter().map(|&column| kept(&schema.column(column))).collect::<Result<_, _>>()?;
        Ok(Self { source, metadata, layout, keep, kept, group: 0, open: None, row: 0 })
    }

    /// How many rows the file declares.
    pub(super) fn rows(&self) -> Result<usize, RowsError> {
        let groups = 0..self.metadata.num_row_groups();
        groups.map(|group| self.rows_of(group)).try_fold(0usize, |all, rows| Ok(all.saturating_add(rows?)))
    }

    /// Up to so many rows.
    pub(super) fn fill(&mut self, inputs: &[Port], most: usize, lenient: bool) -> Result<Chunk, RowsError> {
        guarded(AssertUnwindSafe(|| {
            let mut whole = Table::part(inputs, self.row, self.kept.clone(), lenient).chunk()?;
            while whole.rows < most
                && let Some(left) = self.left()?
            {
                whole.append(self.piece(inputs, left.min(most - whole.rows), lenient)?);
            }
            Ok(whole)
        }))
    }

    /// Passes over so many rows, or to the end; whole groups without reading them.
    pub(super) fn skip(&mut self, rows: usize) -> Result<(), RowsError> {
        guarded(AssertUnwindSafe(|| {
            let end = self.row.saturating_add(rows);
            while self.open.is_none() && self.group < self.metadata.num_row_groups() {
                let rows = self.rows_of(self.group)?;
                if self.row.saturating_add(rows) > end {
                    break;
                }
                (self.group, self.row) = (self.group + 1, self.row + rows);
            }
            while self.row < end
                && let Some(left) = self.left()?
            {
                self.pass(left.min(end - self.row))?;
            }
            Ok(())
        }))
    }

    fn pass(&mut self, rows: usize) -> Result<(), RowsError> {
        if let Some((left, columns)) = &mut self.open {
            for column in columns {
                column.skip(rows)?;
            }
            *left -= rows;
        }
        self.row += rows;
        Ok(())
    }

    /// Rows that the group still has which is read next; none at the end of the file.
    fn left(&mut self) -> Result<Option<usize>, RowsError> {
        loop {
            match &self.open {
                Some((left, _)) if *left > 0 => return Ok(Some(*left)),
                _ if self.group == self.metadata.num_row_groups() => return Ok(None),
                _ => {
                    let columns = self.layout.columns.iter().flatten().chain(&self.keep);
                    let columns = columns.map(|&column| self.column(column)).collect::<Result<_, _>>()?;
                    self.open = Some((self.rows_of(self.group)?, columns));
                    self.group += 1;
                }
            }
        }
    }

    /// The next rows of a group that has so many left.
    fn piece(&mut self, inputs: &[Port], rows: usize, lenient: bool) -> Result<Chunk, RowsError> {
        let Some((left, columns)) = &mut self.open else { return Err(damaged("a group is not there")) };
        let (mut columns, mut refused) = (columns.iter_mut(), Vec::new());
        let mut tensors = Vec::new();
        for port in inputs {
            let mut data = Vec::new();
            for (element, column) in columns.by_ref().take(port.width).enumerate() {
                let refused = lenient.then_some(&mut refused);
                let mut sink =
                    Input { port, element, data: Data::empty(port.dtype), first_row: self.row, refused };
                column.fill(&mut sink, rows)?;
                data.push(sink.data);
            }
            let woven = weave(data).ok_or_else(|| damaged("its columns have different lengths"))?;
            tensors.push(tensor(rows, port, woven)?);
        }
        let mut kept = self.kept.clone();
        for (series, column) in kept.iter_mut().zip(columns) {
            column.fill(&mut Kept { series, first_row: self.row }, rows)?;
        }
        *left -= rows;
        self.row += rows;
        refused.sort_by_key(|(row, _)| *row);
        refused.dedup_by_key(|(row, _)| *row);
        Ok(Chunk { tensors, kept, refused, rows })
    }

    fn rows_of(&self, group: usize) -> Result<usize, RowsError> {
        let rows = self.metadata.row_group(group).num_rows();
        usize::try_from(rows).map_err(|_| damaged("a group has a negative number of rows"))
    }

    fn column(&self, column: usize) -> Result<Column, RowsError> {
        let group = self.metadata.row_group(self.group);
        let (rows, chunk) = (self.rows_of(self.group)?, group.column(column));
        refuse_negative(chunk)?;
        let descr = chunk.column_descr_ptr();
        let source = Arc::new(Pages::new(Bounded(Arc::clone(&self.source)), chunk.compression()));
        let pages = SerializedPageReader::new(source, chunk, rows, None).map_err(broken)?;
        let (unsigned, max_level) = (is_unsigned(&descr), descr.max_def_level());
        Ok(Column { reader: get_column_reader(descr, Box::new(pages)), unsigned, max_level })
    }
}

fn metadata<R: ChunkReader + 'static>(source: &Arc<R>) -> Result<ParquetMetaData, RowsError> {
    let reader = SerializedFileReader::new(Bounded(Arc::clone(source))).map_err(broken)?;
    Ok(reader.metadata().clone())
}

/// The names of its columns.
pub(super) fn header(file: File) -> Result<Vec<String>, RowsError> {
    Ok(names(&metadata(&Arc::new(file))?))
}

fn names(metadata: &ParquetMetaData) -> Vec<String> {
    let schema = metadata.file_metadata().schema_descr();
    schema.columns().iter().map(|column| column.path().string().trim().to_owned()).collect()
}

/// Places that the library takes for granted.
fn refuse_negative(chunk: &ColumnChunkMetaData) -> Result<(), RowsError> {
    let places =
        [chunk.compressed_size(), chunk.data_page_offset(), chunk.dictionary_page_offset().unwrap_or(0)];
    if places.iter().any(|&place| place < 0) {
        Err(damaged("a column begins before the file"))
    } else {
        Ok(())
    }
}

#[allow(clippy::needless_pass_by_value)] // the form that `map_err` takes
pub(super) fn broken(error: ParquetError) -> RowsError {
    damaged(&error.to_string())
}

pub(super) fn damaged(reason: &str) -> RowsError {
    RowsError::damaged(format!("The file is not readable as Parquet: {reason}. Copy or write the file anew."))
}

#[cfg(test)]
#[path = "parquet_tests.rs"]
mod tests;
