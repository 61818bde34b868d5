//! One value for each window: sums, which are local, and the greatest.

use privet_model::graph::Windows;
use privet_model::private::StepId;

use super::Runner;
use super::values::by_row;
use crate::Abort;
use crate::functions::extremes::{argmax, max};
use crate::protocols::protocol::Protocol;

impl<P: Protocol> Runner<'_, P> {
    /// Sums over windows; shorter windows are filled up with a zero.
    pub(super) fn sums(&mut self, at: StepId, windows: &Windows) -> Result<P::Share, Abort> {
        let ring = self.numbers(at).ring;
        let (x, width) = (self.share_in(at, 0, ring)?, self.width_in(at, 0));
        let (places, longest) = self.filled(windows, width, P::len(&x));
        let x = P::concat(&[&x, &self.protocol.public(&[0], ring)]);
        Ok(P::sum_rows(&P::gather(&x, &places), longest))
    }

    /// The places of all windows of all rows, all as long as the longest: filled up with the place of a zero.
    pub(super) fn filled(&self, windows: &Windows, width: usize, zero: usize) -> (Vec<usize>, usize) {
        let longest = longest(windows);
        let mut places = Vec::with_capacity(self.inputs.rows * windows.0.len() * longest);
        for r in 0..self.inputs.rows {
            for window in &windows.0 {
                places.extend(window.iter().map(|i| r * width + i));
                places.extend(std::iter::repeat_n(zero, longest - window.len()));
            }
        }
        (places, longest)
    }

    /// The greatest of each window, all windows at once.
    pub(super) fn greatest(&mut self, at: StepId, windows: &Windows) -> Result<P::Share, Abort> {
        let own = self.numbers(at).ring;
        let ring = self.numbers(self.program.steps[at].inputs[0]).ring;
        let x = self.share_in(at, 0, ring)?;
        let longest = longest(windows);
        // A window that is shorter has its first value again.
        let filled: Vec<usize> =
            windows.0.iter().flat_map(|w| (0..longest).map(|i| w.get(i).copied().unwrap_or(w[0]))).collect();
        let places = by_row(&filled, self.width_in(at, 0), self.inputs.rows);
        Ok(P::reduce(&max(self.protocol, &x, &places, longest)?, own))
    }

    /// Ones at the first greatest of each group.
    pub(super) fn hottest(&mut self, at: StepId, group: usize) -> Result<P::Share, Abort> {
        let ring = self.numbers(self.program.steps[at].inputs[0]).ring;
        let x = self.share_in(at, 0, ring)?;
        let bits = argmax(self.protocol, &x, group)?;
        self.protocol.bit_to_arith(&bits, self.numbers(at).ring)
    }
}

fn longest(windows: &Windows) -> usize {
    windows.0.iter().map(Vec::len).max().unwrap_or(1)
}
