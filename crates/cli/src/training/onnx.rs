//! The trained model's file.
//!
//! Where the preparation of all columns is known, mean and scale are nodes of the model, and filling and clipping stay with whoever
//! asks it, as in the models of `privet-credit`; else the model takes rows as they were trained on.

use std::path::Path;

use privet_deploy::Error;
use privet_import::{Linear, Scaling};

use super::preparation::{Feature, Preparation};
use super::whole;

/// What was trained.
pub(crate) struct Trained<'a> {
    /// Names of the columns, in order.
    pub(crate) columns: &'a [String],
    /// How rows were prepared, where that is known of every column.
    pub(crate) preparation: Option<&'a Preparation>,
    /// One per column.
    pub(crate) weights: &'a [f64],
    /// What is added.
    pub(crate) bias: Option<f64>,
    /// Whether the answer is a probability.
    pub(crate) logistic: bool,
}

/// Writes the model, whole or not at all.
pub(crate) fn write(path: &Path, trained: &Trained<'_>) -> Result<(), Error> {
    let preparation = trained.preparation.map(|all| all.only(trained.columns)).transpose()?;
    let linear = Linear {
        features: trained.columns.to_vec(),
        scaling: preparation.map(|preparation| scaling(&preparation.features)),
        weights: trained.weights.to_vec(),
        bias: trained.bias,
        logistic: trained.logistic,
    };
    whole::write(path, &linear.to_onnx()?)
}

fn scaling(features: &[Feature]) -> Scaling {
    let of = |field: fn(&Feature) -> f64| features.iter().map(field).collect();
    Scaling { mean: of(|f| f.mean), scale: of(|f| f.scale) }
}

#[cfg(test)]
mod tests {
    use privet_model::eval::evaluate;
    use privet_model::tensor::{Data, Tensor};

    use super::*;

    fn feature(name: &str, mean: f64) -> Feature {
        Feature { name: name.into(), fill: 1.5, low: 0.0, high: 3.0, mean, scale: 0.5 }
    }

    #[test]
    fn the_file_predicts_what_was_trained() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        let columns = ["a".to_owned(), "b".to_owned()];
        // In another order, and with a column more.
        let preparation =
            Preparation::fitted(vec![feature("c", 9.0), feature("b", 2.0), feature("a", 1.0)], 0);
        for preparation in [None, Some(&preparation)] {
            let weights = [0.75, -0.25];
            let trained = Trained {
                columns: &columns,
                preparation,
                weights: &weights,
                bias: Some(0.5),
                logistic: true,
            };
            write(&path, &trained).unwrap();
            let graph = privet_import::open(&path).unwrap().graph;
            assert_eq!(graph.inputs[0].columns, columns);
            let row = Tensor::new(1, 2, Data::F32(vec![2.5, 0.5])).unwrap();
            let got = evaluate(&graph, &[row]).unwrap()[0].to_f64().unwrap()[0];
            let x = if preparation.is_some() { [3.0, -3.0] } else { [2.5, 0.5] };
            let expected = 1.0 / (1.0 + f64::exp(-(0.75 * x[0] - 0.25 * x[1] + 0.5)));
            assert!((got - expected).abs() < 1e-6, "{got} instead of {expected}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let path = Path::new("/none/model.onnx");
        let columns = ["a".to_owned()];
        let known = Preparation::fitted(vec![feature("b", 0.0)], 0);
        let code = |preparation, weights: &[f64]| {
            let trained = Trained { columns: &columns, preparation, weights, bias: None, logistic: false };
            write(path, &trained).unwrap_err().code
        };
        assert_eq!(code(Some(&known), &[1.0]), "E123");
        assert_eq!(code(None, &[f64::NAN]), "E206");
        assert_eq!(code(None, &[1.0]), "E144");
    }
}
