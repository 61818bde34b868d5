//! The Open Inference Protocol v2, as plain values: what the gRPC and the REST side of a server both turn into,
//! and what every kind's host answers.

use bytes::Bytes;
use privet_model::graph::Port;

use crate::dealer2::pool::Level;
use crate::error::Error;

/// A value of a request's or reply's `parameters`.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// Text.
    Text(String),
}

/// One tensor of a call. `data` is raw little-endian, row-major; `BYTES` elements are a 4-byte little-endian
/// length and so many bytes. May be an applicant's values or a share of them.
#[derive(Clone)]
pub struct RawTensor {
    /// The input's or output's name.
    pub name: String,
    /// `FP32`, `INT64`, `UINT8`, `BYTES`, …
    pub datatype: String,
    /// Sizes, slowest first.
    pub shape: Vec<i64>,
    /// The values.
    pub data: Bytes,
}

impl RawTensor {
    /// Bytes as a tensor.
    pub fn bytes(name: &str, data: impl Into<Bytes>) -> Self {
        let data = data.into();
        let shape = vec![i64::try_from(data.len()).unwrap_or(i64::MAX)];
        Self { name: name.into(), datatype: "UINT8".into(), shape, data }
    }
}

/// A `ModelInfer` call.
#[derive(Clone, Default)]
pub struct InferRequest {
    /// The model's name.
    pub model: String,
    /// Which version of it; empty means whichever the server gives.
    pub version: String,
    /// The caller's own id, given back in the reply.
    pub id: String,
    /// Anything else.
    pub parameters: Vec<(String, Parameter)>,
    /// What goes in.
    pub inputs: Vec<RawTensor>,
    /// Which outputs are wanted; empty means all.
    pub outputs: Vec<String>,
    /// Who calls, as the server's configuration names it. Not part of the message: the server sets it.
    pub caller: Option<String>,
}

impl InferRequest {
    /// A tensor's bytes, out of the request; nothing where it has none of that name.
    pub(crate) fn take(&mut self, tensor: &str) -> Option<Bytes> {
        let at = self.inputs.iter().position(|raw| raw.name == tensor)?;
        Some(self.inputs.swap_remove(at).data)
    }

    /// The little-endian number at a place of a tensor's bytes, where there is one.
    pub(crate) fn number_in(&self, tensor: &str, at: usize) -> Option<u32> {
        let raw = self.inputs.iter().find(|raw| raw.name == tensor)?;
        Some(u32::from_le_bytes(*raw.data.get(at..)?.first_chunk()?))
    }
}

/// The answer to a `ModelInfer` call.
#[derive(Clone, Default)]
pub struct InferReply {
    /// The request's id.
    pub id: String,
    /// The bound of this reply, the assurance it ran under, and so on.
    pub parameters: Vec<(String, Parameter)>,
    /// What came out.
    pub outputs: Vec<RawTensor>,
}

privet_ring::not_shown!(RawTensor, InferRequest, InferReply);

/// What `GET v2/models/NAME` and `ModelMetadata` say.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// The model's name.
    pub name: String,
    /// `1`, and so on.
    pub version: String,
    /// `privet_plain`, `privet_mpc`, …
    pub platform: String,
    /// What it takes.
    pub inputs: Vec<TensorMetadata>,
    /// What it gives.
    pub outputs: Vec<TensorMetadata>,
    /// Public facts: the trust card, the bound, the bundle's digest.
    pub parameters: Vec<(String, Parameter)>,
}

/// One tensor in [`Metadata`].
#[derive(Clone, Debug, PartialEq)]
pub struct TensorMetadata {
    /// Its name.
    pub name: String,
    /// The protocol's name of its element type.
    pub datatype: String,
    /// Sizes, -1 for the number of rows.
    pub shape: Vec<i64>,
}

impl From<&Port> for TensorMetadata {
    fn from(port: &Port) -> Self {
        let size = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let shape = std::iter::once(-1).chain(port.row_shape().into_iter().map(size)).collect();
        Self { name: port.name.clone(), datatype: port.dtype.name().into(), shape }
    }
}

/// What a server asks of every kind: one model, one role. Sans-IO: no socket, no clock, no file.
pub trait Host: Send + Sync {
    /// What it serves.
    fn metadata(&self) -> &Metadata;

    /// Whether an answer may wait for others: then it gets a thread to itself.
    fn waits(&self) -> bool {
        false
    }

    /// Rows that a call asks about, as far as it shows them: a sealed call counts as one.
    fn rows(&self, request: &InferRequest) -> usize {
        let _ = request;
        1
    }

    /// Bytes of memory that the answer to a call takes while it is computed, beyond the call's own: a party makes many values of a row, and
    /// the call that says how many rows there are may be short.
    fn memory(&self, request: &InferRequest) -> usize {
        let _ = request;
        0
    }

    /// Whether it could answer now, or who is missing.
    fn ready(&self) -> Result<(), Error> {
        Ok(())
    }

    /// How full its pool of what was prepared ahead is, for hosts that have one.
    fn pool(&self) -> Vec<Level> {
        Vec::new()
    }

    /// Says to whoever would compute along that this call is not answered here, so that nobody waits for it. Hosts that are alone have
    /// nobody to tell.
    fn decline(&self, request: InferRequest) {
        let _ = request;
    }

    /// What its evidence depends on, by name, and when that runs out, in seconds since 1970; for hosts that judge evidence.
    fn expires(&self) -> Vec<(String, u64)> {
        Vec::new()
    }

    /// The answer to one call. Never panics, whatever the caller sent.
    fn infer(&self, request: InferRequest) -> Result<InferReply, Error>;
}
