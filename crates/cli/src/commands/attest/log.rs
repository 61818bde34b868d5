//! `privet attest log`.

use std::process::ExitCode;

use privet_deploy::{Blame, Error};
use privet_serve::config::read_text;
use privet_tee::release::log::{Broken, Chain, Entry};
use privet_tee::statement::Hex;
use privet_tee::verify::rfc3339;

use crate::args_attest::LogArgs;
use crate::commands::read_bundle;
use crate::failure::Failure;
use crate::output::print;

pub(super) fn run(args: &LogArgs) -> Result<ExitCode, Failure> {
    let key = |path| Ok(read_bundle(path)?.tee()?.keys);
    let keys = args.bundle.iter().map(|path| key(path)).collect::<Result<Vec<Hex<32>>, Error>>()?;
    let text = read_text(&args.log)?;
    let (_, entries, broken) = Chain::follow(text.lines(), &keys);
    if args.json {
        let broken = broken.as_ref().map(|b| serde_json::json!({ "line": b.line, "why": b.why }));
        let pinned = !keys.is_empty();
        print(&serde_json::json!({ "entries": entries, "pinned": pinned, "broken": broken }).to_string());
    } else {
        for entry in &entries {
            print(&line(entry));
        }
        say(args, entries.len(), broken.as_ref(), keys.is_empty());
    }
    Ok(broken.map_or(ExitCode::SUCCESS, |_| ExitCode::from(Blame::Integrity.exit_code())))
}

fn line(entry: &Entry) -> String {
    let Entry { number, outcome, model, version, kind, assurance, .. } = entry;
    let short = |text: &str| text.get(..16).map_or_else(|| text.to_owned(), |start| format!("{start}…"));
    let measured = entry.measurements.iter().map(|(name, value)| format!(" {name} {}", short(value)));
    let machine = entry.platform.as_deref().map(|p| format!(", machine {}", short(p))).unwrap_or_default();
    let unlogged = match entry.unlogged {
        0 => String::new(),
        n => format!(", after {n} refusals without a line"),
    };
    let (at, measured) = (rfc3339(entry.time), measured.collect::<String>());
    format!(
        "{number:>5} {at} {outcome}: {model} version {version} to {kind} ({assurance}){measured}{machine}{unlogged}"
    )
}

fn say(args: &LogArgs, entries: usize, broken: Option<&Broken>, any_key: bool) {
    let log = args.log.display();
    match broken {
        Some(broken) => {
            eprintln!("E369 `{log}` breaks at {broken}. Nothing after that line can be believed.");
        }
        None => eprintln!(
            "`{log}` holds: {entries} lines. Whether lines are missing at its end, only a copy elsewhere shows."
        ),
    }
    if any_key {
        eprintln!(
            "Any signing key was taken. With `--bundle deployment.toml`, only your key service's own is."
        );
    }
}
