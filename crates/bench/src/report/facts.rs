//! On what and how records were measured: tables over all of them.

use crate::record::{Prices, Record};
use crate::report::document::{NOTHING, Table};
use crate::report::panel::{Named, is_simulated};
use crate::report::tables::known;
use crate::report::text::{bytes, count, date, seconds};

/// Letters of a hash that are shown.
const SHOWN: usize = 16;

/// One column for each record.
pub fn runs(sources: &[Named]) -> Table {
    type Of = fn(&Record) -> String;
    let facts: [(&str, Of); 12] = [
        ("model", |r| r.model.clone()),
        ("its file (BLAKE3)", |r| hash(&r.model_digest)),
        ("rows", |r| r.rows.clone()),
        ("their values (BLAKE3)", |r| hash(&r.rows_digest)),
        ("seed of made-up rows", |r| known(r.seed.map(|seed| seed.to_string()))),
        ("processor", |r| r.machine.processor.clone()),
        ("cores", |r| r.machine.cores.to_string()),
        ("kernel", |r| r.machine.kernel.clone()),
        ("version, commit", |r| format!("{}, {}", r.machine.version, r.machine.commit)),
        ("began", |r| date(r.machine.began)),
        ("load when it began", |r| r.machine.load.clone()),
        ("went on later", |r| known(resumed(r))),
    ];
    let mut table = per_record("What was measured, on what and when", sources);
    table.rows.extend(facts.map(|(fact, of)| row(fact, sources, of)));
    table.rows.push(row("prices", sources, |r| {
        let Prices { core_hour, gigabyte } = r.prices;
        format!("{core_hour} USD for a core's hour, {gigabyte} USD for 10^9 bytes that leave a server")
    }));
    without_empty_rows(table)
}

fn per_record(caption: &str, sources: &[Named]) -> Table {
    let names = sources.iter().map(|source| source.name.as_str());
    Table::of_words(caption, &[""].into_iter().chain(names).collect::<Vec<_>>())
}

fn row(fact: &str, sources: &[Named], of: impl Fn(&Record) -> String) -> Vec<String> {
    let cells = sources.iter().map(|source| of(&source.record));
    [fact.to_owned()].into_iter().chain(cells).collect()
}

fn without_empty_rows(mut table: Table) -> Table {
    table.rows.retain(|row| row.iter().skip(1).any(|cell| !cell.is_empty() && cell != NOTHING));
    table
}

fn hash(hex: &str) -> String {
    let head: String = hex.chars().take(SHOWN).collect();
    if head.len() < hex.len() { head + "…" } else { head }
}

fn resumed(record: &Record) -> Option<String> {
    let times = record.resumed.iter().map(|r| format!("{} at load {}", date(r.began), r.load));
    let times: Vec<String> = times.collect();
    (!times.is_empty()).then(|| times.join("; "))
}

/// What each machine can do at best.
pub fn limits(sources: &[Named]) -> Table {
    use crate::limits::Limits;
    type Of = fn(&Limits) -> String;
    let facts: [(&str, Of); 11] = [
        ("bytes through one TCP connection on loopback", |l| format!("{}/s", bytes(l.loopback_bytes_per_s))),
        ("a small request over TLS to one server", |l| seconds(l.round_trip_s)),
        ("to three servers at once", |l| seconds(l.three_round_trips_s)),
        ("bytes over TLS, by processor time of both ends", |l| format!("{}/s", bytes(l.tls_bytes_per_cpu_s))),
        ("bytes hashed by one core", |l| format!("{}/s", bytes(l.hashed_bytes_per_s))),
        ("ring elements that one core expands from a seed", |l| format!("{}/s", count(l.expansions_per_s))),
        ("values that one core encodes", |l| format!("{}/s", count(l.encodings_per_s))),
        ("ring elements that one core packs", |l| format!("{}/s", count(l.packings_per_s))),
        ("and unpacks", |l| format!("{}/s", count(l.unpackings_per_s))),
        ("multiply-accumulates modulo 2^64 of one core", |l| format!("{}/s", count(l.products_per_s))),
        ("multiply-accumulates in float64 of one core", |l| format!("{}/s", count(l.float_products_per_s))),
    ];
    let mut table = per_record("What the machine can do at best, measured beside the benchmark", sources);
    let of = |of: Of| move |r: &Record| known(r.limits.as_ref().map(of));
    table.rows.extend(facts.map(|(fact, limit)| row(fact, sources, of(limit))));
    without_empty_rows(table)
}

/// The networks between the roles.
pub fn networks(sources: &[Named]) -> Table {
    let head = ["network", "round trip added", "bits per second of a connection", "how"];
    let mut table = Table::of_words("Networks", &head);
    for network in sources.iter().flat_map(|source| &source.record.networks) {
        let rate = network.bits_per_s.map_or("all that the machine can".into(), count);
        let row = vec![network.name.clone(), seconds(network.round_trip_s), rate, network.how.clone()];
        if !table.rows.contains(&row) {
            table.rows.push(row);
        }
    }
    table
}

/// A kind by its name, and whether it was simulated in this record.
pub fn who(record: &Record, system: &str, kind: &str) -> String {
    let name = if system == "privet" { kind.to_owned() } else { format!("{system} {kind}") };
    let is_this = |s: &str, k: &str| (s, k) == (system, kind);
    let simulated = record.results.iter().any(|m| is_this(&m.system, &m.kind) && is_simulated(&m.assurance))
        || record.starts.iter().any(|s| is_this("privet", &s.kind) && is_simulated(&s.assurance));
    if simulated { format!("{name} (SIMULATED)") } else { name }
}

/// What was asked for and not measured.
pub fn absent(sources: &[Named]) -> Table {
    let mut table = Table::of_words("Not measured", &["what", "system", "why"]);
    for absent in sources.iter().flat_map(|source| &source.record.absent) {
        table.rows.push(vec![absent.model.clone(), absent.system.clone(), absent.reason.clone()]);
    }
    table
}

/// On what terms each system answers: one column for each system.
pub fn terms(sources: &[Named]) -> Table {
    let all: Vec<_> = sources.iter().flat_map(|source| &source.record.terms).collect();
    let mut systems: Vec<&str> = all.iter().map(|(system, _)| system.as_str()).collect();
    systems.sort_unstable();
    systems.dedup();
    let mut topics: Vec<&str> = all.iter().flat_map(|(_, terms)| terms.keys().map(String::as_str)).collect();
    topics.sort_unstable();
    topics.dedup();
    let said = |system: &str, topic: &str| {
        all.iter().filter(|(name, _)| *name == system).find_map(|(_, terms)| terms.get(topic)).cloned()
    };
    let head: Vec<&str> = [""].into_iter().chain(systems.iter().copied()).collect();
    let mut table = Table::of_words("On what terms each system answers", &head);
    for topic in topics {
        let cells = systems.iter().map(|system| known(said(system, topic)));
        table.rows.push([topic.to_owned()].into_iter().chain(cells).collect());
    }
    table
}
