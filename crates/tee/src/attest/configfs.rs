//! `configfs-tsm`: SEV-SNP and TDX, by the kernel's `Documentation/ABI/testing/configfs-tsm-report` (Linux 6.7 and later).
//!
//! A folder made under the root is one question. `inblob` takes the report data in one write, which the kernel stores when the
//! file is *closed*, and whose failure it tells nobody: only `generation`, which counts the writes, shows that this write and no
//! other one was stored. `outblob` then makes the report and may wait long for a quoting service.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rustix::io::Errno;

use super::deadline::{Waiting, patiently};
use super::report_data::{Quote, report_data_of};
use super::{AttestError, Attester};
use crate::evidence::{Auxiliary, Blob, Evidence};
use crate::kind::Kind;
use crate::statement::{Hex, ReportData};

/// The driver's name in a configuration.
pub const NAME: &str = "configfs-tsm";
/// Where the kernel has it.
pub const PATH: &str = "/sys/kernel/config/tsm/report";

/// Longest report, and longest of what belongs to it, in bytes: `TSM_REPORT_OUTBLOB_MAX`.
const LONGEST: u64 = 32 * 1024;
/// Longest of the small attributes, in bytes.
const LONGEST_TEXT: u64 = 64;
/// Questions that are started before a writer who interferes has won.
const ATTEMPTS: u32 = 4;
/// How often an attribute that is busy is tried.
const TRIES: u32 = 8;

/// Makes two questions of one process differ by name.
static QUESTIONS: AtomicU64 = AtomicU64::new(0);

/// Reports of the virtual machine that this runs in.
pub struct ConfigfsTsm {
    root: PathBuf,
    provider: Provider,
    privilege: Option<u8>,
    waiting: Waiting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Provider {
    Snp,
    Tdx,
}

impl Provider {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "sev_guest" => Ok(Self::Snp),
            "tdx_guest" => Ok(Self::Tdx),
            other => Err(format!("expected the provider `sev_guest` or `tdx_guest`, this is `{other}`")),
        }
    }
}

impl ConfigfsTsm {
    /// Finds out whose reports these are. No report is made for it.
    pub fn open(root: &Path) -> Result<Self, AttestError> {
        let entry = Entry::make(root, &[0; 64])?;
        let provider = entry.provider()?;
        Ok(Self { root: root.to_owned(), provider, privilege: None, waiting: Waiting::default() })
    }

    /// Reports at this privilege level (the VMPL of SEV-SNP), 0 to 3.
    #[must_use]
    pub fn at_privilege(mut self, level: u8) -> Self {
        self.privilege = Some(level);
        self
    }
}

impl Attester for ConfigfsTsm {
    fn kind(&self) -> Kind {
        match self.provider {
            Provider::Snp => Kind::SevSnp,
            Provider::Tdx => Kind::TdxDcap,
        }
    }

    fn evidence(&self, report_data: &ReportData, deadline: Instant) -> Result<Evidence, AttestError> {
        let (root, kind) = (self.root.clone(), self.kind());
        let question =
            Question { provider: self.provider, privilege: self.privilege, data: *report_data, deadline };
        let work = move || question.ask(&root);
        let answer = self.waiting.within(&self.root.display().to_string(), deadline, work)?;
        let mut evidence = Evidence::recorded(kind, answer.report);
        if !answer.certificates.is_empty() {
            let data = Blob(answer.certificates);
            evidence.auxiliary.push(Auxiliary { name: "certificates".into(), data });
        }
        Ok(evidence)
    }
}

/// What is asked of the kernel.
struct Question {
    provider: Provider,
    privilege: Option<u8>,
    data: ReportData,
    deadline: Instant,
}

struct Answer {
    report: Vec<u8>,
    certificates: Vec<u8>,
}

impl Question {
    fn ask(&self, root: &Path) -> Result<Answer, AttestError> {
        for _ in 0..ATTEMPTS {
            let entry = Entry::make(root, &self.data)?;
            if let Some(answer) = self.attempt(&entry)? {
                self.compare(&entry, &answer.report)?;
                return Ok(answer);
            }
        }
        let detail = format!(
            "another process wrote into each of {ATTEMPTS} questions, or the kernel did not take what was written; find out who \
             writes there"
        );
        Err(AttestError::wrong(root.display().to_string(), detail))
    }

    /// `None` where another writer came between.
    fn attempt(&self, entry: &Entry) -> Result<Option<Answer>, AttestError> {
        let provider = entry.provider()?;
        if provider != self.provider {
            return Err(AttestError::wrong(
                entry.name("provider"),
                "the provider is another one than before",
            ));
        }
        let mut expected = entry.generation()?;
        if let Some(level) = self.privilege {
            entry.write("privlevel", level.to_string().as_bytes(), self.deadline)?;
            expected = expected.wrapping_add(1);
        }
        entry.write("inblob", &self.data, self.deadline)?;
        expected = expected.wrapping_add(1);
        if entry.generation()? != expected {
            return Ok(None);
        }
        let report = entry.read("outblob", self.deadline)?.unwrap_or_default();
        let certificates = match self.provider {
            Provider::Snp => entry.read("auxblob", self.deadline)?.unwrap_or_default(),
            Provider::Tdx => Vec::new(),
        };
        Ok((entry.generation()? == expected).then_some(Answer { report, certificates }))
    }

    /// The report must be of this kind and of this report data.
    fn compare(&self, entry: &Entry, report: &[u8]) -> Result<(), AttestError> {
        let wrong = |detail: String| AttestError::wrong(entry.name("outblob"), detail);
        if report.is_empty() {
            let text = "it is empty; on TDX, the quoting service of the host is not reachable or not set up";
            return Err(wrong(text.into()));
        }
        let quote = match self.provider {
            Provider::Snp => Quote::Snp,
            Provider::Tdx => Quote::Tdx,
        };
        if report_data_of(quote, report).map_err(wrong)? != self.data {
            return Err(wrong("it is of other report data than was written".into()));
        }
        Ok(())
    }
}

/// One question's folder. Goes away with it.
struct Entry(PathBuf);

impl Drop for Entry {
    fn drop(&mut self) {
        // A folder that cannot be removed costs the kernel a little memory, and the evidence nothing.
        let _ = fs::remove_dir(&self.0);
    }
}

impl Entry {
    fn make(root: &Path, data: &ReportData) -> Result<Self, AttestError> {
        let prefix = Hex::<8>(*data.first_chunk().unwrap_or(&[0; 8]));
        for _ in 0..ATTEMPTS {
            let count = QUESTIONS.fetch_add(1, Ordering::Relaxed);
            let path = root.join(format!("privet-{}-{count}-{prefix}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(unmade(root, &e)),
            }
        }
        Err(AttestError::refused(root.display().to_string(), "every name that was tried is taken"))
    }

    fn name(&self, attribute: &str) -> String {
        self.0.join(attribute).display().to_string()
    }

    fn provider(&self) -> Result<Provider, AttestError> {
        let text = self.text("provider")?;
        Provider::parse(&text).map_err(|e| AttestError::wrong(self.name("provider"), e))
    }

    fn generation(&self) -> Result<u64, AttestError> {
        let text = self.text("generation")?;
        text.parse().map_err(|_| {
            AttestError::wrong(self.name("generation"), format!("expected a number, this is `{text}`"))
        })
    }

    fn text(&self, attribute: &str) -> Result<String, AttestError> {
        let bytes = read(&self.0.join(attribute), LONGEST_TEXT);
        let bytes = bytes.map_err(|e| AttestError::refused(self.name(attribute), e))?;
        Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }

    /// In one write, to a file opened for nothing else, and closed again: only then the kernel has it.
    fn write(&self, attribute: &str, bytes: &[u8], deadline: Instant) -> Result<(), AttestError> {
        let path = self.0.join(attribute);
        let once = || OpenOptions::new().write(true).open(&path)?.write(bytes);
        let written = patiently(TRIES, deadline, busy, once)
            .map_err(|e| AttestError::refused(self.name(attribute), e))?;
        if written != bytes.len() {
            let detail = format!("it took {written} of {} bytes", bytes.len());
            return Err(AttestError::refused(self.name(attribute), detail));
        }
        Ok(())
    }

    /// `None` where this platform has no such attribute.
    fn read(&self, attribute: &str, deadline: Instant) -> Result<Option<Vec<u8>>, AttestError> {
        let path = self.0.join(attribute);
        match patiently(TRIES, deadline, busy, || read(&path, LONGEST)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(AttestError::refused(self.name(attribute), e)),
        }
    }
}

/// All of a file, which has at most so many bytes.
pub(super) fn read(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is longer than {longest} bytes"),
        ));
    }
    Ok(bytes)
}

fn busy(e: &io::Error) -> bool {
    e.raw_os_error() == Some(Errno::BUSY.raw_os_error())
}

/// Why there can be no question here.
fn unmade(root: &Path, e: &io::Error) -> AttestError {
    let interface = root.display().to_string();
    if e.raw_os_error() == Some(Errno::NXIO.raw_os_error()) {
        let detail = "the kernel has the interface and no provider for it: this is no SEV-SNP or TDX guest, or its module \
                      (`sev-guest`, `tdx-guest`) is not loaded";
        return AttestError::missing(interface, detail);
    }
    match e.kind() {
        io::ErrorKind::NotFound => AttestError::missing(
            interface,
            "the folder does not exist: the kernel is older than 6.7, its module `tsm` is not loaded, or configfs is not mounted",
        ),
        io::ErrorKind::PermissionDenied => {
            AttestError::refused(interface, "no folder may be made there; run as root")
        }
        _ => AttestError::refused(interface, e),
    }
}
