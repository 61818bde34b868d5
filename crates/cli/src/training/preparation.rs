//! What is done to each column before training, and before each prediction after: `preparation.json`, as `privet-credit` writes
//! and reads it.
//!
//! What is infinite is missing; what is missing is filled; what lies outside `[low, high]` is clipped; then (x − mean) / scale.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use privet_deploy::Error;
use privet_serve::config::read_text;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::whole;

/// Raised when the meaning of a field changes.
const FORMAT: u32 = 1;

/// How each column becomes an input of the model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Preparation {
    /// The columns, in order.
    pub(crate) features: Vec<Feature>,
    /// What else the file says, for the program that prepares tables; kept as it is.
    other: Map<String, Value>,
}

/// How one column becomes an input of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Feature {
    /// The column.
    pub(crate) name: String,
    /// Median of the finite values.
    pub(crate) fill: f64,
    /// Their 0.5 % quantile.
    pub(crate) low: f64,
    /// Their 99.5 % quantile.
    pub(crate) high: f64,
    /// Mean of the filled and clipped values.
    pub(crate) mean: f64,
    /// Standard deviation of the filled and clipped values; 1 where they are all the same.
    pub(crate) scale: f64,
}

impl Feature {
    /// What becomes of a value; of any one, if that does not overflow, a finite one.
    pub(crate) fn apply(&self, value: f64) -> f64 {
        let filled = if value.is_finite() { value } else { self.fill };
        (filled.clamp(self.low, self.high) - self.mean) / self.scale
    }

    /// Clips what would come out greater in magnitude.
    pub(super) fn narrow(&mut self, largest: f64) {
        // A little less, as quotients are rounded.
        let largest = largest * (1.0 - 1e-12);
        self.low = self.low.max(self.mean - largest * self.scale);
        self.high = self.high.min(self.mean + largest * self.scale);
    }

    /// Whether it can be applied.
    pub(super) fn is_sound(&self) -> bool {
        let all = [self.fill, self.low, self.high, self.mean, self.scale];
        all.iter().all(|x| x.is_finite()) && self.low <= self.high && self.scale > 0.0
    }
}

impl Preparation {
    /// What was fitted on so many rows.
    pub(super) fn fitted(features: Vec<Feature>, rows: usize) -> Self {
        // `privet-credit` expects all of these.
        let other = json!({ "fitted_rows": rows, "levels": {}, "income_by_organization": {}, "scores_std_mean": null });
        let other = if let Value::Object(other) = other { other } else { Map::new() };
        Self { features, other }
    }

    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        let bad = |what: String| {
            let next = "`privet-credit features` and `privet train` write one.";
            Error::usage("E123", format!("`{shown}` is no preparation: {what}. {next}"))
        };
        let text = read_text(path)?;
        let mut other: Map<String, Value> = serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?;
        let format = other.remove("format").unwrap_or_default();
        if format != json!(FORMAT) {
            return Err(bad(format!("its `format` is {format}, and this program reads {FORMAT}")));
        }
        let features = other.remove("features").unwrap_or_default();
        let features = Vec::<Feature>::deserialize(features).map_err(|e| bad(format!("`features`: {e}")))?;
        check(&features).map_err(bad)?;
        // The mark of a model that prepares rows itself: rows for training are prepared here.
        other.remove("inside");
        Ok(Self { features, other })
    }

    /// Writes the file, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let cannot = |e| Error::usage("E144", format!("`{}` cannot be written: {e}.", path.display()));
        let mut file = Map::new();
        file.insert("format".into(), FORMAT.into());
        file.extend(self.other.clone());
        file.insert("features".into(), serde_json::to_value(&self.features).map_err(cannot)?);
        let text = serde_json::to_string_pretty(&file).map_err(cannot)?;
        whole::write(path, format!("{text}\n").as_bytes())
    }

    /// The same for these columns, in this order.
    pub(crate) fn only(&self, columns: &[String]) -> Result<Self, Error> {
        let known: HashMap<&str, &Feature> = self.features.iter().map(|f| (f.name.as_str(), f)).collect();
        let (mut features, mut missing) = (Vec::new(), Vec::new());
        for column in columns {
            match known.get(column.as_str()) {
                Some(&feature) => features.push(feature.clone()),
                None => missing.push(format!("`{column}`")),
            }
        }
        if missing.is_empty() {
            return Ok(Self { features, other: self.other.clone() });
        }
        let (count, missing) = (missing.len(), missing.join(", "));
        let what = format!(
            "The preparation lacks {count} of the columns that are trained on: {missing}. Fit it on all of them."
        );
        Err(Error::usage("E123", what))
    }

    /// Prepares a row, which has the columns in this order.
    pub(crate) fn apply(&self, row: &mut [f64]) {
        debug_assert_eq!(row.len(), self.features.len());
        row.iter_mut().zip(&self.features).for_each(|(value, feature)| *value = feature.apply(*value));
    }
}

fn check(features: &[Feature]) -> Result<(), String> {
    let mut names = HashSet::new();
    for feature in features {
        let name = &feature.name;
        if !names.insert(name) {
            return Err(format!("it has `{name}` twice"));
        }
        if !feature.is_sound() {
            return Err(format!(
                "of `{name}`, all numbers must be finite, `low` not above `high`, and `scale` above zero"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(name: &str) -> Feature {
        Feature { name: name.into(), fill: 1.5, low: 0.0, high: 3.0, mean: 1.0, scale: 0.5 }
    }

    fn saved(text: &str) -> Result<Preparation, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preparation.json");
        std::fs::write(&path, text).unwrap();
        Preparation::read(&path)
    }

    #[test]
    #[allow(clippy::float_cmp)] // all of it is exact
    fn the_rule_by_hand() {
        let two = Preparation::fitted(vec![feature("a"), feature("b")], 0);
        let mut row = [f64::NAN, 2.0];
        two.apply(&mut row);
        assert!(row == [1.0, 2.0]);
        row = [f64::NEG_INFINITY, -7.0];
        two.apply(&mut row);
        assert!(row == [1.0, -2.0]);
        assert!((two.features[0].apply(1e300) - 4.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_is_written_is_read_with_all_else_that_it_held() {
        let text = r#"{"format": 1, "fitted_rows": 7, "levels": {"t": {"c": ["x"]}}, "inside": true, "features":
            [{"name": "a", "fill": 0.1, "low": -1e300, "high": 0.333333333333333314829616256247, "mean": -0.0, "scale": 5e-324}]}"#;
        let read = saved(text).unwrap();
        assert!(read.features[0].mean.is_sign_negative() && read.features[0].scale > 0.0);
        assert_eq!((read.features[0].high - 1.0 / 3.0).to_bits(), 0);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preparation.json");
        read.write(&path).unwrap();
        assert_eq!(Preparation::read(&path).unwrap(), read);
        let value: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!((&value["format"], &value["levels"]["t"]["c"][0]), (&json!(1), &json!("x")));
        assert_eq!(value.get("inside"), None);
    }

    #[test]
    fn a_fitted_one_has_what_the_credit_program_expects() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preparation.json");
        Preparation::fitted(vec![feature("a")], 9).write(&path).unwrap();
        let value: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        let expected =
            ["features", "fitted_rows", "format", "income_by_organization", "levels", "scores_std_mean"];
        assert_eq!(keys, expected);
        assert_eq!(value["fitted_rows"], 9);
    }

    #[test]
    fn what_is_none_is_refused() {
        let one = |numbers: &str| format!(r#"{{"format": 1, "features": [{{"name": "a", {numbers}}}]}}"#);
        let good = r#""fill": 0, "low": 0, "high": 1, "mean": 0, "scale": 1"#;
        assert!(saved(&one(good)).is_ok());
        for (bad, word) in [
            (one(&good.replace(r#""scale": 1"#, r#""scale": 0"#)), "scale"),
            (one(&good.replace(r#""low": 0"#, r#""low": 2"#)), "low"),
            (one(r#""fill": 0"#), "missing field"),
            (one(good).replace(r#""format": 1"#, r#""format": 2"#), "`format` is 2"),
            (one(good).replace(r#""format": 1,"#, ""), "`format` is null"),
            (r#"{"format": 1, "features": 3}"#.into(), "features"),
            ("[1]".into(), "map"),
        ] {
            let error = saved(&bad).unwrap_err();
            assert!(error.code == "E123" && error.message.contains(word), "{error}");
        }
        let twice = Preparation::fitted(vec![feature("a"), feature("a")], 0);
        assert!(check(&twice.features).unwrap_err().contains("twice"));
        assert_eq!(Preparation::read(Path::new("/none")).unwrap_err().code, "E141");
    }

    #[test]
    fn columns_are_taken_by_name() {
        let all = Preparation::fitted(vec![feature("a"), feature("b"), feature("c")], 0);
        let names = |of: &Preparation| of.features.iter().map(|f| f.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&all.only(&["c".into(), "a".into()]).unwrap()), ["c", "a"]);
        let error = all.only(&["c".into(), "d".into(), "e".into()]).unwrap_err();
        assert!(
            error.code == "E123"
                && error.message.contains("2 of the columns")
                && error.message.contains("`d`, `e`")
        );
    }
}
