//! Runs a private program, whole batches at once: wave by wave, and within a wave what the parties talk about at the same time.

mod lanes;
mod owner;
mod products;
mod room;
mod smooth;
mod unit;
mod values;
mod waves;
mod windows;

use std::sync::Arc;

use privet_model::private::{Action, Numbers, Program, Step, StepId};
use tracing::debug_span;

use crate::Abort;
use crate::functions::extremes::abs;
use crate::protocols::protocol::Protocol;

pub use owner::{PartyConstants, share_constants};
pub use room::Room;
pub use values::Owned;
use values::{Value, reduced, repeat};
use waves::{uses, waves};

/// The owner's tensors, as one party holds them, and for how many rows.
pub struct Inputs<'a, S> {
    /// In the order of [`Program::secrets`].
    pub secrets: &'a [Owned<S>],
    /// Rows.
    pub rows: usize,
}

/// What the client sent.
pub enum Columns<P: Protocol> {
    /// Rows × columns.
    Tensor(Arc<P::Share>),
    /// Times the matrix of [`Program::first_matrix`].
    Product(P::Sum),
}

/// This party's summands of everything that is revealed, rows × [`Program::scores`], modulo 2^[`Program::output_ring`].
pub fn run<P: Protocol>(
    protocol: &mut P,
    program: &Program,
    inputs: &Inputs<'_, P::Share>,
    columns: Columns<P>,
) -> Result<P::Sum, Abort> {
    run_counted(protocol, program, inputs, columns).map(|(sum, _)| sum)
}

/// What a step cost a party by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Its rounds; steps of the same wave have theirs at the same time.
    pub rounds: u32,
    /// Bytes sent to peers.
    pub bytes: usize,
}

/// The target of the spans in which a program and each of its steps run, for whoever traces them.
pub const STEPS: &str = "privet::steps";

/// The same, and the cost of each step.
pub fn run_counted<P: Protocol>(
    protocol: &mut P,
    program: &Program,
    inputs: &Inputs<'_, P::Share>,
    columns: Columns<P>,
) -> Result<(P::Sum, Vec<Cost>), Abort> {
    let whole = debug_span!(target: STEPS, "program");
    let _within = whole.enter();
    let mut runner = Runner { columns: Some(columns), ..Runner::new(protocol, program, inputs) };
    for wave in waves(program) {
        for at in wave.quiet {
            runner.run(at)?;
        }
        match wave.talking[..] {
            [] => {}
            [at] => runner.run(at)?,
            ref several => runner.run_in_lanes(several)?,
        }
    }
    let costs = std::mem::take(&mut runner.costs);
    Ok((runner.answer()?, costs))
}

struct Runner<'a, P: Protocol> {
    protocol: &'a mut P,
    program: &'a Program,
    inputs: &'a Inputs<'a, P::Share>,
    /// Nothing in a lane, and once a product was used.
    columns: Option<Columns<P>>,
    values: Vec<Value<P>>,
    /// By step, how often its value is still needed.
    needed: Vec<usize>,
    costs: Vec<Cost>,
}

impl<'a, P: Protocol> Runner<'a, P> {
    fn new(protocol: &'a mut P, program: &'a Program, inputs: &'a Inputs<'a, P::Share>) -> Self {
        let steps = program.steps.len();
        let values = (0..steps).map(|_| Value::Gone).collect();
        let (needed, costs) = (uses(program), vec![Cost::default(); steps]);
        Self { protocol, program, inputs, columns: None, values, needed, costs }
    }

    /// Runs a step, and frees what nothing needs any more.
    fn run(&mut self, at: StepId) -> Result<(), Abort> {
        let before = self.protocol.ledger();
        let (rounds, sent) = (before.rounds, before.sent.len());
        // Public: the action and its place in the program, which all parties have.
        let step =
            debug_span!(target: STEPS, "step", number = at, action = self.program.steps[at].action.name());
        let value = step.in_scope(|| self.step(at))?;
        drop(step);
        self.values[at] = self.keep(at, value)?;
        let ledger = self.protocol.ledger();
        let bytes = ledger.sent[sent..].iter().map(|(_, bytes)| bytes).sum();
        self.costs[at] = Cost { rounds: ledger.rounds - rounds, bytes };
        self.forget(at);
        Ok(())
    }

    fn numbers(&self, at: StepId) -> Numbers {
        self.program.numbers[at]
    }

    fn step(&mut self, at: StepId) -> Result<Value<P>, Abort> {
        let step: &Step = &self.program.steps[at];
        let ring = self.numbers(at).ring;
        Ok(match &step.action {
            Action::Columns { first } => self.columns(*first, step.width, ring)?,
            Action::Linear { weights, bias } => self.linear(at, *weights, *bias)?,
            Action::Conv { conv, weights, bias } => self.convolution(at, conv, *weights, *bias)?,
            Action::Scale { factors, shift } => self.scaling(at, *factors, *shift)?,
            Action::Constant(secret) => {
                let one = self.inputs.secrets[*secret].share(self.protocol, ring);
                Value::share(P::gather(&one, &repeat(step.width, self.inputs.rows)))
            }
            Action::Multiply => {
                let (x, y) = (self.share_in(at, 0, ring)?, self.share_in(at, 1, ring)?);
                Value::Sum(self.protocol.multiply(&x, &y))
            }
            Action::MatMul(shape) => self.matrices(at, *shape)?,
            Action::Add => {
                let (x, y) = (self.aligned(at, 0)?, self.aligned(at, 1)?);
                Value::share(P::add(&x, &y))
            }
            Action::Subtract => {
                let (x, y) = (self.aligned(at, 0)?, self.aligned(at, 1)?);
                Value::share(P::sub(&x, &y))
            }
            Action::Sum(windows) => Value::share(self.sums(at, windows)?),
            Action::Max(windows) => Value::share(self.greatest(at, windows)?),
            Action::Select(indices) => {
                let width = self.width_in(at, 0);
                let places = values::by_row(indices, width, self.inputs.rows);
                let x = self.share_in(at, 0, ring)?;
                Value::share(P::gather(&x, &places))
            }
            Action::Concat => Value::share(self.side_by_side(at)?),
            Action::Flip { negate, shift } => Value::Share(self.flip(at, *negate, *shift)?),
            Action::Cut => {
                let (x, drop) = (self.sum(at, 0)?, self.drop(at));
                Value::share(self.protocol.truncate(x, drop, ring)?)
            }
            Action::Relu => {
                let (x, drop) = (self.sum(at, 0)?, self.drop(at));
                Value::share(self.protocol.relu(x, drop, ring)?)
            }
            Action::Abs => {
                let x = self.share_in(at, 0, ring)?;
                Value::share(abs(self.protocol, &x)?)
            }
            Action::Negative | Action::Below => {
                let x = self.sum(at, 0)?;
                Value::share(self.protocol.negative(x, ring)?)
            }
            Action::Zero => {
                let x = self.sum(at, 0)?;
                let bit = self.protocol.is_zero(P::reduce_sum(x, self.small_ring(at)))?;
                Value::share(self.protocol.bit_to_arith(&bit, ring)?)
            }
            Action::Choose => self.choice(at)?,
            Action::Within { .. } => Value::Share(self.share_in(at, 0, ring)?),
            Action::Unit(unit) => self.unit(at, unit)?,
            Action::Smooth(_) => self.smooth(at)?,
            Action::Hottest { group } => Value::share(self.hottest(at, *group)?),
            Action::Softmax { .. } => Value::share(self.softmax(at)?),
        })
    }

    /// The ring in which a small whole number is compared with zero: from 0 to 2^exponent, both included.
    fn small_ring(&self, at: StepId) -> u32 {
        let input = self.program.steps[at].inputs[0];
        u32::try_from(self.numbers(input).exponent + 1).unwrap_or(1).clamp(1, 8)
    }

    /// Fraction bits that a cut takes away.
    fn drop(&self, at: StepId) -> u32 {
        self.numbers(self.program.steps[at].inputs[0]).fraction - self.numbers(at).fraction
    }

    fn columns(&mut self, first: usize, width: usize, ring: u32) -> Result<Value<P>, Abort> {
        let Some(Columns::Tensor(all)) = &self.columns else {
            let Some(Columns::Product(product)) = self.columns.take() else { return Err(values::broken()) };
            return Ok(Value::Sum(product));
        };
        let all = reduced::<P>(all, ring);
        if first == 0 && width == self.program.columns.len() {
            return Ok(Value::Share(all));
        }
        let indices: Vec<usize> = (first..first + width).collect();
        let places = values::by_row(&indices, self.program.columns.len(), self.inputs.rows);
        Ok(Value::share(P::gather(&all, &places)))
    }

    /// `±x + shift`.
    fn flip(&mut self, at: StepId, negate: bool, shift: i32) -> Result<Arc<P::Share>, Abort> {
        let Numbers { fraction, ring, .. } = self.numbers(at);
        let x = self.share_in(at, 0, ring)?;
        let x = if negate { Arc::new(P::scale(&x, u64::MAX)) } else { x };
        let shift = i64::from(shift).cast_unsigned() << fraction;
        Ok(if shift == 0 { x } else { Arc::new(self.protocol.add_public(&x, &vec![shift; P::len(&x)])) })
    }

    /// `b + c·(a - b)`.
    fn choice(&mut self, at: StepId) -> Result<Value<P>, Abort> {
        let bit = self.share_in(at, 0, self.numbers(at).ring)?;
        let (a, b) = (self.aligned(at, 1)?, self.aligned(at, 2)?);
        let chosen = self.protocol.multiply(&bit, &P::sub(&a, &b));
        Ok(Value::Sum(P::add_sum(chosen, P::Sum::from(&b))))
    }

    /// Values of several steps, row by row.
    fn side_by_side(&mut self, at: StepId) -> Result<P::Share, Abort> {
        let count = self.program.steps[at].inputs.len();
        let parts = (0..count).map(|i| self.aligned(at, i)).collect::<Result<Vec<_>, _>>()?;
        let widths: Vec<usize> = (0..count).map(|i| self.width_in(at, i)).collect();
        let all = P::concat(&parts.iter().map(|part| &**part).collect::<Vec<_>>());
        Ok(P::gather(&all, &values::interleaved(&widths, self.inputs.rows)))
    }

    /// Everything that is revealed, above its ring shifted out.
    fn answer(mut self) -> Result<P::Sum, Abort> {
        let program = self.program;
        let k = program.output_ring();
        let mut parts = Vec::new();
        for shown in &program.shown {
            let width = program.steps[shown.step].width;
            let x = self.take(shown.step)?;
            let x = P::gather_sum(x, &values::by_row(&shown.indices, width, self.inputs.rows));
            parts.push(P::shift_sum(x, program.output_shift(shown), k));
        }
        let widths: Vec<usize> = program.shown.iter().map(|s| s.indices.len()).collect();
        let all = self.protocol.concat_sums(parts)?;
        Ok(P::gather_sum(all, &values::interleaved(&widths, self.inputs.rows)))
    }
}
