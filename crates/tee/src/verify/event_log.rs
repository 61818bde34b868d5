//! Boot event logs: "TCG PC Client Platform Firmware Profile", 10 "Event Logging", in the crypto-agile format. The same format is the
//! CCEL table of TDX, where register `n + 1` is `RTMRn`.
//!
//! A log is anybody's word: it says something only where it replays to a register that is signed. Then its digests are what was
//! measured, in that order. Its event data is still nobody's word, unless it hashes to its digest.

use sha2::{Digest as _, Sha256, Sha384};

use super::wire::Bytes;

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event<'a> {
    /// Into which register.
    pub(super) register: u32,
    /// What kind of thing, by TCG's numbers.
    pub(super) kind: u32,
    /// What went into the register.
    pub(super) digest: &'a [u8],
    /// What is said of it.
    pub(super) data: &'a [u8],
}

/// A bank of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bank {
    /// Of a TPM.
    Sha256,
    /// Of TDX.
    Sha384,
}

impl Bank {
    fn id(self) -> u16 {
        match self {
            Self::Sha256 => 0x000B,
            Self::Sha384 => 0x000C,
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    fn extend(self, register: &[u8], digest: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::new().chain_update(register).chain_update(digest).finalize().to_vec(),
            Self::Sha384 => Sha384::new().chain_update(register).chain_update(digest).finalize().to_vec(),
        }
    }
}

/// Says something about the log itself, and is measured nowhere.
const NO_ACTION: u32 = 3;
/// Most events; a PC has about a hundred.
const MOST: usize = 8192;
/// Most banks in one log.
const BANKS: usize = 8;

/// Reads a log, as far as this bank goes.
pub(super) fn read(log: &[u8], bank: Bank) -> Result<Vec<Event<'_>>, String> {
    let mut bytes = Bytes(log);
    let banks = header(&mut bytes)?;
    let mut events = Vec::new();
    // What is left of a table is filled with one byte.
    while !padding(bytes.0) {
        if events.len() == MOST {
            return Err(format!("it has more than {MOST} events"));
        }
        events.push(event(&mut bytes, &banks, bank)?);
    }
    Ok(events)
}

fn padding(rest: &[u8]) -> bool {
    rest.iter().all(|&b| b == 0xFF) || rest.iter().all(|&b| b == 0)
}

fn number(bytes: &mut Bytes<'_>) -> Result<u32, String> {
    bytes.array().map(u32::from_le_bytes)
}

fn short(bytes: &mut Bytes<'_>) -> Result<u16, String> {
    bytes.array().map(u16::from_le_bytes)
}

fn long<'a>(bytes: &mut Bytes<'a>) -> Result<&'a [u8], String> {
    let length = number(bytes)?;
    bytes.cut(usize::try_from(length).map_err(|e| e.to_string())?)
}

/// `TCG_EfiSpecIDEvent`: which banks, and how long their digests are.
fn header(bytes: &mut Bytes<'_>) -> Result<Vec<(u16, usize)>, String> {
    let (register, kind) = (number(bytes)?, number(bytes)?);
    bytes.cut(20)?;
    let mut said = Bytes(long(bytes)?);
    if kind != NO_ACTION || register > 1 || said.cut(16)? != b"Spec ID Event03\0" {
        return Err("it does not begin as a crypto-agile log does".into());
    }
    said.cut(8)?;
    let count = number(&mut said)?;
    let count = usize::try_from(count).ok().filter(|&c| c <= BANKS).ok_or("it names too many banks")?;
    (0..count).map(|_| Ok((short(&mut said)?, usize::from(short(&mut said)?)))).collect()
}

fn event<'a>(bytes: &mut Bytes<'a>, banks: &[(u16, usize)], bank: Bank) -> Result<Event<'a>, String> {
    let (register, kind, count) = (number(bytes)?, number(bytes)?, number(bytes)?);
    if usize::try_from(count).ok() != Some(banks.len()) {
        return Err(format!("an event has {count} digests, the log has {} banks", banks.len()));
    }
    let mut digest = None;
    for _ in banks {
        let id = short(bytes)?;
        let length = banks.iter().find(|(known, _)| *known == id).map(|(_, length)| *length);
        let value =
            bytes.cut(length.ok_or_else(|| format!("an event has a digest of unknown kind 0x{id:04x}"))?)?;
        if id == bank.id() && digest.replace(value).is_some() {
            return Err("an event has two digests of one kind".into());
        }
    }
    let digest =
        digest.filter(|d| d.len() == bank.length()).ok_or("an event has no digest of the register's kind")?;
    Ok(Event { register, kind, digest, data: long(bytes)? })
}

/// What went into a register, in its order.
pub(super) fn measured<'e, 'a>(
    events: &'e [Event<'a>],
    register: u32,
) -> impl Iterator<Item = &'e Event<'a>> {
    events.iter().filter(move |e| e.register == register && e.kind != NO_ACTION)
}

/// A register's value after all events of the log.
pub(super) fn replay(events: &[Event<'_>], bank: Bank, register: u32) -> Vec<u8> {
    let mut start = vec![0; bank.length()];
    // Firmware that starts at another locality says so, and register 0 then starts with it.
    let locality = |e: &Event<'_>| {
        let said = e.data.strip_prefix(b"StartupLocality\0".as_slice())?;
        (e.kind == NO_ACTION && e.register == 0).then_some(*said.first()?)
    };
    if let (0, Some(locality), Some(last)) = (register, events.iter().find_map(locality), start.last_mut()) {
        *last = locality;
    }
    measured(events, register).fold(start, |value, event| bank.extend(&value, event.digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::hex;

    fn vector(name: &str) -> Vec<u8> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tee-vectors/tdx");
        std::fs::read(folder.join(name)).expect("a vector")
    }

    #[test]
    fn a_real_log_replays_to_the_registers_that_hardware_signed() {
        let log = vector("gotdx_ccel_ccel_data.dat");
        let quote = vector("gotdx_ccel_cos-113-tdx-quote.dat");
        let events = read(&log, Bank::Sha384).expect("a log");
        assert_eq!(events.len(), 43, "as SOURCES.md says");
        // Quote v4: 48 bytes of header, then the TD's report with RTMR0 at 328.
        for n in 0..4 {
            let at = 48 + 328 + 48 * n;
            let register = u32::try_from(n + 1).expect("small");
            assert_eq!(hex(&replay(&events, Bank::Sha384, register)), hex(&quote[at..at + 48]), "RTMR{n}");
        }
    }

    #[test]
    fn a_changed_event_changes_its_register() {
        let log = vector("gotdx_ccel_ccel_data.dat");
        let events = read(&log, Bank::Sha384).expect("a log");
        for (at, event) in events.iter().enumerate().filter(|(_, e)| e.kind != NO_ACTION) {
            let mut altered = events.clone();
            let mut digest = event.digest.to_vec();
            digest[0] ^= 1;
            altered[at].digest = &digest;
            let register = event.register;
            assert_ne!(replay(&altered, Bank::Sha384, register), replay(&events, Bank::Sha384, register));
            let mut dropped = events.clone();
            dropped.remove(at);
            assert_ne!(replay(&dropped, Bank::Sha384, register), replay(&events, Bank::Sha384, register));
        }
    }

    #[test]
    fn n03_n05_damaged_logs_are_errors_and_never_more() {
        let log = vector("gotdx_ccel_ccel_data.dat");
        let used = log.len() - log.iter().rev().take_while(|&&b| b == 0xFF || b == 0).count();
        assert!(read(&log, Bank::Sha256).is_err(), "it has no such bank");
        let whole = read(&log[..used], Bank::Sha384).map_or(0, |e| e.len());
        for length in 0..used {
            assert!(read(&log[..length], Bank::Sha384).map_or(0, |e| e.len()) < whole, "{length}");
        }
        for at in (0..used).step_by(3) {
            let mut altered = log[..used].to_vec();
            altered[at] = 0xFE;
            let _ = read(&altered, Bank::Sha384); // ends, without a panic
        }
    }
}
