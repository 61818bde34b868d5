//! Where rows, weights and answers stand in polynomials, so that one product gives many inner products.
//!
//! A row's n values are the coefficients of `X^0 … X^(n-1)`, shifted to the row's place; weights stand in reverse,
//! `w_j·X^(n-1-j)`. In the product the coefficient `n - 1` above a row's place is that row's inner product: every other term meets
//! another power. What wraps around `X^N = -1` lands below `n - 1`, which no answer uses.
//!
//! Several scores are answered by products of their own. Where the answers of all rows, rows times scores, are no more than the parameters'
//! `rows`, and that many times the columns fit the ring, one product answers all: score `s` then has its weights `s·n` higher, and rows stand
//! that much further apart.

use crate::parameters::Parameters;

/// How a request of so many rows is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    columns: usize,
    /// Scores that one product answers.
    pub scores_in_one: usize,
    scores: usize,
    /// Rows in a ciphertext.
    pub rows_in_one: usize,
}

impl Packing {
    /// For `rows` rows of a model of so many columns and scores. All scores in one product if all rows then still fit one
    /// ciphertext; else one product a score.
    pub fn of(parameters: &Parameters, columns: usize, scores: usize, rows: usize) -> Self {
        let fits = |answers: usize| {
            answers.saturating_mul(columns) <= parameters.degree && answers <= parameters.rows
        };
        let together = rows.saturating_mul(scores);
        if scores > 1 && fits(together) {
            Self { columns, scores_in_one: scores, scores, rows_in_one: rows.max(1) }
        } else {
            Self { columns, scores_in_one: 1, scores, rows_in_one: parameters.rows }
        }
    }

    /// Ciphertexts for so many rows.
    pub fn ciphertexts(&self, rows: usize) -> usize {
        rows.div_ceil(self.rows_in_one)
    }

    /// Products with each ciphertext.
    pub fn products(&self) -> usize {
        self.scores / self.scores_in_one
    }

    /// Rows in ciphertext number `at` of a request of so many rows.
    pub fn rows_in(&self, at: usize, rows: usize) -> usize {
        rows.saturating_sub(at * self.rows_in_one).min(self.rows_in_one)
    }

    /// The coefficient of a row's first value.
    pub fn place(&self, row: usize) -> usize {
        row * self.columns * self.scores_in_one
    }

    /// The coefficients of the answers of so many rows of one ciphertext, by row, then by score of one product.
    pub fn answers(&self, rows: usize) -> impl Iterator<Item = usize> {
        let (columns, answers) = (self.columns, rows * self.scores_in_one);
        (0..answers).map(move |answer| answer * columns + columns - 1)
    }

    /// The polynomial of the weights of the scores of one product: `weights` has their rows, one after the other.
    pub fn weights(&self, weights: &[u64], degree: usize) -> zeroize::Zeroizing<Vec<i64>> {
        let mut polynomial = zeroize::Zeroizing::new(vec![0; degree]);
        for (score, row) in weights.chunks_exact(self.columns).enumerate() {
            for (j, &weight) in row.iter().enumerate() {
                polynomial[score * self.columns + self.columns - 1 - j] = weight.cast_signed();
            }
        }
        polynomial
    }
}
