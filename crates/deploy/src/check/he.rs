//! What a model needs and costs on ciphertexts.

use std::collections::BTreeMap;

use privet_he::packing::Packing;
use privet_he::parameters::Parameters;
use privet_model::Problem;
use privet_model::cut::cut;
use privet_model::graph::{Graph, NodeId, Origin};

use super::{Cost, Options, Planned, RingReport, linear_steps, of_whole_model};
use crate::he::bundle::{needs, parameters};
use crate::he::wire::HEAD_BYTES;
use crate::kind::Reveal;
use crate::prepared::Prepared;

/// What the one way of computing on ciphertexts is called.
pub const CIPHERTEXTS: &str = "bfv";

/// Problems, or costs.
pub(super) fn report(
    graph: &Graph,
    options: Options,
    private: &Result<Prepared, Vec<Problem>>,
) -> (Vec<Problem>, BTreeMap<&'static str, Cost>) {
    let no = |problems| (problems, BTreeMap::new());
    let beyond = beyond(graph, options.reveal);
    match private {
        Ok(Prepared::Linear(planned)) if beyond.is_empty() => match parameters(planned) {
            Ok(parameters) => {
                (Vec::new(), BTreeMap::from([(CIPHERTEXTS, cost(planned, &parameters, options))]))
            }
            Err(e) => no(vec![of_whole_model(&e)]),
        },
        Err(problems) if beyond.is_empty() => no(problems.clone()),
        _ => no(beyond),
    }
}

/// The nodes that ciphertexts cannot be put through; none for a linear model whose score is revealed.
pub(crate) fn beyond(graph: &Graph, reveal: Reveal) -> Vec<Problem> {
    let inside = cut(graph).err().map_or_else(Vec::new, |problems| problems.0);
    // What decides a label inside is none of the exporter's nodes; the label is.
    let inside =
        inside.into_iter().filter(|p| p.op != DECIDED).map(|p| Problem { hint: ELSEWHERE.into(), ..p });
    let revealed = if reveal == Reveal::Score { Vec::new() } else { revealed(graph, reveal) };
    inside.chain(revealed).collect()
}

/// The operator of the nodes that decide a label at the owner's threshold.
const DECIDED: &str = "threshold";

/// The nodes whose results would be revealed, each once.
fn revealed(graph: &Graph, reveal: Reveal) -> Vec<Problem> {
    let mut last: Vec<NodeId> = graph.outputs.iter().map(|(_, id)| *id).collect();
    last.sort_unstable_by_key(|id| id.0);
    last.dedup();
    let problem = |id: NodeId| {
        let Origin { node, op } = graph.nodes[id.0].origin.clone();
        let what = reveal.name();
        Problem {
            node,
            op,
            reason: format!(
                "`{what}` would have to be computed on ciphertexts, which add and multiply and nothing else."
            ),
            hint: "With `--reveal score` the client computes it from its own score.".into(),
        }
    };
    last.into_iter().map(problem).collect()
}

const ELSEWHERE: &str = "Ciphertexts serve one product of matrices; kinds `mpc` and `tee` compute the rest.";

fn cost(planned: &Planned, parameters: &Parameters, options: Options) -> Cost {
    let needs = needs(&planned.plan, &planned.cut.head, planned.cut.core.scores());
    let size = parameters.polynomial_bytes();
    let up =
        |rows: usize| Packing::of(parameters, needs.columns, needs.scores, rows).ciphertexts(rows) * size;
    Cost {
        bound: planned.plan.bound,
        k: Some(planned.plan.k),
        rounds: 1,
        // The key comes with the first question.
        bytes_up: HEAD_BYTES + size + up(1),
        bytes_up_per_row: up(1024) / 1024,
        ring: Some(RingReport {
            degree: parameters.degree,
            modulus_bits: parameters.modulus_bits(),
            standard_bits: parameters.standard_bits().unwrap_or(0),
            noise_bits: parameters.noise_bits,
            flood_bits: parameters.flood_bits,
            worst_share: parameters.worst_share(),
            rows_per_ciphertext: parameters.rows,
            ciphertext_bytes: size,
            answer_bytes: parameters.largest_answer(needs),
        }),
        steps: if options.steps { linear_steps(planned) } else { Vec::new() },
        ..Cost::default()
    }
}
