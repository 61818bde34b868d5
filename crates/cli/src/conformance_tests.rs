//! One suite, every kind, judged against ONNX Runtime: each fixture's rows through the plain engine, through three
//! parties and through ciphertexts (every message encoded and decoded, no sockets), within the tolerance of `models/README.md` and the bound that
//! the plan proved. What a kind does not run is a visible list here.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use privet_deploy::bundle::{Choices, PartyFile, PublicBundle, for_linear};
use privet_deploy::caller::{Answer, Asked, Caller as _};
use privet_deploy::check::{Planned, planned, planned_scores};
use privet_deploy::kind::Reveal;
use privet_deploy::mpc::{MpcCaller, PartyHost};
use privet_deploy::oip::{Host as _, InferReply, InferRequest};
use privet_deploy::plain::{Engine, scores};
use privet_model::graph::{Function, Graph, Op, Port};
use privet_model::head::{Column, Feature};
use privet_model::tensor::{Data, DataType, Tensor};
use privet_mpc::meeting::meeting;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::{Header, PROTOCOLS};
use privet_mpc::world::{DangerousSeededEntropy, World};
use privet_ring::entropy::draw;
use serde::Deserialize;

use self::parties::{ask, ask_and_look, hosts};
use crate::rows;

#[path = "conformance_browser.rs"]
mod browser;
#[path = "conformance_he.rs"]
mod he;
#[path = "conformance_labels.rs"]
mod labels;
#[path = "conformance_parties.rs"]
mod parties;
#[path = "conformance_programs.rs"]
mod programs;
#[path = "conformance_search.rs"]
mod search;

#[derive(Deserialize)]
struct Index {
    fixtures: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    expect: String,
    #[serde(default)]
    task: String,
}

struct Fixture {
    name: String,
    regression: bool,
    graph: Graph,
    rows: Vec<Tensor>,
    expected: Vec<Tensor>,
}

/// Every fixture that imports. Those that do not are the importer's own list.
fn fixtures() -> Vec<Fixture> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let all: Vec<Fixture> = ["models", "models-extra"].iter().flat_map(|f| folder(&root.join(f))).collect();
    assert!(all.len() >= 25, "only {} fixtures were found", all.len());
    all
}

fn folder(folder: &Path) -> Vec<Fixture> {
    let index: Index =
        serde_json::from_str(&std::fs::read_to_string(folder.join("index.json")).unwrap()).unwrap();
    let matching = index.fixtures.into_iter().filter(|e| e.expect == "match");
    matching.filter_map(|entry| fixture(&folder.join(&entry.name), entry)).collect()
}

fn fixture(folder: &Path, entry: Entry) -> Option<Fixture> {
    let graph = privet_import::open(&folder.join("model.onnx")).ok()?.graph;
    let read =
        |file: &str, ports: &[Port]| rows::read(folder.join(file).to_str().unwrap(), ports).unwrap().tensors;
    let outputs: Vec<Port> = graph.outputs.iter().map(|(port, _)| port.clone()).collect();
    let (rows, expected) = (read("rows.npz", &graph.inputs), read("expected.npz", &outputs));
    Some(Fixture { name: entry.name, regression: entry.task == "regression", graph, rows, expected })
}

/// Numbers within `absolute + relative·|expected|`; labels equal unless `near` says that the row lies at a boundary.
fn compare(what: &str, got: &[Tensor], expected: &[Tensor], absolute: f64, relative: f64, near: &[bool]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(expected) {
        assert_eq!((got.rows, got.width), (expected.rows, expected.width), "{what}");
        match (&got.data, &expected.data) {
            (Data::I64(g), Data::I64(e)) => labels_equal(what, g, e, near),
            (Data::Text(g), Data::Text(e)) => labels_equal(what, g, e, near),
            _ => {
                let (got, expected) = (got.to_f64().unwrap(), expected.to_f64().unwrap());
                for (i, (g, e)) in got.iter().zip(&expected).enumerate() {
                    let limit = absolute + relative * e.abs();
                    assert!((g - e).abs() <= limit, "{what}: value {i} is {g}, expected {e} ± {limit:e}");
                }
            }
        }
    }
}

fn labels_equal<T: PartialEq + std::fmt::Debug>(what: &str, got: &[T], expected: &[T], near: &[bool]) {
    for (row, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!(g == e || near[row], "{what}: label of row {row} is {g:?}, expected {e:?}");
    }
}

/// Rows whose label an error of `margin` in any score could change.
fn near_boundary(fixture: &Fixture, margin: f64) -> Vec<bool> {
    let cut = privet_model::cut::cut(&fixture.graph).unwrap();
    let scores = scores(&cut, &fixture.rows).unwrap();
    let width = cut.core.scores();
    let row = |row: &[f64]| {
        let close = |a: f64, b: f64| (a - b).abs() <= 2.0 * margin;
        row.iter().enumerate().any(|(i, &a)| close(a, 0.0) || row[..i].iter().any(|&b| close(a, b)))
    };
    scores.chunks(width).map(row).collect()
}

#[test]
fn plain_equals_onnx_runtime() {
    for fixture in fixtures() {
        let private = privet_model::cut::cut(&fixture.graph).is_ok();
        let got = Engine::new(fixture.graph.clone()).run(&fixture.rows).unwrap();
        let rows = fixture.rows[0].rows;
        let near = if private { near_boundary(&fixture, 1e-5) } else { vec![false; rows] };
        // Sums of networks run in another order.
        let (absolute, relative) = if is_network(&fixture.graph) { (1e-5, 1e-4) } else { (1e-6, 1e-5) };
        compare(&fixture.name, &got, &fixture.expected, absolute, relative, &near);
        let left_out = near.iter().filter(|&&n| n).count();
        println!("plain {}: {rows} rows, {left_out} labels at the boundary left out", fixture.name);
        assert!(left_out * 2 < rows.max(8), "{}: {left_out} of {rows} rows left out", fixture.name);
    }
}

/// Whether a model has more than one layer.
fn is_network(graph: &Graph) -> bool {
    let is_layer = |op: &Op| matches!(op, Op::Map(Function::Relu | Function::Tanh) | Op::Conv { .. });
    graph.nodes.iter().any(|node| is_layer(&node.op))
}

/// A plan whose ranges hold all rows: from the model alone where that reaches the accuracy, else from the rows.
fn plan_for(fixture: &Fixture, accuracy: f64) -> (Planned, bool) {
    let holds = |planned: &Planned| {
        let bound = planned.cut.head.bind(&fixture.rows).unwrap();
        let limits = planned.plan.limits();
        let mut values = vec![0.0; bound.len() * limits.len()];
        bound.fill(0, &mut values);
        values.chunks(limits.len()).all(|row| row.iter().zip(&limits).all(|(x, limit)| x.abs() <= *limit))
    };
    match planned(&fixture.graph, accuracy, None) {
        Ok(planned) if holds(&planned) => (planned, false),
        _ => (planned(&fixture.graph, accuracy, Some(&fixture.rows)).unwrap(), true),
    }
}

/// The whole way of a prediction, without sockets.
fn predict(planned: &Planned, protocol: &'static Header, protect: Protect, rows: &[Tensor]) -> Answer {
    let mut entropy = DangerousSeededEntropy::new(1);
    let choices = Choices {
        name: "m".into(),
        protocol,
        protect,
        reveal: Reveal::Score,
        parties: vec![String::new(); 3],
    };
    let (public, files) = for_linear(planned, choices, &mut entropy).unwrap();
    ask(&public, &files, rows)
}

#[test]
fn parties_keep_the_proven_bound_at_every_accuracy() {
    for fixture in fixtures() {
        // What is not linear has a test of its own.
        if privet_model::cut::cut(&fixture.graph).is_err() {
            continue;
        }
        for accuracy in [1e-3, 1e-4, 1e-5] {
            let (plan, from_rows) = plan_for(&fixture, accuracy);
            assert!(!from_rows || accuracy < 1e-4, "{}: refused its own rows at {accuracy}", fixture.name);
            assert!(plan.plan.bound <= accuracy, "{}", fixture.name);
            let near = near_boundary(&fixture, plan.plan.bound + 1e-5);
            let ways = PROTOCOLS.iter().flat_map(|&protocol| Protect::ALL.map(|protect| (protocol, protect)));
            let possible = |(protocol, protect): &(&Header, Protect)| protocol.protects.contains(protect);
            for (protocol, protect) in ways.filter(possible) {
                let (name, hidden) = (protocol.name, protect.name());
                let what = format!("{} by {name} at {accuracy:e}, protect {hidden}", fixture.name);
                let answer = predict(&plan, protocol, protect, &fixture.rows);
                let exact = scores(&plan.cut, &fixture.rows).unwrap();
                let errors = answer.scores.iter().zip(&exact).map(|(a, b)| (a - b).abs());
                let worst = errors.fold(0.0, f64::max);
                assert!(worst <= plan.plan.bound, "{what}: score error {worst:e} over {:e}", plan.plan.bound);
                // ONNX Runtime's own float32 error comes on top of the bound.
                let slack = if fixture.regression { 1e-6 } else { 2e-6 };
                compare(&what, &answer.outputs, &fixture.expected, plan.plan.bound + slack, 1e-5, &near);
                println!(
                    "mpc {what}: k {}, worst {worst:.1e}, bound {:.1e}{}",
                    plan.plan.k,
                    plan.plan.bound,
                    if from_rows { ", ranges from rows" } else { "" }
                );
            }
        }
    }
}

#[test]
fn the_worst_row_that_a_search_finds_is_within_the_bound_and_not_far_below() {
    for fixture in fixtures() {
        let Ok(_) = privet_model::cut::cut(&fixture.graph) else { continue };
        for accuracy in [1e-3, 1e-4, 1e-5] {
            let (plan, _) = plan_for(&fixture, accuracy);
            let worst = search(&fixture, &plan);
            let part = worst / plan.plan.bound;
            println!(
                "search {} at {accuracy:e}: worst {worst:.2e}, {:.0} % of the bound",
                fixture.name,
                part * 100.0
            );
            assert!(worst <= plan.plan.bound, "{}: {worst:e}", fixture.name);
            // Whole-number inputs and weights that are short binary fractions leave nothing but float64's own rounding.
            let exact = plan.plan.bound < 1e-9;
            assert!(
                exact || part >= 0.01,
                "{}: the bound is vacuous, {worst:e} of {:e}",
                fixture.name,
                plan.plan.bound
            );
        }
    }
}

/// For each score and sign, the row in which every feature takes the value, of a few that round worst, whose own error
/// is greatest: errors of a linear model add up, so this is the worst row over those values.
fn search(fixture: &Fixture, plan: &Planned) -> f64 {
    if !plan.cut.head.groups.is_empty() {
        return search_by_chance(fixture, plan);
    }
    let mut worst = 0.0f64;
    for score in 0..plan.cut.core.scores() {
        for sign in [1.0, -1.0] {
            let mut row: Vec<Tensor> = fixture.rows.iter().map(|t| t.slice(0, 1)).collect();
            for feature in 0..plan.cut.head.features.len() {
                choose(plan, score, sign, feature, &mut row);
            }
            let Ok(got) = planned_scores(plan, &row) else { continue };
            let exact = scores(&plan.cut, &row).unwrap();
            worst = got.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(worst, f64::max);
        }
    }
    worst
}

/// Where rows are normalised first, features do not add up by themselves: rows of all sizes, always the same.
fn search_by_chance(fixture: &Fixture, plan: &Planned) -> f64 {
    let mut entropy = DangerousSeededEntropy::new(7);
    let mut random = || f64::from(u32::from_le_bytes(draw(&mut entropy).unwrap())) / 2f64.powi(31) - 1.0;
    let mut worst = 0.0f64;
    for _ in 0..20_000 {
        let mut row: Vec<Tensor> = fixture.rows.iter().map(|t| t.slice(0, 1)).collect();
        for tensor in &mut row {
            for element in 0..tensor.width {
                store(tensor, element, random() * 10f64.powf(4.0 * random()));
            }
        }
        let (Ok(got), Ok(exact)) = (planned_scores(plan, &row), scores(&plan.cut, &row)) else { continue };
        worst = got.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(worst, f64::max);
    }
    worst
}

fn choose(plan: &Planned, score: usize, sign: f64, feature: usize, row: &mut [Tensor]) {
    let Feature::Raw { input, element } = plan.cut.head.features[feature] else { return };
    let Some(column) = plan
        .cut
        .head
        .columns
        .iter()
        .position(|c| matches!(c, Column::Value { feature: f, .. } if *f == feature))
    else {
        return;
    };
    let limit = plan.plan.limits()[column];
    let step = 1.0 / plan.plan.scales()[column];
    let mut best = (f64::NEG_INFINITY, 0.0);
    for m in [0.0, 1.0, 3.0, 1024.0, 0.25 / step * limit, 0.5 / step * limit, 0.999 / step * limit] {
        for x in [m + 0.499, m + 0.25, m, -m - 0.499, -m - 0.25, -m] {
            let x = store(&mut row[input], element, x * step);
            if x.abs() <= limit && error_of(plan, score, column, x) * sign > best.0 {
                best = (error_of(plan, score, column, x) * sign, x);
            }
        }
    }
    store(&mut row[input], element, best.1);
}

/// Writes `x` as the input's own type holds it, and says what that is.
fn store(tensor: &mut Tensor, element: usize, x: f64) -> f64 {
    match &mut tensor.data {
        Data::F32(v) => {
            v[element] = x as f32;
            f64::from(v[element])
        }
        Data::F64(v) => {
            v[element] = x;
            x
        }
        Data::I64(v) => {
            v[element] = x as i64;
            v[element] as f64
        }
        Data::Text(_) => 0.0,
    }
}

/// What one column adds to the error of a score.
fn error_of(plan: &Planned, score: usize, column: usize, x: f64) -> f64 {
    let columns = plan.cut.core.columns;
    let weight = plan.integers.weights[score * columns + column].cast_signed() as f64;
    let encoded = privet_ring::fixed::encode(x, plan.plan.scales()[column]).cast_signed() as f64;
    let unit = 2f64.powi(-i32::try_from(plan.plan.score_bits()).unwrap());
    weight * encoded * unit - plan.cut.core.row(score)[column] * x
}

#[test]
fn a_row_outside_the_range_is_refused_by_row_and_name() {
    let fixture = fixtures().into_iter().find(|f| f.name == "lr-uci").unwrap();
    let (plan, _) = plan_for(&fixture, 1e-4);
    let mut entropy = DangerousSeededEntropy::new(1);
    let choices = Choices {
        protocol: PROTOCOLS[0],
        name: "m".into(),
        protect: Protect::Both,
        reveal: Reveal::Score,
        parties: vec![String::new(); 3],
    };
    let (public, _) = for_linear(&plan, choices, &mut entropy).unwrap();
    let caller = MpcCaller::new(&public).unwrap();
    for (value, code) in [(1e12, "E105"), (f32::INFINITY, "E104"), (f32::NEG_INFINITY, "E104")] {
        let mut rows = fixture.rows.clone();
        let Data::F32(values) = &mut rows[0].data else { panic!("float32 rows") };
        values[17 * 23 + 4] = value;
        let job = caller
            .jobs(Arc::new(rows), &mut entropy)
            .and_then(|mut jobs| jobs.remove(0).ask(&mut DangerousSeededEntropy::new(2)).map(|_| ()));
        let error = job.unwrap_err();
        assert_eq!(error.code, code);
        assert!(error.message.contains("Row 18") && error.message.contains("features[4]"), "{error}");
    }
    assert_eq!(caller.inputs()[0].dtype, DataType::Fp32);
}

mod reviewed {
    //! Models that once gave an answer which was wrong, or none at all.

    use privet_deploy::check::{Planned, planned, planned_scores};
    use privet_deploy::plain::Engine;
    use privet_model::eval::evaluate;
    use privet_model::graph::{Graph, Labels, Missing, NodeId, Norm, Op, Origin, Port};
    use privet_model::tensor::{Data, DataType, Tensor};

    fn model(width: usize, dtype: DataType, ops: Vec<(Op, Vec<usize>)>, output: DataType) -> Graph {
        let port = |name: &str, dtype, width| Port {
            name: name.into(),
            dtype,
            width,
            flat: false,
            dims: Vec::new(),
            columns: vec![],
        };
        let mut graph = Graph::new(vec![port("x", dtype, width)]);
        for (op, inputs) in ops {
            let origin = Origin { node: format!("{op:?}").chars().take(12).collect(), op: "test".into() };
            graph.add(op, inputs.into_iter().map(NodeId).collect(), origin).unwrap();
        }
        let last = NodeId(graph.nodes.len() - 1);
        graph.outputs = vec![(port("y", output, graph.width(last)), last)];
        graph
    }

    fn linear(weights: &[f64], bias: &[f64]) -> Op {
        Op::Linear { weights: weights.to_vec(), bias: bias.to_vec() }
    }

    #[test]
    fn a_softmax_of_one_class_counts_its_rows() {
        let ops = vec![(linear(&[0.5, 0.25], &[0.0]), vec![0]), (Op::Softmax { group: 1 }, vec![1])];
        let graph = model(2, DataType::Fp32, ops, DataType::Fp32);
        let rows = [Tensor::new(3, 2, Data::F32(vec![1.0; 6])).unwrap()];
        let answer = Engine::new(graph.clone()).run(&rows).unwrap();
        assert!(answer[0].data == Data::F32(vec![1.0; 3]));
        let plan = planned(&graph, 1e-4, None).unwrap();
        assert_eq!(planned_scores(&plan, &rows).unwrap().len(), 3);
    }

    #[test]
    fn what_cancels_in_folding_is_in_the_bound_or_refused() {
        for (first, second) in [([0.1, 0.3], [3e13, -1e13]), ([1.0 / 3.0, 0.7], [1e13 + 1.0, -1e13])] {
            let ops = vec![(linear(&first, &[0.0, 0.0]), vec![0]), (linear(&second, &[0.0]), vec![1])];
            let graph = model(1, DataType::Fp64, ops, DataType::Fp64);
            let rows = [Tensor::new(1, 1, Data::F64(vec![1000.0])).unwrap()];
            // In exact arithmetic on the float64 numbers of the file.
            let exact = Engine::new(graph.clone()).run(&rows).unwrap()[0].to_f64().unwrap()[0];
            let reference = evaluate(&graph, &rows).unwrap()[0].to_f64().unwrap()[0];
            assert!(
                (exact - reference).abs() <= f64::EPSILON * reference.abs(),
                "plain is evaluated as it stands"
            );
            let Ok(plan @ Planned { .. }) = planned(&graph, 1e-4, Some(&rows)) else { continue };
            panic!("{first:?}: a plan with bound {:e} was made", plan.plan.bound);
        }
    }

    #[test]
    fn a_missing_value_never_becomes_a_label() {
        let labels = Labels::Int(vec![0, 1]);
        let ops = vec![
            (Op::Impute { fill: vec![1.0], missing: Missing::Nan }, vec![1]),
            (Op::Concat, vec![3, 2]),
            (Op::Normalize(Norm::L2), vec![4]),
            (linear(&[1.0, 2.0, -1.0, 0.5], &[0.0, 0.0]), vec![5]),
            (Op::Label(labels), vec![6]),
        ];
        let selected = vec![(Op::Select(vec![0]), vec![0]), (Op::Select(vec![1]), vec![0])];
        let graph = model(2, DataType::Fp32, selected.into_iter().chain(ops).collect(), DataType::Int64);
        let ask = |row: [f32; 2]| {
            Engine::new(graph.clone()).run(&[Tensor::new(1, 2, Data::F32(row.to_vec())).unwrap()])
        };
        assert!(ask([f32::NAN, 1.0]).is_ok());
        assert_eq!(ask([1.0, f32::NAN]).unwrap_err().code, "E104");
        assert_eq!(ask([1.0, f32::INFINITY]).unwrap_err().code, "E104");
    }

    #[test]
    fn a_category_that_is_no_number_is_refused_even_where_unknown_ones_are_zeros() {
        let ops = vec![
            (Op::OneHot { levels: Labels::Int(vec![1, 2, 3]), unknown_is_zeros: true }, vec![0]),
            (linear(&[0.5, 0.25, -0.5], &[0.0]), vec![1]),
        ];
        let graph = model(1, DataType::Fp32, ops, DataType::Fp32);
        let plan = planned(&graph, 1e-4, None).unwrap();
        for (x, fine) in [(2.0, true), (9.0, true), (f32::NAN, false), (f32::INFINITY, false)] {
            let rows = [Tensor::new(1, 1, Data::F32(vec![x])).unwrap()];
            assert_eq!(Engine::new(graph.clone()).run(&rows).is_ok(), fine, "plain {x}");
            assert_eq!(evaluate(&graph, &rows).is_ok(), fine, "reference {x}");
            assert_eq!(planned_scores(&plan, &rows).is_ok(), fine, "private {x}");
        }
    }

    #[test]
    fn a_scaler_beyond_float64_and_rows_beyond_it_end_in_words() {
        let ops = vec![
            (Op::Affine { scale: vec![1e-310, 1.0], shift: vec![0.0, 0.0] }, vec![0]),
            (linear(&[1.0, 1.0], &[0.0]), vec![1]),
        ];
        let graph = model(2, DataType::Fp64, ops, DataType::Fp64);
        let _ = planned(&graph, 1e-4, None);
        let rows = [Tensor::new(1, 2, Data::F64(vec![1e308, 1.0])).unwrap()];
        let Ok(plan) = planned(&graph, 1e-4, Some(&rows)) else { return };
        assert!(planned_scores(&plan, &rows).is_err());
    }
}
