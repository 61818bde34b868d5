//! What a deployment shows its clients of a model's answer, in every kind.

use privet_model::graph::Graph;
use privet_model::label::label_only;
use privet_model::{Problem, Problems};

use crate::kind::{Kind, Reveal};

/// What the client learns of an answer, in words.
pub fn meaning(kind: Kind, reveal: Reveal) -> &'static str {
    match (kind, reveal) {
        (Kind::Plain | Kind::Tee, Reveal::Score | Reveal::Probability) => {
            "the client learns the model's own outputs"
        }
        _ => reveal.meaning(),
    }
}

/// The model that gives what is to be revealed, and nothing else. With `score` and `probability` that is the model as it was
/// exported: a machine that holds all of it gives its outputs, and parties leave to the client, or do not, what comes last.
pub fn revealing(graph: Graph, reveal: Reveal, threshold: Option<f64>) -> Result<Graph, Problems> {
    match (reveal, threshold) {
        (Reveal::Label, threshold) => label_only(&graph, threshold),
        (_, None) => Ok(graph),
        (_, Some(_)) => Err(Problems(vec![Problem {
            node: "output".into(),
            op: "label".into(),
            reason: format!("A threshold decides labels, and `{}` is revealed.", reveal.name()),
            hint: "Add `--reveal label`, or leave `--threshold` out.".into(),
        }])),
    }
}
