//! Where translated nodes came from: errors name the exporter's own node and operator, not what stands for them.

use std::collections::HashMap;

use privet_model::graph::Origin;

/// Why a node of the exporter's cannot be translated, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Obstacle {
    pub(crate) reason: String,
    pub(crate) hint: String,
}

impl Obstacle {
    pub(crate) fn new(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: hint.into() }
    }
}

/// The exporter's node behind a translated one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) origin: Origin,
    /// Set where there is no translation; whoever uses such a node's values is not reported again.
    pub(crate) obstacle: Option<Obstacle>,
}

/// Sources by the name of a node's first output; empty for files that are not translated.
#[derive(Debug, Default)]
pub(crate) struct Sources(HashMap<String, Source>);

impl Sources {
    pub(crate) fn insert(&mut self, output: String, source: Source) {
        self.0.insert(output, source);
    }

    pub(crate) fn find(&self, output: Option<&String>) -> Option<&Source> {
        self.0.get(output?)
    }
}
