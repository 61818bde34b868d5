//! `privet serve web`: a page on which applicants ask a deployment from their own browser. This server hands out the page and never
//! sees what is typed into it, but it could hand out another page: so it says who it is, and that.

mod config;
mod page;

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue};
use privet_deploy::Error;

use crate::config::{read, read_text};
use crate::deployment::DeploymentFile;
use crate::keys::MachineKey;
use crate::roles::{Prepared, bind, read_key};
use crate::server::{Content, Door};
use crate::tls::server_config;

pub use config::{FieldConfig, WebConfig};
use page::Page;

/// The page's server.
pub async fn web(config: &Path) -> Result<Prepared, Error> {
    let (config, folder) = read::<WebConfig>(config)?;
    let key = read_key(&folder.join(&config.key))?;
    let certificate = match &config.certificate {
        Some(path) => read_text(&folder.join(path))?,
        None => key.certificate(&[])?,
    };
    let page = Page::make(&config, &folder, &key)?;
    let door = Door::tls(server_config(&key, &certificate)?);
    bind(&config.listen, door, Content::Pages(router(page)), config.limits.into()).await
}

/// Refuses to serve what nobody was told about.
fn check_said(config: &WebConfig, files: &[DeploymentFile], key: &MachineKey) -> Result<(), Error> {
    if config.whoever_serves_this_page_can_read_what_is_typed {
        return Ok(());
    }
    let line = key.public().to_string();
    let role = files.iter().flat_map(|file| &file.endpoints).find(|role| role.key.as_ref() == Some(&line));
    let who = role.map_or_else(String::new, |role| {
        format!(" This machine is also `{}`, which is not to see what is typed.", role.name)
    });
    let what = format!(
        "Whoever serves a page can read what is typed into it.{who} Set `whoever_serves_this_page_can_read_what_is_typed = true`, \
         and the page says so to everybody; or give applicants the signed page or the gateway, which they run themselves."
    );
    Err(Error::refused("E169", what))
}

fn router(page: Page) -> Router {
    let page = Arc::new(page);
    let file = |path: &'static str, kind: &'static str, text: fn(&Page) -> &str| {
        let page = Arc::clone(&page);
        let answer = move || async move { headed(&page, kind, text(&page).to_owned()) };
        (path, get(answer))
    };
    let files = [
        file("/", "text/html; charset=utf-8", |page| &page.html),
        file("/app.js", "text/javascript; charset=utf-8", |_| page::SCRIPT),
        file("/style.css", "text/css; charset=utf-8", |_| page::STYLE),
        file("/page.json", "application/json", |page| &page.facts),
        file("/page.html.sig", "application/octet-stream", |page| &page.signature),
        file("/page.pem", "application/x-pem-file", |page| &page.signer),
    ];
    let alone = Arc::clone(&page);
    let download = get(move || async move {
        let mut answer = headed(&alone, "text/html; charset=utf-8", alone.alone.clone());
        let saved = HeaderValue::from_static("attachment; filename=\"page.html\"");
        answer.headers_mut().insert(CONTENT_DISPOSITION, saved);
        answer
    });
    let live = get(async || axum::Json(serde_json::json!({ "live": true, "ready": true })));
    let router = files.into_iter().fold(Router::new(), |router, (path, answer)| router.route(path, answer));
    router
        .route("/page.html", download)
        .route("/v2/health/live", live.clone())
        .route("/v2/health/ready", live)
}

/// Nothing from elsewhere, nothing inline, nothing framed; requests to the roles and to nobody else.
fn headed(page: &Page, kind: &'static str, text: String) -> Response {
    let mut answer = text.into_response();
    let fixed = [
        (CONTENT_TYPE, kind),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in fixed {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, page.policy.clone());
    answer
}
