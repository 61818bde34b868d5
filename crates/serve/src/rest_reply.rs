//! The reply to a REST infer call: JSON, and behind it the raw values of those outputs that were wanted so.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use privet_deploy::oip::{InferReply, Metadata, Parameter, RawTensor};
use privet_deploy::{Blame, Error};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::rest_binary::{HEADER, Wanted};
use crate::tensor::{check, form, split};

/// The reply as an HTTP response.
pub fn respond(reply: &InferReply, host: &Metadata, wanted: &Wanted) -> Result<Response, Error> {
    let mut raw = Vec::new();
    let mut outputs = Vec::with_capacity(reply.outputs.len());
    for tensor in &reply.outputs {
        check(tensor).map_err(|error| ours(&error.message))?;
        outputs.push(output(tensor, wanted.binary(&tensor.name), &mut raw)?);
    }
    let head = Head {
        model_name: &host.name,
        model_version: &host.version,
        id: &reply.id,
        parameters: json_parameters(&reply.parameters),
        outputs,
    };
    let mut body = serde_json::to_vec(&head).map_err(|_| ours("It cannot be written as JSON."))?;
    let json_length = body.len();
    let binary = !raw.is_empty();
    body.append(&mut raw);
    let mut response = Body::from(body).into_response();
    let kind = if binary { "application/octet-stream" } else { "application/json" };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if binary {
        response.headers_mut().insert(HeaderName::from_static(HEADER), json_length.into());
    }
    Ok(response)
}

/// Parameters as a JSON object.
pub fn json_parameters(parameters: &[(String, Parameter)]) -> BTreeMap<&str, Value> {
    parameters.iter().map(|(key, value)| (key.as_str(), json_parameter(value))).collect()
}

#[derive(Serialize)]
struct Head<'a> {
    model_name: &'a str,
    model_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<&'a str, Value>,
    outputs: Vec<Output<'a>>,
}

#[derive(Serialize)]
struct Output<'a> {
    name: &'a str,
    datatype: &'a str,
    shape: &'a [i64],
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Values<'a>>,
}

/// A tensor's values, written one by one: no second copy of them is held.
struct Values<'a>(&'a RawTensor);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let data = &self.0.data;
        match self.0.datatype.as_str() {
            "BOOL" => to.collect_seq(data.iter().map(|&byte| byte != 0)),
            "INT8" => to.collect_seq(numbers(data, i8::from_le_bytes)),
            "INT16" => to.collect_seq(numbers(data, i16::from_le_bytes)),
            "INT32" => to.collect_seq(numbers(data, i32::from_le_bytes)),
            "INT64" => to.collect_seq(numbers(data, i64::from_le_bytes)),
            "UINT8" => to.collect_seq(numbers(data, u8::from_le_bytes)),
            "UINT16" => to.collect_seq(numbers(data, u16::from_le_bytes)),
            "UINT32" => to.collect_seq(numbers(data, u32::from_le_bytes)),
            "UINT64" => to.collect_seq(numbers(data, u64::from_le_bytes)),
            // A value that is not a number is written as `null`.
            "FP32" => to.collect_seq(numbers(data, f32::from_le_bytes)),
            "FP64" => to.collect_seq(numbers(data, f64::from_le_bytes)),
            _ => to.collect_seq(texts(data).flatten()),
        }
    }
}

fn output<'a>(tensor: &'a RawTensor, binary: bool, raw: &mut Vec<u8>) -> Result<Output<'a>, Error> {
    let RawTensor { name, datatype, shape, data } = tensor;
    let (parameters, data) = if binary {
        raw.extend_from_slice(data);
        (Some(json!({ "binary_data_size": data.len() })), None)
    } else {
        check_json(tensor)?;
        (None, Some(Values(tensor)))
    };
    Ok(Output { name, datatype, shape, parameters, data })
}

/// Whether JSON has words for all of it.
fn check_json(RawTensor { name, datatype, data, .. }: &RawTensor) -> Result<(), Error> {
    let problem = match datatype.as_str() {
        "FP32" if numbers(data, f32::from_le_bytes).any(f32::is_infinite) => "has an infinite value",
        "FP64" if numbers(data, f64::from_le_bytes).any(f64::is_infinite) => "has an infinite value",
        "BYTES" if texts(data).any(|text| text.is_none()) => "has bytes that are not text",
        "FP16" | "BF16" => "is of a datatype that JSON does not have",
        _ => return Ok(()),
    };
    Err(form(name, format!("{problem}, so it cannot be sent as JSON. Ask for it with `binary_data`.")))
}

fn numbers<T, const N: usize>(data: &[u8], value: impl Fn([u8; N]) -> T) -> impl Iterator<Item = T> {
    data.as_chunks::<N>().0.iter().map(move |bytes| value(*bytes))
}

fn texts(data: &[u8]) -> impl Iterator<Item = Option<&str>> {
    split(data).map(|element| std::str::from_utf8(element?).ok())
}

fn json_parameter(value: &Parameter) -> Value {
    match value {
        Parameter::Bool(value) => json!(value),
        Parameter::Int(value) => json!(value),
        Parameter::Double(value) => json!(value),
        Parameter::Text(value) => json!(value),
    }
}

fn ours(what: &str) -> Error {
    Error::new(
        Blame::Ours,
        "E904",
        format!(
            "The model's host gave a reply that does not fit together; that is a bug of this program. {what} Please report it."
        ),
    )
}
