//! One convolution with everything that is fused into it, packed for one kernel.

use super::epilogue::Epilogue;
use super::geometry::{Map, POOLED_SIDE, Places, Window};
use super::kernel::{Kernel, Sum, Weight};
use super::number_format::NumberFormat;
use std::ops::Range;

/// Padding at the end of a buffer, in values, which a kernel may read and never uses: a vector's width.
pub const BUFFER_PADDING: usize = 16;

/// The numbers of a convolution, as a graph has them.
#[derive(Clone, Copy, Debug)]
pub struct Numbers<'a> {
    /// Weights `[out, in, rows, columns]`; whole numbers from -128 to 127 for integer kernels.
    pub weights: &'a [f32],
    /// A bias for each output channel; whole numbers for integer kernels.
    pub biases: &'a [f64],
    /// A multiplier for each output channel, above 0; all 1 for float kernels.
    pub multipliers: &'a [f32],
}

/// A convolution packed for the kernel `K`.
#[derive(Clone, Debug)]
pub struct Layer<K: Kernel> {
    pub(super) weights: Vec<Weight<K>>,
    pub(super) biases: Vec<Sum<K>>,
    pub(super) multipliers: Vec<f32>,
    pub(super) blocks: Vec<Block>,
    pub(super) places: Places,
    /// Rows of the kernel, values from one to the next in the input, and steps in each.
    pub(super) rows: usize,
    pub(super) pitch: usize,
    pub(super) steps: usize,
    pub(super) pool: bool,
    pub(super) epilogue: Epilogue,
    pub(super) output: Map,
    pub(super) lengths: Lengths,
}

/// Vectors of output channels computed together.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) vectors: usize,
    /// Its channels, the last vector's empty lanes included.
    pub(super) channels: Range<usize>,
    /// Where its weights begin.
    pub(super) weights: usize,
}

/// Least lengths of the buffers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    pub(super) input: usize,
    pub(super) addend: usize,
}

impl<K: Kernel> Layer<K> {
    /// Packs a convolution from `input` to `output`. `zero_point` is the input's, and `addend` the map that is added to the
    /// output. `None` where the shapes do not fit together, the input's border is too small, or sums could overflow.
    pub fn new(
        input: &Map,
        window: &Window,
        output: &Map,
        addend: Option<&Map>,
        numbers: &Numbers<'_>,
        zero_point: i32,
        mut epilogue: Epilogue,
    ) -> Option<Self> {
        let [rows, columns] = window.kernel;
        let run = columns * input.channels;
        if !fits::<K>(input, window, output, addend, epilogue, numbers)
            || !numbers.weights.iter().all(|&weight| K::takes(weight))
        {
            return None;
        }
        let steps = run.div_ceil(K::GROUP);
        let blocks = blocks::<K>(output.channels, rows * steps);
        let lanes = blocks.last()?.channels.end;
        let mut weights = vec![Weight::<K>::default(); lanes * rows * steps * K::GROUP];
        let mut biases = vec![Sum::<K>::default(); lanes];
        let mut multipliers = vec![1.0; lanes];
        for block in &blocks {
            for channel in block.channels.start..block.channels.end.min(output.channels) {
                let (vector, lane) =
                    ((channel - block.channels.start) / K::LANES, (channel - block.channels.start) % K::LANES);
                let mut total = 0i64;
                for row in 0..rows {
                    for index in 0..run {
                        let (column, from) = (index / input.channels, index % input.channels);
                        let value =
                            numbers.weights[((channel * input.channels + from) * rows + row) * columns + column];
                        let step = row * steps + index / K::GROUP;
                        let place = (step * block.vectors + vector) * K::LANES * K::GROUP;
                        weights[block.weights + place + K::place(lane, index % K::GROUP)] = K::Format::weight(value);
                        // Only integer kernels need it; a float may be any size.
                        total = total.saturating_add(value as i64);
                    }
                }
                biases[channel] =
                    K::Format::bias(numbers.biases[channel], total * i64::from(K::Format::offset(zero_point)));
                multipliers[channel] = numbers.multipliers[channel];
            }
        }
        epilogue.zero_point = K::Format::offset(epilogue.zero_point);
        if let Some(residual) = &mut epilogue.residual {
            residual.added_zero_point = K::Format::offset(residual.added_zero_point);
        }
        let places = Places::new(input, window, output, addend);
        let lengths =
            Lengths { input: input.len() + BUFFER_PADDING, addend: addend.map_or(0, |map| map.len() + BUFFER_PADDING) };
        let (pitch, pool, output) = (input.pitch(), window.pool, *output);
        Some(Self { weights, biases, multipliers, blocks, places, rows, pitch, steps, pool, epilogue, output, lengths })
    }
}

/// Whether shapes fit together, windows stay inside input and border, and no sum of 32 bits can overflow.
fn fits<K: Kernel>(
    input: &Map,
    window: &Window,
    output: &Map,
    addend: Option<&Map>,
    epilogue: Epilogue,
    numbers: &Numbers<'_>,
) -> bool {
    let last = |axis: usize, size: usize, out: usize| {
        let out = if window.pool { POOLED_SIDE * out } else { out };
        // The last window's end, counted from the input's first row or column.
        let end = (out - 1) * window.stride[axis] + window.kernel[axis];
        out > 0 && window.pad[axis] <= input.border && end <= size + window.pad[axis] + input.border
    };
    let volume = input.channels * window.kernel[0] * window.kernel[1];
    let pooled = if window.pool { POOLED_SIDE } else { 1 };
    let like_output = |map: &Map| {
        (map.height / pooled, map.width / pooled, map.channels) == (output.height, output.width, output.channels)
    };
    let largest = numbers.biases.iter().fold(0.0, |most: f64, bias| most.max(bias.abs()));
    volume > 0
        && output.channels > 0
        && window.stride[0] > 0
        && window.stride[1] > 0
        && last(0, input.height, output.height)
        && last(1, input.width, output.width)
        && numbers.weights.len() == output.channels * volume
        && numbers.biases.len() == output.channels
        && numbers.multipliers.len() == output.channels
        && numbers.multipliers.iter().all(|&multiplier| multiplier > 0.0 && multiplier.is_finite())
        && addend.is_none_or(like_output)
        && (epilogue.residual.is_none() || addend.is_some())
        && (!K::Format::IS_INTEGER || volume as f64 * 384.0 * 128.0 + largest < f64::from(i32::MAX))
        && u32::try_from(input.len().max(output.len()).max(addend.map_or(0, Map::len))).is_ok()
}

/// Cuts `channels` into blocks of vectors, as even as can be.
fn blocks<K: Kernel>(channels: usize, steps: usize) -> Vec<Block> {
    let vectors = channels.div_ceil(K::LANES);
    let count = vectors.div_ceil(K::VECTORS);
    let (mut blocks, mut from) = (Vec::new(), 0);
    for index in 0..count {
        let to = vectors * (index + 1) / count;
        let channels = from * K::LANES..to * K::LANES;
        blocks.push(Block { vectors: to - from, weights: channels.start * steps * K::GROUP, channels });
        from = to;
    }
    blocks
}
