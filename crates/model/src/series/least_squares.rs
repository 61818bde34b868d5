//! Least squares with a little weight on small solutions, by Householder's reflections.

/// `A` and `y`, of which the first columns answer for themselves: reflections of later ones do not change them.
pub(super) struct Factored {
    /// By column, what is on the diagonal and above it.
    upper: Vec<Vec<f64>>,
    y: Vec<f64>,
}

impl Factored {
    /// `columns` are those of A, each as long as `y`.
    pub(super) fn new(columns: Vec<Vec<f64>>, mut y: Vec<f64>, weight: f64) -> Self {
        let n = columns.len();
        // The weight is n more equations, weight·x_j = 0.
        y.resize(y.len() + n, 0.0);
        let longer = |(j, mut column): (usize, Vec<f64>)| {
            column.extend((0..n).map(|i| if i == j { weight } else { 0.0 }));
            column
        };
        let mut upper: Vec<Vec<f64>> = columns.into_iter().enumerate().map(longer).collect();
        for j in 0..n {
            let Some(reflection) = reflection(&upper[j][j..]) else { continue };
            upper[j..].iter_mut().for_each(|column| reflect(&reflection, &mut column[j..]));
            reflect(&reflection, &mut y[j..]);
        }
        Self { upper, y }
    }

    /// The `x` that makes `|A·x - y|² + weight²·|x|²` least, A being the first n columns.
    pub(super) fn solve(&self, n: usize) -> Vec<f64> {
        let Self { upper, y } = self;
        let mut x = vec![0.0; n];
        for j in (0..n).rev() {
            let known: f64 = (j + 1..n).map(|i| upper[i][j] * x[i]).sum();
            x[j] = if upper[j][j] == 0.0 { 0.0 } else { (y[j] - known) / upper[j][j] };
        }
        x
    }
}

/// The unit vector v for which `x - 2v(v·x)` has only its first element left; none for zeros.
fn reflection(x: &[f64]) -> Option<Vec<f64>> {
    let norm = dot(x, x).sqrt();
    let mut v = x.to_vec();
    *v.first_mut()? += norm.copysign(*x.first()?);
    let length = dot(&v, &v).sqrt();
    (length > 0.0).then(|| v.into_iter().map(|v| v / length).collect())
}

fn reflect(v: &[f64], x: &mut [f64]) {
    let twice = 2.0 * dot(v, x);
    x.iter_mut().zip(v).for_each(|(x, v)| *x -= twice * v);
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solve(a: &[Vec<f64>], y: &[f64], weight: f64) -> Vec<f64> {
        Factored::new(a.to_vec(), y.to_vec(), weight).solve(a.len())
    }

    fn columns(n: usize, rows: usize) -> Vec<Vec<f64>> {
        (0..n).map(|j| (0..rows).map(|i| ((i * (j + 2) + 3 * j) as f64).sin()).collect()).collect()
    }

    #[test]
    fn it_finds_the_solution_where_there_is_one() {
        let a = columns(7, 30);
        let x = [1.0, -2.0, 0.5, 3.0, 0.0, -1.5, 4.0];
        let y: Vec<f64> = (0..30).map(|i| a.iter().zip(x).map(|(c, x)| c[i] * x).sum()).collect();
        assert!(solve(&a, &y, 0.0).iter().zip(x).all(|(got, x)| (got - x).abs() < 1e-12));
    }

    /// At the least value the derivative is zero: Aᵀ(A·x - y) + weight²·x = 0.
    #[test]
    fn it_finds_the_least_value_where_there_is_none() {
        let a = columns(5, 40);
        let y: Vec<f64> = (0..40).map(|i| f64::from(i % 7)).collect();
        for weight in [0.0, 0.3, 10.0] {
            let x = solve(&a, &y, weight);
            let rest: Vec<f64> =
                (0..40).map(|i| a.iter().zip(&x).map(|(c, x)| c[i] * x).sum::<f64>() - y[i]).collect();
            for (column, x) in a.iter().zip(&x) {
                assert!((dot(column, &rest) + weight * weight * x).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn the_first_columns_answer_for_themselves() {
        let a = columns(6, 40);
        let y: Vec<f64> = (0..40).map(|i| f64::from(i % 7)).collect();
        let all = Factored::new(a.clone(), y.clone(), 0.3);
        for n in 0..=6 {
            let alone = solve(&a[..n], &y, 0.3);
            assert!(all.solve(n).iter().zip(alone).all(|(x, alone)| (x - alone).abs() < 1e-12), "{n}");
        }
    }

    #[test]
    fn a_column_of_zeros_or_twice_the_same_is_no_harm() {
        let one = vec![1.0, 2.0, 3.0];
        let x = solve(&[one.clone(), vec![0.0; 3], one.clone()], &one, 1e-6);
        assert!((x[0] + x[2] - 1.0).abs() < 1e-6 && x[1].abs() < 1e-12, "{x:?}");
    }
}
