//! What the owner keeps per model: its key, who signs for it, and whether a simulator may have it.

use ed25519_dalek::SigningKey;
use privet_ring::entropy::{Entropy, EntropyFailed, draw};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::seal::ModelKey;
use crate::statement::Hex;

/// A model's secrets, for the owner's key service and nobody else. Wiped on drop.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The bundle's public half, as text.
    pub public: String,
    /// The model's name.
    pub name: String,
    /// The owner's number of this version.
    pub version: u64,
    /// `hw` or `sim`: a simulated session can never get a key of `hw`.
    pub namespace: String,
    /// Digest of the bundle, in hexadecimal.
    pub bundle: String,
    /// Ed25519 key that signs tokens, in hexadecimal; empty where anyone may ask.
    pub tokens: String,
    model_key: String,
    service_key: String,
}

impl std::fmt::Debug for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Resource({} version {}, keys not shown)", self.name, self.version)
    }
}

/// The key service's signing key, made with a bundle, which names its public half.
pub struct ServiceKey(SigningKey);

privet_ring::not_shown!(ServiceKey);

impl ServiceKey {
    /// A fresh one.
    pub fn generate(entropy: &mut dyn Entropy) -> Result<Self, EntropyFailed> {
        let seed = Zeroizing::new(draw::<32>(entropy)?);
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// What enclaves and clients know it by.
    pub fn public(&self) -> Hex<32> {
        Hex(self.0.verifying_key().to_bytes())
    }

    #[cfg(feature = "verify")]
    pub(super) fn sign(&self, message: &[u8]) -> Hex<64> {
        use ed25519_dalek::Signer as _;
        Hex(self.0.sign(message).to_bytes())
    }
}

impl Resource {
    /// What belongs to one bundle.
    pub fn new(
        (name, version): (&str, u64),
        simulated: bool,
        (public, bundle): (&str, [u8; 32]),
        tokens: Option<Hex<32>>,
        key: &ModelKey,
        service: &ServiceKey,
    ) -> Self {
        let seed = Zeroizing::new(service.0.to_bytes());
        Self {
            public: public.into(),
            name: name.into(),
            version,
            namespace: if simulated { "sim" } else { "hw" }.into(),
            bundle: Hex(bundle).to_string(),
            tokens: tokens.map(|key| key.to_string()).unwrap_or_default(),
            model_key: Hex(*key.expose()).to_string(),
            service_key: Hex(*seed).to_string(),
        }
    }

    /// Whether a simulator may have its key, and only a simulator.
    pub fn is_simulated(&self) -> bool {
        self.namespace == "sim"
    }

    /// Whether everything in it can be read.
    pub fn is_sound(&self) -> bool {
        matches!(self.namespace.as_str(), "hw" | "sim")
            && self.bundle_digest().is_some()
            && self.model_key.parse::<Hex<32>>().is_ok()
            && self.service_key().is_some()
            && (self.tokens.is_empty() || self.tokens().is_some())
    }

    /// Digest of the bundle.
    pub fn bundle_digest(&self) -> Option<Hex<32>> {
        self.bundle.parse().ok()
    }

    /// What verifies tokens.
    pub fn tokens(&self) -> Option<Hex<32>> {
        self.tokens.parse().ok()
    }

    /// The service's signing key.
    pub fn service_key(&self) -> Option<ServiceKey> {
        let seed = Zeroizing::new(self.service_key.parse::<Hex<32>>().ok()?.0);
        Some(ServiceKey(SigningKey::from_bytes(&seed)))
    }

    /// The model's key.
    #[cfg(feature = "verify")]
    pub(super) fn model_key(&self) -> Option<ModelKey> {
        self.model_key.parse::<Hex<32>>().ok().map(|key| ModelKey::from_bytes(key.0))
    }
}
