//! Products with the owner's tensors, and of two values.

use privet_model::graph::{Conv, MatMul};
use privet_model::private::StepId;
use privet_ring::conv::Conv2d;

use super::Runner;
use super::values::{Owned, Value};
use crate::Abort;
use crate::protocols::protocol::{Matrices, Operand, Protocol};

impl<P: Protocol> Runner<'_, P> {
    pub(super) fn linear(&mut self, at: StepId, weights: usize, bias: usize) -> Result<Value<P>, Abort> {
        let k = self.numbers(at).ring;
        let places: Vec<usize> = (0..self.program.steps[at].width).collect();
        // Columns that stand as a sum went through this matrix while they were expanded.
        if let Value::Sum(_) = self.values[self.program.steps[at].inputs[0]] {
            let product = self.sum(at, 0)?;
            return Ok(self.with_bias(product, bias, &places, k));
        }
        let x = self.share_in(at, 0, k)?;
        let (inner, columns) = (self.width_in(at, 0), self.program.steps[at].width);
        let shape = Matrices { rows: self.inputs.rows, inner, columns };
        let secrets = self.inputs.secrets;
        let product = self.protocol.matmul(Operand::Secret(&x), secrets[weights].operand(), k, shape);
        Ok(self.with_bias(product, bias, &places, k))
    }

    pub(super) fn convolution(
        &mut self,
        at: StepId,
        conv: &Conv,
        weights: usize,
        bias: usize,
    ) -> Result<Value<P>, Abort> {
        let k = self.numbers(at).ring;
        let x = self.share_in(at, 0, k)?;
        let shape = convolution(conv, self.inputs.rows);
        let secrets = self.inputs.secrets;
        let product = self.protocol.convolve(Operand::Secret(&x), secrets[weights].operand(), k, &shape);
        let area = conv.out[0] * conv.out[1];
        let places: Vec<usize> = (0..conv.filters).flat_map(|f| std::iter::repeat_n(f, area)).collect();
        Ok(self.with_bias(product, bias, &places, k))
    }

    pub(super) fn scaling(&mut self, at: StepId, factors: usize, shift: usize) -> Result<Value<P>, Abort> {
        let (k, width, rows) = (self.numbers(at).ring, self.program.steps[at].width, self.inputs.rows);
        let x = self.share_in(at, 0, k)?;
        let secrets = self.inputs.secrets;
        let product = match &secrets[factors] {
            Owned::Secret(factors) => {
                let factors = P::gather(factors, &super::repeat(width, rows));
                self.protocol.multiply(&x, &factors)
            }
            Owned::Public(factors) => P::Sum::from(&P::mul_public(&x, &factors.repeat(rows))),
        };
        let places: Vec<usize> = (0..width).collect();
        Ok(self.with_bias(product, shift, &places, k))
    }

    /// Adds value `places[i]` of a secret to value `i` of each row.
    fn with_bias(&self, product: P::Sum, bias: usize, places: &[usize], k: u32) -> Value<P> {
        let one = self.inputs.secrets[bias].share(&*self.protocol, k);
        let all: Vec<usize> = (0..self.inputs.rows).flat_map(|_| places.iter().copied()).collect();
        Value::Sum(P::add_sum(product, P::Sum::from(&P::gather(&one, &all))))
    }

    /// A stack of products of matrices of values: their rows and columns side by side, as inner products.
    pub(super) fn matrices(&mut self, at: StepId, shape: MatMul) -> Result<Value<P>, Abort> {
        let k = self.numbers(at).ring;
        let (x, y) = (self.share_in(at, 0, k)?, self.share_in(at, 1, k)?);
        let MatMul { stack, rows, inner, columns } = shape;
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for s in 0..self.inputs.rows * stack {
            for i in 0..rows {
                for j in 0..columns {
                    left.extend((0..inner).map(|l| (s * rows + i) * inner + l));
                    right.extend((0..inner).map(|l| (s * inner + l) * columns + j));
                }
            }
        }
        Ok(Value::Sum(self.protocol.dot(&P::gather(&x, &left), &P::gather(&y, &right), inner)))
    }
}

fn convolution(conv: &Conv, batch: usize) -> Conv2d {
    let after = |axis: usize| {
        let reach =
            (conv.out[axis] - 1) * conv.strides[axis] + conv.dilations[axis] * (conv.kernel[axis] - 1) + 1;
        reach.saturating_sub(conv.pads_before[axis] + conv.image[axis])
    };
    Conv2d {
        batch,
        channels: conv.channels,
        size: conv.image,
        filters: conv.filters,
        kernel: conv.kernel,
        strides: conv.strides,
        dilations: conv.dilations,
        pads_before: conv.pads_before,
        pads_after: [after(0), after(1)],
        groups: conv.groups,
    }
}
