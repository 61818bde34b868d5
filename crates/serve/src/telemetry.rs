//! Spans for OpenTelemetry: where `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector, as `http://127.0.0.1:4318`, it gets one span for each
//! request, and within it what the request waited for and what was computed. All roles take the trace from `traceparent`, so the spans
//! of one prediction belong together. A span holds names, numbers of rows and times, and no value.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use privet_deploy::Error;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, timeout, timeout_at};

use crate::trace::Trace;

/// Names a collector, in every program that speaks OpenTelemetry.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// What the spans' program is called.
const SERVICE: &str = "OTEL_SERVICE_NAME";

/// Spans that wait for being sent; more are dropped, as nothing may wait for a collector.
const WAITING: usize = 4096;
/// Spans of one message, and the longest time between two messages.
const TOGETHER: usize = 512;
const PAUSE: Duration = Duration::from_millis(500);
/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(5);

static SPANS: OnceLock<Sender<Span>> = OnceLock::new();

/// What a span is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Something within this program.
    Internal = 1,
    /// A call that came.
    Server = 2,
    /// A call to another program.
    Client = 3,
}

/// A value of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// A name or a code.
    Text(String),
    /// A number.
    Count(u64),
}

/// One step, from its beginning to its end.
#[derive(Clone, Debug)]
pub struct Span {
    /// Where it belongs.
    pub trace: Trace,
    /// What it does.
    pub name: &'static str,
    /// What it is about.
    pub side: Side,
    /// When it began, and how long it took.
    pub start: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Names and numbers.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// The code of a failure.
    pub failed: Option<&'static str>,
}

/// Whether the environment names a collector.
pub fn is_wanted() -> bool {
    std::env::var_os(ENDPOINT).is_some_and(|text| !text.is_empty())
}

/// Whether somebody collects spans.
pub fn is_on() -> bool {
    SPANS.get().is_some()
}

/// The step that a call without one begins, where spans are collected.
pub fn begin() -> Option<Trace> {
    if is_on() { Trace::new() } else { None }
}

/// Keeps a span for the collector, if there is one and the trace is to be kept.
pub fn record(span: impl FnOnce() -> Span) {
    if let Some(spans) = SPANS.get() {
        let span = span();
        if span.trace.is_sampled() {
            let _ = spans.try_send(span);
        }
    }
}

/// Collects spans from now on, where the environment names a collector. Within a runtime, once.
pub fn start(role: &str) -> Result<(), Error> {
    let Some(endpoint) = std::env::var(ENDPOINT).ok().filter(|text| !text.is_empty()) else { return Ok(()) };
    let collector =
        Collector::new(&endpoint, std::env::var(SERVICE).unwrap_or_else(|_| format!("privet-{role}")))?;
    let (sender, spans) = channel(WAITING);
    if SPANS.set(sender).is_ok() {
        tokio::spawn(collector.collect(spans));
    }
    Ok(())
}

struct Collector {
    address: String,
    path: String,
    service: String,
}

impl Collector {
    fn new(endpoint: &str, service: String) -> Result<Self, Error> {
        let wrong = || {
            let what = format!(
                "`{ENDPOINT}` is `{endpoint}`; expected `http://HOST:PORT` of a collector on this machine or in this pod, which sends on \
                 what it gets."
            );
            Error::usage("E172", what)
        };
        let rest = endpoint.strip_prefix("http://").ok_or_else(wrong)?;
        let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
        let address = if address.contains(':') { address.to_owned() } else { format!("{address}:4318") };
        let path = format!("/{}/v1/traces", path.trim_matches('/')).replace("//", "/");
        if address.starts_with(':') {
            return Err(wrong());
        }
        Ok(Self { address, path, service })
    }

    /// Sends spans together, until the program ends.
    async fn collect(self, mut spans: Receiver<Span>) {
        let mut told = false;
        while let Some(first) = spans.recv().await {
            let mut batch = vec![first];
            let end = Instant::now() + PAUSE;
            while batch.len() < TOGETHER {
                match timeout_at(end, spans.recv()).await {
                    Ok(Some(span)) => batch.push(span),
                    _ => break,
                }
            }
            let sent = timeout(PATIENCE, self.send(&batch)).await;
            if !matches!(sent, Ok(Ok(()))) && !told {
                tracing::warn!(collector = %self.address, "spans could not be sent to the collector; they are lost");
            }
            told = !matches!(sent, Ok(Ok(())));
        }
    }

    async fn send(&self, batch: &[Span]) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let socket = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
        tokio::spawn(connection);
        let body = serde_json::to_vec(&message(&self.service, batch))?;
        let request = Request::post(&self.path)
            .header("host", &self.address)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))?;
        let status = sender.send_request(request).await?.status();
        if status.is_success() { Ok(()) } else { Err(format!("the collector says {status}").into()) }
    }
}

/// Spans as OTLP writes them in JSON.
fn message(service: &str, batch: &[Span]) -> Value {
    let name = json!({ "key": "service.name", "value": { "stringValue": service } });
    let spans: Vec<Value> = batch.iter().map(Span::to_json).collect();
    let scope = json!({ "name": "privet", "version": env!("CARGO_PKG_VERSION") });
    json!({ "resourceSpans": [{
        "resource": { "attributes": [name] },
        "scopeSpans": [{ "scope": scope, "spans": spans }],
    }] })
}

impl Span {
    fn to_json(&self) -> Value {
        let nanos =
            |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string();
        let value = |attribute: &Attribute| match attribute {
            Attribute::Text(text) => json!({ "stringValue": text }),
            Attribute::Count(count) => json!({ "intValue": count.to_string() }),
        };
        let attributes: Vec<Value> =
            self.attributes.iter().map(|(key, of)| json!({ "key": key, "value": value(of) })).collect();
        let status = self.failed.map_or_else(|| json!({}), |code| json!({ "code": 2, "message": code }));
        json!({
            "traceId": self.trace.id(),
            "spanId": self.trace.span(),
            "parentSpanId": self.trace.parent().unwrap_or_default(),
            "name": self.name,
            "kind": self.side as u8,
            "startTimeUnixNano": nanos(self.start),
            "endTimeUnixNano": nanos(self.start + self.took),
            "attributes": attributes,
            "status": status,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_collector_is_found_as_its_users_write_it() {
        let of = |endpoint: &str| Collector::new(endpoint, "x".into()).map(|c| (c.address, c.path)).ok();
        let both = |address: &str, path: &str| Some((address.to_owned(), path.to_owned()));
        assert_eq!(of("http://127.0.0.1:4318"), both("127.0.0.1:4318", "/v1/traces"));
        assert_eq!(of("http://collector/"), both("collector:4318", "/v1/traces"));
        assert_eq!(of("http://c:9/otlp/"), both("c:9", "/otlp/v1/traces"));
        assert_eq!(of("https://c:9"), None);
        assert_eq!(of("http://"), None);
    }
}
