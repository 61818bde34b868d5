//! A node's attributes, by name and kind.

use std::collections::BTreeMap;

use super::proto::{Attr, AttrValue, Shape, TensorProto};

/// The attributes of one node.
#[derive(Clone, Copy)]
pub(super) struct Attrs<'a>(pub(super) &'a BTreeMap<String, AttrValue>);

impl<'a> Attrs<'a> {
    fn get(self, name: &str) -> Option<&'a Attr> {
        self.0.get(name)?.value.as_ref()
    }

    pub(super) fn int(self, name: &str, default: i64) -> i64 {
        match self.get(name) {
            Some(Attr::Int(i)) => *i,
            _ => default,
        }
    }

    pub(super) fn float(self, name: &str, default: f32) -> f32 {
        match self.get(name) {
            Some(Attr::Float(f)) => *f,
            _ => default,
        }
    }

    pub(super) fn flag(self, name: &str, default: bool) -> bool {
        match self.get(name) {
            Some(Attr::Bool(b)) => *b,
            _ => default,
        }
    }

    /// An element type.
    pub(super) fn dtype(self, name: &str, default: i32) -> i32 {
        match self.get(name) {
            Some(Attr::Type(number)) => *number,
            _ => default,
        }
    }

    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        match self.get(name) {
            Some(Attr::Text(bytes)) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    pub(super) fn ints(self, name: &str) -> &'a [i64] {
        match self.get(name) {
            Some(Attr::List(list)) => &list.i,
            _ => &[],
        }
    }

    pub(super) fn texts(self, name: &str) -> Vec<&'a str> {
        match self.get(name) {
            Some(Attr::List(list)) => list.s.iter().filter_map(|s| std::str::from_utf8(s).ok()).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn shape(self, name: &str) -> Option<&'a Shape> {
        match self.get(name) {
            Some(Attr::Shape(shape)) => Some(shape),
            _ => None,
        }
    }

    pub(super) fn tensor(self, name: &str) -> Option<&'a TensorProto> {
        match self.get(name) {
            Some(Attr::Tensor(tensor)) => Some(tensor),
            _ => None,
        }
    }
}
