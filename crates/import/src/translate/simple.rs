//! Operators that become one or two nodes on whole values.

use super::attribute::{float, int, word};
use super::{Draft, Name};

impl Draft {
    /// `min(max(x, low), high)`; an end that is not given is open.
    pub(crate) fn clip(&mut self, x: &str, low: f32, high: Option<f32>, data_type: i32) -> Name {
        let low = self.number(low, data_type);
        match high.map(|high| self.number(high, data_type)) {
            Some(high) => self.map("Clip", &[x, &low, &high], Vec::new()),
            None => self.map("Clip", &[x, &low], Vec::new()),
        }
    }

    /// `1/√x`.
    pub(crate) fn rsqrt(&mut self, x: &str) -> Name {
        let root = self.map("Sqrt", &[x], Vec::new());
        self.map("Reciprocal", &[&root], Vec::new())
    }

    /// `x²`.
    pub(crate) fn square(&mut self, x: &str, data_type: i32) -> Name {
        let two = self.number(2.0, data_type);
        self.map("Pow", &[x, &two], Vec::new())
    }

    /// `(a - b)²`.
    pub(crate) fn squared_difference(&mut self, a: &str, b: &str) -> Name {
        let difference = self.binary("Sub", a, b);
        self.binary("Mul", &difference, &difference)
    }

    /// Whether `a` is not `b`.
    pub(crate) fn not_equal(&mut self, a: &str, b: &str) -> Name {
        let equal = self.binary("Equal", a, b);
        self.map("Not", &[&equal], Vec::new())
    }

    /// `x·Φ(x)`, or its approximation by the hyperbolic tangent.
    pub(crate) fn gelu(&mut self, x: &str, approximate: bool) -> Name {
        let approximate = if approximate { "tanh" } else { "none" };
        self.map("Gelu", &[x], vec![word("approximate", approximate)])
    }

    /// Below zero, `slope·x`.
    pub(crate) fn leaky_relu(&mut self, x: &str, slope: f32) -> Name {
        self.map("LeakyRelu", &[x], vec![float("alpha", slope)])
    }

    /// The place of the greatest (`ArgMax`) or least value.
    pub(crate) fn arg(&mut self, op: &str, x: &str, axis: i64, to: i32) -> Name {
        let place = self.emit(op, &[x], vec![int("axis", axis), int("keepdims", 0)]);
        if to == super::draft::INT64 { place } else { self.cast(&place, to) }
    }

    pub(crate) fn cast(&mut self, x: &str, to: i32) -> Name {
        self.map("Cast", &[x], vec![int("to", to.into())])
    }

    /// A sum, mean, … along axes; along all where none are given.
    pub(crate) fn reduce(&mut self, op: &str, x: &str, axes: Option<&str>, keep: bool) -> Name {
        let inputs: Vec<&str> = std::iter::once(x).chain(axes).collect();
        self.emit(op, &inputs, vec![int("keepdims", keep.into())])
    }

    /// `a·b`, each transposed in its last two dimensions where that is asked for. `None` where it takes more than is known.
    pub(crate) fn matrix_product(&mut self, a: &str, b: &str, turn: [bool; 2]) -> Option<Name> {
        let (a, b) = (self.adjoint(a, turn[0])?, self.adjoint(b, turn[1])?);
        Some(self.emit("MatMul", &[&a, &b], Vec::new()))
    }

    fn adjoint(&mut self, x: &str, turn: bool) -> Option<Name> {
        if !turn {
            return Some(x.into());
        }
        let rank = i64::try_from(self.rank(x)?).ok().filter(|rank| *rank >= 2)?;
        let order: Vec<i64> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
        Some(self.emit("Transpose", &[x], vec![super::attribute::ints("perm", &order)]))
    }
}
