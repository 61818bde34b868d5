//! The enclave's side: each step consumes the one before it.

use ring::hmac;
use zeroize::Zeroizing;

use super::bound;
use super::message::{Ask, Reply};
use crate::evidence::Blob;
use crate::hpke::Receiver;
use crate::seal::ModelKey;
use crate::statement::{Hex, Stamp, sha256, verifies};
use crate::token::Token;

/// Why the key service's reply was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The reply is none of this protocol.
    #[error("the key service's reply is malformed")]
    Malformed,
    /// The service said no.
    #[error("the key service refused ({code}): {message}")]
    Refused {
        /// Its code.
        code: String,
        /// Its sentence.
        message: String,
    },
    /// Signed by somebody else: a substituted service, or a changed reply.
    #[error("the reply is not signed by the key service that the bundle names")]
    NotSigned,
    /// The seal does not open.
    #[error("the released key is not sealed to this enclave")]
    NotForUs,
}

impl AskError {
    /// Whether new evidence begins a new session.
    pub fn is_session_unknown(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == super::SESSION_UNKNOWN)
    }
}

/// The question for a nonce.
pub fn hello(bundle: [u8; 32]) -> Vec<u8> {
    Ask::Hello { bundle: Hex(bundle) }.to_bytes()
}

/// Knows for which nonce evidence must be made.
pub struct Challenged {
    bundle: [u8; 32],
    nonce: Hex<32>,
}

/// The nonce to make evidence for.
pub fn challenged(bundle: [u8; 32], reply: &[u8]) -> Result<Challenged, AskError> {
    match parse(reply)? {
        Reply::Challenge { nonce } => Ok(Challenged { bundle, nonce }),
        _ => Err(AskError::Malformed),
    }
}

impl Challenged {
    /// The nonce.
    pub fn nonce(&self) -> Hex<32> {
        self.nonce
    }

    /// Shows evidence.
    pub fn claim(self, evidence: Vec<u8>) -> (Vec<u8>, Claiming) {
        let bound = bound(&self.nonce.0, &sha256(&evidence), &self.bundle);
        let ask = Ask::Claim { bundle: Hex(self.bundle), nonce: self.nonce, evidence: Blob(evidence) };
        (ask.to_bytes(), Claiming { bound })
    }
}

/// Waits for the model's key.
pub struct Claiming {
    bound: Vec<u8>,
}

/// What the key service gave.
pub struct Released {
    /// Opens the model.
    pub key: ModelKey,
    /// For grants.
    pub session: GrantSession,
}

privet_ring::not_shown!(Released);

impl Claiming {
    /// The model's key, if this very service sealed it to this very enclave.
    pub fn released(
        self,
        reply: &[u8],
        service: &Hex<32>,
        receiver: &Receiver,
    ) -> Result<Released, AskError> {
        let Reply::Released { encapsulated, sealed, session, signature } = parse(reply)? else {
            return Err(AskError::Malformed);
        };
        let signed = [&self.bound[..], &encapsulated.0, &session.0, &sealed.0].concat();
        if !verifies(service, &signed, &signature) {
            return Err(AskError::NotSigned);
        }
        let context = receiver.open(&encapsulated.0, &self.bound).ok_or(AskError::NotForUs)?;
        let mut sealed = Zeroizing::new(sealed.0);
        let opened =
            context.key(b"privet tee release").open(&self.bound, &mut sealed).ok_or(AskError::NotForUs)?;
        let (key, secret) = opened.split_first_chunk::<32>().ok_or(AskError::Malformed)?;
        let secret: [u8; 32] = (*secret).try_into().map_err(|_| AskError::Malformed)?;
        let session = GrantSession { session, secret: Zeroizing::new(secret), counter: 0 };
        Ok(Released { key: ModelKey::from_bytes(*key), session })
    }
}

/// The question for a signed time.
pub fn stamp_wanted(bundle: [u8; 32]) -> Vec<u8> {
    Ask::Stamp { bundle: Hex(bundle) }.to_bytes()
}

/// The signed time.
pub fn stamped(reply: &[u8], service: &Hex<32>) -> Result<Stamp, AskError> {
    let Reply::Stamp { stamp } = parse(reply)? else { return Err(AskError::Malformed) };
    if verifies(service, &Stamp::message(stamp.time, &stamp.nonce), &stamp.signature) {
        Ok(stamp)
    } else {
        Err(AskError::NotSigned)
    }
}

/// The secret that an enclave shares with the key service from the release on. Wiped on drop.
pub struct GrantSession {
    session: Hex<16>,
    secret: Zeroizing<[u8; 32]>,
    counter: u64,
}

privet_ring::not_shown!(GrantSession);

impl GrantSession {
    /// Asks for rows of a token.
    pub fn ask(&mut self, token: &Token, needed: u64, ahead: u64) -> (Vec<u8>, Granting) {
        self.counter += 1;
        let said = grant_message(&self.session, self.counter, token.text(), needed, ahead);
        let mac = Hex(mac(&self.secret, &said));
        let token = token.text().to_owned();
        let ask = Ask::Grant { session: self.session, counter: self.counter, token, needed, ahead, mac };
        (ask.to_bytes(), Granting { said, needed })
    }

    /// The rows that were granted: what was needed at least.
    pub fn granted(&self, asked: Granting, reply: &[u8]) -> Result<u64, AskError> {
        let Reply::Granted { rows, mac } = parse(reply)? else { return Err(AskError::Malformed) };
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_slice());
        let Granting { mut said, needed } = asked;
        said.extend_from_slice(b" granted ");
        said.extend_from_slice(&rows.to_le_bytes());
        hmac::verify(&key, &said, &mac.0).map_err(|_| AskError::NotSigned)?;
        if rows < needed { Err(AskError::Malformed) } else { Ok(rows) }
    }
}

/// Waits for a grant.
pub struct Granting {
    said: Vec<u8>,
    needed: u64,
}

/// What the two sides' codes are made over.
pub(super) fn grant_message(
    session: &Hex<16>,
    counter: u64,
    token: &str,
    needed: u64,
    ahead: u64,
) -> Vec<u8> {
    let numbers = [counter, needed, ahead, token.len() as u64].map(u64::to_le_bytes).concat();
    [b"privet tee grant v1".as_slice(), &session.0, &numbers, token.as_bytes()].concat()
}

/// HMAC-SHA256.
pub(super) fn mac(secret: &[u8; 32], said: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), said);
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref());
    out
}

fn parse(reply: &[u8]) -> Result<Reply, AskError> {
    match Reply::parse(reply).ok_or(AskError::Malformed)? {
        Reply::Refused { code, message } => Err(AskError::Refused { code, message }),
        reply => Ok(reply),
    }
}
