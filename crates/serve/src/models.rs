//! The models of a server, by name and version.

use std::collections::BTreeMap;
use std::sync::Arc;

use privet_deploy::{Blame, Error};

use crate::service::Service;

/// The models of a server.
#[derive(Default)]
pub struct Models(BTreeMap<String, Versions>);

/// One model's versions.
struct Versions {
    /// What is meant where no version is named: the one that came first.
    first: Arc<dyn Service>,
    all: BTreeMap<String, Arc<dyn Service>>,
}

impl Models {
    /// These, each under its own name and version. Where a name has several versions, the first is the one that is meant without one.
    pub fn new(all: Vec<Arc<dyn Service>>) -> Result<Self, Error> {
        let mut models: BTreeMap<String, Versions> = BTreeMap::new();
        for service in all {
            let (name, version) = (service.metadata().name.clone(), service.metadata().version.clone());
            let model = models
                .entry(name.clone())
                .or_insert_with(|| Versions { first: Arc::clone(&service), all: BTreeMap::new() });
            if model.all.insert(version.clone(), service).is_some() {
                return Err(Error::usage(
                    "E158",
                    format!(
                        "Two models are called `{name}` in version {version}; one server has each once. Give one of them another \
                         name, or another version (`privet bundle --model-version`)."
                    ),
                ));
            }
        }
        Ok(Self(models))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Service>> {
        self.0.values().flat_map(|model| model.all.values())
    }

    /// The model of this name; an empty version means the first.
    pub fn find(&self, name: &str, version: &str) -> Result<Arc<dyn Service>, Error> {
        let model = self.0.get(name).ok_or_else(|| self.no_model(name))?;
        let found = if version.is_empty() { Some(&model.first) } else { model.all.get(version) };
        found.cloned().ok_or_else(|| {
            let have = model.all.keys().cloned().collect::<Vec<_>>().join(", ");
            not_found(format!(
                "Model `{name}` has no version `{version}` here; it has {have}. Ask for one of these or for none; if yours is newer, \
                 this server has not loaded it yet."
            ))
        })
    }

    /// The versions of a model, the first one first.
    pub fn versions(&self, name: &str) -> Vec<String> {
        let Some(model) = self.0.get(name) else { return Vec::new() };
        let first = model.first.metadata().version.clone();
        let others = model.all.keys().filter(|version| **version != first).cloned();
        std::iter::once(first.clone()).chain(others).collect()
    }

    fn no_model(&self, name: &str) -> Error {
        let have: Vec<_> = self.0.keys().map(|name| format!("`{name}`")).collect();
        not_found(format!("There is no model `{name}` here; this server has {}.", have.join(", ")))
    }
}

fn not_found(message: String) -> Error {
    Error::new(Blame::NotFound, "E154", message)
}
