//! `TPMT_PUBLIC` and `TPMT_SIGNATURE`: Part 2, 12.2.4 and 11.3.4.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::quote::{SHA256, short, sized};
use crate::verdict::Check;
use crate::verify::wire::Bytes;

const RSA: u16 = 0x0001;
const ECC: u16 = 0x0023;
const NULL: u16 = 0x0010;
const RSASSA: u16 = 0x0014;
const RSAPSS: u16 = 0x0016;
const ECDSA: u16 = 0x0018;
const P256: u16 = 0x0003;

/// `fixedTPM`: never left the TPM.
const FIXED_TPM: u32 = 1 << 1;
/// `sensitiveDataOrigin`: made in it.
const MADE_INSIDE: u32 = 1 << 5;
/// `restricted`: signs only what the TPM itself made.
const RESTRICTED: u32 = 1 << 16;
const DECRYPT: u32 = 1 << 17;
const SIGN: u32 = 1 << 18;

/// A public key, and what it may do.
pub(super) struct Key<'a> {
    attributes: u32,
    public: Public<'a>,
}

enum Public<'a> {
    Rsa { modulus: &'a [u8], exponent: [u8; 4] },
    P256 { x: &'a [u8], y: &'a [u8] },
}

impl<'a> Key<'a> {
    pub(super) fn read(public: &'a [u8]) -> Result<Self, String> {
        let mut bytes = Bytes(public);
        let kind = short(&mut bytes)?;
        if short(&mut bytes)? != SHA256 {
            return Err("its name is not made with SHA-256".into());
        }
        let attributes = bytes.array().map(u32::from_be_bytes)?;
        let _policy = sized(&mut bytes, 64)?;
        if short(&mut bytes)? != NULL {
            return Err("it has a symmetric algorithm, as keys for storage have".into());
        }
        let public = match kind {
            RSA => rsa(&mut bytes)?,
            ECC => p256(&mut bytes)?,
            _ => return Err("it is neither RSA nor on an elliptic curve".into()),
        };
        if bytes.0.is_empty() { Ok(Self { attributes, public }) } else { Err("bytes follow it".into()) }
    }

    /// Whether the TPM guards it so that a signature means something.
    pub(super) fn fit(&self) -> Check {
        let must = FIXED_TPM | MADE_INSIDE | RESTRICTED | SIGN;
        if self.attributes & (must | DECRYPT) == must {
            Check::passed("attestation-key", "made in the TPM, never leaves it, signs only what the TPM made")
        } else {
            Check::failed(
                "attestation-key-unfit",
                "the key is not restricted to what the TPM made, or may leave it: anybody could have signed with it",
            )
        }
    }

    /// Whether this `TPMT_SIGNATURE` is over the message.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), String> {
        let mut bytes = Bytes(signature);
        let scheme = short(&mut bytes)?;
        if short(&mut bytes)? != SHA256 {
            return Err("it is not made with SHA-256".into());
        }
        let wrong = |_| "altered, or signed with another key".to_owned();
        match (&self.public, scheme) {
            (Public::Rsa { modulus, exponent }, RSASSA | RSAPSS) => {
                let how: &RsaParameters =
                    if scheme == RSASSA { &RSA_PKCS1_2048_8192_SHA256 } else { &RSA_PSS_2048_8192_SHA256 };
                let value = sized(&mut bytes, 1024)?;
                done(&bytes)?;
                RsaPublicKeyComponents { n: *modulus, e: significant(exponent) }
                    .verify(how, message, value)
                    .map_err(wrong)
            }
            (Public::P256 { x, y }, ECDSA) => {
                let (r, s) = (padded(sized(&mut bytes, 64)?)?, padded(sized(&mut bytes, 64)?)?);
                done(&bytes)?;
                let (x, y) = (padded(x)?, padded(y)?);
                let point = [[4].as_slice(), &x, &y].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                    .verify(message, &[r, s].concat())
                    .map_err(wrong)
            }
            _ => Err("it is of another kind than the key".into()),
        }
    }
}

fn done(bytes: &Bytes<'_>) -> Result<(), String> {
    if bytes.0.is_empty() { Ok(()) } else { Err("bytes follow the signature".into()) }
}

fn scheme(bytes: &mut Bytes<'_>, known: &[u16]) -> Result<(), String> {
    let scheme = short(bytes)?;
    let hash_fits = scheme == NULL || short(bytes)? == SHA256;
    if known.contains(&scheme) && hash_fits {
        Ok(())
    } else {
        Err("it signs in another way than is known here".into())
    }
}

fn rsa<'a>(bytes: &mut Bytes<'a>) -> Result<Public<'a>, String> {
    scheme(bytes, &[NULL, RSASSA, RSAPSS])?;
    let bits = short(bytes)?;
    let exponent = match bytes.array()? {
        [0, 0, 0, 0] => 65_537u32.to_be_bytes(),
        other => other,
    };
    let modulus = sized(bytes, 1024)?;
    if modulus.len() * 8 != usize::from(bits) {
        return Err("its length is another than it says".into());
    }
    Ok(Public::Rsa { modulus, exponent })
}

fn p256<'a>(bytes: &mut Bytes<'a>) -> Result<Public<'a>, String> {
    scheme(bytes, &[NULL, ECDSA])?;
    if short(bytes)? != P256 || short(bytes)? != NULL {
        return Err("it is on another curve than P-256".into());
    }
    Ok(Public::P256 { x: sized(bytes, 32)?, y: sized(bytes, 32)? })
}

/// Numbers come without leading zeros, or with.
fn padded(number: &[u8]) -> Result<[u8; 32], String> {
    let digits = significant(number);
    let mut out = [0; 32];
    let room = out.len().checked_sub(digits.len()).and_then(|start| out.get_mut(start..));
    room.ok_or("a number is longer than the curve's")?.copy_from_slice(digits);
    Ok(out)
}

/// Without leading zeros.
fn significant(number: &[u8]) -> &[u8] {
    number.iter().position(|&b| b != 0).and_then(|at| number.get(at..)).unwrap_or_default()
}
