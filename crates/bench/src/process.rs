//! What a process needed, as the system counts it.

use std::fs;

/// Processor seconds of a process' threads so far, of those that still live.
pub fn cpu_seconds(process: u32) -> Option<f64> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let nanoseconds = |thread: fs::DirEntry| -> Option<u64> {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok()
    };
    Some(threads.flatten().filter_map(nanoseconds).sum::<u64>() as f64 * 1e-9)
}

/// The most physical memory that a process had at a time.
pub fn peak_bytes(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// A process, and all that it started and they.
pub fn family(process: u32) -> Vec<u32> {
    let parents = parents();
    let mut all = vec![process];
    let mut at = 0;
    while let Some(&parent) = all.get(at) {
        all.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| child));
        at += 1;
    }
    all
}

/// Every process that runs, and who started it.
fn parents() -> Vec<(u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let parent = |entry: fs::DirEntry| {
        let process = entry.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        Some((process, line.trim().parse().ok()?))
    };
    entries.filter_map(parent).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_process_is_counted() {
        let own = std::process::id();
        let before = cpu_seconds(own).unwrap();
        let spun = (0..30_000_000u64).fold(1u64, |x, i| std::hint::black_box(x.wrapping_mul(i | 1)));
        assert!(spun != 0 && cpu_seconds(own).unwrap() > before);
        assert!(peak_bytes(own).unwrap() > 1 << 16);
        assert!(cpu_seconds(u32::MAX).is_none() && peak_bytes(u32::MAX).is_none());
    }

    #[test]
    fn a_process_of_a_process_belongs_to_it() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(family(std::process::id()).contains(&child.id()));
        assert_eq!(family(child.id()), [child.id()]);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
