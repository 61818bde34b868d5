//! Factors and summands behind a matrix or a convolution, as exporters write a bias or a normalisation of batches: taken into its
//! weights, they cost nothing between parties.

use super::super::action::{Action, StepId};
use super::super::draft::Secret;
use super::Lowering;
use crate::graph::Node;

impl Lowering<'_> {
    /// The step of the matrix before an affine node, with what the node does in its weights; nothing where something else needs the
    /// matrix as it is.
    pub(super) fn absorbed(&mut self, node: &Node, scale: &[f64], shift: &[f64]) -> Option<StepId> {
        let before = node.inputs[0];
        let uses = self.graph.nodes.iter().filter(|n| n.inputs.contains(&before)).count();
        let is_shown = self.graph.outputs.iter().any(|(_, id)| *id == before);
        if uses != 1 || is_shown || !self.is_inside(before.0) {
            return None;
        }
        let step = self.steps[before.0]?;
        let (weights, bias, places) = match &self.draft.steps[step].action {
            Action::Linear { weights, bias } => (*weights, *bias, 1),
            Action::Conv { conv, weights, bias } => (*weights, *bias, conv.out[0] * conv.out[1]),
            _ => return None,
        };
        let rows = scale.len() / places;
        let alike = |v: &[f64]| v.chunks(places).all(|c| c.iter().all(|x| x.to_bits() == c[0].to_bits()));
        if self.draft.secrets[weights].whole || !alike(scale) || !alike(shift) {
            return None;
        }
        let of_row: Vec<(f64, f64)> = (0..rows).map(|r| (scale[r * places], shift[r * places])).collect();
        let length = self.draft.secrets[weights].values.len() / rows.max(1);
        let weights = &mut self.draft.secrets[weights];
        *weights = moved(weights, |i| (of_row[i / length.max(1)].0, 0.0));
        let bias = &mut self.draft.secrets[bias];
        *bias = moved(bias, |i| of_row[i]);
        Some(step)
    }
}

/// By value, a factor and a summand, and how far float64 is off then.
fn moved(secret: &Secret, by: impl Fn(usize) -> (f64, f64)) -> Secret {
    let one = |(i, &x): (usize, &f64)| {
        let (scale, shift) = by(i);
        let product = x * scale;
        let value = product + shift;
        let is_exact = (x == 0.0 || scale.to_bits() == 1f64.to_bits(), shift == 0.0 || product == 0.0);
        let rounded =
            if is_exact.0 { 0.0 } else { product.abs() } + if is_exact.1 { 0.0 } else { value.abs() };
        (value, (secret.error(i) * scale.abs() + rounded * f64::EPSILON) * (1.0 + 4.0 * f64::EPSILON))
    };
    let (values, errors) = secret.values.iter().enumerate().map(one).unzip();
    Secret { values, errors, whole: false }
}
