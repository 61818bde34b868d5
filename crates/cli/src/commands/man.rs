//! `privet man`: a manual page for each command, of what its `--help` says.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, Command, CommandFactory as _};
use privet_deploy::Error;

use crate::args::{Arguments, ManArgs};
use crate::failure::Failure;
use crate::output::print;

pub(crate) fn run(args: &ManArgs) -> Result<ExitCode, Failure> {
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    let source = format!("privet {}", program.get_version().unwrap_or_default());
    std::fs::create_dir_all(&args.out).map_err(|e| unwritten(&args.out, &e))?;
    for path in pages(&program, &args.out, &source)? {
        print(&path.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of a command, and those of its own commands.
fn pages(command: &Command, folder: &Path, source: &str) -> Result<Vec<PathBuf>, Failure> {
    let path = folder.join(format!("{}.1", name(command)));
    std::fs::write(&path, page(command, source)).map_err(|e| unwritten(&path, &e))?;
    let mut written = vec![path];
    for sub in command.get_subcommands() {
        written.extend(pages(sub, folder, source)?);
    }
    Ok(written)
}

fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// The page, in the language of `man(7)`.
fn page(command: &Command, source: &str) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let head = format!(".TH \"{}\" 1 \"\" \"{source}\" privet\n", name(command));
    let options: String = command.get_arguments().map(option).collect();
    let commands: String = command.get_subcommands().map(entry).collect();
    let named = format!("{} \\- {}\n", escaped(name(command)), escaped(&about));
    let sections = [
        ("NAME", named),
        ("SYNOPSIS", format!("{}\n", escaped(usage.trim_start_matches("Usage: ").trim()))),
        ("DESCRIPTION", format!("{}\n", escaped(&about))),
        ("OPTIONS", options),
        ("COMMANDS", commands),
        ("EXAMPLES", examples(command)),
    ];
    let shown = sections.into_iter().filter(|(_, text)| !text.is_empty());
    shown.fold(head, |page, (title, text)| page + ".SH " + title + "\n" + &text)
}

fn option(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let listed = |what: &str, values: Vec<String>| {
        if values.is_empty() { String::new() } else { format!(" [{what}: {}]", values.join(", ")) }
    };
    let default = arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let possible = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let text = format!("{help}{}{}", listed("default", default), listed("possible values", possible));
    tagged(&format!("{short}{arg}"), &text)
}

fn entry(command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    tagged(&format!("{}(1)", name(command)), &about)
}

/// A word in bold, and what it means.
fn tagged(word: &str, text: &str) -> String {
    format!(".TP\n\\fB{}\\fR\n{}\n", escaped(word), escaped(text))
}

/// The examples, each on a line of its own, without the word before them.
fn examples(command: &Command) -> String {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let lines = text.lines().skip(1).map(|line| format!("{}\n", escaped(line.trim_start())));
    format!(".nf\n{}.fi\n", lines.collect::<String>())
}

/// A text as it is, in the one character set that every reader of manual pages knows.
fn escaped(text: &str) -> String {
    let written = |c: char| match c {
        '\\' => "\\e".to_owned(),
        '-' => "\\-".to_owned(),
        '\'' => "\\(aq".to_owned(),
        '`' => "\\(ga".to_owned(),
        c if c.is_ascii() => c.to_string(),
        c => format!("\\[u{:04X}]", u32::from(c)),
    };
    // A line that begins with a point would be an order.
    let line = |line: &str| format!("\\&{}", line.chars().map(written).collect::<String>());
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    let what = format!("`{}` cannot be written: {error}. Name another folder with `--out`.", path.display());
    Error::usage("E144", what).into()
}
