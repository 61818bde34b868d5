//! Who may ask, about which models, and how much: `[[clients]]` of a role's configuration.
//!
//! A client is known by the key that it shows in the TLS handshake, or by a token. Tokens are for roles that are alone: where there are
//! several, each could show the others a token that was shown to it, and so be the client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use privet_deploy::{Blame, Error};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::bucket::{Bucket, Empty};
use crate::public_key::{PublicKey, check_name};

/// `[[clients]]`: one client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// What the audit log calls it.
    pub name: String,
    /// The one-line public key of its machine, made by `privet keygen`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The digest of its token, made by `privet keygen --token`. Not for parties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_digest: Option<String>,
    /// Stands for everyone who shows neither key nor token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anyone: bool,
    /// The models that it may ask, by name; without, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// Rows that it is answered in a minute; without, any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_per_minute: Option<u32>,
    /// Requests that it may make in a minute; without, as `limits.requests_per_minute` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// May read `/metrics`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub operator: bool,
}

/// Somebody who asks.
pub struct Client {
    name: String,
    models: Option<Vec<String>>,
    rows: Option<Bucket>,
    requests: Option<Bucket>,
    operator: bool,
}

impl Client {
    /// Whoever comes, where nobody is told apart.
    pub fn anyone() -> Self {
        Self { name: "anyone".into(), models: None, rows: None, requests: None, operator: true }
    }

    fn new(config: &ClientConfig, requests: Option<u32>) -> Self {
        Self {
            name: config.name.clone(),
            models: config.models.clone(),
            rows: config.rows_per_minute.map(Bucket::new),
            requests: config.requests_per_minute.or(requests).map(Bucket::new),
            operator: config.operator,
        }
    }

    /// What the audit log calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it may ask this model.
    pub fn may_ask(&self, model: &str) -> Result<(), Error> {
        if self.models.as_ref().is_none_or(|models| models.iter().any(|name| name == model)) {
            return Ok(());
        }
        let what = format!(
            "`{}` may not ask the model `{model}` here. The server's operator can add it to `models` of that client.",
            self.name
        );
        Err(Error::new(Blame::Denied, "E166", what))
    }

    /// Whether it may read what the server counted.
    pub fn may_read_metrics(&self) -> Result<(), Error> {
        if self.operator {
            return Ok(());
        }
        let what = format!("`{}` may not read this server's counts: it has no `operator = true`.", self.name);
        Err(Error::new(Blame::Denied, "E166", what))
    }

    /// Takes rows from what it has in a minute.
    pub(crate) fn take_rows(&self, rows: usize) -> Result<(), Error> {
        let Some(bucket) = &self.rows else { return Ok(()) };
        let whose = format!("`{}` is answered", self.name);
        take(bucket, rows, &whose, "rows", "E325")
    }

    /// Gives rows back that were not answered.
    pub(crate) fn give_rows_back(&self, rows: usize) {
        if let Some(bucket) = &self.rows {
            bucket.give_back(rows);
        }
    }

    fn take_request(&self) -> Result<(), Error> {
        let Some(bucket) = &self.requests else { return Ok(()) };
        take(bucket, 1, &format!("`{}` may make", self.name), "requests", "E328")
    }
}

/// Takes from a bucket, or says when there is enough in it.
pub(crate) fn take(
    bucket: &Bucket,
    count: usize,
    whose: &str,
    what: &str,
    code: &'static str,
) -> Result<(), Error> {
    let most = bucket.per_minute();
    bucket.take(count, Instant::now()).map_err(|empty| match empty {
        Empty::Never => {
            Error::usage(code, format!("{count} {what} came; {whose} {most} in a minute. Send fewer."))
        }
        Empty::In(wait) => Error::busy(
            code,
            wait,
            format!("{whose} {most} {what} in a minute, and they are used up. Ask again in {wait} s."),
        ),
    })
}

/// All clients of a server.
pub struct Clients {
    by_key: HashMap<[u8; 32], Arc<Client>>,
    by_token: Vec<([u8; 32], Arc<Client>)>,
    anyone: Option<Arc<Client>>,
    /// Requests in a minute of one address that shows nothing.
    per_address: Option<u32>,
    addresses: Mutex<HashMap<IpAddr, Arc<Bucket>>>,
}

/// Addresses that are counted at a time; those that asked nothing for a minute are forgotten first.
const ADDRESSES: usize = 1 << 16;

impl Clients {
    /// Those of a configuration; whoever comes, where there are none. `has_company` says that the role has others beside it, to whom
    /// it could show a token.
    pub fn new(configs: &[ClientConfig], requests: Option<u32>, has_company: bool) -> Result<Self, Error> {
        let all = Self::anyone();
        let anyone = all.anyone.clone().filter(|_| configs.is_empty());
        let mut all = Self { anyone, per_address: requests, ..all };
        let mut names = std::collections::BTreeSet::new();
        for config in configs {
            check_name(&config.name)?;
            if !names.insert(&config.name) {
                return Err(wrong(config, "its name is there twice"));
            }
            all.add(config, requests, has_company)?;
        }
        Ok(all)
    }

    /// Whoever comes.
    pub fn anyone() -> Self {
        Self {
            by_key: HashMap::new(),
            by_token: Vec::new(),
            anyone: Some(Arc::new(Client::anyone())),
            per_address: None,
            addresses: Mutex::default(),
        }
    }

    fn add(&mut self, config: &ClientConfig, requests: Option<u32>, has_company: bool) -> Result<(), Error> {
        let client = Arc::new(Client::new(config, requests.filter(|_| !config.anyone)));
        match (&config.key, &config.token_digest, config.anyone) {
            (Some(line), None, false) => {
                let key: PublicKey = line.parse()?;
                if self.by_key.insert(*key.tls(), client).is_some() {
                    return Err(wrong(config, "another client has the same key"));
                }
            }
            (None, Some(_), false) if has_company => {
                return Err(wrong(
                    config,
                    "a token that is shown to one party could be shown to the others by it; use `key`",
                ));
            }
            (None, Some(digest), false) => {
                let digest = blake3::Hash::from_hex(digest)
                    .map_err(|_| wrong(config, "`token_digest` is not 64 hexadecimal digits"))?;
                self.by_token.push((*digest.as_bytes(), client));
            }
            (None, None, true) if self.anyone.is_none() => self.anyone = Some(client),
            _ => {
                return Err(wrong(
                    config,
                    "it needs one of `key`, `token_digest` and `anyone`, and only one client may be anyone",
                ));
            }
        }
        Ok(())
    }

    /// Whether a client may be known by the key that it shows.
    pub fn wants_keys(&self) -> bool {
        !self.by_key.is_empty()
    }

    /// Who this is.
    pub fn identify(
        &self,
        key: Option<&[u8; 32]>,
        headers: &HeaderMap,
    ) -> Result<&Arc<Client>, (StatusCode, Error)> {
        let by_key = key.and_then(|key| self.by_key.get(key));
        let by_token = || bearer(headers).and_then(|token| self.with_token(token));
        by_key.or_else(by_token).or(self.anyone.as_ref()).ok_or_else(|| {
            let what = "This server answers clients that it knows, by the key that they show in the TLS handshake (`client_key` in \
                        `deployment.toml`) or by their token (`Authorization: Bearer TOKEN`). Its operator can add you to `[[clients]]`.";
            (StatusCode::UNAUTHORIZED, Error::new(Blame::Denied, "E165", what))
        })
    }

    /// Whether it may make one more request; clients that are not told apart are counted by their address.
    pub fn admit(&self, client: &Client, address: IpAddr) -> Result<(), Error> {
        client.take_request()?;
        let is_told_apart =
            self.anyone.as_ref().is_none_or(|anyone| !std::ptr::eq(&raw const **anyone, client));
        let Some(per_minute) = self.per_address.filter(|_| !is_told_apart) else { return Ok(()) };
        let bucket = self.bucket_of(address, per_minute);
        take(&bucket, 1, "One address may make", "requests", "E328")
    }

    fn bucket_of(&self, address: IpAddr, per_minute: u32) -> Arc<Bucket> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if addresses.len() >= ADDRESSES && !addresses.contains_key(&address) {
            let now = Instant::now();
            addresses.retain(|_, bucket| !bucket.is_full(now));
            // All of them are busy: none is favoured for long.
            if addresses.len() >= ADDRESSES {
                addresses.clear();
            }
        }
        Arc::clone(addresses.entry(address).or_insert_with(|| Arc::new(Bucket::new(per_minute))))
    }

    /// All tokens are compared, in constant time each.
    fn with_token(&self, token: &str) -> Option<&Arc<Client>> {
        let digest = *blake3::hash(token.as_bytes()).as_bytes();
        let mut found = None;
        for (known, client) in &self.by_token {
            if bool::from(known.ct_eq(&digest)) {
                found = Some(client);
            }
        }
        found
    }
}

/// What follows `Bearer`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn wrong(config: &ClientConfig, what: &str) -> Error {
    Error::usage("E171", format!("The client `{}` cannot be known: {what}.", config.name))
}

#[cfg(test)]
#[path = "clients_tests.rs"]
mod tests;
