//! Parts of values.

use super::attribute::int;
use super::{Draft, Name};
use crate::source::Obstacle;

/// The ends of a slice that goes as far as there is something.
const TO_END: i64 = i64::MAX;
const TO_START: i64 = i64::MIN;

/// No value has more dimensions.
const MAX_RANK: usize = 16;

/// What the bits of a strided slice's masks mean, one bit for each of its places.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Masks {
    pub(crate) begin: i64,
    pub(crate) end: i64,
    pub(crate) ellipsis: i64,
    pub(crate) new_axis: i64,
    pub(crate) shrink: i64,
}

/// What a strided slice does, axis by axis.
#[derive(Debug, Default, PartialEq, Eq)]
struct Steps {
    axes: Vec<i64>,
    starts: Vec<i64>,
    ends: Vec<i64>,
    strides: Vec<i64>,
    /// Axes that are taken away, and those that are put in (places in the result).
    shrunk: Vec<i64>,
    new: Vec<i64>,
}

impl Draft {
    /// From `begin`, so many along each axis; -1 means all that follow.
    pub(crate) fn slice(&mut self, x: &str, begin: &[i64], size: &[i64]) -> Result<Name, Obstacle> {
        let end = |(&b, &s): (&i64, &i64)| if s < 0 { Some(TO_END) } else { b.checked_add(s) };
        let ends: Option<Vec<i64>> = begin.iter().zip(size).map(end).collect();
        let ends = ends.filter(|_| begin.len() == size.len() && begin.len() <= MAX_RANK);
        let ends = ends.ok_or_else(|| misfit(&format!("a slice from {begin:?} of size {size:?}")))?;
        let axes: Vec<i64> = (0_i64..).take(begin.len()).collect();
        Ok(self.sliced(x, begin, &ends, &axes, None))
    }

    /// Without so many at the edges of an image: top, bottom, left, right; channels last.
    pub(crate) fn cropped(&mut self, x: &str, [top, bottom, left, right]: [i64; 4]) -> Name {
        let end = |behind: i64| if behind == 0 { TO_END } else { -behind };
        self.sliced(x, &[top, left], &[end(bottom), end(right)], &[1, 2], None)
    }

    fn sliced(&mut self, x: &str, starts: &[i64], ends: &[i64], axes: &[i64], steps: Option<&[i64]>) -> Name {
        let (starts, ends, axes) = (self.ints(starts), self.ints(ends), self.ints(axes));
        match steps.map(|steps| self.ints(steps)) {
            Some(steps) => self.emit("Slice", &[x, &starts, &ends, &axes, &steps], Vec::new()),
            None => self.emit("Slice", &[x, &starts, &ends, &axes], Vec::new()),
        }
    }

    /// `NumPy`'s `x[begin:end:stride, …]`.
    pub(crate) fn strided_slice(
        &mut self,
        x: &str,
        places: [&[i64]; 3],
        masks: Masks,
    ) -> Result<Name, Obstacle> {
        let [begin, end, strides] = places;
        let fits = begin.len() == end.len() && begin.len() == strides.len() && begin.len() <= MAX_RANK;
        let steps = fits.then(|| steps(places, masks)).flatten();
        let steps =
            steps.ok_or_else(|| misfit(&format!("a slice from {begin:?} to {end:?} by {strides:?}")))?;
        let mut part = x.to_owned();
        if !steps.axes.is_empty() {
            part = self.sliced(&part, &steps.starts, &steps.ends, &steps.axes, Some(&steps.strides));
        }
        if !steps.shrunk.is_empty() {
            part = self.squeeze(&part, &steps.shrunk);
        }
        if !steps.new.is_empty() {
            part = self.unsqueeze(&part, &steps.new);
        }
        Ok(part)
    }

    pub(crate) fn squeeze(&mut self, x: &str, axes: &[i64]) -> Name {
        if axes.is_empty() {
            return self.emit("Squeeze", &[x], Vec::new());
        }
        let axes = self.ints(axes);
        self.emit("Squeeze", &[x, &axes], Vec::new())
    }

    pub(crate) fn unsqueeze(&mut self, x: &str, axes: &[i64]) -> Name {
        let axes = self.ints(axes);
        self.emit("Unsqueeze", &[x, &axes], Vec::new())
    }

    /// Equal parts along an axis.
    pub(crate) fn split(&mut self, x: &str, axis: i64, parts: i64) -> Result<Vec<Name>, Obstacle> {
        let many = usize::try_from(parts).ok().filter(|n| (1..=1 << 12).contains(n));
        let many = many.ok_or_else(|| misfit(&format!("{parts} parts")))?;
        let names = self.emit_many("Split", &[x], vec![int("axis", axis), int("num_outputs", parts)], many);
        self.know_ranks(&names, x);
        Ok(names)
    }

    /// Parts of these sizes along an axis; one may be open (-1).
    pub(crate) fn split_by(&mut self, x: &str, axis: i64, sizes: &[i64]) -> Result<Vec<Name>, Obstacle> {
        if !(1..=1 << 12).contains(&sizes.len()) {
            return Err(misfit(&format!("{} parts", sizes.len())));
        }
        if sizes.iter().all(|&size| size >= 0) {
            let list = self.ints(sizes);
            let names = self.emit_many("Split", &[x, &list], vec![int("axis", axis)], sizes.len());
            self.know_ranks(&names, x);
            return Ok(names);
        }
        let ranges = ranges(sizes).ok_or_else(|| misfit(&format!("parts of the sizes {sizes:?}")))?;
        Ok(ranges.iter().map(|&(from, to)| self.sliced(x, &[from], &[to], &[axis], None)).collect())
    }

    fn know_ranks(&mut self, names: &[Name], x: &str) {
        let rank = self.rank(x);
        for name in names {
            self.know_rank(name, rank);
        }
    }
}

/// Begin and end of each part; those after the open one are counted from the end.
fn ranges(sizes: &[i64]) -> Option<Vec<(i64, i64)>> {
    let open = sizes.iter().position(|&size| size == -1)?;
    let sum = |part: &[i64]| part.iter().try_fold(0_i64, |sum, &s| sum.checked_add(s).filter(|_| s >= 0));
    let (mut from, mut out) = (0_i64, Vec::new());
    for &size in &sizes[..open] {
        let to = from.checked_add(size).filter(|_| size >= 0)?;
        out.push((from, to));
        from = to;
    }
    let end = |rest: i64| if rest == 0 { TO_END } else { -rest };
    out.push((from, end(sum(&sizes[open + 1..])?)));
    for at in open + 1..sizes.len() {
        out.push((-sum(&sizes[at..])?, end(sum(&sizes[at + 1..])?)));
    }
    // Counted from the end, an empty part would begin at the start.
    out.iter().skip(open + 1).all(|(from, _)| *from < 0).then_some(out)
}

/// Behind an ellipsis, axes are counted from the end, so that the number of dimensions need not be known.
fn steps([begin, end, strides]: [&[i64]; 3], masks: Masks) -> Option<Steps> {
    let is = |mask: i64, place: usize| mask >> place & 1 == 1;
    let ellipsis = (0..begin.len()).find(|&place| is(masks.ellipsis, place));
    if ellipsis.is_some_and(|at| (at + 1..begin.len()).any(|place| is(masks.ellipsis, place))) {
        return None;
    }
    let counted = |from: usize, to: usize| (from..to).filter(|&p| !is(masks.new_axis, p)).count();
    let mut out = Steps::default();
    for place in (0..begin.len()).filter(|&place| Some(place) != ellipsis) {
        let behind = ellipsis.is_some_and(|at| place > at);
        let signed = |n: usize| i64::try_from(n).ok();
        let axis = if behind { -signed(counted(place, begin.len()))? } else { signed(counted(0, place))? };
        if is(masks.new_axis, place) {
            // Its place in the result: each axis that is kept, and each new one before it, counts.
            let kept = |p: &usize| is(masks.new_axis, *p) || !is(masks.shrink, *p);
            let at = if behind {
                -signed((place..begin.len()).filter(kept).count())?
            } else {
                signed((0..place).filter(kept).count())?
            };
            out.new.push(at);
            continue;
        }
        let shrinks = is(masks.shrink, place);
        let stride = if shrinks { 1 } else { strides[place] };
        let start = match (is(masks.begin, place) && !shrinks, stride > 0) {
            (false, _) => begin[place],
            (true, true) => 0,
            (true, false) => TO_END,
        };
        let stop = match (is(masks.end, place), stride > 0) {
            _ if shrinks => {
                if begin[place] == -1 {
                    TO_END
                } else {
                    begin[place].checked_add(1)?
                }
            }
            (false, _) => end[place],
            (true, true) => TO_END,
            (true, false) => TO_START,
        };
        if shrinks {
            out.shrunk.push(axis);
        }
        if stride == 0 {
            return None;
        }
        if (start, stop, stride) != (0, TO_END, 1) {
            out.axes.push(axis);
            out.starts.push(start);
            out.ends.push(stop);
            out.strides.push(stride);
        }
    }
    Some(out)
}

fn misfit(what: &str) -> Obstacle {
    Obstacle::new(format!("It takes {what}, which has no meaning."), "Export the model again.")
}
