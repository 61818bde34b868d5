//! What a server counts, as Prometheus reads it. Triton's families, with our prefix; no label and no bucket depends on a value.

use std::fmt::Error as Unwritten;
use std::time::Duration;

use privet_deploy::Error;
use privet_deploy::oip::Metadata;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
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

/// Counts of one server.
pub struct Metrics {
    registry: Registry,
    success: Family<Labels, Counter>,
    failure: Family<Refused, Counter>,
    duration: Family<Labels, Histogram>,
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
        Self { registry, success, failure, duration }
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

    /// All counts, as text.
    pub fn text(&self) -> Result<String, Unwritten> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
