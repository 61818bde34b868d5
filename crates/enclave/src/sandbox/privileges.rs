//! Privileges, dumps, namespaces: what can be given up before anything was read.

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getpid, getrlimit, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags, set_capabilities, set_no_new_privs};

use super::{Remarks, Weight};

/// The next child is alone: the first process of its own process namespace, with no mapped user, and no network.
pub fn begin_namespaces() -> Result<(), Errno> {
    // While this process still may: what it locks in memory is not limited. Where it may not, memory stays unlocked, and that is
    // remarked.
    let _ = setrlimit(Resource::Memlock, Rlimit { current: None, maximum: None });
    unshare(UnshareFlags::NEWPID | APART)
}

/// Every namespace but that of processes, which only a child enters.
const APART: UnshareFlags = UnshareFlags::NEWUSER
    .union(UnshareFlags::NEWNET)
    .union(UnshareFlags::NEWIPC)
    .union(UnshareFlags::NEWUTS)
    .union(UnshareFlags::NEWNS)
    .union(UnshareFlags::NEWCGROUP);

/// Gives up what needs no knowledge of what is to be served.
pub fn give_up_privileges(remarks: &mut Remarks) {
    remarks.note("no inherited descriptors", Weight::Helpful, nothing_inherited());
    let died = set_parent_process_death_signal(Some(Signal::KILL));
    remarks.note("ends with its host", Weight::Helpful, died);
    let no_dump = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    remarks.note("not readable by other processes of its user", Weight::Essential, no_dump);
    let no_core = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    remarks.note("no core dumps", Weight::Essential, no_core);
    remarks.note("no new privileges", Weight::Essential, set_no_new_privs(true));
    remarks.note("memory is not swapped", Weight::Helpful, lock_memory());
    let alone = (getpid().as_raw_nonzero().get() == 1).then_some(()).ok_or("there are other processes in it");
    remarks.note("a process namespace of its own", Weight::Helpful, alone);
    let apart = seen_apart().or_else(|_| unshare(APART).map_err(|e| e.to_string()));
    remarks.note("namespaces of its own, and no network", Weight::Helpful, apart);
    let none = CapabilitySet::empty();
    let no_power =
        set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none });
    remarks.note("no capabilities", Weight::Helpful, no_power);
}

/// Looks before the program opens anything itself.
fn nothing_inherited() -> Result<(), String> {
    let open = std::fs::read_dir("/proc/self/fd").map_err(|e| e.to_string())?.count();
    // The standard three, and the folder that is being read.
    if open <= 4 { Ok(()) } else { Err(format!("{} are open", open - 4)) }
}

/// Whether what it was started in is what [`begin_namespaces`] made, as far as it can see: whoever started it is not believed.
fn seen_apart() -> Result<(), String> {
    let see = |file: &str| std::fs::read_to_string(file).map_err(|e| e.to_string());
    if !see("/proc/self/uid_map")?.trim().is_empty() {
        return Err("users are mapped".into());
    }
    let interfaces = see("/proc/self/net/dev")?;
    let only_loopback = interfaces.lines().skip(2).all(|line| line.trim_start().starts_with("lo:"));
    only_loopback.then_some(()).ok_or_else(|| "there is a network".into())
}

/// Keeps what is touched in memory. Not where there is a limit: above it, allocation would fail.
fn lock_memory() -> Result<(), String> {
    if let Some(limit) = getrlimit(Resource::Memlock).current {
        return Err(format!("at most {limit} bytes may be locked"));
    }
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)
        .map_err(|e| e.to_string())
}

#[expect(deprecated, reason = "it is deprecated for `UnshareFlags::FILES`, which is not among these")]
fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    rustix::thread::unshare(flags)
}
