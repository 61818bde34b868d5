//! A REST infer call: JSON, and behind it the raw values of those inputs that say so (the binary tensor
//! extension). Every size is held against what is present.

use std::collections::BTreeMap;

use bytes::Bytes;
use privet_deploy::Error;
use privet_deploy::oip::{InferRequest, RawTensor};

use crate::grpc_message::refuse_tensor_parameters;
use crate::json_tokens::standard;
use crate::json_values;
use crate::rest_json::{Head, Input, Output, Scalar, flag};
use crate::tensor::{check, form};

/// Which outputs the caller wants as raw bytes behind the JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    default: bool,
    by_name: BTreeMap<String, bool>,
}

impl Wanted {
    /// Whether this output goes out as raw bytes.
    pub fn binary(&self, output: &str) -> bool {
        self.by_name.get(output).copied().unwrap_or(self.default)
    }
}

/// The header that says where the JSON ends and raw bytes begin, in both directions.
pub const HEADER: &str = "inference-header-content-length";

/// Reads a call to `model`. `json_length` is the value of [`HEADER`], if there is one.
pub fn read(model: &str, json_length: Option<&str>, body: &Bytes) -> Result<(InferRequest, Wanted), Error> {
    let json_length = json_length.map_or(Ok(body.len()), |text| length(text, body.len()))?;
    let json = standard(body.get(..json_length).unwrap_or_default());
    let head = Head::read(&json)?;
    let mut binary = Binary { body, at: json_length };
    let inputs = head.inputs.into_iter().map(|input| binary.input(input)).collect::<Result<_, _>>()?;
    binary.finish()?;
    let outputs = head.outputs.unwrap_or_default();
    let wanted = wanted(head.parameters.as_ref(), &outputs)?;
    let request = InferRequest {
        model: model.into(),
        version: String::new(),
        id: head.id.unwrap_or_default(),
        parameters: head
            .parameters
            .unwrap_or_default()
            .into_iter()
            .filter(|(key, _)| key != BINARY_OUTPUT)
            .map(|(key, value)| (key, value.into()))
            .collect(),
        inputs,
        outputs: outputs.into_iter().map(|output| output.name).collect(),
        caller: None,
    };
    Ok((request, wanted))
}

const BINARY_OUTPUT: &str = "binary_data_output";
const BINARY_SIZE: &str = "binary_data_size";

/// The bytes behind the JSON, taken from the front by one input after the other.
struct Binary<'a> {
    body: &'a Bytes,
    at: usize,
}

impl Binary<'_> {
    fn input(&mut self, input: Input<'_>) -> Result<RawTensor, Error> {
        let Input { name, datatype, shape, parameters, data } = input;
        let parameters = parameters.unwrap_or_default();
        refuse_tensor_parameters(&name, parameters.keys())?;
        let data = match (parameters.get(BINARY_SIZE), data) {
            (Some(size), None) => self.take(&name, size)?,
            (None, Some(json)) => json_values::read(&name, &datatype, &shape, json.get())?.into(),
            (Some(_), Some(_)) => {
                return Err(form(
                    &name,
                    format!("has both `data` and `{BINARY_SIZE}`. Send its values once."),
                ));
            }
            (None, None) => {
                return Err(form(&name, format!("has neither `data` nor `{BINARY_SIZE}`. Send its values.")));
            }
        };
        let tensor = RawTensor { name, datatype, shape, data };
        check(&tensor)?;
        Ok(tensor)
    }

    fn take(&mut self, name: &str, size: &Scalar) -> Result<Bytes, Error> {
        let Scalar::Int(size) = size else {
            return Err(form(
                name,
                format!("has a `{BINARY_SIZE}` that is not a whole number. Send its size in bytes."),
            ));
        };
        let present = self.body.len() - self.at;
        match usize::try_from(*size) {
            Ok(size) if size <= present => {
                let data = self.body.slice(self.at..self.at + size);
                self.at += size;
                Ok(data)
            }
            _ => Err(form(
                name,
                format!(
                    "has a `{BINARY_SIZE}` of {size}, and {present} bytes are left of the request. Check `Inference-Header-Content-Length` and the sizes."
                ),
            )),
        }
    }

    fn finish(self) -> Result<(), Error> {
        match self.body.len() - self.at {
            0 => Ok(()),
            left => Err(Error::usage(
                "E153",
                format!(
                    "{left} bytes are left after the last input. Check `Inference-Header-Content-Length` and each `{BINARY_SIZE}`."
                ),
            )),
        }
    }
}

fn length(text: &str, body: usize) -> Result<usize, Error> {
    text.parse().ok().filter(|length| *length <= body).ok_or_else(|| {
        let shown: String = text.chars().take(20).collect();
        Error::usage("E153", format!("`Inference-Header-Content-Length` is `{shown}`; expected the length of the JSON part, at most the request's {body} bytes."))
    })
}

fn wanted(parameters: Option<&BTreeMap<String, Scalar>>, outputs: &[Output]) -> Result<Wanted, Error> {
    let mut wanted =
        Wanted { default: flag(parameters, BINARY_OUTPUT)?.unwrap_or(false), by_name: BTreeMap::new() };
    for Output { name, parameters } in outputs {
        refuse_tensor_parameters(name, parameters.iter().flat_map(BTreeMap::keys))?;
        if let Some(binary) = flag(parameters.as_ref(), "binary_data")? {
            wanted.by_name.insert(name.clone(), binary);
        }
    }
    Ok(wanted)
}
