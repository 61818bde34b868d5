//! Linear models on ciphertexts. Sans-IO, and nothing here knows what a model file or a message is.
//!
//! The client encrypts rows under its own key, several in one ciphertext; the server multiplies by its weights, hides what it did
//! behind a fresh encryption of zero and a flood, and sends back the answers' coefficients; the client decrypts. One round trip,
//! nobody else.
//!
//! | module | what it holds |
//! |---|---|
//! | [`parameters`] | which ring and modulus a plan needs, with the proof that no honest answer fails |
//! | [`packing`] | where rows, weights and answers stand |
//! | [`client`], [`server`] | the two halves |
//! | [`ring`] | polynomials modulo X^N + 1 and Q |
//! | [`sample`] | secrets, errors, floods, public polynomials |
//! | [`ntt`], [`modulus`] | transforms and arithmetic modulo one prime |

#[cfg(test)]
mod attacks;
pub mod client;
pub mod modulus;
pub mod ntt;
pub mod packing;
pub mod parameters;
pub mod ring;
pub mod sample;
pub mod server;
#[cfg(test)]
mod worst_case;

/// Why bytes are no polynomial of these parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// There are too many or too few.
    #[error("it has {got} bytes where these parameters have {expected}")]
    Length {
        /// What these parameters have.
        expected: usize,
        /// What came.
        got: usize,
    },
    /// A coefficient is not below its prime.
    #[error("a coefficient is not below its modulus")]
    NoResidue,
}
