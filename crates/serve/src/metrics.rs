//! What a server counts, as Prometheus reads it. Triton's families, with our prefix; no label and no bucket depends on a value.

use std::fmt::Error as Unwritten;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use privet_deploy::Error;
use privet_deploy::dealer2::pool::Level;
use privet_deploy::oip::Metadata;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::fault::blame_name;
use crate::house::House;
use crate::process::Process;
use crate::service::Peer;

/// The text's type, for the reply's header.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds from a tenth of a millisecond to a minute.
const BUCKETS: [f64; 14] =
    [1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0, 60.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    model: String,
    version: String,
    platform: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    model: String,
    version: String,
    reason: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pool {
    model: String,
    version: String,
    rows: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Way {
    model: String,
    version: String,
    peer: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    client: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct What {
    what: String,
}

/// What became of one call.
pub struct Answered<'a> {
    /// Of which model.
    pub metadata: &'a Metadata,
    /// By whom.
    pub client: &'a str,
    /// About how many rows, as far as the server can see.
    pub rows: usize,
    /// From when it was read to its answer.
    pub took: Duration,
    /// Of that, until a turn was free.
    pub queued: Duration,
    /// Rounds between the parties.
    pub rounds: u64,
    /// Why it was refused.
    pub error: Option<&'a Error>,
}

type Seconds = Family<Labels, Histogram>;

/// Counts of one server.
pub struct Metrics {
    registry: Registry,
    success: Family<Labels, Counter>,
    failure: Family<Refused, Counter>,
    rows: Family<Labels, Counter>,
    rounds: Family<Labels, Counter>,
    duration: Seconds,
    queue: Seconds,
    compute: Seconds,
    clients: Family<Of, Counter>,
    pending: [Gauge; 2],
    up: Family<Way, Gauge>,
    /// Bytes to and from peers.
    ways: [Family<Way, Counter>; 2],
    /// Tapes that wait, tickets that are out, and bytes of both.
    pools: [Family<Pool, Gauge>; 3],
    expiry: Family<What, Gauge<f64, AtomicU64>>,
    process: Process,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let process = Process::registered(&mut registry);
        let ours = registry.sub_registry_with_prefix("privet");
        let seconds = || Seconds::new_with_constructor(|| Histogram::new(BUCKETS));
        let metrics = Self {
            registry: Registry::default(),
            success: Family::default(),
            failure: Family::default(),
            rows: Family::default(),
            rounds: Family::default(),
            duration: seconds(),
            queue: seconds(),
            compute: seconds(),
            clients: Family::default(),
            pending: Default::default(),
            up: Family::default(),
            ways: Default::default(),
            pools: Default::default(),
            expiry: Family::default(),
            process,
        };
        metrics.register(ours);
        Self { registry, ..metrics }
    }
}

impl Metrics {
    fn register(&self, to: &mut Registry) {
        to.register("inference_request_success", "Calls that were answered", self.success.clone());
        to.register("inference_request_failure", "Calls that were refused", self.failure.clone());
        to.register(
            "inference_count",
            "Rows that were answered, as far as the server sees them",
            self.rows.clone(),
        );
        to.register("inference_rounds", "Rounds between the parties", self.rounds.clone());
        let seconds = [
            ("request", "Seconds from a call that was read to its answer", &self.duration),
            ("queue", "Of these, seconds until a turn was free", &self.queue),
            ("compute", "Of these, seconds of computing, with its waits for other roles", &self.compute),
        ];
        for (what, help, family) in seconds {
            to.register(format!("inference_{what}_duration_seconds"), help, family.clone());
        }
        to.register(
            "client_requests",
            "Calls by client, as the configuration calls it",
            self.clients.clone(),
        );
        let [requests, bytes] = self.pending.each_ref().map(Gauge::clone);
        to.register("inference_pending_requests", "Calls that are read, wait, or are computed", requests);
        to.register("inference_pending_bytes", "Bytes of these calls", bytes);
        to.register("peer_up", "Whether a party is connected, in both directions", self.up.clone());
        let [sent, received] = self.ways.each_ref().map(Family::clone);
        to.register("peer_sent_bytes", "Bytes of messages to a party", sent);
        to.register("peer_received_bytes", "Bytes of messages from a party", received);
        let [ready, given, bytes] = self.pools.each_ref().map(Family::clone);
        to.register("pool_ready", "Computations that were prepared and wait, by rows", ready);
        to.register("pool_given", "Tickets that clients have and did not use, by rows", given);
        let days = "Days until what the last accepted evidence depends on runs out";
        to.register("evidence_expiry_days", days, self.expiry.clone());
        to.register("pool_bytes", "Bytes of what was prepared, by rows", bytes);
    }

    /// Counts one call.
    pub fn answered(&self, call: &Answered<'_>) {
        self.clients.get_or_create(&Of { client: call.client.into() }).inc();
        let (model, version) = (call.metadata.name.clone(), call.metadata.version.clone());
        if let Some(Error { blame, code, .. }) = call.error {
            let refused = Refused { model, version, reason: blame_name(*blame), code };
            self.failure.get_or_create(&refused).inc();
            return;
        }
        let labels = Labels { model, version, platform: call.metadata.platform.clone() };
        self.success.get_or_create(&labels).inc();
        self.rows.get_or_create(&labels).inc_by(call.rows as u64);
        self.rounds.get_or_create(&labels).inc_by(call.rounds);
        self.duration.get_or_create(&labels).observe(call.took.as_secs_f64());
        self.queue.get_or_create(&labels).observe(call.queued.as_secs_f64());
        self.compute.get_or_create(&labels).observe(call.took.saturating_sub(call.queued).as_secs_f64());
    }

    /// How full a model's pool is now.
    pub fn filled(&self, metadata: &Metadata, levels: &[Level]) {
        for level in levels {
            let (model, version) = (metadata.name.clone(), metadata.version.clone());
            let labels = Pool { model, version, rows: level.rows };
            for (family, value) in self.pools.iter().zip([level.ready, level.given, level.bytes]) {
                family.get_or_create(&labels).set(i64::try_from(value).unwrap_or(i64::MAX));
            }
        }
    }

    /// How it stands with a model's parties now.
    pub fn met(&self, metadata: &Metadata, peers: &[Peer]) {
        for peer in peers {
            let (model, version) = (metadata.name.clone(), metadata.version.clone());
            let way = Way { model, version, peer: peer.party };
            self.up.get_or_create(&way).set(i64::from(peer.up));
            for (family, bytes) in self.ways.iter().zip([peer.sent, peer.received]) {
                family.get_or_create(&way).inner().store(bytes, Ordering::Relaxed);
            }
        }
    }

    /// How long evidence can still be accepted.
    pub fn expiring(&self, expires: &[(String, u64)], now: u64) {
        for (what, until) in expires {
            let days = (*until as f64 - now as f64) / (24.0 * 3600.0);
            self.expiry.get_or_create(&What { what: what.clone() }).set(days);
        }
    }

    /// All counts, as text.
    pub fn text(&self, house: &House) -> Result<String, Unwritten> {
        for (gauge, value) in self.pending.iter().zip([house.requests(), house.bytes()]) {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        self.process.look();
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::house::Room;

    #[test]
    fn what_runs_out_is_counted_in_days_from_now() {
        let metrics = Metrics::default();
        metrics.expiring(&[("collateral".into(), 36 * 3600)], 0);
        metrics.expiring(&[("certificate".into(), 0)], 24 * 3600);
        let text = metrics.text(&House::new(Room { requests: 1, bytes: 1, computing: 1 })).unwrap();
        assert!(text.contains("privet_evidence_expiry_days{what=\"collateral\"} 1.5"), "{text}");
        assert!(text.contains("privet_evidence_expiry_days{what=\"certificate\"} -1"), "{text}");
    }
}
