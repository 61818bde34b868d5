//! A TPM 2.0: a signed statement of what the machine booted, by `/dev/tpmrm0`. It isolates nothing.
//!
//! Evidence: the body is `TPMS_ATTEST`; beside it stand `signature` (`TPMT_SIGNATURE`), `attestation-key` (`TPMT_PUBLIC`) and
//! `pcrs`: for each register of the SHA-256 bank that was asked for, ascending, its number (1 byte) and its value (32 bytes). The
//! qualifying data is SHA-256 of the report data, because not every TPM takes 64 bytes.

mod commands;
mod wire;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

pub use commands::{Commands, Key, Selection, Signed, Values};
pub use wire::Fault;

use self::wire::Response;
use super::deadline::{Waiting, patiently};
use super::{AttestError, Attester};
use crate::evidence::{Auxiliary, Blob, Evidence};
use crate::kind::Kind;
use crate::statement::{ReportData, sha256};

/// The driver's name in a configuration.
pub const NAME: &str = "tpm";
/// Where the kernel has it, with its resource manager.
pub const PATH: &str = "/dev/tpmrm0";

/// How often a busy TPM is asked.
const TRIES: u32 = 8;
/// How often registers may change between their quote and their reading.
const ATTEMPTS: u32 = 4;
/// `TPM_GENERATED_VALUE` and `TPM_ST_ATTEST_QUOTE`.
const GENERATED: u32 = 0xFF54_4347;
const ATTEST_QUOTE: u16 = 0x8018;

/// Quotes of a TPM over one device or stream.
pub struct Tpm<S = File> {
    name: String,
    registers: Selection,
    commands: Arc<Mutex<Commands<S>>>,
    waiting: Waiting,
}

impl Tpm {
    /// Opens the device.
    pub fn open(path: &Path, registers: &Selection) -> Result<Self, AttestError> {
        let name = path.display().to_string();
        let device = OpenOptions::new().read(true).write(true).open(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => AttestError::missing(
                &name,
                "no such device: the machine has no TPM 2.0, or the firmware hides it",
            ),
            io::ErrorKind::PermissionDenied => {
                AttestError::refused(&name, "it may not be opened; run as root or in the group `tss`")
            }
            _ => AttestError::refused(&name, e),
        })?;
        Ok(Self::over(&name, device, *registers))
    }
}

impl<S: Read + Write + Send + 'static> Tpm<S> {
    /// A TPM at the other end of this stream, which speaks the bytes of the commands and nothing around them.
    pub fn over(name: &str, stream: S, registers: Selection) -> Self {
        let commands = Arc::new(Mutex::new(Commands(stream)));
        Self { name: name.into(), registers, commands, waiting: Waiting::default() }
    }
}

impl<S: Read + Write + Send + 'static> Attester for Tpm<S> {
    fn kind(&self) -> Kind {
        Kind::Tpm2
    }

    fn evidence(&self, report_data: &ReportData, deadline: Instant) -> Result<Evidence, AttestError> {
        let (commands, registers, qualifying) =
            (Arc::clone(&self.commands), self.registers, sha256(report_data));
        let name = self.name.clone();
        let work = move || {
            let mut commands = commands.lock().unwrap_or_else(PoisonError::into_inner);
            patiently(TRIES, deadline, wire::is_busy, || gather(&mut commands, &qualifying, registers))
                .map_err(|fault| AttestError::refused(&name, fault))
        };
        let gathered = self.waiting.within(&self.name, deadline, work)?;
        let Gathered { key, signed, values } = gathered;
        check(&signed.statement, &qualifying, &values).map_err(|e| AttestError::wrong(&self.name, e))?;
        let mut evidence = Evidence::recorded(Kind::Tpm2, signed.statement);
        let pcrs =
            values.iter().flat_map(|(register, value)| std::iter::once(*register).chain(*value)).collect();
        for (name, data) in [("signature", signed.signature), ("attestation-key", key.public), ("pcrs", pcrs)]
        {
            evidence.auxiliary.push(Auxiliary { name: name.into(), data: Blob(data) });
        }
        Ok(evidence)
    }
}

struct Gathered {
    key: Key,
    signed: Signed,
    values: Values,
}

/// One quote and the values that it is over; the key's place is given back whatever comes of it.
fn gather<S: Read + Write>(
    commands: &mut Commands<S>,
    qualifying: &[u8; 32],
    registers: Selection,
) -> Result<Gathered, Fault> {
    let key = commands.create_attestation_key()?;
    let gathered = quoted(commands, key.handle, qualifying, registers);
    let flushed = commands.flush(key.handle);
    let (signed, values) = gathered?;
    flushed?;
    Ok(Gathered { key, signed, values })
}

fn quoted<S: Read + Write>(
    commands: &mut Commands<S>,
    key: u32,
    qualifying: &[u8; 32],
    registers: Selection,
) -> Result<(Signed, Values), Fault> {
    for _ in 0..ATTEMPTS {
        let signed = commands.quote(key, qualifying, registers)?;
        let values = commands.read_registers(registers)?;
        if digest_in(&signed.statement)?.1 == digest_of(&values) {
            return Ok((signed, values));
        }
    }
    Err(Fault::Changing)
}

/// What is quoted: SHA-256 of the values, one behind the other.
fn digest_of(values: &[(u8, [u8; 32])]) -> [u8; 32] {
    sha256(&values.iter().flat_map(|(_, value)| *value).collect::<Vec<u8>>())
}

/// Qualifying data and digest of the registers in a `TPMS_ATTEST` of a quote.
fn digest_in(statement: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    let mut fields = Response::of(statement);
    if fields.u32()? != GENERATED || fields.u16()? != ATTEST_QUOTE {
        return Err(Fault::Malformed("it is no quote of a TPM"));
    }
    let _signer = fields.sized()?;
    let qualifying = fields.sized()?;
    // Clock, counts of resets and restarts, whether the clock is safe; the firmware's version.
    fields.take(17 + 8)?;
    let banks = fields.u32()?;
    for _ in 0..banks.min(16) {
        let _bank = fields.u16()?;
        let length = fields.u8()?;
        fields.take(usize::from(length))?;
    }
    let digest = fields.sized()?;
    Ok((qualifying, digest))
}

/// The quote must be over what was asked for and over these values.
fn check(statement: &[u8], qualifying: &[u8; 32], values: &[(u8, [u8; 32])]) -> Result<(), String> {
    let (found, digest) = digest_in(statement).map_err(|e| e.to_string())?;
    if found != qualifying {
        return Err("its quote is of other report data than was asked for".into());
    }
    if digest != digest_of(values) {
        return Err("its quote is over other values of the registers than it gave".into());
    }
    Ok(())
}
