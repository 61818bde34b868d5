//! Nonces that nothing need remember: each carries when it was given and a code that only this service can make, so that a flood
//! of questions pushes no honest nonce out. What was released for is remembered, so that a nonce is good for one release.

use std::collections::HashMap;

use privet_ring::entropy::{Entropy, EntropyFailed, draw};
use ring::hmac;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::statement::Hex;
use crate::verify::Time;

/// Seconds for which a nonce is good.
pub(super) const LIFE: u64 = 60;
/// Releases that are remembered, at most; more within [`LIFE`] are refused.
const REMEMBERED: usize = 4096;

const TIME: usize = 4;
const RANDOM: usize = 12;
const CODE: usize = 16;

pub(super) struct Nonces {
    key: hmac::Key,
    /// Nonces that a release was made for, and when.
    spent: HashMap<[u8; 32], Time>,
}

/// Why a nonce was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NonceError {
    /// It was released for.
    Spent,
    /// Too many releases in a short time.
    Full,
}

impl Nonces {
    pub(super) fn new(entropy: &mut dyn Entropy) -> Result<Self, EntropyFailed> {
        let key = Zeroizing::new(draw::<32>(entropy)?);
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()), spent: HashMap::new() })
    }

    /// A nonce for this bundle.
    pub(super) fn give(
        &self,
        bundle: &Hex<32>,
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<[u8; 32], EntropyFailed> {
        let (time, random) = (short(now).to_le_bytes(), draw::<RANDOM>(entropy)?);
        let mut nonce = [0; 32];
        nonce[..TIME].copy_from_slice(&time);
        nonce[TIME..TIME + RANDOM].copy_from_slice(&random);
        let code = self.code(&nonce, bundle);
        nonce[TIME + RANDOM..].copy_from_slice(&code);
        Ok(nonce)
    }

    /// Whether it was given here, for this bundle, and not long ago.
    pub(super) fn is_good(&self, nonce: &[u8; 32], bundle: &Hex<32>, now: Time) -> bool {
        let ([a, b, c, d, ..], code) = (nonce, &nonce[TIME + RANDOM..]);
        let age = short(now).wrapping_sub(u32::from_le_bytes([*a, *b, *c, *d]));
        bool::from(self.code(nonce, bundle).ct_eq(code)) && u64::from(age) <= LIFE
    }

    /// Takes a good nonce for a release.
    pub(super) fn spend(&mut self, nonce: [u8; 32], now: Time) -> Result<(), NonceError> {
        if self.spent.contains_key(&nonce) {
            return Err(NonceError::Spent);
        }
        if self.spent.len() >= REMEMBERED {
            // Twice, as the clock may have been set.
            self.spent.retain(|_, at| now.abs_diff(*at) <= 2 * LIFE);
        }
        if self.spent.len() >= REMEMBERED {
            return Err(NonceError::Full);
        }
        self.spent.insert(nonce, now);
        Ok(())
    }

    fn code(&self, nonce: &[u8; 32], bundle: &Hex<32>) -> [u8; CODE] {
        let said = [b"privet tee nonce v1".as_slice(), &nonce[..TIME + RANDOM], &bundle.0].concat();
        let tag = hmac::sign(&self.key, &said);
        let mut code = [0; CODE];
        code.copy_from_slice(&tag.as_ref()[..CODE]);
        code
    }
}

/// The time's lower half, which goes round once in 136 years.
fn short(now: Time) -> u32 {
    let [a, b, c, d, ..] = now.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(u8);

    impl Entropy for Counting {
        fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
            for byte in bytes {
                self.0 = self.0.wrapping_add(1);
                *byte = self.0;
            }
            Ok(())
        }
    }

    const BUNDLE: Hex<32> = Hex([7; 32]);

    #[test]
    fn a_nonce_is_good_where_it_was_given_and_not_for_long() {
        let nonces = Nonces::new(&mut Counting(0)).unwrap();
        let other = Nonces::new(&mut Counting(9)).unwrap();
        for now in [1_800_000_000, u64::from(u32::MAX), u64::from(u32::MAX) - 3] {
            let nonce = nonces.give(&BUNDLE, now, &mut Counting(100)).unwrap();
            assert!(nonces.is_good(&nonce, &BUNDLE, now) && nonces.is_good(&nonce, &BUNDLE, now + LIFE));
            assert!(!nonces.is_good(&nonce, &BUNDLE, now + LIFE + 1));
            assert!(!nonces.is_good(&nonce, &BUNDLE, now - 1));
            assert!(!nonces.is_good(&nonce, &Hex([8; 32]), now));
            assert!(!other.is_good(&nonce, &BUNDLE, now));
            for bit in 0..256 {
                let mut changed = nonce;
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(!nonces.is_good(&changed, &BUNDLE, now), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_nonce_is_spent_once_and_the_table_has_an_end_and_empties() {
        let mut nonces = Nonces::new(&mut Counting(0)).unwrap();
        let name = |n: usize| {
            let mut nonce = [0; 32];
            nonce[..8].copy_from_slice(&n.to_le_bytes());
            nonce
        };
        for n in 0..REMEMBERED {
            assert_eq!(nonces.spend(name(n), 100), Ok(()));
        }
        assert_eq!(nonces.spend(name(5), 100), Err(NonceError::Spent));
        assert_eq!(nonces.spend(name(REMEMBERED), 100 + 2 * LIFE), Err(NonceError::Full));
        assert_eq!(nonces.spend(name(REMEMBERED), 101 + 2 * LIFE), Ok(()));
        assert_eq!(nonces.spent.len(), 1);
    }
}
