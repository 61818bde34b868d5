//! `privet up`.

use std::collections::BTreeMap;
use std::future::Future;
use std::process::ExitCode;

use privet_deploy::kind::Kind;
use privet_serve::up::network::Network;
use privet_serve::up::{Running, Wanted};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::UpArgs;
use crate::commands::{model, model_name, sample};
use crate::failure::Failure;
use crate::output::print;

pub(crate) async fn run(args: &UpArgs) -> Result<ExitCode, Failure> {
    let stop = stop_signal()?;
    tokio::pin!(stop);
    let graph = model(&args.model, &args.plan)?.graph;
    let rows = sample(args.plan.served.rows.as_deref(), &graph)?;
    let wanted = Wanted {
        program: &program()?,
        file: &args.model,
        graph: &graph,
        name: &model_name(args.plan.served.name.as_deref(), &args.model),
        kind: args.kind.into(),
        protocol: args.plan.protocol(),
        protect: args.plan.served.protect.into(),
        reveal: args.plan.reveal.into(),
        threshold: args.plan.served.threshold,
        accuracy: args.plan.accuracy,
        rows: rows.as_deref(),
        network: Network::default(),
        origins: &args.origins,
    };
    let mut running = tokio::select! {
        started = Running::start(&wanted, args.dir.as_deref()) => started?,
        () = &mut stop => return Ok(ExitCode::SUCCESS),
    };
    print(&ready(&running, args.json));
    if wanted.kind == Kind::Tee {
        eprintln!("{SIMULATED}");
    }
    loop {
        tokio::select! {
            ended = running.watch() => eprintln!("{ended}"),
            () = &mut stop => break,
        }
    }
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}

const SIMULATED: &str = "This is a SIMULATED enclave: an ordinary process, isolated from its neighbours and not from this machine's owner. \
     The policy beside `deployment.toml` accepts it; `privet predict` also needs `--dangerous-accept-simulated`.";

fn ready(running: &Running, json: bool) -> String {
    let file = running.file().display().to_string();
    if !json {
        return format!("ready {file}");
    }
    let processes: BTreeMap<_, _> = running.processes().into_iter().collect();
    serde_json::json!({ "ready": file, "processes": processes }).to_string()
}

/// This program's own file, which runs the roles too.
pub(crate) fn program() -> Result<std::path::PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|e| Failure::ours(format!("The program does not know its own file: {e}.")))
}

/// Done when SIGINT or SIGTERM comes; from now on neither ends the process by itself.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    let cannot = |e| Failure::ours(format!("Signals cannot be handled: {e}."));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
