//! The design's words as a person types them.

use clap::ValueEnum;
use privet_deploy::kind::{Kind, Reveal};
use privet_mpc::protect::Protect;

/// The word that stands for this, if a person can type one.
pub(crate) fn word_for<T: From<A> + PartialEq, A: ValueEnum + Copy>(meant: &T) -> Option<A> {
    A::value_variants().iter().copied().find(|word| T::from(*word) == *meant)
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArg {
    Plain,
    Mpc,
    Tee,
    He,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Plain => Self::Plain,
            KindArg::Mpc => Self::Mpc,
            KindArg::Tee => Self::Tee,
            KindArg::He => Self::He,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RevealArg {
    Score,
    Probability,
    Label,
}

impl From<RevealArg> for Reveal {
    fn from(reveal: RevealArg) -> Self {
        match reveal {
            RevealArg::Score => Self::Score,
            RevealArg::Probability => Self::Probability,
            RevealArg::Label => Self::Label,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProtectArg {
    Both,
    Input,
    Model,
}

impl From<ProtectArg> for Protect {
    fn from(protect: ProtectArg) -> Self {
        match protect {
            ProtectArg::Both => Self::Both,
            ProtectArg::Input => Self::Input,
            ProtectArg::Model => Self::Model,
        }
    }
}
