//! A search for the worst row of what is not linear: uphill in the error, from the fixture's own rows, over everything that the ranges
//! let in. What the parties compute is computed in the clear, bit for bit but for the luck of their cuts.

use privet_deploy::numbers::Numbers;
use privet_deploy::prepared::{Prepared, PreparedProgram, prepare};
use privet_model::eval::evaluate;
use privet_mpc::world::DangerousSeededEntropy;

use super::programs::{NOT_BETWEEN_PARTIES, accuracy_of, difference, largest};
use super::*;

const CLIMBS: usize = 2;
const STEPS: usize = 10;
/// Rows that are tried in each step.
const TRIED: usize = 8;

#[test]
fn the_worst_row_of_a_program_that_a_search_finds_is_within_its_bound() {
    for fixture in fixtures().into_iter().filter(|f| privet_model::cut::cut(&f.graph).is_err()) {
        let name = fixture.name.as_str();
        if NOT_BETWEEN_PARTIES.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let prepared = prepare(&fixture.graph, Reveal::Score, accuracy_of(name), Some(&fixture.rows));
        let Ok(Prepared::Program(program)) = prepared else { panic!("{name} has no program") };
        let numbers = Numbers::Program(Box::new(program.program.clone()));
        let entropy = DangerousSeededEntropy::new(7);
        let seen = fixture.rows.iter().enumerate().map(|(input, t)| seen(t, input, &program)).collect();
        let mut search = Search { fixture: &fixture, program: &program, numbers, seen, entropy };
        let (at_first, worst) = (search.errors(&fixture.rows), search.climb());
        let first = at_first.into_iter().fold(0.0, f64::max);
        let bound = program.program.bound;
        println!(
            "search {name}: worst {worst:.1e} from {first:.1e}, {:.1} % of the bound",
            worst / bound * 100.0
        );
        assert!(worst <= bound, "{name}: {worst:e} over {bound:e}");
        assert!(worst >= first, "{name}: the search went downhill");
    }
}

/// What a search draws from.
struct Seen {
    /// All values of an input.
    all: Vec<f64>,
    /// By element, the ends of a range that is let in.
    ends: Vec<(f64, f64)>,
}

/// Nothing for an input that is no numbers with fractions.
fn seen(tensor: &Tensor, input: usize, program: &PreparedProgram) -> Option<Seen> {
    if !matches!(tensor.data, Data::F32(_) | Data::F64(_)) {
        return None;
    }
    let all = tensor.to_f64().unwrap();
    let of = |element: usize| all.iter().skip(element).step_by(tensor.width).filter(|x| x.is_finite());
    // Ranges are at least twice as wide as the rows.
    let most = |element| 2.0 * of(element).fold(0.0, |most: f64, x| most.max(x.abs()));
    let ends = (0..tensor.width).map(|element| {
        let most = most(element);
        (least(program, input, element).max(-most), most)
    });
    let ends = ends.collect();
    Some(Seen { all, ends })
}

/// The least that is let in.
fn least(program: &PreparedProgram, input: usize, element: usize) -> f64 {
    let head = program.private.head();
    let is_it = |f: usize| matches!(head.features[f], Feature::Raw { input: i, element: e } if (i, e) == (input, element));
    let column =
        head.columns.iter().position(|c| matches!(c, Column::Value { feature, .. } if is_it(*feature)));
    column.map_or(f64::NEG_INFINITY, |c| program.program.columns[c].ends().0)
}

struct Search<'a> {
    fixture: &'a Fixture,
    program: &'a PreparedProgram,
    numbers: Numbers,
    /// By input.
    seen: Vec<Option<Seen>>,
    entropy: DangerousSeededEntropy,
}

impl Search<'_> {
    /// The greatest error, beyond what float32 outputs round, that is found from the rows that are worst to begin with.
    fn climb(&mut self) -> f64 {
        let errors = self.errors(&self.fixture.rows);
        let mut starts: Vec<usize> = (0..errors.len()).collect();
        starts.sort_by(|&a, &b| errors[b].total_cmp(&errors[a]));
        let climbs: Vec<f64> =
            starts.into_iter().take(CLIMBS).map(|row| self.climb_from(row, errors[row])).collect();
        climbs.into_iter().fold(0.0, f64::max)
    }

    fn climb_from(&mut self, row: usize, error: f64) -> f64 {
        let mut best: Vec<Tensor> = self.fixture.rows.iter().map(|t| t.slice(row, row + 1)).collect();
        let mut worst = error;
        for step in 0..STEPS {
            // Large changes first, and then a value here and there.
            let part = 1.0 / f64::from(1 << step.min(9));
            let tried: Vec<Vec<Tensor>> = (0..TRIED).map(|_| self.changed(&best, part)).collect();
            for row in tried {
                let error = self.errors(&row)[0];
                if error > worst {
                    (best, worst) = (row, error);
                }
            }
        }
        worst
    }

    /// The row with about this part of its numbers anywhere in the ranges, at their ends, or as in another row.
    fn changed(&mut self, row: &[Tensor], part: f64) -> Vec<Tensor> {
        let mut row = row.to_vec();
        let rows = self.fixture.rows[0].rows;
        for (t, tensor) in row.iter_mut().enumerate() {
            for element in 0..tensor.width {
                if self.seen[t].is_none() || self.random() > part {
                    continue;
                }
                let (which, row, random) = (self.below(4), self.below(rows), self.random());
                let Some(Seen { all, ends }) = &self.seen[t] else { continue };
                let (low, high) = ends[element];
                let x = match which {
                    0 => high,
                    1 => low,
                    2 => low + (high - low) * random,
                    _ => all[row * tensor.width + element],
                };
                store(tensor, element, x);
            }
        }
        row
    }

    /// From 0 to below 1.
    fn random(&mut self) -> f64 {
        f64::from(self.word()) / 2f64.powi(32)
    }

    fn below(&mut self, n: usize) -> usize {
        self.word() as usize % n
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes(draw(&mut self.entropy).unwrap())
    }

    /// By row; nothing for what the client would refuse.
    fn errors(&self, rows: &[Tensor]) -> Vec<f64> {
        let head = self.program.private.head();
        (0..rows[0].rows)
            .map(|row| self.error(head, &rows.iter().map(|t| t.slice(row, row + 1)).collect::<Vec<_>>()))
            .collect()
    }

    fn error(&self, head: &privet_model::head::Head, row: &[Tensor]) -> f64 {
        let program = &self.program.program;
        let bound = head.bind(row).unwrap();
        let mut columns = vec![0.0; head.columns.len()];
        let Ok(()) = self.numbers.encoder().check(head, &bound, 0, &mut columns) else { return 0.0 };
        let scores = program.in_the_clear(&self.program.constants, &columns);
        let got = self.program.private.tail().finish(&scores, program.scores()).unwrap();
        let exact = evaluate(&self.fixture.graph, row).unwrap();
        let worst = got.iter().zip(&exact).map(|(a, b)| difference(a, b)).fold(0.0, f64::max);
        // Outputs are float32, and activations of the tail are not steeper than their argument.
        (worst - 1e-6 * largest(&exact)).max(0.0)
    }
}
