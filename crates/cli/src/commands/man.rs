//! `privet man`: a manual page for each command, of what its `--help` says.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::Resettable;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use privet_deploy::Error;

use crate::args::{Arguments, ManArgs};
use crate::failure::Failure;
use crate::output::print;

pub(crate) fn run(args: &ManArgs) -> Result<ExitCode, Failure> {
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    let version = program.get_version().unwrap_or_default().to_owned();
    std::fs::create_dir_all(&args.out).map_err(|e| unwritten(&args.out, &e))?;
    for path in pages(&program, &args.out, &format!("privet {version}"))? {
        print(&path.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of a command, and those of its own commands.
fn pages(command: &Command, folder: &Path, source: &str) -> Result<Vec<PathBuf>, Failure> {
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let man = Man::new(command.clone().after_help(Resettable::Reset)).source(source).manual("privet");
    let path = folder.join(man.get_filename());
    let mut text = Vec::new();
    // What is written into memory cannot fail; the file can.
    let rendered = man.render(&mut text).and_then(|()| examples_section(&examples).to_writer(&mut text));
    let written = rendered.and_then(|()| std::fs::write(&path, ascii(&String::from_utf8_lossy(&text))));
    written.map_err(|e| unwritten(&path, &e))?;
    let mut written = vec![path];
    for sub in command.get_subcommands() {
        written.extend(pages(sub, folder, source)?);
    }
    Ok(written)
}

/// The examples, each on a line of its own, without the word before them.
fn examples_section(examples: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in examples.lines().skip(1) {
        roff.text([roman(line.trim_start())]);
    }
    roff.control("fi", []);
    roff
}

/// In the one character set that every reader of manual pages knows.
fn ascii(text: &str) -> String {
    let escaped = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\[u{:04X}]", u32::from(c)) };
    text.chars().map(escaped).collect()
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    let what = format!("`{}` cannot be written: {error}. Name another folder with `--out`.", path.display());
    Error::usage("E144", what).into()
}
