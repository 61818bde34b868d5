//! Outputs to a file that is either whole or not there, or to standard output.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use privet_model::graph::Port;
use privet_model::tensor::Tensor;

use super::error::RowsError;
use super::format::Format;
use super::{npy_out, npz, parquet_out, text_out};

/// Writes the outputs of a model: to a file in the format of its suffix, or to standard output (`None` or
/// `-`) in the kind of format that the rows came in.
pub(crate) fn write(
    path: Option<&str>,
    format_of_input: Format,
    outputs: &[(Port, Tensor)],
) -> Result<(), RowsError> {
    match path.filter(|&path| path != "-") {
        Some(path) => to_file(path, outputs).map_err(|error| error.within(path)),
        None => encode(format_of_input.for_standard_output(), outputs, &mut Patient(io::stdout().lock())),
    }
}

fn to_file(path: &str, outputs: &[(Port, Tensor)]) -> Result<(), RowsError> {
    let format = Format::of_path(path)?;
    // Through a symbolic link, as every other program writes.
    let target = fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    if target.exists() && !target.is_file() {
        // Devices and pipes must not be replaced by files.
        let mut device = fs::OpenOptions::new().write(true).open(&target).map_err(RowsError::unwritable)?;
        return encode(format, outputs, &mut device);
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = temporary().tempfile_in(folder).map_err(RowsError::unwritable)?;
    encode(format, outputs, file.as_file_mut())?;
    file.as_file().sync_all().map_err(RowsError::unwritable)?;
    file.persist(&target).map(|_| ()).map_err(|error| RowsError::unwritable(error.error))
}

/// With the permissions any new file would have, and not those of a temporary one.
fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Standard output. A reader that has gone away, as `head` does, has what it wanted: that is no error.
struct Patient<W>(W);

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        without_reader(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        without_reader(self.0.flush(), ())
    }
}

fn without_reader<T>(written: io::Result<T>, instead: T) -> io::Result<T> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(instead),
        other => other,
    }
}

/// Writes the outputs in this format.
pub(super) fn encode(
    format: Format,
    outputs: &[(Port, Tensor)],
    sink: &mut dyn Write,
) -> Result<(), RowsError> {
    let mut sink = BufWriter::new(sink);
    match format {
        Format::Csv => text_out::write_csv(outputs, &mut sink)?,
        Format::CsvGz => {
            let mut packed = GzEncoder::new(&mut sink, Compression::default());
            text_out::write_csv(outputs, &mut packed)?;
            packed.finish().map_err(RowsError::unwritable)?;
        }
        Format::JsonLines => text_out::write_json(outputs, &mut sink)?,
        Format::Parquet => parquet_out::write(outputs, &mut sink)?,
        Format::Npz => npz::write(outputs, &mut sink)?,
        Format::Npy => sink.write_all(&single(outputs)?).map_err(RowsError::unwritable)?,
    }
    sink.flush().map_err(RowsError::unwritable)
}

fn single(outputs: &[(Port, Tensor)]) -> Result<Vec<u8>, RowsError> {
    match outputs {
        [(port, tensor)] => Ok(npy_out::encode(port, tensor)),
        _ => Err(RowsError::suffix(format!(
            "A `.npy` file holds one array, and this model has {} outputs. Choose the suffix `.npz`.",
            outputs.len()
        ))),
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
