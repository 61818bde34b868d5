//! The report's bytes: AMD 56860, "`ATTESTATION_REPORT` Structure", versions 2 to 5.

use crate::policy::{Product, Signer};
use crate::verdict::Check;

/// Length of every version.
pub(super) const LENGTH: usize = 0x4A0;
/// What is signed ends here, and the signature begins.
pub(super) const SIGNED: usize = 0x2A0;
/// `r`, then `s`: little-endian, more bytes than P-384 needs.
const SCALAR: usize = 72;
const P384: usize = 48;

/// A report whose layout is known; nothing is believed yet.
pub(super) struct Report<'a>(&'a [u8; LENGTH]);

/// `POLICY`: what the guest's launcher allows.
#[derive(Clone, Copy)]
pub(super) struct GuestPolicy(pub(super) u64);

impl GuestPolicy {
    pub(super) fn abi(self) -> [u8; 2] {
        let [minor, major, ..] = self.0.to_le_bytes();
        [major, minor]
    }

    pub(super) fn smt(self) -> bool {
        self.0 >> 16 & 1 == 1
    }

    pub(super) fn migration_agent(self) -> bool {
        self.0 >> 18 & 1 == 1
    }

    pub(super) fn debug(self) -> bool {
        self.0 >> 19 & 1 == 1
    }
}

/// Versions of the firmware's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tcb {
    /// Turin only.
    pub(super) fmc: Option<u8>,
    pub(super) bootloader: u8,
    pub(super) tee: u8,
    pub(super) snp: u8,
    pub(super) microcode: u8,
}

impl Tcb {
    /// `TCB_VERSION` has another layout from Turin on.
    pub(super) fn read(bytes: [u8; 8], product: Product) -> Self {
        let microcode = bytes[7];
        match product {
            Product::Milan | Product::Genoa => {
                Self { fmc: None, bootloader: bytes[0], tee: bytes[1], snp: bytes[6], microcode }
            }
            Product::Turin => {
                Self { fmc: Some(bytes[0]), bootloader: bytes[1], tee: bytes[2], snp: bytes[3], microcode }
            }
        }
    }
}

impl std::fmt::Display for Tcb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(fmc) = self.fmc {
            write!(f, "fmc {fmc}, ")?;
        }
        write!(
            f,
            "bootloader {}, tee {}, snp {}, microcode {}",
            self.bootloader, self.tee, self.snp, self.microcode
        )
    }
}

impl<'a> Report<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Check> {
        let length = bytes.len();
        if length < LENGTH {
            return Err(Check::failed(
                "format-invalid",
                format!("a report has {LENGTH} bytes, this has {length}"),
            ));
        }
        let Ok(bytes) = <&[u8; LENGTH]>::try_from(bytes) else {
            return Err(Check::failed(
                "trailing-bytes",
                format!("a report has {LENGTH} bytes, this has {length}"),
            ));
        };
        let report = Self(bytes);
        if !(2..=5).contains(&report.version()) {
            let detail = format!("report version {}; this program reads 2 to 5", report.version());
            return Err(Check::failed("report-version-unknown", detail));
        }
        if report.u32(0x34) != 1 {
            let detail = format!("signature algorithm {}; the only one is 1 (ECDSA P-384)", report.u32(0x34));
            return Err(Check::failed("format-invalid", detail));
        }
        // Outside the signature's reach, so that anything there could be anybody's.
        let unused = [SIGNED + P384..SIGNED + SCALAR, SIGNED + SCALAR + P384..LENGTH];
        if unused.into_iter().any(|range| bytes[range].iter().any(|&b| b != 0)) {
            return Err(Check::failed(
                "format-invalid",
                "bytes beside the signature that should be zero are not",
            ));
        }
        Ok(report)
    }

    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        std::array::from_fn(|i| self.0[at + i])
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes(at))
    }

    pub(super) fn version(&self) -> u32 {
        self.u32(0x00)
    }

    pub(super) fn guest_svn(&self) -> u32 {
        self.u32(0x04)
    }

    pub(super) fn policy(&self) -> GuestPolicy {
        GuestPolicy(u64::from_le_bytes(self.bytes(0x08)))
    }

    pub(super) fn family_id(&self) -> [u8; 16] {
        self.bytes(0x10)
    }

    pub(super) fn image_id(&self) -> [u8; 16] {
        self.bytes(0x20)
    }

    pub(super) fn vmpl(&self) -> u32 {
        self.u32(0x30)
    }

    /// Which key signed, by the report's own word. `None`: nobody, or something that is not known here.
    pub(super) fn signer(&self) -> Option<Signer> {
        let flags = self.u32(0x48);
        let chip_key_masked = flags >> 1 & 1 == 1;
        match flags >> 2 & 7 {
            0 if !chip_key_masked => Some(Signer::Vcek),
            1 => Some(Signer::Vlek),
            _ => None,
        }
    }

    pub(super) fn report_data(&self) -> [u8; 64] {
        self.bytes(0x50)
    }

    pub(super) fn measurement(&self) -> [u8; 48] {
        self.bytes(0x90)
    }

    pub(super) fn host_data(&self) -> [u8; 32] {
        self.bytes(0xC0)
    }

    pub(super) fn id_key_digest(&self) -> [u8; 48] {
        self.bytes(0xE0)
    }

    pub(super) fn author_key_digest(&self) -> [u8; 48] {
        self.bytes(0x110)
    }

    /// From which the signing key was derived.
    pub(super) fn reported_tcb(&self) -> [u8; 8] {
        self.bytes(0x180)
    }

    /// To which the host could still go back.
    pub(super) fn committed_tcb(&self) -> [u8; 8] {
        self.bytes(0x1E0)
    }

    pub(super) fn chip_id(&self) -> [u8; 64] {
        self.bytes(0x1A0)
    }

    /// Which line, by the processor's family and model. `Ok(None)`: version 2 does not say.
    pub(super) fn product(&self) -> Result<Option<Product>, Check> {
        if self.version() < 3 {
            return Ok(None);
        }
        let [family, model] = self.bytes(0x188);
        match (family, model) {
            (0x19, 0x00..=0x0F) => Ok(Some(Product::Milan)),
            (0x19, 0x10..=0x1F | 0xA0..=0xAF) => Ok(Some(Product::Genoa)),
            (0x1A, 0x00..=0x1F) => Ok(Some(Product::Turin)),
            _ => Err(Check::failed(
                "product-mismatch",
                format!("processor family 0x{family:02x} model 0x{model:02x} is none of Milan, Genoa, Turin"),
            )),
        }
    }

    pub(super) fn signed(&self) -> &[u8] {
        &self.0[..SIGNED]
    }

    /// `r` and `s`, big-endian, 48 bytes each: `ring` checks that both are in 1 to n - 1.
    pub(super) fn signature(&self) -> [u8; 2 * P384] {
        let (mut r, mut s): ([u8; P384], [u8; P384]) = (self.bytes(SIGNED), self.bytes(SIGNED + SCALAR));
        r.reverse();
        s.reverse();
        std::array::from_fn(|i| if i < P384 { r[i] } else { s[i - P384] })
    }
}

/// Most entries of a table that are looked at.
const MOST: usize = 16;

/// Certificates of the table that the host's kernel hands over: entries of a GUID (16 bytes), an offset and a length (4 bytes each,
/// little-endian) end with zeros. Which GUID is not looked at: what a certificate is, its content says.
pub(super) fn certificate_table(table: &[u8]) -> Vec<&[u8]> {
    let entries =
        table.as_chunks::<24>().0.iter().take(MOST).take_while(|entry| entry.iter().any(|&b| b != 0));
    let number = |b: &[u8]| b.iter().rev().fold(0usize, |n, &b| n << 8 | usize::from(b));
    let file = |entry: &[u8; 24]| {
        let (start, length) = (number(&entry[16..20]), number(&entry[20..24]));
        table.get(start..start.checked_add(length)?)
    };
    entries.filter_map(file).collect()
}
