//! The numbers of a training step: which recipes are refused, and what the reference does.

#![allow(clippy::unwrap_used)]

use privet_model::training::numbers::{Numbers, Unplanned};
use privet_model::training::reference::State;
use privet_model::training::{Loss, Optimiser, Privacy, Recipe};

const ADAM: Optimiser = Optimiser::Adam { first: 0.9, second: 0.999 };

fn recipe(optimiser: Optimiser) -> Recipe {
    Recipe {
        columns: 528,
        batch: 128,
        intercept: true,
        run: 961,
        most_weight: 8.0,
        largest: 8.0,
        loss: Loss::Logistic,
        optimiser,
        rate: 0.001,
        l2: 0.0,
        privacy: None,
    }
}

#[test]
fn weights_are_bounded_by_a_run_and_not_by_all_of_training() {
    for optimiser in [Optimiser::Sgd, ADAM] {
        let numbers = Numbers::plan(recipe(optimiser)).unwrap();
        // A weight goes no farther than 8 times the rate in a step of Adam, and by gradient descent than the greatest gradient.
        assert!(
            numbers.weight > 8.0 + 961.0 * 0.008 && numbers.weight < 8.0 + 961.0 * 0.0081,
            "{}",
            numbers.weight
        );
        assert!(numbers.scores <= 42, "{}", numbers.scores);
        let longer = Numbers::plan(Recipe { run: 2 * 961, ..recipe(optimiser) }).unwrap();
        assert!(longer.weight > numbers.weight + 7.0);
    }
}

#[test]
fn what_could_wrap_is_refused() {
    let refused = |recipe: Recipe| Numbers::plan(recipe).unwrap_err();
    for optimiser in [Optimiser::Sgd, ADAM] {
        let recipe = recipe(optimiser);
        let wraps = refused(Recipe { run: 1_000_000_000, rate: 1.0, ..recipe.clone() });
        assert!(matches!(wraps, Unplanned::Wraps { .. }), "{wraps}");
        let wraps = refused(Recipe { most_weight: 1e6, largest: 1024.0, columns: 100_000, ..recipe.clone() });
        assert!(matches!(wraps, Unplanned::Wraps { .. }), "{wraps}");
        for wrong in [
            Recipe { run: 0, ..recipe.clone() },
            Recipe { most_weight: 0.0, ..recipe.clone() },
            Recipe { most_weight: f64::NAN, ..recipe.clone() },
            Recipe { columns: 0, ..recipe.clone() },
            Recipe { batch: 0, ..recipe.clone() },
            Recipe { rate: -1.0, ..recipe.clone() },
            Recipe { l2: -1.0, ..recipe.clone() },
            Recipe { loss: Loss::Squares { most: f64::INFINITY }, ..recipe.clone() },
            Recipe { privacy: Some(Privacy { multiplier: 0.0, norm: 1.0 }), ..recipe.clone() },
            Recipe { privacy: Some(Privacy { multiplier: 1.0, norm: f64::NAN }), ..recipe.clone() },
        ] {
            let choice = refused(wrong);
            assert!(matches!(choice, Unplanned::Choice(_)), "{choice}");
        }
    }
    let adam = Optimiser::Adam { first: 0.99, second: 0.9 };
    assert!(
        matches!(refused(recipe(adam)), Unplanned::Choice(_)),
        "it could move a weight as far as it likes"
    );
}

/// More noise takes more room, and at last too much.
#[test]
fn noise_is_part_of_the_bounds() {
    let with = |multiplier: f64| {
        let privacy = Some(Privacy { multiplier, norm: 4.0 });
        Numbers::plan(Recipe { privacy, ..recipe(Optimiser::Sgd) })
    };
    let [some, more] = [1.0, 100.0].map(|multiplier| with(multiplier).unwrap());
    assert!(more.most_gradient() > 10.0 * some.most_gradient() && more.weight > 5.0 * some.weight);
    // Three parties' draws of at most 16 deviations, averaged over the batch.
    let noise = 3.0 * 16.0 * more.deviation() / 128.0;
    assert!(more.most_gradient() >= noise + 8.0);
    assert!(with(1e6).is_err());
}

#[test]
fn the_intercept_is_not_penalised() {
    let numbers = Numbers::plan(Recipe { columns: 2, batch: 1, l2: 0.5, ..recipe(Optimiser::Sgd) }).unwrap();
    assert_eq!(numbers.penalties()[1], 0);
    assert!(numbers.penalties()[0] > 0);
    let all = Numbers::plan(Recipe { intercept: false, ..numbers.recipe.clone() }).unwrap();
    assert_eq!(all.penalties()[0], all.penalties()[1]);
    // A row of zeros has no gradient but the penalty's.
    let mut state = State { weights: vec![2.0, 2.0], ..State::new(2) };
    state.step(&numbers, &[0.0, 0.0], &[0.0]);
    assert!((state.weights[0] - 2.0 * (1.0 - 0.001 * 0.5)).abs() < 1e-6, "{:?}", state.weights);
    assert!((state.weights[1] - 2.0).abs() < 1e-12, "{:?}", state.weights);
}

#[test]
fn an_error_is_stated_and_the_less_the_greater_the_sum_of_squares() {
    let sgd = Numbers::plan(recipe(Optimiser::Sgd)).unwrap();
    assert!(sgd.step_error(1, 0.0) < 1e-5, "{}", sgd.step_error(1, 0.0));
    let adam = Numbers::plan(recipe(ADAM)).unwrap();
    let errors = [0.0, 1e-3, 1.0, 1000.0].map(|second| adam.step_error(1000, second));
    assert!(errors.is_sorted_by(|a, b| a > b), "{errors:?}");
    // Of a step of at most 8 times the rate.
    assert!(errors[3] < 0.001 * 0.05, "{errors:?}");
}
