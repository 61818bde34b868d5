//! How far a step in fixed point can be from the same step in real numbers, on the same weights and sums and whatever the rows are: the worst case.
//!
//! Written for what is held: gradients are held scaled by [`Numbers::gradient_scale`], and rates make up for that.

use privet_ring::fixed::power_of_two;

use super::Loss;
use super::numbers::{FINER, LIMIT_BITS, Numbers, RATE, ROWS, SCORES, SQUARES, WEIGHTS, unit};

impl Numbers {
    /// No weight is farther than this from where the step in float64 brings it, at this step, from 1. Without noise. Adam's error is the less
    /// the greater its sum of squares is after the step, in float64: with 0 this holds whatever it is.
    pub fn step_error(&self, step: u64, second: f64) -> f64 {
        let rate = self.rate(step) as f64 / power_of_two(RATE.into());
        rate * self.direction_error(second) + unit(WEIGHTS) + self.of_float64()
    }

    /// How far off the loss of a row can be, as it is summed up.
    pub fn loss_error(&self) -> f64 {
        match (&self.softplus, self.recipe.loss) {
            // A loss changes no faster than its score.
            (Some(softplus), Loss::Logistic) => softplus.error + unit(SCORES),
            // And here no faster than by the greatest residual; scores and labels are both off by a unit.
            _ => self.residual() * 2.0 * unit(SQUARES),
        }
    }

    /// Rows whose scores are within this of a limit may be counted on either side of it; all others are on the right one.
    pub fn limit_error(&self) -> f64 {
        unit(LIMIT_BITS + FINER)
    }

    /// Of a residual: that of the function, and a unit of the score, of which the logistic function keeps a quarter.
    fn residual_error(&self) -> f64 {
        self.sigmoid.as_ref().map_or(unit(SCORES), |sigmoid| sigmoid.error + unit(SCORES) / 4.0)
    }

    /// Of the gradient as it is held.
    fn gradient_error(&self) -> f64 {
        let of_rows = (self.recipe.largest + unit(ROWS)) * self.residual_error();
        let of_penalty = self.penalty_error() * self.weight;
        self.gradient_scale() * (of_rows + of_penalty) + unit(self.gradient)
    }

    /// Of what the rate multiplies.
    fn direction_error(&self, second: f64) -> f64 {
        let of_gradient = self.gradient_error();
        let Some(adam) = &self.adam else { return of_gradient };
        let [first, _] = adam.decays();
        // Its sum of gradients is truncated once more.
        let of_first = of_gradient + unit(self.gradient);
        let most_first = self.most_gradient() / (1.0 - first) + of_first;
        // The root of the sum of squares, and ε, is a norm, of which the gradient is one element: it is off by no more than that is, and by the
        // truncation of the sum.
        let (unit, norm) = (unit(adam.second), (second + adam.epsilon()).sqrt());
        let least = (norm - of_gradient).max(adam.epsilon().sqrt());
        let held = (least * least - unit).sqrt();
        let of_norm = (of_gradient + unit / held) / held;
        let relative = (1.0 + of_norm) * (1.0 + adam.root.relative) - 1.0;
        let greatest = adam.quotient(self.gradient) + of_first / norm;
        of_first / norm + greatest * relative + most_first * adam.root.absolute
    }

    /// Of the reference itself, whose sums have as many terms as there are columns and rows: far less.
    fn of_float64(&self) -> f64 {
        unit(44) * self.weight
    }
}
