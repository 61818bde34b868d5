//! Files that roles and clients read: keys, configurations, certificates, records, names of networks.

use privet_bench::{networks, record::Record};
use privet_deploy::bundle::PublicBundle;
use privet_serve::certificate::read_pem;
use privet_serve::config::{EnclaveConfig, HeConfig, KeysConfig, PartyConfig, PlainConfig};
use privet_serve::deployment::DeploymentFile;
use privet_serve::{Limits, MachineKey, PublicKey};
use privet_tee::token::OwnerKey;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::seeds;
use crate::target::{Target, theirs};

pub(super) const TARGETS: &[Target] = &[
    Target::new("configuration", configuration, configurations),
    Target::new("deployment", deployment, deployments),
    Target::new("key_file", key_file, key_files),
    Target::new("certificate", certificate, || seeds::files(&["tee-vectors"], ".pem")),
    Target::new("record", record, || seeds::files(&["docs/bench"], ".json")).with_memory(16, 512),
    Target::new("network", network, || ["lan", "wan", "10ms", "10ms,100Mbit/s"].map(Vec::from).into()),
];

fn configurations() -> Vec<Vec<u8>> {
    let common = "listen = \"0.0.0.0:7101\"\nkey = \"k\"\norigins = [\"https://a.example\"]\n";
    let limits = "[limits]\nmessage_bytes = 1\nconnections = 2\npatience_seconds = 3\nrows_per_minute = 4\n";
    let of = |own: &str, tables: &str| format!("{common}{own}{tables}{limits}").into_bytes();
    vec![
        of("model = \"m.onnx\"\nname = \"m\"\nreveal = \"label\"\nthreshold = 0.5\n", ""),
        of("bundle = \"b\"\n", "[peers]\nprevious = \"c:1\"\nnext = \"b:2\"\n"),
        of(
            "bundle = \"b\"\nmodel = \"m\"\nattester = \"auto\"\nreplicas = 2\n",
            "[keys]\nurl = \"u\"\nkey = \"k\"\n",
        ),
        of("secrets = [\"s\"]\npolicy = \"p\"\nstate = \"d\"\n", "[floors]\nm = 2\n"),
    ]
}

fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let limits = [
        as_written::<PlainConfig>(text).map(|config| config.limits),
        as_written::<PartyConfig>(text).map(|config| config.limits),
        as_written::<HeConfig>(text).map(|config| config.limits),
        as_written::<EnclaveConfig>(text).map(|config| config.limits),
        as_written::<KeysConfig>(text).map(|config| config.limits),
    ];
    for limits in limits.into_iter().flatten() {
        let _ = Limits::from(limits);
    }
}

/// What was read, which is written and read again as the same.
fn as_written<T: Serialize + DeserializeOwned>(text: &str) -> Option<T> {
    let value: T = toml::from_str(text).ok()?;
    let written = toml::to_string(&value).unwrap_or_else(|e| panic!("what was read cannot be written: {e}"));
    let again: Result<T, _> = toml::from_str(&written);
    let again = again.unwrap_or_else(|e| panic!("what was written cannot be read: {e}"));
    assert_eq!(toml::to_string(&again).ok().as_ref(), Some(&written), "it is read as another");
    Some(value)
}

fn deployments() -> Vec<Vec<u8>> {
    let endpoint =
        "[[endpoints]]\nname = \"a\"\nhttp_url = \"https://a:1\"\ngrpc_url = \"https://a:1\"\nkey = \"k\"\n";
    let public = super::bundles::public();
    let (digest, public) = (public.digest_hex(), toml::Value::String(public.json().into()));
    vec![
        format!("name = \"m\"\nkind = \"mpc\"\npublic = {public}\ndigest = \"{digest}\"\n{endpoint}")
            .into_bytes(),
    ]
}

fn deployment(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(file) = as_written::<DeploymentFile>(text) else { return };
    let _ = theirs(PublicBundle::parse(&file.public));
    for key in file.endpoints.into_iter().filter_map(|endpoint| endpoint.key) {
        let _ = theirs(key.parse::<PublicKey>());
    }
}

fn key_files() -> Vec<Vec<u8>> {
    let key = super::world::made(MachineKey::generate("bank-a"));
    let text = super::world::made(key.to_text());
    vec![
        text.as_bytes().to_vec(),
        key.public().to_string().into_bytes(),
        format!("privet-owner1 {}\n", "07".repeat(32)).into_bytes(),
    ]
}

fn key_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(key) = theirs(MachineKey::from_text(text)) {
        let written = key.to_text().unwrap_or_else(|e| panic!("{e}"));
        let again = MachineKey::from_text(&written).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(again.public().to_bytes(), key.public().to_bytes(), "it is read as another");
    }
    if let Some(key) = theirs(text.parse::<PublicKey>()) {
        let again = key.to_string().parse::<PublicKey>();
        assert!(again.is_ok_and(|again| again.to_bytes() == key.to_bytes()), "it is read as another");
    }
    if let Some(key) = OwnerKey::from_text(text) {
        let again = OwnerKey::from_text(&key.to_text());
        assert_eq!(again.map(|again| again.public()), Some(key.public()), "it is read as another");
    }
}

fn certificate(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = theirs(read_pem(text));
        let _ = privet_serve::tls::authority_client(text, None);
    }
}

fn record(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(record) = theirs(Record::parse(text)) else { return };
    let written = serde_json::to_string(&record).unwrap_or_default();
    let again = Record::parse(&written).unwrap_or_else(|e| panic!("what was written cannot be read: {e}"));
    assert_eq!(serde_json::to_string(&again).ok(), Some(written), "it is read as another");
}

fn network(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = networks::parse(text);
    }
}
