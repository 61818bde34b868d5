//! Privileges, dumps, namespaces: what can be given up before anything was read.

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getpid, getrlimit, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags, set_capabilities, set_no_new_privs};

use super::{Remarks, Weight};

/// The next child becomes the first process of a namespace in which there is no other process.
pub fn begin_process_namespace() -> Result<(), Errno> {
    // While this process still may: what it locks in memory is not limited. Where it may not, memory stays unlocked, and that is
    // remarked.
    let _ = setrlimit(Resource::Memlock, Rlimit { current: None, maximum: None });
    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWPID)
}

/// Gives up what needs no knowledge of what is to be served.
pub fn give_up_privileges(remarks: &mut Remarks) {
    let died = set_parent_process_death_signal(Some(Signal::KILL));
    remarks.note("ends with its host", Weight::Helpful, died);
    let no_dump = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    remarks.note("not readable by other processes of its user", Weight::Essential, no_dump);
    let no_core = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    remarks.note("no core dumps", Weight::Essential, no_core);
    remarks.note("no new privileges", Weight::Essential, set_no_new_privs(true));
    remarks.note("memory is not swapped", Weight::Helpful, lock_memory());
    let alone = getpid().as_raw_nonzero().get() == 1;
    remarks.note("a process namespace of its own", Weight::Helpful, alone.then_some(()).ok_or(Errno::PERM));
    let spaces = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWCGROUP;
    remarks.note(
        "a network without interfaces, and other namespaces of its own",
        Weight::Helpful,
        unshare(spaces),
    );
    let none = CapabilitySet::empty();
    let no_power =
        set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none });
    remarks.note("no capabilities", Weight::Helpful, no_power);
}

/// Keeps what is touched in memory. Not where there is a limit: above it, allocation would fail.
fn lock_memory() -> Result<(), Errno> {
    if getrlimit(Resource::Memlock).current.is_some() {
        return Err(Errno::PERM);
    }
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)
}

#[expect(deprecated, reason = "it is deprecated for `UnshareFlags::FILES`, which is not among these")]
fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    rustix::thread::unshare(flags)
}
