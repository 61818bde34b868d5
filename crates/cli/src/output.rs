//! What a command prints: answers on standard output, everything else on standard error, progress only to people.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use privet_serve::steps::{Steps, is_step};
use privet_serve::telemetry;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Prints a line on standard output. A reader that has gone away is no error: the command is of no use to it any more.
pub(crate) fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Log lines of roles go to standard error; `RUST_LOG` chooses which, as `info` or `warn,privet_serve=debug`, and `PRIVET_LOG=json` makes
/// each one a JSON object. Nothing that is secret can be logged: its types have no text.
pub(crate) fn start_logging() {
    let chosen = std::env::var("RUST_LOG").ok().and_then(|text| text.parse().ok());
    let targets = chosen.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let steps = telemetry::is_wanted().then(|| Steps.with_filter(filter_fn(is_step)));
    let registry = tracing_subscriber::registry().with(steps);
    if std::env::var("PRIVET_LOG").is_ok_and(|format| format == "json") {
        registry.with(lines.json().flatten_event(true).with_filter(targets)).init();
    } else {
        registry.with(lines.with_filter(targets)).init();
    }
}

/// A bar on standard error that appears only where a person looks.
pub(crate) fn progress(length: u64, what: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {eta} left");
    let bar = ProgressBar::new(length).with_message(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// The same for many rows, some of which are done already: also how fast they go.
pub(crate) fn rate(length: u64, done: u64) -> ProgressBar {
    let bar = progress(length, "rows").with_position(done);
    let template = "{wide_bar} {human_pos}/{human_len} {msg}, {rate}/s, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{}", count(state.per_sec()));
        };
        bar.set_style(style.with_key("rate", rate));
    }
    bar.reset_eta();
    bar
}

/// Seconds as people read them.
pub(crate) fn seconds(s: f64) -> String {
    match s {
        s if s < 1e-3 => format!("{:.0} µs", s * 1e6),
        s if s < 1.0 => format!("{:.2} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

/// Bytes as people read them.
pub(crate) fn bytes(n: f64) -> String {
    match n {
        x if x < 1e4 => format!("{x:.0} B"),
        x if x < 1e6 => format!("{:.1} kB", x / 1e3),
        x if x < 1e9 => format!("{:.1} MB", x / 1e6),
        x => format!("{:.2} GB", x / 1e9),
    }
}

/// A count with thin groups of three digits.
pub(crate) fn count(x: f64) -> String {
    let digits = format!("{x:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(count(1_234_567.0), "1 234 567");
        assert_eq!(count(999.0), "999");
        assert_eq!(seconds(0.000_123), "123 µs");
        assert_eq!(seconds(0.0123), "12.30 ms");
        assert_eq!(bytes(6_900.0), "6900 B");
        assert_eq!(bytes(54_000_000.0), "54.0 MB");
    }
}
