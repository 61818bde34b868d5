//! The files of the tables: which there are, how they are written, and which columns they have.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Kind, Table};
use crate::Failure;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated, with a header.
    Csv,
    /// The same, compressed with gzip.
    CsvGzip,
    /// The same, compressed with Zstandard.
    CsvZstd,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    const ALL: [Self; 4] = [Self::Csv, Self::CsvGzip, Self::CsvZstd, Self::Parquet];

    /// What follows the table's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Csv => ".csv",
            Self::CsvGzip => ".csv.gz",
            Self::CsvZstd => ".csv.zst",
            Self::Parquet => ".parquet",
        }
    }
}

/// One table's file.
#[derive(Debug, Clone)]
pub struct TableFile {
    /// Which table it holds.
    pub table: Table,
    /// Where it is.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
    /// Its size.
    pub bytes: u64,
    /// The names of all its columns, in the file's order.
    pub header: Vec<String>,
    /// Its rows: exact for Parquet, estimated from the first of them for CSV.
    pub rows: u64,
}

/// The files of all tables.
pub struct Files(Vec<TableFile>);

impl Files {
    /// Finds all tables in a folder and reads their headers. Every problem is told at once. `application_train` may be left
    /// out where nothing is to be fitted.
    pub fn find(folder: &Path, without_train: bool) -> Result<Self, Failure> {
        if !folder.is_dir() {
            let what = "give the folder that holds the eight tables";
            return Err(Failure::usage("C110", format!("`{}` is no folder; {what}.", folder.display())));
        }
        let mut files = Vec::new();
        let mut problems = Vec::new();
        for table in Table::ALL {
            match TableFile::find(folder, table) {
                Ok(file) => files.push(file),
                Err(problem)
                    if without_train && table == Table::ApplicationTrain && problem.code == NOT_THERE => {}
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Self(files)) } else { Err(first_of(problems)) }
    }

    /// The file of a table.
    pub fn get(&self, table: Table) -> Option<&TableFile> {
        self.0.iter().find(|file| file.table == table)
    }

    /// All, in the order of [`Table::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = &TableFile> {
        self.0.iter()
    }
}

/// One failure that says all: files that are not there (exit code 2) come before files that are wrong (3).
fn first_of(problems: Vec<Problem>) -> Failure {
    let usage = problems.iter().any(|problem| problem.usage);
    let code = problems.iter().find(|p| p.usage == usage).map_or("C900", |problem| problem.code);
    let text = problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join(" ");
    if usage { Failure::usage(code, text) } else { Failure::refused(code, text) }
}

/// No file of that name.
const NOT_THERE: &str = "C111";

struct Problem {
    usage: bool,
    code: &'static str,
    message: String,
}

impl TableFile {
    fn find(folder: &Path, table: Table) -> Result<Self, Problem> {
        let candidates = Format::ALL.map(|f| (f, folder.join(format!("{}{}", table.name(), f.suffix()))));
        let found: Vec<_> = candidates.into_iter().filter(|(_, path)| path.is_file()).collect();
        match found.as_slice() {
            [(format, path)] => Self::read(table, path, *format),
            [] => Err(Problem {
                usage: true,
                code: NOT_THERE,
                message: format!(
                    "Expected `{0}.csv`, `{0}.csv.gz`, `{0}.csv.zst` or `{0}.parquet` in `{1}`, found none of them.",
                    table.name(),
                    folder.display()
                ),
            }),
            [(one, _), (other, _), ..] => Err(Problem {
                usage: true,
                code: "C112",
                message: format!(
                    "Table `{0}` is there twice, as `{0}{1}` and `{0}{2}`; keep one of them.",
                    table.name(),
                    one.suffix(),
                    other.suffix()
                ),
            }),
        }
    }

    fn read(table: Table, path: &Path, format: Format) -> Result<Self, Problem> {
        let unreadable = |why: String| Problem {
            usage: true,
            code: "C101",
            message: format!("`{}` cannot be read: {why}.", path.display()),
        };
        let bytes = std::fs::metadata(path).map_err(|e| unreadable(e.to_string()))?.len();
        let (header, rows) = match format {
            Format::Parquet => parquet_header(table, path).map_err(|problem| match problem {
                Inside::Unreadable(why) => unreadable(why),
                Inside::Wrong(message) => Problem { usage: false, code: "C203", message },
            })?,
            _ => csv_header(path, format, bytes).map_err(|e| match e.kind() {
                ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput => Problem {
                    usage: false,
                    code: "C207",
                    message: format!(
                        "Table `{}` is damaged or ends early: {e}. Get the file again.",
                        table.name()
                    ),
                },
                _ => unreadable(e.to_string()),
            })?,
        };
        check_header(table, &header).map_err(|message| Problem { usage: false, code: "C202", message })?;
        Ok(Self { table, path: path.to_owned(), format, bytes, header, rows })
    }

    /// The bytes of the file as they are meant, uncompressed.
    pub fn open(&self) -> std::io::Result<Box<dyn Read + Send>> {
        open(&self.path, self.format)
    }
}

fn open(path: &Path, format: Format) -> std::io::Result<Box<dyn Read + Send>> {
    let file = File::open(path)?;
    Ok(match format {
        Format::CsvGzip => Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(file))),
        Format::CsvZstd => Box::new(zstd::Decoder::new(file)?),
        Format::Csv | Format::Parquet => Box::new(file),
    })
}

/// The first line, and a guess at the number of rows from the length of the first ones.
fn csv_header(path: &Path, format: Format, bytes: u64) -> std::io::Result<(Vec<String>, u64)> {
    /// Enough rows for a guess.
    const SAMPLE: u64 = 1 << 20;
    let mut reader = BufReader::new(open(path, format)?.take(SAMPLE));
    let mut first = Vec::new();
    reader.read_until(b'\n', &mut first)?;
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest)?;
    // Lines are counted, not parsed: a line break inside quotes makes the guess worse and nothing else.
    let lines = rest.iter().fold(0_u64, |n, &byte| n + u64::from(byte == b'\n'));
    let seen = rest.len() as u64;
    let whole = if format == Format::Csv { bytes } else { bytes.saturating_mul(8) };
    let rows =
        if seen + (first.len() as u64) < SAMPLE { lines } else { whole.saturating_mul(lines) / seen.max(1) };
    let mut parser = csv::ReaderBuilder::new().has_headers(false).from_reader(first.as_slice());
    let mut record = csv::StringRecord::new();
    parser.read_record(&mut record).map_err(std::io::Error::other)?;
    let unmarked = |(place, name): (usize, &str)| match place {
        0 => name.trim_start_matches('\u{feff}').to_owned(),
        _ => name.to_owned(),
    };
    Ok((record.iter().enumerate().map(unmarked).collect(), rows))
}

enum Inside {
    Unreadable(String),
    Wrong(String),
}

fn parquet_header(table: Table, path: &Path) -> Result<(Vec<String>, u64), Inside> {
    let file = File::open(path).map_err(|e| Inside::Unreadable(e.to_string()))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|e| Inside::Unreadable(format!("it is no Parquet file that we can read ({e})")))?;
    let rows = u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(0);
    check_types(table, reader.schema()).map_err(Inside::Wrong)?;
    Ok((reader.schema().fields().iter().map(|field| field.name().clone()).collect(), rows))
}

fn check_types(table: Table, schema: &SchemaRef) -> Result<(), String> {
    let wrong: Vec<_> = table
        .columns()
        .filter_map(|(name, kind)| schema.field_with_name(name).ok().map(|field| (field, kind)))
        .filter(|(field, kind)| !fits(field.data_type(), *kind))
        .map(|(field, kind)| {
            format!("`{}` to hold {}, got {}", field.name(), kind.words(), field.data_type())
        })
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("In table `{}`, expected {}.", table.name(), wrong.join("; ")))
}

impl Kind {
    /// In messages.
    pub fn words(self) -> &'static str {
        match self {
            Self::Key => "whole numbers",
            Self::Text => "text",
            Self::Number => "numbers",
        }
    }
}

fn fits(data_type: &DataType, kind: Kind) -> bool {
    match (data_type, kind) {
        // A column without any value may have no type.
        (DataType::Null, Kind::Text | Kind::Number) => true,
        (DataType::Dictionary(_, values), kind) => fits(values, kind),
        (DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View, kind) => kind == Kind::Text,
        (DataType::Boolean, kind) => kind == Kind::Number,
        // Whole numbers with missing ones are often written as floating point; a key has none missing, and is checked for it.
        (t, kind) => t.is_numeric() && kind != Kind::Text,
    }
}

fn check_header(table: Table, header: &[String]) -> Result<(), String> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for name in header {
        *seen.entry(name).or_default() += 1;
    }
    let name = table.name();
    let list =
        |names: Vec<&str>| names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let missing: Vec<_> =
        table.columns().map(|(column, _)| column).filter(|column| !seen.contains_key(column)).collect();
    if !missing.is_empty() {
        let (count, plural) = (missing.len(), if missing.len() == 1 { "" } else { "s" });
        let has = format!("Table `{name}` lacks {count} column{plural} that the features need");
        return Err(format!("{has}: {}. Get the file again, or name its columns so.", list(missing)));
    }
    let doubled: Vec<_> =
        table.columns().map(|(column, _)| column).filter(|column| seen[column] > 1).collect();
    if doubled.is_empty() {
        return Ok(());
    }
    Err(format!("Table `{name}` has more than one column {}; keep one of each.", list(doubled)))
}
