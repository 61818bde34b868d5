//! Where randomness comes from. Below the server it is an argument, so that this code builds for any platform and
//! a test can replay a run.

/// The source of randomness failed; nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntropyFailed;

/// A source of bytes that nobody can guess.
pub trait Entropy {
    /// Fills `bytes`, or fails and says so.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed>;
}

impl<E: Entropy + ?Sized> Entropy for &mut E {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        (**self).fill(bytes)
    }
}

/// `N` fresh bytes.
pub fn draw<const N: usize>(entropy: &mut dyn Entropy) -> Result<[u8; N], EntropyFailed> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}
