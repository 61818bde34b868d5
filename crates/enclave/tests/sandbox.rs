//! What the sandbox really takes away: this program starts itself, closes the sandbox, and tries.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::exit, clippy::panic)]

use std::io::{ErrorKind, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use privet_enclave::last_word;
use privet_enclave::sandbox::{Needs, Remarks, close_file_system, close_system_calls, give_up_privileges};
use rustix::process::{DumpableBehavior, Resource, Signal, dumpable_behavior, getrlimit};

const NOTHING: Needs = Needs { path: None, isolation: true };
const SIGSYS: i32 = 31;
const SIGABRT: i32 = 6;

/// Tried with everything closed: each must end the process.
const FORBIDDEN: &[(&str, fn())] = &[
    ("make a socket", || drop(UnixStream::pair())),
    ("connect", || drop(std::net::TcpStream::connect("127.0.0.1:1"))),
    ("start a program", || drop(Command::new("/bin/true").status())),
    ("start a thread", || drop(std::thread::spawn(|| {}).join())),
    ("signal another process", || {
        let _ = rustix::process::kill_process(rustix::process::getppid().unwrap(), Signal::TERM);
    }),
    ("be dumped again", || {
        let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable);
    }),
    ("make a pipe", || drop(std::io::pipe())),
    ("read its working folder's name", || drop(std::env::current_dir())),
];

fn close_all() {
    let mut remarks = Remarks::default();
    give_up_privileges(&mut remarks);
    close_file_system(&NOTHING, &mut remarks);
    close_system_calls(&NOTHING, &mut remarks);
    remarks.hold(&NOTHING).unwrap();
}

/// What a request takes: memory small and large, time, randomness of hash tables, locks.
fn ordinary_work() {
    close_all();
    // Refused and not the end: the C library tries such things when its heap shrinks.
    let refused = std::fs::File::open("/proc/sys/vm/overcommit_memory").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    let begun = std::time::Instant::now();
    let mut blocks: Vec<Vec<u8>> = (0..20).map(|n| vec![1; 1 << n]).collect();
    for block in &mut blocks {
        block.resize(3 * block.len(), 2);
    }
    let sum: u64 = blocks.iter().flatten().map(|b| u64::from(*b)).sum();
    let table: std::collections::HashMap<u64, u64> = (0..1000).map(|n| (n, n * sum)).collect();
    std::thread::yield_now();
    assert!(table.len() == 1000 && begun.elapsed().as_secs() < 60);
}

fn files_are_closed() {
    let mut remarks = Remarks::default();
    give_up_privileges(&mut remarks);
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
    assert!(rustix::thread::no_new_privs().unwrap());
    assert!(std::fs::metadata("/etc/passwd").is_ok());
    close_file_system(&NOTHING, &mut remarks);
    let denied = |e: std::io::Error| assert_eq!(e.kind(), ErrorKind::PermissionDenied);
    denied(std::fs::File::open("/etc/passwd").unwrap_err());
    denied(std::fs::read_dir("/").unwrap_err());
    denied(std::fs::write("/tmp/privet-enclave-probe", b"x").unwrap_err());
    denied(Command::new("/bin/true").status().unwrap_err());
}

fn a_drivers_folder_stays_open() {
    let needs = Needs { path: Some("/dev/null"), isolation: true };
    let mut remarks = Remarks::default();
    give_up_privileges(&mut remarks);
    close_file_system(&needs, &mut remarks);
    close_system_calls(&needs, &mut remarks);
    remarks.hold(&needs).unwrap();
    assert!(std::fs::File::open("/dev/null").is_ok());
    assert!(std::fs::File::open("/etc/passwd").is_err());
    std::thread::Builder::new().name("driver".into()).spawn(|| {}).unwrap().join().unwrap();
}

/// On descriptor 0 there is a stream.
fn a_panic() {
    let stream = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    last_word::prepare(&stream);
    close_all();
    panic!("canary");
}

fn child(name: &str, stdin: Stdio) -> std::process::Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--try").arg(name).env_clear().stdin(stdin);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn passes(name: &str) {
    let output = child(name, Stdio::null()).wait_with_output().unwrap();
    assert!(output.status.success(), "{name}: {} {}", output.status, String::from_utf8_lossy(&output.stderr));
    println!("test {name} ... ok");
}

fn a_panic_says_the_same_bytes_always_and_nothing_else() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let output = child("a panic", Stdio::from(OwnedFd::from(theirs))).wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(SIGABRT), "{}", output.status);
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    let mut said = Vec::new();
    ours.read_to_end(&mut said).unwrap();
    let payload = &said[privet_tee::frames::HEADER..];
    let fault = privet_tee::frames::Fault::parse(payload).unwrap();
    assert_eq!(fault.code, *b"E901");
    assert!(!payload.windows(6).any(|w| w == b"canary"));
    println!("test a_panic_says_the_same_bytes_always_and_nothing_else ... ok");
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, name] = &arguments[..]
        && flag == "--try"
    {
        match name.as_str() {
            "ordinary work" => ordinary_work(),
            "files are closed" => files_are_closed(),
            "a driver's folder stays open" => a_drivers_folder_stays_open(),
            "a panic" => a_panic(),
            _ => {
                let (_, attempt) = FORBIDDEN.iter().find(|(n, _)| n == name).unwrap();
                close_all();
                attempt();
            }
        }
        return;
    }
    if arguments.iter().any(|a| a == "--list") {
        return;
    }
    ["ordinary work", "files are closed", "a driver's folder stays open"].into_iter().for_each(passes);
    for (name, _) in FORBIDDEN {
        let output = child(name, Stdio::null()).wait_with_output().unwrap();
        assert_eq!(output.status.signal(), Some(SIGSYS), "{name}: {}", output.status);
        println!("test {name} ... ends the process, ok");
    }
    a_panic_says_the_same_bytes_always_and_nothing_else();
}
