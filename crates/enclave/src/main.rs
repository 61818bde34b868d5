//! The measured program. It is started by its host with one end of a stream as descriptor 0, no environment and no arguments;
//! it starts itself once more as the first process of a process namespace of its own.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitCode};

use privet_enclave::sandbox::begin_namespaces;
use privet_enclave::{INSIDE, run};
use privet_tee::attest::with_standard_descriptors_only;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(one), None) if one == INSIDE => run(),
        (None, None) if begin_namespaces().is_ok() => again().unwrap_or_else(|_| run()),
        // A machine that gives no such namespace: the program says so among its remarks.
        (None, None) => run(),
        _ => ExitCode::from(2),
    }
}

/// The same program as a child, for whose end this process waits.
fn again() -> std::io::Result<ExitCode> {
    let mut command = Command::new("/proc/self/exe");
    let status = with_standard_descriptors_only(command.arg(INSIDE).env_clear()).status()?;
    let code = status.code().or_else(|| status.signal().map(|s| 128 + s)).unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
