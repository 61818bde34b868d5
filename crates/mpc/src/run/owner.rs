//! The owner's side of a private program: each constant becomes a share per party, drawn anew for every bundle.

use privet_model::private::{Constants, Program};
use privet_ring::entropy::{Entropy, EntropyFailed};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::Owned;
use crate::protect::Protect;
use crate::protocols::replicated3::Replicated;
use crate::role::{PARTIES, Role};
use crate::weights::additive;

/// What one party holds of the owner's constants: by tensor, its own summand and the next party's; or the tensor itself, once,
/// where the model is not hidden from the parties. Wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PartyConstants {
    /// By tensor.
    pub tensors: Vec<Vec<Vec<u64>>>,
}

privet_ring::not_shown!(PartyConstants);

/// Splits the constants of a program.
pub fn share_constants(
    constants: &Constants,
    protect: Protect,
    entropy: &mut dyn Entropy,
) -> Result<[PartyConstants; PARTIES], EntropyFailed> {
    let mut parties = Role::ALL.map(|_| PartyConstants { tensors: Vec::new() });
    for tensor in &constants.tensors {
        let summands = match protect {
            Protect::Input => Vec::new(),
            Protect::Both | Protect::Model => additive(tensor, entropy)?,
        };
        for (role, party) in Role::ALL.iter().zip(&mut parties) {
            party.tensors.push(match protect {
                Protect::Input => vec![tensor.clone()],
                _ => vec![summands[role.index()].clone(), summands[role.next().index()].clone()],
            });
        }
    }
    Ok(parties)
}

impl PartyConstants {
    /// Whether they are as many and as long as the program says.
    pub fn fit(&self, program: &Program, protect: Protect) -> bool {
        let copies = if protect == Protect::Input { 1 } else { 2 };
        let fits = |(tensor, &length): (&Vec<Vec<u64>>, &usize)| {
            tensor.len() == copies && tensor.iter().all(|part| part.len() == length)
        };
        self.tensors.len() == program.secrets.len() && self.tensors.iter().zip(&program.secrets).all(fits)
    }

    /// As a program's steps take them, each in the ring of the step that uses it.
    pub fn owned(&self, program: &Program) -> Vec<Owned<Replicated>> {
        let rings = program.secret_rings();
        let one = |(tensor, k): (&Vec<Vec<u64>>, u32)| match &tensor[..] {
            [own, next] => Owned::Secret(Replicated { k, own: own.clone(), next: next.clone() }),
            whole => Owned::Public(whole.concat()),
        };
        self.tensors.iter().zip(rings).map(one).collect()
    }
}
