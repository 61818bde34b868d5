//! gRPC as other clients speak it: with the protocol's messages and statuses.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;

use bytes::Bytes;
use common::{World, floats};
use privet_serve::link::Link;
use privet_serve::proto::grpc_inference_service_client::GrpcInferenceServiceClient;
use privet_serve::proto::infer_parameter::ParameterChoice;
use privet_serve::proto::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use privet_serve::proto::{
    InferParameter, InferTensorContents, ModelInferRequest, ModelMetadataRequest, ModelReadyRequest,
    ServerLiveRequest, ServerMetadataRequest, ServerReadyRequest,
};
use privet_serve::tls::pinned_client;
use tonic::Code;

fn calls(world: &World) -> GrpcInferenceServiceClient<Link> {
    let address = world.server.address.to_string();
    let link = Link::new("party-1", &address, pinned_client(world.key.public(), None).unwrap()).unwrap();
    GrpcInferenceServiceClient::with_origin(link, format!("https://{address}").parse().unwrap())
}

fn parameter(choice: ParameterChoice) -> InferParameter {
    InferParameter { parameter_choice: Some(choice) }
}

fn typed(shape: &[i64], values: &[f32]) -> ModelInferRequest {
    let contents = InferTensorContents { fp32_contents: values.into(), ..Default::default() };
    let input = InferInputTensor {
        name: "x".into(),
        datatype: "FP32".into(),
        shape: shape.into(),
        contents: Some(contents),
        ..Default::default()
    };
    ModelInferRequest { model_name: "sum".into(), id: "a7".into(), inputs: vec![input], ..Default::default() }
}

fn raw(shape: &[i64], values: &[f32]) -> ModelInferRequest {
    let mut message = typed(shape, &[]);
    message.inputs[0].contents = None;
    message.raw_input_contents = vec![floats(values).into()];
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metadata() {
    let world = World::new();
    let mut calls = calls(&world);
    assert!(calls.server_live(ServerLiveRequest {}).await.unwrap().into_inner().live);
    assert!(calls.server_ready(ServerReadyRequest {}).await.unwrap().into_inner().ready);
    let server = calls.server_metadata(ServerMetadataRequest {}).await.unwrap().into_inner();
    assert_eq!((server.name.as_str(), server.extensions), ("privet", vec!["binary_tensor_data".to_owned()]));
    for version in ["", "1"] {
        let request = ModelReadyRequest { name: "sum".into(), version: version.into() };
        assert!(calls.model_ready(request).await.unwrap().into_inner().ready);
        let request = ModelMetadataRequest { name: "sum".into(), version: version.into() };
        let model = calls.model_metadata(request).await.unwrap().into_inner();
        assert_eq!((model.versions, model.inputs[0].shape.clone()), (vec!["1".to_owned()], vec![-1, 3]));
    }
    for (name, version) in [("other", ""), ("sum", "2")] {
        let request = ModelReadyRequest { name: name.into(), version: version.into() };
        assert_eq!(calls.model_ready(request).await.err().unwrap().code(), Code::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_and_raw_contents_give_the_same() {
    let world = World::new();
    let mut calls = calls(&world);
    let values = [1., 2., 3.5, 0., 0., -1.];
    for message in [typed(&[2, 3], &values), raw(&[2, 3], &values)] {
        let reply = calls.model_infer(message).await.unwrap().into_inner();
        assert_eq!((reply.id.as_str(), reply.model_version.as_str()), ("a7", "1"));
        assert_eq!(reply.raw_output_contents[0], floats(&[6.5, -1.]));
        assert_eq!(reply.outputs[1].shape, [2]);
        assert!(reply.parameters["bound"].parameter_choice == Some(ParameterChoice::DoubleParam(0.5)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_wanted_outputs_come() {
    let world = World::new();
    let mut message = raw(&[1, 3], &[1., 2., 3.]);
    message.outputs = vec![InferRequestedOutputTensor { name: "label".into(), ..Default::default() }];
    let reply = calls(&world).model_infer(message).await.unwrap().into_inner();
    assert_eq!(reply.outputs.len(), 1);
    assert_eq!(reply.raw_output_contents, [Bytes::copy_from_slice(&1_i64.to_le_bytes())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_calls_are_invalid_arguments_and_the_server_lives_on() {
    let world = World::new();
    let mut calls = calls(&world);
    let mut wrong =
        vec![typed(&[2, 3], &[1.]), raw(&[2, 3], &[1.]), raw(&[-2, -3], &[0.; 6]), raw(&[1 << 62, 4], &[])];
    let good = raw(&[1, 3], &[1., 2., 3.]);
    let mut both = typed(&[1, 3], &[1., 2., 3.]);
    both.raw_input_contents = good.raw_input_contents.clone();
    let mut two = good.clone();
    two.raw_input_contents.push(Bytes::new());
    let mut shared = good.clone();
    let region = parameter(ParameterChoice::StringParam("region".into()));
    shared.inputs[0].parameters = BTreeMap::from([("shared_memory_region".into(), region)]);
    let mut empty = good.clone();
    empty.parameters = BTreeMap::from([("p".into(), InferParameter::default())]);
    let mut huge = good.clone();
    huge.parameters = BTreeMap::from([("p".into(), parameter(ParameterChoice::Uint64Param(u64::MAX)))]);
    let mut strange = good.clone();
    strange.inputs[0].datatype = "FLOAT".into();
    wrong.extend([both, two, shared, empty, huge, strange]);
    for (at, message) in wrong.into_iter().enumerate() {
        let status = calls.model_infer(message).await.err().unwrap();
        assert_eq!(status.code(), Code::InvalidArgument, "{at}: {status}");
        assert!(status.metadata().get("privet-code").is_some(), "{at}");
    }
    assert!(calls.model_infer(good).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_follow_the_blame() {
    let world = World::new();
    let mut calls = calls(&world);
    for (what, code) in [
        ("usage", Code::InvalidArgument),
        ("refused", Code::InvalidArgument),
        ("not_found", Code::NotFound),
        ("unreachable", Code::Unavailable),
        ("ours", Code::Internal),
        ("integrity", Code::Aborted),
        ("panic", Code::Internal),
    ] {
        let message = ModelInferRequest {
            model_name: "echo".into(),
            parameters: BTreeMap::from([("do".into(), parameter(ParameterChoice::StringParam(what.into())))]),
            ..Default::default()
        };
        let status = calls.model_infer(message).await.err().unwrap();
        assert_eq!(status.code(), code, "{what}");
        let metadata = status.metadata();
        assert_eq!(metadata.get("privet-blame").unwrap(), if what == "panic" { "ours" } else { what });
        assert!(status.message().starts_with(metadata.get("privet-code").unwrap().to_str().unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_messages_and_unknown_calls_are_the_callers_turn() {
    let world = World::new();
    let frame = |message: &[u8]| {
        let mut frame = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
        frame.extend_from_slice(message);
        frame
    };
    let headers = [("content-type", "application/grpc"), ("te", "trailers")];
    for (call, body, expected) in [
        ("inference.GRPCInferenceService/ModelInfer", frame(b"\xff\xff\xff"), Code::InvalidArgument),
        ("inference.GRPCInferenceService/ModelInfer", frame(b"\x0a\x7fshort"), Code::InvalidArgument),
        // No message, less than one, and more than one.
        ("inference.GRPCInferenceService/ModelInfer", Vec::new(), Code::InvalidArgument),
        ("inference.GRPCInferenceService/ModelInfer", frame(b"")[..3].to_vec(), Code::InvalidArgument),
        (
            "inference.GRPCInferenceService/ModelInfer",
            [frame(b""), vec![7; 3]].concat(),
            Code::InvalidArgument,
        ),
        ("inference.GRPCInferenceService/ModelConfig", frame(b""), Code::Unimplemented),
        ("other.Service/Call", frame(b""), Code::NotFound),
    ] {
        let (status, head, _) = world.rest("POST", &format!("/{call}"), &headers, body).await;
        assert_eq!(status, 200);
        assert_eq!(head["grpc-status"], (expected as i32).to_string(), "{call}");
    }
}
