//! `privet agree`: writes `training.toml`, which owners and parties of a training have alike.

use std::process::ExitCode;

use privet_deploy::Error;
use privet_deploy::train::agreement::{
    Agreement, Arrangement, FORMAT, ModelChoice, Outcome, OwnerEntry, PartyEntry, PrivacyChoice, Schedule,
    USUAL_ROWS,
};
use privet_deploy::train::trust::card;
use privet_model::training::{Loss, Optimiser};
use privet_ring::entropy::draw;
use privet_serve::PublicKey;
use privet_serve::entropy::OsEntropy;
use privet_serve::training::here::write_agreement;
use privet_tee::statement::hex;

use crate::args_train::{AgreeArgs, LossArg, OptimiserArg, RecipeArgs};
use crate::failure::Failure;
use crate::output::print;
use crate::rows;
use crate::training::fit::fit;
use crate::training::tags::AlignmentKey;

pub(crate) fn run(args: &AgreeArgs) -> Result<ExitCode, Failure> {
    if args.parties.len() != args.urls.len() {
        let what = format!(
            "{} parties and {} addresses came; expected three of each.",
            args.parties.len(),
            args.urls.len()
        );
        return Err(Error::usage("E350", what).into());
    }
    let named = |line: &String| Ok((line.parse::<PublicKey>()?.name().to_owned(), line.clone()));
    let owners = args.owners.iter().map(named).collect::<Result<Vec<_>, Error>>()?;
    let party = |(key, url): (&String, &String)| PartyEntry { key: key.clone(), url: url.clone() };
    let parties = args.parties.iter().zip(&args.urls).map(party).collect();
    let agreement = agreement(&args.recipe, owners, parties, &args.rows)?;
    if let Some(path) = &args.preparation {
        fit(&args.rows[0], agreement.columns_of(0), agreement.model.largest)?.write(path)?;
    }
    if let Some(path) = &args.alignment_key {
        AlignmentKey::draw()?.write(path)?;
        eprintln!("`{}` is for the owners alone: no party may ever have it.", path.display());
    }
    write_agreement(&args.out, &agreement)?;
    eprintln!("{}", card(&agreement));
    eprintln!("Give `{}` to every owner and every party. Its digest, the same for all:", args.out.display());
    print(&agreement.digest_hex());
    Ok(ExitCode::SUCCESS)
}

/// What these words mean, for owners whose files have such columns: the first owner leads.
pub(crate) fn agreement(
    recipe: &RecipeArgs,
    owners: Vec<(String, String)>,
    parties: Vec<PartyEntry>,
    files: &[String],
) -> Result<Agreement, Failure> {
    let lead = owners.first().map(|(name, _)| name.clone()).unwrap_or_default();
    let arrangement = Arrangement::from(recipe.arrangement);
    let label = recipe.label.clone();
    let label = label
        .ok_or_else(|| Error::usage("E350", "Which column is to be predicted? Say `--label COLUMN`."))?;
    let is_horizontal = arrangement == Arrangement::Horizontal;
    let columns = columns(recipe, &label, files)?;
    if !is_horizontal && columns.len() != owners.len() {
        let what = format!(
            "{} files came for {} owners: a vertical arrangement takes one for each.",
            files.len(),
            owners.len()
        );
        return Err(Error::usage("E350", what).into());
    }
    let entry = |(at, (name, key)): (usize, (String, String))| OwnerEntry {
        name,
        key,
        columns: if is_horizontal { Vec::new() } else { columns[at].0.clone() },
        label: (!is_horizontal && columns[at].1).then(|| label.clone()),
    };
    let owners: Vec<_> = owners.into_iter().enumerate().map(entry).collect();
    let drawn = draw::<16>(&mut OsEntropy)
        .map_err(|_| Failure::ours("The operating system gave no randomness.".into()))?;
    let agreement = Agreement {
        format: FORMAT,
        id: hex(&drawn),
        name: recipe.name.clone(),
        protocol: recipe.protocol.clone(),
        arrangement,
        result: outcome(recipe, &lead),
        lead,
        label: is_horizontal.then_some(label),
        columns: if is_horizontal { columns[0].0.clone() } else { Vec::new() },
        most_rows: USUAL_ROWS,
        model: model(recipe),
        training: schedule(recipe),
        privacy: privacy(recipe),
        owners,
        parties,
    };
    agreement.check()?;
    Ok(agreement)
}

/// Of each file, the columns to learn from, and whether it has the label.
fn columns(
    recipe: &RecipeArgs,
    label: &String,
    files: &[String],
) -> Result<Vec<(Vec<String>, bool)>, Failure> {
    let of = |file: &String| {
        let names = rows::header(file)?;
        let has_label = names.contains(label);
        let is_wanted = |name: &String| {
            name != label
                && !recipe.leave_out.contains(name)
                && (recipe.columns.is_empty() || recipe.columns.contains(name))
        };
        Ok((names.into_iter().filter(is_wanted).collect(), has_label))
    };
    let all = files.iter().map(of).collect::<Result<Vec<(Vec<String>, bool)>, Failure>>()?;
    let missing = |name: &&String| !all.iter().any(|(names, _)| names.contains(name));
    if let Some(name) = recipe.columns.iter().find(missing) {
        return Err(Error::usage("E350", format!("No file has a column `{name}`.")).into());
    }
    if !all.iter().any(|(_, has_label)| *has_label) {
        return Err(Error::usage("E350", format!("No file has the label's column `{label}`.")).into());
    }
    Ok(all)
}

fn model(recipe: &RecipeArgs) -> ModelChoice {
    let loss = match recipe.loss {
        LossArg::Logistic => Loss::Logistic,
        LossArg::Squares => Loss::Squares { most: recipe.most_residual },
    };
    ModelChoice {
        loss,
        intercept: !recipe.no_intercept,
        largest: recipe.largest,
        most_weight: recipe.most_weight,
    }
}

fn schedule(recipe: &RecipeArgs) -> Schedule {
    let (optimiser, rate) = match recipe.optimiser {
        OptimiserArg::Adam => (Optimiser::Adam { first: 0.9, second: 0.999 }, 0.001),
        OptimiserArg::Sgd => (Optimiser::Sgd, 0.1),
    };
    Schedule {
        optimiser,
        rate: recipe.rate.unwrap_or(rate),
        batch: recipe.batch,
        epochs: recipe.epochs,
        l2: recipe.l2,
        seed: recipe.seed,
        validation: recipe.validation,
        judge_every: recipe.judge_every,
        patience: recipe.patience,
        steps_at_once: 64,
    }
}

fn outcome(recipe: &RecipeArgs, lead: &str) -> Outcome {
    if recipe.keep_as_shares {
        return Outcome::KeptAsShares;
    }
    Outcome::OpenTo(recipe.open_to.clone().unwrap_or_else(|| lead.to_owned()))
}

fn privacy(recipe: &RecipeArgs) -> Option<PrivacyChoice> {
    let (multiplier, norm) = recipe.noise.zip(recipe.norm)?;
    Some(PrivacyChoice { multiplier, norm, delta: 1e-5 })
}
