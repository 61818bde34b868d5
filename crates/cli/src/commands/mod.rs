//! One file per command.

use std::path::Path;

use privet_deploy::Error;
use privet_deploy::bundle::PublicBundle;
use privet_deploy::reveal::revealing;
use privet_import::Exported;
use privet_model::graph::{Graph, Port};
use privet_model::tensor::Tensor;
use privet_serve::config::read_text;
use privet_serve::deployment::DeploymentFile;
use privet_serve::roles::read_model;
use privet_tee::verify::{Time, seconds_of};

use crate::args::PlanArgs;
use crate::failure::Failure;
use crate::rows;

pub(crate) mod agree;
pub(crate) mod attest;
pub(crate) mod bench;
mod bench_report;
mod bench_table;
pub(crate) mod bundle;
mod bundle_before;
pub(crate) mod check;
mod check_train;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
mod doctor_links;
pub(crate) mod gateway;
pub(crate) mod keygen;
pub(crate) mod man;
pub(crate) mod predict;
pub(crate) mod score;
pub(crate) mod serve;
pub(crate) mod table;
pub(crate) mod token;
pub(crate) mod top;
mod top_counts;
pub(crate) mod train;
pub(crate) mod up;

/// The name under which a model is served: as given, else the folder's of `NAME/model.onnx` or `NAME/saved_model`, else the file's stem.
pub(crate) fn model_name(given: Option<&str>, path: &Path) -> String {
    let text = |part: Option<&std::ffi::OsStr>| part.map(|p| p.to_string_lossy().into_owned());
    let stem = text(path.file_stem()).unwrap_or_else(|| "model".into());
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let is_common = matches!(stem.as_str(), "model" | "saved_model" | "frozen");
    let folder = text(absolute.parent().and_then(Path::file_name)).filter(|_| is_common);
    given.map(str::to_owned).or(folder).unwrap_or(stem)
}

/// The model, giving what is to be revealed of it.
pub(crate) fn model(path: &Path, plan: &PlanArgs) -> Result<Exported, Failure> {
    let exported = read_model(path)?;
    let graph = revealing(exported.graph, plan.reveal.into(), plan.served.threshold).map_err(Error::from)?;
    Ok(Exported { graph, ..exported })
}

/// The public half of a bundle, from `deployment.toml` or as it is.
pub(crate) fn read_bundle(path: &Path) -> Result<PublicBundle, Error> {
    let text = read_text(path)?;
    if text.trim_start().starts_with('{') {
        PublicBundle::parse(&text)
    } else {
        DeploymentFile::read(path).map(|(_, public)| public)
    }
}

/// Sample rows, if some were given.
pub(crate) fn sample(path: Option<&str>, graph: &Graph) -> Result<Option<Vec<Tensor>>, Failure> {
    path.map(|path| read_rows(path, &graph.inputs)).transpose()
}

/// The time that an option says, in seconds since 1970.
pub(crate) fn time(option: &str, text: &str) -> Result<Time, Error> {
    seconds_of(text).ok_or_else(|| {
        let what = format!("`{option} {text}` is no time; expected one like 2026-01-31T12:00:00Z.");
        Error::usage("E381", what)
    })
}

/// Rows from a file, with its notes on standard error.
pub(crate) fn read_rows(path: &str, inputs: &[Port]) -> Result<Vec<Tensor>, Failure> {
    let read = rows::read(path, inputs)?;
    read.notes.iter().for_each(|note| eprintln!("{note}"));
    Ok(read.tensors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_called_after_its_folder_or_itself() {
        assert_eq!(model_name(None, Path::new("a/credit/model.onnx")), "credit");
        assert_eq!(model_name(None, Path::new("a/credit/saved_model")), "credit");
        assert_eq!(model_name(None, Path::new("a/credit.onnx")), "credit");
        assert_eq!(model_name(Some("x"), Path::new("a/credit.onnx")), "x");
    }
}
