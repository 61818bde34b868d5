//! The standard normal distribution and its inverse.

/// Share of the standard normal below `z`: Hart's approximation in West's form, absolute error below 1e-14.
pub(super) fn share(z: f64) -> f64 {
    let size = z.abs();
    let tail = if size > 37.0 { 0.0 } else { (-size * size / 2.0).exp() * hart(size) };
    if z > 0.0 { 1.0 - tail } else { tail }
}

fn hart(size: f64) -> f64 {
    const ABOVE: [f64; 7] = [
        3.526_249_659_989_11e-2,
        0.700_383_064_443_688,
        6.373_962_203_531_65,
        33.912_866_078_383,
        112.079_291_497_871,
        221.213_596_169_931,
        220.206_867_912_376,
    ];
    const BELOW: [f64; 8] = [
        8.838_834_764_831_84e-2,
        1.755_667_163_182_64,
        16.064_177_579_207,
        86.780_732_202_946_1,
        296.564_248_779_674,
        637.333_633_378_831,
        793.826_512_519_948,
        440.413_735_824_752,
    ];
    if size < 7.071_067_811_865_47 {
        return polynomial(&ABOVE, size) / polynomial(&BELOW, size);
    }
    let fraction = size + 1.0 / (size + 2.0 / (size + 3.0 / (size + 4.0 / (size + 0.65))));
    1.0 / (fraction * 2.506_628_274_631)
}

/// The `z` below which lies the share `u` of the standard normal, 0 < u < 1: Acklam's approximation, relative
/// error below 1.2e-9, far finer than any statistic it serves.
#[inline]
pub(super) fn quantile(u: f64) -> f64 {
    const LOW: f64 = 0.024_25;
    if u < LOW {
        return tail((-2.0 * u.ln()).sqrt());
    }
    if u > 1.0 - LOW {
        return -tail((-2.0 * (1.0 - u).ln()).sqrt());
    }
    let (q, r) = (u - 0.5, (u - 0.5) * (u - 0.5));
    polynomial(&CENTRE_ABOVE, r) * q / polynomial(&CENTRE_BELOW, r)
}

fn tail(q: f64) -> f64 {
    polynomial(&TAIL_ABOVE, q) / polynomial(&TAIL_BELOW, q)
}

const CENTRE_ABOVE: [f64; 6] = [
    -3.969_683_028_665_376e1,
    2.209_460_984_245_205e2,
    -2.759_285_104_469_687e2,
    1.383_577_518_672_69e2,
    -3.066_479_806_614_716e1,
    2.506_628_277_459_239,
];
const CENTRE_BELOW: [f64; 6] = [
    -5.447_609_879_822_406e1,
    1.615_858_368_580_409e2,
    -1.556_989_798_598_866e2,
    6.680_131_188_771_972e1,
    -1.328_068_155_288_572e1,
    1.0,
];
const TAIL_ABOVE: [f64; 6] = [
    -7.784_894_002_430_293e-3,
    -3.223_964_580_411_365e-1,
    -2.400_758_277_161_838,
    -2.549_732_539_343_734,
    4.374_664_141_464_968,
    2.938_163_982_698_783,
];
const TAIL_BELOW: [f64; 5] =
    [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416, 1.0];

/// Coefficients from the highest power down.
#[inline]
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_and_quantile_are_inverse() {
        for step in 1..1_000 {
            let u = f64::from(step) / 1_000.0;
            assert!((share(quantile(u)) - u).abs() < 1e-8, "{u}");
        }
    }

    #[test]
    fn share_knows_the_usual_points() {
        assert!((share(0.0) - 0.5).abs() < 1e-14);
        assert!((share(1.959_963_984_540_054) - 0.975).abs() < 1e-12);
        assert!((share(-8.0) - 6.220_960_574_271_79e-16).abs() < 1e-20);
    }
}
