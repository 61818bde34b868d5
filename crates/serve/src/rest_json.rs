//! The JSON part of a REST infer call.

use std::collections::BTreeMap;

use privet_deploy::Error;
use privet_deploy::oip::Parameter;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The JSON part of a call. Values stay unread text until their datatype is known.
#[derive(Deserialize)]
pub struct Head<'a> {
    /// The caller's own id.
    pub id: Option<String>,
    /// Anything else.
    pub parameters: Option<BTreeMap<String, Scalar>>,
    /// What goes in.
    #[serde(borrow)]
    pub inputs: Vec<Input<'a>>,
    /// What is wanted.
    pub outputs: Option<Vec<Output>>,
}

/// One input.
#[derive(Deserialize)]
pub struct Input<'a> {
    /// Its name.
    pub name: String,
    /// Its datatype.
    pub datatype: String,
    /// Its sizes.
    pub shape: Vec<i64>,
    /// `binary_data_size`, if its values follow after the JSON.
    pub parameters: Option<BTreeMap<String, Scalar>>,
    /// Its values, if they are here.
    #[serde(borrow)]
    pub data: Option<&'a RawValue>,
}

/// One wanted output.
#[derive(Deserialize)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// `binary_data`, if its values should follow after the JSON.
    pub parameters: Option<BTreeMap<String, Scalar>>,
}

/// A parameter's value.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// Text.
    Text(String),
}

impl From<Scalar> for Parameter {
    fn from(value: Scalar) -> Self {
        match value {
            Scalar::Bool(value) => Self::Bool(value),
            Scalar::Int(value) => Self::Int(value),
            Scalar::Double(value) => Self::Double(value),
            Scalar::Text(value) => Self::Text(value),
        }
    }
}

impl Head<'_> {
    /// Reads the JSON part. Its text must already be standard JSON, see [`crate::json_tokens::standard`].
    pub fn read(json: &[u8]) -> Result<Head<'_>, Error> {
        serde_json::from_slice(json).map_err(|error| unreadable(&error))
    }
}

/// True or false under this key, if there is one.
pub fn flag(parameters: Option<&BTreeMap<String, Scalar>>, key: &str) -> Result<Option<bool>, Error> {
    match parameters.and_then(|all| all.get(key)) {
        None => Ok(None),
        Some(Scalar::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(Error::usage("E152", format!("The parameter `{key}` must be true or false."))),
    }
}

/// The parser's own words may quote a value. Only a field's name and the place are told.
fn unreadable(error: &serde_json::Error) -> Error {
    let place = format!("line {} column {}", error.line(), error.column());
    let words = error.to_string();
    let what = if error.is_syntax() || error.is_eof() {
        "is not JSON".into()
    } else if words.starts_with("missing field") || words.starts_with("duplicate field") {
        format!("has a {}", words.split(" at line").next().unwrap_or_default())
    } else {
        "is not an infer request of the Open Inference Protocol".into()
    };
    Error::usage(
        "E150",
        format!(
            "The request {what} ({place}). Expected an object with `inputs`, each with `name`, `datatype`, `shape` and `data`."
        ),
    )
}
