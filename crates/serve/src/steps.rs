//! Spans of a program's steps, as the collector of [`telemetry`](crate::telemetry) gets them: what `mpc` says of each step, in the trace of the
//! request that it is computed for.

use std::fmt::Debug;
use std::time::SystemTime;

use privet_mpc::run::STEPS;
use tracing::field::{Field, Visit};
use tracing::span::Attributes;
use tracing::{Id, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::telemetry::{Attribute, Side, Span, record};
use crate::trace::{self, Trace};

/// Turns the spans of steps into those of a collector. For the program's own subscriber, where spans are collected.
pub struct Steps;

/// Whether a span is one of these.
pub fn is_step(metadata: &Metadata<'_>) -> bool {
    metadata.target() == STEPS
}

/// What is known of a step while it runs.
struct Running {
    trace: Trace,
    start: SystemTime,
    attributes: Vec<(&'static str, Attribute)>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Steps {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id).filter(|span| is_step(span.metadata())) else { return };
        // A lane is a thread of its own, which knows of the request by what is around it.
        let above = span.parent().and_then(|above| above.extensions().get::<Running>().map(|of| of.trace));
        let Some(above) = above.or_else(trace::current) else { return };
        let mut said = Said::default();
        attributes.record(&mut said);
        let running = Running { trace: above.child(), start: SystemTime::now(), attributes: said.0 };
        span.extensions_mut().insert(running);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(Running { trace, start, attributes }) = span.extensions_mut().remove::<Running>() else {
            return;
        };
        let (name, took) = (span.name(), start.elapsed().unwrap_or_default());
        record(|| Span { trace, name, side: Side::Internal, start, took, attributes, failed: None });
    }
}

/// A step's number and its action.
#[derive(Default)]
struct Said(Vec<(&'static str, Attribute)>);

impl Visit for Said {
    fn record_u64(&mut self, _: &Field, value: u64) {
        self.0.push(("privet.step", Attribute::Count(value)));
    }

    fn record_str(&mut self, _: &Field, value: &str) {
        self.0.push(("privet.action", Attribute::Text(value.into())));
    }

    /// Nothing else is said of a step, and what has another form is left out.
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
