//! The owner's key service and a host with a SIMULATED enclave: this machine's owner could read everything.

use std::collections::BTreeMap;

use privet_deploy::Error;
use privet_deploy::bundle::{PublicBundle, TeePart};
use privet_deploy::tee::package;
use privet_tee::statement::Hex;

use super::{Running, Wanted, cannot_write};
use crate::config::{EnclaveConfig, KeysConfig, KeysEndpoint, LimitsConfig};
use crate::deployed::now;
use crate::deployment::EndpointEntry;
use crate::entropy::OsEntropy;

/// The policy that comes with `up tee`: the first of the two deliberate acts.
pub(super) const POLICY: &str = "policy.toml";

const BUNDLE: &str = "public.json";
const SEALED: &str = "model.sealed";
const SECRET: &str = "model.secret";

impl Running {
    pub(super) async fn enclave(
        &mut self,
        wanted: &Wanted<'_>,
    ) -> Result<(PublicBundle, Vec<EndpointEntry>), Error> {
        let public = self.package(wanted)?;
        let keys = self.key_service(wanted).await?;
        let key = self.key("enclave")?;
        let config = |listen: String| EnclaveConfig {
            listen,
            key: "enclave.key".into(),
            bundle: BUNDLE.into(),
            model: SEALED.into(),
            attester: "simulated".into(),
            replicas: 1,
            certificate: Some("enclave.pem".into()),
            origins: wanted.origins.to_vec(),
            keys: keys.clone(),
            audit: None,
            limits: LimitsConfig::default(),
            clients: Vec::new(),
        };
        let entry = self.role(wanted.program, "enclave", "enclave", &key, config).await?;
        Ok((public, vec![self.far(entry, wanted.network)?]))
    }

    /// Seals the model, and writes what the owner, the host and everyone have of it.
    fn package(&mut self, wanted: &Wanted<'_>) -> Result<PublicBundle, Error> {
        let choices = package::Choices {
            reveal: wanted.reveal,
            name: wanted.name.into(),
            version: 1,
            tokens: None,
            now: now(),
            dangerous_simulated: true,
        };
        let package = package::package(wanted.graph, &choices, &mut OsEntropy)?;
        let secret = serde_json::to_string(&package.resource)
            .map(zeroize::Zeroizing::new)
            .map_err(|e| cannot_write(SECRET, &e))?;
        self.folder.write_secret(SECRET, &secret)?;
        self.folder.write_bytes(SEALED, &package.sealed)?;
        self.folder.write(BUNDLE, package.public.json())?;
        self.folder.write(POLICY, &simulator_policy(package.public.tee()?))?;
        Ok(package.public)
    }

    async fn key_service(&mut self, wanted: &Wanted<'_>) -> Result<KeysEndpoint, Error> {
        self.folder.roles_write(&crate::key_service::STATE);
        let key = self.key("keys")?;
        let config = |listen: String| KeysConfig {
            listen,
            key: "keys.key".into(),
            secrets: vec![SECRET.into()],
            policy: POLICY.into(),
            collateral: Vec::new(),
            state: ".".into(),
            floors: BTreeMap::new(),
            dangerous_lower_floors: false,
            dangerous_any_platform: false,
            certificate: Some("keys.pem".into()),
            limits: LimitsConfig::default(),
        };
        let entry = self.role(wanted.program, "keys", "keys", &key, config).await?;
        Ok(KeysEndpoint { url: entry.grpc_url, key: key.public().to_string() })
    }
}

fn simulator_policy(part: &TeePart) -> String {
    let program = Hex(privet_enclave_image::digest());
    let keys = part.keys;
    format!(
        "# Written by `privet up tee`. It accepts a SIMULATED enclave: an ordinary process on this machine, whose owner can\n\
         # read what is sent to it. Never use it for rows that are secret; `privet predict` still asks for\n\
         # `--dangerous-accept-simulated`.\n\
         version = 1\n\n[channel]\nmax_evidence_age = \"5m\"\nstamp_keys = [\"{keys}\"]\n\n[simulator]\naccept = true\n\n\
         [[accept]]\nkind = \"sim-process\"\nmeasurement = [\"sha256:{program}\"]\n"
    )
}
