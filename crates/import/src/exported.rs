//! A model where its exporter left it: a file, or a folder, with what belongs to it.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use privet_model::Refusal;
use privet_model::graph::Graph;

use crate::error::ImportError;
use crate::onnx::ReadOptions;
use crate::read::read;
use crate::sniff::{Format, sniff};

/// The file that makes a folder a `SavedModel`.
const SAVED_MODEL: &str = "saved_model.pb";

/// A model that was read from disk.
#[derive(Debug)]
pub struct Exported {
    /// What it computes.
    pub graph: Graph,
    /// How it was written.
    pub format: Format,
    /// Where its files lie.
    pub folder: PathBuf,
    /// The files that it was read from, by their names in `folder`; the model itself is the first.
    pub files: Vec<String>,
}

/// Reads a model's file, or a `SavedModel`'s folder. Weights that lie in files of their own are read from the same folder
/// and from nowhere else: a symbolic link there is refused.
pub fn open(path: &Path) -> Result<Exported, ImportError> {
    let main = if path.is_dir() { path.join(SAVED_MODEL) } else { path.to_owned() };
    let bytes = std::fs::read(&main).map_err(|e| unreadable(path, &main, &e))?;
    let folder = main.parent().unwrap_or(Path::new("")).to_owned();
    let name = main.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let files = RefCell::new(vec![name]);
    let load = |name: &str| {
        let bytes = beside(&folder.join(name))?;
        files.borrow_mut().push(name.to_owned());
        Ok(bytes)
    };
    let graph = read(&bytes, ReadOptions { load: Some(&load), ..ReadOptions::default() })?;
    Ok(Exported { graph, format: sniff(&bytes), folder, files: files.into_inner() })
}

fn beside(path: &Path) -> Result<Vec<u8>, String> {
    if path.symlink_metadata().is_ok_and(|file| file.is_symlink()) {
        return Err("it is a symbolic link; put the file itself there".into());
    }
    std::fs::read(path).map_err(|e| e.to_string())
}

fn unreadable(given: &Path, main: &Path, error: &std::io::Error) -> Refusal {
    if given != main && !main.exists() {
        let what =
            format!("is a folder without `{SAVED_MODEL}`; name a model's file, or a SavedModel's folder.");
        return Refusal::new("E141", format!("`{}` {what}", given.display()));
    }
    Refusal::new("E141", format!("`{}` cannot be read: {error}.", main.display()))
}
