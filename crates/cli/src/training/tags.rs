//! Tags of ids: owners find out which rows belong together without showing an id to anybody.
//!
//! A tag is the first 16 bytes of BLAKE3, keyed, of the training's id, a zero byte, and the row's id. Whoever has the key can try
//! ids until a tag matches, as there are few of them: so owners have the key, and the parties, which compare tags, never do. Tags
//! of two trainings have nothing in common. That two of a billion ids have the same tag has a probability of 2^-69.

use std::path::Path;

use privet_deploy::train::wire::TAG;
use privet_deploy::{Blame, Error};
use privet_ring::entropy::Entropy as _;
use privet_ring::not_shown;
use privet_serve::config::read_text;
use privet_serve::entropy::OsEntropy;
use privet_serve::keys::write_new;
use privet_tee::statement::{from_hex, hex};
use zeroize::{Zeroize as _, Zeroizing};

/// What the parties see of an id.
pub(crate) type Tag = [u8; TAG];

const HEADING: &str =
    "# Secret of the owners of rows, and of nobody else: never give it to a party of the training.\n";

/// The key of all owners of a training. Wiped when dropped, never printed.
pub(crate) struct AlignmentKey(Zeroizing<[u8; 32]>);

not_shown!(AlignmentKey);

impl AlignmentKey {
    /// A new one.
    pub(crate) fn draw() -> Result<Self, Error> {
        let mut key = Zeroizing::new([0; 32]);
        OsEntropy.fill(&mut *key).map_err(|_| {
            let what = "The operating system gave no randomness, so no key was made. Run it again.";
            Error::new(Blame::Ours, "E902", what)
        })?;
        Ok(Self(key))
    }

    /// Writes `alignment.key`, which only its owner may read, and never over another one.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let digits = Zeroizing::new(hex(&*self.0));
        write_new(path, &Zeroizing::new(format!("{HEADING}{}\n", *digits)))
    }

    /// Reads it.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = Zeroizing::new(read_text(path)?);
        let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        let bytes = line.and_then(from_hex).map(Zeroizing::new).unwrap_or_default();
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| {
            let what = "is no key for the alignment of rows: expected 64 hexadecimal digits";
            let next = "Ask another owner for the file as it was made.";
            Error::usage("E124", format!("`{}` {what}. {next}", path.display()))
        })?;
        Ok(Self(Zeroizing::new(key)))
    }

    /// The tag of an id in a training.
    pub(crate) fn tag(&self, training: &str, id: &str) -> Tag {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(training.as_bytes()).update(&[0]).update(id.as_bytes());
        let mut tag = [0; TAG];
        hasher.finalize_xof().fill(&mut tag);
        hasher.zeroize();
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_round_trips_and_is_read_strictly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alignment.key");
        let key = AlignmentKey::draw().unwrap();
        key.write(&path).unwrap();
        assert_eq!(key.write(&path).unwrap_err().code, "E314");
        assert_eq!(AlignmentKey::read(&path).unwrap().tag("t", "1"), key.tag("t", "1"));
        let text = std::fs::read_to_string(&path).unwrap();
        for bad in [text.trim_end()[..text.len() - 3].to_owned(), text.replace('\n', "0\n"), String::new()] {
            let other = folder.path().join("other.key");
            std::fs::write(&other, bad).unwrap();
            let error = AlignmentKey::read(&other).unwrap_err();
            assert!(error.code == "E124" && !error.message.contains(&hex(&key.0[..8])), "{error}");
        }
        assert_eq!(format!("{key:?}"), "AlignmentKey(not shown)");
    }

    #[test]
    fn a_tag_is_what_the_page_says() {
        let key = AlignmentKey(Zeroizing::new([7; 32]));
        let whole = blake3::keyed_hash(&[7; 32], b"spring\0 4711");
        assert_eq!(key.tag("spring", " 4711"), whole.as_bytes()[..TAG]);
    }

    #[test]
    fn other_keys_trainings_and_ids_have_other_tags() {
        let [a, b] = [7, 8].map(|byte| AlignmentKey(Zeroizing::new([byte; 32])));
        let tags = [a.tag("s", "1"), b.tag("s", "1"), a.tag("t", "1"), a.tag("s", "2"), a.tag("s1", "")];
        let distinct: std::collections::HashSet<_> = tags.iter().collect();
        assert_eq!(distinct.len(), tags.len());
    }
}
