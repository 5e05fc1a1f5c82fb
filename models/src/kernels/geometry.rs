//! Where things lie: maps in their buffers, and the windows of a convolution.

/// A map of values in a buffer: pixels in rows, a pixel's channels side by side, and around it a border of pixels that
/// stand for real zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Map {
    /// Rows.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Values of a pixel.
    pub channels: usize,
    /// Pixels of border on each side.
    pub border: usize,
}

impl Map {
    /// Values from a row to the next.
    pub fn pitch(&self) -> usize {
        (self.width + 2 * self.border) * self.channels
    }

    /// Values in all, border included.
    pub fn len(&self) -> usize {
        (self.height + 2 * self.border) * self.pitch()
    }

    /// [`Map::len`] for maps of any size; `None` where that is no number.
    pub fn checked_len(&self) -> Option<usize> {
        let border = self.border.checked_mul(2)?;
        let (height, width) = (self.height.checked_add(border)?, self.width.checked_add(border)?);
        height.checked_mul(width)?.checked_mul(self.channels)
    }

    /// Index of the first value of pixel `(y, x)`; rows and columns count from 0 inside the border.
    pub fn at(&self, y: usize, x: usize) -> usize {
        (y + self.border) * self.pitch() + (x + self.border) * self.channels
    }
}

/// How a convolution goes over its input, and what becomes of its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Steps down and to the right.
    pub stride: [usize; 2],
    /// Rows above and columns to the left that lie outside the input.
    pub pad: [usize; 2],
    /// Whether only the largest of each 2x2 outputs is kept; an odd last row or column is dropped.
    pub pool: bool,
}

impl Window {
    /// Rows and columns of the convolution's own output, before pooling, for an input with `pad_end` more rows and columns outside at
    /// the end; `None` where the kernel does not fit.
    pub fn output(&self, input: [usize; 2], pad_end: [usize; 2]) -> Option<[usize; 2]> {
        let mut size = [0; 2];
        for axis in 0..2 {
            let all = input[axis] + self.pad[axis] + pad_end[axis];
            size[axis] = all.checked_sub(self.kernel[axis])? / self.stride[axis] + 1;
        }
        Some(size)
    }
}

/// Most output pixels computed together.
pub const TILE: usize = 8;

/// Pixels of which the largest is kept where a layer pools.
pub const POOLED: usize = POOLED_SIDE * POOLED_SIDE;
/// Rows and columns of these.
pub const POOLED_SIDE: usize = 2;

/// For each output pixel, row by row, where its windows begin in the input and where its result goes.
#[derive(Clone, Debug)]
pub struct Places {
    /// Index of the first input value of each window, [`POOLED`] to a pixel where pixels are pooled, else one; then the last one
    /// again, so that [`TILE`] can be read from any pixel on.
    pub starts: Vec<u32>,
    /// Output pixel of each result, as an index into the output's buffer.
    pub targets: Vec<u32>,
    /// The pixel of each window in the buffer of the map that is added; as many as windows, or none.
    pub addends: Vec<u32>,
}

impl Places {
    /// The places of a convolution from `input` to `output`, whose border is not written. `addend` is the map added to the
    /// convolution's output, before that is pooled, if there is one.
    pub fn new(input: &Map, window: &Window, output: &Map, addend: Option<&Map>) -> Self {
        let mut places = Places { starts: Vec::new(), targets: Vec::new(), addends: Vec::new() };
        let start = |y: usize, x: usize| {
            let row = (y * window.stride[0] + input.border - window.pad[0]) * input.pitch();
            row + (x * window.stride[1] + input.border - window.pad[1]) * input.channels
        };
        for y in 0..output.height {
            for x in 0..output.width {
                places.targets.push(output.at(y, x) as u32);
                let mut window_at = |y: usize, x: usize| {
                    places.starts.push(start(y, x) as u32);
                    places.addends.extend(addend.map(|map| map.at(y, x) as u32));
                };
                let pooled = if window.pool { POOLED_SIDE } else { 1 };
                for place in 0..pooled * pooled {
                    window_at(pooled * y + place / pooled, pooled * x + place % pooled);
                }
            }
        }
        let last = places.starts.last().copied();
        places.starts.extend(last.into_iter().cycle().take(TILE - 1));
        places
    }
}
