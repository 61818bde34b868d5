//! Rows of applicants from files, and scores into files.
//!
//! | format | one row is | read by |
//! |---|---|---|
//! | `.csv`, `.csv.gz` | a line under a header | column names, or in order |
//! | `.parquet` | a row | column names, or in order |
//! | `.jsonl`, `.ndjson`, `.json` | an object or an array on one line | column names, or the input's name |
//! | `.npy` | along the first dimension | the only array |
//! | `.npz` | along the first dimension | one array per input, by name |

mod append;
mod array;
mod cell;
mod columns;
mod csv_in;
mod error;
mod format;
mod json;
mod json_in;
mod layout;
mod npy;
mod npy_header;
mod npy_out;
mod npz;
mod parquet_column;
mod parquet_in;
mod parquet_out;
mod parquet_pages;
mod series;
mod source;
mod stream;
mod table;
mod text_out;
mod write;

use privet_model::graph::Port;
use privet_model::tensor::{DataType, Tensor};

use self::source::Source;
use self::table::Content;

pub(crate) use self::append::{Appender, growing, packed, unpacked};
pub(crate) use self::cell::is_missing;
pub(crate) use self::error::RowsError;
pub(crate) use self::format::Format;
pub(crate) use self::series::Series;
pub(crate) use self::stream::{Stream, Wanted, header};
pub(crate) use self::table::Chunk;
pub(crate) use self::write::write;

/// What a file of rows held.
pub(crate) struct Rows {
    /// One tensor per input, in the model's order, all with the same number of rows.
    pub(crate) tensors: Vec<Tensor>,
    /// Sentences worth telling, as about columns that were ignored.
    pub(crate) notes: Vec<String>,
    /// The format the rows came in.
    pub(crate) format: Format,
}

/// Reads the rows for these inputs from a file, or from standard input for `-`.
pub(crate) fn read(path: &str, inputs: &[Port]) -> Result<Rows, RowsError> {
    read_source(Source::open(path)?, inputs)
}

/// Reads one column of numbers without gaps, as the true labels of rows.
pub(crate) fn labels(path: &str, column: &str) -> Result<Vec<f64>, RowsError> {
    let columns = vec![column.to_owned()];
    let port = Port {
        name: column.to_owned(),
        dtype: DataType::Fp64,
        width: 1,
        flat: true,
        dims: Vec::new(),
        columns,
    };
    let rows = read(path, &[port])?;
    let values = rows.tensors.first().and_then(Tensor::to_f64).unwrap_or_default();
    match values.iter().position(|value| value.is_nan()) {
        None => Ok(values),
        Some(row) => {
            Err(RowsError::value(row, column, "expected a number, but the value is missing").within(path))
        }
    }
}

fn read_source(source: Source, inputs: &[Port]) -> Result<Rows, RowsError> {
    let (format, name) = (source.format, source.name.clone());
    let content = match format {
        Format::Csv | Format::CsvGz => csv_in::read(source.text(), inputs),
        Format::JsonLines => json_in::read(source.text(), inputs),
        Format::Parquet => source.whole().and_then(|whole| parquet_in::read(whole, inputs)),
        Format::Npz => source.seekable().and_then(|source| npz::read(source, inputs)),
        Format::Npy => read_npy(source, inputs),
    };
    let Content { tensors, notes } = content.map_err(|error| error.within(&name))?;
    Ok(Rows { tensors, notes, format })
}

fn read_npy(source: Source, inputs: &[Port]) -> Result<Content, RowsError> {
    let [port] = inputs else {
        return Err(RowsError::array(format!(
            "A `.npy` file holds one array, and this model has {} inputs. Save them by name with \
             `numpy.savez`.",
            inputs.len()
        )));
    };
    let (bytes, available) = source.bytes();
    let tensor = array::to_tensor(npy::decode(bytes, available)?, port)?;
    Ok(Content { tensors: vec![tensor], notes: Vec::new() })
}

#[cfg(test)]
mod tests;
