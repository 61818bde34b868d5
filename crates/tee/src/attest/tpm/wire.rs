//! Bytes of TPM 2.0 commands and responses, big-endian (TCG TPM 2.0 Library, Part 3, clause 5, and Part 2).

use std::io::{Read, Write};

/// Longest response that is read, in bytes: what TPMs and the kernel's resource manager use.
const LONGEST: usize = 4096;
/// Tag, length and code.
const HEADER: usize = 10;

/// `TPM_ST_NO_SESSIONS` and `TPM_ST_SESSIONS`.
const NO_SESSIONS: u16 = 0x8001;
const SESSIONS: u16 = 0x8002;

/// Why a command has no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The TPM said so, by this code.
    Code(u32),
    /// The device or stream failed.
    Io(String),
    /// What came is no response to this command.
    Malformed(&'static str),
    /// Registers changed each time between their quote and their reading.
    Changing,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "it answered code {code:#05x}{}", explained(*code)),
            Self::Io(text) => f.write_str(text),
            Self::Malformed(text) => write!(f, "its response is malformed: {text}"),
            Self::Changing => {
                f.write_str("its registers change each time between their quote and their reading")
            }
        }
    }
}

/// The codes that people meet.
fn explained(code: u32) -> &'static str {
    // Format-one codes carry the number of the handle, parameter or session in bits 8 to 11.
    match if code & 0x80 == 0 { code } else { code & 0xBF } {
        0x100 => ": it was not started by the firmware (TPM2_Startup)",
        0x101 => ": it is in failure mode; restart the machine",
        0x902 => ": it has no room for another object; flush its transient contexts (`tpm2_flushcontext -t`)",
        0x908 | 0x90A | 0x922 => ": it is busy",
        0x921 => ": it is locked out after wrong authorisations",
        0x185 => ": the hierarchy is disabled",
        0x8E | 0xA2 => {
            ": the owner's hierarchy has a password; clear it, or give this machine another attestation key"
        }
        _ => "",
    }
}

/// Whether the TPM asks to be asked again: `TPM_RC_YIELDED`, `TPM_RC_TESTING`, `TPM_RC_RETRY`.
pub(super) fn is_busy(fault: &Fault) -> bool {
    matches!(fault, Fault::Code(0x908 | 0x90A | 0x922))
}

/// A command being written.
pub(super) struct Command {
    bytes: Vec<u8>,
    sessions: bool,
}

impl Command {
    pub(super) fn new(code: u32) -> Self {
        let mut bytes = vec![0; 6];
        bytes.extend(code.to_be_bytes());
        Self { bytes, sessions: false }
    }

    pub(super) fn u8(mut self, value: u8) -> Self {
        self.bytes.push(value);
        self
    }

    pub(super) fn u16(mut self, value: u16) -> Self {
        self.bytes.extend(value.to_be_bytes());
        self
    }

    pub(super) fn u32(mut self, value: u32) -> Self {
        self.bytes.extend(value.to_be_bytes());
        self
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    /// Bytes behind their length: `TPM2B`.
    pub(super) fn sized(self, bytes: &[u8]) -> Self {
        self.u16(u16::try_from(bytes.len()).unwrap_or(u16::MAX)).bytes(bytes)
    }

    /// The authorisation of one handle by an empty password (`TPM_RS_PW`). Stands behind the handles.
    pub(super) fn empty_password(mut self) -> Self {
        self.sessions = true;
        self.u32(9).u32(0x4000_0009).u16(0).u8(0).u16(0)
    }

    fn finish(mut self) -> Vec<u8> {
        let tag = if self.sessions { SESSIONS } else { NO_SESSIONS };
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        let head = tag.to_be_bytes().into_iter().chain(length.to_be_bytes());
        self.bytes.iter_mut().zip(head).for_each(|(byte, value)| *byte = value);
        self.bytes
    }

    /// Sends it in one write; gives what follows the response's header.
    pub(super) fn run(self, device: &mut (impl Read + Write)) -> Result<Response, Fault> {
        let sessions = self.sessions;
        let io = |e: std::io::Error| Fault::Io(e.to_string());
        device.write_all(&self.finish()).map_err(io)?;
        device.flush().map_err(io)?;
        let bytes = receive(device)?;
        let mut response = Response { bytes, at: 0 };
        let (tag, _, code) = (response.u16()?, response.u32()?, response.u32()?);
        if code != 0 {
            return Err(Fault::Code(code));
        }
        if tag != if sessions { SESSIONS } else { NO_SESSIONS } {
            return Err(Fault::Malformed("its tag is not the command's"));
        }
        Ok(response)
    }
}

/// One whole response. A device gives it in one read; a stream may give it in pieces.
fn receive(device: &mut impl Read) -> Result<Vec<u8>, Fault> {
    let mut buffer = vec![0; LONGEST];
    let mut have = 0;
    loop {
        let expected = match buffer.get(2..6).and_then(|b| b.first_chunk::<4>()) {
            Some(length) if have >= HEADER => {
                usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX)
            }
            _ => HEADER,
        };
        if !(HEADER..=LONGEST).contains(&expected) {
            return Err(Fault::Malformed("its length cannot be"));
        }
        if have >= expected && have >= HEADER {
            buffer.truncate(have);
            let whole = have == expected;
            return whole.then_some(buffer).ok_or(Fault::Malformed("it is longer than it says"));
        }
        let room = buffer.get_mut(have..).unwrap_or_default();
        match device.read(room) {
            Ok(0) => return Err(Fault::Malformed("it ends early")),
            Ok(count) => have += count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Fault::Io(e.to_string())),
        }
    }
}

/// A response, or a structure in one, being read.
pub(super) struct Response {
    bytes: Vec<u8>,
    at: usize,
}

impl Response {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), at: 0 }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&[u8], Fault> {
        let end = self.at.checked_add(count).ok_or(Fault::Malformed("a length in it cannot be"))?;
        let taken = self.bytes.get(self.at..end).ok_or(Fault::Malformed("it ends early"))?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N)?.try_into().map_err(|_| Fault::Malformed("it ends early"))
    }

    pub(super) fn u8(&mut self) -> Result<u8, Fault> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_be_bytes)
    }

    /// Bytes behind their length: `TPM2B`.
    pub(super) fn sized(&mut self) -> Result<Vec<u8>, Fault> {
        let length = self.u16()?;
        Ok(self.take(usize::from(length))?.to_vec())
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let rest = self.bytes.get(self.at..).unwrap_or_default().to_vec();
        self.at = self.bytes.len();
        rest
    }
}
