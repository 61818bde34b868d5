//! The configuration of `privet serve web`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::LimitsConfig;

/// `privet serve web --config FILE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebConfig {
    /// `HOST:PORT`; port 0 takes a free one.
    pub listen: String,
    /// This machine's secret key, made by `privet keygen`; it also signs the page that is to be saved.
    pub key: PathBuf,
    /// A certificate (PEM) for this machine's key, which browsers accept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The deployment that is asked.
    pub deployment: PathBuf,
    /// A deployment that tells more (the score, say), which an applicant may ask after the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<PathBuf>,
    /// Who serves the page, in words that applicants know.
    pub served_by: String,
    /// That whoever serves this page can read what is typed into it, which the page says too. Without it nothing is served.
    #[serde(default)]
    pub whoever_serves_this_page_can_read_what_is_typed: bool,
    /// The page's heading.
    pub title: String,
    /// What the applicant is told before the form.
    #[serde(default)]
    pub introduction: String,
    /// Where an applicant goes on who wants to; the page sends nothing there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply: Option<String>,
    /// What an answer means, by the label that the model gives.
    #[serde(default)]
    pub outcomes: BTreeMap<String, String>,
    /// Words for the model's columns, by their names.
    #[serde(default)]
    pub fields: BTreeMap<String, FieldConfig>,
    /// The page may send rows to a SIMULATED enclave that the policy accepts. For trials.
    #[serde(default)]
    pub dangerous_accept_simulated: bool,
    /// How much is too much.
    #[serde(default)]
    pub limits: LimitsConfig,
}

/// How a column is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldConfig {
    /// What it is called; the column's own name without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// One more sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// What it is measured in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Which heading it stands under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What stands there at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<f64>,
    /// Values to choose from, and what they mean.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub choices: BTreeMap<String, String>,
}
