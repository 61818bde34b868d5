//! What a model needs and costs in each kind, every problem at once, and its worst error on the owner's own rows.

pub mod estimate;
mod he;
mod parties;
mod program;

use std::collections::BTreeMap;

use privet_model::cut::{Cut, cut};
use privet_model::eval::{evaluate, greatest};
use privet_model::graph::{Function, Graph, Op, Port};
use privet_model::head::Column;
use privet_model::plan::{Integers, Plan, RangeSource, Ranges, plan};
use privet_model::tensor::{Data, Tensor};
use privet_model::{Problem, Problems, Refusal};
use privet_mpc::protect::Protect;
use privet_mpc::protocols::replicated3;
use serde::Serialize;

use crate::error::Error;
use crate::kind::{Kind, Reveal};
use crate::prepared::{Prepared, Unprepared, prepare};
use crate::reveal::meaning;
use crate::tee::content::sealed_len;
use crate::trust::TrustCard;

/// The whole report; `--json` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The model's name.
    pub model: String,
    /// How it was exported, where it could be read.
    pub format: Option<&'static str>,
    /// What it takes.
    pub inputs: Vec<Port>,
    /// What it gives.
    pub outputs: Vec<Port>,
    /// By kind.
    pub kinds: BTreeMap<&'static str, KindReport>,
    /// On the owner's rows, where some were given.
    pub rows: Option<RowsReport>,
    /// What anyone who handles the bundle learns from the plan.
    pub public: Option<PublicFacts>,
}

/// One kind's part.
#[derive(Clone, Debug, Serialize)]
pub struct KindReport {
    /// `ready` or `no`.
    pub status: &'static str,
    /// What stands in the way.
    pub problems: Vec<Problem>,
    /// By protocol, what it costs.
    pub protocols: BTreeMap<&'static str, Cost>,
    /// What the client learns of an answer, in words.
    pub reveals: &'static str,
    /// Who could see what.
    pub trust: TrustCard,
}

/// What one row costs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cost {
    /// Proven largest error of a score; 0 where the kind computes as the model is defined.
    pub bound: f64,
    /// Bits per element, where there is a ring.
    pub k: Option<u32>,
    /// Network round trips.
    pub rounds: u32,
    /// Bytes from the client for one row, and for each further row.
    pub bytes_up: usize,
    /// Bytes from the client for each further row, on average of 1024.
    pub bytes_up_per_row: usize,
    /// Bytes between the parties.
    pub bytes_between: usize,
    /// Bytes that a dealer sends ahead of time, over all parties.
    pub bytes_dealt: usize,
    /// Seconds that the network alone takes for one row between machines of one site, and between distant ones.
    pub lan_s: f64,
    /// See `lan_s`.
    pub wan_s: f64,
    /// Who could see what, where that depends on the protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<TrustCard>,
    /// The ring, where ciphertexts are computed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ring: Option<RingReport>,
    /// What is done step by step, where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepReport>,
}

/// The ring of ciphertexts, and the proof that no honest answer fails.
#[derive(Clone, Debug, Serialize)]
pub struct RingReport {
    /// Coefficients of a polynomial.
    pub degree: usize,
    /// Bits of the modulus.
    pub modulus_bits: u32,
    /// The most that the homomorphic encryption standard allows for this degree at 128-bit security.
    pub standard_bits: u32,
    /// Whatever the row, an answer's error before the flood is at most 2^this of the modulus' units.
    pub noise_bits: u32,
    /// The flood that hides it is uniform within ±2^this.
    pub flood_bits: u32,
    /// How much of what decryption bears the worst honest answer takes: below 1, none can fail.
    pub worst_share: f64,
    /// Rows in one ciphertext.
    pub rows_per_ciphertext: usize,
    /// Bytes of one ciphertext, and of the key that comes before the first.
    pub ciphertext_bytes: usize,
    /// Bytes of the answer to one ciphertext.
    pub answer_bytes: usize,
}

/// One step of a kind that computes with whole numbers.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// The exporter's node that it belongs to.
    pub node: String,
    /// That node's operator.
    pub op: String,
    /// What is done.
    pub does: &'static str,
    /// Values of a row.
    pub width: usize,
    /// They lie within ±2^this.
    pub exponent: i32,
    /// Their fraction bits.
    pub fraction: u32,
    /// Bits of the ring that holds them.
    pub ring: u32,
    /// Proven: none is wrong by more.
    pub error: f64,
    /// Rounds between the parties.
    pub rounds: u32,
    /// Bytes between the parties for one row.
    pub bytes_between: usize,
}

/// What the owner's rows showed.
#[derive(Clone, Debug, Serialize)]
pub struct RowsReport {
    /// How many.
    pub rows: usize,
    /// Largest difference of a score between the planned integers and float64.
    pub worst_error: f64,
    /// Rows whose label differs.
    pub label_changes: usize,
    /// How often the model gives each label, where it gives labels.
    pub labels: BTreeMap<String, usize>,
}

/// What the plan tells everyone.
#[derive(Clone, Debug, Serialize)]
pub struct PublicFacts {
    /// Columns that are sent, missing-value indicators and category levels among them.
    pub columns: usize,
    /// Features that they are made from.
    pub features: usize,
    /// Scores per row.
    pub scores: usize,
    /// The ranges came from these.
    pub ranges: RangeSource,
    /// By feature that has a range, the least and the greatest value that is accepted: powers of two, or zero.
    pub limits: Vec<(String, (f64, f64))>,
    /// A score lies within ± this power of two.
    pub score_range: f64,
    /// Fraction bits of inputs and weights.
    pub fraction_bits: (u32, u32),
    /// In words, what the client can do with answers.
    pub answers: String,
}

/// What is checked for.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Largest error of a score that is wanted.
    pub accuracy: f64,
    /// What is hidden from the parties.
    pub protect: Protect,
    /// What the client gets.
    pub reveal: Reveal,
    /// Whether every step is wanted.
    pub steps: bool,
}

/// A model planned for private kinds.
pub struct Planned {
    /// Its three parts.
    pub cut: Cut,
    /// Its numbers.
    pub plan: Plan,
    /// The secret integers.
    pub integers: Integers,
}

/// Cuts and plans a model, with ranges from `rows` where given.
pub fn planned(graph: &Graph, accuracy: f64, rows: Option<&[Tensor]>) -> Result<Planned, Error> {
    Ok(planned_cut(cut(graph)?, accuracy, rows)?)
}

use estimate::{LAN, WAN, seconds};
pub use he::CIPHERTEXTS;
pub(crate) use he::beyond;
pub use program::dealt_bytes;

pub(crate) fn planned_cut(cut: Cut, accuracy: f64, rows: Option<&[Tensor]>) -> Result<Planned, Refusal> {
    let ranges = rows.map_or_else(|| Ok(Ranges::of_model()), |rows| Ranges::of_rows(&cut.head, rows))?;
    let (plan, integers) = plan(&cut, accuracy, &ranges)?;
    Ok(Planned { cut, plan, integers })
}

/// Checks a model that was read, and gives what is to be revealed.
pub fn check(name: &str, graph: &Graph, options: Options, rows: Option<&[Tensor]>) -> Result<Report, Error> {
    let private = private(graph, options, rows);
    let rows = match (&private, rows) {
        (Ok(Prepared::Linear(planned)), Some(rows)) => Some(on_rows(graph, planned, rows)?),
        (Ok(Prepared::Program(p)), Some(rows)) => Some(program::on_rows(graph, p, rows)?),
        _ => None,
    };
    let public = private.as_ref().ok().map(|prepared| match prepared {
        Prepared::Linear(planned) => public_facts(planned),
        Prepared::Program(p) => program::public_facts(p),
    });
    let mut kinds = BTreeMap::new();
    for kind in Kind::ALL {
        kinds.insert(kind.name(), kind_report(kind, graph, options, &private)?);
    }
    Ok(Report {
        model: name.into(),
        format: None,
        inputs: graph.inputs.clone(),
        outputs: graph.outputs.iter().map(|(port, _)| port.clone()).collect(),
        kinds,
        rows,
        public,
    })
}

/// A report on a model that cannot be read, because of these nodes: no kind is ready.
pub fn unusable(name: &str, problems: &Problems) -> Report {
    let no = |kind: Kind| KindReport {
        status: "no",
        problems: problems.0.clone(),
        protocols: BTreeMap::new(),
        reveals: "",
        trust: TrustCard::of(kind, None),
    };
    let kinds = Kind::ALL.map(|kind| (kind.name(), no(kind))).into_iter().collect();
    let (inputs, outputs) = (Vec::new(), Vec::new());
    Report { model: name.into(), format: None, inputs, outputs, kinds, rows: None, public: None }
}

impl Report {
    /// Whether any kind can serve this model.
    pub fn any_ready(&self) -> bool {
        self.kinds.values().any(|k| k.status == "ready")
    }
}

fn private(graph: &Graph, options: Options, rows: Option<&[Tensor]>) -> Result<Prepared, Vec<Problem>> {
    prepare(graph, options.reveal, options.accuracy, rows).map_err(|e| match e {
        Unprepared::Problems(problems) => problems.0,
        Unprepared::Refused(refusal) => vec![of_whole_model(&refusal)],
    })
}

fn kind_report(
    kind: Kind,
    graph: &Graph,
    options: Options,
    private: &Result<Prepared, Vec<Problem>>,
) -> Result<KindReport, Error> {
    let whole = |name, cost| (Vec::new(), BTreeMap::from([(name, cost)]));
    let (problems, protocols) = match (kind, private) {
        (Kind::Plain, _) => whole("plain", plain_cost(graph)),
        (Kind::Tee, _) => whole("tee", tee_cost(graph)),
        (Kind::Mpc, Ok(prepared)) => (Vec::new(), parties::costs(prepared, options)?),
        (Kind::Mpc, Err(problems)) => (problems.clone(), BTreeMap::new()),
        (Kind::He, _) => he::report(graph, options, private),
    };
    let mut protocols = protocols;
    for cost in protocols.values_mut() {
        (cost.lan_s, cost.wan_s) = (seconds(cost, LAN), seconds(cost, WAN));
    }
    let status = if problems.is_empty() { "ready" } else { "no" };
    let parties = (kind == Kind::Mpc).then_some((&replicated3::HEADER, options.protect));
    let reveals = meaning(kind, options.reveal);
    Ok(KindReport { status, problems, protocols, reveals, trust: TrustCard::of(kind, parties) })
}

/// A problem of no node in particular.
fn of_whole_model(error: &dyn std::error::Error) -> Problem {
    Problem { node: String::new(), op: "plan".into(), reason: error.to_string(), hint: String::new() }
}

fn plain_cost(graph: &Graph) -> Cost {
    let bytes = graph.inputs.iter().map(|p| 4 * p.width).sum();
    in_the_clear(bytes, bytes)
}

/// As plain, sealed: one round trip once the enclave was attested, and one before that for its evidence.
fn tee_cost(graph: &Graph) -> Cost {
    let row = |rows: usize| sealed_len(&graph.inputs, rows) / rows;
    in_the_clear(row(1), row(128))
}

/// One machine computes as the model is defined.
fn in_the_clear(bytes_up: usize, bytes_up_per_row: usize) -> Cost {
    Cost { rounds: 1, bytes_up, bytes_up_per_row, ..Cost::default() }
}

/// A linear model is one product of matrices.
fn linear_steps(planned: &Planned) -> Vec<StepReport> {
    let Planned { cut, plan, .. } = planned;
    let step = |does, width, exponent, fraction, error| StepReport {
        node: "the whole model".into(),
        op: "folded".into(),
        does,
        width,
        exponent,
        fraction,
        ring: plan.k,
        error,
        rounds: 0,
        bytes_between: 0,
    };
    let widest = plan.limits().into_iter().fold(0.0, f64::max);
    let columns = privet_ring::fixed::outward_exponent(widest).try_into().unwrap_or(i32::MAX);
    // Columns are encoded relative to their own range.
    let relative = 2f64.powi(columns - i32::try_from(plan.input_bits).unwrap_or(0) - 1);
    vec![
        step("columns", cut.core.columns, columns, plan.input_bits, relative),
        step(
            "matrix",
            cut.core.scores(),
            plan.score_exponent,
            plan.input_bits + plan.weight_bits,
            plan.bound,
        ),
    ]
}

fn public_facts(planned: &Planned) -> PublicFacts {
    let Planned { cut, plan, .. } = planned;
    let mut features: Vec<usize> = cut.head.columns.iter().map(Column::feature).collect();
    features.dedup();
    let (n, scores) = (cut.core.columns, cut.core.scores());
    let limits = cut.head.columns.iter().zip(plan.limits()).filter_map(|(column, limit)| match column {
        Column::Value { feature, .. } => Some((cut.head.feature_name(*feature), (-limit, limit))),
        Column::Indicator { .. } | Column::Level { .. } | Column::Ordinal { .. } => None,
    });
    PublicFacts {
        columns: n,
        features: features.len(),
        scores,
        ranges: plan.range_source,
        limits: limits.collect(),
        score_range: 2f64.powi(plan.score_exponent),
        fraction_bits: (plan.input_bits, plan.weight_bits),
        answers: format!(
            "A score is exact to its last bit. In any kind, plain included, {} rows and their scores or probabilities \
             recover this model's {n} weights per score: row budgets and `label` are the remedies. Scores that are equal \
             or the negation of each other are computed once, so everyone sees which classes have the same weights.",
            n + 1
        ),
    }
}

/// The integer scores of rows, decoded: what every honest private deployment of this plan answers.
pub fn planned_scores(planned: &Planned, rows: &[Tensor]) -> Result<Vec<f64>, Refusal> {
    let Planned { cut, plan, integers } = planned;
    let bound = cut.head.bind(rows)?;
    let mut values = vec![0.0; bound.len() * cut.core.columns];
    let mut encoded = vec![0; values.len()];
    plan.encoder().encode(&cut.head, &bound, 0, &mut values, &mut encoded)?;
    let scores = integers.scores(&encoded);
    Ok(scores.iter().map(|&s| plan.decode(privet_ring::reduce(s, plan.k))).collect())
}

fn on_rows(graph: &Graph, planned: &Planned, rows: &[Tensor]) -> Result<RowsReport, Error> {
    let width = planned.cut.core.scores();
    let got = planned_scores(planned, rows)?;
    let expected = crate::plain::scores(&planned.cut, rows)?;
    let worst_error = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let reference = evaluate(graph, rows)?;
    let private = planned.cut.tail.finish(&got, width)?;
    let of_classes = of_classes(graph);
    let pairs = of_classes.into_iter().zip(reference.iter().zip(&private));
    let changes = pairs.map(|(of_classes, (a, b))| label_changes(a, b, of_classes)).max().unwrap_or(0);
    let rows = expected.len() / width.max(1);
    Ok(RowsReport { rows, worst_error, label_changes: changes, labels: counted(&reference) })
}

/// How often each label of the first output that has labels is given.
fn counted(outputs: &[Tensor]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let labels = outputs.iter().find_map(|tensor| match &tensor.data {
        Data::I64(values) => Some(values.iter().map(ToString::to_string).collect::<Vec<_>>()),
        Data::Text(values) => Some(values.clone()),
        Data::F32(_) | Data::F64(_) => None,
    });
    labels.into_iter().flatten().for_each(|label| *counts.entry(label).or_default() += 1);
    counts
}

/// By output, whether its numbers are of classes, as an activation is on the way to it: one half is no boundary of a
/// regression.
fn of_classes(graph: &Graph) -> Vec<bool> {
    let mut behind: Vec<bool> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let activated =
            matches!(node.op, Op::Map(Function::Sigmoid) | Op::Softmax { .. } | Op::LogSoftmax { .. });
        behind.push(activated || node.inputs.iter().any(|id| behind.get(id.0) == Some(&true)));
    }
    graph.outputs.iter().map(|(_, id)| behind.get(id.0) == Some(&true)).collect()
}

/// Rows that a person would call differently: another label, or, where numbers are of classes, another greatest class or
/// the other side of one half.
fn label_changes(a: &Tensor, b: &Tensor, of_classes: bool) -> usize {
    let class = |row: &[f64]| if row.len() == 1 { usize::from(row[0] > 0.5) } else { greatest(row) };
    match (&a.data, &b.data) {
        (Data::I64(x), Data::I64(y)) => x.iter().zip(y).filter(|(x, y)| x != y).count(),
        (Data::Text(x), Data::Text(y)) => x.iter().zip(y).filter(|(x, y)| x != y).count(),
        _ if !of_classes => 0,
        _ => {
            let (x, y) = (a.to_f64().unwrap_or_default(), b.to_f64().unwrap_or_default());
            let width = a.width.max(1);
            x.chunks(width).zip(y.chunks(width)).filter(|(x, y)| class(x) != class(y)).count()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use privet_model::graph::Origin;
    use privet_model::tensor::DataType;

    use super::*;

    fn one_value(activation: Option<Op>) -> Graph {
        let port = |name: &str| Port {
            name: name.into(),
            dtype: DataType::Fp64,
            width: 1,
            flat: false,
            dims: Vec::new(),
            columns: Vec::new(),
        };
        let mut graph = Graph::new(vec![port("x")]);
        let origin = || Origin { node: "n".into(), op: "Gemm".into() };
        let affine = || Op::Affine { scale: vec![1.0], shift: vec![0.0] };
        let mut last = graph.add(affine(), vec![privet_model::graph::NodeId(0)], origin()).unwrap();
        for op in activation.into_iter().chain([affine()]) {
            last = graph.add(op, vec![last], origin()).unwrap();
        }
        graph.outputs.push((port("y"), last));
        graph
    }

    #[test]
    fn one_half_is_a_boundary_only_behind_an_activation() {
        let value = |x: f64| Tensor { rows: 1, width: 1, data: Data::F64(vec![x]) };
        let changes = |graph: &Graph| label_changes(&value(0.49), &value(0.51), of_classes(graph)[0]);
        assert_eq!(changes(&one_value(None)), 0);
        assert_eq!(changes(&one_value(Some(Op::Map(Function::Sigmoid)))), 1);
        assert_eq!(changes(&one_value(Some(Op::Softmax { group: 1 }))), 1);
    }

    #[test]
    fn labels_are_compared_whatever_they_come_from() {
        let label = |x: i64| Tensor { rows: 1, width: 1, data: Data::I64(vec![x]) };
        assert_eq!(
            (label_changes(&label(1), &label(2), false), label_changes(&label(1), &label(1), true)),
            (1, 0)
        );
    }
}
