//! The clients' public keys that a server knows, by digest: a bounded number, the least lately used forgotten first. A client whose
//! key was forgotten is told so and sends it again; what was asked under it is forgotten too, which harms nobody, as every answer has fresh
//! randomness of the server's own.

use std::sync::{Arc, Mutex, PoisonError};

use privet_he::parameters::ANSWERS_PER_KEY;
use privet_he::server::PublicKey;

use crate::caller::OPEN_AGAIN;
use crate::error::Error;

/// Keys that are remembered: two polynomials each, some 400 kB in the ring of the reference workload.
const MOST_KEYS: usize = 128;

/// A key, and what was asked under it.
pub struct Known {
    /// The key.
    pub key: PublicKey,
    used: Mutex<Used>,
}

/// Public polynomials that had a ciphertext, and answers given.
struct Used {
    polynomials: Vec<bool>,
    answers: u32,
}

impl Known {
    fn new(key: PublicKey) -> Self {
        let polynomials = vec![false; ANSWERS_PER_KEY as usize + 1];
        Self { key, used: Mutex::new(Used { polynomials, answers: 0 }) }
    }

    /// Burns the numbers of some ciphertexts: none may come twice, as two under one public polynomial would show the difference of
    /// their rows, and answers of one key are counted, as the flood was chosen for so many.
    pub fn claim(&self, first: u32, ciphertexts: u32, answers: u32) -> Result<(), Error> {
        let end = first.checked_add(ciphertexts).filter(|&end| first > 0 && end <= ANSWERS_PER_KEY + 1);
        let end = end.ok_or_else(|| {
            let what = format!("Public polynomials of ciphertexts are numbered from 1 to {ANSWERS_PER_KEY}.");
            Error::usage("E341", what)
        })?;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let total = used.answers.saturating_add(answers);
        let polynomials = &mut used.polynomials[first as usize..end as usize];
        if polynomials.contains(&true) {
            let what = "A ciphertext of this number was answered before. A retry is encrypted anew.";
            return Err(Error::integrity("E342", what));
        }
        if total > ANSWERS_PER_KEY {
            let what = format!("One key has at most {ANSWERS_PER_KEY} answers. Draw a new one.");
            return Err(Error::refused("E343", what));
        }
        polynomials.fill(true);
        used.answers = total;
        Ok(())
    }
}

/// The keys that a server knows.
#[derive(Default)]
pub struct Keys(Mutex<Vec<([u8; 32], Arc<Known>)>>);

impl Keys {
    /// The key of this digest.
    pub fn find(&self, id: &[u8; 32]) -> Result<Arc<Known>, Error> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown =
            || Error::refused(OPEN_AGAIN, "This server does not know the key. Send it with the question.");
        let at = keys.iter().position(|(known, _)| known == id).ok_or_else(unknown)?;
        // The latest stands last.
        let found = keys.remove(at);
        let known = Arc::clone(&found.1);
        keys.push(found);
        Ok(known)
    }

    /// The key of this digest, read anew where it is not known.
    pub fn find_or_add(
        &self,
        id: [u8; 32],
        read: impl FnOnce() -> Result<PublicKey, Error>,
    ) -> Result<Arc<Known>, Error> {
        if let Ok(known) = self.find(&id) {
            return Ok(known);
        }
        let new = Arc::new(Known::new(read()?));
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Another call may have brought it meanwhile: what was used under it counts.
        if let Some((_, known)) = keys.iter().find(|(known, _)| *known == id) {
            return Ok(Arc::clone(known));
        }
        if keys.len() >= MOST_KEYS {
            keys.remove(0);
        }
        keys.push((id, Arc::clone(&new)));
        Ok(new)
    }
}
