//! A machine's long-lived secret key: one for TLS, one for agreeing on a secret with each other machine.

use std::fmt;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use privet_deploy::{Blame, Error};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use x25519_dalek::StaticSecret;
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use crate::public_key::{PublicKey, check_name};
use crate::tls::sha256;

/// A machine's secret key. Wiped when dropped, never printed.
pub struct MachineKey {
    public: PublicKey,
    tls: Zeroizing<Vec<u8>>,
    agreement: StaticSecret,
}

impl MachineKey {
    /// A new key for the machine of this name.
    pub fn generate(name: &str) -> Result<Self, Error> {
        check_name(name)?;
        let mut pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|_| no_randomness())?;
        let tls = Zeroizing::new(pair.serialize_der());
        pair.zeroize();
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(|_| no_randomness())?;
        Self::from_parts(name, tls, &seed)
    }

    /// What others may know.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// A secret that only this machine and `other` can compute, the same on both sides; another `context` gives
    /// an unrelated one.
    pub fn agree(&self, other: &PublicKey, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
        let shared = self.agreement.diffie_hellman(&(*other.agreement()).into());
        if !shared.was_contributory() {
            return Err(Error::integrity(
                "E315",
                format!(
                    "The agreement key of `{}` is one that gives everybody the same secret, so nothing was agreed with it. Exchange the line of `{}` again.",
                    other.name(),
                    other.name()
                ),
            ));
        }
        let mut sides = [self.public.to_bytes(), other.to_bytes()];
        sides.sort_unstable();
        let mut hasher = blake3::Hasher::new_derive_key("privet 2026-01 agreement of two machine keys");
        hasher.update(shared.as_bytes());
        for side in &sides {
            hasher.update(side);
        }
        hasher.update(context);
        let secret = Zeroizing::new(*hasher.finalize().as_bytes());
        hasher.zeroize();
        Ok(secret)
    }

    /// The text of the key file. Secret.
    pub fn to_text(&self) -> Result<Zeroizing<String>, Error> {
        let file = File {
            name: self.public.name().into(),
            public: self.public.to_string(),
            tls: STANDARD.encode(&*self.tls),
            agreement: STANDARD.encode(self.agreement.as_bytes()),
        };
        let body = Zeroizing::new(toml::to_string(&file).map_err(|_| malformed("it cannot be written"))?);
        Ok(Zeroizing::new(format!("{HEADING}{}", body.as_str())))
    }

    /// A key from the text of its file.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        // The parser's own words may quote the secret; only the place is told.
        let file: File = toml::from_str(text).map_err(|error| {
            let line =
                error.span().map_or(1, |at| 1 + text.bytes().take(at.start).filter(|b| *b == b'\n').count());
            malformed(&format!(
                "line {line} is not as expected; it holds `name`, `public`, `tls` and `agreement`"
            ))
        })?;
        let decode =
            |text: &str| STANDARD.decode(text).map(Zeroizing::new).map_err(|_| malformed("it is not base64"));
        let agreement = decode(&file.agreement)?;
        let seed = <&[u8; 32]>::try_from(agreement.as_slice())
            .map_err(|_| malformed("`agreement` is not 32 bytes"))?;
        let key = Self::from_parts(&file.name, decode(&file.tls)?, seed)?;
        if key.public.to_string() != file.public {
            return Err(malformed("`public` is not the public half of the secret"));
        }
        Ok(key)
    }

    /// The TLS key, for a certificate's signature.
    pub(crate) fn pair(&self) -> Result<KeyPair, Error> {
        pair(&self.tls)
    }

    /// The TLS key, for connections.
    pub(crate) fn tls(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.tls.to_vec()).into()
    }

    fn from_parts(name: &str, tls: Zeroizing<Vec<u8>>, agreement: &[u8; 32]) -> Result<Self, Error> {
        let mut pair = pair(&tls)?;
        let hash = sha256(&pair.subject_public_key_info());
        pair.zeroize();
        let agreement = StaticSecret::from(*agreement);
        let public = PublicKey::new(name, hash, x25519_dalek::PublicKey::from(&agreement).to_bytes())?;
        Ok(Self { public, tls, agreement })
    }
}

impl fmt::Debug for MachineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MachineKey({}, secret not shown)", self.public.name())
    }
}

/// Writes a file that only its owner may read, and never over another one.
pub fn write_new(path: &Path, text: &str) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::refused(
            "E314",
            format!(
                "`{}` exists and was left as it is. Choose another place, or move it away first.",
                path.display()
            ),
        ),
        kind => Error::refused(
            "E314",
            format!("`{}` cannot be written: {kind}. Choose a place that can be written to.", path.display()),
        ),
    })
}

const HEADING: &str =
    "# Secret: whoever reads this file can speak as this machine. Only the line `public` is for others.\n";

#[derive(Serialize, Deserialize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    public: String,
    tls: String,
    agreement: String,
}

fn pair(pkcs8: &[u8]) -> Result<KeyPair, Error> {
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8), &PKCS_ECDSA_P256_SHA256)
        .map_err(|_| malformed("`tls` is not a PKCS#8 key on P-256"))
}

fn malformed(what: &str) -> Error {
    Error::usage(
        "E313",
        format!(
            "This is not a machine's key file: {what}. Take the file as `keygen` wrote it, or make a new one."
        ),
    )
}

fn no_randomness() -> Error {
    Error::new(
        Blame::Ours,
        "E902",
        "The operating system gave no randomness, so no key was made. Run it again.",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_file_round_trips_and_is_read_strictly() {
        let key = MachineKey::generate("bank-a").unwrap();
        let text = key.to_text().unwrap();
        let back = MachineKey::from_text(&text).unwrap();
        assert_eq!(back.public(), key.public());
        assert_eq!(back.to_text().unwrap(), text);
        let other = MachineKey::generate("bank-a").unwrap();
        let swapped = text.replace(&key.public().to_string(), &other.public().to_string());
        for bad in [&swapped, &text.replace("tls = \"M", "tls = \"N"), &format!("{}x = 1\n", *text), ""] {
            let error = MachineKey::from_text(bad).unwrap_err();
            assert_eq!(error.code, "E313");
            let secret = STANDARD.encode(key.agreement.as_bytes());
            assert!(!error.message.contains(&secret) && !error.message.contains("MIG"));
        }
    }

    #[test]
    fn agreement_is_the_same_on_both_sides_only() {
        let [a, b, c] = ["a", "b", "c"].map(|name| MachineKey::generate(name).unwrap());
        let ab = a.agree(b.public(), b"seed").unwrap();
        assert_eq!(ab, b.agree(a.public(), b"seed").unwrap());
        assert_ne!(ab, a.agree(b.public(), b"seed2").unwrap());
        assert_ne!(ab, a.agree(c.public(), b"seed").unwrap());
        assert_ne!(ab, c.agree(b.public(), b"seed").unwrap());
    }

    #[test]
    fn a_weak_public_key_is_refused() {
        let key = MachineKey::generate("a").unwrap();
        let weak = PublicKey::new("b", [1; 32], [0; 32]).unwrap();
        assert_eq!(key.agree(&weak, b"x").unwrap_err().code, "E315");
    }

    #[test]
    fn debug_shows_no_bytes() {
        let key = MachineKey::generate("bank-a").unwrap();
        assert_eq!(format!("{key:?}"), "MachineKey(bank-a, secret not shown)");
    }

    #[test]
    fn a_key_file_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.toml");
        write_new(&path, "first").unwrap();
        assert_eq!(write_new(&path, "second").unwrap_err().code, "E314");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
