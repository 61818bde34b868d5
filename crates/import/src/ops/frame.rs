//! Windows over images of any number of axes, `[rows, channels, axes…]`.

use super::layout::{count, strides};
use crate::onnx::value::Rows;
use crate::onnx::{Call, Stop};

/// No axis of an image is longer.
const MAX_SIZE: usize = 1 << 16;

/// Images, channel by channel.
pub(super) struct Image {
    /// Images of one row: more than one only where the file has no axis of rows.
    pub(super) images: usize,
    pub(super) channels: usize,
    pub(super) size: Vec<usize>,
}

impl Image {
    pub(super) fn of(x: &Rows) -> Result<Self, Stop> {
        match (&x.dims[..], x.batch) {
            ([images, channels, size @ ..], None | Some(0)) if !size.is_empty() => {
                Ok(Self { images: *images, channels: *channels, size: size.to_vec() })
            }
            _ => {
                let reason =
                    format!("It works on {}, where [rows, channels, height, width] is expected.", x.shape());
                Err(Stop::problem(reason, "Export the model with channels in front of the image's axes."))
            }
        }
    }

    pub(super) fn rank(&self) -> usize {
        self.size.len()
    }

    pub(super) fn area(&self) -> usize {
        self.size.iter().product()
    }

    pub(super) fn dims(&self, channels: usize, size: &[usize]) -> Vec<usize> {
        [&[self.images, channels], size].concat()
    }
}

/// Where a window stands, by axis.
#[derive(Clone)]
pub(super) struct Frame {
    pub(super) kernel: Vec<usize>,
    pub(super) strides: Vec<usize>,
    pub(super) dilations: Vec<usize>,
    pub(super) before: Vec<usize>,
    pub(super) after: Vec<usize>,
    pub(super) out: Vec<usize>,
}

impl Frame {
    pub(super) fn read(call: &Call<'_, '_>, image: &Image, kernel: Vec<usize>) -> Result<Self, Stop> {
        let strides = per_axis(call, "strides", image.rank())?;
        let dilations = per_axis(call, "dilations", image.rank())?;
        if kernel.len() != image.rank() || kernel.iter().any(|k| !(1..=MAX_SIZE).contains(k)) {
            return Err(Stop::problem(
                format!("Its window is {kernel:?}."),
                "Export with one size per axis.",
            ));
        }
        let none = vec![0; image.rank()];
        let mut frame =
            Self { kernel, strides, dilations, before: none.clone(), after: none.clone(), out: none };
        frame.set_pads(call, image)?;
        let ceil = call.int("ceil_mode", 0) != 0;
        for axis in 0..image.rank() {
            frame.out[axis] = frame.places_along(axis, image.size[axis], ceil)?;
        }
        count(&frame.out)?;
        Ok(frame)
    }

    /// How far a window reaches.
    fn reach(&self, axis: usize) -> usize {
        self.dilations[axis] * (self.kernel[axis] - 1) + 1
    }

    fn places_along(&self, axis: usize, size: usize, ceil: bool) -> Result<usize, Stop> {
        let (before, after) = (self.before[axis], self.after[axis]);
        let room = (size + before + after).checked_sub(self.reach(axis)).ok_or_else(|| {
            Stop::problem("Its window is larger than its image.", "Export the model with larger inputs.")
        })?;
        let out = room / self.strides[axis] + 1;
        // A last window that only begins inside counts, if it begins before the padding behind.
        let more =
            ceil && !room.is_multiple_of(self.strides[axis]) && out * self.strides[axis] < size + before;
        Ok(out + usize::from(more))
    }

    /// Zeros before and behind.
    fn set_pads(&mut self, call: &Call<'_, '_>, image: &Image) -> Result<(), Stop> {
        let auto = call.word("auto_pad", "NOTSET", &["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"])?;
        match auto {
            "VALID" => return Ok(()),
            "NOTSET" => {}
            _ => {
                for axis in 0..image.rank() {
                    let out = image.size[axis].div_ceil(self.strides[axis]);
                    let reach = out.saturating_sub(1) * self.strides[axis] + self.reach(axis);
                    let total = reach.saturating_sub(image.size[axis]);
                    let (less, more) = (total / 2, total - total / 2);
                    let (before, after) = if auto == "SAME_UPPER" { (less, more) } else { (more, less) };
                    (self.before[axis], self.after[axis]) = (before, after);
                }
                return Ok(());
            }
        }
        let given = call.ints("pads");
        let pads: Option<Vec<usize>> =
            given.iter().map(|&p| usize::try_from(p).ok().filter(|&p| p <= MAX_SIZE)).collect();
        match pads {
            Some(pads) if pads.is_empty() => Ok(()),
            Some(pads) if pads.len() == 2 * image.rank() => {
                self.before = pads[..image.rank()].to_vec();
                self.after = pads[image.rank()..].to_vec();
                Ok(())
            }
            _ => Err(Stop::problem(
                format!("Its pads are {given:?}."),
                "Export with one pad before and behind each axis.",
            )),
        }
    }

    /// Places in all windows of one channel, padding included.
    pub(super) fn places(&self) -> usize {
        self.out.iter().chain(&self.kernel).fold(1, |n: usize, &d| n.saturating_mul(d))
    }

    /// The places of each window in one channel, padding left out.
    pub(super) fn windows(&self, image: &Image) -> Vec<Vec<usize>> {
        let mut all: Vec<Vec<usize>> = vec![vec![0]];
        for (axis, step) in strides(&image.size).into_iter().enumerate() {
            let along: Vec<Vec<usize>> =
                (0..self.out[axis]).map(|at| self.inside(axis, at, image.size[axis])).collect();
            let next = |window: &Vec<usize>| {
                along
                    .iter()
                    .map(|taps| {
                        window.iter().flat_map(|&at| taps.iter().map(move |&tap| at + tap * step)).collect()
                    })
                    .collect::<Vec<_>>()
            };
            all = all.iter().flat_map(next).collect();
        }
        all
    }

    /// The places of one axis that the window at `at` sees.
    fn inside(&self, axis: usize, at: usize, size: usize) -> Vec<usize> {
        let place = |tap: usize| {
            let padded = at * self.strides[axis] + tap * self.dilations[axis];
            padded.checked_sub(self.before[axis]).filter(|&p| p < size)
        };
        (0..self.kernel[axis]).filter_map(place).collect()
    }

    /// How many places each window has within the padded image: a last window may reach beyond.
    pub(super) fn padded_counts(&self, image: &Image) -> Vec<usize> {
        let mut all = vec![1];
        for axis in 0..image.rank() {
            let end = image.size[axis] + self.before[axis] + self.after[axis];
            let taps = |at: usize| {
                (0..self.kernel[axis])
                    .filter(|tap| at * self.strides[axis] + tap * self.dilations[axis] < end)
                    .count()
            };
            all = all.iter().flat_map(|&n| (0..self.out[axis]).map(move |at| n * taps(at))).collect();
        }
        all
    }
}

/// An attribute with one number per axis of the image; 1 where it is missing.
pub(super) fn per_axis(call: &Call<'_, '_>, name: &str, rank: usize) -> Result<Vec<usize>, Stop> {
    let given = call.ints(name);
    let small = |n: &i64| usize::try_from(*n).ok().filter(|n| (1..=MAX_SIZE).contains(n));
    match given.iter().map(small).collect::<Option<Vec<_>>>() {
        Some(list) if list.is_empty() => Ok(vec![1; rank]),
        Some(list) if list.len() == rank => Ok(list),
        _ => Err(Stop::problem(
            format!("Its attribute `{name}` is {given:?}."),
            "Export with one number per axis.",
        )),
    }
}
