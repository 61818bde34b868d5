//! The model as it is sealed: 16 random bytes, so that its digest can be public without a small model being guessed from it, and
//! the graph in CBOR, in which every number is exact.

use privet_model::graph::{Graph, Labels, Op};
use privet_ring::entropy::{Entropy, draw};
use privet_tee::statement::sha256;
use zeroize::Zeroizing;

use crate::bundle::no_entropy;
use crate::error::{Blame, Error};

const SALT: usize = 16;

/// The bytes to seal.
pub fn to_bytes(graph: &Graph, entropy: &mut dyn Entropy) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut out = Zeroizing::new(draw::<SALT>(entropy).map_err(no_entropy)?.to_vec());
    ciborium::into_writer(graph, &mut *out)
        .map_err(|e| Error::new(Blame::Ours, "E900", format!("The model cannot be written: {e}.")))?;
    Ok(out)
}

/// The salted digest that the bundle and the enclave's statement name.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    sha256(bytes)
}

/// The graph from the bytes that were sealed.
pub fn parse(bytes: &[u8]) -> Result<Graph, Error> {
    let damaged = || Error::refused("E230", "The sealed model holds no model that this version reads.");
    let (_, graph) = bytes.split_at_checked(SALT).ok_or_else(damaged)?;
    let graph: Graph = ciborium::from_reader(graph).map_err(|_| damaged())?;
    Ok(graph)
}

/// Bytes of the longest text that an answer of this model can hold.
pub fn longest_text(graph: &Graph) -> usize {
    let labels = graph.nodes.iter().filter_map(|node| match &node.op {
        Op::Label(Labels::Text(labels)) => labels.iter().map(String::len).max(),
        _ => None,
    });
    labels.max().unwrap_or(0)
}
