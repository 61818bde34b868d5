//! What lies beside a model: the preparation that it was trained with.

use std::path::Path;

use serde_json::Value;

use super::options::Placement;
use super::outcome::Prepared;
use crate::failure::Failure;
use crate::features::preparation::Preparation;
use crate::output::write_whole;

/// The mark of a model that prepares rows itself.
const INSIDE: &str = "inside";

/// `model.preparation.json`: like `preparation.json`, with the model's features only, and with `mean` and `scale` as the
/// model uses them. For a model that prepares rows itself, `"inside": true` is added, and nothing is clipped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ModelFile {
    /// Everything but the mark.
    pub(crate) preparation: Preparation,
    /// Where filling and clipping happens.
    pub(crate) placement: Placement,
}

impl ModelFile {
    /// Reads one, or a `preparation.json`.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read(path).map_err(|e| Failure::reading(path, e))?;
        let bad = |e: serde_json::Error| {
            let what = format!("`{}` is no preparation: {e}", path.display());
            Failure::refused(
                "C420",
                format!("{what}. `privet-credit features` and `privet-credit train` write one."),
            )
        };
        let mut value: Value = serde_json::from_slice(&text).map_err(bad)?;
        let inside =
            value.as_object_mut().and_then(|fields| fields.remove(INSIDE)) == Some(Value::Bool(true));
        let preparation = serde_json::from_value(value).map_err(bad)?;
        Ok(Self { preparation, placement: if inside { Placement::Inside } else { Placement::Beside } })
    }

    /// The same for a model of these features.
    pub(crate) fn with(&self, features: Vec<Prepared>, placement: Placement) -> Self {
        Self { preparation: Preparation { features, ..self.preparation.clone() }, placement }
    }

    /// Writes it, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let failed = |e: serde_json::Error| Failure::writing(path, e);
        let mut value = serde_json::to_value(&self.preparation).map_err(failed)?;
        if let (Placement::Inside, Some(fields)) = (self.placement, value.as_object_mut()) {
            fields.insert(INSIDE.into(), true.into());
        }
        write_whole(path, serde_json::to_string_pretty(&value).map_err(failed)?.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_with_its_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.preparation.json");
        let feature =
            Prepared { name: "x".into(), fill: 0.1, low: 1.0 / 3.0, high: 1e300, mean: -0.0, scale: 5e-324 };
        for placement in [Placement::Beside, Placement::Inside] {
            let preparation = Preparation { features: vec![feature.clone()], ..Preparation::new(7) };
            let file = ModelFile { preparation, placement };
            file.write(&path).unwrap();
            assert_eq!(ModelFile::read(&path).unwrap(), file);
        }
        std::fs::write(&path, r#"{"format": 1}"#).unwrap();
        assert!(format!("{:?}", ModelFile::read(&path).unwrap_err()).contains("C420"));
    }
}
