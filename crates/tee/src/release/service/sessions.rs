//! Sessions with enclaves that were given a model's key: each has a secret, under which grants are asked for. They are forgotten
//! with the process, and the oldest make room: an enclave then shows new evidence, to the policy that is in force by then.

use std::collections::{HashMap, VecDeque};

use ring::hmac;
use zeroize::Zeroizing;

use crate::statement::Hex;

/// Sessions that are remembered.
const REMEMBERED: usize = 4096;

#[derive(Default)]
pub(super) struct Sessions {
    by_name: HashMap<[u8; 16], Session>,
    order: VecDeque<[u8; 16]>,
}

struct Session {
    secret: Zeroizing<[u8; 32]>,
    bundle: Hex<32>,
    counter: u64,
}

/// Why a question was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionError {
    /// There is no such session, or its code is wrong.
    Unknown,
    /// It came before.
    Replayed,
}

impl Sessions {
    pub(super) fn begin(&mut self, name: [u8; 16], secret: Zeroizing<[u8; 32]>, bundle: Hex<32>) {
        while self.order.len() >= REMEMBERED {
            let oldest = self.order.pop_front();
            oldest.map(|oldest| self.by_name.remove(&oldest));
        }
        self.order.push_back(name);
        self.by_name.insert(name, Session { secret, bundle, counter: 0 });
    }

    /// Takes a question that is asked for the first time, under this session's secret.
    pub(super) fn take(
        &mut self,
        name: &[u8; 16],
        counter: u64,
        said: &[u8],
        code: &Hex<32>,
    ) -> Result<(Zeroizing<[u8; 32]>, Hex<32>), SessionError> {
        let session = self.by_name.get_mut(name).ok_or(SessionError::Unknown)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, session.secret.as_slice());
        hmac::verify(&key, said, &code.0).map_err(|_| SessionError::Unknown)?;
        if counter <= session.counter {
            return Err(SessionError::Replayed);
        }
        session.counter = counter;
        Ok((session.secret.clone(), session.bundle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::asker::mac;

    #[test]
    fn a_question_is_taken_once_in_order_and_only_under_the_secret() {
        let mut sessions = Sessions::default();
        sessions.begin([1; 16], Zeroizing::new([2; 32]), Hex([3; 32]));
        let code = Hex(mac(&[2; 32], b"said"));
        assert_eq!(sessions.take(&[1; 16], 2, b"said", &code).unwrap().1, Hex([3; 32]));
        for counter in [0, 1, 2] {
            assert_eq!(sessions.take(&[1; 16], counter, b"said", &code).err(), Some(SessionError::Replayed));
        }
        assert!(sessions.take(&[1; 16], 3, b"said", &code).is_ok());
        assert_eq!(sessions.take(&[1; 16], 4, b"sajd", &code).err(), Some(SessionError::Unknown));
        assert_eq!(sessions.take(&[9; 16], 4, b"said", &code).err(), Some(SessionError::Unknown));
        let forged = Hex(mac(&[9; 32], b"said"));
        assert_eq!(sessions.take(&[1; 16], 4, b"said", &forged).err(), Some(SessionError::Unknown));
    }

    #[test]
    fn the_oldest_session_makes_room() {
        let mut sessions = Sessions::default();
        let name = |n: usize| u128::try_from(n).unwrap().to_le_bytes();
        for n in 0..=REMEMBERED {
            sessions.begin(name(n), Zeroizing::new([2; 32]), Hex([3; 32]));
        }
        assert_eq!((sessions.order.len(), sessions.by_name.len()), (REMEMBERED, REMEMBERED));
        let code = Hex(mac(&[2; 32], b"said"));
        assert_eq!(sessions.take(&name(0), 1, b"said", &code).err(), Some(SessionError::Unknown));
        assert!(sessions.take(&name(1), 1, b"said", &code).is_ok());
    }
}
