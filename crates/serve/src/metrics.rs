//! What a server counts, as Prometheus reads it. Triton's families, with our prefix; no label and no bucket depends on a value.

use std::fmt::Error as Unwritten;
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

/// Counts of one server.
pub struct Metrics {
    registry: Registry,
    success: Family<Labels, Counter>,
    failure: Family<Refused, Counter>,
    duration: Family<Labels, Histogram>,
    /// Tapes that wait, tickets that are out, and bytes of both.
    pools: [Family<Pool, Gauge>; 3],
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("privet");
        let (success, failure) = (Family::default(), Family::default());
        let duration = Family::<Labels, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register("inference_request_success", "Calls that were answered", success.clone());
        registry.register("inference_request_failure", "Calls that were refused", failure.clone());
        registry.register(
            "inference_request_duration_seconds",
            "Seconds from a call that was read to its answer",
            duration.clone(),
        );
        let pools = [(); 3].map(|()| Family::default());
        let [ready, given, bytes] = pools.each_ref().map(Family::clone);
        registry.register("pool_ready", "Computations that were prepared and wait, by rows", ready);
        registry.register("pool_given", "Tickets that clients have and did not use, by rows", given);
        registry.register("pool_bytes", "Bytes of what was prepared, by rows", bytes);
        Self { registry, success, failure, duration, pools }
    }
}

impl Metrics {
    /// Counts one call.
    pub fn answered(&self, metadata: &Metadata, took: Duration, error: Option<&Error>) {
        let (model, version) = (metadata.name.clone(), metadata.version.clone());
        if let Some(Error { blame, code, .. }) = error {
            let refused = Refused { model, version, reason: blame_name(*blame), code };
            self.failure.get_or_create(&refused).inc();
            return;
        }
        let labels = Labels { model, version, platform: metadata.platform.clone() };
        self.success.get_or_create(&labels).inc();
        self.duration.get_or_create(&labels).observe(took.as_secs_f64());
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

    /// All counts, as text.
    pub fn text(&self) -> Result<String, Unwritten> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
