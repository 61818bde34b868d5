//! A whole training on this machine: real parties, and each file of rows is an owner.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use privet_deploy::Error;
use privet_deploy::train::agreement::Agreement;
use privet_serve::training::here::{AGREEMENT, Here};
use privet_serve::training::lead::opens_to;
use privet_serve::training::owner::Owner;
use privet_serve::up::network::Network;
use serde_json::Value;

use super::give::{Source, give};
use super::{drive, model};
use crate::args_train::TrainArgs;
use crate::commands::agree::agreement;
use crate::commands::up::{program, stop_signal};
use crate::failure::Failure;
use crate::training::tags::AlignmentKey;

pub(super) async fn run(args: &TrainArgs, folder: &Path) -> Result<Value, Failure> {
    if args.rows.is_empty() {
        return Err(Error::usage("E350", "Give `--rows FILE` once for each owner.").into());
    }
    let stop = stop_signal()?;
    let mut here = Here::open(folder)?;
    let agreed = match here.agreement()? {
        Some(agreement) => {
            eprintln!("Going on with `{}`.", here.path(AGREEMENT).display());
            agreement
        }
        None => agree(args, &here)?,
    };
    let round_trip = Duration::from_secs_f64(args.round_trip.clamp(0.0, 10_000.0) / 1000.0);
    here.start(&program()?, &agreed, Network { round_trip, bits_per_s: None }).await?;
    let done = tokio::select! {
        done = train(args, &here, &agreed) => done,
        () = stop => Err(Error::usage("E359", "The training was ended. The same command goes on with it.").into()),
    };
    here.stop().await;
    done
}

/// Owners are called after their files.
fn agree(args: &TrainArgs, here: &Here) -> Result<Agreement, Failure> {
    let mut seen = HashSet::new();
    let mut owners = Vec::new();
    for (at, file) in args.rows.iter().enumerate() {
        let stem =
            Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let plain: String =
            stem.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(32).collect();
        let is_taken = plain.is_empty() || plain.starts_with("party-") || !seen.insert(plain.clone());
        let name = if is_taken { format!("owner-{at}") } else { plain };
        let key = here.key(&name)?;
        owners.push((name, key.to_string()));
    }
    let agreement = agreement(&args.recipe, owners, here.new_parties()?, &args.rows)?;
    here.agree(&agreement)?;
    Ok(agreement)
}

async fn train(args: &TrainArgs, here: &Here, agreement: &Agreement) -> Result<Value, Failure> {
    let mut report = serde_json::json!({ "rows": {} });
    let owners = agreement
        .owners
        .iter()
        .map(|owner| Owner::open(&here.path(AGREEMENT), &here.path(&format!("{}.key", owner.name))));
    let owners = owners.collect::<Result<Vec<_>, Error>>()?;
    let lead = owners.iter().find(|owner| owner.leads());
    let lead = lead.ok_or_else(|| Error::usage("E350", "The agreement has no lead."))?;
    here.ready(lead).await?;
    for (owner, rows) in owners.iter().zip(&args.rows) {
        let given = give(owner, &source(args, here, agreement, owner.me(), rows)?).await?;
        report["rows"][&agreement.owners[owner.me()].name] = given.into();
    }
    let patience = Duration::from_secs(args.wait);
    report["training"] = drive::drive(lead, patience).await?;
    if opens_to(agreement).is_none() {
        let out = args.out.clone().unwrap_or_else(|| here.path("deployment.toml"));
        report["deployment"] = model::keep(lead, &out).await?;
    }
    for owner in &owners {
        if opens_to(agreement) == Some(agreement.owners[owner.me()].name.as_str()) {
            let out = args.out.clone().unwrap_or_else(|| here.path("model.onnx"));
            let preparation = preparation_of(args, here, agreement, owner.me());
            report["model"] = model::fetch(owner, patience, Some(&preparation), &out).await?;
        }
    }
    Ok(report)
}

/// Where an owner's preparation lies: the same for all who have the same columns.
fn preparation_of(args: &TrainArgs, here: &Here, agreement: &Agreement, owner: usize) -> PathBuf {
    if let Some(path) = &args.preparation {
        return path.clone();
    }
    let is_common = !agreement.columns.is_empty();
    here.path(&if is_common {
        "preparation.json".into()
    } else {
        format!("{}.preparation.json", agreement.owners[owner].name)
    })
}

fn source(
    args: &TrainArgs,
    here: &Here,
    agreement: &Agreement,
    owner: usize,
    rows: &str,
) -> Result<Source, Failure> {
    let path = preparation_of(args, here, agreement, owner);
    let key = if agreement.has_tags() {
        let path = args.alignment_key.clone().unwrap_or_else(|| here.path("alignment.key"));
        if !path.exists() {
            AlignmentKey::draw()?.write(&path)?;
        }
        Some(AlignmentKey::read(&path)?)
    } else {
        None
    };
    Ok(Source {
        path: Some(rows.to_owned()),
        preparation: Some(path),
        fit: true,
        clip: args.clip,
        id: args.id.clone(),
        key,
    })
}
