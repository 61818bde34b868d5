//! The page of configurations has every key of every role, made from the source, and every sample in a document is read.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use privet_deploy::train::agreement::{
    Agreement, ModelChoice, OwnerEntry, PartyEntry, PrivacyChoice, Schedule,
};
use privet_serve::clients::ClientConfig;
use privet_serve::config::{
    AlsoConfig, EnclaveConfig, HeConfig, KeysConfig, KeysEndpoint, LimitsConfig, PartyConfig, PeersConfig,
    PlainConfig,
};
use privet_serve::deployment::DeploymentFile;
use privet_serve::limits::Limits;
use privet_serve::training::trainer::TrainerConfig;
use privet_serve::web::{FieldConfig, WebConfig};
use privet_tee::policy::Policy;
use serde::de::DeserializeOwned;

use crate::docs_reading::blocks;
use crate::docs_tests::{documents, read, root};

const PAGE: &str = "docs/reference/configuration.md";
const SOURCES: [&str; 5] = [
    "crates/serve/src/config.rs",
    "crates/serve/src/clients.rs",
    "crates/serve/src/web/config.rs",
    "crates/serve/src/training/trainer.rs",
    "crates/deploy/src/train/agreement.rs",
];
/// Where messages have their first bytes.
const MARKED: [&str; 5] = [
    "crates/deploy/src/wire.rs",
    "crates/deploy/src/dealer2/wire.rs",
    "crates/deploy/src/he/wire.rs",
    "crates/serve/src/peers/frame.rs",
    "crates/tee/src/channel/layout.rs",
];

/// A key of a configuration, as the source declares it.
struct Key {
    name: String,
    says: String,
    of: String,
    default: Option<String>,
}

/// The fields of a struct whose source is formatted by `rustfmt`.
fn keys(structure: &str) -> Vec<Key> {
    let source: String = SOURCES.iter().map(|file| read(file)).collect();
    let begin = format!("pub struct {structure} {{\n");
    let body = source.split_once(&begin).unwrap_or_else(|| panic!("no `{structure}`")).1;
    let (mut found, mut says, mut attributes) = (Vec::new(), String::new(), String::new());
    for line in body.split_once("\n}").unwrap().0.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            says.push_str(text);
        } else if line.starts_with("#[") {
            attributes.push_str(line);
        } else if let Some((name, of)) = line.strip_prefix("pub ").and_then(|field| field.split_once(": ")) {
            let of = of.trim_end_matches(',').to_owned();
            let default = default(structure, name, &of, &attributes);
            found.push(Key { name: name.into(), says: says.trim().into(), of, default });
            (says, attributes) = (String::new(), String::new());
        }
    }
    found
}

/// What holds where a key is left out; nothing where it must be there.
fn default(structure: &str, name: &str, of: &str, attributes: &str) -> Option<String> {
    if structure == "LimitsConfig" {
        return Some(limit(name));
    }
    let function = attributes.split_once("default = \"").map(|(_, rest)| rest.split('"').next().unwrap());
    match function {
        Some("one" | "first") => Some("1".into()),
        Some("all") => Some("`score`".into()),
        Some("default_protocol") => Some("`replicated3`".into()),
        Some("default_largest") => Some("8".into()),
        Some("default_most_weight") => Some("16".into()),
        Some("default_most_rows") => Some("16777216".into()),
        Some("default_validation") => Some("0.1".into()),
        Some("default_at_once") => Some("64".into()),
        Some("default_delta") => Some("0.00001".into()),
        Some(other) => panic!("what `{other}` gives must be said here"),
        None if of == "u64" && attributes.contains("default") => Some("0".into()),
        None if of == "f64" && attributes.contains("default") => Some("0".into()),
        None if of == "bool" && attributes.contains("default") => Some("`false`".into()),
        None if attributes.contains("default") || of.starts_with("Option<") => Some("-".into()),
        None => None,
    }
}

/// The default of a limit.
fn limit(name: &str) -> String {
    let limits = Limits::default();
    let any = |most: Option<usize>| most.map_or("-".into(), |most| most.to_string());
    let mebibytes = |bytes: usize| format!("{} ({} MiB)", bytes, bytes >> 20);
    match name {
        "message_bytes" => mebibytes(limits.message),
        "connections" => limits.connections.to_string(),
        "connections_per_address" => limits.connections_per_address.to_string(),
        "requests" => limits.requests.to_string(),
        "request_bytes" => mebibytes(limits.request_bytes),
        "computing_bytes" => mebibytes(limits.computing_bytes),
        "rows" => any(limits.rows),
        "requests_per_minute" => any(limits.requests_per_minute.map(|n| n as usize)),
        "patience_seconds" => limits.patience.as_secs().to_string(),
        "drain_seconds" => limits.drain.as_secs().to_string(),
        "peers_seconds" => limits.peers.as_secs().to_string(),
        "rows_per_minute" => any(limits.rows_per_minute.map(|n| n as usize)),
        "pool_bytes" => mebibytes(limits.pool),
        other => panic!("the default of `limits.{other}` must be said here"),
    }
}

/// A type in words.
fn words(of: &str) -> String {
    let inside = |outer: &str| of.strip_prefix(outer).and_then(|rest| rest.strip_suffix('>'));
    if let Some(inner) = inside("Option<") {
        return words(inner);
    }
    if let Some(inner) =
        inside("Vec<").filter(|inner| !inner.ends_with("Config") && !inner.ends_with("Entry"))
    {
        return format!("list of {}", words(inner));
    }
    let of = if of.ends_with("Config>") { of.trim_start_matches("Vec<").trim_end_matches('>') } else { of };
    match of {
        "String" => "text".into(),
        "PathBuf" => "file".into(),
        "bool" => "`true` or `false`".into(),
        "Reveal" => "`score`, `probability` or `label`".into(),
        "usize" | "u64" | "u32" | "f64" => "number".into(),
        "Arrangement" => "`horizontal`, `vertical-in-order` or `vertical-by-tags`".into(),
        "Loss" => "`logistic`, or `{ squares = { most = 16.0 } }`".into(),
        "Optimiser" => "`sgd`, or `{ adam = { first = 0.9, second = 0.999 } }`".into(),
        "Outcome" => "`{ open-to = OWNER }`, or `kept-as-shares`".into(),
        "ModelChoice" => "[table](#model)".into(),
        "Schedule" => "[table](#training)".into(),
        "PrivacyChoice" => "[table](#privacy)".into(),
        "Vec<OwnerEntry>" => "[tables](#owners)".into(),
        "Vec<PartyEntry>" => "[tables](#parties)".into(),
        "PeersConfig" => "[table](#peers)".into(),
        "LimitsConfig" => "[table](#limits)".into(),
        "ClientConfig" => "[tables](#clients)".into(),
        "AlsoConfig" => "[tables](#also)".into(),
        "KeysEndpoint" => "[table](#the-way-to-the-key-service)".into(),
        of if of.ends_with("FieldConfig") => "[table](#fields) by column".into(),
        of if of.starts_with("BTreeMap<") => "table".into(),
        other => panic!("what `{other}` is called must be said here"),
    }
}

fn table(structure: &str) -> String {
    let mut text = String::from("| key | takes | left out | what it is |\n|---|---|---|---|\n");
    for Key { name, says, of, default } in keys(structure) {
        let default = default.unwrap_or_else(|| "an error".into());
        writeln!(text, "| `{name}` | {} | {default} | {says} |", words(&of)).unwrap();
    }
    text
}

/// A page with its tables made anew.
fn filled(page: &str) -> String {
    let mut parts = page.split("<!-- keys ");
    let mut made = parts.next().unwrap().to_owned();
    for part in parts {
        let (structure, rest) = part.split_once(" -->\n").unwrap();
        let (_, after) = rest.split_once("<!-- /keys -->").unwrap();
        write!(made, "<!-- keys {structure} -->\n{}<!-- /keys -->{after}", table(structure)).unwrap();
    }
    made
}

#[test]
fn the_page_of_configurations_is_that_of_the_source() {
    let (page, made) = (read(PAGE), filled(&read(PAGE)));
    if std::env::var_os("UPDATE").is_some() {
        return std::fs::write(root().join(PAGE), made).unwrap();
    }
    assert!(page == made, "write `{PAGE}` again with `UPDATE=1 cargo test --release -p privet-cli docs`.");
}

/// The keys that a reader takes, as its own error says.
fn taken<T: DeserializeOwned>() -> Vec<String> {
    let error = toml::from_str::<T>("no-such-key = 1\n").err().unwrap().to_string();
    let listed = error.split_once("expected").unwrap_or_else(|| panic!("{error}")).1;
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_that_a_reader_takes_is_on_the_page() {
    let page = read(PAGE);
    let readers = [
        ("PlainConfig", taken::<PlainConfig>()),
        ("AlsoConfig", taken::<AlsoConfig>()),
        ("PartyConfig", taken::<PartyConfig>()),
        ("ClientConfig", taken::<ClientConfig>()),
        ("PeersConfig", taken::<PeersConfig>()),
        ("HeConfig", taken::<HeConfig>()),
        ("EnclaveConfig", taken::<EnclaveConfig>()),
        ("KeysEndpoint", taken::<KeysEndpoint>()),
        ("KeysConfig", taken::<KeysConfig>()),
        ("WebConfig", taken::<WebConfig>()),
        ("FieldConfig", taken::<FieldConfig>()),
        ("LimitsConfig", taken::<LimitsConfig>()),
        ("TrainerConfig", taken::<TrainerConfig>()),
        ("Agreement", taken::<Agreement>()),
        ("ModelChoice", taken::<ModelChoice>()),
        ("Schedule", taken::<Schedule>()),
        ("PrivacyChoice", taken::<PrivacyChoice>()),
        ("OwnerEntry", taken::<OwnerEntry>()),
        ("PartyEntry", taken::<PartyEntry>()),
    ];
    for (structure, expected) in readers {
        let (_, rest) = page.split_once(&format!("<!-- keys {structure} -->")).unwrap();
        let rows = rest.split_once("<!-- /keys -->").unwrap().0.lines();
        let named: Vec<_> =
            rows.filter_map(|row| Some(row.strip_prefix("| `")?.split_once('`')?.0)).collect();
        assert_eq!(named, expected, "{structure}");
    }
}

/// `"<96 hex digits>"` stands for so many of them.
fn written_out(sample: &str) -> String {
    let mut parts = sample.split('<');
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (count, rest) = part.split_once(" hex digits>").unwrap_or_else(|| panic!("`<{part}`"));
        text += &"5a".repeat(count.parse::<usize>().unwrap() / 2);
        text += rest;
    }
    text
}

/// Why none of the readers takes a sample, by reader.
fn refusals(sample: &str) -> Vec<String> {
    fn tried<T: DeserializeOwned>(name: &str, sample: &str) -> Option<String> {
        toml::from_str::<T>(sample).err().map(|e| format!("{name}: {e}"))
    }
    let tried = [
        tried::<PlainConfig>("plain", sample),
        tried::<PartyConfig>("party", sample),
        tried::<HeConfig>("he", sample),
        tried::<EnclaveConfig>("enclave", sample),
        tried::<KeysConfig>("keys", sample),
        tried::<WebConfig>("web", sample),
        tried::<TrainerConfig>("trainer", sample),
        tried::<DeploymentFile>("deployment", sample),
        Policy::parse(sample).err().map(|e| format!("policy: {e}")),
    ];
    if tried.iter().any(Option::is_none) { Vec::new() } else { tried.into_iter().flatten().collect() }
}

#[test]
fn every_sample_of_a_configuration_is_read() {
    let mut read_ones = 0;
    for document in documents() {
        for (info, sample) in blocks(&read(&document)) {
            // What another program reads says so behind the language.
            if info.first() != Some(&"toml") || info.get(1) == Some(&"other") {
                continue;
            }
            let refusals = refusals(&written_out(sample));
            assert!(refusals.is_empty(), "{document}:\n{sample}\n{}", refusals.join("\n"));
            read_ones += 1;
        }
    }
    assert!(read_ones > 15, "only {read_ones} samples were found");
    assert!(!refusals("listen = \"0.0.0.0:1\"\nkey = \"k\"\nbundel = \"b\"\n").is_empty());
}

#[test]
fn the_page_of_formats_has_the_versions_of_this_program() {
    let page = read("docs/reference/formats.md");
    let row = |file: &str| page.lines().find(|row| row.starts_with(&format!("| {file}"))).unwrap();
    for (file, version) in [
        ("`party-N.bundle`", format!("`format` {}", privet_deploy::bundle::FORMAT)),
        ("`public.json`", format!("`format` {}", privet_deploy::bundle::FORMAT)),
        ("policy", format!("`version` {}", privet_tee::policy::VERSION)),
        ("record of a benchmark", format!("`format` {}", privet_bench::record::FORMAT)),
    ] {
        let says = format!("| {version}");
        assert!(row(file).contains(&says), "{file} has {version}");
    }
    for file in MARKED {
        let source = read(file);
        let marks: Vec<_> = source.split("b\"PV").skip(1).map(|rest| format!("`PV{}`", &rest[..2])).collect();
        assert!(!marks.is_empty(), "{file}");
        for mark in marks {
            assert!(page.contains(&mark), "{mark} of {file} is not on the page");
        }
    }
}
