//! Who may ask, and about how many rows: the owner's token says it, the enclave checks it, and the key service counts, because
//! whoever runs the enclave can start it again as often as they like.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use privet_tee::release::GrantSession;
use privet_tee::statement::Hex;
use privet_tee::token::Token;

use super::enclave::Relay;
use super::release::{self, NoGrant};
use crate::error::Error;

/// Rows that are asked for ahead, so that not every request needs a grant. What an enclave that ends had left is lost.
const AHEAD: u64 = 256;

/// Rows that may still be answered, by token.
pub(super) struct Budget {
    /// Verifies tokens; `None` where anyone may ask.
    owner: Option<Hex<32>>,
    bundle: [u8; 32],
    state: Mutex<State>,
}

struct State {
    session: GrantSession,
    left: HashMap<[u8; 16], u64>,
}

impl Budget {
    pub(super) fn new(owner: Option<Hex<32>>, bundle: [u8; 32], session: GrantSession) -> Self {
        Self { owner, bundle, state: Mutex::new(State { session, left: HashMap::new() }) }
    }

    /// Takes so many rows off what the token's holder may ask, or refuses. `renew` begins a new session where the key service
    /// forgot this one, as it does when it is started again.
    pub(super) fn admit(
        &self,
        token: Option<&str>,
        rows: usize,
        relay: &dyn Relay,
        renew: impl FnOnce() -> Result<GrantSession, Error>,
    ) -> Result<(), Error> {
        let Some(owner) = self.owner else { return Ok(()) };
        let token = token.ok_or_else(|| {
            Error::refused(
                "E367",
                "This model answers holders of the owner's token only. Ask the owner for one.",
            )
        })?;
        let token = Token::verify(token, &owner, &self.bundle)
            .map_err(|e| Error::refused("E367", format!("The token was refused: {e}.")))?;
        let rows = rows as u64;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let left = state.left.get(&token.id()).copied().unwrap_or(0);
        if left < rows {
            let ask = |session: &mut _| release::grant(relay, session, &token, rows - left, AHEAD);
            let granted = match ask(&mut state.session) {
                Err(NoGrant::Forgotten) => {
                    state.session = renew()?;
                    ask(&mut state.session)
                }
                other => other,
            };
            let granted = granted.map_err(NoGrant::error)?;
            state.left.insert(token.id(), left + granted);
        }
        match state.left.get_mut(&token.id()) {
            Some(left) if *left >= rows => {
                *left -= rows;
                Ok(())
            }
            _ => Err(Error::refused(
                "E368",
                format!(
                    "The token's rows are used up: {rows} were asked about, and fewer are left. Ask the owner for another."
                ),
            )),
        }
    }
}
