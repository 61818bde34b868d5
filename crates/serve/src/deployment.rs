//! `deployment.toml`: what a client needs to use a deployment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use privet_deploy::Error;
use privet_deploy::bundle::PublicBundle;
use privet_deploy::kind::Kind;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::client::{Endpoint, Shown, Trust};
use crate::config::read_text;
use crate::public_key::{PublicKey, of_parties};
use crate::roles::read_key;

/// The file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentFile {
    /// The model's name.
    pub name: String,
    /// How it is served.
    pub kind: Kind,
    /// The public half of the bundle, as every role has it.
    pub public: String,
    /// Its digest, for people to compare.
    pub digest: String,
    /// Policy file, beside this one: whom to believe, for kind `tee`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PathBuf>,
    /// What vendors publish beside their evidence, files beside this one, for kind `tee`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collateral: Vec<PathBuf>,
    /// This client's own machine key, a file beside this one, for roles that answer those whom they know. Added by the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key: Option<PathBuf>,
    /// This client's own token, a file beside this one, for a role that is alone. Added by the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<PathBuf>,
    /// One per role, in the order of roles.
    pub endpoints: Vec<EndpointEntry>,
}

/// One role.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointEntry {
    /// What it is called in messages.
    pub name: String,
    /// `https://HOST:PORT`.
    pub http_url: String,
    /// `https://HOST:PORT`; the same port serves both.
    pub grpc_url: String,
    /// The one-line key that it must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A certificate file, beside this one, that vouches for it: for clients that do not pin keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

impl DeploymentFile {
    /// Reads the file, and the public half in it.
    pub fn read(path: &Path) -> Result<(Self, PublicBundle), Error> {
        let refuse =
            |what: String| Error::usage("E142", format!("`{}` is not a deployment: {what}", path.display()));
        let file: Self = toml::from_str(&read_text(path)?).map_err(|e| refuse(e.to_string()))?;
        // Before anything in it is looked at: what was altered is not worth another word.
        let got = blake3::hash(file.public.as_bytes()).to_hex();
        if got.as_str() != file.digest {
            let expected = &file.digest;
            return Err(Error::integrity(
                "E501",
                format!(
                    "`{}` says its bundle is {expected}, but it is {got}. Ask the owner for it again.",
                    path.display()
                ),
            ));
        }
        let public = PublicBundle::parse(&file.public)?;
        if public.manifest().kind != file.kind || file.endpoints.is_empty() {
            return Err(refuse("its kind is not the bundle's, or it has no endpoints.".into()));
        }
        if let Some(part) = &public.manifest().mpc {
            file.check_parties(&of_parties(&part.parties)?[part.first_met()..])?;
        }
        Ok((file, public))
    }

    /// Each endpoint of parties must be pinned to the very key that the bundle names: the endpoints stand outside its
    /// digest, and shares must reach nobody else.
    fn check_parties(&self, parties: &[PublicKey]) -> Result<(), Error> {
        let pinned = |entry: &EndpointEntry, party: &PublicKey| {
            entry.key.as_ref().and_then(|line| line.parse().ok()).is_some_and(|key: PublicKey| key == *party)
        };
        let wrong = self.endpoints.iter().zip(parties).find(|(entry, party)| !pinned(entry, party));
        let what = match wrong {
            Some((entry, party)) => {
                format!("Endpoint `{}` is not pinned to the key of `{}`", entry.name, party.name())
            }
            None if self.endpoints.len() == parties.len() => return Ok(()),
            None => format!("{} endpoints are given for {} parties", self.endpoints.len(), parties.len()),
        };
        Err(Error::integrity(
            "E502",
            format!(
                "{what}, which the bundle names. Nothing was sent. Ask the owner for the deployment's file again."
            ),
        ))
    }

    /// What this client shows of itself; `folder` is where the deployment's file is.
    pub fn shown(&self, folder: &Path) -> Result<Shown, Error> {
        let key = self.client_key.as_ref().map(|path| read_key(&folder.join(path))).transpose()?;
        let token = self.client_token.as_ref().map(|path| read_text(&folder.join(path))).transpose()?;
        if token.is_some() && self.endpoints.len() > 1 {
            let what = "`client_token` would be shown to several roles, and each could show it to the others. Use `client_key`.";
            return Err(Error::usage("E142", what));
        }
        Ok(Shown { key: key.map(Arc::new), token: token.map(|token| Arc::new(Zeroizing::new(token))) })
    }

    /// The text of the file.
    pub fn to_toml(&self) -> Result<String, Error> {
        toml::to_string(self).map_err(|e| {
            Error::new(privet_deploy::Blame::Ours, "E900", format!("The deployment cannot be written: {e}."))
        })
    }
}

impl EndpointEntry {
    /// Where it is and how to know it; `folder` is where the deployment's file is.
    pub fn endpoint(&self, folder: &Path, shown: &Shown) -> Result<Endpoint, Error> {
        let address = self.grpc_url.strip_prefix("https://").ok_or_else(|| {
            let url = &self.grpc_url;
            Error::usage(
                "E142",
                format!("Endpoint `{}` has `{url}`; expected `https://HOST:PORT`.", self.name),
            )
        })?;
        let trust = match (&self.key, &self.ca) {
            (Some(key), _) => Trust::Pinned(key.parse()?),
            (None, Some(ca)) => Trust::Authority(read_text(&folder.join(ca))?),
            (None, None) => {
                let what =
                    format!("Endpoint `{}` has neither `key` nor `ca`, so it cannot be known.", self.name);
                return Err(Error::usage("E142", what));
            }
        };
        Ok(Endpoint { name: self.name.clone(), address: address.into(), trust, shown: shown.clone() })
    }
}
