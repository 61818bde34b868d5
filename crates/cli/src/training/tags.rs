//! Keyed tags of identifiers, by which parties find the rows that belong together and nothing else: whoever lacks the key cannot tell which
//! identifier a tag is of. Owners share the key; no party may have it.

use std::path::Path;

use privet_deploy::Error;
use privet_deploy::train::wire::TAG;
use privet_ring::entropy::draw;
use privet_serve::entropy::OsEntropy;
use privet_serve::keys::write_new;
use privet_tee::statement::{Hex, hex};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The first word of the file.
const MARK: &str = "privet1-alignment";

/// What owners share. Wiped on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Key([u8; 32]);

privet_ring::not_shown!(Key);

impl Key {
    /// A new one.
    pub(crate) fn generate() -> Result<Self, Error> {
        let no_entropy =
            |_| Error::new(privet_deploy::Blame::Ours, "E901", "The operating system gave no randomness.");
        draw(&mut OsEntropy).map(Self).map_err(no_entropy)
    }

    /// Writes it, never over another one.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        write_new(path, &Zeroizing::new(format!("{MARK} {}\n", hex(&self.0))))
    }

    /// Reads one.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = Zeroizing::new(privet_serve::config::read_text(path)?);
        let digits = text.trim().strip_prefix(MARK).map(str::trim);
        let key = digits.and_then(|digits| digits.parse::<Hex<32>>().ok());
        key.map(|key| Self(key.0)).ok_or_else(|| {
            let what = format!(
                "`{}` is no alignment key. `privet agree --alignment-key` makes one.",
                path.display()
            );
            Error::usage("E313", what)
        })
    }

    /// The tag of an identifier in the training of this id.
    pub(crate) fn tag(&self, training: &str, id: &str) -> [u8; TAG] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(training.as_bytes()).update(&[0]).update(id.as_bytes());
        let mut tag = [0; TAG];
        hasher.finalize_xof().fill(&mut tag);
        tag
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_tag_depends_on_key_training_and_identifier() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alignment.key");
        let key = Key::generate().unwrap();
        key.write(&path).unwrap();
        assert!(key.write(&path).is_err(), "never over another one");
        let same = Key::read(&path).unwrap();
        let tag = key.tag("t", "100001");
        assert_eq!(tag, same.tag("t", "100001"));
        assert_ne!(tag, same.tag("t", "100002"));
        assert_ne!(tag, same.tag("u", "100001"));
        assert_ne!(tag, Key::generate().unwrap().tag("t", "100001"));
        assert_eq!(format!("{key:?}"), "Key(not shown)");
        std::fs::write(&path, "privet1-alignment 12").unwrap();
        assert_eq!(Key::read(&path).unwrap_err().code, "E313");
    }
}
