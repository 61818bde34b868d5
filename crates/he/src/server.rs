//! The server's half: a product with the model's weights, hidden behind a fresh encryption of zero and a flood, of which only the
//! answers leave.
//!
//! Each rule of this module has an attack in `src/attacks.rs` that reads the weights where the rule is missing.

use privet_ring::entropy::{Entropy, EntropyFailed};
use privet_ring::pack::pack;
use zeroize::Zeroizing;

use crate::Malformed;
use crate::packing::Packing;
use crate::parameters::LOW_BITS;
use crate::ring::{Multiplier, Poly, Ring};
use crate::sample::{PublicSeed, errors, flood, stream, ternary};

/// A model's integers, ready to be multiplied.
pub struct Model {
    columns: usize,
    /// Modulo 2^k.
    bias: Zeroizing<Vec<u64>>,
    /// One score a product.
    apart: Vec<Multiplier>,
    /// All scores in one product, where there is room.
    together: Option<Multiplier>,
}

/// What is added to the products of rows and weights.
#[derive(Clone, Copy)]
pub enum Added<'a> {
    /// The model's biases: the answers are scores.
    Bias,
    /// These numbers modulo 2^k, by row and then by score: the answers are masked products, and no score.
    Masks(&'a [u64]),
}

/// A client's public key.
pub struct PublicKey {
    /// Expanded here from the client's seed.
    pub(crate) a: Poly,
    pub(crate) b: Poly,
    seed: PublicSeed,
}

privet_ring::not_shown!(Model, PublicKey);

impl PublicKey {
    /// The key with this b and the a of this seed.
    pub fn read(ring: &Ring, seed: PublicSeed, b: &[u8]) -> Result<Self, Malformed> {
        let b = ring.read(b)?;
        Ok(Self { a: seed.polynomial(ring, 0), b, seed })
    }
}

impl Model {
    /// A model of these centred weights, one row of columns per score, and biases, as integers modulo 2^64. `None` if their
    /// shapes do not fit, or a score's weights are more together than the parameters were chosen for.
    pub fn new(ring: &Ring, columns: usize, norm_bits: u32, weights: &[u64], bias: &[u64]) -> Option<Self> {
        let norm = |row: &[u64]| row.iter().map(|w| u128::from(w.cast_signed().unsigned_abs())).sum::<u128>();
        let fits = |row: &[u64]| norm(row) <= 1 << norm_bits;
        if columns == 0 || bias.is_empty() || weights.len() != columns.checked_mul(bias.len())? {
            return None;
        }
        if !weights.chunks_exact(columns).all(fits) {
            return None;
        }
        let scores = bias.len();
        let multiplier = |packing: &Packing, weights: &[u64]| {
            let mut values = ring.of_signed(&packing.weights(weights, ring.degree()));
            ring.forward(&mut values);
            ring.multiplier(&values)
        };
        let parameters = ring.parameters();
        let (one, many) = (
            Packing::of(parameters, columns, scores, usize::MAX),
            Packing::of(parameters, columns, scores, 1),
        );
        Some(Self {
            columns,
            bias: Zeroizing::new(bias.to_vec()),
            apart: weights.chunks_exact(columns).map(|row| multiplier(&one, row)).collect(),
            together: (many.scores_in_one > 1).then(|| multiplier(&many, weights)),
        })
    }

    /// Scores of a row.
    pub fn scores(&self) -> usize {
        self.bias.len()
    }

    /// How a request of so many rows is packed.
    pub fn packing(&self, ring: &Ring, rows: usize) -> Packing {
        Packing::of(ring.parameters(), self.columns, self.scores(), rows)
    }

    /// Appends the answer to one ciphertext: for each product, all of c1 and the answers' coefficients of c0. `index` is the
    /// number of its public polynomial; masks are those of its rows.
    #[allow(clippy::too_many_arguments)] // what a ciphertext is, and what answers it
    pub fn answer(
        &self,
        ring: &Ring,
        packing: &Packing,
        key: &PublicKey,
        index: u32,
        ciphertext: &[u8],
        rows: usize,
        added: Added<'_>,
        entropy: &mut dyn Entropy,
        out: &mut Vec<u8>,
    ) -> Result<(), Failed> {
        let (c0, c1) = (ring.read(ciphertext)?, key.seed.polynomial(ring, index));
        let products = match &self.together {
            Some(together) if packing.scores_in_one > 1 => std::slice::from_ref(together),
            _ => &self.apart,
        };
        for (product, weights) in products.iter().enumerate() {
            let (mut c0, mut c1) = (Poly(c0.0.clone()), Poly(c1.0.clone()));
            ring.multiply_by(&mut c0, weights);
            ring.multiply_by(&mut c1, weights);
            let places: Vec<usize> = packing.answers(rows).collect();
            hide(ring, key, &mut c0, &mut c1, &places, entropy)?;
            for (answer, &place) in places.iter().enumerate() {
                let (row, score) = (answer / packing.scores_in_one, product + answer % packing.scores_in_one);
                let number = match added {
                    Added::Bias => self.bias[score],
                    Added::Masks(masks) => {
                        masks.get(row * self.scores() + score).copied().unwrap_or_default()
                    }
                };
                ring.add_scaled_at(&mut c0, place, &[number]);
            }
            write(ring, &c1, 0..ring.degree(), out);
            write(ring, &c0, places.iter().copied(), out);
        }
        Ok(())
    }
}

/// Why a ciphertext was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// It is none.
    Malformed(Malformed),
    /// There is no randomness.
    NoEntropy,
}

impl From<Malformed> for Failed {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<EntropyFailed> for Failed {
    fn from(_: EntropyFailed) -> Self {
        Self::NoEntropy
    }
}

/// Adds a fresh encryption of zero, b·u + e0 and a·u + e1, to a product in values, and a flood to the coefficients that leave.
/// Gives both in coefficients.
pub(crate) fn hide(
    ring: &Ring,
    key: &PublicKey,
    c0: &mut Poly,
    c1: &mut Poly,
    places: &[usize],
    entropy: &mut dyn Entropy,
) -> Result<(), EntropyFailed> {
    let mut stream = stream(entropy)?;
    let mut u = ring.of_small(&ternary(&mut stream, ring.degree()));
    ring.forward(&mut u);
    for (c, part) in [(&mut *c0, &key.b), (&mut *c1, &key.a)] {
        let mut zero = Poly(u.0.clone());
        ring.multiply(&mut zero, part);
        ring.add(c, &zero);
        ring.backward(c);
    }
    ring.add(c1, &ring.of_small(&errors(&mut stream, ring.degree())));
    let e0 = errors(&mut stream, places.len());
    for (&place, &e0) in places.iter().zip(e0.iter()) {
        ring.add_at(c0, place, flood(&mut stream, ring.parameters().flood_bits) + i128::from(e0));
    }
    Ok(())
}

/// Appends coefficients modulo 2^d: their low bits, then the rest.
#[allow(clippy::cast_possible_truncation)] // of numbers below 2^(48 + 64)
fn write(ring: &Ring, of: &Poly, places: impl Iterator<Item = usize>, out: &mut Vec<u8>) {
    let numbers = places.map(|place| ring.switched(of, place));
    let (low, high): (Vec<u64>, Vec<u64>) = numbers.map(|x| (x as u64, (x >> LOW_BITS) as u64)).unzip();
    pack(LOW_BITS, &low, out);
    pack(ring.parameters().answer_bits - LOW_BITS, &high, out);
}
