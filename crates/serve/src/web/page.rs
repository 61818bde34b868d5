//! The page, put together once when the server starts.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use privet_deploy::{Blame, Error};
use rcgen::SigningKey as _;
use serde_json::{Value, json};
use zeroize::Zeroize as _;

use super::check_said;
use super::config::WebConfig;
use crate::config::read_text;
use crate::deployment::DeploymentFile;
use crate::keys::MachineKey;
use crate::tls::sha256;

/// The client and the form, as `bindings/browser` builds them.
pub(super) const SCRIPT: &str = include_str!("../../../../bindings/browser/dist/page.js");
pub(super) const STYLE: &str = include_str!("style.css");
const HTML: &str = include_str!("index.html");

/// All that is served.
pub(super) struct Page {
    /// The page itself.
    pub(super) html: String,
    /// What it is about, as JSON.
    pub(super) facts: String,
    /// The same in one file, to be saved.
    pub(super) alone: String,
    /// Its signature (DER, base64), and the key that checks it (PEM).
    pub(super) signature: String,
    pub(super) signer: String,
    /// Its content security policy.
    pub(super) policy: HeaderValue,
}

impl Page {
    pub(super) fn make(config: &WebConfig, folder: &Path, key: &MachineKey) -> Result<Self, Error> {
        let paths = std::iter::once(&config.deployment).chain(&config.more);
        let read = |path| DeploymentFile::read(&folder.join(path)).map(|(file, _)| (file, folder.join(path)));
        let files = paths.map(read).collect::<Result<Vec<_>, _>>()?;
        let deployments: Vec<DeploymentFile> = files.iter().map(|(file, _)| file.clone()).collect();
        check_said(config, &deployments, key)?;
        let told = files.iter().map(|(file, path)| deployment(file, path)).collect::<Result<Vec<_>, _>>()?;
        let facts = facts(config, &told, key);
        let roles = deployments.iter().flat_map(|file| &file.endpoints).map(|role| origin(&role.http_url));
        let roles = roles.collect::<Result<BTreeSet<&str>, _>>()?;
        let roles = roles.into_iter().collect::<Vec<_>>().join(" ");
        let alone = alone(&facts, &roles);
        let (signature, signer) = signed(key, alone.as_bytes())?;
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {roles}; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
        );
        let policy = HeaderValue::from_str(&policy).map_err(|_| not_an_origin(&roles))?;
        let html = HTML
            .replace("{policy}", "")
            .replace("{style}", "<link rel=\"stylesheet\" href=\"style.css\">")
            .replace("{script}", "<script type=\"module\" src=\"app.js\"></script>");
        Ok(Self { html, facts, alone, signature, signer, policy })
    }
}

/// The address, which becomes part of the page's policy, so that it must be one and nothing else.
fn origin(url: &str) -> Result<&str, Error> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    let good = url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(plain));
    if good { Ok(url) } else { Err(not_an_origin(url)) }
}

fn not_an_origin(url: &str) -> Error {
    Error::usage("E142", format!("`{url}` is no address of a role for a page; expected `https://HOST:PORT`."))
}

/// A deployment as a browser takes it: the policy and the collateral are in it, as it reads no files.
fn deployment(file: &DeploymentFile, path: &Path) -> Result<Value, Error> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let policy = match &file.policy {
        Some(policy) => {
            let text = read_text(&folder.join(policy))?;
            toml::from_str::<Value>(&text)
                .map_err(|e| Error::usage("E142", format!("`{}` is no policy: {e}", policy.display())))?
        }
        None => Value::Null,
    };
    let endpoints = file.endpoints.iter().map(|role| json!({ "name": role.name, "http_url": role.http_url }));
    Ok(json!({
        "name": file.name, "kind": file.kind, "public": file.public, "digest": file.digest, "policy": policy,
        "endpoints": endpoints.collect::<Vec<_>>(),
    }))
}

fn facts(config: &WebConfig, told: &[Value], key: &MachineKey) -> String {
    json!({
        "title": config.title,
        "introduction": config.introduction,
        "served_by": config.served_by,
        "machine": key.public().name(),
        "apply": config.apply,
        "outcomes": config.outcomes,
        "fields": config.fields,
        "dangerous_accept_simulated": config.dangerous_accept_simulated,
        "deployment": told.first(),
        "more": told.get(1),
    })
    .to_string()
}

/// One file that needs no server: its script and style are named by their digests, and nothing else runs.
fn alone(facts: &str, roles: &str) -> String {
    // What could end a script early does not stand in JSON unescaped.
    let facts = facts.replace('<', "\\u003c");
    let hash = |text: &str| STANDARD.encode(sha256(text.as_bytes()));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src {roles}; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    HTML.replace(
        "{policy}",
        &format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">"),
    )
    .replace("{style}", &format!("<style>{STYLE}</style>"))
    .replace(
        "{script}",
        &format!("<script type=\"application/json\" id=\"facts\">{facts}</script>\n<script type=\"module\">{SCRIPT}</script>"),
    )
}

fn signed(key: &MachineKey, text: &[u8]) -> Result<(String, String), Error> {
    let unsigned = |_| Error::new(Blame::Ours, "E903", "The page could not be signed.");
    let mut pair = key.pair()?;
    let signature = pair.sign(text);
    let signer = pair.public_key_pem();
    pair.zeroize();
    Ok((STANDARD.encode(signature.map_err(unsigned)?), signer))
}
