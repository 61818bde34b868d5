//! The Open Inference Protocol's messages, before any host sees them.

use bytes::Bytes;
use privet_deploy::oip::{InferRequest, RawTensor};
use privet_serve::grpc_message::{
    message_from_request, metadata_from_message, reply_from_message, request_from_message,
};
use privet_serve::json_tokens::standard;
use privet_serve::proto::{ModelInferRequest, ModelInferResponse, ModelMetadataResponse};
use privet_serve::{json_values, rest_binary, tensor};
use prost::Message as _;
use serde_json::Value;

use crate::target::{Target, split, theirs};

pub(super) const TARGETS: &[Target] = &[
    Target::new("grpc_request", grpc_request, || vec![grpc()]),
    Target::new("grpc_reply", grpc_reply, || vec![grpc()]),
    Target::new("rest_request", rest_request, || {
        let length = u16::try_from(HEAD.len()).unwrap_or_default().to_le_bytes();
        vec![[&length[..], &rest()].concat()]
    }),
    Target::new("json_tokens", json_tokens, || {
        vec![HEAD.into(), b"[NaN, -Infinity, Infinity, \"NaN \\\" Infinity\", 1e5]".to_vec()]
    }),
    Target::new("json_values", json_values_target, || {
        let texts = [
            "\x05[[1, -2.5e3], [NaN, 4]]",
            "\x0b[\"a\", \"b\\\"\\u00e9\"]",
            "\x00[true, false]",
            "\x04[9007199254740993]",
        ];
        texts.map(Vec::from).into()
    }),
];

pub(super) const HEAD: &str = r#"{"id":"7","parameters":{"binary_data_output":true,"n":1,"d":0.5},"inputs":[{"name":"x","datatype":"FP32","shape":[2,3],"parameters":{"binary_data_size":24}},{"name":"y","datatype":"BYTES","shape":[2],"data":["a","b\""]},{"name":"z","datatype":"INT8","shape":[1,2],"data":[[1,-2]]}],"outputs":[{"name":"s","parameters":{"binary_data":false}}]}"#;

fn rest() -> Vec<u8> {
    [HEAD.as_bytes(), &[0; 24]].concat()
}

fn grpc() -> Vec<u8> {
    let read = rest_binary::read("m", Some(&HEAD.len().to_string()), &rest().into());
    read.map(|(request, _)| message_from_request(request).encode_to_vec()).unwrap_or_default()
}

fn is_well_formed(request: &InferRequest) {
    for raw in &request.inputs {
        assert!(tensor::check(raw).is_ok(), "a tensor is read whose parts do not fit");
    }
}

fn is_the_same(a: &InferRequest, b: &InferRequest) -> bool {
    let tensor =
        |raw: &RawTensor| (raw.name.clone(), raw.datatype.clone(), raw.shape.clone(), raw.data.clone());
    let tensors = |request: &InferRequest| request.inputs.iter().map(tensor).collect::<Vec<_>>();
    // A parameter may be no number, which equals nothing.
    let parameters = |request: &InferRequest| format!("{:?}", request.parameters);
    (&a.model, &a.id, &a.outputs) == (&b.model, &b.id, &b.outputs)
        && parameters(a) == parameters(b)
        && tensors(a) == tensors(b)
}

fn grpc_request(bytes: &[u8]) {
    let Ok(message) = ModelInferRequest::decode(bytes) else { return };
    let Some(request) = theirs(request_from_message(message)) else { return };
    is_well_formed(&request);
    let again = request_from_message(message_from_request(request.clone()));
    assert!(again.is_ok_and(|again| is_the_same(&again, &request)), "what was read does not travel");
}

/// A client's view: replies come from servers that it does not trust.
fn grpc_reply(bytes: &[u8]) {
    if let Ok(message) = ModelInferResponse::decode(bytes) {
        let _ = theirs(reply_from_message(message));
    }
    if let Ok(message) = ModelMetadataResponse::decode(bytes) {
        let _ = theirs(metadata_from_message(message));
    }
}

/// Two bytes say where the JSON ends.
fn rest_request(bytes: &[u8]) {
    let Some((length, body)) = bytes.split_first_chunk::<2>() else { return };
    let (length, body) = (u16::from_le_bytes(*length).to_string(), Bytes::copy_from_slice(body));
    for length in [Some(length.as_str()), None] {
        let Some((request, wanted)) = theirs(rest_binary::read("m", length, &body)) else { continue };
        is_well_formed(&request);
        let _ = wanted.binary("s");
        let again = request_from_message(message_from_request(request.clone()));
        assert!(
            again.is_ok_and(|again| is_the_same(&again, &request)),
            "REST reads what gRPC does not carry"
        );
    }
}

/// Standard JSON stays as it is; what becomes of the rest is standard where it stood in for one of three words.
fn json_tokens(bytes: &[u8]) {
    let out = standard(bytes);
    let before = serde_json::from_slice::<Value>(bytes);
    if let Ok(before) = &before {
        assert_eq!(
            serde_json::from_slice::<Value>(&out).ok().as_ref(),
            Some(before),
            "standard JSON was changed"
        );
    }
}

const DATATYPES: [&str; 14] = [
    "BOOL", "INT8", "INT16", "INT32", "INT64", "FP32", "FP64", "UINT8", "UINT16", "UINT32", "UINT64",
    "BYTES", "FP16", "none",
];

/// Numbers as serde reads them, whatever their nesting.
fn json_values_target(bytes: &[u8]) {
    let (datatype, json) = split(bytes);
    let datatype = DATATYPES[datatype % DATATYPES.len()];
    let json = standard(json);
    let Ok(text) = std::str::from_utf8(&json) else { return };
    let leaves = serde_json::from_str::<Value>(text).map_or(0, |value| leaves(&value));
    let shape = [i64::try_from(leaves).unwrap_or(0)];
    let Some(read) = theirs(json_values::read("x", datatype, &shape, text)) else { return };
    let raw = RawTensor {
        name: "x".into(),
        datatype: datatype.into(),
        shape: shape.into(),
        data: read.clone().into(),
    };
    assert!(tensor::check(&raw).is_ok(), "{datatype} of another size: {} bytes", read.len());
    if datatype == "FP64"
        && let Ok(Value::Array(values)) = serde_json::from_str::<Value>(text)
    {
        let expected: Option<Vec<f64>> = values.iter().map(Value::as_f64).collect();
        let read = read.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes));
        let same =
            expected.is_none_or(|expected| expected.into_iter().map(f64::to_bits).eq(read.map(f64::to_bits)));
        assert!(same, "a number is read as another than by serde");
    }
}

fn leaves(value: &Value) -> usize {
    match value {
        Value::Array(values) => values.iter().map(leaves).sum(),
        _ => 1,
    }
}
