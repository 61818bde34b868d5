//! `privet bundle --from`: what a bundle has in common with the one before it, and which machines have new keys.

use std::path::Path;

use privet_deploy::Error;
use privet_deploy::bundle::{Manifest, MpcPart};
use privet_serve::PublicKey;
use privet_serve::deployment::DeploymentFile;

use crate::args::BundleArgs;
use crate::args_words::word_for;
use crate::failure::Failure;

/// The order, with what `--from` says in it.
pub(crate) fn as_before(args: &BundleArgs) -> Result<BundleArgs, Failure> {
    let mut args = args.clone();
    let Some(from) = args.from.clone() else { return Ok(args) };
    let (file, public) = DeploymentFile::read(&from)?;
    let manifest = public.manifest();
    args.kind = word_for(&manifest.kind);
    args.parties = lines(&file, manifest, &from)?;
    args.urls = urls(&file, manifest);
    args.model_version.get_or_insert(manifest.version + 1);
    args.plan.served.name.get_or_insert_with(|| manifest.name.clone());
    args.plan.reveal = word_for(&manifest.reveal).unwrap_or(args.plan.reveal);
    if let Some(part) = &manifest.mpc {
        args.plan.protocol.clone_from(&part.protocol);
        args.plan.served.protect = word_for(&part.protect).unwrap_or(args.plan.served.protect);
    }
    for line in &args.replace {
        put(&mut args.parties, line)?;
    }
    Ok(args)
}

/// All machines' lines, in the order of roles.
fn lines(file: &DeploymentFile, manifest: &Manifest, from: &Path) -> Result<Vec<String>, Failure> {
    if let Some(part) = &manifest.mpc {
        return Ok(part.parties.clone());
    }
    let lines: Option<Vec<_>> = file.endpoints.iter().map(|endpoint| endpoint.key.clone()).collect();
    lines.ok_or_else(|| {
        let what =
            format!("`{}` names a role without its key. Say `--party` and `--url` instead.", from.display());
        Error::usage("E146", what).into()
    })
}

/// All machines' addresses. Clients were not told a dealer's, and will not be told this one.
fn urls(file: &DeploymentFile, manifest: &Manifest) -> Vec<String> {
    let unmet = manifest.mpc.as_ref().map_or(0, MpcPart::first_met);
    let met = file.endpoints.iter().map(|endpoint| endpoint.http_url.clone());
    std::iter::repeat_n(String::new(), unmet).chain(met).collect()
}

/// Puts a machine's new line in the place of the one before.
fn put(lines: &mut [String], new: &str) -> Result<(), Failure> {
    let key: PublicKey = new.parse()?;
    let is_its = |line: &&mut String| line.parse::<PublicKey>().is_ok_and(|old| old.name() == key.name());
    let Some(place) = lines.iter_mut().find(is_its) else {
        let have: Vec<_> = lines.iter().filter_map(|line| line.split_ascii_whitespace().nth(1)).collect();
        let what =
            format!("`--replace` names `{}`; the machines before are {}.", key.name(), have.join(", "));
        return Err(Error::usage("E146", what).into());
    };
    *place = key.to_string();
    Ok(())
}
