//! What binds the three parties to the same request.
//!
//! Each component of the input has a commitment; each party checks those of the components that it holds. The zero
//! shares that mask the answers are drawn at a point that hashes all of it, so parties that were told different
//! things give answers that do not add up to anything but noise, and a repeated request is answered by the same bytes.

use blake3::Hasher;
use zeroize::{Zeroize, ZeroizeOnDrop};

use privet_ring::entropy::{Entropy, EntropyFailed, draw};
use privet_ring::prg::Seed;

use crate::protect::Protect;
use crate::role::PARTIES;

/// A commitment to one component.
pub type Commitment = [u8; 32];

/// What keeps the commitment to an explicit share from being tested against guesses: only its holders get it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Salt([u8; 16]);

impl Salt {
    /// A fresh one.
    pub fn draw(entropy: &mut dyn Entropy) -> Result<Self, EntropyFailed> {
        Ok(Self(draw(entropy)?))
    }

    /// The salt that came with a share.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a message to a holder of the share.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

privet_ring::not_shown!(Salt);

/// Commitment to a seed. It has 128 bits that nobody can guess, so it needs no salt.
pub fn of_seed(seed: &Seed) -> Commitment {
    *Hasher::new_derive_key("privet 2026 replicated3 commitment to a seed")
        .update(seed.expose())
        .finalize()
        .as_bytes()
}

/// Commitment to explicit bytes.
pub fn of_bytes(salt: &Salt, bytes: &[u8]) -> Commitment {
    let mut hasher = Hasher::new_derive_key("privet 2026 replicated3 commitment to a share");
    *hasher.update(salt.expose()).update(bytes).finalize().as_bytes()
}

/// The public part of one chunk of a request: what every party is told alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Which bundle.
    pub bundle: [u8; 32],
    /// What is hidden.
    pub protect: Protect,
    /// Rows in this chunk.
    pub rows: u32,
    /// Number of this chunk within the request.
    pub chunk: u32,
    /// To x0, x1 and x2 (or, where the input is not hidden, three times to the input).
    pub commitments: [Commitment; PARTIES],
}

impl Statement {
    /// The point h at which the zero shares are drawn.
    pub fn point(&self) -> [u8; 32] {
        let mut hasher = Hasher::new_derive_key("privet 2026 replicated3 point of the zero share");
        hasher.update(&self.bundle).update(self.protect.name().as_bytes()).update(&[0]);
        hasher.update(&self.rows.to_le_bytes()).update(&self.chunk.to_le_bytes());
        for commitment in &self.commitments {
            hasher.update(commitment);
        }
        *hasher.finalize().as_bytes()
    }
}
