//! Attributes of translated nodes.

use crate::onnx_proto::AttributeProto;

pub(crate) fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i: Some(i), ..AttributeProto::default() }
}

pub(crate) fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), ints: ints.into(), ..AttributeProto::default() }
}

pub(crate) fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { name: name.into(), f: Some(f), ..AttributeProto::default() }
}

pub(crate) fn word(name: &str, word: &str) -> AttributeProto {
    AttributeProto { name: name.into(), s: Some(word.into()), ..AttributeProto::default() }
}
