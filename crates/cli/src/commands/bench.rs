//! `privet bench`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use privet_bench::limits::{Limits, Work};
use privet_bench::machine::Machine;
use privet_bench::measure::{Expected, Sample, cycled, measure, percentile};
use privet_bench::record::{FORMAT, Measured, Memory, Record, Started};
use privet_bench::workload::synthetic;
use privet_deploy::Error;
use privet_deploy::kind::{Kind, Reveal};
use privet_deploy::numbers::Numbers;
use privet_deploy::plain::{Engine, scores};
use privet_model::cut::cut;
use privet_model::graph::Graph;
use privet_model::tensor::Tensor;
use privet_mpc::protocols::replicated3;
use privet_mpc::request::Layout;
use privet_serve::belief::Belief;
use privet_serve::deployed::Deployed;
use privet_serve::deployment::DeploymentFile;
use privet_serve::up::network::Network;
use privet_serve::up::{Running, Wanted};

use crate::args::{BenchArgs, PlanArgs};
use crate::commands::table::table;
use crate::commands::up::program;
use crate::commands::{model, model_name, sample};
use crate::failure::Failure;
use crate::output::{bytes, count, print, progress, seconds};

/// No call of a benchmark waits longer.
const DEADLINE: Duration = Duration::from_secs(60);
/// Rows made up where none are given; larger batches repeat them.
const SYNTHETIC_ROWS: usize = 1024;

pub(crate) async fn run(args: &BenchArgs) -> Result<ExitCode, Failure> {
    let graph = model(&args.model, &args.plan)?.graph;
    let given = sample(args.plan.rows.as_deref(), &graph)?;
    let source = args.plan.rows.clone().unwrap_or_else(|| "made up, always the same".into());
    let workload = Workload {
        file: &args.model,
        graph: &graph,
        name: model_name(args.plan.name.as_deref(), &args.model),
        ranges: given.as_deref(),
        rows: given.clone().map_or_else(|| synthetic(&graph, SYNTHETIC_ROWS), Ok)?,
        source,
        plan: &args.plan,
        network: args.network(),
    };
    let kinds: Vec<Kind> = args.kinds.iter().map(|&k| k.into()).collect();
    let record = workload.measure(&kinds, &args.batch_sizes, args.repeats).await?;
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&record).map_err(|e| Failure::ours(e.to_string()))?;
        std::fs::write(path, text)
            .map_err(|e| Failure::ours(format!("`{}` cannot be written: {e}.", path.display())))?;
    }
    show(&record);
    Ok(ExitCode::SUCCESS)
}

/// One model, with rows to ask about.
pub(crate) struct Workload<'a> {
    pub(crate) file: &'a Path,
    pub(crate) graph: &'a Graph,
    pub(crate) name: String,
    /// Rows from which the plan takes its ranges; without, from the model.
    pub(crate) ranges: Option<&'a [Tensor]>,
    pub(crate) rows: Vec<Tensor>,
    /// Where the rows came from, in words.
    pub(crate) source: String,
    pub(crate) plan: &'a PlanArgs,
    /// What to imitate between the roles.
    pub(crate) network: Network,
}

/// A deployment that runs, and what its numbers are.
struct Subject {
    kind: Kind,
    deployed: Deployed,
    plan: Option<(Numbers, Layout)>,
}

impl Workload<'_> {
    /// Brings up all kinds at once and asks each in turn, so that what disturbs the machine disturbs all.
    pub(crate) async fn measure(
        &self,
        kinds: &[Kind],
        batches: &[usize],
        repeats: usize,
    ) -> Result<Record, Failure> {
        let commit = option_env!("PRIVET_COMMIT").unwrap_or("unknown");
        let mut record = Record {
            format: FORMAT,
            model: self.name.clone(),
            rows: self.source.clone(),
            network: self.network(),
            machine: Machine::this(commit),
            limits: Limits::measure(),
            results: Vec::new(),
            starts: Vec::new(),
            memory: Vec::new(),
        };
        let mut running = Vec::new();
        let result = self.fill(&mut record, kinds, batches, repeats, &mut running).await;
        for (kind, deployment) in kinds.iter().zip(running) {
            record.memory.extend(peaks(*kind, &deployment));
            deployment.stop().await;
        }
        result?;
        record.compare_with_plain();
        Ok(record)
    }

    /// What lies between the roles, in words.
    fn network(&self) -> String {
        let here = "TLS 1.3, every role its own process on this machine";
        if self.network.is_this_machines() {
            return format!("loopback, {here}");
        }
        let Network { round_trip, bits_per_s } = self.network;
        let line = bits_per_s.map(|b| format!(", {} Mbit/s on each connection", b / 1e6)).unwrap_or_default();
        format!("imitated by relays: {} ms round trip{line}; {here}", round_trip.as_secs_f64() * 1e3)
    }

    async fn fill(
        &self,
        record: &mut Record,
        kinds: &[Kind],
        batches: &[usize],
        repeats: usize,
        running: &mut Vec<Running>,
    ) -> Result<(), Failure> {
        let mut subjects = Vec::new();
        for &kind in kinds {
            let start = Instant::now();
            let deployment = self.start(kind).await?;
            let cold_start_s = start.elapsed().as_secs_f64();
            let file = deployment.file();
            running.push(deployment);
            record.starts.push(self.first(kind, &file, cold_start_s).await?);
            subjects.push(subject(kind, &file)?);
        }
        let bar = progress((batches.len() * kinds.len()) as u64, "measuring");
        for &batch in batches {
            let rows = Arc::new(cycled(&self.rows, batch));
            let expected = self.expected(&rows)?;
            for subject in &subjects {
                let sample = measure(&subject.deployed, &rows, &expected, repeats).await?;
                record.results.push(self.measured(subject, batch, sample, &record.limits));
                bar.inc(1);
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// A new client's way to its first answer.
    async fn first(&self, kind: Kind, file: &Path, cold_start_s: f64) -> Result<Started, Failure> {
        let row: Vec<Tensor> = self.rows.iter().map(|t| t.slice(0, 1)).collect();
        let deployed = Deployed::open_with(file, DEADLINE, &own())?;
        let opening = deployed.opened().await?;
        let start = Instant::now();
        deployed.predict(Arc::new(row)).await?;
        Ok(Started {
            kind: kind.name().into(),
            cold_start_s,
            evidence_s: opening.map(|o| o.evidence.as_secs_f64()),
            verification_s: opening.map(|o| o.verification.as_secs_f64()),
            first_request_s: start.elapsed().as_secs_f64(),
            assurance: deployed.caller().assurance().into(),
        })
    }

    /// Runs this workload's model as `kind`.
    pub(crate) async fn start(&self, kind: Kind) -> Result<Running, Failure> {
        let wanted = Wanted {
            program: &program()?,
            file: self.file,
            graph: self.graph,
            name: &self.name,
            kind,
            protect: self.plan.protect.into(),
            reveal: self.plan.reveal.into(),
            threshold: self.plan.threshold,
            accuracy: self.plan.accuracy,
            rows: self.ranges,
            network: self.network,
        };
        Ok(Running::start(&wanted, None).await?)
    }

    fn expected(&self, rows: &[Tensor]) -> Result<Expected, Failure> {
        let outputs = Engine::new(self.graph.clone()).run(rows).map_err(Error::from)?;
        let scores = match cut(self.graph) {
            // What a private program reveals is compared as outputs.
            _ if Reveal::from(self.plan.reveal) != Reveal::Score => Vec::new(),
            Ok(cut) => scores(&cut, rows).map_err(Error::from)?,
            Err(_) => Vec::new(),
        };
        Ok(Expected { scores, outputs })
    }

    fn measured(&self, subject: &Subject, batch: usize, sample: Sample, limits: &Limits) -> Measured {
        let median_s = percentile(&sample.seconds, 0.5);
        let at_best_s = limits.seconds(&self.work(subject, batch));
        let plan = subject.plan.as_ref().map(|(plan, ..)| plan);
        Measured {
            kind: subject.kind.name().into(),
            protocol: plan.map(|_| replicated3::HEADER.name.into()),
            protect: subject.plan.as_ref().map(|(_, layout)| layout.protect.name().into()),
            reveal: Reveal::from(self.plan.reveal).name().into(),
            accuracy: self.plan.accuracy,
            k: plan.map(Numbers::input_ring),
            batch,
            median_s,
            p95_s: percentile(&sample.seconds, 0.95),
            rows_per_s: batch as f64 / median_s,
            bytes_up: sample.bytes_up,
            bytes_down: sample.bytes_down,
            bytes_between: sample.between.bytes,
            rounds: 1 + sample.between.rounds,
            max_error: sample.max_error,
            bound: plan.map(Numbers::bound),
            assurance: subject.deployed.caller().assurance().into(),
            ratio_to_plain: None,
            limit_s: at_best_s,
            over_limit: median_s / at_best_s,
            samples_s: sample.seconds,
        }
    }

    fn work(&self, subject: &Subject, batch: usize) -> Work {
        match &subject.plan {
            None => {
                let widths: usize = self.graph.inputs.iter().map(|p| p.width).sum();
                let scores = cut(self.graph).map_or(1, |cut| cut.core.scores());
                Work::plain((widths * batch) as f64, scores as f64)
            }
            Some((_, layout)) => {
                let explicit = layout.explicit_len(batch).unwrap_or(0) * layout.protect.explicit_copies();
                let elements = (layout.columns * batch) as f64;
                Work::parties(elements, layout.scores as f64, layout.protect, explicit as f64)
            }
        }
    }
}

/// The most memory that each role of a deployment had at a time, where the system says so.
fn peaks(kind: Kind, deployment: &Running) -> Vec<Memory> {
    let peak = |(role, id): (String, Option<u32>)| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", id?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(Memory { kind: kind.name().into(), role, peak_bytes: kilobytes * 1024 })
    };
    deployment.processes().into_iter().filter_map(peak).collect()
}

/// Deployments that this program itself brought up on this machine, simulators among them: every number says so.
pub(crate) fn own() -> Belief {
    Belief::dangerous_accept_simulated()
}

fn subject(kind: Kind, file: &Path) -> Result<Subject, Failure> {
    let (_, public) = DeploymentFile::read(file)?;
    let part = public.manifest().mpc.as_ref();
    let plan = part.map(|part| Ok::<_, Error>((part.numbers.clone(), public.layout()?))).transpose()?;
    Ok(Subject { kind, deployed: Deployed::open_with(file, DEADLINE, &own())?, plan })
}

/// What comes before steady requests.
pub(crate) fn show_starts(starts: &[Started]) {
    let mut out = table(&["kind", "cold start", "evidence", "verification", "first request", "assurance"]);
    let or_none = |s: Option<f64>| s.map_or("-".into(), seconds);
    for start in starts {
        out.add_row([
            start.kind.clone(),
            seconds(start.cold_start_s),
            or_none(start.evidence_s),
            or_none(start.verification_s),
            seconds(start.first_request_s),
            start.assurance.clone(),
        ]);
    }
    print(&out.to_string());
}

/// The record as a table.
pub(crate) fn show(record: &Record) {
    let head = [
        "kind",
        "batch",
        "median",
        "p95",
        "rows/s",
        "up",
        "between",
        "round trips",
        "worst error",
        "bound",
        "to plain",
        "to limit",
        "assurance",
    ];
    let mut out = table(&head);
    record.results.iter().for_each(|result| {
        out.add_row(row(result));
    });
    print(&out.to_string());
    show_starts(&record.starts);
    show_machine(record);
}

fn row(r: &Measured) -> [String; 13] {
    [
        r.kind.clone(),
        count(r.batch as f64),
        seconds(r.median_s),
        seconds(r.p95_s),
        count(r.rows_per_s),
        bytes(r.bytes_up as f64),
        bytes(r.bytes_between as f64),
        r.rounds.to_string(),
        format!("{:.1e}", r.max_error),
        r.bound.map_or("-".into(), |b| format!("{b:.1e}")),
        r.ratio_to_plain.map_or("-".into(), |x| format!("{x:.2}x")),
        format!("{:.1}x", r.over_limit),
        r.assurance.clone(),
    ]
}

fn show_machine(record: &Record) {
    let (machine, limits) = (&record.machine, &record.limits);
    print(&format!(
        "{}, {} cores, load {}. Limits: loopback {}/s; one core {} expansions/s, {} products/s.",
        machine.processor,
        machine.cores,
        machine.load,
        bytes(limits.loopback_bytes_per_s),
        count(limits.expansions_per_s),
        count(limits.products_per_s),
    ));
}
