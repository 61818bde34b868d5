//! A tensor's values in JSON, flat or nested, read straight into raw bytes: what is held never exceeds eight
//! bytes per value, and the values never appear in an error.

use std::fmt;

use privet_deploy::Error;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};

use crate::json_tokens::{INFINITY, MINUS_INFINITY};
use crate::tensor::{count, form, push, unknown};

/// The raw bytes of the JSON array `json`. It is flat, or nested just as the shape says.
pub fn read(name: &str, datatype: &str, shape: &[i64], json: &str) -> Result<Vec<u8>, Error> {
    let expected = count(name, shape)?;
    let kind = Kind::parse(datatype).ok_or_else(|| match datatype {
        "FP16" | "BF16" => {
            form(name, format!("cannot be sent as JSON in {datatype}. Send it as binary data."))
        }
        _ => unknown(name, datatype),
    })?;
    let mut sink = Sink { kind, raw: Vec::new(), count: 0, depth: None, lengths: Vec::new(), problem: None };
    let mut parser = serde_json::Deserializer::from_str(json);
    let parsed = Level { sink: &mut sink, depth: 0 }.deserialize(&mut parser).and_then(|()| parser.end());
    if parsed.is_err() {
        let problem = sink.problem.unwrap_or("is not an array of values, nested at most 120 deep");
        return Err(form(name, format!("({datatype}) {problem}. Send the values row by row.")));
    }
    sink.check_shape(name, shape, expected)?;
    Ok(sink.raw)
}

#[derive(Clone, Copy)]
enum Kind {
    Bool,
    Int { bytes: usize, min: i64, max: u64 },
    Fp32,
    Fp64,
    Text,
}

impl Kind {
    fn parse(datatype: &str) -> Option<Self> {
        let signed = |bytes, min: i64| Self::Int { bytes, min, max: !min.cast_unsigned() };
        let unsigned = |bytes, max| Self::Int { bytes, min: 0, max };
        Some(match datatype {
            "BOOL" => Self::Bool,
            "INT8" => signed(1, i8::MIN.into()),
            "INT16" => signed(2, i16::MIN.into()),
            "INT32" => signed(4, i32::MIN.into()),
            "INT64" => signed(8, i64::MIN),
            "UINT8" => unsigned(1, u8::MAX.into()),
            "UINT16" => unsigned(2, u16::MAX.into()),
            "UINT32" => unsigned(4, u32::MAX.into()),
            "UINT64" => unsigned(8, u64::MAX),
            "FP32" => Self::Fp32,
            "FP64" => Self::Fp64,
            "BYTES" => Self::Text,
            _ => return None,
        })
    }
}

struct Sink {
    kind: Kind,
    raw: Vec<u8>,
    count: usize,
    /// How deep the first value was; all others must be as deep.
    depth: Option<usize>,
    /// How long the first array of each depth was; all others must be as long.
    lengths: Vec<Option<usize>>,
    problem: Option<&'static str>,
}

impl Sink {
    fn check_shape(&self, name: &str, shape: &[i64], expected: usize) -> Result<(), Error> {
        let flat = self.lengths.len() <= 1;
        let nested = || {
            let lengths = self.lengths.iter().map(|length| length.and_then(|n| i64::try_from(n).ok()));
            // An empty array may stand for everything inside it.
            let same = lengths.zip(shape).all(|(have, want)| have == Some(*want));
            same && (self.lengths.len() == shape.len() || expected == 0)
        };
        if self.count == expected && (flat || nested()) {
            return Ok(());
        }
        let lengths: Vec<_> = self.lengths.iter().flatten().collect();
        Err(form(
            name,
            format!(
                "has {} values in arrays of {lengths:?}; its shape {shape:?} needs {expected}, flat or nested the same way. Correct the one or the other.",
                self.count
            ),
        ))
    }

    fn value<E: serde::de::Error>(&mut self, depth: usize, value: Value<'_>) -> Result<(), E> {
        if depth == 0 {
            return self.fail("is a single value, not an array");
        }
        if *self.depth.get_or_insert(depth) != depth {
            return self.fail("has values at different depths");
        }
        self.count += 1;
        match self.write(value) {
            Some(()) => Ok(()),
            None => self.fail("has a value that is not of its datatype"),
        }
    }

    fn write(&mut self, value: Value<'_>) -> Option<()> {
        match self.kind {
            Kind::Bool => self.raw.push(u8::from(value.bool()?)),
            Kind::Int { bytes, min, max } => {
                let value = value.int()?;
                if value < min.into() || value > max.into() {
                    return None;
                }
                self.raw.extend(value.to_le_bytes().into_iter().take(bytes));
            }
            #[allow(clippy::cast_possible_truncation, reason = "the nearest FP32 is what was asked for")]
            Kind::Fp32 => self.raw.extend_from_slice(&(value.float()? as f32).to_le_bytes()),
            Kind::Fp64 => self.raw.extend_from_slice(&value.float()?.to_le_bytes()),
            Kind::Text => push(&mut self.raw, value.text()?.as_bytes())?,
        }
        Some(())
    }

    fn array<E: serde::de::Error>(&mut self, depth: usize, length: usize) -> Result<(), E> {
        if self.lengths.len() <= depth {
            self.lengths.resize(depth + 1, None);
        }
        let known = self.lengths.get_mut(depth).map(|known| *known.get_or_insert(length));
        if known == Some(length) {
            return Ok(());
        }
        self.fail("has arrays of different lengths at the same depth")
    }

    fn fail<T, E: serde::de::Error>(&mut self, problem: &'static str) -> Result<T, E> {
        self.problem = Some(problem);
        Err(E::custom(problem))
    }
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(&'a str),
}

impl<'a> Value<'a> {
    fn bool(self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(value),
            Self::Int(0) => Some(false),
            Self::Int(1) => Some(true),
            _ => None,
        }
    }

    fn int(self) -> Option<i128> {
        if let Self::Int(value) = self { Some(value) } else { None }
    }

    fn float(self) -> Option<f64> {
        match self {
            Self::Null => Some(f64::NAN),
            Self::Int(value) => Some(value as f64),
            Self::Float(value) => Some(value),
            Self::Text(INFINITY) => Some(f64::INFINITY),
            Self::Text(MINUS_INFINITY) => Some(f64::NEG_INFINITY),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }

    fn text(self) -> Option<&'a str> {
        if let Self::Text(text) = self { Some(text).filter(|text| !text.starts_with('\0')) } else { None }
    }
}

struct Level<'s> {
    sink: &'s mut Sink,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let mut length = 0;
        while array.next_element_seed(Level { sink: self.sink, depth: self.depth + 1 })?.is_some() {
            length += 1;
        }
        self.sink.array(self.depth, length)
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom("an object"))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.sink.value(self.depth, Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.sink.value(self.depth, Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.sink.value(self.depth, Value::Int(value.into()))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.sink.value(self.depth, Value::Int(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.sink.value(self.depth, Value::Float(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.sink.value(self.depth, Value::Text(value))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn f64s(shape: &[i64], json: &str) -> Option<Vec<f64>> {
        let raw = read("x", "FP64", shape, json).ok()?;
        Some(raw.chunks_exact(8).map(|c| f64::from_le_bytes(c.try_into().unwrap())).collect())
    }

    #[test]
    fn flat_and_nested_are_the_same() {
        for json in ["[1,2,3,4,5,6]", "[[1,2,3],[4,5,6]]", "[[1,2.0,3],[4e0,5,6]]"] {
            assert_eq!(f64s(&[2, 3], json), Some(vec![1., 2., 3., 4., 5., 6.]), "{json}");
        }
        assert_eq!(f64s(&[0, 3], "[]"), Some(vec![]));
        assert_eq!(f64s(&[2, 0], "[[],[]]"), Some(vec![]));
        assert_eq!(f64s(&[], "[7]"), Some(vec![7.]));
    }

    #[test]
    fn wrong_nesting_is_refused() {
        for json in [
            "[[1,2],[3,4],[5,6]]",
            "[[1,2,3],[4,5]]",
            "[[1,2,3],[4,5,6,7]]",
            "[[1,2,3],4,5,6]",
            "[1,[2,3,4,5,6]]",
            "[[[1,2,3]],[[4,5,6]]]",
            "[1,2,3,4,5]",
            "1",
            "{}",
            "[{}]",
            "[\"1\",2,3,4,5,6]",
            "[true,2,3,4,5,6]",
            "[1,2,3,4,5,6",
        ] {
            assert_eq!(f64s(&[2, 3], json), None, "{json}");
        }
        assert!(read("x", "FP64", &[1], &"[".repeat(100_000)).is_err());
    }

    #[test]
    fn integers_must_fit() {
        assert_eq!(read("x", "INT8", &[2], "[-128, 127]").unwrap(), [0x80, 0x7f]);
        assert_eq!(read("x", "INT64", &[1], "[-9223372036854775808]").unwrap(), i64::MIN.to_le_bytes());
        assert_eq!(read("x", "UINT64", &[1], "[18446744073709551615]").unwrap(), u64::MAX.to_le_bytes());
        for (datatype, json) in [
            ("INT8", "[128]"),
            ("UINT8", "[-1]"),
            ("UINT8", "[256]"),
            ("INT64", "[9223372036854775808]"),
            ("INT64", "[1.0]"),
            ("INT64", "[null]"),
            ("BOOL", "[2]"),
            ("BYTES", "[null]"),
            ("BYTES", "[\"\\u0000Infinity\"]"),
            ("FP16", "[1]"),
        ] {
            assert_eq!(read("x", datatype, &[1], json).unwrap_err().code, "E151", "{datatype} {json}");
        }
    }

    #[test]
    fn null_is_not_a_number_and_values_stay_out_of_errors() {
        assert!(f64s(&[1], "[null]").unwrap()[0].is_nan());
        let error = read("x", "INT64", &[1], "[\"secret value\"]").unwrap_err();
        assert!(!error.message.contains("secret"), "{error}");
    }

    proptest! {
        #[test]
        fn fp32_round_trips_through_json(values in prop::collection::vec(any::<f32>().prop_filter("finite", |x| x.is_finite()), 0..20)) {
            let shape = [i64::try_from(values.len()).unwrap()];
            let wide: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
            let expected: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            prop_assert_eq!(&read("x", "FP32", &shape, &serde_json::to_string(&values).unwrap()).unwrap(), &expected);
            prop_assert_eq!(&read("x", "FP32", &shape, &serde_json::to_string(&wide).unwrap()).unwrap(), &expected);
        }
    }
}
