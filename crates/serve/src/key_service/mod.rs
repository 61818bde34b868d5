//! The owner's key service as a server: one model called `keys`, whose tensor `message` goes in and comes out.

mod lines;
mod store;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use privet_deploy::bundle::{PublicBundle, TeePart};
use privet_deploy::oip::{Host, InferReply, InferRequest, Metadata, Parameter, RawTensor, TensorMetadata};
use privet_deploy::{Blame, Error};
use privet_tee::release::Resource;
use privet_tee::release::service::{Service, Terms};
use privet_tee::statement::Hex;
use zeroize::Zeroizing;

pub use self::store::Files;
use crate::belief::{read_collateral, read_policy};
use crate::config::{KeysConfig, read_text};
use crate::deployed::now;
use crate::entropy::OsEntropy;

/// The name under which every key service is asked.
pub const NAME: &str = "keys";
/// Its tensor, in and out.
pub const MESSAGE: &str = "message";

/// The files that it keeps in its folder.
pub(crate) const STATE: [&str; 7] = [
    "keys.lock",
    "releases.jsonl",
    "releases.new",
    "grants.jsonl",
    "grants.new",
    "floors.json",
    "floors.new",
];

/// The server.
pub struct KeyHost {
    service: Service,
    metadata: Metadata,
}

impl KeyHost {
    /// Serves the models of this configuration, whose paths are relative to `folder`.
    pub fn open(config: &KeysConfig, folder: &Path) -> Result<Arc<Self>, Error> {
        let resources = config
            .secrets
            .iter()
            .map(|path| read_resource(&folder.join(path)))
            .collect::<Result<Vec<_>, _>>()?;
        check_floors(&config.floors, &resources)?;
        let store = Files::open(&folder.join(&config.state))?;
        let floors = store.floors(&config.floors, config.dangerous_lower_floors)?;
        let collateral = config.collateral.iter().map(|path| folder.join(path));
        let terms = Terms {
            policy: read_policy(&folder.join(&config.policy))?,
            collateral: read_collateral(collateral)?,
            floors,
            dangerous_any_platform: config.dangerous_any_platform,
        };
        let service = Service::new(terms, resources, Box::new(store), &mut OsEntropy)
            .map_err(|e| Error::usage("E365", format!("This key service does not start: {e}.")))?;
        Ok(Arc::new(Self { service, metadata: metadata() }))
    }
}

/// A model's secrets.
fn read_resource(path: &Path) -> Result<Resource, Error> {
    let text = Zeroizing::new(read_text(path)?);
    let resource: Resource = serde_json::from_str(&text).map_err(|_| {
        Error::refused(
            "E230",
            format!("`{}` is no secret file of a model for a key service.", path.display()),
        )
    })?;
    let public = PublicBundle::parse(&resource.public)?;
    if resource.is_sound() && fits(&resource, &public, public.tee()?) {
        return Ok(resource);
    }
    Err(Error::refused(
        "E230",
        format!("`{}` is damaged. Take it from the owner's copy again.", path.display()),
    ))
}

/// The bundle that enclaves and clients have says the same as the owner's secret file: most of all, for whom the key is.
fn fits(resource: &Resource, public: &PublicBundle, part: &TeePart) -> bool {
    resource.bundle_digest() == Some(Hex(public.digest()))
        && resource.name == public.manifest().name
        && resource.version == part.version
        && resource.is_simulated() == part.simulated
        && resource.tokens() == part.tokens
        && resource.service_key().is_some_and(|key| key.public() == part.keys)
}

/// A floor under a name that is misspelt would hold up nothing.
fn check_floors(floors: &Floors, resources: &[Resource]) -> Result<(), Error> {
    let named = |name: &&String| resources.iter().any(|resource| resource.name == **name);
    match floors.keys().find(|name| !named(name)) {
        None => Ok(()),
        Some(name) => {
            let what = format!(
                "This key service does not start: `floors` names `{name}`, and no model in `secrets` is called that. Correct the \
                 name, or remove the line."
            );
            Err(Error::usage("E365", what))
        }
    }
}

fn metadata() -> Metadata {
    let tensor = || TensorMetadata { name: MESSAGE.into(), datatype: "UINT8".into(), shape: vec![-1] };
    Metadata {
        name: NAME.into(),
        version: "1".into(),
        platform: "privet_keys".into(),
        inputs: vec![tensor()],
        outputs: vec![tensor()],
        parameters: vec![("role".into(), Parameter::Text("the owner's key service".into()))],
    }
}

impl Host for KeyHost {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn expires(&self) -> Vec<(String, u64)> {
        self.service.expires()
    }

    fn infer(&self, request: InferRequest) -> Result<InferReply, Error> {
        let message = request.inputs.iter().find(|raw| raw.name == MESSAGE).ok_or_else(|| {
            Error::usage(
                "E302",
                format!("A key service is asked by the tensor `{MESSAGE}`, which is missing."),
            )
        })?;
        let reply = self.service.answer(&message.data, now(), &mut OsEntropy);
        let outputs = vec![RawTensor::bytes(MESSAGE, reply)];
        Ok(InferReply { id: request.id, parameters: Vec::new(), outputs })
    }
}

/// Floors that were configured, for the store.
pub(crate) type Floors = BTreeMap<String, u64>;

pub(crate) fn cannot(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(Blame::Ours, "E144", format!("`{}` cannot be written: {error}.", path.display()))
}
