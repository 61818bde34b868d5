//! A role's configuration in force: read at the start, and again whenever the operator changed it and sends SIGHUP. What did not change goes
//! on; what is new is there for the next request; what is gone ends when its last request does. A configuration that does not load
//! changes nothing.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use privet_deploy::Error;
use privet_deploy::oip::Host;

use crate::access::Access;
use crate::audit::Audit;
use crate::keys::MachineKey;
use crate::limits::Limits;
use crate::models::Models;
use crate::peers::{Mesh, Meshes};
use crate::registry::Registry;
use crate::roles::{Prepared, bind};
use crate::server::{Content, Door};
use crate::service::{Company, Here, Service};
use crate::tls::server_config_for;

/// What a configuration comes to.
pub(crate) struct Loaded {
    pub(crate) listen: String,
    pub(crate) key: MachineKey,
    /// PEM.
    pub(crate) certificate: String,
    pub(crate) access: Access,
    pub(crate) origins: Vec<String>,
    pub(crate) limits: Limits,
    pub(crate) audit: Option<Audit>,
    pub(crate) models: Vec<Served>,
}

/// A model in use.
#[derive(Clone)]
pub(crate) struct Served {
    /// Of what it was made from: where that is the same again, this one goes on. None for what keeps nothing between requests.
    pub(crate) made_from: Option<[u8; 32]>,
    service: Arc<dyn Service>,
    mesh: Option<Arc<Mesh>>,
    connect: Option<Connect>,
}

/// Goes to the peers, once the port is open.
pub(crate) type Connect = Arc<dyn Fn() -> Result<(), Error> + Send + Sync>;

impl Served {
    /// A model that needs nobody.
    pub(crate) fn alone(made_from: Option<[u8; 32]>, host: Arc<dyn Host>) -> Self {
        Self { made_from, service: Arc::new(Here { host, company: None }), mesh: None, connect: None }
    }

    /// A party's. Without `connect` it meets nobody, and only answers who measures the way to it.
    pub(crate) fn among(
        made_from: [u8; 32],
        host: Arc<dyn Host>,
        mesh: Arc<Mesh>,
        connect: Option<Connect>,
    ) -> Self {
        let company = connect.as_ref().map(|_| Arc::clone(&mesh) as Arc<dyn Company>);
        Self {
            made_from: Some(made_from),
            service: Arc::new(Here { host, company }),
            mesh: Some(mesh),
            connect,
        }
    }
}

/// Reads a configuration; gets what is in use already.
pub(crate) type Load = Arc<dyn Fn(Vec<Served>) -> BoxFuture<'static, Result<Loaded, Error>> + Send + Sync>;

/// A role with this configuration, which listens and does not answer yet.
pub(crate) async fn role(load: Load) -> Result<Prepared, Error> {
    let Loaded { listen, key, certificate, access, origins, limits, audit, models } =
        load(Vec::new()).await?;
    let meshes = meshes_of(&models);
    let meshes =
        if meshes.is_empty() { None } else { Some(Arc::new(Meshes::new(&key, &certificate, meshes)?)) };
    let tls = server_config_for(&key, &certificate, &access)?;
    let door = Door::tls(tls).with_origins(&origins)?.with_access(access).with_peers(meshes.clone());
    let registry = Arc::new(Registry::of(services_of(&models), &limits, audit)?);
    let prepared = bind(&listen, door.clone(), Content::Models(Arc::clone(&registry)), limits).await?;
    models.iter().try_for_each(Served::go)?;
    let reloader = Reloader { load, listen, door, meshes, registry, models: Mutex::new(models) };
    Ok(prepared.with_reloader(Arc::new(reloader)))
}

/// Reads the configuration of a running role again.
pub struct Reloader {
    load: Load,
    listen: String,
    door: Door,
    meshes: Option<Arc<Meshes>>,
    registry: Arc<Registry>,
    models: Mutex<Vec<Served>>,
}

impl Reloader {
    /// The same as [`reload`](Self::reload); what came of it is in the log.
    pub async fn reload_and_tell(&self) {
        match self.reload().await {
            // A warning, so that whoever asked for it sees it.
            Ok(()) => tracing::warn!("the configuration was read again and is in force"),
            Err(error) => {
                tracing::error!(%error, "the configuration was read again and is refused; the one before stays in force");
            }
        }
    }

    /// Puts the configuration in force as it is now in its file; an error leaves everything as it was.
    pub async fn reload(&self) -> Result<(), Error> {
        let before = self.models.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let loaded = (self.load)(before.clone()).await?;
        if loaded.listen != self.listen {
            tracing::warn!(listen = %self.listen, "`listen` is taken at the start only; restart this role to listen elsewhere");
        }
        let tls = server_config_for(&loaded.key, &loaded.certificate, &loaded.access)?;
        let models = Models::new(services_of(&loaded.models))?;
        let meshes = meshes_of(&loaded.models);
        match &self.meshes {
            Some(all) => all.replace(&loaded.key, &loaded.certificate, meshes)?,
            None if meshes.is_empty() => {}
            None => {
                return Err(Error::usage(
                    "E173",
                    "This role had no peers when it started. Restart it to give it some.",
                ));
            }
        }
        let is_new = |served: &&Served| !before.iter().any(|old| old.is(served));
        loaded.models.iter().filter(is_new).try_for_each(Served::go)?;
        self.registry.replace(models, &loaded.limits, loaded.audit);
        self.door.replace(tls, loaded.access);
        *self.models.lock().unwrap_or_else(PoisonError::into_inner) = loaded.models;
        // Computations that began among parties which are not served any more have until now been let end.
        let patience = loaded.limits.peers + loaded.limits.patience;
        tokio::spawn(async move {
            tokio::time::sleep(patience).await;
            drop(before);
        });
        Ok(())
    }
}

impl Served {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.service, &other.service)
    }

    fn go(&self) -> Result<(), Error> {
        self.connect.as_ref().map_or(Ok(()), |connect| connect())
    }
}

fn services_of(models: &[Served]) -> Vec<Arc<dyn Service>> {
    models.iter().map(|served| Arc::clone(&served.service)).collect()
}

fn meshes_of(models: &[Served]) -> Vec<Arc<Mesh>> {
    models.iter().filter_map(|served| served.mesh.clone()).collect()
}

/// The one that is in use already, if there is one made from the same.
pub(crate) fn kept(had: &[Served], made_from: [u8; 32]) -> Option<Served> {
    had.iter().find(|served| served.made_from == Some(made_from)).cloned()
}
