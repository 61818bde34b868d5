//! Sockets: the Open Inference server over TLS, the native client, keys, configuration and shutdown.
//!
//! | module | what it holds |
//! |---|---|
//! | [`keys`], [`public_key`], [`certificate`] | who a machine is |
//! | [`tls`] | TLS 1.3 by pinned key, or by certificate |
//! | [`server`], `callers`, [`access`], [`clients`], [`call`] | one port, and who may call |
//! | [`registry`], [`models`], [`service`], `asker` | all models of this machine, and the way of a call to one |
//! | [`limits`], [`house`], [`bucket`] | how much is too much, at a time and in a minute |
//! | [`metrics`], `process`, [`audit`], [`telemetry`], [`trace`], [`steps`] | what was counted, written down, and traced |
//! | [`gateway`] | a deployment behind a port of this machine, for any client of the protocol |
//! | [`grpc`], [`grpc_body`], [`grpc_message`], [`grpc_contents`], [`codec`], [`proto`] | the protocol over gRPC |
//! | [`rest`], [`rest_json`], [`rest_binary`], [`rest_reply`] | the protocol over REST, with binary tensors |
//! | [`json_tokens`], [`json_values`] | JSON as clients really write it |
//! | [`tensor`] | sizes of tensors, checked |
//! | [`client`], [`link`](mod@link), [`counted`] | the native client |
//! | [`key_service`] | the owner's key service |
//! | [`config`], [`roles`], [`seat`], [`loaded`], [`current`] | a role, from its configuration to a running server, and again where it changed |
//! | [`deployment`], [`deployed`], [`belief`] | `deployment.toml`, a deployment in use, and whom its user believes |
//! | [`up`] | all roles of a deployment on this machine |
//! | [`web`] | the page for applicants |
//! | [`training`] | a party of a training, and an owner of rows |
//! | [`enclave`] | the untrusted host of a measured program |
//! | [`peers`] | the links between parties |
//! | [`entropy`] | randomness from the operating system |
//! | [`fault`] | errors on the wire and back |

pub mod access;
mod asker;
pub mod audit;
pub mod belief;
pub mod bucket;
pub mod call;
mod callers;
pub mod certificate;
pub mod client;
pub mod clients;
pub mod codec;
mod compute;
pub mod config;
pub mod counted;
pub mod current;
mod dealt;
pub mod deployed;
pub mod deployment;
#[cfg(target_os = "linux")]
pub mod enclave;
pub mod entropy;
pub mod fault;
pub mod gateway;
pub mod grpc;
pub mod grpc_body;
pub mod grpc_contents;
pub mod grpc_message;
pub mod house;
pub mod json_tokens;
pub mod json_values;
pub mod key_service;
pub mod keys;
pub mod limits;
pub mod link;
pub mod loaded;
pub mod metrics;
pub mod models;
mod on_disk;
pub mod peers;
mod places;
mod process;
pub mod proto;
pub mod public_key;
pub mod registry;
pub mod rest;
pub mod rest_binary;
pub mod rest_json;
pub mod rest_reply;
pub mod roles;
pub mod seat;
pub mod server;
pub mod service;
pub mod steps;
pub mod telemetry;
pub mod tensor;
pub mod tls;
pub mod trace;
pub mod training;
pub mod up;
pub mod web;

pub use client::{Client, Endpoint, Trust};
pub use keys::MachineKey;
pub use limits::Limits;
pub use public_key::PublicKey;
pub use registry::Registry;
pub use server::serve;
