//! Rows of a file, some at a time: a file of any length takes up little memory.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use privet_model::graph::Port;
use privet_model::tensor::DataType;

use super::error::RowsError;
use super::format::Format;
use super::series::Series;
use super::table::{Chunk, Table};
use super::{array, csv_in, json_in, npy, parquet_in};

type Text = Box<dyn BufRead + Send>;

/// What is wanted of each row.
#[derive(Clone)]
pub(crate) struct Wanted {
    /// The model's inputs.
    pub(crate) inputs: Vec<Port>,
    /// Columns that are kept as they are.
    pub(crate) keep: Vec<String>,
    /// Whether a row that cannot be used is noted, instead of ending everything.
    pub(crate) lenient: bool,
}

/// A file that is read from front to back.
pub(crate) struct Stream {
    body: Body,
    wanted: Wanted,
    /// Without rows.
    kept: Vec<Series>,
    row: usize,
    name: String,
}

enum Body {
    Csv(csv_in::Lines<Text>),
    Json(json_in::Lines<'static, Text>),
    Parquet(Box<parquet_in::Groups<File>>),
    Npy(npy::Pieces<BufReader<File>>),
}

impl Stream {
    /// Opens a file, and finds what is wanted.
    pub(crate) fn open(path: &str, wanted: &Wanted) -> Result<Self, RowsError> {
        let format = format(path)?;
        let body = Body::open(path, format, wanted).map_err(|error| error.within(path))?;
        let text = |name: &String| Series::new(name, DataType::Bytes);
        let kept = match &body {
            Body::Csv(_) | Body::Npy(_) => wanted.keep.iter().map(text).collect(),
            Body::Json(lines) => lines.kept.clone(),
            Body::Parquet(groups) => groups.kept.clone(),
        };
        Ok(Self { body, wanted: wanted.clone(), kept, row: 0, name: path.to_owned() })
    }

    /// The columns that are kept, without rows.
    pub(crate) fn kept(&self) -> &[Series] {
        &self.kept
    }

    /// Sentences worth telling, once a row was read.
    pub(crate) fn notes(&self) -> &[String] {
        match &self.body {
            Body::Csv(lines) => &lines.layout.notes,
            Body::Json(lines) => &lines.notes,
            Body::Parquet(groups) => &groups.layout.notes,
            Body::Npy(_) => &[],
        }
    }

    /// Whether columns are told apart by their names, and not taken in order.
    pub(crate) fn is_named(&self) -> bool {
        match &self.body {
            Body::Csv(lines) => lines.layout.named,
            // Lists are taken for one input only, and where nothing else is wanted.
            Body::Json(_) => true,
            Body::Parquet(groups) => groups.layout.named,
            Body::Npy(_) => false,
        }
    }

    /// How many rows the whole file has, which `source` gives once more from its beginning: text has to be read for that.
    pub(crate) fn count(&self, source: impl Read + Send + 'static) -> Result<usize, RowsError> {
        let counted = match &self.body {
            Body::Parquet(groups) => groups.rows(),
            Body::Npy(pieces) => Ok(pieces.left()),
            Body::Json(_) => json_in::count(BufReader::new(source)),
            Body::Csv(lines) => {
                let count = csv_in::count(text(source, format(&self.name)? == Format::CsvGz));
                count.map(|count| count - usize::from(!lines.begins_with_a_row()))
            }
        };
        counted.map_err(|error| error.within(&self.name))
    }

    /// Passes over so many rows, or to the end.
    pub(crate) fn skip(&mut self, rows: usize) -> Result<(), RowsError> {
        let skipped = match &mut self.body {
            Body::Csv(lines) => lines.skip(rows),
            Body::Json(lines) => lines.skip(rows),
            Body::Parquet(groups) => groups.skip(rows),
            Body::Npy(pieces) => pieces.skip(rows),
        };
        self.row += rows;
        skipped.map_err(|error| error.within(&self.name))
    }

    /// Up to so many rows, fewer only at the end.
    pub(crate) fn next(&mut self, most: usize) -> Result<Chunk, RowsError> {
        let chunk = self.read(most).map_err(|error| error.within(&self.name))?;
        self.row += chunk.rows;
        Ok(chunk)
    }

    fn read(&mut self, most: usize) -> Result<Chunk, RowsError> {
        let Wanted { inputs, lenient, .. } = &self.wanted;
        let mut table = Table::part(inputs, self.row, self.kept.clone(), *lenient);
        match &mut self.body {
            Body::Csv(lines) => lines.fill(&mut table, most)?,
            Body::Json(lines) => lines.fill(&mut table, most)?,
            Body::Parquet(groups) => return groups.fill(inputs, most, *lenient),
            Body::Npy(pieces) => {
                let array = pieces.fill(most)?;
                let tensor = array::rows_to_tensor(array, single(inputs)?, self.row)?;
                let rows = tensor.rows;
                return Ok(Chunk { tensors: vec![tensor], kept: Vec::new(), refused: Vec::new(), rows });
            }
        }
        table.chunk()
    }
}

impl Body {
    fn open(path: &str, format: Format, wanted: &Wanted) -> Result<Self, RowsError> {
        let Wanted { inputs, keep, .. } = wanted;
        let file = File::open(path).map_err(|e| RowsError::unreadable(&e))?;
        Ok(match format {
            Format::Csv => Self::Csv(csv_in::Lines::open(text(file, false), inputs, keep)?),
            Format::CsvGz => Self::Csv(csv_in::Lines::open(text(file, true), inputs, keep)?),
            Format::JsonLines => Self::Json(json_in::Lines::open(text(file, false), inputs.clone(), keep)?),
            Format::Parquet => Self::Parquet(Box::new(parquet_in::Groups::open(file, inputs, keep)?)),
            Format::Npy | Format::Npz if !keep.is_empty() => {
                return Err(RowsError::columns(
                    "An array has no names of columns, so none can be kept. Leave out `--keep`; answers are in the order of the rows.",
                ));
            }
            Format::Npy => {
                let available = file.metadata().map_err(|e| RowsError::unreadable(&e))?.len();
                let mut pieces = npy::Pieces::open(BufReader::new(file), available)?;
                // The shape is told at once, and not after everything before it was done.
                array::to_tensor(pieces.fill(0)?, single(inputs)?)?;
                Self::Npy(pieces)
            }
            Format::Npz => {
                return Err(RowsError::suffix(
                    "An `.npz` file cannot be read some rows at a time. Save the array with `numpy.save` (`.npy`), or the rows as `.parquet`, `.csv` or `.jsonl`.",
                ));
            }
        })
    }
}

/// The names of a file's columns.
pub(crate) fn header(path: &str) -> Result<Vec<String>, RowsError> {
    let format = format(path)?;
    let file = File::open(path).map_err(|e| RowsError::unreadable(&e).within(path))?;
    let names = match format {
        Format::Csv => csv_in::header(text(file, false)),
        Format::CsvGz => csv_in::header(text(file, true)),
        Format::Parquet => parquet_in::header(file),
        _ => Err(RowsError::suffix(
            "Only `.csv`, `.csv.gz` and `.parquet` files say which columns they have before they are read.",
        )),
    };
    names.map_err(|error| error.within(path))
}

/// A file's format by its suffix; what can be read only once is none.
fn format(path: &str) -> Result<Format, RowsError> {
    if path == "-" {
        return Err(RowsError::suffix(
            "Rows from standard input are gone once they were read, so nothing could be resumed. Name a file.",
        ));
    }
    Format::of_path(path)
}

fn text(source: impl Read + Send + 'static, packed: bool) -> Text {
    if packed {
        Box::new(BufReader::new(MultiGzDecoder::new(BufReader::new(source))))
    } else {
        Box::new(BufReader::with_capacity(1 << 16, source))
    }
}

fn single(inputs: &[Port]) -> Result<&Port, RowsError> {
    match inputs {
        [port] => Ok(port),
        _ => Err(RowsError::array(format!(
            "A `.npy` file holds one array, and this model has {} inputs. Save the rows as `.parquet`, `.csv` or `.jsonl`.",
            inputs.len()
        ))),
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
