//! `privet-credit train`.

mod args;
mod bar;
mod summary;

use std::process::ExitCode;
use std::time::Instant;

use self::summary::{Files, Summary};
use super::scores::write_scores;
use crate::failure::Failure;
use crate::onnx;
use crate::output::{print, write_whole};
use crate::report::{Dropped, Facts, Report, groups::groups, report};
use crate::train::{Outcome, Trained};

pub(crate) use self::args::Train;
pub(crate) use self::bar::Bar;

pub(crate) fn run(args: &Train) -> Result<ExitCode, Failure> {
    let start = Instant::now();
    let bar = Bar::new();
    let trained = crate::train::run(&args.options(), &|progress| bar.show(progress))?;
    bar.finish();
    let summary = write(args, &trained, start)?;
    for warning in &summary.warnings {
        eprintln!("warning: {warning}");
    }
    if args.json {
        print(&serde_json::to_string(&summary).map_err(|e| Failure::ours(e.to_string()))?);
    } else {
        summary.tell();
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes everything.
fn write(args: &Train, trained: &Trained, start: Instant) -> Result<Summary, Failure> {
    let Trained { outcome, undropped, file } = trained;
    let dropped = undropped.as_ref().map(|with| compared(args, with, outcome)).transpose()?.flatten();
    let report = reported(args, outcome, dropped.as_ref())?;
    let beside = |suffix: &str| args.out.with_extension(suffix);
    let preparation = beside("preparation.json");
    let reports = [beside("report.json"), beside("report.html")];
    onnx::write(outcome, args.preparation, &args.out)?;
    file.write(&preparation)?;
    let json = serde_json::to_string_pretty(&report).map_err(|e| Failure::ours(e.to_string()))?;
    write_whole(&reports[0], json.as_bytes())?;
    write_whole(&reports[1], report.html().as_bytes())?;
    if let Some(path) = &args.scores {
        write_scores(path, &outcome.parts)?;
    }
    let files = Files { model: args.out.clone(), preparation, report: reports };
    Ok(Summary::new(files, outcome, dropped, &args.drop, start.elapsed()))
}

/// What dropping features cost on the part that counts.
fn compared(args: &Train, with: &Outcome, without: &Outcome) -> Result<Option<Dropped>, Failure> {
    let parts = with.counting().zip(without.counting());
    parts.map(|(with, without)| Dropped::compare(args.drop.clone(), with, without)).transpose()
}

fn reported(args: &Train, outcome: &Outcome, dropped: Option<&Dropped>) -> Result<Report, Failure> {
    let groups = outcome.counting().map_or_else(|| Ok(Vec::new()), |part| groups(&args.features, part))?;
    let name = args.features.file_name().unwrap_or_default().display();
    let facts = Facts {
        seed: args.fitting.seed,
        options: args.named(),
        source: args.source.clone().unwrap_or_else(|| format!("Rows of {name}.")),
        rows: outcome.parts.iter().map(|part| (part.name.into(), part.ids.len() as u64)).collect(),
    };
    Ok(report(outcome, &groups, dropped, &facts))
}
