//! `/dev/attestation` of Gramine: SGX. Its files are this process' own: what is written to one is seen by no other process.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::configfs::read;
use super::deadline::Waiting;
use super::report_data::{Quote, report_data_of};
use super::{AttestError, Attester};
use crate::evidence::Evidence;
use crate::kind::Kind;
use crate::statement::ReportData;

/// The driver's name in a configuration.
pub const NAME: &str = "gramine";
/// Where Gramine has it.
pub const PATH: &str = "/dev/attestation";

/// Longest quote, in bytes.
const LONGEST: u64 = 32 * 1024;

/// Quotes of the enclave that this runs in.
pub struct Gramine {
    root: PathBuf,
    /// Threads share the file that report data is written to.
    one: Arc<Mutex<()>>,
    waiting: Waiting,
}

impl Gramine {
    /// Makes sure that this enclave has quotes at all.
    pub fn open(root: &Path) -> Result<Self, AttestError> {
        let path = root.join("attestation_type");
        let kind = read(&path, 64).map_err(|e| untyped(&path, &e))?;
        let kind = String::from_utf8_lossy(&kind).trim_end().to_owned();
        let name = path.display().to_string();
        match kind.as_str() {
            "dcap" => Ok(Self { root: root.to_owned(), one: Arc::default(), waiting: Waiting::default() }),
            "none" => Err(AttestError::missing(
                name,
                "it is `none`: set `sgx.remote_attestation = \"dcap\"` in the Gramine manifest, and sign it again",
            )),
            other => Err(AttestError::wrong(name, format!("expected `dcap`, this is `{other}`"))),
        }
    }
}

impl Attester for Gramine {
    fn kind(&self) -> Kind {
        Kind::SgxDcap
    }

    fn evidence(&self, report_data: &ReportData, deadline: Instant) -> Result<Evidence, AttestError> {
        let (root, one, data) = (self.root.clone(), Arc::clone(&self.one), *report_data);
        let work = move || {
            let _alone = one.lock().unwrap_or_else(PoisonError::into_inner);
            quote(&root, &data)
        };
        let quote = self.waiting.within(&self.root.display().to_string(), deadline, work)?;
        Ok(Evidence::recorded(Kind::SgxDcap, quote))
    }
}

fn quote(root: &Path, data: &ReportData) -> Result<Vec<u8>, AttestError> {
    let given = root.join("user_report_data");
    let written = OpenOptions::new().write(true).open(&given).and_then(|mut file| file.write(data));
    let written = written.map_err(|e| AttestError::refused(given.display().to_string(), e))?;
    if written != data.len() {
        let detail = format!("it took {written} of {} bytes", data.len());
        return Err(AttestError::refused(given.display().to_string(), detail));
    }
    let path = root.join("quote");
    let name = path.display().to_string();
    let quote = read(&path, LONGEST).map_err(|e| AttestError::refused(&name, e))?;
    if quote.is_empty() {
        return Err(AttestError::wrong(
            name,
            "it is empty; is the quoting service (AESM) of the host running?",
        ));
    }
    match report_data_of(Quote::Sgx, &quote) {
        Ok(found) if found == *data => Ok(quote),
        Ok(_) => Err(AttestError::wrong(name, "it is of other report data than was written")),
        Err(e) => Err(AttestError::wrong(name, e)),
    }
}

fn untyped(path: &Path, e: &io::Error) -> AttestError {
    let name = path.display().to_string();
    if e.kind() == io::ErrorKind::NotFound {
        return AttestError::missing(
            name,
            "this program does not run under Gramine, or not in an SGX enclave",
        );
    }
    AttestError::refused(name, e)
}
