//! What the operating system says of this process, under the names that every dashboard knows. Where it says nothing, nothing is shown.

use std::fs;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Gauges that are set when they are read.
pub(crate) struct Process {
    resident: Gauge,
    open: Gauge,
    most_open: Gauge,
}

impl Process {
    /// In this registry.
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let (resident, open, most_open) = (Gauge::default(), Gauge::default(), Gauge::default());
        let start = Gauge::<f64, AtomicU64>::default();
        start.set(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
        registry.register(
            "process_start_time_seconds",
            "When this process began, in seconds since 1970",
            start,
        );
        registry.register("process_resident_memory_bytes", "Memory of this process", resident.clone());
        registry.register("process_open_fds", "Files and connections that it has open", open.clone());
        registry.register("process_max_fds", "The most that it may have", most_open.clone());
        Self { resident, open, most_open }
    }

    /// Looks again.
    pub(crate) fn look(&self) {
        let page = rustix::param::page_size();
        let pages = fs::read_to_string("/proc/self/statm").ok();
        let pages = pages.and_then(|text| text.split_ascii_whitespace().nth(1)?.parse::<usize>().ok());
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.resident.set(pages.map_or(0, |pages| count(pages.saturating_mul(page))));
        self.open.set(fs::read_dir("/proc/self/fd").map_or(0, |all| count(all.count())));
        self.most_open.set(most_open().map_or(0, |n| i64::try_from(n).unwrap_or(i64::MAX)));
    }
}

fn most_open() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Lets this process open as many files and connections as it may: the limit that a shell begins with is for programs that poll with bits.
pub(crate) fn open_as_many_as_may_be() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // A refusal leaves what was; connections beyond it wait.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
