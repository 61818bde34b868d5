//! One value on its way from a file into a tensor. Reasons say what kind of value came, never which.

use std::str::FromStr;

use privet_model::tensor::{Data, DataType};

/// A value as a file gives it.
#[derive(Clone, Copy)]
pub(super) enum Cell<'a> {
    /// Null.
    Missing,
    /// True or false.
    Bool(bool),
    /// Any integer type.
    Int(i64),
    /// Any float type.
    Float(f64),
    /// Text, which may well spell a number.
    Text(&'a str),
}

/// Why a value does not fit.
pub(super) type Reason = &'static str;

/// Puts a value below those that `data` (made for this type) already holds.
pub(super) fn push(data: &mut Data, dtype: DataType, cell: Cell<'_>) -> Result<(), Reason> {
    match data {
        Data::F32(values) => values.push(real(cell)?),
        Data::F64(values) => values.push(real(cell)?),
        Data::I64(values) => values.push(integer(cell, dtype)?),
        Data::Text(values) => values.push(text(cell)?),
    }
    Ok(())
}

/// Brings `data` to so many values: what is too much goes, what lacks is missing.
pub(super) fn pad(data: &mut Data, values: usize) {
    match data {
        Data::F32(held) => held.resize(values, f32::NAN),
        Data::F64(held) => held.resize(values, f64::NAN),
        Data::I64(held) => held.resize(values, 0),
        Data::Text(held) => held.resize(values, String::new()),
    }
}

/// Whether text stands for a value that is not known.
pub(crate) fn is_missing(text: &str) -> bool {
    matches!(text, "" | "NaN" | "nan" | "NA" | "null")
}

/// A float type. Decimals are parsed directly to it, so that they are rounded once and not twice.
trait Real: FromStr {
    const NAN: Self;
    fn from_int(value: i64) -> Self;
    fn from_float(value: f64) -> Self;
}

impl Real for f32 {
    const NAN: Self = Self::NAN;
    fn from_int(value: i64) -> Self {
        value as Self
    }
    #[allow(clippy::cast_possible_truncation)] // rounding to the model's own type is what is asked for
    fn from_float(value: f64) -> Self {
        value as Self
    }
}

impl Real for f64 {
    const NAN: Self = Self::NAN;
    fn from_int(value: i64) -> Self {
        value as Self
    }
    fn from_float(value: f64) -> Self {
        value
    }
}

fn real<T: Real>(cell: Cell<'_>) -> Result<T, Reason> {
    match cell {
        Cell::Missing => Ok(T::NAN),
        Cell::Bool(value) => Ok(T::from_int(value.into())),
        Cell::Int(value) => Ok(T::from_int(value)),
        Cell::Float(value) => Ok(T::from_float(value)),
        Cell::Text(text) => match (text.trim(), truth(text.trim())) {
            (text, _) if is_missing(text) => Ok(T::NAN),
            (_, Some(value)) => Ok(T::from_int(value.into())),
            (text, None) => text.parse().map_err(|_| "expected a number, got text"),
        },
    }
}

fn integer(cell: Cell<'_>, dtype: DataType) -> Result<i64, Reason> {
    let value = match cell {
        Cell::Missing => return Err("expected a whole number, but the value is missing"),
        Cell::Bool(value) => value.into(),
        Cell::Int(value) => value,
        Cell::Float(value) => whole(value)?,
        Cell::Text(text) => whole_text(text.trim())?,
    };
    match dtype {
        DataType::Bool if value != 0 && value != 1 => Err("expected true or false, got another number"),
        DataType::Int32 if i32::try_from(value).is_err() => {
            Err("expected a 32-bit whole number, got one that is out of its range")
        }
        _ => Ok(value),
    }
}

fn whole_text(text: &str) -> Result<i64, Reason> {
    if is_missing(text) {
        return Err("expected a whole number, but the value is missing");
    }
    if let Some(value) = truth(text) {
        return Ok(value.into());
    }
    match text.parse::<i64>() {
        Ok(value) => Ok(value),
        Err(_) => whole(text.parse().map_err(|_| "expected a whole number, got text")?),
    }
}

/// Integers as a float spells them. Beyond 2^53 a float no longer says which integer was meant.
#[allow(clippy::cast_possible_truncation)] // within 2^53 every whole number is exact
fn whole(value: f64) -> Result<i64, Reason> {
    if value.is_nan() {
        Err("expected a whole number, but the value is missing")
    } else if value.abs() > 9_007_199_254_740_992.0 {
        Err("expected a whole number, got one too large to be exact")
    } else if value.fract() != 0.0 {
        Err("expected a whole number, got a fraction")
    } else {
        Ok(value as i64)
    }
}

fn text(cell: Cell<'_>) -> Result<String, Reason> {
    match cell {
        Cell::Missing => Ok(String::new()),
        Cell::Text(text) => Ok(text.to_owned()),
        Cell::Int(value) => Ok(value.to_string()),
        Cell::Bool(_) => Err("expected text, got true or false"),
        Cell::Float(_) => Err("expected text, got a decimal number"),
    }
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn missing_words_are_nan_for_floats_and_refused_for_integers() {
        for word in ["", " ", "NaN", "nan", "NA", "null"] {
            assert!(real::<f32>(Cell::Text(word)).unwrap().is_nan());
            assert!(integer(Cell::Text(word), DataType::Int64).unwrap_err().contains("missing"));
        }
        assert!(integer(Cell::Float(f64::NAN), DataType::Int64).unwrap_err().contains("missing"));
        assert_eq!(text(Cell::Text("")).unwrap(), "");
        assert_eq!(text(Cell::Text("NA")).unwrap(), "NA");
    }

    #[test]
    fn decimals_are_rounded_once() {
        // Lies just above the middle of 1 and the next float32; by way of float64 it would fall to 1.
        let decimal = "1.00000005960464477540";
        assert_eq!(real::<f32>(Cell::Text(decimal)).unwrap().to_bits(), 1f32.to_bits() + 1);
    }

    #[test]
    fn integers() {
        let int = |text| integer(Cell::Text(text), DataType::Int64);
        assert_eq!(int(" 3 "), Ok(3));
        assert_eq!(int("3.0"), Ok(3));
        assert_eq!(int("true"), Ok(1));
        assert_eq!(int("9223372036854775807"), Ok(i64::MAX));
        assert!(int("3.5").unwrap_err().contains("fraction"));
        assert!(int("1e30").unwrap_err().contains("too large"));
        assert!(int("x").unwrap_err().contains("text"));
        assert!(integer(Cell::Int(1 << 31), DataType::Int32).unwrap_err().contains("32-bit"));
        assert!(integer(Cell::Int(2), DataType::Bool).is_err());
    }

    proptest! {
        #[test]
        fn every_float_survives_its_own_decimal(bits: u32) {
            let value = f32::from_bits(bits);
            let back = real::<f32>(Cell::Text(&format!("{value:?}"))).unwrap();
            prop_assert!(back.to_bits() == bits || (back.is_nan() && value.is_nan()));
        }

        #[test]
        fn reasons_never_show_the_value(text in "[a-z]{6}[0-9]{3}") {
            let reason = integer(Cell::Text(&text), DataType::Int64).unwrap_err();
            prop_assert!(!reason.contains(&text));
        }
    }
}
