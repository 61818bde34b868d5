//! Convolutions and windows over images. The formats mostly put channels last, ONNX puts them first: a value remembers its
//! twin in the other order, so that chains of layers stay in one order and only their ends are turned.

use super::attribute::{int, ints, word};
use super::{Draft, Name};
use crate::onnx_proto::AttributeProto;
use crate::source::Obstacle;

/// From channels last to channels first, and back.
pub(super) const TO_FIRST: [i64; 4] = [0, 3, 1, 2];
pub(super) const TO_LAST: [i64; 4] = [0, 2, 3, 1];

/// Where the channels stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    First,
    Last,
}

/// What surrounds an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// As much as gives `ceil(size / stride)` places, the odd one behind.
    Same,
    Valid,
    /// Top, left, bottom, right.
    Explicit([i64; 4]),
}

/// How a window moves; rows before columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) strides: [i64; 2],
    pub(crate) dilations: [i64; 2],
    pub(crate) padding: Padding,
}

impl Window {
    fn attributes(&self) -> Vec<AttributeProto> {
        let padding = match self.padding {
            Padding::Same => word("auto_pad", "SAME_UPPER"),
            Padding::Valid => word("auto_pad", "VALID"),
            Padding::Explicit(pads) => ints("pads", &pads),
        };
        vec![padding, ints("strides", &self.strides), ints("dilations", &self.dilations)]
    }
}

impl Draft {
    /// The image with channels first.
    pub(crate) fn channels_first(&mut self, x: &str, layout: Layout) -> Name {
        if layout == Layout::First {
            return x.into();
        }
        if let Some(twin) = self.twins.get(x) {
            return twin.clone();
        }
        let twin = self.emit("Transpose", &[x], vec![ints("perm", &TO_FIRST)]);
        self.twins.insert(x.into(), twin.clone());
        twin
    }

    /// What was computed with channels first, in the order that the exporter wants.
    pub(crate) fn turned_back(&mut self, first: Name, layout: Layout) -> Name {
        if layout == Layout::First {
            return first;
        }
        let last = self.emit("Transpose", &[&first], vec![ints("perm", &TO_LAST)]);
        self.twins.insert(last.clone(), first);
        last
    }

    /// `weights` are `[filters, channels of a group, height, width]`.
    pub(crate) fn conv(
        &mut self,
        x: &str,
        weights: &str,
        window: &Window,
        groups: i64,
        layout: Layout,
    ) -> Name {
        let first = self.channels_first(x, layout);
        let mut attributes = window.attributes();
        attributes.push(int("group", groups));
        let first = self.emit("Conv", &[&first, weights], attributes);
        self.turned_back(first, layout)
    }

    /// `MaxPool` or `AveragePool`; padding counts for neither.
    pub(crate) fn pool(
        &mut self,
        op: &str,
        x: &str,
        size: [i64; 2],
        window: &Window,
        layout: Layout,
    ) -> Name {
        let first = self.channels_first(x, layout);
        let mut attributes = window.attributes();
        attributes.push(ints("kernel_shape", &size));
        let first = self.emit(op, &[&first], attributes);
        self.turned_back(first, layout)
    }

    /// Weights of a depthwise convolution, `[height, width, channels, filters of each]` in the order that `turn` makes
    /// `[channels, filters of each, height, width]`.
    pub(crate) fn depthwise_weights(&mut self, weights: &str, turn: &[i64]) -> Name {
        let turned = self.emit("Transpose", &[weights], vec![ints("perm", turn)]);
        let shape = self.ints(&[-1, 1, 0, 0]);
        // A zero copies the length of the same place; the open one takes channels and filters together.
        let merged = self.emit("Reshape", &[&turned, &shape], Vec::new());
        self.know_rank(&merged, Some(4));
        merged
    }

    /// Adds `bias`, one number for each channel: as part of the convolution where it follows one.
    pub(crate) fn bias(&mut self, x: &str, bias: &str, layout: Layout) -> Name {
        let first = if layout == Layout::Last { self.twins.get(x).cloned() } else { Some(x.to_owned()) };
        let Some(first) = first else { return self.emit("Add", &[x, bias], Vec::new()) };
        let first = if let Some((inputs, attributes)) =
            self.conv_without_bias(&first).filter(|_| self.is_list(bias))
        {
            self.emit("Conv", &[&inputs[0], &inputs[1], bias], attributes)
        } else {
            let column = self.per_channel(bias, self.rank(&first).unwrap_or(4));
            self.emit("Add", &[&first, &column], Vec::new())
        };
        self.turned_back(first, layout)
    }

    fn conv_without_bias(&self, x: &str) -> Option<(Vec<Name>, Vec<AttributeProto>)> {
        let node = self.maker(x).filter(|node| node.op_type == "Conv" && node.input.len() == 2)?;
        Some((node.input.clone(), node.attribute.clone()))
    }

    /// Whether it is a constant of one dimension with several values.
    fn is_list(&self, name: &str) -> bool {
        self.tensor_of(name).is_some_and(|tensor| matches!(tensor.dims[..], [n] if n > 1))
    }

    /// One number for each channel, to stand against an image with channels first.
    fn per_channel(&mut self, values: &str, rank: usize) -> Name {
        let behind = vec![1; rank.saturating_sub(2)];
        let shape: Vec<i64> = [-1].into_iter().chain(behind).collect();
        let shape = self.ints(&shape);
        self.emit("Reshape", &[values, &shape], Vec::new())
    }

    /// `parameters`: scale, shift, mean and variance.
    pub(crate) fn batch_norm(
        &mut self,
        x: &str,
        parameters: [&str; 4],
        epsilon: f32,
        layout: Layout,
    ) -> Name {
        let first = self.channels_first(x, layout);
        let [scale, shift, mean, variance] = parameters;
        let attributes = vec![super::attribute::float("epsilon", epsilon)];
        let first = self.emit("BatchNormalization", &[&first, scale, shift, mean, variance], attributes);
        self.turned_back(first, layout)
    }

    /// A node that treats each value by itself, in whichever order the image is at hand.
    pub(crate) fn map(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> Name {
        let Some((x, others)) = inputs.split_first() else { return self.emit(op, inputs, attributes) };
        let Some(first) = self.twins.get(*x).cloned() else { return self.emit(op, inputs, attributes) };
        let turned: Vec<&str> = std::iter::once(first.as_str()).chain(others.iter().copied()).collect();
        let first = self.emit(op, &turned, attributes);
        self.turned_back(first, Layout::Last)
    }

    /// A node on two values, in the order of channels that both are at hand in.
    pub(crate) fn binary(&mut self, op: &str, a: &str, b: &str) -> Name {
        if let (Some(a), Some(b)) = (self.twins.get(a).cloned(), self.twins.get(b).cloned()) {
            let first = self.emit(op, &[&a, &b], Vec::new());
            return self.turned_back(first, Layout::Last);
        }
        match (self.twins.contains_key(a), self.tensor_of(b).map(|tensor| tensor.dims.len())) {
            (true, Some(0)) => self.map(op, &[a, b], Vec::new()),
            (true, Some(1)) if op == "Add" => self.bias(a, b, Layout::Last),
            _ => self.emit(op, &[a, b], Vec::new()),
        }
    }
}

/// The layout of that name.
pub(crate) fn layout(name: &str) -> Result<Layout, Obstacle> {
    match name {
        "NHWC" => Ok(Layout::Last),
        "NCHW" => Ok(Layout::First),
        other => Err(Obstacle::new(
            format!("Its data format is {other}."),
            "Only two-dimensional images, `NHWC` or `NCHW`, can be used.",
        )),
    }
}
