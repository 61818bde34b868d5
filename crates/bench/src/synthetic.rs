//! Rows for a model of which none were given.

use privet_deploy::Error;
use privet_model::cut::{Cut, cut};
use privet_model::graph::{Graph, Port};
use privet_model::tensor::{Data, DataType, Tensor};

/// From which made-up rows come.
pub const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// `rows` rows of pseudo-random values, always the same: within two standard deviations where the model's scaler tells
/// them, within ±1 elsewhere, 0 or 1 for whole numbers. Text cannot be invented.
pub fn synthetic(graph: &Graph, rows: usize) -> Result<Vec<Tensor>, Error> {
    let folded = cut(graph).ok();
    let mut random = Random(SEED);
    graph
        .inputs
        .iter()
        .enumerate()
        .map(|(i, port)| tensor(i, port, folded.as_ref(), rows, &mut random))
        .collect()
}

#[allow(clippy::cast_possible_truncation)] // invented values, in the precision of the input
fn tensor(
    input: usize,
    port: &Port,
    cut: Option<&Cut>,
    rows: usize,
    random: &mut Random,
) -> Result<Tensor, Error> {
    let places: Vec<(f64, f64)> = (0..port.width).map(|element| place(input, element, cut)).collect();
    let mut values =
        (0..rows).flat_map(|_| places.clone()).map(|(center, spread)| center + spread * random.next());
    let data = match port.dtype {
        DataType::Fp32 => Data::F32(values.map(|x| x as f32).collect()),
        DataType::Fp64 => Data::F64(values.collect()),
        DataType::Int64 | DataType::Int32 | DataType::Bool => {
            Data::I64(values.by_ref().map(|x| i64::from(x > 0.0)).collect())
        }
        DataType::Bytes => {
            let what =
                format!("Input `{}` is text, for which no rows can be invented. Give `--rows`.", port.name);
            return Err(Error::usage("E147", what));
        }
    };
    Ok(Tensor { rows, width: port.width, data })
}

/// Center, and the distance from it that a value in ±1 stands for.
fn place(input: usize, element: usize, cut: Option<&Cut>) -> (f64, f64) {
    use privet_model::head::Feature;
    let at = |cut: &Cut| {
        let wanted = Feature::Raw { input, element };
        let feature = cut.head.features.iter().position(|f| *f == wanted)?;
        let statistics = cut.statistics.get(feature).copied().flatten()?;
        Some((statistics.center, 2.0 * statistics.spread?))
    };
    cut.and_then(at).unwrap_or((0.0, 1.0))
}

/// A generator for made-up rows and questions; nothing secret comes from it (xorshift64*, Vigna 2016).
pub struct Random(u64);

impl Random {
    /// The n-th one of a seed.
    pub fn of(seed: u64, n: u64) -> Self {
        let hash = blake3::hash(&[seed.to_le_bytes(), n.to_le_bytes()].concat());
        let word = hash.as_bytes().iter().take(8).fold(0, |word, byte| word << 8 | u64::from(*byte));
        Self(word.max(1))
    }

    /// Another one, which depends on this one's state.
    #[must_use]
    pub fn split(&mut self) -> Self {
        let bits = self.unit().to_bits();
        Self::of(self.0, bits)
    }

    /// Uniform in 0 to 1, without 1.
    pub fn unit(&mut self) -> f64 {
        self.next().midpoint(1.0)
    }

    /// One of the numbers below `n`, which is not 0.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and n
    pub fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    /// Uniform in -1 to 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        bits as f64 / (1u64 << 52) as f64 - 1.0
    }
}
