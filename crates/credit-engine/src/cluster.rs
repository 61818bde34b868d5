//! A cluster of Ballista, the distributed `DataFusion`: the session that sends queries to it, and its two roles, for who has no
//! such cluster yet. Ballista's own programs of the same version serve as well.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ballista::prelude::SessionContextExt as _;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::error::BallistaError;
use ballista_core::extension::SessionConfigExt as _;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::{Answer, Failure};

/// Plans of hundreds of columns are larger than the messages that gRPC allows by itself.
const LARGEST_PLAN: u32 = 64 << 20;

/// A session whose queries run on the cluster of the scheduler at `address` (`HOST:PORT`), in `parts` parts.
pub(crate) async fn session(address: &str, parts: usize) -> Result<SessionContext, Failure> {
    reach(address).await?;
    let config = SessionConfig::new_with_ballista()
        .with_target_partitions(parts)
        .with_ballista_grpc_client_max_message_size(LARGEST_PLAN as usize);
    let state = SessionStateBuilder::new().with_config(config).with_default_features().build();
    let connected = SessionContext::remote_with_state(&format!("df://{address}"), state).await;
    connected.map_err(|e| unreachable(address, &e.to_string()))
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
    Failure::peer(
        "C610",
        format!("{what} Start it with `privet-credit cluster scheduler`, then its workers."),
    )
}

/// Runs a scheduler until the process is ended.
pub fn scheduler(listen: SocketAddr) -> Answer<'static, ()> {
    let config = SchedulerConfig {
        bind_host: listen.ip().to_string(),
        bind_port: listen.port(),
        external_host: listen.ip().to_string(),
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        grpc_server_max_decoding_message_size: LARGEST_PLAN,
        grpc_server_max_encoding_message_size: LARGEST_PLAN,
        ..SchedulerConfig::default()
    };
    Box::pin(async move {
        let cluster = BallistaCluster::new_from_config(&config).await.map_err(|e| ended("scheduler", &e))?;
        start_server(cluster, listen, Arc::new(config)).await.map_err(|e| ended("scheduler", &e))
    })
}

/// What a worker is told.
pub struct Worker {
    /// The scheduler's host.
    pub scheduler_host: String,
    /// The scheduler's port.
    pub scheduler_port: u16,
    /// Where other workers fetch results; the port after it is for the scheduler.
    pub listen: SocketAddr,
    /// The name or address under which others reach it.
    pub reachable_as: String,
    /// Tasks at once.
    pub threads: usize,
    /// Bytes for all tasks together.
    pub memory: u64,
    /// Where results wait to be fetched.
    pub scratch: PathBuf,
}

impl Worker {
    /// Works until the process is ended.
    pub fn run(self) -> Answer<'static, ()> {
        let scheduler = format!("{}:{}", self.scheduler_host, self.scheduler_port);
        let config = ExecutorProcessConfig {
            bind_host: self.listen.ip().to_string(),
            external_host: Some(self.reachable_as),
            port: self.listen.port(),
            grpc_port: self.listen.port().saturating_add(1),
            scheduler_host: self.scheduler_host,
            scheduler_port: self.scheduler_port,
            scheduler_connect_timeout_seconds: 20,
            vcores: self.threads,
            task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
            work_dir: Some(self.scratch.to_string_lossy().into_owned()),
            grpc_max_decoding_message_size: LARGEST_PLAN,
            grpc_max_encoding_message_size: LARGEST_PLAN,
            memory_pool_size: Some(self.memory),
            ..ExecutorProcessConfig::default()
        };
        Box::pin(async move {
            reach(&scheduler).await?;
            start_executor_process(Arc::new(config)).await.map_err(|e| ended("worker", &e))
        })
    }
}

fn ended(role: &str, error: &BallistaError) -> Failure {
    Failure::ours(format!("The {role} ended: {error}"))
}
