//! `privet-credit cluster`.

use std::process::ExitCode;

use crate::args::{self, Role};
use crate::failure::Failure;
use privet_credit_engine::cluster::{self, Worker};

pub(crate) async fn run(role: Role) -> Result<ExitCode, Failure> {
    match role {
        Role::Scheduler { listen } => cluster::scheduler(listen).await?,
        Role::Worker(args) => worker(args)?.run().await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn worker(args: args::Worker) -> Result<Worker, Failure> {
    let address = args.scheduler.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = address.ok_or_else(|| {
        Failure::usage("C104", format!("Expected `--scheduler HOST:PORT`, got `{}`.", args.scheduler))
    })?;
    Ok(Worker {
        scheduler_host: host.to_owned(),
        scheduler_port: port,
        reachable_as: args.reachable_as.unwrap_or_else(|| args.listen.ip().to_string()),
        listen: args.listen,
        threads: args.limits.threads(),
        memory: args.limits.memory,
        scratch: args.scratch.unwrap_or_else(std::env::temp_dir),
    })
}
