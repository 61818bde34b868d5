//! Every linear fixture on ciphertexts: the very integers of the plan, at every accuracy, for the fixture's rows and for rows at the ends
//! of what is accepted.

use privet_deploy::he::bundle::{for_he, planned_for_he};
use privet_deploy::he::caller::HeCaller;
use privet_deploy::he::host::HeHost;
use privet_deploy::he::wire::MASKED;
use privet_deploy::reveal::revealing;

use super::*;

/// Fixtures that ciphertexts do not serve, and the first node that stands in the way.
const NOT_ON_CIPHERTEXTS: [(&str, &str); 28] = [
    ("affine-after-sigmoid", "the_Mul_a"),
    ("constant-minus", "the_Sub_q"),
    ("decision-tree-classifier", "TreeEnsembleClassifier"),
    ("decision-tree-regressor", "TreeEnsembleRegressor"),
    ("digits-a-keras", "sequential_2_1/dense_3_1/Relu"),
    ("digits-a-torch", "/1/Relu"),
    ("digits-b-keras", "sequential_3_1/conv2d_1/BiasAdd"),
    ("digits-b-torch", "/0/Conv"),
    ("digits-c-keras", "sequential_4_1/conv2d_2_1/BiasAdd"),
    ("digits-c-torch", "/0/Conv"),
    ("digits-d-keras", "sequential_5_1/conv2d_4_1/BiasAdd"),
    ("digits-d-torch", "/0/Conv"),
    ("gradient-boosting-classifier", "TreeEnsembleClassifier"),
    ("gradient-boosting-regressor", "TreeEnsembleRegressor"),
    ("hist-gradient-boosting-classifier", "TreeEnsembleClassifier"),
    ("hist-gradient-boosting-regressor", "TreeEnsembleRegressor"),
    ("lightgbm-classifier", "LgbmClassifier"),
    ("lightgbm-regressor", "LgbmRegressor"),
    ("mlp-keras", "sequential_1_1/dense_1/Relu"),
    ("mlp-sklearn", "Relu"),
    ("mlp-torch", "/1/Tanh"),
    ("random-forest-classifier", "TreeEnsembleClassifier"),
    ("random-forest-regressor", "TreeEnsembleRegressor"),
    ("ratios", "the_Log_a"),
    ("resnet-small-torch", "/0/Conv"),
    ("sklearn-normalizer-zipmap", "LinearClassifier"),
    ("xgboost-classifier", "TreeEnsembleClassifier"),
    ("xgboost-regressor", "TreeEnsembleRegressor"),
];

/// A client and its server: on ciphertexts, or row by row under tickets.
fn ask(planned: &Planned, rows: &[Tensor], tickets: bool) -> Answer {
    let (public, file) = for_he(planned, "m", Reveal::Score, &mut DangerousSeededEntropy::new(1)).unwrap();
    let (opened, integers, secret) = file.open().unwrap();
    assert_eq!(opened, public);
    let host = HeHost::new(&public, integers, secret, Box::new(|| Box::new(DangerousSeededEntropy::new(2))))
        .unwrap();
    let caller = HeCaller::new(&public).unwrap();
    let mut entropy = DangerousSeededEntropy::new(3);
    let mut jobs = Vec::new();
    if tickets {
        caller.prepare_ahead(rows[0].rows);
        while let Some(preparation) = caller.preparation(&mut entropy).unwrap() {
            preparation
                .pending
                .keep(host.infer(preparation.messages[0].clone()).map(|reply| vec![reply]))
                .unwrap();
        }
        for row in 0..rows[0].rows {
            let row: Vec<Tensor> = rows.iter().map(|t| t.slice(row, row + 1)).collect();
            jobs.extend(caller.jobs(Arc::new(row), &mut entropy).unwrap());
        }
    } else {
        jobs = caller.jobs(Arc::new(rows.to_vec()), &mut entropy).unwrap();
    }
    let answers = jobs.into_iter().map(|job| {
        let Asked { mut messages, pending, .. } = job.ask(&mut entropy).unwrap();
        assert_eq!(messages.len(), 1, "one server, one round trip");
        assert_eq!(messages[0].inputs.iter().any(|raw| raw.name == MASKED), tickets);
        pending.answer(vec![host.infer(messages.remove(0)).unwrap()]).unwrap()
    });
    let whole = answers.reduce(|mut whole, part| {
        whole.append(part);
        whole
    });
    whole.unwrap()
}

/// For each score, the rows of its largest and its smallest value: every feature at the end of its range.
fn ends(fixture: &Fixture, plan: &Planned) -> Vec<Tensor> {
    let mut rows: Vec<Tensor> = fixture.rows.iter().map(|t| t.slice(0, 0)).collect();
    let limits = plan.plan.limits();
    for score in 0..plan.cut.core.scores() {
        for sign in [1.0, -1.0] {
            let mut row: Vec<Tensor> = fixture.rows.iter().map(|t| t.slice(0, 1)).collect();
            for (at, column) in plan.cut.head.columns.iter().enumerate() {
                let Column::Value { feature, .. } = column else { continue };
                let Feature::Raw { input, element } = plan.cut.head.features[*feature] else { continue };
                let weight = plan.cut.core.row(score)[at];
                store(&mut row[input], element, sign * weight.signum() * limits[at]);
            }
            rows.iter_mut().zip(row).for_each(|(all, one)| all.append(one));
        }
    }
    rows
}

#[test]
fn ciphertexts_give_the_integers_of_the_plan() {
    let mut left_out = Vec::new();
    for fixture in fixtures() {
        let name = fixture.name.as_str();
        if let Err(problems) = privet_model::cut::cut(&fixture.graph) {
            let error =
                planned_for_he(&fixture.graph, Reveal::Score, 1e-4, Some(&fixture.rows)).err().unwrap();
            let node = &problems.0[0].node;
            assert!(error.message.contains(node.as_str()), "{name}: {error}");
            left_out.push((fixture.name.clone(), node.clone()));
            continue;
        }
        for accuracy in [1e-3, 1e-4, 1e-5] {
            let (plan, _) = plan_for(&fixture, accuracy);
            let near = near_boundary(&fixture, plan.plan.bound + 1e-5);
            let answer = ask(&plan, &fixture.rows, false);
            let integers = planned_scores(&plan, &fixture.rows).unwrap();
            assert_eq!(answer.scores, integers, "{name} at {accuracy:e}");
            let under_tickets = ask(&plan, &fixture.rows, true).scores;
            assert_eq!(under_tickets, integers, "{name} at {accuracy:e}, under tickets");
            let slack = if fixture.regression { 1e-6 } else { 2e-6 };
            let what = format!("{name} at {accuracy:e} on ciphertexts");
            compare(&what, &answer.outputs, &fixture.expected, plan.plan.bound + slack, 1e-5, &near);
            let ends = ends(&fixture, &plan);
            if let Ok(expected) = planned_scores(&plan, &ends) {
                assert_eq!(
                    ask(&plan, &ends, false).scores,
                    expected,
                    "{name} at {accuracy:e}, ends of ranges"
                );
                let exact = scores(&plan.cut, &ends).unwrap();
                let worst = expected.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(worst <= plan.plan.bound, "{name}: {worst:e}");
            }
            println!("he {what}: k {}, bound {:.1e}", plan.plan.k, plan.plan.bound);
        }
    }
    left_out.sort();
    let known: Vec<(String, String)> =
        NOT_ON_CIPHERTEXTS.iter().map(|(name, node)| ((*name).to_owned(), (*node).to_owned())).collect();
    assert_eq!(left_out, known);
}

#[test]
fn what_is_revealed_inside_is_named() {
    let linear = |fixture: &Fixture| privet_model::cut::cut(&fixture.graph).is_ok();
    for fixture in fixtures().into_iter().filter(linear) {
        for reveal in [Reveal::Probability, Reveal::Label] {
            let Ok(graph) = revealing(fixture.graph.clone(), reveal, None) else { continue };
            let error = planned_for_he(&graph, reveal, 1e-3, Some(&fixture.rows)).err();
            let error =
                error.unwrap_or_else(|| panic!("{}: {} would be a score", fixture.name, reveal.name()));
            let (_, last) = &graph.outputs[0];
            let node = &graph.nodes[last.0].origin.node;
            assert!(error.message.contains(node.as_str()), "{}: {error}", fixture.name);
            assert!(error.message.contains("--reveal score"), "{}: {error}", fixture.name);
        }
    }
}
