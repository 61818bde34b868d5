//! The record of one benchmark: everything that is needed to read its numbers.

use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::machine::Machine;

/// Version of this format.
pub const FORMAT: u32 = 1;

/// One run of the benchmark.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// [`FORMAT`].
    pub format: u32,
    /// The model's name.
    pub model: String,
    /// Where the rows came from.
    pub rows: String,
    /// The network between the roles.
    pub network: String,
    /// What it was measured on.
    pub machine: Machine,
    /// What that machine can do at best.
    pub limits: Limits,
    /// One per kind and batch size.
    pub results: Vec<Measured>,
    /// One per kind: what comes before steady requests.
    #[serde(default)]
    pub starts: Vec<Started>,
    /// One per role, where the system says so.
    #[serde(default)]
    pub memory: Vec<Memory>,
}

/// What one role needed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Memory {
    /// `plain`, `mpc`, …
    pub kind: String,
    /// Which role.
    pub role: String,
    /// The most physical memory that it had at a time.
    pub peak_bytes: u64,
}

/// From nothing to the first answer, for one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Started {
    /// `plain`, `mpc`, …
    pub kind: String,
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
    /// `plain`, `mpc`, …
    pub kind: String,
    /// The protocol, where the kind has one.
    pub protocol: Option<String>,
    /// What is hidden from the parties, where the kind has any.
    pub protect: Option<String>,
    /// What the client gets.
    pub reveal: String,
    /// What was asked for.
    pub accuracy: f64,
    /// Bits per element on the wire, where there is a ring.
    pub k: Option<u32>,
    /// Rows per request.
    pub batch: usize,
    /// Median seconds of a request.
    pub median_s: f64,
    /// 95th percentile.
    pub p95_s: f64,
    /// Rows per second at the median.
    pub rows_per_s: f64,
    /// Bytes from the client for one request, counted below TLS.
    pub bytes_up: u64,
    /// Bytes to the client for one request, counted below TLS.
    pub bytes_down: u64,
    /// Bytes between the roles for one request, as they counted them.
    pub bytes_between: u64,
    /// Network round trips of a request.
    pub rounds: u64,
    /// Largest error found: of a score against float64 where scores are revealed, else of an output.
    pub max_error: f64,
    /// The proven bound of that error, where there is one.
    pub bound: Option<f64>,
    /// What a reply may be believed to have run under.
    pub assurance: String,
    /// Median over plain's median at the same batch size, in the same run.
    pub ratio_to_plain: Option<f64>,
    /// The least seconds that this machine's limits allow for the bytes and operations of one request.
    pub limit_s: f64,
    /// Measured over that.
    pub over_limit: f64,
    /// Every request's seconds, in order.
    pub samples_s: Vec<f64>,
}

impl Record {
    /// Fills in each result's ratio to plain.
    pub fn compare_with_plain(&mut self) {
        let plain: Vec<(usize, f64)> =
            self.results.iter().filter(|r| r.kind == "plain").map(|r| (r.batch, r.median_s)).collect();
        for result in &mut self.results {
            let base = plain.iter().find(|(batch, _)| *batch == result.batch);
            result.ratio_to_plain = base.map(|(_, median)| result.median_s / median);
        }
    }
}
