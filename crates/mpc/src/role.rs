//! Which party one is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Number of parties of the replicated protocols.
pub const PARTIES: usize = 3;

/// One of the three parties, P0, P1, P2; arithmetic on the index is modulo 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Role(u8);

impl Role {
    /// P0, P1, P2.
    pub const ALL: [Self; PARTIES] = [Self(0), Self(1), Self(2)];

    /// Party `index`, if there is one.
    pub fn new(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }

    /// 0, 1 or 2.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// `P_{i+1}`.
    #[must_use]
    pub fn next(self) -> Self {
        Self((self.0 + 1) % 3)
    }

    /// `P_{i-1}`.
    #[must_use]
    pub fn previous(self) -> Self {
        Self((self.0 + 2) % 3)
    }
}

impl TryFrom<u8> for Role {
    type Error = String;

    fn try_from(index: u8) -> Result<Self, String> {
        Self::new(usize::from(index))
            .ok_or_else(|| format!("There is no party {index}; there are 0, 1 and 2."))
    }
}

impl From<Role> for u8 {
    fn from(role: Role) -> Self {
        role.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{}", self.0)
    }
}
