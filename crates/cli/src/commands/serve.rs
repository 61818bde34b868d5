//! `privet serve plain|party|dealer|enclave|he|keys|web`.

use std::future::Future;
use std::process::ExitCode;
use std::{io, thread};

use privet_serve::roles::{dealer, enclave, he, keys, party, plain};
use privet_serve::web::web;
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
    };
    let signal = stop_signal()?;
    let parent = args.with_parent.then(end_of_input);
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
