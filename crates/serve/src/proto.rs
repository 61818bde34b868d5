//! What the build script made of `proto/open_inference_grpc.proto`. No message has a `Debug`: they hold an
//! applicant's values.
#![allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::pedantic)]

tonic::include_proto!("inference");
