//! A whole benchmark: place after place, saved after each, and taken up again where it stopped.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use privet_deploy::{Blame, Error};

use crate::limits::Limits;
use crate::measure::{Repeats, Sample, measure, percentile};
use crate::record::{Absent, Measured, Memory, Record};
use crate::subject::{Plan, Subject};
use crate::workload::{Way, Workload, cycled};

/// What is measured of each workload.
pub struct Sizes {
    /// Which kinds and protocols, in the order of the record.
    pub ways: Vec<Way>,
    /// Rows per request.
    pub batches: Vec<usize>,
    /// Requests in flight.
    pub concurrency: Vec<usize>,
    /// Requests per place.
    pub repeats: usize,
}

/// One workload on one network, by the network's name.
pub struct Part<'a> {
    /// The model, and how it is served.
    pub workload: Workload<'a>,
    /// The network's name.
    pub network: String,
}

/// Measures every part at every size into `record`, without what is in it already. `saved` is written after each place;
/// `done` is told after each.
pub async fn run(
    record: &mut Record,
    parts: &[Part<'_>],
    sizes: &Sizes,
    saved: Option<&Path>,
    done: &(dyn Fn() + Sync),
) -> Result<(), Error> {
    for part in parts {
        let missing = sizes.missing(record, part);
        (missing.len()..sizes.places().count()).for_each(|_| done());
        if missing.is_empty() {
            continue;
        }
        let mut subjects = Vec::new();
        let measured = part.measure(record, sizes, &missing, &mut subjects, saved, done).await;
        for subject in subjects {
            remember(&mut record.memory, subject.memory(part.workload.name));
            subject.stop().await;
        }
        measured?;
    }
    record.compare_with_plain();
    save(record, saved)
}

impl Sizes {
    /// Rows per request and requests in flight of every place of a part.
    pub fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        self.batches.iter().flat_map(|&batch| self.concurrency.iter().map(move |&c| (batch, c)))
    }

    /// The places that a record does not have in full.
    fn missing(&self, record: &Record, part: &Part<'_>) -> Vec<(usize, usize)> {
        let is_absent = |way: &Way| record.absent.iter().any(|a| part.is_of(a, *way));
        let has = |way: &Way, batch, concurrency| {
            is_absent(way) || record.results.iter().any(|r| part.holds(r, *way, batch, concurrency))
        };
        self.places().filter(|&(b, c)| !self.ways.iter().all(|way| has(way, b, c))).collect()
    }
}

impl Part<'_> {
    fn holds(&self, r: &Measured, way: Way, batch: usize, concurrency: usize) -> bool {
        let how = &self.workload.how;
        let is_its_protocol = way.protocol().is_none_or(|name| r.protocol.as_deref() == Some(name));
        r.system == "privet"
            && is_its_protocol
            && (r.kind.as_str(), r.reveal.as_str()) == (way.kind.name(), how.reveal.name())
            && (&r.network, r.batch, r.concurrency) == (&self.network, batch, concurrency)
            && r.accuracy.is_some_and(|accuracy| accuracy.total_cmp(&how.accuracy).is_eq())
    }

    async fn measure(
        &self,
        record: &mut Record,
        sizes: &Sizes,
        places: &[(usize, usize)],
        subjects: &mut Vec<Subject>,
        saved: Option<&Path>,
        done: &(dyn Fn() + Sync),
    ) -> Result<(), Error> {
        self.start(record, sizes, subjects).await?;
        for &(batch, concurrency) in places {
            let rows = Arc::new(cycled(self.workload.rows, batch));
            let expected = self.workload.expected(&rows)?;
            let repeats = Repeats { wanted: sizes.repeats, concurrency };
            let samples = measure(subjects, &rows, &expected, repeats).await?;
            record.results.retain(|r| !sizes.ways.iter().any(|&way| self.holds(r, way, batch, concurrency)));
            for (subject, sample) in subjects.iter().zip(samples) {
                record.results.push(self.measured(record, subject, (batch, concurrency), sample));
            }
            record.compare_with_plain();
            save(record, saved)?;
            done();
        }
        Ok(())
    }

    /// Brings all kinds up. One that has no plan for this model is left out, and the record says why; unless all have none.
    async fn start(
        &self,
        record: &mut Record,
        sizes: &Sizes,
        subjects: &mut Vec<Subject>,
    ) -> Result<(), Error> {
        let mut refusal = None;
        for &way in &sizes.ways {
            match Subject::start(&self.workload, &self.network, way).await {
                Ok(subject) => {
                    record.starts.push(subject.start.clone());
                    if !record.trust.contains(&subject.trust()) {
                        record.trust.push(subject.trust());
                    }
                    subjects.push(subject);
                }
                Err(e) if e.blame == Blame::Refused && sizes.ways.len() > 1 => {
                    if !record.absent.iter().any(|absent| self.is_of(absent, way)) {
                        record.absent.push(self.absent(way, &e));
                    }
                    refusal = Some(e);
                }
                Err(e) => return Err(e),
            }
        }
        if subjects.is_empty() { Err(refusal.unwrap_or_else(nothing)) } else { Ok(()) }
    }

    fn absent(&self, way: Way, error: &Error) -> Absent {
        Absent { system: "privet".into(), model: self.named(way), reason: error.message.clone() }
    }

    fn is_of(&self, absent: &Absent, way: Way) -> bool {
        absent.model == self.named(way)
    }

    /// What is left out, in words.
    fn named(&self, way: Way) -> String {
        let Workload { name, how, .. } = &self.workload;
        let protocol = way.protocol().map_or_else(String::new, |name| format!(" ({name})"));
        format!("{name}, {}{protocol}, {} at {:e}", way.kind.name(), how.reveal.name(), how.accuracy)
    }

    fn measured(
        &self,
        record: &Record,
        subject: &Subject,
        (batch, concurrency): (usize, usize),
        sample: Sample,
    ) -> Measured {
        let plan = subject.plan.as_ref();
        let median_s = percentile(&sample.seconds, 0.5);
        let limit_s = self.limit(record.limits.as_ref(), subject, (batch, concurrency));
        let measured = Measured {
            system: "privet".into(),
            model: self.workload.name.into(),
            kind: subject.way.kind.name().into(),
            protocol: subject.protocol(),
            protect: plan.and_then(Plan::protect).map(|protect| protect.name().into()),
            reveal: self.workload.how.reveal.name().into(),
            accuracy: Some(self.workload.how.accuracy),
            k: plan.map(Plan::k),
            network: self.network.clone(),
            concurrency,
            batch,
            median_s,
            p95_s: percentile(&sample.seconds, 0.95),
            p99_s: Some(percentile(&sample.seconds, 0.99)),
            rows_per_s: throughput(batch, concurrency, median_s, &sample),
            bytes_up: Some(sample.bytes_up),
            bytes_down: Some(sample.bytes_down),
            bytes_between: Some(sample.between.bytes),
            bytes_dealt: Some(sample.between.dealt).filter(|&bytes| bytes > 0),
            rounds: Some(1 + sample.between.rounds),
            cpu_s: sample.cpu_s,
            cost_per_million: None,
            max_error: sample.max_error,
            bound: plan.map(Plan::bound),
            assurance: subject.deployed.caller().assurance().into(),
            ratio_to_plain: None,
            limit_s,
            over_limit: limit_s.map(|limit| median_s / limit),
            samples_s: sample.seconds,
        };
        Measured { cost_per_million: record.prices.of_a_million(&measured), ..measured }
    }

    /// The limit is that of one request at a time on this machine's own network.
    fn limit(&self, limits: Option<&Limits>, subject: &Subject, place: (usize, usize)) -> Option<f64> {
        let is_plain_place = self.workload.network.is_this_machines() && place.1 == 1;
        let work = subject.work(&self.workload, place.0).filter(|_| is_plain_place)?;
        Some(limits?.seconds(&work))
    }
}

fn throughput(batch: usize, concurrency: usize, median_s: f64, sample: &Sample) -> f64 {
    if concurrency == 1 {
        return batch as f64 / median_s;
    }
    (batch * sample.seconds.len()) as f64 / sample.wall_s
}

fn nothing() -> Error {
    Error::usage("E160", "No kind was asked for. Give `--kinds`.")
}

/// Keeps the larger of what a role needed before and now.
fn remember(memory: &mut Vec<Memory>, more: Vec<Memory>) {
    for new in more {
        let is_same = |m: &&mut Memory| {
            (&m.model, &m.kind, &m.protocol, &m.role) == (&new.model, &new.kind, &new.protocol, &new.role)
        };
        match memory.iter_mut().find(is_same) {
            Some(known) => known.peak_bytes = known.peak_bytes.max(new.peak_bytes),
            None => memory.push(new),
        }
    }
}

/// Writes the record, whole or not at all.
fn save(record: &Record, path: Option<&Path>) -> Result<(), Error> {
    let Some(path) = path else { return Ok(()) };
    let cannot =
        |e: String| Error::new(Blame::Ours, "E905", format!("`{}` cannot be written: {e}.", path.display()));
    let text = serde_json::to_string_pretty(record).map_err(|e| cannot(e.to_string()))?;
    let part = PathBuf::from(format!("{}.part", path.display()));
    std::fs::write(&part, text + "\n").map_err(|e| cannot(e.to_string()))?;
    std::fs::rename(&part, path).map_err(|e| cannot(e.to_string()))
}
