//! One value for another, by a table.

use std::collections::HashSet;

use privet_model::graph::{Comparison, Function, Labels, NodeId, Op};
use privet_model::tensor::DataType;

use crate::onnx::tensor::{Elements, finite};
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

/// Beyond this, whole numbers are not exact as float64.
const EXACT: i64 = 1 << 52;

pub(super) fn label_encoder(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.rows(0)?;
    let table = Table::read(call, &x)?;
    let mut columns = Vec::new();
    for column in 0..x.width() {
        let value = if x.width() == 1 { x.id } else { call.emit(Op::Select(vec![column]), x.id)? };
        columns.push(table.found(call, value)?);
    }
    let id = if let [only] = columns[..] { only } else { call.emit_many(Op::Concat, columns)? };
    let dtype = match table.values {
        Elements::Text(_) => DataType::Bytes,
        Elements::Int(_) => DataType::Int64,
        _ => table.dtype,
    };
    one(Rows { cut: false, dtype, ..x.with(id) })
}

/// What stands for what.
struct Table {
    keys: Elements,
    values: Elements,
    /// For what is no key; one value of the kind of the others.
    default: Elements,
    /// The type of fractions.
    dtype: DataType,
}

impl Table {
    fn read(call: &mut Call<'_, '_>, x: &Rows) -> Result<Self, Stop> {
        let classes = call.strings("classes_strings")?;
        let (keys, values) = if classes.is_empty() {
            (listed(call, "keys")?, listed(call, "values")?)
        } else {
            let numbers = Elements::Int((0..).take(classes.len()).collect());
            let names = Elements::Text(classes);
            if x.is_text() { (names, numbers) } else { (numbers, names) }
        };
        let n = keys.len();
        let kind = match (&keys, x.is_text(), x.is_whole()) {
            (Elements::Text(_), is_text, _) => is_text,
            (Elements::Int(_), _, is_whole) => is_whole,
            (_, is_text, is_whole) => !is_text && !is_whole,
        };
        if n == 0 || values.len() != n || !kind || !distinct(&keys) {
            return Err(Stop::problem(
                format!(
                    "Its {n} keys and {} values do not belong together, or its keys are not {}.",
                    values.len(),
                    x.dtype.name()
                ),
                "It needs one value for each key, and every key once, of the type of its input.",
            ));
        }
        let dtype = call.tensor("values_tensor")?.map_or(DataType::Fp32, |t| t.dtype);
        let default = default(call, &values)?;
        call.builder.charge(2 * n)?;
        exact(call, &values)?;
        exact(call, &default)?;
        Ok(Self { keys, values, default, dtype })
    }

    /// The value for one column.
    fn found(&self, call: &mut Call<'_, '_>, x: NodeId) -> Result<NodeId, Stop> {
        let hits = self.hits(call, x)?;
        let (Some(values), Some(default)) = (self.values.to_f64(), self.default.to_f64()) else {
            let (Elements::Text(names), Elements::Text(default)) = (&self.values, &self.default) else {
                return Err(Stop::Unknown);
            };
            // No key at all is less than half a hit.
            let none = call.fixed(vec![0.5])?;
            let scores = call.emit_many(Op::Concat, vec![hits, none])?;
            return call.emit(Op::Label(Labels::Text([&names[..], default].concat())), scores);
        };
        let weights = values.iter().map(|v| v - default[0]).collect();
        call.emit(Op::Linear { weights, bias: default }, hits)
    }

    /// 1 for the key that it is.
    fn hits(&self, call: &mut Call<'_, '_>, x: NodeId) -> Result<NodeId, Stop> {
        let known = |levels| Op::OneHot { levels, unknown_is_zeros: true };
        let keys = match &self.keys {
            Elements::Int(keys) => return call.emit(known(Labels::Int(keys.clone())), x),
            Elements::Text(keys) => return call.emit(known(Labels::Text(keys.clone())), x),
            keys => keys.to_f64().unwrap_or_default(),
        };
        let n = keys.len();
        let wide = call.emit(Op::Select(vec![0; n]), x)?;
        // A constant may be infinite, but must be a number; it is not counted where it stands for none.
        let numbers = keys.iter().map(|&k| if k.is_nan() { f64::INFINITY } else { k }).collect();
        let fixed = call.fixed(numbers)?;
        let equal = call.emit_many(Op::Compare(Comparison::Equal), vec![wide, fixed])?;
        let counts = keys.iter().map(|k| f64::from(!k.is_nan())).collect();
        let hits = call.emit(Op::Affine { scale: counts, shift: vec![0.0; n] }, equal)?;
        // Before version 4, nothing equals such a key.
        let place = keys.iter().position(|k| k.is_nan()).filter(|_| call.builder.opsets.ml() >= 4);
        let Some(place) = place else { return Ok(hits) };
        let missing = call.emit(Op::Map(Function::IsNan), x)?;
        let both = call.emit_many(Op::Concat, vec![hits, missing])?;
        call.emit(Op::Select((0..n).map(|i| if i == place { n } else { i }).collect()), both)
    }
}

/// A list of the attribute's three kinds, or its tensor.
fn listed(call: &mut Call<'_, '_>, name: &str) -> Result<Elements, Stop> {
    let ints = call.ints(&format!("{name}_int64s"));
    let texts = call.strings(&format!("{name}_strings"))?;
    let attribute = format!("{name}_floats");
    let floats: Vec<f64> =
        call.attribute(&attribute).map(|a| a.floats.iter().map(|&x| x.into()).collect()).unwrap_or_default();
    match (ints.is_empty(), texts.is_empty(), floats.is_empty()) {
        (false, true, true) => Ok(Elements::Int(ints)),
        (true, false, true) => Ok(Elements::Text(texts)),
        (true, true, false) => Ok(Elements::Float(floats)),
        _ => match call.tensor(&format!("{name}_tensor"))?.map(|t| t.data) {
            Some(data @ (Elements::Int(_) | Elements::Text(_) | Elements::Float(_))) => Ok(data),
            _ => Err(Stop::problem(format!("It has no list of {name}, or two."), "Export the model again.")),
        },
    }
}

fn default(call: &mut Call<'_, '_>, values: &Elements) -> Result<Elements, Stop> {
    let given = call.tensor("default_tensor")?.map(|t| t.data);
    let default = match (given, values) {
        (Some(given), _) => given,
        (None, Elements::Text(_)) if call.attribute("default_string").is_some() => {
            Elements::Text(vec![call.text("default_string")?])
        }
        (None, Elements::Text(_)) => Elements::Text(vec!["_Unused".into()]),
        (None, Elements::Int(_)) => Elements::Int(vec![call.int("default_int64", -1)]),
        (None, _) => Elements::Float(vec![call.float("default_float", -0.0)]),
    };
    let alike = std::mem::discriminant(&default) == std::mem::discriminant(values);
    if alike && default.len() == 1 {
        return Ok(default);
    }
    Err(Stop::problem("Its default is not one value of the type of the others.", "Export the model again."))
}

fn distinct(keys: &Elements) -> bool {
    match keys {
        Elements::Int(v) => v.iter().collect::<HashSet<_>>().len() == v.len(),
        Elements::Text(v) => v.iter().collect::<HashSet<_>>().len() == v.len(),
        Elements::Float(v) => {
            // Both zeros are one key, and so are all that are no numbers.
            let key = |&x: &f64| if x.is_nan() { f64::NAN.to_bits() } else { (x + 0.0).to_bits() };
            v.iter().map(key).collect::<HashSet<_>>().len() == v.len() && !v.iter().any(|x| x.is_infinite())
        }
        Elements::Unread(_) => false,
    }
}

fn exact(call: &Call<'_, '_>, values: &Elements) -> Result<(), Stop> {
    match values {
        Elements::Int(v) if v.iter().any(|x| x.unsigned_abs() > EXACT.unsigned_abs()) => Err(Stop::problem(
            "Its values are whole numbers beyond 2^52.",
            "Use smaller numbers, or text, for its values.",
        )),
        Elements::Float(v) => Ok(finite(v, || format!("Values of `{}`", call.name()))?),
        _ => Ok(()),
    }
}
