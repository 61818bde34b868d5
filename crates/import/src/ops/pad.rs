//! Frames around values.

use super::layout::{across, axis_of, count, gridded_or};
use crate::onnx::{Call, Lowered, Stop, one};

#[derive(Clone, Copy)]
enum Mode {
    Constant,
    Edge,
    Reflect,
    /// As TensorFlow has it: the edge itself is mirrored too.
    Symmetric,
    Wrap,
}

pub(super) fn pad(call: &mut Call<'_, '_>) -> Lowered {
    let mode = match call.word("mode", "constant", &["constant", "edge", "reflect", "symmetric", "wrap"])? {
        "edge" => Mode::Edge,
        "reflect" => Mode::Reflect,
        "symmetric" => Mode::Symmetric,
        "wrap" => Mode::Wrap,
        _ => Mode::Constant,
    };
    let (pads, fill, axes) = if call.has(1) {
        let fill = if call.has(2) { call.scalar(2)? } else { 0.0 };
        (call.whole_numbers(1)?, fill, if call.has(3) { Some(call.whole_numbers(3)?) } else { None })
    } else {
        (call.ints("pads"), call.float("value", 0.0), None)
    };
    let x = call.numbers(0)?;
    let axes = axes.unwrap_or_else(|| (0..).take(x.rank()).collect());
    if pads.len() != 2 * axes.len() {
        return Err(Stop::problem("Its pads are not two for each axis.", "Export it again."));
    }
    let mut lists: Vec<Vec<Option<usize>>> = x.dims.iter().map(|&d| (0..d).map(Some).collect()).collect();
    for (i, &axis) in axes.iter().enumerate() {
        let (before, after) = (pads[i], pads[i + axes.len()]);
        let place = axis_of(axis, x.rank())?;
        if x.batch == Some(place) && (before, after) != (0, 0) {
            return Err(across(axis));
        }
        lists[place] = framed(call, x.dims[place], before, after, mode)?;
    }
    one(gridded_or(call, &x, &lists, fill)?)
}

/// For each place of a padded axis, where it comes from. A negative pad cuts.
fn framed(
    call: &mut Call<'_, '_>,
    n: usize,
    before: i64,
    after: i64,
    mode: Mode,
) -> Result<Vec<Option<usize>>, Stop> {
    let bad =
        || Stop::problem(format!("Its pads {before} and {after} do not fit {n} values."), "Export it again.");
    let d = i64::try_from(n).map_err(|_| bad())?;
    let length = before.checked_add(after).and_then(|p| p.checked_add(d)).ok_or_else(bad)?;
    let length = usize::try_from(length).map_err(|_| bad())?;
    call.builder.charge(count(&[length])?)?;
    let place = |at: i64| {
        let from = at - before;
        let place = match mode {
            _ if (0..d).contains(&from) => from,
            Mode::Constant => return Some(None),
            Mode::Edge => from.clamp(0, d - 1),
            Mode::Wrap => from.rem_euclid(d.max(1)),
            Mode::Symmetric => {
                let at = from.rem_euclid((2 * d).max(1));
                at.min(2 * d - 1 - at)
            }
            Mode::Reflect => {
                let period = (2 * (d - 1)).max(1);
                let at = from.rem_euclid(period);
                at.min(period - at)
            }
        };
        usize::try_from(place).ok().filter(|&place| place < n).map(Some)
    };
    (0..).take(length).map(place).collect::<Option<_>>().ok_or_else(bad)
}
