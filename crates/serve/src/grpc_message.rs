//! gRPC messages to and from the protocol's plain values, in both roles.

use std::collections::BTreeMap;

use bytes::Bytes;
use privet_deploy::oip::{InferReply, InferRequest, Metadata, Parameter, RawTensor, TensorMetadata};
use privet_deploy::{Blame, Error};

use crate::grpc_contents::{is_empty, to_raw};
use crate::proto::infer_parameter::ParameterChoice;
use crate::proto::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use crate::proto::model_infer_response::InferOutputTensor;
use crate::proto::model_metadata_response::TensorMetadata as MetadataMessage;
use crate::proto::{InferParameter, ModelInferRequest, ModelInferResponse, ModelMetadataResponse};
use crate::tensor::{check, form};

type Parameters = BTreeMap<String, InferParameter>;

/// What a server reads.
pub fn request_from_message(message: ModelInferRequest) -> Result<InferRequest, Error> {
    let ModelInferRequest {
        model_name,
        model_version,
        id,
        parameters,
        inputs,
        outputs,
        raw_input_contents: raw,
    } = message;
    for output in &outputs {
        refuse_tensor_parameters(&output.name, output.parameters.keys())?;
    }
    Ok(InferRequest {
        model: model_name,
        version: model_version,
        id,
        parameters: parameters_from(parameters)?,
        inputs: inputs_from(inputs, raw)?,
        outputs: outputs.into_iter().map(|output| output.name).collect(),
        caller: None,
    })
}

/// What a client sends.
pub fn message_from_request(request: InferRequest) -> ModelInferRequest {
    let (inputs, raw_input_contents) = request
        .inputs
        .into_iter()
        .map(|RawTensor { name, datatype, shape, data }| {
            (InferInputTensor { name, datatype, shape, ..Default::default() }, data)
        })
        .unzip();
    ModelInferRequest {
        model_name: request.model,
        model_version: request.version,
        id: request.id,
        parameters: parameters_to(request.parameters),
        inputs,
        outputs: request
            .outputs
            .into_iter()
            .map(|name| InferRequestedOutputTensor { name, ..Default::default() })
            .collect(),
        raw_input_contents,
    }
}

/// What a server answers.
pub fn message_from_reply(reply: InferReply, host: &Metadata) -> ModelInferResponse {
    let (outputs, raw_output_contents) = reply
        .outputs
        .into_iter()
        .map(|RawTensor { name, datatype, shape, data }| {
            (InferOutputTensor { name, datatype, shape, ..Default::default() }, data)
        })
        .unzip();
    ModelInferResponse {
        model_name: host.name.clone(),
        model_version: host.version.clone(),
        id: reply.id,
        parameters: parameters_to(reply.parameters),
        outputs,
        raw_output_contents,
    }
}

/// What a client reads.
pub fn reply_from_message(message: ModelInferResponse) -> Result<InferReply, Error> {
    let ModelInferResponse { id, parameters, outputs, raw_output_contents: raw, .. } = message;
    let typed = raw.is_empty();
    if !typed && raw.len() != outputs.len() {
        return Err(malformed_reply());
    }
    let mut raw = raw.into_iter();
    let outputs = outputs.into_iter().map(|output| {
        let InferOutputTensor { name, datatype, shape, contents, .. } = output;
        let data = match raw.next() {
            Some(data) => data,
            None => to_raw(&name, &datatype, contents.unwrap_or_default())?,
        };
        checked(RawTensor { name, datatype, shape, data })
    });
    let outputs = outputs.collect::<Result<_, Error>>().map_err(|_| malformed_reply())?;
    Ok(InferReply { id, parameters: parameters_from(parameters).map_err(|_| malformed_reply())?, outputs })
}

/// A model's metadata, for a client.
pub fn message_from_metadata(metadata: &Metadata, versions: Vec<String>) -> ModelMetadataResponse {
    let tensors = |all: &[TensorMetadata]| {
        all.iter()
            .map(|TensorMetadata { name, datatype, shape }| MetadataMessage {
                name: name.clone(),
                datatype: datatype.clone(),
                shape: shape.clone(),
            })
            .collect()
    };
    ModelMetadataResponse {
        name: metadata.name.clone(),
        versions,
        platform: metadata.platform.clone(),
        inputs: tensors(&metadata.inputs),
        outputs: tensors(&metadata.outputs),
        parameters: parameters_to(metadata.parameters.clone()),
    }
}

/// A model's metadata, from a server.
pub fn metadata_from_message(message: ModelMetadataResponse) -> Result<Metadata, Error> {
    let tensors = |all: Vec<MetadataMessage>| {
        all.into_iter()
            .map(|MetadataMessage { name, datatype, shape }| TensorMetadata { name, datatype, shape })
            .collect()
    };
    Ok(Metadata {
        name: message.name,
        version: message.versions.into_iter().next().unwrap_or_default(),
        platform: message.platform,
        inputs: tensors(message.inputs),
        outputs: tensors(message.outputs),
        parameters: parameters_from(message.parameters).map_err(|_| malformed_reply())?,
    })
}

/// Refuses what would silently change the answer if it were passed over.
pub(crate) fn refuse_tensor_parameters<'a>(
    name: &str,
    keys: impl IntoIterator<Item = &'a String>,
) -> Result<(), Error> {
    match keys.into_iter().find(|key| key.starts_with("shared_memory") || *key == "classification") {
        None => Ok(()),
        Some(key) => Err(Error::usage(
            "E152",
            format!(
                "Tensor `{name}` asks for `{key}`, which this server does not have. Send and take the values themselves."
            ),
        )),
    }
}

fn inputs_from(inputs: Vec<InferInputTensor>, raw: Vec<Bytes>) -> Result<Vec<RawTensor>, Error> {
    if !raw.is_empty() && raw.len() != inputs.len() {
        return Err(Error::usage(
            "E151",
            format!(
                "The request has {} inputs and {} entries of `raw_input_contents`. Send one for each input, or none.",
                inputs.len(),
                raw.len()
            ),
        ));
    }
    let mut raw = raw.into_iter();
    inputs.into_iter().map(|input| input_from(input, raw.next())).collect()
}

fn input_from(input: InferInputTensor, raw: Option<Bytes>) -> Result<RawTensor, Error> {
    let InferInputTensor { name, datatype, shape, parameters, contents } = input;
    refuse_tensor_parameters(&name, parameters.keys())?;
    let contents = contents.unwrap_or_default();
    let data = match raw {
        Some(_) if !is_empty(&contents) => {
            return Err(form(&name, "is there twice: raw and in `contents`. Send it once."));
        }
        Some(raw) => raw,
        None => to_raw(&name, &datatype, contents)?,
    };
    checked(RawTensor { name, datatype, shape, data })
}

fn checked(tensor: RawTensor) -> Result<RawTensor, Error> {
    check(&tensor).map(|()| tensor)
}

fn parameters_from(parameters: Parameters) -> Result<Vec<(String, Parameter)>, Error> {
    parameters
        .into_iter()
        .map(|(key, value)| Ok((parameter_from(&key, value)?, key)))
        .map(|r| r.map(|(v, k)| (k, v)))
        .collect()
}

fn parameter_from(key: &str, value: InferParameter) -> Result<Parameter, Error> {
    let bad = || {
        Error::usage(
            "E152",
            format!(
                "The parameter `{key}` has no value, or one of 2^63 or more. Give it a value, or leave it out."
            ),
        )
    };
    Ok(match value.parameter_choice.ok_or_else(bad)? {
        ParameterChoice::BoolParam(value) => Parameter::Bool(value),
        ParameterChoice::Int64Param(value) => Parameter::Int(value),
        ParameterChoice::Uint64Param(value) => Parameter::Int(value.try_into().map_err(|_| bad())?),
        ParameterChoice::DoubleParam(value) => Parameter::Double(value),
        ParameterChoice::StringParam(value) => Parameter::Text(value),
    })
}

fn parameters_to(parameters: Vec<(String, Parameter)>) -> Parameters {
    parameters.into_iter().map(|(key, value)| (key, parameter_to(value))).collect()
}

fn parameter_to(value: Parameter) -> InferParameter {
    let choice = match value {
        Parameter::Bool(value) => ParameterChoice::BoolParam(value),
        Parameter::Int(value) => ParameterChoice::Int64Param(value),
        Parameter::Double(value) => ParameterChoice::DoubleParam(value),
        Parameter::Text(value) => ParameterChoice::StringParam(value),
    };
    InferParameter { parameter_choice: Some(choice) }
}

fn malformed_reply() -> Error {
    Error::new(
        Blame::Integrity,
        "E306",
        "The server's reply does not fit together (its tensors' shapes, datatypes and sizes), so it was not used. Check that both sides run the same version.",
    )
}
