//! What a party does with a request: its part of a linear model, or of a program.

use privet_model::private::Program;
use privet_mpc::Abort;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::protocol::Protocol as _;
use privet_mpc::protocols::replicated3::{self, Blocks, Comparisons, Gates, Input, Replicated};
use privet_mpc::protocols::replicated3_malicious::{Malicious3, Share};
use privet_mpc::request::{Layout, PartyRequest};
use privet_mpc::role::Role;
use privet_mpc::run::{Columns, Inputs, Owned, run};
use privet_mpc::session::{Additive, OutputShare, Session};
use privet_mpc::weights::PartyWeights;
use privet_ring::entropy::Entropy;

use crate::bundle::{MpcPart, PartySecret};
use crate::error::Error;
use crate::numbers::Numbers;

/// What a party does with a request.
pub(crate) enum Work {
    Linear(PartyWeights),
    Program(Box<Program>, Vec<Owned<Replicated>>),
    /// Where a party may cheat.
    Checked(Box<Program>, Vec<Owned<Share>>),
}

impl Work {
    /// The share of a model, which must fit the model's public half.
    pub(crate) fn new(
        part: &MpcPart,
        layout: &Layout,
        role: Role,
        secret: PartySecret,
    ) -> Result<Self, Error> {
        let misfit = || Error::refused("E230", "The share of the model does not fit its own bundle.");
        Self::fitting(part, layout, role, secret).ok_or_else(misfit)
    }

    fn fitting(part: &MpcPart, layout: &Layout, role: Role, secret: PartySecret) -> Option<Self> {
        match (&part.numbers, secret) {
            (Numbers::Linear(_), PartySecret::Linear(weights)) => {
                let fits = weights.bias.len() == part.scores
                    && weights.factors.len() == layout.protect.components(role).len()
                    && weights
                        .factors
                        .iter()
                        .all(|f| Some(f.len()) == layout.columns.checked_mul(part.scores));
                fits.then_some(Self::Linear(weights))
            }
            (Numbers::Program(program), PartySecret::Program(constants)) => {
                let fits = constants.fit(program, part.protect);
                let owned = || constants.owned(program);
                fits.then(|| {
                    if part.header().finds_cheats {
                        Self::Checked(program.clone(), owned().into_iter().map(checked).collect())
                    } else {
                        Self::Program(program.clone(), owned())
                    }
                })
            }
            _ => None,
        }
    }

    /// Whether parties talk to each other to compute it.
    pub(crate) fn talks(&self) -> bool {
        !matches!(self, Self::Linear(_))
    }

    /// This party's summands of everything that is revealed.
    pub(crate) fn run<C: Comparisons>(
        &self,
        mut session: Session,
        layout: &Layout,
        request: PartyRequest,
    ) -> Result<Computed, Abort> {
        match self {
            Self::Linear(weights) => {
                let output = session.step("linear", |s| replicated3::linear(s, layout, weights, request))?;
                Ok(Computed { session, output })
            }
            Self::Program(program, secrets) => {
                let inputs = Inputs { secrets, rows: request.statement.rows as usize };
                let mut protocol = Gates::<C>::new(session);
                let columns = columns(&mut protocol, program, secrets, layout, request)?;
                let output = Gates::<C>::output(run(&mut protocol, program, &inputs, columns)?);
                Ok(Computed { session: protocol.session, output })
            }
            Self::Checked(..) => {
                Err(Abort::Client("This party finds out cheats, and computes no other way.".into()))
            }
        }
    }

    /// This party's answer for the client, by whichever protocol three parties run.
    pub(crate) fn answer(
        &self,
        mut session: Session,
        layout: &Layout,
        request: PartyRequest,
        entropy: &mut dyn Entropy,
    ) -> Result<OutputShare, Abort> {
        let Self::Checked(program, secrets) = self else {
            return Ok(self.run::<Blocks>(session, layout, request)?.finish(layout.answer_bits));
        };
        let inputs = Inputs { secrets, rows: request.statement.rows as usize };
        let Input::Shared(columns) = replicated3::input(&mut session, layout, request)? else {
            return Err(Abort::Client("Where a party may cheat, each component comes to two.".into()));
        };
        let mut protocol = Malicious3::begin(session, entropy)?;
        let columns = Columns::Tensor(Share::from(&columns).into());
        let output = run(&mut protocol, program, &inputs, columns)?;
        protocol.finish(output, layout.answer_bits)
    }
}

/// One of the owner's tensors, where a party may cheat.
pub(crate) fn checked(owned: Owned<Replicated>) -> Owned<Share> {
    match owned {
        Owned::Secret(share) => Owned::Secret((&share).into()),
        Owned::Public(values) => Owned::Public(values),
    }
}

/// A computation that is done but for its answer.
pub(crate) struct Computed {
    pub(crate) session: Session,
    output: Additive,
}

impl Computed {
    /// The share for the client, of so many bits an element.
    pub(crate) fn finish(self, bits: u32) -> OutputShare {
        self.session.finish(self.output, bits)
    }
}

/// The rows of a request: through the first matrix at once, where all of them go through one that is shared as they are.
fn columns<C: Comparisons>(
    protocol: &mut Gates<C>,
    program: &Program,
    secrets: &[Owned<Replicated>],
    layout: &Layout,
    request: PartyRequest,
) -> Result<Columns<Gates<C>>, Abort> {
    let matrix = program.first_matrix().map(|(step, weights)| (step, &secrets[weights]));
    if let (Protect::Both, Some((step, Owned::Secret(matrix)))) = (layout.protect, matrix) {
        let k = program.numbers[step].ring;
        let product = replicated3::product(&mut protocol.session, layout, request, matrix, k)?;
        return Ok(Columns::Product(product));
    }
    let tensor = match replicated3::input(&mut protocol.session, layout, request)? {
        Input::Shared(tensor) => tensor,
        Input::Summed(tensor) => protocol.reshare(tensor)?,
        Input::Known(tensor) => protocol.public(&tensor, layout.k),
    };
    Ok(Columns::Tensor(tensor.into()))
}
