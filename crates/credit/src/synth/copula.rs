//! Gaussian copula: normal draws whose ranks correlate as published.

use super::normal;
use super::random::Draws;
use super::statistics::Spearman;

/// Most columns that a copula may have.
pub(super) const MOST: usize = 32;

/// Lower triangular factor of the latent correlation matrix.
pub(super) struct Copula {
    /// Column names, in the order of the draws.
    pub(super) columns: Vec<String>,
    factor: Vec<Vec<f64>>,
}

impl Copula {
    /// For rank correlation r, normal draws with correlation 2 sin(pi r / 6) have exactly that rank correlation.
    /// Pairwise estimates need not be positive definite together: the matrix is mixed with the identity by as
    /// many thousandths as it takes (none to a few).
    pub(super) fn new(spearman: &Spearman) -> Self {
        let latent = |rank: f64| 2.0 * (std::f64::consts::PI * rank / 6.0).sin();
        let matrix: Vec<Vec<f64>> =
            spearman.matrix.iter().map(|row| row.iter().map(|&rank| latent(rank)).collect()).collect();
        let shrunk = |thousandths: u32| cholesky(&matrix, 1.0 - f64::from(thousandths) / 1_000.0);
        let factor = (0..=1_000).find_map(shrunk).unwrap_or_default();
        Self { columns: spearman.columns.clone(), factor }
    }

    /// One draw of all columns, as shares in (0, 1).
    pub(super) fn draw(&self, draws: &mut Draws) -> [f64; MOST] {
        let mut white = [0.0; MOST];
        let mut shares = [0.5; MOST];
        for (i, weights) in self.factor.iter().take(MOST).enumerate() {
            white[i] = draws.normal();
            let z: f64 = weights.iter().zip(&white).map(|(weight, draw)| weight * draw).sum();
            shares[i] = normal::share(z);
        }
        shares
    }
}

/// Cholesky factor of the lower triangle with its off-diagonal entries times `keep`; none if not positive
/// definite.
fn cholesky(matrix: &[Vec<f64>], keep: f64) -> Option<Vec<Vec<f64>>> {
    let mut factor: Vec<Vec<f64>> = Vec::with_capacity(matrix.len());
    for (i, row) in matrix.iter().enumerate() {
        let mut weights: Vec<f64> = Vec::with_capacity(i + 1);
        for (j, earlier) in factor.iter().enumerate() {
            let known: f64 = weights.iter().zip(earlier).map(|(a, b)| a * b).sum();
            weights.push((row[j] * keep - known) / earlier[j]);
        }
        let rest = 1.0 - weights.iter().map(|weight| weight * weight).sum::<f64>();
        if rest < 1e-6 {
            return None;
        }
        weights.push(rest.sqrt());
        factor.push(weights);
    }
    Some(factor)
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;

    #[test]
    fn ranks_correlate_as_asked() {
        let spearman =
            Spearman { columns: vec!["a".into(), "b".into()], matrix: vec![vec![1.0], vec![-0.6, 1.0]] };
        let copula = Copula::new(&spearman);
        let mut draws = Draws::new(3, Purpose::Values, 0);
        let n = 20_000;
        let products = (0..n).map(|_| copula.draw(&mut draws)).map(|u| (u[0] - 0.5) * (u[1] - 0.5));
        let rank_correlation = products.sum::<f64>() / f64::from(n) * 12.0;
        assert!((rank_correlation + 0.6).abs() < 0.02, "{rank_correlation}");
    }

    #[test]
    fn an_impossible_matrix_is_mended() {
        let matrix = vec![vec![1.0], vec![0.9, 1.0], vec![0.9, -0.9, 1.0]];
        let spearman = Spearman { columns: vec![String::new(); 3], matrix };
        assert_eq!(Copula::new(&spearman).factor.len(), 3);
    }
}
