//! The record of one benchmark: everything that is needed to read its numbers, and what a report is made of.
//!
//! Programs that measure other systems write the same record; what a system does not say is left out there.

use std::collections::BTreeMap;

use privet_deploy::Error;
use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::machine::Machine;

/// Version of this format.
pub const FORMAT: u32 = 2;

/// One run of the benchmark.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// [`FORMAT`].
    pub format: u32,
    /// The model's name.
    pub model: String,
    /// Hex of the hash of its file.
    #[serde(default)]
    pub model_digest: String,
    /// Where the rows came from.
    pub rows: String,
    /// Hex of the hash of their values.
    #[serde(default)]
    pub rows_digest: String,
    /// From which rows were made up, where none were given.
    #[serde(default)]
    pub seed: Option<u64>,
    /// What it was measured on, when it began.
    pub machine: Machine,
    /// What was typed, once for each start.
    #[serde(default)]
    pub commands: Vec<String>,
    /// When it went on later.
    #[serde(default)]
    pub resumed: Vec<Resumed>,
    /// What that machine can do at best.
    #[serde(default)]
    pub limits: Option<Limits>,
    /// The networks between the roles.
    #[serde(default)]
    pub networks: Vec<NetworkUsed>,
    /// At which costs are computed.
    #[serde(default)]
    pub prices: Prices,
    /// One per kind, reveal mode, network, batch size and number of requests in flight.
    pub results: Vec<Measured>,
    /// One per kind, reveal mode and network: what comes before steady requests.
    #[serde(default)]
    pub starts: Vec<Started>,
    /// What each role held at most.
    #[serde(default)]
    pub memory: Vec<Memory>,
    /// Who could see what, by kind.
    #[serde(default)]
    pub trust: Vec<Trust>,
    /// On what terms each system of others answers, in words, by system.
    #[serde(default)]
    pub terms: BTreeMap<String, BTreeMap<String, String>>,
    /// What was asked for and not measured, and why.
    #[serde(default)]
    pub absent: Vec<Absent>,
}

/// A later start that went on with a record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Resumed {
    /// Seconds since 1970.
    pub began: u64,
    /// Load average over one minute at that time.
    pub load: String,
}

/// A network between roles, and between them and the client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkUsed {
    /// As results call it: `loopback`, `lan`, `wan`, or what was asked for.
    pub name: String,
    /// There and back, beyond the machine's own.
    pub round_trip_s: f64,
    /// Of each connection, each way; all that the machine can where there is none.
    pub bits_per_s: Option<f64>,
    /// How it was made, in words.
    pub how: String,
}

/// What a cloud asks for, in US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prices {
    /// One core for an hour.
    pub core_hour: f64,
    /// 10^9 bytes that leave a server.
    pub gigabyte: f64,
}

impl Default for Prices {
    /// About what large clouds list for general machines in 2026, without discounts.
    fn default() -> Self {
        Self { core_hour: 0.04, gigabyte: 0.08 }
    }
}

impl Prices {
    /// What the servers of a million rows cost, where their processor time is known: it, and the bytes that leave them.
    pub fn of_a_million(&self, result: &Measured) -> Option<f64> {
        let servers = result.cpu_s.iter().filter(|(role, _)| *role != "client").map(|(_, seconds)| seconds);
        let hours = servers.sum::<f64>() / 3600.0;
        let leaving = (result.bytes_down? + result.bytes_between?) as f64 / 1e9;
        let is_known = result.cpu_s.len() > 1;
        is_known.then(|| (hours * self.core_hour + leaving * self.gigabyte) * 1e6 / result.batch as f64)
    }
}

/// What one role needed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Memory {
    /// Whose.
    #[serde(default = "privet")]
    pub system: String,
    /// The model's name.
    #[serde(default)]
    pub model: String,
    /// `plain`, `mpc`, …
    pub kind: String,
    /// The protocol, where the kind has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Which role.
    pub role: String,
    /// The most physical memory that it had at a time, over all batch sizes.
    pub peak_bytes: u64,
}

/// Who sees what in a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    /// `plain`, `mpc`, …
    pub kind: String,
    /// The protocol, where the kind has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The card's title.
    pub title: String,
    /// Who, and what they see.
    pub lines: Vec<(String, String)>,
}

/// Whether what is kept by kind, and by protocol where the kind has several, is of this result. Records before there were several name none.
pub fn is_of(kind: &str, protocol: Option<&str>, result: &Measured) -> bool {
    kind == result.kind && protocol.is_none_or(|protocol| result.protocol.as_deref() == Some(protocol))
}

/// What was not measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Absent {
    /// Whose.
    #[serde(default = "privet")]
    pub system: String,
    /// The model, or the kind.
    pub model: String,
    /// Why.
    pub reason: String,
}

/// From nothing to the first answer, for one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Started {
    /// `plain`, `mpc`, …
    pub kind: String,
    /// The protocol, where the kind has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// What the client gets.
    #[serde(default)]
    pub reveal: String,
    /// The network's name.
    #[serde(default = "loopback")]
    pub network: String,
    /// Seconds until every role of the deployment was ready: keys, bundle, processes.
    pub cold_start_s: f64,
    /// Seconds of a new client until it had evidence; the connection included. `None` for kinds without any.
    pub evidence_s: Option<f64>,
    /// Seconds of appraising it.
    pub verification_s: Option<f64>,
    /// Seconds of that client's first request, of one row; for kinds without evidence the connection included.
    pub first_request_s: f64,
    /// What a reply may be believed to have run under.
    pub assurance: String,
}

/// One kind at one batch size.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Whose: `privet`, or another system that was measured beside it.
    #[serde(default = "privet")]
    pub system: String,
    /// The model's name; the record's, where it is left out.
    #[serde(default)]
    pub model: String,
    /// `plain`, `mpc`, …
    pub kind: String,
    /// The protocol, where the kind has one.
    pub protocol: Option<String>,
    /// What is hidden from the parties, where the kind has any.
    #[serde(default)]
    pub protect: Option<String>,
    /// What the client gets.
    pub reveal: String,
    /// What was asked for.
    pub accuracy: Option<f64>,
    /// Bits per element on the wire, where there is a ring.
    #[serde(default)]
    pub k: Option<u32>,
    /// The network's name.
    #[serde(default = "loopback")]
    pub network: String,
    /// Requests in flight at a time.
    #[serde(default = "one")]
    pub concurrency: usize,
    /// Rows per request.
    pub batch: usize,
    /// Median seconds of a request.
    pub median_s: f64,
    /// 95th percentile.
    pub p95_s: f64,
    /// 99th percentile.
    #[serde(default)]
    pub p99_s: Option<f64>,
    /// Rows per second: at the median where one request is in flight, else rows over the time that all requests took.
    pub rows_per_s: f64,
    /// Bytes from the client for one request, counted below TLS.
    pub bytes_up: Option<u64>,
    /// Bytes to the client for one request, counted below TLS.
    #[serde(default)]
    pub bytes_down: Option<u64>,
    /// Bytes between the roles for one request, as they counted them.
    pub bytes_between: Option<u64>,
    /// Bytes that a dealer had sent ahead of time, used up by one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_dealt: Option<u64>,
    /// Times that somebody waits for a message: the client's round trip, and each wait of a party for another, which takes half a
    /// round trip at least.
    pub rounds: Option<u64>,
    /// Processor seconds of one request, by role; `client` is the benchmark itself.
    #[serde(default)]
    pub cpu_s: BTreeMap<String, f64>,
    /// Dollars for a million rows: the servers' processor seconds, and the bytes that leave them.
    #[serde(default)]
    pub cost_per_million: Option<f64>,
    /// Largest error found: of a score against float64 where scores are revealed, else of an output.
    pub max_error: f64,
    /// The proven bound of that error, where there is one.
    pub bound: Option<f64>,
    /// What a reply may be believed to have run under.
    pub assurance: String,
    /// Median over plain's median at the same place, in the same run.
    #[serde(default)]
    pub ratio_to_plain: Option<f64>,
    /// The least seconds that this machine's limits allow for one request.
    #[serde(default)]
    pub limit_s: Option<f64>,
    /// Measured over that.
    #[serde(default)]
    pub over_limit: Option<f64>,
    /// Every request's seconds, in order.
    pub samples_s: Vec<f64>,
}

fn privet() -> String {
    "privet".into()
}

fn loopback() -> String {
    "loopback".into()
}

fn one() -> usize {
    1
}

impl Measured {
    /// Whether two results are of the same place: all agrees but who answers. Systems of others take no accuracy.
    pub fn is_beside(&self, other: &Self) -> bool {
        let place = |m: &Self| (m.model.clone(), m.reveal.clone(), m.network.clone(), m.concurrency, m.batch);
        let accuracies = self.accuracy.zip(other.accuracy);
        place(self) == place(other) && accuracies.is_none_or(|(a, b)| a.total_cmp(&b).is_eq())
    }
}

impl Record {
    /// A record that is read again. `E161` where it is none, or of another format.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let unreadable = |e: String| Error::usage("E161", format!("This is no record of a benchmark: {e}."));
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| unreadable(e.to_string()))?;
        let format = value.get("format").and_then(serde_json::Value::as_u64);
        if format != Some(FORMAT.into()) {
            let got = format.map_or("none".into(), |format| format.to_string());
            return Err(unreadable(format!("expected format {FORMAT}, it says {got}; measure again")));
        }
        let mut record: Self = serde_json::from_value(value).map_err(|e| unreadable(e.to_string()))?;
        let unnamed = record.results.iter_mut().filter(|result| result.model.is_empty());
        unnamed.for_each(|result| result.model.clone_from(&record.model));
        Ok(record)
    }

    /// Fills in each result's ratio to plain.
    pub fn compare_with_plain(&mut self) {
        let is_plain = |m: &&Measured| m.system == "privet" && m.kind == "plain";
        let plain: Vec<Measured> = self.results.iter().filter(is_plain).cloned().collect();
        for result in &mut self.results {
            let base = plain.iter().find(|plain| plain.is_beside(result));
            result.ratio_to_plain = base.map(|plain| result.median_s / plain.median_s);
        }
    }
}
