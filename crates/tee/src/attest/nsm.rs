//! `/dev/nsm`: AWS Nitro Enclaves, by the kernel's `include/uapi/linux/nsm.h` (Linux 6.8 and later; AWS' own module before).
//! Requests and replies are CBOR, named by their text as AWS' library has them.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use ciborium::Value;
use rustix::io::Errno;

use super::deadline::Waiting;
use super::report_data::{Quote, report_data_of};
use super::{AttestError, Attester, sys};
use crate::evidence::Evidence;
use crate::kind::Kind;
use crate::statement::ReportData;

/// The driver's name in a configuration.
pub const NAME: &str = "nsm";
/// Where the kernel has it.
pub const PATH: &str = "/dev/nsm";

/// `NSM_RESPONSE_MAX_SIZE`: longest reply, in bytes.
pub const LONGEST_REPLY: usize = 0x3000;
/// How deep a reply may be nested: a map of a map of bytes.
const DEEPEST: usize = 8;

/// Documents of the enclave that this runs in.
pub struct Nsm {
    path: PathBuf,
    device: Arc<File>,
    waiting: Waiting,
}

impl Nsm {
    /// Opens the device.
    pub fn open(path: &Path) -> Result<Self, AttestError> {
        let name = path.display().to_string();
        let device = OpenOptions::new().read(true).write(true).open(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                let detail =
                    "no such device: this is no Nitro enclave, or its kernel lacks the module `nsm` (Linux 6.8 or AWS' own)";
                AttestError::missing(&name, detail)
            }
            io::ErrorKind::PermissionDenied => AttestError::refused(&name, "it may not be opened; run as root"),
            _ => AttestError::refused(&name, e),
        })?;
        Ok(Self { path: path.to_owned(), device: Arc::new(device), waiting: Waiting::default() })
    }
}

impl Attester for Nsm {
    fn kind(&self) -> Kind {
        Kind::Nitro
    }

    fn evidence(&self, report_data: &ReportData, deadline: Instant) -> Result<Evidence, AttestError> {
        let name = self.path.display().to_string();
        let (device, data, within) = (Arc::clone(&self.device), *report_data, name.clone());
        let reply = self.waiting.within(&name, deadline, move || call(&device, &within, &data))?;
        let document = document(&reply).map_err(|fault| match fault {
            Fault::Said(text) => AttestError::refused(&name, text),
            Fault::Wrong(text) => AttestError::wrong(&name, text),
        })?;
        match report_data_of(Quote::Nitro, &document) {
            Ok(found) if found == *report_data => Ok(Evidence::recorded(Kind::Nitro, document)),
            Ok(_) => Err(AttestError::wrong(name, "its document is of other report data than was asked for")),
            Err(e) => Err(AttestError::wrong(name, e)),
        }
    }
}

fn call(device: &File, name: &str, data: &ReportData) -> Result<Vec<u8>, AttestError> {
    let mut reply = vec![0; LONGEST_REPLY];
    let length = sys::nsm_raw(device, &request(data), &mut reply).map_err(|e| {
        let too_large = e.raw_os_error() == Some(Errno::MSGSIZE.raw_os_error());
        let detail =
            if too_large { "the request or the reply is too large for it".into() } else { e.to_string() };
        AttestError::refused(name, detail)
    })?;
    let length = usize::try_from(length).ok().filter(|l| *l <= LONGEST_REPLY);
    let length = length.ok_or_else(|| {
        AttestError::wrong(name, "the kernel says that it wrote more than there was room for")
    })?;
    reply.truncate(length);
    Ok(reply)
}

/// A request for a document over this report data.
pub fn request(data: &ReportData) -> Vec<u8> {
    let text = |text: &str| Value::Text(text.into());
    let fields = vec![
        (text("user_data"), Value::Bytes(data.to_vec())),
        (text("nonce"), Value::Null),
        (text("public_key"), Value::Null),
    ];
    let mut bytes = Vec::new();
    // Writing to memory does not fail; an empty request would be refused.
    let _ = ciborium::into_writer(&Value::Map(vec![(text("Attestation"), Value::Map(fields))]), &mut bytes);
    bytes
}

/// Why a reply holds no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The module said so.
    Said(String),
    /// It is no reply to this request.
    Wrong(String),
}

/// The document in a reply to [`request`].
pub fn document(reply: &[u8]) -> Result<Vec<u8>, Fault> {
    let wrong = |text: &str| Fault::Wrong(text.into());
    let mut rest = reply;
    let value: Value = ciborium::de::from_reader_with_recursion_limit(&mut rest, DEEPEST)
        .map_err(|e| Fault::Wrong(format!("expected a reply in CBOR: {e}")))?;
    if !rest.is_empty() {
        return Err(wrong("there are bytes after the reply"));
    }
    let (name, content) = only(value).ok_or_else(|| wrong("the reply is no map of one name"))?;
    match name.as_str() {
        "Attestation" => {
            let (name, document) =
                only(content).ok_or_else(|| wrong("the reply has other fields than one"))?;
            let document = document.into_bytes().ok().filter(|_| name == "document");
            let document = document.ok_or_else(|| wrong("the reply has no bytes called `document`"))?;
            if document.is_empty() { Err(wrong("the document is empty")) } else { Ok(document) }
        }
        "Error" => Err(Fault::Said(said(content.as_text().unwrap_or("an error without a name")))),
        other => Err(Fault::Wrong(format!("expected a reply called `Attestation`, this is `{other}`"))),
    }
}

/// The only entry of a map.
fn only(value: Value) -> Option<(String, Value)> {
    let entries: [(Value, Value); 1] = value.into_map().ok()?.try_into().ok()?;
    let [(name, content)] = entries;
    Some((name.into_text().ok()?, content))
}

/// AWS' `ErrorCode`, in words.
fn said(code: &str) -> String {
    let words = match code {
        "InvalidArgument" => "an argument of the request is not valid",
        "InvalidIndex" => "there is no register of that number",
        "InvalidResponse" => "the module gave the kernel a reply that does not fit the request",
        "ReadOnlyIndex" => "that register is locked",
        "InvalidOperation" => "this cannot be done in the module's present state",
        "BufferTooSmall" => "the reply did not fit",
        "InputTooLarge" => "the request is too large",
        "InternalError" => "the module failed inside; restart the enclave",
        _ => "an error that this program does not know",
    };
    format!("it answered `{code}`: {words}")
}
