//! `privet train`: an owner gives its rows, the lead drives, and whoever is to have the model gets it.

mod drive;
mod give;
mod here;
mod model;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use privet_deploy::Error;
use privet_serve::training::lead::opens_to;
use privet_serve::training::owner::Owner;

use crate::args_train::TrainArgs;
use crate::failure::Failure;
use crate::output::print;
use crate::training::tags::AlignmentKey;

pub(crate) async fn run(args: &TrainArgs) -> Result<ExitCode, Failure> {
    let report = match (&args.here, &args.to, &args.key) {
        (Some(folder), ..) => here::run(args, folder).await?,
        (None, Some(to), Some(key)) => as_owner(args, to, key).await?,
        _ => {
            return Err(
                Error::usage("E350", "Give `--to training.toml` and `--key`, or `--here FOLDER`.").into()
            );
        }
    };
    if args.json {
        print(&report.to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// One owner's part of a training between machines.
async fn as_owner(args: &TrainArgs, to: &Path, key: &Path) -> Result<serde_json::Value, Failure> {
    let owner = Owner::open(to, key)?;
    let agreement = owner.agreement();
    let source = give::Source {
        path: args.rows.first().cloned(),
        preparation: args.preparation.clone(),
        fit: args.fit,
        clip: args.clip,
        id: args.id.clone(),
        key: args.alignment_key.as_deref().map(AlignmentKey::read).transpose()?,
    };
    if args.rows.len() > 1 {
        return Err(Error::usage("E350", "An owner has one file of rows; put several into one.").into());
    }
    let given = give::give(&owner, &source).await?;
    let mut report = serde_json::json!({ "owner": agreement.owners[owner.me()].name, "rows": given });
    let patience = Duration::from_secs(args.wait);
    if owner.leads() {
        report["training"] = drive::drive(&owner, patience).await?;
        if opens_to(agreement).is_none() {
            let out = args.out.as_deref().unwrap_or(Path::new("deployment.toml"));
            report["deployment"] = model::keep(&owner, out).await?;
        }
    }
    let is_mine = opens_to(agreement) == Some(agreement.owners[owner.me()].name.as_str());
    match (&args.out, is_mine) {
        (Some(out), true) => {
            report["model"] = model::fetch(&owner, patience, args.preparation.as_deref(), out).await?;
        }
        (None, true) if owner.leads() => {
            report["model"] =
                model::fetch(&owner, patience, args.preparation.as_deref(), Path::new("model.onnx")).await?;
        }
        (None, true) => {
            eprintln!("The model is opened to you: ask again with `--out model.onnx` once the lead is done.");
        }
        _ => {}
    }
    Ok(report)
}
