//! Files made by hand: what their parts say about each other, and how much memory they can ask for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use privet_model::graph::Op;
use privet_model::{Problem, Refusal};

use super::*;
use crate::onnx_proto::{
    AttributeProto, Dimension, DimensionValue, NodeProto, OperatorSetIdProto, Skipped,
    StringStringEntryProto, TensorProto, TensorShapeProto, TensorType, TypeProto, ValueInfoProto,
};

fn port(name: &str, elem_type: i32, dims: &[Option<i64>]) -> ValueInfoProto {
    let dim = |d: &Option<i64>| Dimension { value: d.map(DimensionValue::Number) };
    let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let tensor_type = Some(TensorType { elem_type, shape });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

fn floats(name: &str, columns: i64) -> ValueInfoProto {
    port(name, 1, &[None, Some(columns)])
}

fn output(name: &str) -> ValueInfoProto {
    ValueInfoProto { name: name.into(), r#type: None }
}

fn node(op: &str, input: &str, output: &str) -> NodeProto {
    let names = |list: &str| list.split_whitespace().map(str::to_owned).collect();
    let (domain, op_type) = op.rsplit_once('.').unwrap_or(("", op));
    NodeProto {
        input: names(input),
        output: names(output),
        name: format!("n_{output}"),
        op_type: op_type.into(),
        domain: domain.into(),
        ..NodeProto::default()
    }
}

fn with(mut node: NodeProto, name: &str, attribute: AttributeProto) -> NodeProto {
    node.attribute.push(AttributeProto { name: name.into(), ..attribute });
    node
}

fn int(i: i64) -> AttributeProto {
    AttributeProto { i: Some(i), ..AttributeProto::default() }
}

fn ints(ints: &[i64]) -> AttributeProto {
    AttributeProto { ints: ints.into(), ..AttributeProto::default() }
}

fn many(floats: &[f32]) -> AttributeProto {
    AttributeProto { floats: floats.into(), ..AttributeProto::default() }
}

fn word(word: &str) -> AttributeProto {
    AttributeProto { s: Some(word.into()), ..AttributeProto::default() }
}

fn weight(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    let (name, dims) = (name.into(), dims.into());
    TensorProto { name, dims, data_type: 1, float_data: values.into(), ..TensorProto::default() }
}

fn indices(name: &str, values: &[i64]) -> TensorProto {
    let dims = vec![i64::try_from(values.len()).unwrap()];
    TensorProto { name: name.into(), dims, data_type: 7, int64_data: values.into(), ..TensorProto::default() }
}

/// `x` has three columns; the output is `y`.
fn graph(nodes: Vec<NodeProto>, initializer: Vec<TensorProto>) -> GraphProto {
    GraphProto {
        node: nodes,
        initializer,
        input: vec![floats("x", 3)],
        output: vec![output("y")],
        ..GraphProto::default()
    }
}

fn model(graph: GraphProto) -> ModelProto {
    let set = |domain: &str, version| OperatorSetIdProto { domain: domain.into(), version };
    ModelProto {
        graph: Some(graph),
        opset_import: vec![set("", 17), set("ai.onnx.ml", 3)],
        ..ModelProto::default()
    }
}

fn read(graph: GraphProto) -> Result<Graph, ImportError> {
    read_onnx(&model(graph).encode_to_vec(), ReadOptions::default())
}

fn refusal(graph: GraphProto) -> Refusal {
    match read(graph) {
        Err(ImportError::Broken(refusal)) => refusal,
        Err(ImportError::Problems(problems)) => panic!("problems: {problems}"),
        Ok(_) => panic!("it was read"),
    }
}

fn problems(graph: GraphProto) -> Vec<Problem> {
    match read(graph) {
        Err(ImportError::Problems(problems)) => problems.0,
        Err(ImportError::Broken(refusal)) => panic!("refused: {refusal}"),
        Ok(_) => panic!("it was read"),
    }
}

fn assert_refused(graph: GraphProto, code: &str, words: &str) {
    let refusal = refusal(graph);
    assert_eq!(refusal.code, code, "{refusal}");
    assert!(refusal.message.contains(words), "{refusal}");
}

#[test]
fn names_are_defined_once_and_before_their_use() {
    let twice = graph(vec![node("Sigmoid", "x", "y"), node("Neg", "x", "y")], vec![]);
    assert_refused(twice, "E204", "`y` stands for two values");
    let nowhere = graph(vec![node("Sigmoid", "z", "y")], vec![]);
    assert_refused(nowhere, "E204", "Node `n_y` uses `z`, which nothing in the file defines");
    let cycle =
        graph(vec![node("Sigmoid", "b", "a"), node("Sigmoid", "a", "b"), node("Neg", "a", "y")], vec![]);
    assert_refused(cycle, "E204", "Node `n_a` uses `b`, which is computed at or after it");
    let itself = graph(vec![node("Sigmoid", "y", "y")], vec![]);
    assert_refused(itself, "E204", "form a cycle");
    assert_refused(
        graph(vec![node("Sigmoid", "x", "z")], vec![]),
        "E204",
        "output `y` is computed by no node",
    );
    let mut none = graph(vec![], vec![]);
    none.output.clear();
    assert_refused(none, "E204", "no output");
}

#[test]
fn columns_have_the_names_that_the_file_gives_if_there_are_as_many() {
    let columns = |width: i64, names: &str| {
        let mut graph = graph(vec![node("Identity", "x", "y")], Vec::new());
        graph.input = vec![floats("x", width)];
        let mut model = model(graph);
        let entry = StringStringEntryProto { key: "feature_names".into(), value: names.into() };
        model.metadata_props = vec![entry];
        read_onnx(&model.encode_to_vec(), ReadOptions::default()).unwrap().inputs.remove(0).columns
    };
    assert_eq!(columns(2, r#"["a", "b, c"]"#), ["a", "b, c"]);
    for (width, names) in [(1, r#"["a", "b"]"#), (2, r#"["a", "a"]"#), (1, r#"[""]"#), (1, "a"), (1, "[1]")] {
        assert!(columns(width, names).is_empty(), "{names}");
    }
}

#[test]
fn an_input_that_has_a_value_is_a_constant() {
    let mut older = graph(vec![node("Add", "x b", "y")], vec![weight("b", &[3], &[1.0, 2.0, 3.0])]);
    older.input.push(floats("b", 3));
    let read = read(older).unwrap();
    assert_eq!(read.inputs.len(), 1);
    assert_eq!(read.nodes[1].op, Op::Affine { scale: vec![1.0; 3], shift: vec![1.0, 2.0, 3.0] });
}

#[test]
fn only_the_first_of_a_chain_of_problems_is_reported_and_all_chains_are() {
    let nodes = vec![
        node("LSTM", "x", "a b"),
        node("Sigmoid", "a", "c"),
        node("GRU", "c", "d"),
        node("ai.onnx.ml.TreeEnsembleRegressor", "x", "e"),
        node("Concat", "d e", "y"),
    ];
    let found = problems(graph(nodes, vec![]));
    let list: Vec<_> = found.iter().map(|p| (p.node.as_str(), p.op.as_str())).collect();
    assert_eq!(list, [("n_a b", "LSTM"), ("n_d", "GRU"), ("n_e", "ai.onnx.ml.TreeEnsembleRegressor")]);
    assert!(found.iter().all(|p| p.reason.ends_with('.') && p.hint.ends_with('.')));
}

#[test]
fn a_nameless_node_is_called_by_its_first_output() {
    let nameless = NodeProto { name: String::new(), ..node("GRU", "x", "y") };
    assert_eq!(problems(graph(vec![nameless], vec![]))[0].node, "y");
}

#[test]
fn inputs_must_be_tables_of_a_known_width() {
    let cases: [(&str, &[Option<i64>]); 6] = [
        ("more than 1048576 values", &[None, Some(1 << 12), Some(1 << 12)]),
        ("a single number", &[]),
        ("number of columns is not given", &[None, None]),
        ("-1 columns", &[None, Some(-1)]),
        ("0 columns", &[None, Some(0)]),
        ("4611686018427387904 columns", &[None, Some(1 << 62)]),
    ];
    for (words, dims) in cases {
        let mut made = graph(vec![node("Sigmoid", "x", "y")], vec![]);
        made.input = vec![port("x", 1, dims)];
        let found = problems(made);
        assert_eq!((found.len(), found[0].op.as_str(), found[0].node.as_str()), (1, "input", "x"));
        assert!(found[0].reason.contains(words), "{}", found[0].reason);
    }
    for rows in [None, Some(1), Some(-1), Some(7)] {
        let mut made = graph(vec![node("Sigmoid", "x", "y")], vec![]);
        made.input = vec![port("x", 1, &[rows])];
        assert!(read(made).unwrap().outputs[0].0.flat);
    }
}

#[test]
fn opsets_that_are_not_known_are_refused() {
    for (domain, version, words) in
        [("", 6, "version 6 of operator set `ai.onnx`"), ("", 99, "versions 7 to")]
    {
        let mut made = model(graph(vec![node("Sigmoid", "x", "y")], vec![]));
        made.opset_import = vec![OperatorSetIdProto { domain: domain.into(), version }];
        let Err(ImportError::Broken(refusal)) = read_onnx(&made.encode_to_vec(), ReadOptions::default())
        else {
            panic!("{version}")
        };
        assert!(refusal.code == "E204" && refusal.message.contains(words), "{refusal}");
    }
    let mut made = model(graph(vec![node("Sigmoid", "x", "y")], vec![]));
    made.opset_import = vec![OperatorSetIdProto { domain: "ai.onnx.ml".into(), version: 1 }];
    assert!(read_onnx(&made.encode_to_vec(), ReadOptions::default()).is_ok());
}

#[test]
fn weights_must_be_in_the_file_dense_and_finite() {
    let mut sparse = graph(vec![node("Sigmoid", "x", "y")], vec![]);
    sparse.sparse_initializer.push(Skipped {});
    assert_refused(sparse, "E207", "sparse");
    let external = TensorProto { data_location: 1, ..weight("w", &[3, 1], &[]) };
    assert_refused(graph(vec![node("MatMul", "x w", "y")], vec![external]), "E207", "`w` lies outside");
    let infinite = vec![weight("w", &[3, 1], &[1.0, f32::INFINITY, 0.0])];
    assert_refused(graph(vec![node("MatMul", "x w", "y")], infinite), "E206", "`w`: value 2 of 3");
    let scaler = node("ai.onnx.ml.Scaler", "x", "y");
    let scaler = with(with(scaler, "offset", many(&[0.0])), "scale", many(&[f32::INFINITY]));
    assert_refused(graph(vec![scaler], vec![]), "E206", "`n_y.scale`: value 1 of 1");
}

#[test]
fn unreadable_weights_matter_only_where_they_are_used() {
    let bytes =
        || TensorProto { name: "w".into(), dims: vec![3, 1], data_type: 14, ..TensorProto::default() };
    assert!(read(graph(vec![node("Sigmoid", "x", "y")], vec![bytes()])).is_ok());
    let found = problems(graph(vec![node("MatMul", "x w", "y")], vec![bytes()]));
    assert!(found[0].reason.contains("`w` holds complex64"), "{}", found[0].reason);
}

#[test]
fn what_has_no_meaning_for_single_rows_is_refused_by_name() {
    for (op, words) in
        [("ReduceSum", "across the rows"), ("Softmax", "across the rows"), ("LpPool", "works on [rows, 3]")]
    {
        let found = problems(graph(vec![with(node(op, "x", "y"), "axis", int(0)).clone()], vec![]));
        assert!(found[0].reason.contains(words), "{op}: {}", found[0].reason);
    }
    let moved = with(node("Transpose", "x", "y"), "perm", ints(&[1, 0]));
    let found = problems(graph(vec![moved], vec![]));
    assert!(found[0].op == "output" && found[0].reason.contains("[3, rows]"), "{}", found[0].reason);
}

#[test]
fn constants_are_folded_whatever_the_node_and_need_no_rows() {
    let nodes = vec![
        node("Exp", "c", "a"),
        node("Concat", "a c", "b"),
        with(node("ReduceMax", "b", "m"), "keepdims", int(0)),
        node("Mul", "x m", "y"),
    ];
    let read = read(graph(
        nodes.into_iter().map(|n| with(n, "axis", int(0))).collect(),
        vec![weight("c", &[2], &[0.0, 2.0])],
    ));
    let Op::Affine { scale, .. } = &read.unwrap().nodes[1].op else { panic!("no affine node") };
    assert!((scale[0] - 2f64.exp()).abs() < 1e-12);
}

#[test]
fn shapes_that_depend_on_the_rows_fold_away() {
    let nodes = vec![
        node("Shape", "x", "s"),
        node("Gather", "s zero", "rows"),
        node("Unsqueeze", "rows zero", "r"),
        node("Mul", "r two", "twice"),
        node("Div", "twice two", "again"),
        with(node("Concat", "again minus", "target"), "axis", int(0)),
        node("Reshape", "x target", "y"),
    ];
    let constants = vec![
        TensorProto { dims: vec![], ..indices("zero", &[0]) },
        indices("two", &[2]),
        indices("minus", &[1, -1]),
    ];
    let read = read(graph(nodes, constants)).unwrap();
    assert_eq!((read.nodes.len(), read.outputs[0].0.row_shape()), (1, vec![1, 3]));
}

#[test]
fn a_choice_among_chosen_values_is_one_choice_and_what_nobody_needs_is_dropped() {
    let pick = |input: &str, output: &str| with(node("Gather", input, output), "axis", int(1));
    let nodes = vec![node("Exp", "x", "unused"), pick("x i", "a"), pick("a i", "y")];
    let read = read(graph(nodes, vec![indices("i", &[1, 2, 0])])).unwrap();
    assert_eq!(read.nodes.len(), 2);
    assert_eq!(read.nodes[1].op, Op::Select(vec![2, 0, 1]));
}

fn classifier(post: &str, coefficients: &[f32], labels: &[i64]) -> GraphProto {
    let node = node("ai.onnx.ml.LinearClassifier", "x", "l y");
    let node = with(with(node, "coefficients", many(coefficients)), "classlabels_ints", ints(labels));
    graph(vec![with(node, "post_transform", word(post))], vec![])
}

#[test]
fn classifiers_that_would_answer_otherwise_are_refused() {
    let found = problems(classifier("PROBIT", &[1.0; 3], &[0, 1]));
    assert!(found[0].reason.contains("PROBIT"), "{}", found[0].reason);
    for (coefficients, labels) in
        [(6, &[1_i64, 2, 3][..]), (9, &[1, 2]), (3, &[1]), (3, &[]), (4, &[1, 2]), (0, &[1])]
    {
        assert_eq!(
            problems(classifier("NONE", &vec![1.0; coefficients], labels)).len(),
            1,
            "{coefficients} {labels:?}"
        );
    }
}

#[test]
fn an_unused_label_is_not_computed() {
    let read = read(classifier("LOGISTIC", &[1.0; 3], &[0, 1])).unwrap();
    assert!(!read.nodes.iter().any(|node| matches!(node.op, Op::Label(_))));
}

#[test]
fn numbers_are_cut_to_whole_ones_where_the_categories_do_not_do_it_themselves() {
    let cast = || with(node("Cast", "x", "a"), "to", int(7));
    let functions = |read: &Graph| read.nodes.iter().filter(|n| matches!(n.op, Op::Map(_))).count();
    assert_eq!(functions(&read(graph(vec![cast(), node("Neg", "a", "y")], vec![])).unwrap()), 1);
    let hot = with(node("ai.onnx.ml.OneHotEncoder", "a", "b"), "cats_int64s", ints(&[1, 2]));
    let shape = indices("s", &[-1, 6]);
    let read = read(graph(vec![cast(), hot, node("Reshape", "b s", "y")], vec![shape])).unwrap();
    assert_eq!((functions(&read), read.outputs[0].0.width), (0, 6));
}

#[test]
fn a_repeated_weight_cannot_fill_the_memory() {
    let values = vec![1.0; 3 * 4096];
    let layers = (0..4000).map(|i| node("MatMul", "x w", &format!("a{i}"))).chain([node("Neg", "x", "y")]);
    let made = graph(layers.collect(), vec![weight("w", &[3, 4096], &values)]);
    assert_refused(made, "E208", "repeats its weights or columns");
}

#[test]
fn a_value_joined_with_itself_cannot_fill_the_memory() {
    let name = |i: usize| if i == 0 { "x".to_owned() } else { format!("a{i}") };
    let mut nodes: Vec<_> = (0..60)
        .map(|i| with(node("Concat", &format!("{0} {0}", name(i)), &name(i + 1)), "axis", int(1)))
        .collect();
    nodes.push(node("Neg", "a60", "y"));
    assert_refused(graph(nodes, vec![]), "E208", "repeats its weights or columns");
}

#[test]
fn many_categories_of_many_columns_cannot_fill_the_memory() {
    let levels: Vec<i64> = (0..1000).collect();
    let hot = with(node("ai.onnx.ml.OneHotEncoder", "x", "y"), "cats_int64s", ints(&levels));
    let mut made = graph(vec![hot], vec![]);
    made.input = vec![port("x", 7, &[None, Some(1 << 20)])];
    assert_refused(made, "E208", "repeats its weights or columns");
}

#[test]
fn a_wide_input_with_many_scalars_cannot_fill_the_memory() {
    let mut nodes: Vec<_> = (0..1000).map(|i| node("Mul", "x c", &format!("a{i}"))).collect();
    nodes.push(node("Neg", "x", "y"));
    let mut made = graph(nodes, vec![weight("c", &[], &[2.0])]);
    made.input = vec![floats("x", 1 << 20)];
    assert_refused(made, "E208", "repeats its weights or columns");
}

#[test]
fn many_casts_and_many_failing_nodes_cost_no_more_than_the_file() {
    let values = vec![1.0; 3 * 4096];
    let w = || vec![weight("w", &[3, 4096], &values), weight("b", &[2], &[0.0; 2])];
    let casts = (0..4000).map(|i| with(node("Cast", "w", &format!("a{i}")), "to", int(11)));
    assert_refused(graph(casts.chain([node("Neg", "x", "y")]).collect(), w()), "E208", "repeats its weights");
    let layers = (0..4000).map(|i| node("Gemm", "x w b", &format!("a{i}")));
    assert_refused(
        graph(layers.chain([node("Neg", "x", "y")]).collect(), w()),
        "E208",
        "repeats its weights",
    );
}

#[test]
fn the_list_of_problems_ends_somewhere() {
    let nodes = (0..20_000).map(|i| NodeProto { name: String::new(), ..node("GRU", "x", &format!("a{i}")) });
    assert_eq!(problems(graph(nodes.chain([node("Neg", "x", "y")]).collect(), vec![])).len(), 10_000);
}

#[test]
fn more_dimensions_than_any_tensor_has_are_refused() {
    assert_refused(graph(vec![node("Mul", "x c", "y")], vec![weight("c", &[1; 17], &[1.0])]), "E205", "`c`");
}
