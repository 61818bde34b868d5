//! HPKE (RFC 9180) in base mode, export only: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256. Each message has a key of its own, exported
//! with a context of its own, and is sealed by AES-256-GCM: what a browser's `WebCrypto` can do too.

use hpke::aead::{AeadCtxR, AeadCtxS, ExportOnlyAead};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256 as Dh;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _};
use privet_ring::entropy::{Entropy, EntropyFailed, draw};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

use crate::statement::sha256;

/// Bytes that a sealed message is longer than its content.
pub const TAG: usize = 16;

/// A key pair for receiving. Never leaves where it was made; wiped on drop.
pub struct Receiver {
    secret: <Dh as hpke::Kem>::PrivateKey,
    public: [u8; 32],
}

privet_ring::not_shown!(Receiver);

impl Receiver {
    /// A fresh pair.
    pub fn generate(entropy: &mut dyn Entropy) -> Result<Self, EntropyFailed> {
        let material = Zeroizing::new(draw::<32>(entropy)?);
        let (secret, public) = Dh::derive_keypair(material.as_slice());
        Ok(Self { secret, public: public.to_bytes().into() })
    }

    /// The public half.
    pub fn public(&self) -> [u8; 32] {
        self.public
    }

    /// The context of a sender who sent `encapsulated`; `None` if that is no usable point.
    pub fn open(&self, encapsulated: &[u8; 32], info: &[u8]) -> Option<Exporter> {
        let encapsulated = <Dh as hpke::Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
        let context = hpke::setup_receiver(&OpModeR::Base, &self.secret, &encapsulated, info).ok()?;
        Some(Exporter(Side::Receiver(context)))
    }
}

/// A fresh context for sending to `public`, and what the receiver needs to open the same one. `None` if `public` is no usable
/// point.
pub fn send_to(
    public: &[u8; 32],
    info: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<Option<([u8; 32], Exporter)>, EntropyFailed> {
    let mut drawn = Drawn { seed: Zeroizing::new(draw::<32>(entropy)?), count: 0 };
    let Ok(public) = <Dh as hpke::Kem>::PublicKey::from_bytes(public) else { return Ok(None) };
    let setup = hpke::setup_sender_with_rng::<ExportOnlyAead, HkdfSha256, Dh>(
        &OpModeS::Base,
        &public,
        info,
        &mut drawn,
    );
    Ok(setup
        .ok()
        .map(|(encapsulated, context)| (encapsulated.to_bytes().into(), Exporter(Side::Sender(context)))))
}

/// A context, from which both sides export the same keys.
pub struct Exporter(Side);

privet_ring::not_shown!(Exporter);

enum Side {
    Sender(AeadCtxS<ExportOnlyAead, HkdfSha256, Dh>),
    Receiver(AeadCtxR<ExportOnlyAead, HkdfSha256, Dh>),
}

impl Exporter {
    /// A key for exactly one message: no two contexts may be the same.
    pub fn key(&self, context: &[u8]) -> MessageKey {
        MessageKey(self.export(context))
    }

    /// A secret from which the key of a reply is made, once its sender's nonce is known.
    pub fn reply_secret(&self, context: &[u8]) -> ReplySecret {
        ReplySecret(self.export(context))
    }

    fn export(&self, context: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        let exported = match &self.0 {
            Side::Sender(side) => side.export(context, &mut *key),
            Side::Receiver(side) => side.export(context, &mut *key),
        };
        // Fails for more than 2^16 bytes only.
        debug_assert!(exported.is_ok());
        key
    }
}

/// For one reply; see RFC 9458, section 4.4.
pub struct ReplySecret(Zeroizing<[u8; 32]>);

privet_ring::not_shown!(ReplySecret);

impl ReplySecret {
    /// The reply's key: HKDF-SHA256 with the replier's nonce as salt. `None` never happens for a key of this length.
    pub fn key(self, nonce: &[u8]) -> Option<MessageKey> {
        let mut key = Zeroizing::new([0; 32]);
        let extracted = Salt::new(HKDF_SHA256, nonce).extract(self.0.as_slice());
        let expanded = extracted.expand(&[b"privet tee reply key"], HKDF_SHA256).ok()?;
        expanded.fill(key.as_mut_slice()).ok()?;
        Some(MessageKey(key))
    }
}

/// A key for one message; using it consumes it, so that its one nonce is used once.
pub struct MessageKey(Zeroizing<[u8; 32]>);

privet_ring::not_shown!(MessageKey);

impl MessageKey {
    /// A key from elsewhere that is used for one message.
    pub fn from_bytes(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// Encrypts in place and returns the tag; `None` only for more bytes than AES-GCM takes (64 GiB).
    pub fn seal(self, aad: &[u8], content: &mut [u8]) -> Option<[u8; TAG]> {
        let tag = self.cipher()?.seal_in_place_separate_tag(zero(), Aad::from(aad), content).ok()?;
        tag.as_ref().try_into().ok()
    }

    /// Decrypts in place; `None` if anything was changed, and then `sealed` holds nothing of use.
    pub fn open<'a>(self, aad: &[u8], sealed: &'a mut [u8]) -> Option<&'a mut [u8]> {
        self.cipher()?.open_in_place(zero(), Aad::from(aad), sealed).ok()
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, self.0.as_slice()).ok().map(LessSafeKey::new)
    }
}

/// The only nonce of a key that is used once.
fn zero() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

/// The RFC's interface wants a generator that cannot fail: what can fail was drawn before, and is stretched by SHA-256.
struct Drawn {
    seed: Zeroizing<[u8; 32]>,
    count: u64,
}

impl TryRng for Drawn {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for piece in out.chunks_mut(32) {
            let block = Zeroizing::new([self.seed.as_slice(), &self.count.to_le_bytes()].concat());
            let stretched = Zeroizing::new(sha256(&block));
            piece.copy_from_slice(&stretched[..piece.len()]);
            self.count += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}
