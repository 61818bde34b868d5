//! `privet serve plain|party|dealer|enclave|he|keys|web|trainer`.

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::{io, thread};

use privet_serve::loaded::Reloader;
use privet_serve::roles::{dealer, enclave, he, keys, party, plain};
use privet_serve::telemetry;
use privet_serve::training::trainer::trainer;
use privet_serve::web::web;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::args::ServeRole;
use crate::commands::up::stop_signal;
use crate::failure::Failure;
use crate::output::print;

pub(crate) async fn run(role: &ServeRole) -> Result<ExitCode, Failure> {
    let (prepared, args) = match role {
        ServeRole::Plain(args) => (plain(&args.config).await?, args),
        ServeRole::Party(args) => (party(&args.config).await?, args),
        ServeRole::Dealer(args) => (dealer(&args.config).await?, args),
        ServeRole::Enclave(args) => (enclave(&args.config).await?, args),
        ServeRole::He(args) => (he(&args.config).await?, args),
        ServeRole::Keys(args) => (keys(&args.config).await?, args),
        ServeRole::Web(args) => (web(&args.config).await?, args),
        ServeRole::Trainer(args) => (trainer(&args.config).await?, args),
    };
    let signal = stop_signal()?;
    let parent = args.with_parent.then(end_of_input);
    telemetry::start(role.name())?;
    if let Some(reloader) = prepared.reloader() {
        reload_at_signal(reloader)?;
    }
    print(&format!("ready https://{}", prepared.address()));
    let stop = async {
        match parent {
            None => signal.await,
            Some(parent) => tokio::select! { () = signal => {}, () = parent => {} },
        }
    };
    prepared.run(stop).await?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the configuration again whenever the operator asks for it by SIGHUP.
fn reload_at_signal(reloader: Arc<Reloader>) -> Result<(), Failure> {
    let mut asked =
        signal(SignalKind::hangup()).map_err(|e| Failure::ours(format!("SIGHUP cannot be heard: {e}.")))?;
    tokio::spawn(async move {
        while asked.recv().await.is_some() {
            reloader.reload_and_tell().await;
        }
    });
    Ok(())
}

/// Done when standard input ends. A thread of its own waits, as reading cannot be given up.
fn end_of_input() -> impl Future<Output = ()> {
    let (ended, end) = oneshot::channel();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = ended.send(());
    });
    async move {
        let _ = end.await;
    }
}
