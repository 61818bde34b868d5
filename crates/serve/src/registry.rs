//! All models of one server, and the way of a call to one of them: whether its client may ask, whether there is room, its turn, its answer,
//! and what is written down of it.

use std::fmt::Error as Unwritten;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, Instant, SystemTime};

use privet_deploy::oip::{Host, InferReply, InferRequest, Parameter};
use privet_deploy::{Blame, Error};
use tokio::sync::Semaphore;

use crate::asker::until_gone;
use crate::audit::{Audit, Entry};
use crate::bucket::Bucket;
use crate::call::Call;
use crate::clients::take;
use crate::current::Current;
use crate::deployed::now;
use crate::house::{Computing, House, Room};
use crate::limits::Limits;
use crate::metrics::{Answered, Metrics};
use crate::models::Models;
use crate::service::{Here, Service};
use crate::telemetry::{self, Attribute, Side, Span};
use crate::trace::within;

/// All models of one server, and whether it takes calls.
pub struct Registry {
    models: Current<Models>,
    rules: Current<Rules>,
    house: Arc<House>,
    /// One for each processor: what computes for long does so one after the other, and the rest waits with its rows unread.
    turns: Semaphore,
    ready: AtomicBool,
    metrics: Metrics,
}

/// What is asked of every call, whoever makes it.
pub struct Rules {
    /// The most rows of one call.
    pub rows: Option<usize>,
    /// Rows that are answered in a minute.
    pub rows_per_minute: Option<Bucket>,
    /// Where calls are written down.
    pub audit: Option<Audit>,
}

impl Rules {
    /// As the limits say.
    pub fn new(limits: &Limits, audit: Option<Audit>) -> Self {
        Self { rows: limits.rows, rows_per_minute: limits.rows_per_minute.map(Bucket::new), audit }
    }
}

impl Rules {
    fn give_rows_back(&self, rows: usize) {
        if let Some(bucket) = &self.rows_per_minute {
            bucket.give_back(rows);
        }
    }
}

impl From<&Limits> for Room {
    fn from(limits: &Limits) -> Self {
        let bytes = limits.request_bytes.max(limits.message);
        Self { requests: limits.requests, bytes, computing: limits.computing_bytes }
    }
}

impl Registry {
    /// These hosts, each under its own model name, with the usual limits.
    pub fn new(hosts: Vec<Arc<dyn Host>>) -> Result<Self, Error> {
        let here = |host| Arc::new(Here { host, company: None }) as Arc<dyn Service>;
        Self::of(hosts.into_iter().map(here).collect(), &Limits::default(), None)
    }

    /// These services, each under its own model name and version.
    pub fn of(all: Vec<Arc<dyn Service>>, limits: &Limits, audit: Option<Audit>) -> Result<Self, Error> {
        Ok(Self {
            models: Current::new(Models::new(all)?),
            rules: Current::new(Rules::new(limits, audit)),
            house: Arc::new(House::new(limits.into())),
            turns: Semaphore::new(available_parallelism().map_or(1, Into::into)),
            ready: AtomicBool::new(true),
            metrics: Metrics::default(),
        })
    }

    /// From now on these models, limits and audit log. Calls that run end as they began.
    pub fn replace(&self, models: Models, limits: &Limits, audit: Option<Audit>) {
        self.house.resize(limits.into());
        self.rules.set(Rules::new(limits, audit));
        self.models.set(models);
    }

    /// The models as they are now.
    pub fn models(&self) -> Arc<Models> {
        self.models.get()
    }

    /// The service of this model; an empty version means the first that the server names.
    pub fn find(&self, model: &str, version: &str) -> Result<Arc<dyn Service>, Error> {
        self.models.get().find(model, version)
    }

    /// The room for requests.
    pub fn house(&self) -> &Arc<House> {
        &self.house
    }

    /// Whether all models could answer now, or why not.
    pub async fn ready(&self) -> Result<(), Error> {
        let models = self.models.get();
        for service in models.all() {
            self.ready_for(&**service).await?;
        }
        self.takes_calls()
    }

    /// Whether this model could answer now, or why not.
    pub async fn ready_for(&self, service: &dyn Service) -> Result<(), Error> {
        self.takes_calls()?;
        service.ready().await
    }

    fn takes_calls(&self) -> Result<(), Error> {
        if self.ready.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(Error::new(
            Blame::Unreachable,
            "E159",
            "This server is stopping and takes no more calls. Ask another one, or again after its restart.",
        ))
    }

    /// What the server counted, and how it stands with pools and peers, as text.
    pub fn metrics(&self) -> Result<String, Unwritten> {
        for service in self.models.get().all() {
            self.metrics.filled(service.metadata(), &service.pool());
            self.metrics.met(service.metadata(), &service.peers());
            self.metrics.expiring(&service.expires(), now());
        }
        self.metrics.text(&self.house)
    }

    /// Takes calls, or not.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// The service's answer, counted and written down also where whoever asked goes before it is there.
    pub async fn infer(
        self: &Arc<Self>,
        service: &Arc<dyn Service>,
        request: InferRequest,
        call: &Call,
    ) -> Result<InferReply, Error> {
        if !service.waits() {
            return self.counted(&**service, request, call).await;
        }
        let (registry, service, call) = (Arc::clone(self), Arc::clone(service), call.clone());
        let answer = until_gone(async move { registry.counted(&*service, request, &call).await });
        answer.await.unwrap_or_else(|| Err(Error::new(Blame::Ours, "E901", "The call was given up; that is a bug of this program. The server goes on. Please report it with the server's log.")))
    }

    async fn counted(
        &self,
        service: &dyn Service,
        request: InferRequest,
        call: &Call,
    ) -> Result<InferReply, Error> {
        let (start, began) = (Instant::now(), SystemTime::now());
        let (id, rows, rules) = (request.id.clone(), service.rows(&request), self.rules.get());
        let mut queued = Duration::ZERO;
        let answer = self.answer(service, request, rows, &rules, call, &mut queued).await;
        let took = start.elapsed();
        let answer = written_down(answer, &rules, service, rows, call, took);
        let (error, rounds) = (answer.as_ref().err(), answer.as_ref().map_or(0, rounds));
        let (metadata, client) = (service.metadata(), call.client.name());
        let answered = Answered { metadata, client, rows, took, queued, rounds, error };
        self.metrics.answered(&answered);
        trace(&answered, began, call);
        answer.map(|reply| InferReply { id, ..reply })
    }

    async fn answer(
        &self,
        service: &dyn Service,
        request: InferRequest,
        rows: usize,
        rules: &Rules,
        call: &Call,
        queued: &mut Duration,
    ) -> Result<InferReply, Error> {
        let _room = match self.allowed(service, &request, rows, rules, call) {
            Ok(room) => room,
            Err(refused) => {
                service.decline(request);
                return Err(refused);
            }
        };
        let start = Instant::now();
        let turn = if service.takes_a_turn(&request) { self.turns.acquire().await.ok() } else { None };
        *queued = start.elapsed();
        let request = InferRequest { caller: Some(call.client.name().to_owned()), ..request };
        let answer = within(call.trace, service.infer(request)).await;
        drop(turn);
        // What was refused told nothing, so it costs nothing.
        answer.inspect_err(|_| {
            rules.give_rows_back(rows);
            call.client.give_rows_back(rows);
        })
    }

    /// Whether this call may be answered, by all that is known before it is; takes its rows from what there is of them, and the room in
    /// which it is computed.
    fn allowed(
        &self,
        service: &dyn Service,
        request: &InferRequest,
        rows: usize,
        rules: &Rules,
        call: &Call,
    ) -> Result<Computing, Error> {
        call.refused.clone().map_or(Ok(()), Err)?;
        call.client.may_ask(&service.metadata().name)?;
        check_rows(rows, rules.rows)?;
        let room = self.house.compute(service.memory(request))?;
        if let Some(bucket) = &rules.rows_per_minute {
            take(bucket, rows, "This server answers", "rows", "E325")?;
        }
        call.client.take_rows(rows).inspect_err(|_| rules.give_rows_back(rows))?;
        Ok(room)
    }
}

fn check_rows(rows: usize, most: Option<usize>) -> Result<(), Error> {
    match most {
        Some(most) if rows > most => {
            let what = format!(
                "{rows} rows came; this server takes at most {most} in one request. Send fewer at a time."
            );
            Err(Error::usage("E319", what))
        }
        _ => Ok(()),
    }
}

/// The answer, if it could be written down.
fn written_down(
    answer: Result<InferReply, Error>,
    rules: &Rules,
    service: &dyn Service,
    rows: usize,
    call: &Call,
    took: Duration,
) -> Result<InferReply, Error> {
    let Some(audit) = &rules.audit else { return answer };
    let trace = call.trace.map(|trace| trace.id());
    let metadata = service.metadata();
    let entry = Entry {
        client: call.client.name(),
        model: &metadata.name,
        version: &metadata.version,
        rows,
        outcome: answer.as_ref().err().map_or("answered", |error| error.code),
        trace: trace.as_deref(),
    };
    audit.write(&entry, took).and(answer)
}

/// Rounds between the parties, as the reply says.
fn rounds(reply: &InferReply) -> u64 {
    let said = reply.parameters.iter().find(|(name, _)| name == "rounds_between");
    match said {
        Some((_, Parameter::Int(n))) => u64::try_from(*n).unwrap_or(0),
        _ => 0,
    }
}

/// The call's span, and within it the wait for its turn and the computation.
fn trace(call: &Answered<'_>, began: SystemTime, of: &Call) {
    let Some(trace) = of.trace.filter(|_| telemetry::is_on()) else { return };
    let text = |text: &str| Attribute::Text(text.into());
    let attributes = vec![
        ("privet.model", text(&call.metadata.name)),
        ("privet.version", text(&call.metadata.version)),
        ("privet.platform", text(&call.metadata.platform)),
        ("privet.client", text(call.client)),
        ("privet.rows", Attribute::Count(call.rows as u64)),
        ("privet.rounds", Attribute::Count(call.rounds)),
    ];
    let failed = call.error.map(|error| error.code);
    let whole =
        Span { trace, name: "infer", side: Side::Server, start: began, took: call.took, attributes, failed };
    let part = |name, start, took| Span {
        trace: trace.child(),
        name,
        side: Side::Internal,
        start,
        took,
        attributes: Vec::new(),
        failed: None,
    };
    telemetry::record(|| part("queue", began, call.queued));
    telemetry::record(|| part("compute", began + call.queued, call.took.saturating_sub(call.queued)));
    telemetry::record(|| whole);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::future::ready;
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::BoxFuture;
    use privet_deploy::oip::Metadata;
    use tokio::sync::Notify;

    use super::*;

    /// Takes 60 bytes for an answer, which comes when it is told.
    struct Takes60 {
        metadata: Metadata,
        answer: Notify,
        declined: AtomicUsize,
    }

    impl Service for Takes60 {
        fn metadata(&self) -> &Metadata {
            &self.metadata
        }

        fn memory(&self, _: &InferRequest) -> usize {
            60
        }

        fn infer(&self, _: InferRequest) -> BoxFuture<'_, Result<InferReply, Error>> {
            Box::pin(async {
                self.answer.notified().await;
                Ok(InferReply::default())
            })
        }

        fn decline(&self, _: InferRequest) {
            self.declined.fetch_add(1, Ordering::Relaxed);
        }

        fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
            Box::pin(ready(Ok(())))
        }
    }

    #[tokio::test]
    async fn what_computes_has_room_until_its_answer_and_what_has_none_is_declined() {
        let (name, text) = ("m".to_owned(), String::new);
        let metadata = Metadata {
            name,
            version: text(),
            platform: text(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            parameters: Vec::new(),
        };
        let service = Arc::new(Takes60 { metadata, answer: Notify::new(), declined: AtomicUsize::new(0) });
        let asked: Arc<dyn Service> = Arc::<Takes60>::clone(&service);
        let limits = Limits { computing_bytes: 100, ..Limits::default() };
        let (registry, call) =
            (Arc::new(Registry::of(Vec::new(), &limits, None).unwrap()), Call::of_anyone());
        let ask = || registry.infer(&asked, InferRequest::default(), &call);
        let second = async {
            let refused = ask().await.err().unwrap();
            assert_eq!((refused.code, service.declined.load(Ordering::Relaxed)), ("E324", 1));
            service.answer.notify_one();
        };
        let (first, ()) = tokio::join!(ask(), second);
        first.unwrap();
        service.answer.notify_one();
        ask().await.unwrap();
    }
}
