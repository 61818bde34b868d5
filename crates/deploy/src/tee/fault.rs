//! Errors between the measured program and its host.

use privet_tee::frames::Fault;

use crate::error::{Blame, Error, named_code};

const BLAMES: [Blame; 6] =
    [Blame::Ours, Blame::Usage, Blame::Refused, Blame::NotFound, Blame::Unreachable, Blame::Integrity];

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        let blame = BLAMES.iter().zip(0..).find(|(blame, _)| **blame == error.blame).map_or(0, |(_, n)| n);
        let mut code = *b"E900";
        code.iter_mut().zip(error.code.bytes()).for_each(|(to, from)| *to = from);
        Self { blame, code, message: error.message.clone() }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let blame = BLAMES.get(usize::from(fault.blame)).copied().unwrap_or(Blame::Ours);
        let code = std::str::from_utf8(&fault.code).ok().and_then(named_code).unwrap_or("E900");
        Self::new(blame, code, fault.message)
    }
}
