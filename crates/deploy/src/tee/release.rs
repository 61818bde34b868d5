//! The enclave's talk with the owner's key service, through whoever carries it.

use privet_tee::hpke::Receiver;
use privet_tee::release::GrantSession;
use privet_tee::release::asker::{AskError, Released, challenged, hello, stamp_wanted, stamped};
use privet_tee::seal::{self, ModelKey};
use privet_tee::statement::{Hex, Stamp};
use privet_tee::token::Token;
use zeroize::Zeroizing;

use super::enclave::Relay;
use crate::bundle::TeePart;
use crate::error::{Blame, Error};

/// Shows evidence, and gets the model's key.
pub(super) fn ask(
    relay: &dyn Relay,
    part: &TeePart,
    bundle: [u8; 32],
    prove: impl FnOnce(Hex<32>) -> Result<Vec<u8>, Error>,
    receiver: &Receiver,
) -> Result<Released, Error> {
    let challenged = challenged(bundle, &relay.ask(&hello(bundle))?).map_err(refused)?;
    let (claim, claiming) = {
        let nonce = challenged.nonce();
        challenged.claim(prove(nonce)?)
    };
    claiming.released(&relay.ask(&claim)?, &part.keys, receiver).map_err(refused)
}

/// The model, opened.
#[allow(clippy::needless_pass_by_value, reason = "the key is wiped when this is done with it")]
pub(super) fn open(sealed: &[u8], key: ModelKey, part: &TeePart) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (header, content) = seal::open(sealed, &key)
        .map_err(|e| Error::integrity("E230", format!("The sealed model cannot be opened: {e}.")))?;
    if header.digest != part.model || header.version != part.version {
        return Err(Error::integrity("E230", "The sealed model is not the one that the bundle names."));
    }
    Ok(content)
}

/// A time, signed by the key service.
pub(super) fn stamp(relay: &dyn Relay, part: &TeePart, bundle: [u8; 32]) -> Result<Stamp, Error> {
    stamped(&relay.ask(&stamp_wanted(bundle))?, &part.keys).map_err(refused)
}

/// Why no rows were granted.
pub(super) enum NoGrant {
    /// The key service does not know the session any more.
    Forgotten,
    /// Anything else.
    Other(Error),
}

impl NoGrant {
    pub(super) fn error(self) -> Error {
        match self {
            Self::Other(error) => error,
            Self::Forgotten => Error::new(
                Blame::Unreachable,
                "E366",
                "The key service forgot a session that had just begun. Try again.",
            ),
        }
    }
}

/// Rows of a token.
pub(super) fn grant(
    relay: &dyn Relay,
    session: &mut GrantSession,
    token: &Token,
    needed: u64,
    ahead: u64,
) -> Result<u64, NoGrant> {
    let (ask, granting) = session.ask(token, needed, ahead);
    let reply = relay.ask(&ask).map_err(NoGrant::Other)?;
    session.granted(granting, &reply).map_err(|e| match e {
        e if e.is_session_unknown() => NoGrant::Forgotten,
        AskError::Refused { code, message } => {
            let what = format!("The owner's key service grants no rows ({code}): {message}.");
            NoGrant::Other(Error::refused("E368", what))
        }
        other => NoGrant::Other(refused(other)),
    })
}

#[allow(clippy::needless_pass_by_value, reason = "used as a function by `map_err`")]
fn refused(error: AskError) -> Error {
    let text = format!("{}.", sentence(&error.to_string()));
    match error {
        AskError::Refused { .. } => Error::refused("E366", text),
        AskError::NotSigned | AskError::NotForUs => Error::integrity("E366", text),
        AskError::Malformed => Error::new(Blame::Unreachable, "E366", text),
    }
}

/// With a capital.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
