//! The document's bytes: `COSE_Sign1` with one algorithm, and a payload with exactly the fields and limits of AWS' specification.

use crate::verdict::Check;
use crate::verify::cbor::{Reader, bytes_head};

/// The tag of `COSE_Sign1`; documents come without it too.
const TAG: u8 = 0xD2;
/// The protected header: a map with the algorithm (1) `ES384` (-35), and nothing else.
const PROTECTED: [u8; 4] = [0xA1, 0x01, 0x38, 0x22];

const LONGEST_PAYLOAD: usize = 16 * 1024;
const LONGEST_FIELD: usize = 1024;
const MOST_CERTIFICATES: usize = 8;
const REGISTERS: usize = 32;
/// SHA-384.
const DIGEST: usize = 48;

/// A document whose form is right; nothing is believed yet.
pub(super) struct Document<'a> {
    payload: &'a [u8],
    /// `r` and `s`, big-endian.
    pub(super) signature: &'a [u8],
    pub(super) module_id: &'a str,
    /// Milliseconds since 1970.
    pub(super) timestamp: u64,
    registers: [Option<&'a [u8]>; REGISTERS],
    pub(super) certificate: &'a [u8],
    /// From the root to the one that signed the certificate.
    pub(super) bundle: Vec<&'a [u8]>,
    pub(super) user_data: Option<&'a [u8]>,
}

impl<'a> Document<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Check> {
        let invalid =
            |what: String| Check::failed("format-invalid", format!("this is no Nitro document: {what}"));
        let mut reader = Reader::new(bytes);
        reader.take(TAG);
        if reader.array("COSE_Sign1", 4).map_err(invalid)? != 4 {
            return Err(invalid("COSE_Sign1 has four parts".into()));
        }
        let protected = reader.bytes("the protected header", LONGEST_FIELD).map_err(invalid)?;
        if protected != PROTECTED {
            let detail = "the protected header names something else than ES384 and nothing more";
            return Err(Check::failed("algorithm-not-accepted", detail));
        }
        if reader.map("the unprotected header", LONGEST_FIELD).map_err(invalid)? != 0 {
            let detail = "the unprotected header is not empty; what is not signed decides nothing";
            return Err(Check::failed("algorithm-not-accepted", detail));
        }
        let payload = reader.bytes("the payload", LONGEST_PAYLOAD).map_err(invalid)?;
        let signature = reader.bytes("the signature", LONGEST_FIELD).map_err(invalid)?;
        if !reader.is_empty() {
            return Err(Check::failed("trailing-bytes", "bytes follow the document"));
        }
        if signature.len() != 2 * DIGEST {
            return Err(invalid(format!("an ES384 signature has 96 bytes, this has {}", signature.len())));
        }
        let fields = Fields::read(payload).map_err(invalid)?;
        fields.complete(payload, signature).map_err(invalid)
    }

    pub(super) fn register(&self, number: u8) -> Option<&'a [u8]> {
        self.registers.get(usize::from(number)).copied().flatten()
    }

    /// `Sig_structure` of RFC 9052.
    pub(super) fn signed(&self) -> Vec<u8> {
        let context = b"\x84\x6aSignature1";
        let no_external_data = [0x40];
        [
            context.as_slice(),
            &bytes_head(PROTECTED.len()),
            &PROTECTED,
            &no_external_data,
            &bytes_head(self.payload.len()),
            self.payload,
        ]
        .concat()
    }
}

/// Bytes, or a written `null`.
struct OrNull<'a>(Option<&'a [u8]>);

/// The payload's fields, as they came.
#[derive(Default)]
struct Fields<'a> {
    module_id: Option<&'a str>,
    digest: Option<&'a str>,
    timestamp: Option<u64>,
    registers: Option<[Option<&'a [u8]>; REGISTERS]>,
    certificate: Option<&'a [u8]>,
    bundle: Option<Vec<&'a [u8]>>,
    public_key: Option<OrNull<'a>>,
    user_data: Option<OrNull<'a>>,
    nonce: Option<OrNull<'a>>,
}

/// Most fields.
const FIELDS: usize = 9;

impl<'a> Fields<'a> {
    fn read(payload: &'a [u8]) -> Result<Self, String> {
        let mut reader = Reader::new(payload);
        let mut fields = Self::default();
        // The only indefinite length that AWS writes is this map's.
        let entries = reader.any_map("the payload", FIELDS)?;
        let mut seen = 0;
        while !reader.ends(entries, seen) {
            seen += 1;
            fields.field(&mut reader)?;
        }
        if reader.is_empty() { Ok(fields) } else { Err("bytes follow the payload's fields".into()) }
    }

    fn field(&mut self, reader: &mut Reader<'a>) -> Result<(), String> {
        let name = reader.text("a field's name", 16)?;
        let most = LONGEST_FIELD;
        match name {
            "module_id" => once(&mut self.module_id, reader.text(name, most)?),
            "digest" => once(&mut self.digest, reader.text(name, most)?),
            "timestamp" => once(&mut self.timestamp, reader.number(name)?),
            "pcrs" => once(&mut self.registers, registers(reader)?),
            "certificate" => once(&mut self.certificate, reader.bytes(name, most)?),
            "cabundle" => once(&mut self.bundle, bundle(reader)?),
            "public_key" => once(&mut self.public_key, OrNull(reader.bytes_or_null(name, most)?)),
            "user_data" => once(&mut self.user_data, OrNull(reader.bytes_or_null(name, most)?)),
            "nonce" => once(&mut self.nonce, OrNull(reader.bytes_or_null(name, most)?)),
            other => return Err(format!("it has a field `{other}`, which AWS' documents have not")),
        }
        .map_err(|()| format!("it has the field `{name}` twice"))
    }

    fn complete(self, payload: &'a [u8], signature: &'a [u8]) -> Result<Document<'a>, String> {
        let missing = |name: &str| format!("it has no field `{name}`");
        let module_id = self.module_id.filter(|id| !id.is_empty()).ok_or_else(|| missing("module_id"))?;
        if self.digest.ok_or_else(|| missing("digest"))? != "SHA384" {
            return Err("its registers are of another digest than SHA384".into());
        }
        let registers = self.registers.ok_or_else(|| missing("pcrs"))?;
        Ok(Document {
            payload,
            signature,
            module_id,
            timestamp: self.timestamp.filter(|&t| t > 0).ok_or_else(|| missing("timestamp"))?,
            registers,
            certificate: self.certificate.filter(|c| !c.is_empty()).ok_or_else(|| missing("certificate"))?,
            bundle: self.bundle.ok_or_else(|| missing("cabundle"))?,
            user_data: self.user_data.and_then(|u| u.0),
        })
    }
}

fn once<T>(field: &mut Option<T>, value: T) -> Result<(), ()> {
    if field.replace(value).is_some() { Err(()) } else { Ok(()) }
}

fn registers<'a>(reader: &mut Reader<'a>) -> Result<[Option<&'a [u8]>; REGISTERS], String> {
    let count = reader.map("pcrs", REGISTERS)?;
    let mut registers = [None; REGISTERS];
    for _ in 0..count {
        let number = reader.number("a register's number")?;
        let value = reader.bytes("a register", DIGEST)?;
        if value.len() != DIGEST {
            return Err(format!("register {number} has {} bytes, expected {DIGEST}", value.len()));
        }
        let place = usize::try_from(number).ok().and_then(|n| registers.get_mut(n));
        let place = place.ok_or_else(|| format!("there is no register {number}"))?;
        once(place, value).map_err(|()| format!("it has register {number} twice"))?;
    }
    if count == 0 { Err("it has no registers".into()) } else { Ok(registers) }
}

fn bundle<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a [u8]>, String> {
    let count = reader.array("cabundle", MOST_CERTIFICATES)?;
    let one = |_| match reader.bytes("a certificate of the bundle", LONGEST_FIELD)? {
        [] => Err("a certificate of the bundle is empty".into()),
        certificate => Ok(certificate),
    };
    let bundle: Vec<&[u8]> = (0..count).map(one).collect::<Result<_, String>>()?;
    if bundle.is_empty() { Err("the bundle is empty".into()) } else { Ok(bundle) }
}
