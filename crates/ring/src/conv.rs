//! Two-dimensional convolution of tensors of ring elements, directly: no copy of the input for each position of the kernel.

/// Shape of a two-dimensional convolution. The input is `batch × channels × height × width`, the weights
/// `filters × channels/groups × kernel`, the output `batch × filters × out`, all row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Images.
    pub batch: usize,
    /// Channels of an image; a multiple of `groups`.
    pub channels: usize,
    /// Rows and columns of a channel.
    pub size: [usize; 2],
    /// Channels of the output; a multiple of `groups`.
    pub filters: usize,
    /// Rows and columns of a filter.
    pub kernel: [usize; 2],
    /// Steps between positions of the filter, down and right; not 0.
    pub strides: [usize; 2],
    /// Steps between elements under the filter, down and right; not 0.
    pub dilations: [usize; 2],
    /// Zeros put before the rows and before the columns.
    pub pads_before: [usize; 2],
    /// Zeros put after them.
    pub pads_after: [usize; 2],
    /// Parts into which channels and filters are split.
    pub groups: usize,
}
