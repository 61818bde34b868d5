//! The parties of several bundles on one port: models side by side, or versions of one.

use std::sync::Arc;

use privet_deploy::Error;
use rustls::ServerConfig;

use super::{Mesh, tls};
use crate::current::Current;
use crate::keys::MachineKey;

/// This machine among the parties of its bundles.
pub struct Meshes {
    tls: Current<Arc<ServerConfig>>,
    all: Current<Vec<Arc<Mesh>>>,
}

impl Meshes {
    /// All of one machine's, which shows this certificate (PEM) for its key.
    pub fn new(key: &MachineKey, certificate: &str, all: Vec<Arc<Mesh>>) -> Result<Self, Error> {
        let tls = Current::new(accepting(key, certificate, &all)?);
        Ok(Self { tls, all: Current::new(all) })
    }

    /// From now on these. Connections of those that stay stay.
    pub(crate) fn replace(
        &self,
        key: &MachineKey,
        certificate: &str,
        all: Vec<Arc<Mesh>>,
    ) -> Result<(), Error> {
        self.tls.set(accepting(key, certificate, &all)?);
        self.all.set(all);
        Ok(())
    }

    pub(super) fn tls(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.tls.get())
    }

    /// The parties of this bundle; where there are none, others, who say which bundle they have.
    pub(super) fn of_bundle(&self, bundle: &[u8; 32]) -> Option<Arc<Mesh>> {
        let all = self.all.get();
        all.iter().find(|mesh| mesh.bundle() == bundle).or(all.first()).cloned()
    }
}

/// Holders of any peer's key; of which bundle, they say next.
fn accepting(key: &MachineKey, certificate: &str, all: &[Arc<Mesh>]) -> Result<Arc<ServerConfig>, Error> {
    let pins: Vec<_> = all.iter().flat_map(|mesh| mesh.pins.clone()).collect();
    Ok(Arc::new(tls::server(key, certificate, &pins)?))
}
