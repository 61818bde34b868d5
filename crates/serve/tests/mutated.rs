//! Requests that were changed on the way, straight into the parsers: an error or a well-formed request, never a
//! panic.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;
use privet_deploy::oip::InferRequest;
use privet_serve::grpc_message::{reply_from_message, request_from_message};
use privet_serve::proto::{ModelInferRequest, ModelInferResponse};
use privet_serve::{rest_binary, tensor};
use proptest::prelude::*;
use prost::Message as _;

const HEAD: &str = r#"{"id":"7","parameters":{"binary_data_output":true},"inputs":[{"name":"x","datatype":"FP32","shape":[2,3],"parameters":{"binary_data_size":24}},{"name":"y","datatype":"BYTES","shape":[2],"data":["a","b\""]},{"name":"z","datatype":"INT8","shape":[1,2],"data":[[1,-2]]}],"outputs":[{"name":"s","parameters":{"binary_data":false}}]}"#;

fn rest() -> Vec<u8> {
    let mut body = HEAD.as_bytes().to_vec();
    body.extend([0; 24]);
    body
}

fn length() -> usize {
    rest().len() - 24
}

fn grpc() -> Vec<u8> {
    let mut message = ModelInferRequest { model_name: "m".into(), id: "7".into(), ..Default::default() };
    let (request, _) = rest_binary::read("m", Some(&length().to_string()), &rest().into()).unwrap();
    for input in request.inputs {
        message.inputs.push(privet_serve::proto::model_infer_request::InferInputTensor {
            name: input.name,
            datatype: input.datatype,
            shape: input.shape,
            ..Default::default()
        });
        message.raw_input_contents.push(input.data);
    }
    message.encode_to_vec()
}

/// Some bytes replaced, a piece removed, a piece doubled.
fn mutated(original: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let size = original.len();
    let bytes =
        prop_oneof![any::<u8>(), Just(b'-'), Just(b'9'), Just(b'['), Just(b'"'), Just(b'{'), Just(0xff)];
    let places = prop::collection::vec((0..size, bytes), 0..4);
    (places, 0..size, 0..8_usize, 0..size, 0..8_usize).prop_map(
        move |(places, cut, cut_len, twice, twice_len)| {
            let mut body = original.clone();
            for (at, to) in places {
                body[at] = to;
            }
            let piece = body[twice..(twice + twice_len).min(size)].to_vec();
            body.splice(twice..twice, piece);
            body.drain(cut..(cut + cut_len).min(body.len()));
            body
        },
    )
}

fn well_formed(request: &InferRequest) -> bool {
    request.inputs.iter().all(|input| tensor::check(input).is_ok())
}

#[test]
fn the_originals_are_right() {
    let (request, wanted) = rest_binary::read("m", Some(&length().to_string()), &rest().into()).unwrap();
    assert_eq!(request.inputs.len(), 3);
    assert_eq!(request.inputs[2].data[..], [1, 254]);
    assert!(wanted.binary("other") && !wanted.binary("s"));
    assert!(request_from_message(ModelInferRequest::decode(&*grpc()).unwrap()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn rest_requests(body in mutated(rest()), shift in -3_i64..4) {
        let length = (i64::try_from(length()).unwrap() + shift).to_string();
        match rest_binary::read("m", Some(&length), &Bytes::from(body)) {
            Ok((request, _)) => prop_assert!(well_formed(&request)),
            Err(error) => prop_assert!(error.message.ends_with('.')),
        }
    }

    #[test]
    fn rest_lengths(length in "[0-9+-]{0,22}") {
        if let Ok((request, _)) = rest_binary::read("m", Some(&length), &rest().into()) {
            prop_assert!(well_formed(&request));
        }
    }

    #[test]
    fn grpc_messages(body in mutated(grpc())) {
        let body = Bytes::from(body);
        if let Ok(request) = ModelInferRequest::decode(body.clone()).map(request_from_message) {
            match request {
                Ok(request) => prop_assert!(well_formed(&request)),
                Err(error) => prop_assert!(error.message.ends_with('.')),
            }
        }
        if let Ok(reply) = ModelInferResponse::decode(body).map(reply_from_message) {
            match reply {
                Ok(reply) => prop_assert!(reply.outputs.iter().all(|output| tensor::check(output).is_ok())),
                Err(error) => prop_assert_eq!(error.code, "E306"),
            }
        }
    }
}
