//! Answers into a file, some rows at a time.

use std::io::{BufWriter, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::columns::Column;
use super::error::RowsError;
use super::format::Format;
use super::series::Series;
use super::{parquet_out, text_out};

/// Rows and bytes of a group of Parquet; what comes first ends it.
const GROUP: (usize, usize) = (1 << 18, 64 << 20);

/// A file that grows.
pub(crate) struct Appender<W: Write + Send>(Body<W>);

#[allow(clippy::large_enum_variant)] // there is one of it
enum Body<W: Write + Send> {
    Csv(csv::Writer<W>),
    CsvGz(Box<csv::Writer<GzEncoder<W>>>),
    Json(BufWriter<W>),
    Parquet { file: parquet_out::Groups<W>, waiting: Vec<Series> },
}

/// Which of the formats can grow, and by what suffix.
pub(crate) fn growing(path: &str) -> Result<Format, RowsError> {
    match Format::of_path(path)? {
        Format::Npy | Format::Npz => Err(RowsError::suffix(format!(
            "`{path}`: answers of many rows are written as `.parquet`, `.csv`, `.csv.gz` or `.jsonl`."
        ))),
        format => Ok(format),
    }
}

impl<W: Write + Send> Appender<W> {
    /// A file of columns like these, which have no rows.
    pub(crate) fn new(format: Format, sink: W, columns: &[Series]) -> Result<Self, RowsError> {
        let names = columns.iter().map(|column| column.name.as_str());
        Ok(Self(match format {
            Format::CsvGz => {
                let mut writer = csv::Writer::from_writer(GzEncoder::new(sink, Compression::default()));
                text_out::csv_header(&mut writer, names)?;
                Body::CsvGz(Box::new(writer))
            }
            Format::JsonLines => Body::Json(BufWriter::new(sink)),
            Format::Parquet => {
                let file = parquet_out::Groups::new(sink, &views(columns)).map_err(RowsError::unwritable)?;
                Body::Parquet { file, waiting: columns.to_vec() }
            }
            _ => {
                let mut writer = csv::Writer::from_writer(sink);
                text_out::csv_header(&mut writer, names)?;
                Body::Csv(writer)
            }
        }))
    }

    /// Puts these rows below those that are there.
    pub(crate) fn add(&mut self, rows: Vec<Series>) -> Result<(), RowsError> {
        let count = count(&rows);
        match &mut self.0 {
            Body::Csv(writer) => text_out::csv_rows(writer, &views(&rows), count),
            Body::CsvGz(writer) => text_out::csv_rows(writer, &views(&rows), count),
            Body::Json(writer) => text_out::json_rows(writer, &views(&rows), count),
            Body::Parquet { file, waiting } => {
                waiting.iter_mut().zip(rows).for_each(|(whole, part)| whole.append(part));
                let bytes: usize = waiting.iter().map(Series::bytes).sum();
                if self::count(waiting) >= GROUP.0 || bytes >= GROUP.1 {
                    group(file, waiting)
                } else {
                    Ok(())
                }
            }
        }
    }

    /// The file is complete.
    pub(crate) fn finish(self) -> Result<W, RowsError> {
        match self.0 {
            Body::Csv(writer) => writer.into_inner().map_err(|e| RowsError::unwritable(e.error())),
            Body::CsvGz(writer) => {
                let packed = writer.into_inner().map_err(|e| RowsError::unwritable(e.error()))?;
                packed.finish().map_err(RowsError::unwritable)
            }
            Body::Json(writer) => writer.into_inner().map_err(|e| RowsError::unwritable(e.error())),
            Body::Parquet { mut file, mut waiting } => {
                group(&mut file, &mut waiting)?;
                file.finish().map_err(RowsError::unwritable)
            }
        }
    }
}

/// These rows as bytes that [`unpacked`] reads, gaps and all.
pub(crate) fn packed(rows: &[Series]) -> Result<Vec<u8>, RowsError> {
    let columns = views(rows);
    let mut file = parquet_out::Groups::new(Vec::new(), &columns).map_err(RowsError::unwritable)?;
    file.write(&columns, 0..count(rows)).map_err(RowsError::unwritable)?;
    file.finish().map_err(RowsError::unwritable)
}

/// Rows from such bytes.
pub(crate) fn unpacked(bytes: Vec<u8>) -> Result<Vec<Series>, RowsError> {
    super::parquet_in::all(bytes.into())
}

fn group<W: Write + Send>(
    file: &mut parquet_out::Groups<W>,
    waiting: &mut [Series],
) -> Result<(), RowsError> {
    let rows = count(waiting);
    if rows > 0 {
        file.write(&views(waiting), 0..rows).map_err(RowsError::unwritable)?;
    }
    for series in waiting {
        *series = Series::new(&series.name, series.dtype);
    }
    Ok(())
}

fn count(rows: &[Series]) -> usize {
    rows.first().map_or(0, Series::rows)
}

fn views(rows: &[Series]) -> Vec<Column<'_>> {
    rows.iter().map(Column::of_series).collect()
}
