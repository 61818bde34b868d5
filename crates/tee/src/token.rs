//! The owner's tokens: who may ask about how many rows. Signed by the owner, shown inside the sealed request, checked inside the
//! enclave, counted by the key service. One line of text: `privet-token1.` and base64 of the claims and the signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use privet_ring::entropy::{Entropy, EntropyFailed, draw};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::statement::{Hex, verifies};

/// How every token starts.
const MARK: &str = "privet-token1.";
/// Longest token, in bytes.
pub const LONGEST: usize = 2048;

/// The owner's signing key. Wiped on drop.
pub struct OwnerKey(SigningKey);

privet_ring::not_shown!(OwnerKey);

impl OwnerKey {
    /// A fresh one.
    pub fn generate(entropy: &mut dyn Entropy) -> Result<Self, EntropyFailed> {
        let seed = Zeroizing::new(draw::<32>(entropy)?);
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// From its text form.
    pub fn from_text(text: &str) -> Option<Self> {
        let seed = Zeroizing::new(text.trim().strip_prefix("privet-owner1 ")?.parse::<Hex<32>>().ok()?.0);
        Some(Self(SigningKey::from_bytes(&seed)))
    }

    /// The text to keep.
    pub fn to_text(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(self.0.to_bytes());
        Zeroizing::new(format!("privet-owner1 {}\n", Hex(*seed)))
    }

    /// What verifies its tokens.
    pub fn public(&self) -> Hex<32> {
        Hex(self.0.verifying_key().to_bytes())
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &TokenClaims) -> String {
        let claims = serde_json::to_string(claims).unwrap_or_default();
        let signature = self.0.sign(&message(&claims)).to_bytes();
        format!("{MARK}{}.{}", BASE64.encode(claims), BASE64.encode(signature))
    }
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenClaims {
    /// Random: what rows are counted by.
    pub id: Hex<16>,
    /// Digest of the bundle that it is for.
    pub bundle: Hex<32>,
    /// The owner's name for its holder.
    pub client: String,
    /// Rows that its holder may ask about, in all.
    pub rows: u64,
    /// Seconds since 1970 after which the key service grants no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<u64>,
}

/// A token whose signature was verified.
#[derive(Clone)]
pub struct Token {
    claims: TokenClaims,
    text: String,
}

privet_ring::not_shown!(Token);

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token.
    #[error("it is no `privet-token1`")]
    Malformed,
    /// The owner did not sign it.
    #[error("the owner did not sign it")]
    NotSigned,
    /// It is for another bundle.
    #[error("it is for another bundle of the model")]
    AnotherBundle,
}

impl Token {
    /// Reads a token and verifies it.
    pub fn verify(text: &str, owner: &Hex<32>, bundle: &[u8; 32]) -> Result<Self, TokenError> {
        let text = text.trim();
        let (claims, signature) = parts(text).ok_or(TokenError::Malformed)?;
        if !verifies(owner, &message(&claims), &signature) {
            return Err(TokenError::NotSigned);
        }
        let claims: TokenClaims = serde_json::from_str(&claims).map_err(|_| TokenError::Malformed)?;
        if claims.bundle.0 != *bundle {
            return Err(TokenError::AnotherBundle);
        }
        Ok(Self { claims, text: text.into() })
    }

    /// What rows are counted by.
    pub fn id(&self) -> [u8; 16] {
        self.claims.id.0
    }

    /// What it says.
    pub fn claims(&self) -> &TokenClaims {
        &self.claims
    }

    /// As it came.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn message(claims: &str) -> Vec<u8> {
    [b"privet token v1".as_slice(), claims.as_bytes()].concat()
}

fn parts(text: &str) -> Option<(String, Hex<64>)> {
    let rest = text.strip_prefix(MARK).filter(|_| text.len() <= LONGEST)?;
    let (claims, signature) = rest.split_once('.')?;
    let claims = String::from_utf8(BASE64.decode(claims).ok()?).ok()?;
    let signature: [u8; 64] = BASE64.decode(signature).ok()?.try_into().ok()?;
    Some((claims, Hex(signature)))
}
