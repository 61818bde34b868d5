//! The owner's side: the model's integers become one share per party, drawn anew for every bundle.

use zeroize::{Zeroize, ZeroizeOnDrop};

use privet_model::plan::Integers;
use privet_ring::entropy::{Entropy, EntropyFailed};
use privet_ring::prg::{Seed, Stream};

use crate::protect::Protect;
use crate::role::{PARTIES, Role};

/// One party's part of a linear model: for each component of the input that it holds, the matrix by which that
/// component is multiplied, and its summand of the bias. The sum of what the three parties compute is the score.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PartyWeights {
    /// By held component, row-major, a row per score.
    pub factors: Vec<Vec<u64>>,
    /// One per score.
    pub bias: Vec<u64>,
}

impl std::fmt::Debug for PartyWeights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PartyWeights({} scores, not shown)", self.bias.len())
    }
}

/// Splits a model.
///
/// `both`: w = w0 + w1 + w2, replicated, so that `P_i`, which holds `x_i`, `x_{i+1}`, `w_i` and `w_{i+1}`, computes its
/// summand `x_i·w_i + x_i·w_{i+1} + x_{i+1}·w_i` of the product x·w as two products:
/// `x_i·(w_i + w_{i+1}) + x_{i+1}·w_i`.
/// `input`: the parties know w, and `P_i` computes `x_i·w`. `model`: they see x, and `P_i` computes `x·w_i`.
pub fn share(
    integers: &Integers,
    protect: Protect,
    entropy: &mut dyn Entropy,
) -> Result<[PartyWeights; PARTIES], EntropyFailed> {
    let weights = match protect {
        Protect::Input => vec![integers.weights.clone(); PARTIES],
        Protect::Both | Protect::Model => additive(&integers.weights, entropy)?,
    };
    let mut bias = additive(&integers.bias, entropy)?;
    Ok(Role::ALL.map(|role| {
        let (own, next) = (&weights[role.index()], &weights[role.next().index()]);
        let factors = match protect {
            Protect::Both => vec![sum(own, next), own.clone()],
            Protect::Input | Protect::Model => vec![own.clone()],
        };
        PartyWeights { factors, bias: std::mem::take(&mut bias[role.index()]) }
    }))
}

fn sum(a: &[u64], b: &[u64]) -> Vec<u64> {
    a.iter().zip(b).map(|(&a, &b)| a.wrapping_add(b)).collect()
}

/// v = v0 + v1 + v2 modulo 2^64, v0 and v1 uniform.
pub(crate) fn additive(values: &[u64], entropy: &mut dyn Entropy) -> Result<Vec<Vec<u64>>, EntropyFailed> {
    let mut uniform = || -> Result<Vec<u64>, EntropyFailed> {
        let mut share = vec![0; values.len()];
        Stream::of_chunk(&Seed::draw(entropy)?, 0).fill(&mut share);
        Ok(share)
    };
    let (v0, v1) = (uniform()?, uniform()?);
    let rest = values.iter().zip(&v0).zip(&v1);
    let v2 = rest.map(|((&v, &a), &b)| v.wrapping_sub(a).wrapping_sub(b)).collect();
    Ok(vec![v0, v1, v2])
}
