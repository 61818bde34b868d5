//! Drivers inside the closed sandbox: this program starts itself, closes the sandbox for one driver's paths, and asks for evidence by
//! real system calls, which an imitation in the first process answers. What a driver needs and the sandbox forbids would end the
//! program on the only machines where it matters, which are not here.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::panic)]

#[path = "../../tee/tests/imitation/mod.rs"]
mod imitation;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use imitation::tree::{Answer, Folder, Found};
use imitation::tsm::{Script, Tsm};
use imitation::{errno, mount, vector, with_report_data};
use privet_enclave::sandbox::{Needs, Remarks, close_file_system, close_system_calls, give_up_privileges};
use privet_tee::attest::{Attester, ConfigfsTsm, Gramine, Nsm};

const DATA: [u8; 64] = [0x77; 64];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, inside, driver, path] = arguments.as_slice()
        && inside == "inside"
    {
        return ask(driver, path);
    }
    for (name, test) in [
        ("configfs_tsm_in_the_sandbox", configfs_tsm as fn()),
        ("gramine_in_the_sandbox", gramine),
        ("nsm_in_the_sandbox", nsm),
    ] {
        test();
        println!("test {name} ... done");
    }
}

/// In the second process: everything is closed, then the driver is opened and asked, as the measured program does it.
fn ask(driver: &str, path: &str) {
    let path: &'static str = String::leak(path.into());
    let needs = Needs { path: Some(path), isolation: true };
    let mut remarks = Remarks::default();
    give_up_privileges(&mut remarks);
    close_file_system(&needs, &mut remarks);
    close_system_calls(&needs, &mut remarks);
    remarks.hold(&needs).expect("this machine has what the sandbox needs");
    assert!(std::fs::read("/etc/hostname").is_err(), "the file system is closed");
    let path = Path::new(path);
    let attester: Box<dyn Attester> = match driver {
        "configfs-tsm" => Box::new(ConfigfsTsm::open(path).unwrap_or_else(|e| panic!("{e}"))),
        "gramine" => Box::new(Gramine::open(path).unwrap_or_else(|e| panic!("{e}"))),
        _ => Box::new(Nsm::open(path).unwrap_or_else(|e| panic!("{e}"))),
    };
    for _ in 0..3 {
        match attester.evidence(&DATA, Instant::now() + Duration::from_secs(20)) {
            Ok(evidence) => println!("{} {}", evidence.kind.name(), evidence.body.0.len()),
            Err(e) => println!("error: {e}"),
        }
    }
}

/// What the second process says, which must end by itself and well.
fn inside(driver: &str, path: &Path) -> String {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).arg("inside").arg(driver).arg(path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr));
    said
}

fn configfs_tsm() {
    let report = |data: &[u8]| with_report_data(vector("snp/gosev_milan_report.bin"), 0x50, data);
    let mut script = Script::new("sev_guest", report);
    script.certificates = Some(vec![1; 100]);
    // The driver waits, asks again, and goes on.
    script.busy = 2;
    let tsm = Arc::new(Tsm::new(script));
    let Some(mounted) = mount(&tsm) else { return };
    assert_eq!(inside("configfs-tsm", mounted.path()), "sev-snp 1184\n".repeat(3));
    assert_eq!(tsm.left(), 0);
}

/// Quotes of one enclave.
struct Quotes;

impl Folder for Quotes {
    fn find(&self, path: &str) -> Option<Found> {
        let file = Found::File { readable: true, writable: path == "user_report_data" };
        Some(if path.is_empty() { Found::Folder } else { file })
    }

    fn read(&self, path: &str) -> Answer<Vec<u8>> {
        match path {
            "attestation_type" => Ok(b"dcap".to_vec()),
            _ => Ok(with_report_data(vector("sgx/phala_sgx_quote_v3.bin"), 368, &DATA)),
        }
    }

    fn write(&self, _: &str, _: u64, bytes: &[u8]) -> Answer<()> {
        if bytes == DATA { Ok(()) } else { Err(errno::INVALID) }
    }
}

fn gramine() {
    let Some(mounted) = mount(&Arc::new(Quotes)) else { return };
    let length = vector("sgx/phala_sgx_quote_v3.bin").len();
    assert_eq!(inside("gramine", mounted.path()), format!("sgx-dcap {length}\n").repeat(3));
}

/// A module that answers every request with an error; the memory of the process that asks is not its own here, so that it leaves the
/// reply as it was: sixteen zeros.
struct Module;

impl Folder for Module {
    fn find(&self, path: &str) -> Option<Found> {
        Some(if path.is_empty() { Found::Folder } else { Found::File { readable: true, writable: true } })
    }

    fn read(&self, _: &str) -> Answer<Vec<u8>> {
        Err(errno::INVALID)
    }

    fn write(&self, _: &str, _: u64, _: &[u8]) -> Answer<()> {
        Err(errno::INVALID)
    }

    fn control(&self, _: &str, command: u32, given: &[u8]) -> Answer<Vec<u8>> {
        if command != 0xC020_0A00 {
            return Err(errno::INVALID);
        }
        Ok([&given[..24], &16u64.to_le_bytes()].concat())
    }
}

/// The call is made and answered; what it gives is not a reply, and said to be none.
fn nsm() {
    let Some(mounted) = mount(&Arc::new(Module)) else { return };
    let said = inside("nsm", &mounted.path().join("nsm"));
    assert_eq!(said.matches("gave what cannot be used").count(), 3, "{said}");
}
