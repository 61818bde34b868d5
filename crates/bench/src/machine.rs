//! What a benchmark was measured on.

use serde::{Deserialize, Serialize};

/// The machine, and the program's version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's own name.
    pub processor: String,
    /// Processors that this program may use.
    pub cores: usize,
    /// The release of the operating system's kernel: its numbers, without the suffix of whoever built it.
    pub kernel: String,
    /// Load average over one minute, when the benchmark began.
    pub load: String,
    /// This program's version.
    pub version: String,
    /// The commit it was built from, where that is known.
    pub commit: String,
    /// Seconds since 1970 when the benchmark began.
    pub began: u64,
}

impl Machine {
    /// This one, now.
    pub fn this(commit: &str) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        let model = info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(':'));
        let began = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self {
            processor: model.map_or("unknown", |(_, name)| name.trim()).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: release(&read("/proc/sys/kernel/osrelease")),
            load: read("/proc/loadavg").split(' ').next().unwrap_or("").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: commit.to_owned(),
            began: began.map_or(0, |d| d.as_secs()),
        }
    }
}

/// The leading numbers of a kernel's release.
fn release(text: &str) -> String {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_its_numbers() {
        for (text, numbers) in
            [("6.1.44-somebody-1\n", "6.1.44"), ("6.8.0+", "6.8.0"), ("5.10.x", "5.10"), ("", "")]
        {
            assert_eq!(release(text), numbers);
        }
    }
}
