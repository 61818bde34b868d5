//! The quote's bytes: Intel, "SGX ECDSA Quote Library" (v3) and "TDX DCAP Quoting Library" (v4, v5), appendix A.

use crate::verdict::Check;
use crate::verify::wire::Bytes;

/// Intel's quoting enclave.
const INTEL: [u8; 16] =
    [0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07];
/// ECDSA with P-256 and SHA-256.
const ECDSA_P256: u16 = 2;
/// A chain of PCK certificates, PEM.
const PCK_CHAIN: u16 = 5;
/// The quoting enclave's report, in which a chain lies.
const QE_REPORT: u16 = 6;
const HEADER: usize = 48;

/// Which of Intel's two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tee {
    Sgx,
    Tdx,
}

impl Tee {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sgx => "SGX",
            Self::Tdx => "TDX",
        }
    }
}

/// Report of an SGX enclave.
#[derive(Clone, Copy)]
pub(super) struct Enclave<'a>(pub(super) &'a [u8; 384]);

/// Report of a TD: `TDX 1.0`, with what `TDX 1.5` adds.
#[derive(Clone, Copy)]
pub(super) struct Domain<'a> {
    base: &'a [u8; 584],
    more: Option<&'a [u8; 64]>,
}

#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    Enclave(Enclave<'a>),
    Domain(Domain<'a>),
}

/// A quote whose layout is known; nothing is believed yet.
pub(super) struct Quote<'a> {
    pub(super) version: u16,
    pub(super) body: Body<'a>,
    /// What the attestation key signs.
    pub(super) signed: &'a [u8],
    pub(super) signature: [u8; 64],
    pub(super) attestation_key: [u8; 64],
    pub(super) certified: Certified<'a>,
    /// What stands behind the quote.
    pub(super) trailing: &'a [u8],
}

/// Who vouches for the attestation key.
pub(super) struct Certified<'a> {
    /// Of the quoting enclave, which made the key.
    pub(super) report: Enclave<'a>,
    pub(super) signature: [u8; 64],
    /// Goes into that report with the key.
    pub(super) authentication: &'a [u8],
    /// PEM.
    pub(super) certificates: &'a [u8],
}

/// Bytes of a structure whose length is fixed: places are constants within it.
fn at<const N: usize>(bytes: &[u8], place: usize) -> [u8; N] {
    bytes.get(place..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

impl Enclave<'_> {
    pub(super) fn misc_select(self) -> [u8; 4] {
        at(self.0, 16)
    }
    pub(super) fn attributes(self) -> [u8; 16] {
        at(self.0, 48)
    }
    pub(super) fn mrenclave(self) -> [u8; 32] {
        at(self.0, 64)
    }
    pub(super) fn mrsigner(self) -> [u8; 32] {
        at(self.0, 128)
    }
    pub(super) fn config_id(self) -> [u8; 64] {
        at(self.0, 192)
    }
    pub(super) fn product(self) -> u16 {
        u16::from_le_bytes(at(self.0, 256))
    }
    pub(super) fn version(self) -> u16 {
        u16::from_le_bytes(at(self.0, 258))
    }
    pub(super) fn report_data(self) -> [u8; 64] {
        at(self.0, 320)
    }
    pub(super) fn debug(self) -> bool {
        self.attributes()[0] & 2 != 0
    }
}

impl Domain<'_> {
    /// `TEE_TCB_SVN`, and of TDX 1.5 the one of now.
    pub(super) fn versions(&self) -> ([u8; 16], Option<[u8; 16]>) {
        (at(self.base, 0), self.more.map(|more| at(more, 0)))
    }
    pub(super) fn mrseam(&self) -> [u8; 48] {
        at(self.base, 16)
    }
    pub(super) fn attributes(&self) -> u64 {
        u64::from_le_bytes(at(self.base, 120))
    }
    pub(super) fn mrtd(&self) -> [u8; 48] {
        at(self.base, 136)
    }
    pub(super) fn mr_config_id(&self) -> [u8; 48] {
        at(self.base, 184)
    }
    pub(super) fn mr_owner(&self) -> [u8; 48] {
        at(self.base, 232)
    }
    pub(super) fn mr_owner_config(&self) -> [u8; 48] {
        at(self.base, 280)
    }
    pub(super) fn rtmr(&self) -> [[u8; 48]; 4] {
        [328, 376, 424, 472].map(|place| at(self.base, place))
    }
    pub(super) fn report_data(&self) -> [u8; 64] {
        at(self.base, 520)
    }
    /// Service TDs that are bound to it.
    pub(super) fn service(&self) -> Option<[u8; 48]> {
        self.more.map(|more| at(more, 16))
    }
}

impl<'a> Body<'a> {
    pub(super) fn report_data(&self) -> [u8; 64] {
        match self {
            Self::Enclave(enclave) => enclave.report_data(),
            Self::Domain(domain) => domain.report_data(),
        }
    }

    fn read(bytes: &mut Bytes<'a>, version: u16, tee: Tee) -> Result<Self, String> {
        let (kind, length) = match version {
            5 => (number(bytes)?, Some(long(bytes)?)),
            4 => (2, None),
            _ => (1, None),
        };
        let body = match (kind, tee) {
            (1, Tee::Sgx) => Self::Enclave(Enclave(fixed(bytes)?)),
            (2, Tee::Tdx) => Self::Domain(Domain { base: fixed(bytes)?, more: None }),
            (3, Tee::Tdx) => Self::Domain(Domain { base: fixed(bytes)?, more: Some(fixed(bytes)?) }),
            _ => return Err(format!("its body has type {kind}, which is not read here for {}", tee.name())),
        };
        match (length, &body) {
            (Some(length), Self::Domain(domain))
                if length != 584 + domain.more.map_or(0, |more| more.len()) =>
            {
                Err(format!("it says that its body has {length} bytes, which that type has not"))
            }
            _ => Ok(body),
        }
    }
}

fn number(bytes: &mut Bytes<'_>) -> Result<u16, String> {
    bytes.array().map(u16::from_le_bytes)
}

fn long(bytes: &mut Bytes<'_>) -> Result<usize, String> {
    usize::try_from(u32::from_le_bytes(bytes.array()?)).map_err(|e| e.to_string())
}

fn fixed<'a, const N: usize>(bytes: &mut Bytes<'a>) -> Result<&'a [u8; N], String> {
    bytes.cut(N)?.first_chunk().ok_or_else(|| "it ends too early".into())
}

/// What must fill its place to the last byte.
fn whole<'a, T>(
    bytes: &'a [u8],
    what: &str,
    read: impl FnOnce(&mut Bytes<'a>) -> Result<T, String>,
) -> Result<T, String> {
    let mut bytes = Bytes(bytes);
    let read = read(&mut bytes)?;
    let left = bytes.0.len();
    if left == 0 { Ok(read) } else { Err(format!("{left} bytes are left over in its {what}")) }
}

impl<'a> Quote<'a> {
    pub(super) fn read(all: &'a [u8], tee: Tee) -> Result<Self, Check> {
        let invalid = |detail: String| {
            Check::failed("format-invalid", format!("this is no {} quote: {detail}", tee.name()))
        };
        let mut bytes = Bytes(all);
        let version = header(&mut bytes, tee)?;
        let body = Body::read(&mut bytes, version, tee).map_err(invalid)?;
        let signed = all.get(..all.len() - bytes.0.len()).unwrap_or(all);
        let length = long(&mut bytes).map_err(invalid)?;
        let data = bytes.cut(length).map_err(invalid)?;
        let trailing = bytes.0;
        let read = |data: &mut Bytes<'a>| Ok((data.array()?, data.array()?, Certified::read(data, version)?));
        let (signature, attestation_key, certified) = whole(data, "signature data", read).map_err(invalid)?;
        Ok(Self { version, body, signed, signature, attestation_key, certified, trailing })
    }
}

impl<'a> Certified<'a> {
    fn read(bytes: &mut Bytes<'a>, version: u16) -> Result<Self, String> {
        if version == 3 {
            return Self::report(bytes);
        }
        let (kind, length) = (number(bytes)?, long(bytes)?);
        if kind != QE_REPORT {
            return Err(format!("its certification data has type {kind}, expected {QE_REPORT}"));
        }
        whole(bytes.cut(length)?, "certification data", Self::report)
    }

    fn report(bytes: &mut Bytes<'a>) -> Result<Self, String> {
        let (report, signature) = (Enclave(fixed(bytes)?), bytes.array()?);
        let length = number(bytes)?.into();
        let authentication = bytes.cut(length)?;
        let (kind, length) = (number(bytes)?, long(bytes)?);
        let certificates = bytes.cut(length)?;
        if kind != PCK_CHAIN {
            return Err(format!(
                "it names its certificate by type {kind}; only type {PCK_CHAIN}, the chain itself, is read"
            ));
        }
        Ok(Self { report, signature, authentication, certificates })
    }
}

/// The version, once the header is one that this program knows.
fn header(bytes: &mut Bytes<'_>, tee: Tee) -> Result<u16, Check> {
    let invalid = |detail: String| {
        Check::failed("format-invalid", format!("this is no {} quote: {detail}", tee.name()))
    };
    let mut header = Bytes(bytes.cut(HEADER).map_err(invalid)?);
    let version = number(&mut header).map_err(invalid)?;
    let algorithm = number(&mut header).map_err(invalid)?;
    let kind = long(&mut header).map_err(invalid)?;
    header.cut(4).map_err(invalid)?;
    let vendor: [u8; 16] = header.array().map_err(invalid)?;
    match (version, kind, tee) {
        (3, 0, Tee::Sgx) | (4 | 5, 0x81, Tee::Tdx) => {}
        _ => {
            let detail = format!("it has version {version} and says TEE type 0x{kind:x}");
            return Err(invalid(detail));
        }
    }
    if algorithm != ECDSA_P256 {
        let detail =
            format!("attestation key of type {algorithm}; the only one is {ECDSA_P256} (ECDSA P-256)");
        return Err(Check::failed("algorithm-not-accepted", detail));
    }
    if vendor != INTEL {
        return Err(Check::failed(
            "qe-vendor-unknown",
            "made by a quoting enclave of another vendor than Intel",
        ));
    }
    Ok(version)
}
