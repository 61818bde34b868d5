//! A benchmark's record as tables on a terminal.

use privet_bench::record::{Measured, Record, Started};

use crate::commands::table::table;
use crate::output::{bytes, count, print, seconds};

const HEAD: [&str; 16] = [
    "kind",
    "reveal",
    "network",
    "in flight",
    "batch",
    "median",
    "p99",
    "rows/s",
    "up",
    "between",
    "rounds",
    "worst error",
    "bound",
    "to plain",
    "to limit",
    "assurance",
];

/// The record as tables. A column in which all lines say the same is left out, and said once.
pub(crate) fn show(record: &Record) {
    let rows: Vec<_> = record.results.iter().map(row).collect();
    let is_shown =
        |column: usize| !(1..4).contains(&column) || rows.iter().any(|row| row[column] != rows[0][column]);
    let shown: Vec<usize> = (0..HEAD.len()).filter(|&column| is_shown(column)).collect();
    let mut out = table(&shown.iter().map(|&column| HEAD[column]).collect::<Vec<_>>());
    for row in &rows {
        out.add_row(shown.iter().map(|&column| row[column].clone()));
    }
    print(&out.to_string());
    show_starts(&record.starts);
    for absent in &record.absent {
        print(&format!("Not measured: {}. {}", absent.model, absent.reason));
    }
    show_machine(record);
}

fn row(r: &Measured) -> [String; 16] {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    [
        way(&r.kind, r.protocol.as_deref()),
        r.reveal.clone(),
        r.network.clone(),
        r.concurrency.to_string(),
        count(r.batch as f64),
        seconds(r.median_s),
        or_none(r.p99_s.map(seconds)),
        count(r.rows_per_s),
        or_none(r.bytes_up.map(|n| bytes(n as f64))),
        or_none(r.bytes_between.map(|n| bytes(n as f64))),
        or_none(r.rounds.map(|n| n.to_string())),
        format!("{:.1e}", r.max_error),
        or_none(r.bound.map(|b| format!("{b:.1e}"))),
        or_none(r.ratio_to_plain.map(|x| format!("{x:.2}x"))),
        or_none(r.over_limit.map(|x| format!("{x:.2}x"))),
        r.assurance.clone(),
    ]
}

/// The kind, and the protocol where it has several.
fn way(kind: &str, protocol: Option<&str>) -> String {
    protocol.filter(|_| kind == "mpc").map_or(kind.into(), |protocol| format!("{kind} ({protocol})"))
}

/// What comes before steady requests.
pub(crate) fn show_starts(starts: &[Started]) {
    let mut out = table(&["kind", "cold start", "evidence", "verification", "first request", "assurance"]);
    let or_none = |s: Option<f64>| s.map_or("-".into(), seconds);
    for start in starts {
        out.add_row([
            way(&start.kind, start.protocol.as_deref()),
            seconds(start.cold_start_s),
            or_none(start.evidence_s),
            or_none(start.verification_s),
            seconds(start.first_request_s),
            start.assurance.clone(),
        ]);
    }
    print(&out.to_string());
}

fn show_machine(record: &Record) {
    let machine = &record.machine;
    print(&format!("{}, {} cores, load {}.", machine.processor, machine.cores, machine.load));
    let Some(limits) = &record.limits else { return };
    print(&format!(
        "Limits: a round trip {}, to three servers {}; TLS {}/s of processor time; one core {} expansions/s, {} products/s.",
        seconds(limits.round_trip_s),
        seconds(limits.three_round_trips_s),
        bytes(limits.tls_bytes_per_cpu_s),
        count(limits.expansions_per_s),
        count(limits.products_per_s),
    ));
}
