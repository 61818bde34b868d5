//! Queries on a cluster, and its roles, with what goes wrong in words.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use datafusion::prelude::SessionContext;
pub(crate) use privet_credit_cluster::Worker;

use crate::failure::Failure;

/// A session whose queries run on the cluster of the scheduler at `address`.
pub(crate) async fn connect(address: &str, threads: usize) -> Result<SessionContext, Failure> {
    reach(address).await?;
    privet_credit_cluster::session(address, threads.max(2))
        .await
        .map_err(|e| unreachable(address, &e.to_string()))
}

/// Tries the port, so that a scheduler that is not there is told at once.
async fn reach(address: &str) -> Result<(), Failure> {
    const PATIENCE: Duration = Duration::from_secs(5);
    match tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(e)) => Err(unreachable(address, &e.to_string())),
        Err(_) => Err(unreachable(address, "no answer within 5 seconds")),
    }
}

fn unreachable(address: &str, why: &str) -> Failure {
    let what = format!("The scheduler at `{address}` cannot be reached: {why}.");
    Failure::peer("C610", format!("{what} Start it with `privet-credit cluster scheduler`, then its workers."))
}

/// Runs a scheduler until the process is ended.
pub(crate) async fn scheduler(listen: SocketAddr) -> Result<(), Failure> {
    privet_credit_cluster::scheduler(listen).await.map_err(|e| ended("scheduler", e.as_ref()))
}

/// Works until the process is ended.
pub(crate) async fn work(worker: Worker) -> Result<(), Failure> {
    reach(&format!("{}:{}", worker.scheduler_host, worker.scheduler_port)).await?;
    worker.run().await.map_err(|e| ended("worker", e.as_ref()))
}

fn ended(role: &str, error: &dyn Error) -> Failure {
    Failure::ours(format!("The {role} ended: {error}"))
}
