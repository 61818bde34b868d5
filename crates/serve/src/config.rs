//! The configuration of one role: one TOML file. An unknown key is an error that lists the known ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use privet_deploy::Error;
use privet_deploy::kind::Reveal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clients::ClientConfig;
use crate::limits::Limits;

/// `privet serve plain --config FILE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlainConfig {
    /// `HOST:PORT`; port 0 takes a free one.
    pub listen: String,
    /// This machine's secret key, made by `privet keygen`.
    pub key: PathBuf,
    /// The exported model.
    pub model: PathBuf,
    /// The name under which it is served.
    pub name: String,
    /// The owner's number of this version of it.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub version: u64,
    /// What clients get of an answer, as the bundle says.
    #[serde(default = "all", skip_serializing_if = "is_all")]
    pub reveal: Reveal,
    /// With `reveal = "label"`: above which number a label is the second of two classes. Without one, the model's own rule decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// A certificate (PEM) for this machine's key; without, one is made that only clients which pin keys accept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Pages that may ask from a browser, as `https://apply.example`; without any, browsers let no page do so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// A file to which each request adds a line: who asked, about how many rows, and what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<PathBuf>,
    /// How much is too much.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Who may ask; without any, whoever comes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<ClientConfig>,
    /// Further models, or versions of one, served beside the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<AlsoConfig>,
}

fn all() -> Reveal {
    Reveal::Score
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_all(reveal: &Reveal) -> bool {
    *reveal == all()
}

fn first() -> u64 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_first(version: &u64) -> bool {
    *version == first()
}

/// `[[also]]` of a plain server: a further model, or another version of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlsoConfig {
    /// The exported model.
    pub model: PathBuf,
    /// The name under which it is served.
    pub name: String,
    /// The owner's number of this version of it.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub version: u64,
    /// What clients get of an answer, as the bundle says.
    #[serde(default = "all", skip_serializing_if = "is_all")]
    pub reveal: Reveal,
    /// As for the first model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
}

/// `privet serve party --config FILE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyConfig {
    /// `HOST:PORT`; port 0 takes a free one.
    pub listen: String,
    /// This machine's secret key, made by `privet keygen`.
    pub key: PathBuf,
    /// This party's half of the bundle, made by `privet bundle`.
    pub bundle: PathBuf,
    /// Its halves of further bundles of the same three parties, served beside the first: other models, or other versions of one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<PathBuf>,
    /// A certificate (PEM) for this machine's key; without, one is made that only clients which pin keys accept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Where the two other parties are. Needed where parties talk to each other to compute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peers: Option<PeersConfig>,
    /// For a server of `dealer2`: a folder for what is prepared ahead, which waits in memory without one. Emptied at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool_folder: Option<PathBuf>,
    /// Pages that may ask from a browser, as `https://apply.example`; without any, browsers let no page do so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// A file to which each request adds a line: who asked, about how many rows, and what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<PathBuf>,
    /// How much is too much.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Who may ask; without any, whoever comes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<ClientConfig>,
}

/// `[peers]`: where the two other parties are, as the bundle numbers them. Their keys stand in the bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeersConfig {
    /// `HOST:PORT` of the party before this one; before party 0 comes party 2.
    pub previous: String,
    /// `HOST:PORT` of the party after this one; after party 2 comes party 0.
    pub next: String,
}

/// `privet serve he --config FILE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeConfig {
    /// `HOST:PORT`; port 0 takes a free one.
    pub listen: String,
    /// This machine's secret key, made by `privet keygen`. Clients' keys are their own, and only their public halves come here.
    pub key: PathBuf,
    /// The server's half of the bundle, made by `privet bundle --kind he`: it holds the model.
    pub bundle: PathBuf,
    /// Further ones, served beside the first: other models, or other versions of one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<PathBuf>,
    /// A certificate (PEM) for this machine's key; without, one is made that only clients which pin keys accept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Pages that may ask from a browser, as `https://apply.example`; without any, browsers let no page do so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// A file to which each request adds a line: who asked, about how many rows, and what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<PathBuf>,
    /// How much is too much.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Who may ask; without any, whoever comes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<ClientConfig>,
}

/// `privet serve enclave --config FILE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnclaveConfig {
    /// `HOST:PORT`; port 0 takes a free one.
    pub listen: String,
    /// This machine's secret key, made by `privet keygen`. The enclave's own keys are made inside and never leave it.
    pub key: PathBuf,
    /// The public half of the bundle, made by `privet bundle --kind tee`.
    pub bundle: PathBuf,
    /// The sealed model, made with it.
    pub model: PathBuf,
    /// Where evidence comes from: `simulated`, `configfs-tsm`, `gramine`, `nsm` or `tpm`.
    pub attester: String,
    /// Enclaves that run side by side, each with its own keys.
    #[serde(default = "one")]
    pub replicas: usize,
    /// A certificate (PEM) for this machine's key; without, one is made that only clients which pin keys accept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The owner's key service.
    pub keys: KeysEndpoint,
    /// Pages that may ask from a browser, as `https://apply.example`; without any, browsers let no page do so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// A file to which each request adds a line: who asked, about how many rows, and what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<PathBuf>,
    /// How much is too much.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Who may ask; without any, whoever comes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<ClientConfig>,
}

/// `privet serve keys --config FILE`: the owner's key service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// `HOST:PORT`; port 0 takes a free one.
    pub listen: String,
    /// This machine's secret key, made by `privet keygen`.
    pub key: PathBuf,
    /// The secret files of models, made by `privet bundle --kind tee`.
    pub secrets: Vec<PathBuf>,
    /// Which enclaves get their keys.
    pub policy: PathBuf,
    /// What vendors publish beside their evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collateral: Vec<PathBuf>,
    /// The folder for the log of releases and the count of granted rows.
    pub state: PathBuf,
    /// By model, the lowest version whose key is released. Once in force, it stays.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub floors: BTreeMap<String, u64>,
    /// Takes the floors above even where a higher one was in force.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dangerous_lower_floors: bool,
    /// Releases keys to any genuine machine, not only to those that the policy names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dangerous_any_platform: bool,
    /// A certificate (PEM) for this machine's key; without, one is made that only clients which pin keys accept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// How much is too much.
    #[serde(default)]
    pub limits: LimitsConfig,
}

/// `[keys]`: where the owner's key service is, and how to know it. The enclave believes its signature only; this is for TLS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysEndpoint {
    /// `https://HOST:PORT`.
    pub url: String,
    /// Its one-line public key.
    pub key: String,
}

fn one() -> usize {
    1
}

/// `[limits]`; what is left out has its default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Largest request in bytes.
    pub message_bytes: Option<usize>,
    /// Connections at a time; the next one waits. Taken at the start.
    pub connections: Option<usize>,
    /// Connections of one address at a time; the next one is closed.
    pub connections_per_address: Option<usize>,
    /// Requests at a time, read, waiting or computed; the next one is refused with the time after which it may come again.
    pub requests: Option<usize>,
    /// Bytes of these requests together.
    pub request_bytes: Option<usize>,
    /// Bytes of memory that computing them may take at a party of a program; the next one is refused with the time after which it may come again.
    pub computing_bytes: Option<usize>,
    /// Rows of one request.
    pub rows: Option<usize>,
    /// Seconds that a client may take for a handshake, a header, or a body.
    pub patience_seconds: Option<u64>,
    /// Seconds that running requests get after the order to stop.
    pub drain_seconds: Option<u64>,
    /// Seconds that a computation of several parties may take.
    pub peers_seconds: Option<u64>,
    /// Rows that are answered in a minute, whoever asks; without it, any number.
    pub rows_per_minute: Option<u32>,
    /// Requests in a minute of one client, or of one address where clients are not told apart; without it, any number.
    pub requests_per_minute: Option<u32>,
    /// For a server of `dealer2`: bytes of what is prepared ahead.
    pub pool_bytes: Option<usize>,
}

impl From<LimitsConfig> for Limits {
    fn from(config: LimitsConfig) -> Self {
        let default = Self::default();
        // Longer than a day is for ever, and further ahead than some clocks go.
        let seconds = |s: u64| Duration::from_secs(s.min(24 * 3600));
        Self {
            message: config.message_bytes.unwrap_or(default.message),
            connections: config.connections.unwrap_or(default.connections),
            connections_per_address: config
                .connections_per_address
                .unwrap_or(default.connections_per_address),
            requests: config.requests.unwrap_or(default.requests),
            request_bytes: config.request_bytes.unwrap_or(default.request_bytes),
            computing_bytes: config.computing_bytes.unwrap_or(default.computing_bytes),
            rows: config.rows,
            patience: config.patience_seconds.map_or(default.patience, seconds),
            drain: config.drain_seconds.map_or(default.drain, seconds),
            peers: config.peers_seconds.map_or(default.peers, seconds),
            rows_per_minute: config.rows_per_minute,
            requests_per_minute: config.requests_per_minute,
            pool: config.pool_bytes.unwrap_or(default.pool),
        }
    }
}

/// Reads a configuration; paths in it are relative to its own folder.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<(T, PathBuf), Error> {
    let text = read_text(path)?;
    let config = toml::from_str(&text).map_err(|e| {
        Error::usage("E140", format!("`{}` is not a configuration of this role: {e}", path.display()))
    })?;
    Ok((config, path.parent().unwrap_or(Path::new("")).to_owned()))
}

/// A text file, or an error that names it.
pub fn read_text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path)
        .map_err(|e| Error::usage("E141", format!("`{}` cannot be read: {e}.", path.display())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_unknown_key_is_named_with_the_known_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("party.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:0\"\nkey = \"k\"\nbundel = \"b\"\n").unwrap();
        let text = read::<PartyConfig>(&path).unwrap_err().to_string();
        assert!(text.contains("`bundel`") && text.contains("`bundle`"), "{text}");
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let config = LimitsConfig { connections: Some(7), ..LimitsConfig::default() };
        let limits = Limits::from(config);
        assert_eq!((limits.connections, limits.message), (7, Limits::default().message));
    }
}
