//! Values by the root of their mean square: sums of squares as inner products, the inverse root of each, and a product.

use privet_model::private::{Plan, StepId, Unit};
use privet_ring::fixed::power_of_two;

use super::Runner;
use super::values::{Value, broken, by_row};
use crate::Abort;
use crate::functions::normal::positive;
use crate::protocols::protocol::Protocol;

impl<P: Protocol> Runner<'_, P> {
    pub(super) fn unit(&mut self, at: StepId, unit: &Unit) -> Result<Value<P>, Abort> {
        let Some(Plan::Unit(plan)) = &self.program.plans[at] else { return Err(broken()) };
        let (own, input) = (self.numbers(at), self.numbers(self.program.steps[at].inputs[0]));
        let (x, rows) = (self.share_in(at, 0, input.ring)?, self.inputs.rows);
        let (places, longest) = self.filled(&unit.windows, self.width_in(at, 0), P::len(&x));
        let filled = P::gather(&P::concat(&[&x, &self.protocol.public(&[0], input.ring)]), &places);
        let squares = self.protocol.dot(&filled, &filled, longest);
        let count = rows * unit.windows.0.len();
        let epsilon = whole(unit.epsilon, 2 * input.fraction);
        let epsilon = self.protocol.public(&vec![epsilon; count], input.ring);
        let root = positive(self.protocol, P::add_sum(squares, P::Sum::from(&epsilon)), plan)?;
        let drop = u32::try_from(plan.normal.last_drop).unwrap_or(0);
        let root = self.protocol.truncate(root, drop, own.ring)?;
        let root = P::scale(&root, 1 << plan.normal.last_drop.min(0).unsigned_abs());
        let of = by_row(&unit.of, unit.windows.0.len(), rows);
        Ok(Value::Sum(self.protocol.multiply(&P::reduce(&x, own.ring), &P::gather(&root, &of))))
    }
}

/// The nearest integer, of up to 63 bits.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the planner holds it in the ring
fn whole(x: f64, fraction_bits: u32) -> u64 {
    (x * power_of_two(fraction_bits.into())).round() as u64
}
