//! The commands that evidence needs, each with the bytes of Part 3 of the TPM 2.0 library.

use std::io::{Read, Write};

use super::wire::{Command, Fault, Response};

const CREATE_PRIMARY: u32 = 0x131;
const QUOTE: u32 = 0x158;
const FLUSH_CONTEXT: u32 = 0x165;
const PCR_READ: u32 = 0x17E;
const PCR_EXTEND: u32 = 0x182;

/// The owner's hierarchy. Its keys last until the owner clears the TPM.
const OWNER: u32 = 0x4000_0001;
const ALG_ECC: u16 = 0x23;
const ALG_SHA256: u16 = 0x0B;
const ALG_NULL: u16 = 0x10;
const ALG_ECDSA: u16 = 0x18;
const CURVE_P256: u16 = 3;
/// `fixedTPM`, `fixedParent`, `sensitiveDataOrigin`, `userWithAuth`, `noDA`, `restricted`, `sign`: made inside, never leaves,
/// and signs nothing but what the TPM itself says.
const ATTESTATION_KEY: u32 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 10 | 1 << 16 | 1 << 18;
/// More rounds than these and the registers are not read in eights.
const ROUNDS: usize = 24;

/// Registers of the SHA-256 bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection(u32);

impl Selection {
    /// These registers, 0 to 23.
    pub fn of(registers: &[u8]) -> Option<Self> {
        let within = registers.iter().all(|r| *r < 24);
        let bits = registers.iter().fold(0, |bits, r| bits | 1u32.checked_shl(u32::from(*r)).unwrap_or(0));
        (within && bits != 0).then_some(Self(bits))
    }

    /// Their numbers, ascending.
    pub fn registers(self) -> impl Iterator<Item = u8> {
        (0..24).filter(move |register| self.0 >> register & 1 == 1)
    }

    /// `TPML_PCR_SELECTION` of one bank.
    fn bytes(self) -> Vec<u8> {
        let [low, middle, high, _] = self.0.to_le_bytes();
        let mut bytes = vec![0, 0, 0, 1];
        bytes.extend(ALG_SHA256.to_be_bytes());
        bytes.extend([3, low, middle, high]);
        bytes
    }

    fn read(response: &mut Response) -> Result<Self, Fault> {
        let other = Fault::Malformed("it selects another bank");
        match (response.u32()?, response.u16()?, response.u8()?) {
            (1, ALG_SHA256, 3) => {}
            _ => return Err(other),
        }
        let (low, middle, high) = (response.u8()?, response.u8()?, response.u8()?);
        Ok(Self(u32::from_le_bytes([low, middle, high, 0])))
    }
}

impl Default for Selection {
    /// What a machine with UEFI measured before and while it booted Linux: firmware, boot loader, kernel, its command line.
    fn default() -> Self {
        Self(0xFFF)
    }
}

/// Registers by number, ascending, and what they hold.
pub type Values = Vec<(u8, [u8; 32])>;

/// A key in the TPM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its transient handle.
    pub handle: u32,
    /// Its public area, `TPMT_PUBLIC`.
    pub public: Vec<u8>,
}

/// What a key said of registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// `TPMS_ATTEST`.
    pub statement: Vec<u8>,
    /// `TPMT_SIGNATURE`.
    pub signature: Vec<u8>,
}

/// Commands to a TPM, over a device or a stream.
pub struct Commands<S>(pub S);

impl<S: Read + Write> Commands<S> {
    /// The attestation key: the same one each time, for it is derived from the owner's seed and this template.
    pub fn create_attestation_key(&mut self) -> Result<Key, Fault> {
        let template = Command::new(CREATE_PRIMARY).u32(OWNER).empty_password();
        // Nothing sensitive of ours: an empty password and no data.
        let template = template.sized(&[0; 4]);
        let mut response = template
            .sized(&public_area())
            .u16(0) // Nothing from outside.
            .u32(0) // No registers noted at its making.
            .run(&mut self.0)?;
        let handle = response.u32()?;
        let _length = response.u32()?;
        Ok(Key { handle, public: response.sized()? })
    }

    /// What the registers hold, signed with these 32 bytes.
    pub fn quote(&mut self, key: u32, qualifying: &[u8; 32], registers: Selection) -> Result<Signed, Fault> {
        let command = Command::new(QUOTE).u32(key).empty_password().sized(qualifying).u16(ALG_NULL);
        let mut response = command.bytes(&registers.bytes()).run(&mut self.0)?;
        let length = usize::try_from(response.u32()?).unwrap_or(usize::MAX);
        let mut parameters = Response::of(response.take(length)?);
        Ok(Signed { statement: parameters.sized()?, signature: parameters.rest() })
    }

    /// What the registers hold. A TPM gives some at a time.
    pub fn read_registers(&mut self, registers: Selection) -> Result<Values, Fault> {
        let mut values = Vec::new();
        let mut left = registers;
        for _ in 0..ROUNDS {
            if left.0 == 0 {
                return Ok(values);
            }
            let mut response = Command::new(PCR_READ).bytes(&left.bytes()).run(&mut self.0)?;
            let _counter = response.u32()?;
            let given = Selection::read(&mut response)?;
            let count = usize::try_from(response.u32()?).unwrap_or(usize::MAX);
            if given.0 == 0 || given.0 & !left.0 != 0 || count != given.registers().count() {
                return Err(Fault::Malformed("it gives other registers than were asked for"));
            }
            for register in given.registers() {
                let value = response.sized()?;
                let value = value.try_into().map_err(|_| Fault::Malformed("a register has not 32 bytes"))?;
                values.push((register, value));
            }
            left = Selection(left.0 & !given.0);
        }
        Err(Fault::Malformed("it never gave all registers"))
    }

    /// Extends a register of the SHA-256 bank.
    pub fn extend(&mut self, register: u8, digest: &[u8; 32]) -> Result<(), Fault> {
        let command = Command::new(PCR_EXTEND).u32(u32::from(register)).empty_password();
        command.u32(1).u16(ALG_SHA256).bytes(digest).run(&mut self.0).map(drop)
    }

    /// Gives a key's place in the TPM back.
    pub fn flush(&mut self, handle: u32) -> Result<(), Fault> {
        Command::new(FLUSH_CONTEXT).u32(handle).run(&mut self.0).map(drop)
    }
}

/// `TPMT_PUBLIC` of the attestation key: ECDSA over P-256 with SHA-256, nothing chosen by hand.
fn public_area() -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(ALG_ECC.to_be_bytes());
    bytes.extend(ALG_SHA256.to_be_bytes());
    bytes.extend(ATTESTATION_KEY.to_be_bytes());
    // No policy; no symmetric cipher; the scheme and its hash; the curve; no derivation; an empty point.
    for value in [0, ALG_NULL, ALG_ECDSA, ALG_SHA256, CURVE_P256, ALG_NULL, 0, 0] {
        bytes.extend(value.to_be_bytes());
    }
    bytes
}
