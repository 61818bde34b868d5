//! A model planned for parties: as a linear one where it is, else as a program.

use privet_model::graph::Graph;
use privet_model::head::Head;
use privet_model::plan::Ranges;
use privet_model::private::{Constants, Private, Program, Reveal};
use privet_model::tail::Tail;
use privet_model::tensor::Tensor;
use privet_model::{Problems, Refusal};

use crate::check::{Planned, planned_cut};
use crate::error::Error;

/// A model with its numbers, and its secrets as integers.
pub enum Prepared {
    /// One product of matrices.
    Linear(Box<Planned>),
    /// Steps.
    Program(Box<PreparedProgram>),
}

/// A private program with its secrets.
pub struct PreparedProgram {
    /// The model's three parts.
    pub private: Private,
    /// What everyone knows.
    pub program: Program,
    /// The owner's constants.
    pub constants: Constants,
}

/// Why a model was not planned.
#[derive(Debug)]
pub enum Unprepared {
    /// These nodes stand in the way.
    Problems(Problems),
    /// The numbers do not come out.
    Refused(Refusal),
}

impl From<Problems> for Unprepared {
    fn from(problems: Problems) -> Self {
        Self::Problems(problems)
    }
}

impl From<Refusal> for Unprepared {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Unprepared> for Error {
    fn from(unprepared: Unprepared) -> Self {
        match unprepared {
            Unprepared::Problems(problems) => problems.into(),
            Unprepared::Refused(refusal) => refusal.into(),
        }
    }
}

/// Plans a model, with ranges from `rows` where given.
pub fn prepare(
    graph: &Graph,
    reveal: Reveal,
    accuracy: f64,
    rows: Option<&[Tensor]>,
) -> Result<Prepared, Unprepared> {
    if reveal == Reveal::Score
        && let Ok(cut) = privet_model::cut::cut(graph)
    {
        return Ok(Prepared::Linear(Box::new(planned_cut(cut, accuracy, rows)?)));
    }
    let private = Private::of(graph, reveal)?;
    let ranges = rows.map_or_else(|| Ok(Ranges::of_model()), |rows| Ranges::of_rows(private.head(), rows))?;
    let (program, constants) = private.plan(accuracy, &ranges)?;
    Ok(Prepared::Program(Box::new(PreparedProgram { private, program, constants })))
}

impl Prepared {
    /// What the client does first.
    pub fn head(&self) -> &Head {
        match self {
            Self::Linear(planned) => &planned.cut.head,
            Self::Program(p) => p.private.head(),
        }
    }

    /// What the client does last.
    pub fn tail(&self) -> &Tail {
        match self {
            Self::Linear(planned) => &planned.cut.tail,
            Self::Program(p) => p.private.tail(),
        }
    }
}
