//! Numpy arrays under their names, one per input or output.

use std::io::{Cursor, Write};

use privet_model::graph::Port;
use privet_model::tensor::Tensor;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::array::to_tensor;
use super::error::RowsError;
use super::layout::bare;
use super::source::ReadSeek;
use super::table::Content;
use super::{npy, npy_out};

/// Reads one array per input.
pub(super) fn read(source: impl ReadSeek, inputs: &[Port]) -> Result<Content, RowsError> {
    let mut archive = open(source)?;
    let names = names(&archive);
    let (places, notes) = places(inputs, &names)?;
    let mut tensors = Vec::new();
    for (port, place) in inputs.iter().zip(places) {
        tensors.push(entry(&mut archive, place, port).map_err(|error| error.within(&port.name))?);
    }
    same_rows(inputs, &tensors)?;
    Ok(Content { tensors, notes })
}

/// Writes one array per output, not compressed, as `numpy.savez` does.
pub(super) fn write(outputs: &[(Port, Tensor)], sink: &mut dyn Write) -> Result<(), RowsError> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (port, tensor) in outputs {
        let bytes = npy_out::encode(port, tensor);
        let large = u32::try_from(bytes.len()).is_err();
        let options =
            SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(large);
        archive.start_file(format!("{}.npy", port.name), options).map_err(RowsError::unwritable)?;
        archive.write_all(&bytes).map_err(RowsError::unwritable)?;
    }
    let bytes = archive.finish().map_err(RowsError::unwritable)?.into_inner();
    sink.write_all(&bytes).map_err(RowsError::unwritable)
}

fn open<R: ReadSeek>(source: R) -> Result<ZipArchive<R>, RowsError> {
    ZipArchive::new(source).map_err(|error| {
        RowsError::damaged(format!(
            "The file is not a readable `.npz` archive: {error}. Save it with `numpy.savez`."
        ))
    })
}

/// In the archive's order; an entry without a readable name has an empty one.
fn names<R: ReadSeek>(archive: &ZipArchive<R>) -> Vec<String> {
    let name = |place| archive.name_for_index(place).and_then(Result::ok).unwrap_or_default();
    (0..archive.len()).map(name).map(|name| name.strip_suffix(".npy").unwrap_or(&name).to_owned()).collect()
}

/// The entry of each input, and a note about the others.
fn places(inputs: &[Port], names: &[String]) -> Result<(Vec<usize>, Vec<String>), RowsError> {
    if let ([port], [only]) = (inputs, names)
        && bare(only) != bare(&port.name)
    {
        return Ok((
            vec![0],
            vec![format!("The only array `{only}` was taken for the input `{}`.", port.name)],
        ));
    }
    let find = |name: &String| {
        names.iter().position(|n| n == name).or_else(|| names.iter().position(|n| bare(n) == bare(name)))
    };
    let found: Vec<_> = inputs.iter().map(|port| find(&port.name)).collect();
    let missing: Vec<_> = inputs
        .iter()
        .zip(&found)
        .filter(|(_, place)| place.is_none())
        .map(|(port, _)| quoted(&port.name))
        .collect();
    if !missing.is_empty() {
        let have = names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        return Err(RowsError::columns(format!(
            "Expected one array per input of the model; missing are {}. The file has {have}.",
            missing.join(", ")
        )));
    }
    let places: Vec<usize> = found.into_iter().flatten().collect();
    let extra = names.iter().enumerate().filter(|(place, _)| !places.contains(place));
    let notes =
        extra.map(|(_, name)| format!("The array `{name}` is no input of the model and was ignored."));
    let notes = notes.collect();
    Ok((places, notes))
}

fn entry<R: ReadSeek>(archive: &mut ZipArchive<R>, place: usize, port: &Port) -> Result<Tensor, RowsError> {
    let entry = archive.by_index(place).map_err(|error| {
        RowsError::damaged(format!("The array cannot be unpacked: {error}. Save it with `numpy.savez`."))
    })?;
    to_tensor(npy::decode(entry, None)?, port)
}

fn same_rows(inputs: &[Port], tensors: &[Tensor]) -> Result<(), RowsError> {
    let Some((first, expected)) = inputs.first().zip(tensors.first()).map(|(port, t)| (port, t.rows)) else {
        return Ok(());
    };
    match inputs.iter().zip(tensors).find(|(_, tensor)| tensor.rows != expected) {
        None => Ok(()),
        Some((port, tensor)) => Err(RowsError::array(format!(
            "Expected the same number of rows everywhere, got {expected} of `{}` and {} of `{}`.",
            first.name, tensor.rows, port.name
        ))),
    }
}

fn quoted(name: &str) -> String {
    format!("`{name}`")
}

#[cfg(test)]
#[path = "npz_tests.rs"]
mod tests;
