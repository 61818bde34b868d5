//! `privet bench report` and `privet bench compare`.

use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use comfy_table::Table;
use privet_bench::report::compare::{
    Alone, Change, Comparison, Judged, Place, Side, compare as compare_records,
};
use privet_bench::report::contents::contents;
use privet_bench::report::document::{Block, Figure};
use privet_bench::report::markdown::markdown;
use privet_bench::report::page::page;
use privet_bench::report::panel::Named;
use privet_deploy::{Blame, Error};

use super::bench::read_record;
use crate::args_bench::{CompareArgs, ReportArgs};
use crate::commands::table::table;
use crate::failure::Failure;
use crate::output::{count, print, seconds};

pub(crate) fn report(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let sources = args.records.iter().map(|path| source(path)).collect::<Result<Vec<_>, Error>>()?;
    let blocks = contents(&sources);
    if let Some(path) = &args.output {
        write(path, &page(&blocks))?;
    }
    if let Some(folder) = &args.plots {
        for figure in figures(&blocks) {
            write(&folder.join(format!("{}.svg", figure.name)), &figure.svg.standalone())?;
        }
    }
    if let Some(path) = &args.markdown {
        let plots = args.plots.as_ref().map(|folder| relative(path, folder)).transpose()?;
        write(path, &markdown(&blocks, plots.as_deref()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn source(path: &Path) -> Result<Named, Error> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(Named { name, record: read_record(path)? })
}

fn figures(blocks: &[Block]) -> impl Iterator<Item = &Figure> {
    let all =
        blocks.iter().filter_map(|block| if let Block::Figures(all) = block { Some(all) } else { None });
    all.flatten()
}

/// Writes a file, and makes its folder. `E905` where that is not possible.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(path, text)).map_err(|e| unwritable(path, &e))
}

fn unwritable(path: &Path, e: &std::io::Error) -> Error {
    Error::new(Blame::Ours, "E905", format!("`{}` cannot be written: {e}.", path.display()))
}

/// A folder as a file names it, with slashes: from the folder that the file is in.
fn relative(file: &Path, folder: &Path) -> Result<String, Error> {
    let parts = |path: &Path| -> Result<Vec<String>, Error> {
        Ok(normal(&std::path::absolute(path).map_err(|e| unwritable(path, &e))?))
    };
    let (mut from, to) = (parts(file)?, parts(folder)?);
    from.pop();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from.iter().skip(shared).map(|_| "..".to_owned());
    let all: Vec<String> = up.chain(to.into_iter().skip(shared)).collect();
    Ok(if all.is_empty() { ".".into() } else { all.join("/") })
}

/// The names of an absolute path, without those that a `..` takes back.
fn normal(path: &Path) -> Vec<String> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::Normal(name) => out.push(name),
            _ => {}
        }
    }
    out.iter().map(|name| name.to_string_lossy().into_owned()).collect()
}

pub(crate) fn compare(args: &CompareArgs) -> Result<ExitCode, Failure> {
    let comparison = compare_records(&read_record(&args.before)?, &read_record(&args.after)?);
    if args.json {
        print(&serde_json::to_string(&comparison).map_err(|e| Failure::ours(e.to_string()))?);
    } else {
        show(&comparison);
    }
    Ok(ExitCode::SUCCESS)
}

fn show(comparison: &Comparison) {
    comparison.differences.iter().for_each(|difference| print(&format!("Differs in {difference}.")));
    for changes in comparison.results.chunk_by(|a, b| setting(&a.place) == setting(&b.place)) {
        changes.iter().take(1).for_each(|first| print(&format!("\n{}", setting(&first.place))));
        print(&changed(changes).to_string());
    }
    let alone = |when: &str, all: &[Alone]| {
        for Alone { place, is_simulated } in all {
            print(&format!("Only {when}: {}, {}.", setting(place), named(place, *is_simulated)));
        }
    };
    alone("before", &comparison.only_before);
    alone("after", &comparison.only_after);
    print(match comparison.judged_by {
        Judged::Time => {
            "Judged by seconds: faster or slower where the 95 % intervals of the two medians do not overlap."
        }
        Judged::RatioToPlain => {
            "Machines or models differ, so judged by ratios to plain: faster or slower where their 95 % intervals do not overlap."
        }
    });
}

fn changed(changes: &[Change]) -> Table {
    let head =
        ["who", "before", "after", "change", "to plain before", "after", "worst error", "bound", "verdict"];
    let mut out = table(&head);
    for change in changes {
        out.add_row(row(change));
    }
    out
}

fn row(change: &Change) -> [String; 9] {
    let Change { before, after, .. } = change;
    let error = |side: &Side| format!("{:.1e}", side.max_error);
    let bound = |side: &Side| side.bound.map_or("-".into(), |bound| format!("{bound:.1e}"));
    [
        named(&change.place, change.is_simulated),
        time(before),
        time(after),
        format!("{:+.1} %", change.change_percent),
        ratio(before),
        ratio(after),
        both(error(before), &error(after)),
        both(bound(before), &bound(after)),
        change.verdict.name().into(),
    ]
}

/// Two values, or one if they are the same.
fn both(before: String, after: &str) -> String {
    if before == after { before } else { format!("{before}, now {after}") }
}

/// A median, and its interval as what lies below and above it.
fn time(side: &Side) -> String {
    let noise = side.interval_s.map(|i| format!(" ({} to {})", seconds(i.low), seconds(i.high)));
    seconds(side.median_s) + &noise.unwrap_or_default()
}

fn ratio(side: &Side) -> String {
    side.ratio_to_plain.map_or("-".into(), |i| format!("{:.2}x ({:.2} to {:.2})", i.median, i.low, i.high))
}

/// What the lines of one table have in common.
fn setting(place: &Place) -> String {
    let Place { model, reveal, network, .. } = place;
    let accuracy = place.accuracy.map_or(String::new(), |accuracy| format!(" at {accuracy:e}"));
    format!("{model}, {reveal}{accuracy}, {network}")
}

/// What tells them apart.
fn named(place: &Place, is_simulated: bool) -> String {
    let system = if place.system == "privet" { String::new() } else { format!("{} ", place.system) };
    let simulated = if is_simulated { " (SIMULATED)" } else { "" };
    let ways = [place.protocol.as_ref(), place.protect.as_ref()].into_iter().flatten();
    let ways: Vec<String> = ways.map(|way| format!(", {way}")).collect();
    let Place { kind, concurrency, batch, .. } = place;
    let (ways, batch) = (ways.concat(), count(*batch as f64));
    format!("{system}{kind}{simulated}{ways}, batch {batch}, {concurrency} in flight")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plots_are_named_from_the_folder_of_the_file() {
        let from = |file: &str, folder: &str| relative(Path::new(file), Path::new(folder)).ok();
        assert_eq!(from("BENCHMARKS.md", "docs/bench/plots").as_deref(), Some("docs/bench/plots"));
        assert_eq!(from("docs/a.md", "plots").as_deref(), Some("../plots"));
        assert_eq!(from("docs/a.md", "docs/../docs").as_deref(), Some("."));
        assert_eq!(from("/a/b/c.md", "/a/d").as_deref(), Some("../d"));
    }
}
