//! What the measured program is made of. It reads frames from one inherited descriptor, holds the model, and answers; it opens no
//! file and no socket once it has begun, writes no log, and ends when its host does.
//!
//! | module | what it holds |
//! |---|---|
//! | [`sandbox`] | what the program gives up before it reads anything that matters |
//! | `attester` | who speaks for the machine, and what that needs |
//! | `work` | frames in, frames out |
//! | [`last_word`] | what is said when the program stops by itself |

mod attester;
pub mod last_word;
pub mod sandbox;
mod work;

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::{Arc, Barrier, OnceLock};
use std::time::Instant;

use privet_deploy::tee::enclave::{Enclave, Start};
use privet_deploy::{Blame, Error};
use privet_ring::entropy::{Entropy, EntropyFailed};
use privet_tee::frames::{Configuration, Frame, FrameKind, Link, Side, Start as Handed};

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use sandbox::Remarks;
use work::{Relayed, refuse, work};

/// The only argument: the program has started itself.
pub const INSIDE: &str = "inside";

/// Threads beside the processors, for requests that wait for the owner's key service.
const MORE_THREADS: usize = 2;
const MOST_THREADS: usize = 64;

/// Serves what the host hands over on descriptor 0, until the host ends.
pub fn run() -> ExitCode {
    privet_ring::keep_freed_memory();
    let mut remarks = Remarks::default();
    sandbox::give_up_privileges(&mut remarks);
    let Ok(stream) = descriptor_0() else { return ExitCode::from(2) };
    last_word::prepare(&stream);
    let Ok(link) = Link::new(stream, Side::Enclave, None).map(Arc::new) else { return ExitCode::from(2) };
    let Ok(first) = link.next() else { return ExitCode::SUCCESS };
    let id = first.id;
    match serve(&link, first, remarks) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where the host is gone too, nobody is left to be told.
            let _ = refuse(&link, id, &error);
            ExitCode::FAILURE
        }
    }
}

/// Opens the model under the sandbox, and works until the link ends.
fn serve(link: &Arc<Link>, first: Frame, mut remarks: Remarks) -> Result<(), Error> {
    let id = first.id;
    let handed = (first.kind == FrameKind::Start).then(|| Handed::parse(first.payload)).flatten();
    let handed = handed.ok_or_else(|| {
        Error::usage(
            "E374",
            "The enclave's program expected its start frame first; its host is of another version.",
        )
    })?;
    let configuration = Configuration::parse(&handed.configuration).ok_or_else(|| {
        Error::usage("E374", "The enclave's configuration cannot be read; its host is of another version.")
    })?;
    let needs = attester::needs(&configuration.attester);
    sandbox::close_file_system(&needs, &mut remarks);
    let threads = Threads::begin(link)?;
    sandbox::close_system_calls(&needs, &mut remarks);
    remarks.hold(&needs)?;
    let remarks = remarks.into_texts();
    let attester = attester::open(&configuration.attester, handed.measured, &remarks)?;
    let start =
        Start { public: handed.public, model: handed.model, configuration: handed.configuration, remarks };
    let relay = Arc::new(Relayed(Arc::clone(link)));
    let enclave = Enclave::start(start, attester, relay, Box::new(OsEntropy), Instant::now())?;
    let key = enclave.key_id();
    let enclave = threads.release(enclave);
    let started = link.send(FrameKind::Started, id, &[&key]);
    started.map_err(|e| Error::new(Blame::Unreachable, "E373", format!("The host is gone: {e}.")))?;
    work(link, &enclave);
    Ok(())
}

/// Threads that were made while that was still allowed, and wait for the model. All meet at the barrier twice: when all of them have
/// begun, as beginning takes system calls that are closed afterwards, and when the model is there.
struct Threads {
    enclave: Arc<OnceLock<Arc<Enclave>>>,
    barrier: Arc<Barrier>,
}

impl Threads {
    fn begin(link: &Arc<Link>) -> Result<Self, Error> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let count = (processors + MORE_THREADS).min(MOST_THREADS);
        let threads = Self { enclave: Arc::default(), barrier: Arc::new(Barrier::new(count)) };
        for _ in 1..count {
            let (link, enclave, barrier) =
                (Arc::clone(link), Arc::clone(&threads.enclave), Arc::clone(&threads.barrier));
            let body = move || {
                // A thread's first allocation makes the C library count processors, in a file: now, while files can be opened.
                std::hint::black_box(Vec::<u8>::with_capacity(64));
                barrier.wait();
                barrier.wait();
                if let Some(enclave) = enclave.get() {
                    work(&link, enclave);
                }
            };
            std::thread::Builder::new().spawn(body).map_err(|e| {
                Error::new(
                    Blame::Ours,
                    "E374",
                    format!("The enclave's program cannot start its threads: {e}."),
                )
            })?;
        }
        threads.barrier.wait();
        Ok(threads)
    }

    fn release(self, enclave: Enclave) -> Arc<Enclave> {
        let enclave = Arc::new(enclave);
        let _ = self.enclave.set(Arc::clone(&enclave));
        self.barrier.wait();
        enclave
    }
}

/// The stream that the host gave.
fn descriptor_0() -> std::io::Result<UnixStream> {
    Ok(UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?))
}

/// The kernel's generator, by its system call: a static program finds no other way to it without a file.
struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&mut self, mut bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        while !bytes.is_empty() {
            match getrandom(&mut *bytes, GetRandomFlags::empty()) {
                Ok(0) => return Err(EntropyFailed),
                Ok(n) => bytes = bytes.get_mut(n..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(_) => return Err(EntropyFailed),
            }
        }
        Ok(())
    }
}
