//! `training.toml`, as owners and parties have it alike.

use std::path::Path;

use privet_deploy::Error;
use privet_deploy::train::agreement::Agreement;

use crate::config::read_text;
use crate::public_key::{PublicKey, of_parties};

/// Reads it, and checks that it can be followed.
pub fn read_agreement(path: &Path) -> Result<Agreement, Error> {
    let agreement: Agreement = toml::from_str(&read_text(path)?)
        .map_err(|e| Error::usage("E350", format!("`{}` is no training's agreement: {e}", path.display())))?;
    agreement.check()?;
    parties(&agreement)?;
    for owner in &agreement.owners {
        owner.key.parse::<PublicKey>()?;
    }
    Ok(agreement)
}

/// The parties' keys, P0 first.
pub(super) fn parties(agreement: &Agreement) -> Result<Vec<PublicKey>, Error> {
    of_parties(&agreement.parties.iter().map(|party| party.key.clone()).collect::<Vec<_>>())
}

/// `HOST:PORT` of a party.
pub(super) fn address(url: &str) -> Result<&str, Error> {
    url.strip_prefix("https://")
        .map(|rest| rest.trim_end_matches('/'))
        .ok_or_else(|| Error::usage("E142", format!("A party has `{url}`; expected `https://HOST:PORT`.")))
}
