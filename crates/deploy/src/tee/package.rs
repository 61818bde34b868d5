//! What the owner makes of a model for the `tee` kind: the public half, the sealed model, and the key service's secrets.

use privet_model::graph::Graph;
use privet_ring::entropy::Entropy;
use privet_tee::release::Resource;
use privet_tee::release::resource::ServiceKey;
use privet_tee::seal::{Header, ModelKey, seal};
use privet_tee::statement::{Hex, sha256};

use super::model::{digest, longest_text, to_bytes};
use crate::bundle::{PublicBundle, TeePart, for_enclave, no_entropy};
use crate::error::{Blame, Error};
use crate::kind::Reveal;

/// What an owner chooses.
#[derive(Clone, Debug)]
pub struct Choices {
    /// The model's name.
    pub name: String,
    /// What the client gets; the model is one that gives it.
    pub reveal: Reveal,
    /// The owner's number of this version.
    pub version: u64,
    /// Verifies clients' tokens; `None`: anyone may ask.
    pub tokens: Option<Hex<32>>,
    /// Seconds since 1970.
    pub now: u64,
    /// Whether the model's key may be given to a simulator, and only to one.
    pub dangerous_simulated: bool,
}

/// The three parts.
pub struct Package {
    /// For everyone.
    pub public: PublicBundle,
    /// For whoever runs the enclave: without its key it is noise.
    pub sealed: Vec<u8>,
    /// For the owner's key service only.
    pub resource: Resource,
}

/// Seals a model afresh.
pub fn package(graph: &Graph, choices: &Choices, entropy: &mut dyn Entropy) -> Result<Package, Error> {
    let content = to_bytes(graph, entropy)?;
    let key = ModelKey::generate(entropy).map_err(no_entropy)?;
    let service = ServiceKey::generate(entropy).map_err(no_entropy)?;
    let header = Header {
        name: choices.name.clone(),
        version: choices.version,
        digest: Hex(digest(&content)),
        key_id: Hex(privet_ring::entropy::draw(entropy).map_err(no_entropy)?),
        created: choices.now,
    };
    let sealed = seal(&header, &content, &key, entropy)
        .map_err(no_entropy)?
        .map_err(|e| Error::new(Blame::Ours, "E900", format!("The model cannot be sealed: {e}.")))?;
    let part = TeePart {
        model: header.digest,
        sealed: Hex(sha256(&sealed)),
        version: choices.version,
        keys: service.public(),
        tokens: choices.tokens,
        simulated: choices.dangerous_simulated,
        longest_text: longest_text(graph),
    };
    let public = for_enclave(&choices.name, graph, choices.reveal, part, entropy)?;
    let resource = Resource::new(
        (&choices.name, choices.version),
        choices.dangerous_simulated,
        (public.json(), public.digest()),
        choices.tokens,
        &key,
        &service,
    );
    Ok(Package { public, sealed, resource })
}
