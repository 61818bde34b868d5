//! Functions that are approximated, as their plans say.

use privet_model::approx::smooth::Saturated;
use privet_model::private::{Plan, StepId};

use super::Runner;
use super::values::{Value, broken};
use crate::Abort;
use crate::functions::extremes::{at_least, clip};
use crate::functions::normal::positive;
use crate::functions::softmax::softmax;
use crate::protocols::protocol::Protocol;

impl<P: Protocol> Runner<'_, P> {
    /// A smooth function, wide: its series on the argument as it comes, on what a clip leaves of it, or on one octave of it.
    pub(super) fn smooth(&mut self, at: StepId) -> Result<Value<P>, Abort> {
        let (x, ring) = (self.sum(at, 0)?, self.numbers(at).ring);
        let sum = match &self.program.plans[at] {
            Some(Plan::Smooth(plan)) => self.series(at, x, plan)?,
            Some(Plan::Positive(plan)) => positive(self.protocol, x, plan)?,
            _ => return Err(broken()),
        };
        Ok(Value::Sum(if P::sum_ring(&sum) > ring { P::reduce_sum(sum, ring) } else { sum }))
    }

    fn series(&mut self, at: StepId, x: P::Sum, plan: &Saturated) -> Result<P::Sum, Abort> {
        let bits = plan.inside.bits;
        let Some(far) = plan.clip else { return self.protocol.series(x, &plan.inside.series, bits) };
        let x = self.protocol.reshare(x)?;
        let far = far << bits.drop;
        if plan.below_only {
            let kept = at_least(self.protocol, &x, -far)?;
            return self.protocol.series(&kept, &plan.inside.series, bits);
        }
        let (inside, above) = clip(self.protocol, &x, -far, far)?;
        let value = self.protocol.series(&inside, &plan.inside.series, bits)?;
        if !plan.grows {
            return Ok(value);
        }
        let from = self.numbers(self.program.steps[at].inputs[0]).fraction;
        let ring = self.numbers(at).ring;
        // The argument's ring may be narrower than the result's: what is above the clip is brought to the wider one.
        let above = self.protocol.relu(&above, 0, ring)?;
        let above = P::scale(&above, 1 << (bits.sines + bits.coefficients - from));
        Ok(P::add_sum(P::reduce_sum(value, ring), P::Sum::from(&above)))
    }

    pub(super) fn softmax(&mut self, at: StepId) -> Result<P::Share, Abort> {
        let Some(Plan::Softmax(plan)) = &self.program.plans[at] else { return Err(broken()) };
        let ring = self.numbers(self.program.steps[at].inputs[0]).ring;
        let x = self.share_in(at, 0, ring)?;
        softmax(self.protocol, &x, plan)
    }
}
