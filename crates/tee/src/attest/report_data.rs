//! The report data inside what a platform gave, so that a driver can compare it with what it asked for. Nothing is verified here:
//! it finds wrong answers early and in plain words; the verifier finds forged ones.

use ciborium::Value;

use crate::statement::ReportData;

/// The formats in which report data comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// A report of SEV-SNP.
    Snp,
    /// A DCAP quote of TDX.
    Tdx,
    /// A DCAP quote of SGX.
    Sgx,
    /// A document of Nitro.
    Nitro,
}

/// Length of a report of SEV-SNP.
const SNP_LENGTH: usize = 1184;
/// Length of a TDREPORT, and its first byte: the kind of machine.
const TDREPORT: (usize, u8) = (1024, 0x81);
/// Header of a DCAP quote.
const DCAP_HEADER: usize = 48;
/// Kinds of machine in that header.
const TEE_SGX: u32 = 0;
const TEE_TDX: u32 = 0x81;

/// The report data in this evidence, or why it is not what its kind says.
pub fn report_data_of(quote: Quote, body: &[u8]) -> Result<ReportData, String> {
    match quote {
        Quote::Snp => snp(body),
        Quote::Tdx => tdx(body),
        Quote::Sgx => sgx(body),
        Quote::Nitro => nitro(body),
    }
}

fn snp(body: &[u8]) -> Result<ReportData, String> {
    if body.len() != SNP_LENGTH {
        return Err(format!("a report of SEV-SNP has {SNP_LENGTH} bytes, this has {}", body.len()));
    }
    let version = u32_at(body, 0)?;
    if !(2..=5).contains(&version) {
        return Err(format!("expected a report of SEV-SNP of version 2 to 5, this has version {version}"));
    }
    field(body, 0x50)
}

fn tdx(body: &[u8]) -> Result<ReportData, String> {
    if body.len() == TDREPORT.0 && body.first() == Some(&TDREPORT.1) {
        let text = "this is a TDREPORT, which only the same machine can check, and no quote: the quoting service did not sign it";
        return Err(text.into());
    }
    let version = u16_at(body, 0)?;
    let tee = u32_at(body, 4)?;
    match (version, tee) {
        (4, TEE_TDX) => field(body, DCAP_HEADER + 520),
        // A descriptor of the body stands before it: its kind and its length.
        (5, TEE_TDX) => field(body, DCAP_HEADER + 6 + 520),
        _ => Err(format!(
            "expected a TDX quote of version 4 or 5, this has version {version} and kind of machine {tee:#x}"
        )),
    }
}

fn sgx(body: &[u8]) -> Result<ReportData, String> {
    let version = u16_at(body, 0)?;
    let tee = u32_at(body, 4)?;
    // Version 3 has no kind of machine yet: those bytes are reserved.
    if version == 3 || (version == 4 && tee == TEE_SGX) {
        return field(body, DCAP_HEADER + 320);
    }
    Err(format!(
        "expected an SGX quote of version 3 or 4, this has version {version} and kind of machine {tee:#x}"
    ))
}

fn nitro(body: &[u8]) -> Result<ReportData, String> {
    let payload = cose_payload(body).ok_or("this is no COSE_Sign1 with a payload")?;
    let document: Value =
        ciborium::from_reader(payload.as_slice()).map_err(|e| format!("the payload is no CBOR: {e}"))?;
    let fields = document.as_map().ok_or("the payload is no map")?;
    let mut found = fields.iter().filter(|(key, _)| key.as_text() == Some("user_data"));
    let data = match (found.next(), found.next()) {
        (Some((_, value)), None) => value.as_bytes().ok_or("`user_data` holds no bytes")?,
        (None, _) => return Err("the document has no `user_data`".into()),
        _ => return Err("the document has `user_data` twice".into()),
    };
    let length = data.len();
    data.as_slice().try_into().map_err(|_| format!("expected 64 bytes of `user_data`, got {length}"))
}

/// The third of the four parts of a `COSE_Sign1`, tagged or not.
fn cose_payload(body: &[u8]) -> Option<Vec<u8>> {
    let cose: Value = ciborium::from_reader(body).ok()?;
    let cose = match cose {
        Value::Tag(18, inner) => *inner,
        other => other,
    };
    let parts: [Value; 4] = cose.into_array().ok()?.try_into().ok()?;
    let [_, _, payload, _] = parts;
    payload.into_bytes().ok()
}

fn field<const N: usize>(body: &[u8], at: usize) -> Result<[u8; N], String> {
    let bytes = body.get(at..).and_then(|rest| rest.first_chunk::<N>());
    bytes.copied().ok_or_else(|| format!("it ends early: {} bytes", body.len()))
}

fn u16_at(body: &[u8], at: usize) -> Result<u16, String> {
    field(body, at).map(u16::from_le_bytes)
}

fn u32_at(body: &[u8], at: usize) -> Result<u32, String> {
    field(body, at).map(u32::from_le_bytes)
}
