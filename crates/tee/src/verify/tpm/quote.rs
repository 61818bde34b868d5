//! `TPMS_ATTEST` of a quote, big-endian: Part 2, 10.12.12.

use std::collections::BTreeMap;

use crate::statement::sha256;
use crate::verdict::Check;
use crate::verify::wire::Bytes;

/// What a TPM puts in front of everything that it makes itself, and refuses to sign in anything else.
const MAGIC: [u8; 4] = [0xFF, b'T', b'C', b'G'];
/// `TPM_ST_ATTEST_QUOTE`.
const QUOTE: u16 = 0x8018;
/// `TPM_ALG_SHA256`.
pub(super) const SHA256: u16 = 0x000B;
/// Registers of a TPM on a PC.
const REGISTERS: u8 = 24;
/// Longest name: an algorithm and a digest.
const LONGEST: usize = 68;

/// Registers by number.
pub(super) type Values = BTreeMap<u8, [u8; 32]>;

/// A quote whose form is right; nothing is believed yet.
pub(super) struct Quote<'a> {
    pub(super) extra_data: &'a [u8],
    pub(super) clock: u64,
    pub(super) resets: u32,
    pub(super) restarts: u32,
    /// The clock did not go back since it was last written down.
    pub(super) safe: bool,
    pub(super) firmware: u64,
    /// Numbers, ascending.
    selected: Vec<u8>,
    digest: &'a [u8],
}

pub(super) fn short(bytes: &mut Bytes<'_>) -> Result<u16, String> {
    bytes.array().map(u16::from_be_bytes)
}

/// A `TPM2B`: a length of 2 bytes, and so many bytes.
pub(super) fn sized<'a>(bytes: &mut Bytes<'a>, most: usize) -> Result<&'a [u8], String> {
    let length = usize::from(short(bytes)?);
    if length > most {
        return Err(format!("a part has {length} bytes, at most {most} are read"));
    }
    bytes.cut(length)
}

impl<'a> Quote<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Check> {
        let mut bytes = Bytes(bytes);
        let quote = Self::parts(&mut bytes)
            .map_err(|e| Check::failed("format-invalid", format!("this is no TPM's quote: {e}")))?;
        if !bytes.0.is_empty() {
            return Err(Check::failed("trailing-bytes", "bytes follow the quote"));
        }
        Ok(quote)
    }

    fn parts(bytes: &mut Bytes<'a>) -> Result<Self, String> {
        if bytes.array()? != MAGIC || short(bytes)? != QUOTE {
            return Err("it does not begin as a TPM's quote does".into());
        }
        let _qualified_signer = sized(bytes, LONGEST)?;
        let extra_data = sized(bytes, LONGEST)?;
        let clock = bytes.array().map(u64::from_be_bytes)?;
        let resets = bytes.array().map(u32::from_be_bytes)?;
        let restarts = bytes.array().map(u32::from_be_bytes)?;
        let safe = match bytes.byte()? {
            0 => false,
            1 => true,
            other => return Err(format!("{other} is neither yes nor no")),
        };
        let firmware = bytes.array().map(u64::from_be_bytes)?;
        let selected = selection(bytes)?;
        let digest = sized(bytes, 64)?;
        Ok(Self { extra_data, clock, resets, restarts, safe, firmware, selected, digest })
    }

    /// The values that came beside it: exactly the selected ones.
    pub(super) fn values(&self, pcrs: &[u8]) -> Result<Values, Check> {
        let (entries, rest) = pcrs.as_chunks::<33>();
        let number = |entry: &[u8; 33]| entry.first().copied();
        if !rest.is_empty() || !entries.iter().map(number).eq(self.selected.iter().map(|&n| Some(n))) {
            let detail = "the values beside the quote are not those of the registers that it covers, in ascending order";
            return Err(Check::failed("format-invalid", detail));
        }
        let value = |entry: &[u8; 33]| std::array::from_fn(|i| entry[i + 1]);
        Ok(self.selected.iter().copied().zip(entries.iter().map(value)).collect())
    }

    /// Whether the signed digest is that of these values.
    pub(super) fn covers(&self, values: &Values) -> Check {
        let all: Vec<u8> = values.values().flatten().copied().collect();
        if sha256(&all) == self.digest {
            Check::passed("registers", "the quote covers the values that came with it")
        } else {
            Check::failed("pcr-digest-mismatch", "the quote covers other values than those that came with it")
        }
    }
}

/// `TPML_PCR_SELECTION` with the SHA-256 bank and no other.
fn selection(bytes: &mut Bytes<'_>) -> Result<Vec<u8>, String> {
    if bytes.array().map(u32::from_be_bytes)? != 1 || short(bytes)? != SHA256 {
        return Err("it covers other banks than that of SHA-256".into());
    }
    let length = usize::from(bytes.byte()?);
    if length > 4 {
        return Err(format!("a selection has {length} bytes"));
    }
    let bits = bytes.cut(length)?;
    let is_set = |n: &u8| bits.get(usize::from(n / 8)).is_some_and(|byte| byte >> (n % 8) & 1 == 1);
    let selected: Vec<u8> = (0..REGISTERS).filter(is_set).collect();
    let beyond = (REGISTERS..32).any(|n| is_set(&n));
    if selected.is_empty() || beyond {
        return Err("it covers no registers, or some that no PC has".into());
    }
    Ok(selected)
}
