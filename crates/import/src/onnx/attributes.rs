//! A node's attributes, by name and kind, with the defaults that the operator's definition gives.

use privet_model::Refusal;

use super::call::{Call, Stop};
use super::tensor::{self, Constant, finite};
use crate::onnx_proto::AttributeProto;

impl Call<'_, '_> {
    pub(crate) fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).and_then(|a| a.i).unwrap_or(default)
    }

    pub(crate) fn ints(&self, name: &str) -> Vec<i64> {
        self.attribute(name).map(|a| a.ints.clone()).unwrap_or_default()
    }

    pub(crate) fn optional_ints(&self, name: &str) -> Option<Vec<i64>> {
        self.attribute(name).map(|a| a.ints.clone())
    }

    /// A word of the file's own.
    pub(crate) fn text(&self, name: &str) -> Result<String, Refusal> {
        let bytes = self.attribute(name).and_then(|a| a.s.clone()).unwrap_or_default();
        Ok(tensor::texts(&[bytes], &self.attribute_name(name))?.remove(0))
    }

    /// The same where the attribute may be missing.
    pub(crate) fn optional_int(&self, name: &str) -> Option<i64> {
        self.attribute(name).and_then(|a| a.i)
    }

    /// A number that may be NaN.
    pub(crate) fn float(&self, name: &str, default: f64) -> f64 {
        self.attribute(name).and_then(|a| a.f).map_or(default, f64::from)
    }

    /// A number that may not.
    pub(crate) fn finite_float(&self, name: &str, default: f64) -> Result<f64, Refusal> {
        let value = self.float(name, default);
        finite(&[value], || self.weight_name(name)).map(|()| value)
    }

    /// Weights: all finite.
    pub(crate) fn floats(&self, name: &str) -> Result<Vec<f64>, Refusal> {
        let values: Vec<f64> =
            self.attribute(name).map(|a| a.floats.iter().map(|&x| x.into()).collect()).unwrap_or_default();
        finite(&values, || self.weight_name(name)).map(|()| values)
    }

    /// Numbers in a list, or in a tensor of the same name with `_as_tensor`, where they may be float64.
    pub(crate) fn numbers_of(&self, name: &str) -> Result<Vec<f64>, Refusal> {
        let listed = self.floats(name)?;
        if !listed.is_empty() {
            return Ok(listed);
        }
        let tensor = self.tensor(&format!("{name}_as_tensor"))?;
        Ok(tensor.and_then(|t| t.data.to_f64()).unwrap_or_default())
    }

    pub(crate) fn strings(&self, name: &str) -> Result<Vec<String>, Refusal> {
        self.attribute(name).map_or(Ok(Vec::new()), |a| tensor::texts(&a.strings, &self.attribute_name(name)))
    }

    /// One of these words; `default` where the attribute is missing.
    pub(crate) fn word<'w>(
        &self,
        name: &str,
        default: &'w str,
        allowed: &[&'w str],
    ) -> Result<&'w str, Stop> {
        let Some(given) = self.attribute(name).and_then(|a| a.s.as_deref()) else { return Ok(default) };
        if let Some(word) = allowed.iter().find(|word| word.as_bytes() == given) {
            return Ok(word);
        }
        let given = String::from_utf8_lossy(given);
        let hint = format!("Export with one of: {}.", allowed.join(", "));
        Err(Stop::problem(format!("Its attribute `{name}` is {given}, which is not supported."), hint))
    }

    /// A tensor.
    pub(crate) fn tensor(&self, name: &str) -> Result<Option<Constant>, Refusal> {
        let tensor = self.attribute(name).and_then(|a| a.t.as_deref());
        tensor.map(|t| tensor::constant(t, self.name(), self.builder.beside)).transpose()
    }

    /// The attribute must have this value, or be missing.
    pub(crate) fn only(&self, name: &str, value: i64, hint: &str) -> Result<(), Stop> {
        match self.int(name, value) {
            given if given == value => Ok(()),
            given => Err(Stop::problem(
                format!("Its attribute `{name}` is {given}; only {value} is supported."),
                hint,
            )),
        }
    }

    fn attribute_name(&self, attribute: &str) -> String {
        format!("{}.{attribute}", self.name())
    }

    fn weight_name(&self, attribute: &str) -> String {
        format!("Weight `{}`", self.attribute_name(attribute))
    }
}
