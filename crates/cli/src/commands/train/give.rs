//! An owner's rows, from its file to the parties: prepared, checked, and shared a chunk at a time.

use std::path::PathBuf;

use privet_deploy::Error;
use privet_deploy::train::agreement::Agreement;
use privet_deploy::train::owner::Rows;
use privet_serve::training::owner::Owner;

use crate::failure::Failure;
use crate::output;
use crate::training::data::{Label, Labels, Reader, Selection};
use crate::training::fit::fit;
use crate::training::preparation::Preparation;
use crate::training::tags::AlignmentKey;

/// Where an owner's rows are, and what becomes of them before they are shared.
pub(super) struct Source {
    pub(super) path: Option<String>,
    pub(super) preparation: Option<PathBuf>,
    pub(super) fit: bool,
    pub(super) clip: bool,
    pub(super) id: Option<String>,
    pub(super) key: Option<AlignmentKey>,
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
    let mut reader = Reader::open(path, selection(agreement, owner.me(), source, path)?)?;
    let bar = output::rate(reader.count()? as u64, 0);
    let mut offering = owner.begin().await?;
    let mut rows = 0;
    while let Some(part) = reader.next(offering.chunk_rows())? {
        let tags: Vec<_> = match &source.key {
            Some(key) if agreement.has_tags() => {
                part.ids.iter().map(|id| key.tag(&agreement.id, id)).collect()
            }
            _ => Vec::new(),
        };
        let shared = Rows { values: &part.values, labels: &part.labels, tags: &tags };
        owner.give(&mut offering, shared).await?;
        rows += part.rows as u64;
        bar.set_position(rows);
    }
    reader.notes().iter().for_each(|note| eprintln!("{note}"));
    bar.finish_and_clear();
    owner.complete(rows).await?;
    eprintln!(
        "`{}` gave {rows} rows of {} columns, as shares.",
        name(owner),
        agreement.columns_of(owner.me()).len()
    );
    Ok(rows)
}

fn name(owner: &Owner) -> &str {
    &owner.agreement().owners[owner.me()].name
}

/// What is taken from the file, and what may be in it.
fn selection(agreement: &Agreement, owner: usize, source: &Source, path: &str) -> Result<Selection, Failure> {
    let columns = agreement.columns_of(owner);
    if agreement.has_tags() && (source.id.is_none() || source.key.is_none()) {
        let what =
            "The owners' rows are told apart by identifiers: give `--id COLUMN` and `--alignment-key FILE`.";
        return Err(Error::usage("E350", what).into());
    }
    let preparation = match &source.preparation {
        Some(file) if source.fit && !file.exists() => {
            let fitted = fit(path, columns, agreement.model.largest)?;
            fitted.write(file)?;
            Some(fitted)
        }
        Some(file) => Some(Preparation::read(file)?),
        None => None,
    };
    let values =
        if agreement.has_classes() { Labels::Binary } else { Labels::Within(agreement.largest_label()) };
    Ok(Selection {
        columns: columns.to_vec(),
        label: agreement.label_of(owner).map(|column| Label { column: column.to_owned(), values }),
        id: source.id.clone().filter(|_| agreement.has_tags()),
        preparation,
        largest: agreement.model.largest,
        clip: source.clip,
        norm: agreement.norm_of_part(),
    })
}
