//! The numbers of a model that parties run: of a linear one, or of a program.

use privet_model::encode::Encoder;
use privet_model::plan::Plan;
use privet_model::private::Program;
use serde::{Deserialize, Serialize};

/// What everyone knows of the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Numbers {
    /// One product of matrices, and no message between the parties.
    Linear(Plan),
    /// Steps between which parties talk to each other.
    Program(Box<Program>),
}

/// Values of the widest step that a party may hold at a time, over all rows of a chunk. Bundles of today say how many rows that is by the
/// memory that they take, which is less.
const VALUES_PER_CHUNK: usize = 1 << 22;

impl Numbers {
    /// Proven: nothing that is revealed of an accepted input is wrong by more than this.
    pub fn bound(&self) -> f64 {
        match self {
            Self::Linear(plan) => plan.bound,
            Self::Program(program) => program.bound,
        }
    }

    /// Bits of the ring in which rows are shared.
    pub fn input_ring(&self) -> u32 {
        match self {
            Self::Linear(plan) => plan.k,
            Self::Program(program) => program.input_ring(),
        }
    }

    /// Bits of an element of an answer.
    pub fn output_ring(&self) -> u32 {
        match self {
            Self::Linear(plan) => plan.k,
            Self::Program(program) => program.output_ring(),
        }
    }

    /// Bits of an encoded value, sign included.
    pub fn encoded_bits(&self) -> u32 {
        match self {
            Self::Linear(plan) => plan.encoded_bits(),
            Self::Program(program) => program.encoded_bits(),
        }
    }

    /// Turns rows into integers.
    pub fn encoder(&self) -> Encoder {
        match self {
            Self::Linear(plan) => plan.encoder(),
            Self::Program(program) => program.encoder(),
        }
    }

    /// What the elements of an answer say.
    pub fn decode(&self, elements: &[u64]) -> Vec<f64> {
        match self {
            Self::Linear(plan) => elements.iter().map(|&element| plan.decode(element)).collect(),
            Self::Program(program) => program.decode(elements),
        }
    }

    /// Rows that one chunk may have at most.
    pub fn most_rows(&self) -> usize {
        match self {
            Self::Linear(_) => usize::MAX,
            Self::Program(program) => (VALUES_PER_CHUNK / program.widest().max(1)).max(1),
        }
    }

    /// Whether the parties talk to each other.
    pub fn needs_peers(&self) -> bool {
        matches!(self, Self::Program(_))
    }

    /// Checks what came from outside.
    pub fn is_sound(&self, columns: usize, scores: usize) -> bool {
        match self {
            Self::Linear(plan) => plan.is_sound(columns),
            Self::Program(program) => program.is_sound(columns) && program.scores() == scores,
        }
    }
}
