//! A cluster of Ballista, the distributed DataFusion: the session that sends queries to it, and its two roles, for who has no
//! such cluster yet. Ballista's own programs of the same version serve as well.
//!
//! It is a crate of its own, and its functions return boxed futures, so that the scheduler, which is generic, is compiled
//! here once and not again with every change of the program that uses it.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use ballista::prelude::SessionContextExt as _;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::extension::SessionConfigExt as _;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

/// Plans of hundreds of columns are larger than the messages that gRPC allows by itself.
const LARGEST_PLAN: u32 = 64 << 20;

/// What a call gives in the end.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, Box<dyn Error + Send + Sync>>> + Send>>;

/// A session whose queries run on the cluster of the scheduler at `address` (`HOST:PORT`), in `partitions` parts; files are
/// read where its workers are.
pub fn session(address: &str, partitions: usize) -> Answer<SessionContext> {
    let url = format!("df://{address}");
    Box::pin(async move {
        let config = SessionConfig::new_with_ballista()
            .with_target_partitions(partitions)
            .with_ballista_grpc_client_max_message_size(LARGEST_PLAN as usize);
        let state = SessionStateBuilder::new().with_config(config).with_default_features().build();
        Ok(SessionContext::remote_with_state(&url, state).await?)
    })
}

/// Runs a scheduler until the process is ended.
pub fn scheduler(listen: SocketAddr) -> Answer<()> {
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
        let cluster = BallistaCluster::new_from_config(&config).await?;
        Ok(start_server(cluster, listen, Arc::new(config)).await?)
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
    pub fn run(self) -> Answer<()> {
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
        Box::pin(async move { Ok(start_executor_process(Arc::new(config)).await?) })
    }
}
