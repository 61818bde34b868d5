//! What is hidden from the parties. Less hidden is cheaper: other programs of the same code.

use serde::{Deserialize, Serialize};

use crate::role::{PARTIES, Role};

/// What is hidden from the parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protect {
    /// The input and the model.
    Both,
    /// The input; every party knows the model.
    Input,
    /// The model; every party sees the input.
    Model,
}

/// One of the three summands of the input, `x = x0 + x1 + x2`, or the input itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// x0, expanded from the seed s0.
    X0,
    /// x1, expanded from the seed s1.
    X1,
    /// x2 = x - x0 - x1, sent as it is.
    X2,
    /// x, where the input is not hidden.
    Whole,
}

impl Component {
    const SHARES: [Self; PARTIES] = [Self::X0, Self::X1, Self::X2];

    /// Whether a party expands it from a seed.
    pub fn is_seeded(self) -> bool {
        matches!(self, Self::X0 | Self::X1)
    }
}

impl Protect {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Both, Self::Input, Self::Model];

    /// As it is written in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Input => "input",
            Self::Model => "model",
        }
    }

    /// Which components of the input a party gets. `both`: `P_i` holds `x_i` and `x_{i+1}`, as replicated sharing has it.
    /// `input`: `P_i` needs only `x_i`, so that even two parties together learn nothing of the input.
    pub fn components(self, role: Role) -> &'static [Component] {
        const HELD: [[Component; 2]; PARTIES] =
            [[Component::X0, Component::X1], [Component::X1, Component::X2], [Component::X2, Component::X0]];
        match self {
            Self::Both => &HELD[role.index()],
            Self::Input => std::slice::from_ref(&Component::SHARES[role.index()]),
            Self::Model => &[Component::Whole],
        }
    }

    /// Bits per element of the component that is sent explicitly: a share needs the whole ring, a value that is not
    /// hidden only its own bits.
    pub fn explicit_bits(self, k: u32, encoded_bits: u32) -> u32 {
        match self {
            Self::Both | Self::Input => k,
            Self::Model => encoded_bits,
        }
    }

    /// How often the explicit component is sent.
    pub fn explicit_copies(self) -> usize {
        Role::ALL.iter().flat_map(|&r| self.components(r)).filter(|c| !c.is_seeded()).count()
    }
}
