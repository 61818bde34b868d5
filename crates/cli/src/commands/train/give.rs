//! An owner's rows, from its file to the parties: prepared, checked, and shared a chunk at a time.

use std::path::PathBuf;

use privet_deploy::Error;
use privet_deploy::train::agreement::Agreement;
use privet_deploy::train::owner::Rows;
use privet_serve::training::owner::Owner;

use crate::failure::Failure;
use crate::output;
use crate::training::data::{Data, Wanted};
use crate::training::preparation::{self, Preparation};
use crate::training::tags::Key;

/// Where an owner's rows are, and what becomes of them before they are shared.
pub(super) struct Source {
    pub(super) path: Option<String>,
    pub(super) preparation: Option<PathBuf>,
    pub(super) fit: bool,
    pub(super) clip: bool,
    pub(super) id: Option<String>,
    pub(super) key: Option<Key>,
}

/// Gives an owner's rows, unless it gave them before; how many there are.
pub(super) async fn give(owner: &Owner, source: &Source) -> Result<u64, Failure> {
    let standing = owner.standing().await?;
    let offers = standing.parties.iter().map(|party| &party.offers[owner.me()]);
    if offers.clone().all(|offer| offer.complete) {
        let rows = standing.parties[0].offers[owner.me()].rows;
        eprintln!("The parties have the {rows} rows of `{}` already.", name(owner));
        return Ok(rows);
    }
    let Some(path) = &source.path else {
        let what = format!(
            "The parties do not have the rows of `{}` yet. Give them with `--rows FILE`.",
            name(owner)
        );
        return Err(Error::usage("E352", what).into());
    };
    let agreement = owner.agreement();
    let wanted = wanted(agreement, owner.me(), source, path)?;
    let mut data = Data::open(path, &wanted)?;
    let bar = output::rate(data.count()? as u64, 0);
    let mut offering = owner.begin().await?;
    let mut rows = 0;
    loop {
        let chunk = data.next(offering.chunk_rows())?;
        if chunk.rows == 0 {
            break;
        }
        let tags: Vec<_> = match &source.key {
            Some(key) if agreement.has_tags() => {
                chunk.ids.iter().map(|id| key.tag(&agreement.id, id)).collect()
            }
            _ => Vec::new(),
        };
        owner.give(&mut offering, Rows { values: &chunk.values, labels: &chunk.labels, tags: &tags }).await?;
        rows += chunk.rows as u64;
        bar.set_position(rows);
    }
    bar.finish_and_clear();
    owner.complete(rows).await?;
    eprintln!("`{}` gave {rows} rows of {} columns, as shares.", name(owner), wanted.columns.len());
    Ok(rows)
}

fn name(owner: &Owner) -> &str {
    &owner.agreement().owners[owner.me()].name
}

fn wanted(agreement: &Agreement, owner: usize, source: &Source, path: &str) -> Result<Wanted, Failure> {
    let columns = agreement.columns_of(owner).to_vec();
    if agreement.has_tags() && (source.id.is_none() || source.key.is_none()) {
        let what =
            "The owners' rows are told apart by identifiers: give `--id COLUMN` and `--alignment-key FILE`.";
        return Err(Error::usage("E350", what).into());
    }
    let preparation = match &source.preparation {
        Some(file) if source.fit && !file.exists() => {
            let fitted = preparation::fit(path, &columns, agreement.model.largest)?;
            fitted.write(file)?;
            Some(fitted)
        }
        Some(file) => Some(Preparation::read(file)?),
        None => None,
    };
    Ok(Wanted {
        columns,
        label: agreement.label_of(owner).map(str::to_owned),
        has_classes: agreement.has_classes(),
        largest_label: agreement.largest_label(),
        id: source.id.clone().filter(|_| agreement.has_tags()),
        largest: agreement.model.largest,
        norm: agreement.norm_of_part(),
        clip: source.clip,
        preparation,
    })
}
