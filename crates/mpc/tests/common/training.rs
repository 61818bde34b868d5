//! Small recipes, and rows to train on.

use privet_model::training::numbers::{RESIDUALS, ROWS};
use privet_model::training::{Loss, Optimiser, Recipe};
use privet_mpc::train::Trains;
use privet_ring::fixed::{encode, power_of_two};

use super::party::Party;

/// Protocols of which both are known: how they are tested and how they train.
pub trait Trained: Party + Trains {}
impl<P: Party + Trains> Trained for P {}

pub fn recipe(optimiser: Optimiser, loss: Loss) -> Recipe {
    Recipe {
        columns: 5,
        batch: 24,
        intercept: true,
        run: 30,
        most_weight: 4.0,
        largest: 8.0,
        loss,
        optimiser,
        rate: 0.05,
        l2: 0.01,
        privacy: None,
    }
}

pub const ADAM: Optimiser = Optimiser::Adam { first: 0.9, second: 0.999 };

/// Numbers that anyone can repeat.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / power_of_two(53)
    }
}

/// Rows and labels as fixed point holds them.
pub fn data(recipe: &Recipe, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let mut random = Random(seed);
    let truth: Vec<f64> = (0..recipe.columns).map(|_| random.unit() * 2.0 - 1.0).collect();
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..recipe.batch {
        let mut row: Vec<f64> =
            (0..recipe.columns).map(|_| rounded((random.unit() * 2.0 - 1.0) * 2.0, ROWS)).collect();
        row[recipe.columns - 1] = 1.0;
        let z: f64 = row.iter().zip(&truth).map(|(x, w)| x * w).sum();
        let label = match recipe.loss {
            Loss::Logistic => f64::from(random.unit() < 1.0 / (1.0 + (-2.0 * z).exp())),
            Loss::Squares { .. } => rounded(z + random.unit(), RESIDUALS),
        };
        rows.extend(row);
        labels.push(label);
    }
    (rows, labels)
}

pub fn rounded(x: f64, fraction: u32) -> f64 {
    (x * power_of_two(fraction.into())).round() / power_of_two(fraction.into())
}

pub fn encoded(x: &[f64], fraction: u32) -> Vec<u64> {
    x.iter().map(|x| encode(*x, power_of_two(fraction.into()))).collect()
}
