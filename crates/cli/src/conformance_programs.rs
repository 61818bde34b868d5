//! The fixtures that are not linear, between three parties: networks and trees, within the bound that their program proved.

use std::time::Instant;

use privet_deploy::bundle::for_parties;
use privet_deploy::prepared::{Prepared, prepare};
use privet_model::eval::evaluate;

use super::*;

/// The largest error of what is revealed that is asked for, where the default, 1e-3, is not reached.
const COARSER: &[(&str, f64)] = &[
    ("digits-c-keras", 1e-2),
    ("digits-c-torch", 1e-2),
    ("digits-d-keras", 1e-2),
    ("digits-d-torch", 1e-2),
    ("resnet-small-torch", 500.0),
];

/// Fixtures that parties do not run, and why.
pub(super) const NOT_BETWEEN_PARTIES: &[(&str, &str)] =
    &[("sklearn-normalizer-zipmap", "rows are normalised after a private scaler")];

pub(super) fn accuracy_of(name: &str) -> f64 {
    COARSER.iter().find(|(known, _)| *known == name).map_or(1e-3, |(_, accuracy)| *accuracy)
}

#[test]
fn networks_and_trees_keep_their_proven_bound_between_parties() {
    for fixture in fixtures().into_iter().filter(|f| privet_model::cut::cut(&f.graph).is_err()) {
        let name = fixture.name.as_str();
        let start = Instant::now();
        let prepared = prepare(&fixture.graph, Reveal::Score, accuracy_of(name), Some(&fixture.rows));
        let prepared = match (prepared, NOT_BETWEEN_PARTIES.iter().any(|(known, _)| *known == name)) {
            (Ok(prepared), false) => prepared,
            (Err(_), true) => continue,
            (Ok(_), true) => panic!("{name} became possible"),
            (Err(e), false) => panic!("{name}: {}", privet_deploy::Error::from(e)),
        };
        let Prepared::Program(p) = &prepared else { panic!("{name} is not linear") };
        let planned = start.elapsed();
        let choices = Choices {
            name: "m".into(),
            protect: Protect::Both,
            reveal: Reveal::Score,
            parties: vec![String::new(); 3],
        };
        let (public, files) = for_parties(&prepared, choices, &mut DangerousSeededEntropy::new(1)).unwrap();
        let start = Instant::now();
        let answer = ask(&public, &files, &fixture.rows);
        let took = start.elapsed();
        let exact = evaluate(&fixture.graph, &fixture.rows).unwrap();
        let worst = answer.outputs.iter().zip(&exact).map(|(a, b)| difference(a, b)).fold(0.0, f64::max);
        println!(
            "mpc {name}: {} rows, planned in {planned:.1?}, computed in {took:.1?}, {} rounds, {} bytes, input {} bits, worst {worst:.1e}, bound {:.1e}",
            fixture.rows[0].rows,
            answer.between.rounds,
            answer.between.bytes,
            p.program.input_ring(),
            p.program.bound
        );
        // Outputs are float32, and activations of the tail are not steeper than their argument.
        assert!(
            worst <= p.program.bound + 1e-6 * largest(&exact),
            "{name}: {worst:e} over {:e}",
            p.program.bound
        );
    }
}

/// The largest difference of numbers; labels are compared elsewhere.
pub(super) fn difference(a: &Tensor, b: &Tensor) -> f64 {
    if !matches!(b.data, Data::F32(_) | Data::F64(_)) {
        return 0.0;
    }
    let (a, b) = (a.to_f64().unwrap(), b.to_f64().unwrap());
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

pub(super) fn largest(tensors: &[Tensor]) -> f64 {
    let of = |t: &Tensor| match t.data {
        Data::F32(_) | Data::F64(_) => t.to_f64().unwrap().iter().fold(0.0f64, |m, x| m.max(x.abs())),
        _ => 0.0,
    };
    tensors.iter().map(of).fold(1.0, f64::max)
}
