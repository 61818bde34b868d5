//! `reveal = label`: every fixture that gives classes, at several thresholds, judged by what ONNX Runtime gave; and that
//! nothing but the class reaches the client.

use privet_deploy::bundle::for_parties;
use privet_deploy::prepared::{Prepared, prepare};
use privet_deploy::reveal::revealing;
use privet_model::eval::evaluate;
use privet_model::graph::{NodeId, Origin};

use super::programs::accuracy_of;
use super::*;

/// Between our sums and those of ONNX Runtime, in float32.
const FLOAT: f64 = 2e-5;
/// Fixtures that have no class: regressions, and what parties do not run or bound uselessly.
const LEFT_OUT: &[&str] = &["ridge-two-targets", "resnet-small-torch", "sklearn-normalizer-zipmap"];

/// What decides a label: how far each row is from the border.
fn distances(labelled: &Graph, rows: &[Tensor]) -> Vec<f64> {
    let mut graph = labelled.clone();
    let port = |width| Port {
        name: "d".into(),
        dtype: DataType::Fp64,
        width,
        flat: false,
        dims: vec![],
        columns: vec![],
    };
    let compare = graph.nodes.iter().rposition(|n| matches!(n.op, Op::Compare(_)));
    let label = graph.nodes.iter().rposition(|n| matches!(n.op, Op::Label(_) | Op::ArgMax { .. })).unwrap();
    let ids = compare.map_or_else(|| graph.nodes[label].inputs.clone(), |at| graph.nodes[at].inputs.clone());
    graph.outputs = ids.iter().map(|&id| (port(graph.width(id)), id)).collect();
    let values: Vec<Vec<f64>> = evaluate(&graph, rows).unwrap().iter().map(|t| t.to_f64().unwrap()).collect();
    match &values[..] {
        [a, b] => a.iter().zip(b).map(|(a, b)| (a - b).abs()).collect(),
        [scores] => scores.chunks(graph.width(ids[0])).map(to_the_second).collect(),
        _ => panic!("a label is decided by one value or two"),
    }
}

fn to_the_second(row: &[f64]) -> f64 {
    let mut sorted = row.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    sorted[0] - sorted.get(1).copied().unwrap_or(f64::NEG_INFINITY)
}

/// What ONNX Runtime says: by row, whether its probability (or score) is above the threshold; its label; its greatest class.
fn judged(fixture: &Fixture, threshold: Option<f64>) -> Vec<String> {
    let text = |t: &Tensor| match &t.data {
        Data::I64(v) => v.iter().map(ToString::to_string).collect::<Vec<_>>(),
        Data::Text(v) => v.clone(),
        _ => Vec::new(),
    };
    let label = fixture.expected.iter().map(text).find(|labels| !labels.is_empty());
    let number = fixture.expected.iter().find(|t| matches!(t.data, Data::F32(_) | Data::F64(_)));
    match (threshold, label, number) {
        (None, Some(label), _) => label,
        (threshold, _, Some(number)) if number.width <= 2 => {
            let values = number.to_f64().unwrap();
            let second =
                values.chunks(number.width).map(|row| row[number.width - 1] > threshold.unwrap_or(0.5));
            let names = names(&fixture.graph);
            second.map(|second| names[usize::from(second)].clone()).collect()
        }
        (_, _, Some(number)) => {
            let values = number.to_f64().unwrap();
            values.chunks(number.width).map(|row| privet_model::eval::greatest(row).to_string()).collect()
        }
        _ => panic!("{} gives nothing", fixture.name),
    }
}

/// What the two classes are called.
fn names(graph: &Graph) -> Vec<String> {
    let of = |op: &Op| match op {
        Op::Label(labels) => Some(labels.names()),
        _ => None,
    };
    graph.nodes.iter().find_map(|n| of(&n.op)).unwrap_or_else(|| vec!["0".into(), "1".into()])
}

fn labels_of(answer: &Tensor) -> Vec<String> {
    match &answer.data {
        Data::I64(v) => v.iter().map(ToString::to_string).collect(),
        Data::Text(v) => v.clone(),
        _ => panic!("a label is no number with a fraction"),
    }
}

/// Thresholds that some rows pass and some do not.
fn thresholds(fixture: &Fixture) -> Vec<Option<f64>> {
    let numbers: Vec<_> =
        fixture.expected.iter().filter(|t| matches!(t.data, Data::F32(_) | Data::F64(_))).collect();
    match numbers[..] {
        [number] if number.width <= 2 => {
            let values = number.to_f64().unwrap();
            let mut seconds: Vec<f64> =
                values.chunks(number.width).map(|row| row[number.width - 1]).collect();
            seconds.sort_by(f64::total_cmp);
            let between = |at: usize| Some(f64::midpoint(seconds[at - 1], seconds[at]));
            let inner = |t: &Option<f64>| {
                t.is_some_and(|t| revealing(fixture.graph.clone(), Reveal::Label, Some(t)).is_ok())
            };
            let quarters = [between(seconds.len() / 4), between(seconds.len() / 2)].into_iter().filter(inner);
            std::iter::once(None).chain(quarters).collect()
        }
        _ => vec![None],
    }
}

#[test]
fn labels_are_those_of_onnx_runtime_wherever_the_border_is_farther_than_the_bound() {
    let mut compared = 0;
    for fixture in fixtures().iter().filter(|f| !f.regression && !LEFT_OUT.contains(&f.name.as_str())) {
        for threshold in thresholds(fixture) {
            let Ok(graph) = revealing(fixture.graph.clone(), Reveal::Label, threshold) else {
                assert!(threshold.is_none(), "{}", fixture.name);
                continue;
            };
            compared += check(fixture, &graph, threshold);
        }
    }
    assert!(compared > 3000, "only {compared} labels were compared");
}

/// How many labels were compared.
fn check(fixture: &Fixture, graph: &Graph, threshold: Option<f64>) -> usize {
    let name = fixture.name.as_str();
    let prepared = prepare(graph, Reveal::Label, accuracy_of(name), Some(&fixture.rows));
    let prepared = prepared.unwrap_or_else(|e| panic!("{name}: {}", privet_deploy::Error::from(e)));
    let Prepared::Program(p) = &prepared else { panic!("{name}: a label is decided inside") };
    // Another threshold is another constant, so one of them is enough for most protocols.
    let protocols = if threshold.is_none() { PROTOCOLS } else { &PROTOCOLS[..1] };
    let private: Vec<_> = protocols.iter().map(|&protocol| privately(fixture, &prepared, protocol)).collect();
    let plain = Engine::new(graph.clone()).run(&fixture.rows).unwrap();
    assert_eq!(plain.len(), 1, "{name}: nothing else is given");
    let (plain, judge) = (labels_of(&plain[0]), judged(fixture, threshold));
    let mut compared = 0;
    for (row, distance) in distances(graph, &fixture.rows).into_iter().enumerate() {
        let about = || format!("{name}, threshold {threshold:?}, row {row}, {distance:e} from the border");
        if distance > FLOAT {
            assert_eq!(plain[row], judge[row], "plain: {}", about());
        }
        if distance > p.program.bound + FLOAT {
            for (protocol, private) in protocols.iter().zip(&private) {
                assert_eq!(private[row], judge[row], "{}: {}", protocol.name, about());
            }
            compared += 1;
        }
    }
    let rows = judge.len();
    println!(
        "mpc {name}, threshold {threshold:?}: {compared} of {rows} labels compared, bound {:.1e}",
        p.program.bound
    );
    assert!(compared * 2 > rows, "{name}: most rows are near the border");
    compared
}

/// The labels of all rows, and nothing but bits.
fn privately(fixture: &Fixture, prepared: &Prepared, protocol: &'static Header) -> Vec<String> {
    let (public, files) = bundled(prepared, protocol);
    let answer = ask(&public, &files, &fixture.rows);
    assert!(
        answer.scores.iter().all(|bit| [0.0f64, 1.0].iter().any(|x| x.total_cmp(bit).is_eq())),
        "{}: more than bits",
        fixture.name
    );
    assert_eq!(answer.outputs.len(), 1, "{}: nothing else is given", fixture.name);
    labels_of(&answer.outputs[0])
}

fn bundled(prepared: &Prepared, protocol: &'static Header) -> (PublicBundle, Vec<PartyFile>) {
    let choices = Choices {
        protocol,
        name: "m".into(),
        protect: Protect::Both,
        reveal: Reveal::Label,
        parties: vec![String::new(); 3],
    };
    for_parties(prepared, choices, &mut DangerousSeededEntropy::new(1)).unwrap()
}

/// A model of one feature: its score is the feature.
fn identity() -> Graph {
    let port = |name: &str| Port {
        name: name.into(),
        dtype: DataType::Fp32,
        width: 1,
        flat: false,
        dims: vec![],
        columns: vec![],
    };
    let mut graph = Graph::new(vec![port("x")]);
    let origin = || Origin { node: "n".into(), op: "op".into() };
    let score =
        graph.add(Op::Linear { weights: vec![1.0], bias: vec![0.25] }, vec![NodeId(0)], origin()).unwrap();
    let p = graph.add(Op::Map(Function::Sigmoid), vec![score], origin()).unwrap();
    graph.outputs.push((port("p"), p));
    graph
}

/// What each party sends the client for `rows` rows of this value: the packed summands.
fn summands(public: &PublicBundle, files: &[PartyFile], value: f32, rows: usize) -> (Vec<f64>, [Vec<u8>; 3]) {
    let rows = [Tensor { rows, width: 1, data: Data::F32(vec![value; rows]) }];
    let mut packed = [Vec::new(), Vec::new(), Vec::new()];
    let answer = ask_and_look(public, files, &rows, |replies: &[InferReply]| {
        for (all, reply) in packed.iter_mut().zip(replies) {
            assert_eq!(reply.outputs.len(), 1, "one tensor, of bits");
            all.extend_from_slice(&reply.outputs[0].data[32..]);
        }
    });
    (answer.scores, packed)
}

/// The client's whole view of an answer: three summands of a bit, each of them even noise whatever the row was.
#[test]
fn a_client_sees_a_bit_and_noise_whatever_the_score_was() {
    let graph = revealing(identity(), Reveal::Label, Some(0.4)).unwrap();
    let ranges = [Tensor { rows: 2, width: 1, data: Data::F32(vec![-8.0, 8.0]) }];
    let prepared = prepare(&graph, Reveal::Label, 1e-3, Some(&ranges)).unwrap();
    let (public, files) = bundled(&prepared, PROTOCOLS[0]);
    let mpc = public.mpc().unwrap();
    assert_eq!((mpc.scores, mpc.numbers.decode(&[1]).len()), (1, 1));
    assert!(!public.json().contains("0.4"), "the threshold is a secret");
    for (value, bit) in [(7.9_f32, 1.0), (0.01, 1.0), (-1.0, 0.0), (-7.9, 0.0)] {
        let (scores, packed) = summands(&public, &files, value, 8192);
        assert!(scores.iter().all(|&s| s.total_cmp(&bit).is_eq()), "{value}");
        for summand in packed {
            let ones = summand.iter().map(|byte| byte.count_ones()).sum::<u32>();
            let (bits, ones) = (f64::from(u32::try_from(summand.len() * 8).unwrap()), f64::from(ones));
            // Seven standard deviations of a fair coin.
            assert!((ones - bits / 2.0).abs() < 3.5 * bits.sqrt(), "{value}: {ones} of {bits} bits are 1");
        }
    }
}
