//! `privet bench`: measures a model in several kinds, side by side.

use std::path::Path;
use std::process::ExitCode;

use privet_bench::limits::Limits;
use privet_bench::machine::Machine;
use privet_bench::networks::used;
use privet_bench::record::{FORMAT, Prices, Record, Resumed};
use privet_bench::run::{Part, Sizes, run as run_parts};
use privet_bench::synthetic::{SEED, synthetic};
use privet_bench::workload::{How, Way, Workload, digest};
use privet_deploy::Error;
use privet_model::graph::Graph;
use privet_model::tensor::Tensor;
use privet_mpc::protocols::{PROTOCOLS, named};

use crate::args::PlanArgs;
use crate::args_bench::{BenchArgs, BenchCommand};
use crate::commands::bench_table::show;
use crate::commands::up::program;
use crate::commands::{model, model_name, sample};
use crate::failure::Failure;
use crate::output::progress;

/// Rows made up where none are given; larger batches repeat them.
const SYNTHETIC_ROWS: usize = 1024;

pub(crate) async fn run(args: &BenchArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        Some(BenchCommand::Report(args)) => super::bench_report::report(args),
        Some(BenchCommand::Compare(args)) => super::bench_report::compare(args),
        None => measure(args).await,
    }
}

async fn measure(args: &BenchArgs) -> Result<ExitCode, Failure> {
    let file = args.model()?;
    let (program, name, plans) = (program()?, model_name(args.served.name.as_deref(), file), args.plans());
    let graphs =
        plans.iter().map(|plan| Ok(model(file, plan)?.graph)).collect::<Result<Vec<Graph>, Failure>>()?;
    let given = sample(args.served.rows.as_deref(), &graphs[0])?;
    let rows = given.clone().map_or_else(|| synthetic(&graphs[0], SYNTHETIC_ROWS), Ok)?;
    let mut record = args.begin(file, &name, &rows)?;
    let (ranges, rows) = (given.as_deref(), &rows[..]);
    let mut parts = Vec::new();
    for (network_name, network) in &args.networks {
        for (plan, graph) in plans.iter().zip(&graphs) {
            let how = how(plan);
            let workload = Workload {
                program: &program,
                file,
                graph,
                name: &name,
                ranges,
                rows,
                how,
                network: *network,
            };
            parts.push(Part { workload, network: network_name.clone() });
        }
    }
    let sizes = args.sizes();
    let bar = progress((parts.len() * sizes.places().count()) as u64, "measuring");
    bar.enable_steady_tick(std::time::Duration::from_secs(1));
    run_parts(&mut record, &parts, &sizes, args.json.as_deref(), &|| bar.inc(1)).await?;
    bar.finish_and_clear();
    show(&record);
    Ok(ExitCode::SUCCESS)
}

/// How a plan's options say that a model is served.
fn how(plan: &PlanArgs) -> How {
    How {
        accuracy: plan.accuracy,
        reveal: plan.reveal.into(),
        protect: plan.served.protect.into(),
        threshold: plan.served.threshold,
    }
}

impl BenchArgs {
    fn model(&self) -> Result<&Path, Error> {
        self.model.as_deref().ok_or_else(|| Error::usage("E149", "No model was given."))
    }

    /// One for each reveal mode and accuracy.
    fn plans(&self) -> Vec<PlanArgs> {
        let plan = |reveal, accuracy| PlanArgs {
            accuracy,
            protocol: PROTOCOLS[0].name.into(),
            reveal,
            served: self.served.clone(),
        };
        let of_reveal = |&reveal| self.accuracy.iter().map(move |&accuracy| plan(reveal, accuracy));
        self.reveal.iter().flat_map(of_reveal).collect()
    }

    fn sizes(&self) -> Sizes {
        let protocols: Vec<_> = self.protocols.iter().filter_map(|name| named(name)).collect();
        Sizes {
            ways: Way::all(self.kinds.iter().map(|&kind| kind.into()), &protocols),
            batches: self.batch_sizes.clone(),
            concurrency: self.concurrency.clone(),
            repeats: self.repeats,
        }
    }

    /// A new record, or the one that is to be gone on with.
    fn begin(&self, file: &Path, name: &str, rows: &[Tensor]) -> Result<Record, Failure> {
        let networks = self.networks.iter().map(|(name, network)| used(name, *network)).collect();
        let new = Record {
            format: FORMAT,
            model: name.into(),
            model_digest: file_digest(file)?,
            rows: self.served.rows.clone().unwrap_or_else(|| "made up, always the same".into()),
            rows_digest: digest(rows),
            seed: self.served.rows.is_none().then_some(SEED),
            machine: Machine::this(&commit()),
            commands: vec![typed()],
            resumed: Vec::new(),
            limits: Some(Limits::measure()),
            networks,
            prices: Prices { core_hour: self.price_core_hour, gigabyte: self.price_gigabyte },
            results: Vec::new(),
            starts: Vec::new(),
            memory: Vec::new(),
            trust: Vec::new(),
            terms: [].into(),
            absent: Vec::new(),
        };
        match &self.json {
            Some(path) if self.resume && path.exists() => resumed(path, new),
            _ => Ok(new),
        }
    }
}

/// The commit that this program was built from: known to whoever built it, or runs it from where it was built.
fn commit() -> String {
    let said =
        option_env!("PRIVET_COMMIT").map(str::to_owned).or_else(|| std::env::var("PRIVET_COMMIT").ok());
    said.unwrap_or_else(|| "unknown".into())
}

/// The command of this process, as a shell takes it where no word needs quotes.
fn typed() -> String {
    std::iter::once("privet".to_owned()).chain(std::env::args().skip(1)).collect::<Vec<_>>().join(" ")
}

/// What is there already, if it is of the same model, rows and version: numbers of two programs do not mix.
fn resumed(path: &Path, new: Record) -> Result<Record, Failure> {
    let mut old = read_record(path)?;
    let same = |r: &Record| {
        let Machine { processor, cores, version, commit, .. } = r.machine.clone();
        (r.model_digest.clone(), r.rows_digest.clone(), processor, cores, version, commit)
    };
    if same(&old) != same(&new) {
        let what = format!(
            "`{}` is of another model, other rows, another machine or version. Give another file to `--json`, or leave `--resume` out.",
            path.display()
        );
        return Err(Error::usage("E162", what).into());
    }
    old.commands.extend(new.commands);
    old.resumed.push(Resumed { began: new.machine.began, load: new.machine.load });
    for network in new.networks {
        if !old.networks.contains(&network) {
            old.networks.push(network);
        }
    }
    Ok(old)
}

pub(super) fn read_record(path: &Path) -> Result<Record, Error> {
    let cannot =
        |e: std::io::Error| Error::usage("E161", format!("`{}` cannot be read: {e}.", path.display()));
    Record::parse(&std::fs::read_to_string(path).map_err(cannot)?)
        .map_err(|e| Error { message: format!("`{}`: {}", path.display(), e.message), ..e })
}

/// Of a file, or of the files of a folder in the order of their names.
fn file_digest(path: &Path) -> Result<String, Failure> {
    let cannot = |e: std::io::Error| Failure::ours(format!("`{}` cannot be read: {e}.", path.display()));
    let mut hasher = blake3::Hasher::new();
    let mut add = |file: &Path| {
        std::fs::read(file)
            .map(|bytes| {
                hasher.update(&bytes);
            })
            .map_err(cannot)
    };
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(cannot)?.flatten();
        let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        files.sort();
        files.iter().try_for_each(|file| add(file))?;
    } else {
        add(path)?;
    }
    Ok(hasher.finalize().to_hex().to_string())
}
