//! The system calls that are left. Any other ends the process.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};

use super::{Needs, Remarks, Weight};

/// Reading, writing, waiting, memory, randomness, time, and ending.
const ALWAYS: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_ppoll,
    libc::SYS_futex,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_sched_yield,
    // The allocator asks how many processors there are.
    libc::SYS_sched_getaffinity,
    libc::SYS_close,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    // A thread that wants to end the program while another does so already waits like this; on other processors by ppoll.
    #[cfg(target_arch = "x86_64")]
    libc::SYS_pause,
    libc::SYS_exit,
    libc::SYS_exit_group,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
];

/// What a driver needs besides: its own files (the file system is closed but for them), and a thread that waits for them.
const DRIVER: &[libc::c_long] = &[
    libc::SYS_openat,
    libc::SYS_ioctl,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_lseek,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_fstat,
    libc::SYS_statx,
    libc::SYS_newfstatat,
    libc::SYS_getdents64,
    libc::SYS_fcntl,
    libc::SYS_clone3,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rmdir,
];

/// What the C library does by itself when it feels like it (it looks at `/proc` and `/sys` when it grows or shrinks its heap, and
/// does without where it may not): refused, where everything else that is not listed ends the program.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_openat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
];

/// From here on every thread has these system calls and no other.
pub fn close_system_calls(needs: &Needs, remarks: &mut Remarks) {
    let close = |program: Result<BpfProgram, String>| {
        program.and_then(|program| apply_filter_all_threads(&program).map_err(|e| e.to_string()))
    };
    let closed = if needs.path.is_none() { close(refusals()) } else { Ok(()) };
    let closed = closed.and_then(|()| close(program(needs)));
    remarks.note("only the system calls of a listed few", Weight::Essential, closed);
}

/// Of two filters the stricter counts, and ending the program is stricter than refusing: so what is refused is listed in both.
fn refusals() -> Result<BpfProgram, String> {
    let arch = std::env::consts::ARCH.try_into().map_err(|e: seccompiler::BackendError| e.to_string())?;
    let rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let refused = SeccompAction::Errno(libc::EACCES.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, arch);
    filter.and_then(TryInto::try_into).map_err(|e| e.to_string())
}

fn program(needs: &Needs) -> Result<BpfProgram, String> {
    let arch = std::env::consts::ARCH.try_into().map_err(|e: seccompiler::BackendError| e.to_string())?;
    let rules = rules(needs).map_err(|e| e.to_string())?;
    let filter = SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, arch);
    filter.and_then(TryInto::try_into).map_err(|e| e.to_string())
}

fn rules(needs: &Needs) -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
    let driver = if needs.path.is_none() { &[] } else { DRIVER };
    let mut rules: BTreeMap<_, _> =
        ALWAYS.iter().chain(REFUSED).chain(driver).map(|call| (*call, Vec::new())).collect();
    // Memory is never executable.
    let executable = u64::from(libc::PROT_EXEC.unsigned_abs());
    let not_executable =
        || SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(executable), 0);
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![SeccompRule::new(vec![not_executable()?])?]);
    }
    // Signals go to this process, which ends itself by one.
    let own = u64::from(std::process::id());
    let to_itself = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, own)?;
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![to_itself])?]);
    if !driver.is_empty() {
        // A driver's thread has a name.
        let name = u64::from(libc::PR_SET_NAME.unsigned_abs());
        let only_that = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, name)?;
        rules.insert(libc::SYS_prctl, vec![SeccompRule::new(vec![only_that])?]);
    }
    Ok(rules)
}
