//! One convolution with everything that is folded into it, packed for one kernel.

use super::{Kernel, Map, POOLED, POOLED_SIDE, Places, TILE, Window};
use std::ops::Range;

/// Values past the end of a buffer that a kernel may read, and never uses: a vector's width.
pub const SLACK: usize = 16;

/// What becomes of a sum. Integer kernels multiply by the channel's multiplier, add a residual, clamp to `bounds`, round half
/// to even and add the zero point; float kernels add and clamp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finish {
    /// Smallest and largest value, counted from the output's zero point; for float kernels the values themselves.
    pub bounds: (f32, f32),
    /// The output's zero point; in a packed layer, what stands for it in memory.
    pub zero_point: i32,
    /// The residual addition, for integer kernels.
    pub addition: Option<Addition>,
}

/// A residual addition of quantised values: `(own * own_scale + added * added_scale) / scale`, where `own` is the convolution's
/// output, itself rounded and clamped to `own_bounds`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Addition {
    /// Smallest and largest value of the convolution's own output, counted from its zero point.
    pub own_bounds: (f32, f32),
    /// Scale of the convolution's own output.
    pub own_scale: f32,
    /// Zero point of the map that is added; in a packed layer, what stands for it in memory.
    pub added_zero_point: i32,
    /// Scale of the map that is added.
    pub added_scale: f32,
    /// Scale of the sum.
    pub scale: f32,
}

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
    weights: Vec<K::Weight>,
    biases: Vec<K::Sum>,
    multipliers: Vec<f32>,
    blocks: Vec<Block>,
    places: Places,
    /// Rows of the kernel, values from one to the next in the input, and steps in each.
    rows: usize,
    pitch: usize,
    steps: usize,
    pool: bool,
    finish: Finish,
    output: Map,
    lengths: Lengths,
}

/// Vectors of output channels computed together.
#[derive(Clone, Debug)]
struct Block {
    vectors: usize,
    /// Its channels, the last vector's empty lanes included.
    channels: Range<usize>,
    /// Where its weights begin.
    weights: usize,
}

/// Least lengths of the buffers.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    input: usize,
    addend: usize,
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
        mut finish: Finish,
    ) -> Option<Self> {
        let [rows, columns] = window.kernel;
        let run = columns * input.channels;
        if !fits::<K>(input, window, output, addend, finish, numbers)
            || !numbers.weights.iter().all(|&weight| K::takes(weight))
        {
            return None;
        }
        let steps = run.div_ceil(K::GROUP);
        let blocks = blocks::<K>(output.channels, rows * steps);
        let lanes = blocks.last()?.channels.end;
        let mut weights = vec![K::Weight::default(); lanes * rows * steps * K::GROUP];
        let mut biases = vec![K::Sum::default(); lanes];
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
                        weights[block.weights + place + K::place(lane, index % K::GROUP)] = K::weight(value);
                        // Only integer kernels need it; a float may be any size.
                        total = total.saturating_add(value as i64);
                    }
                }
                biases[channel] = K::bias(numbers.biases[channel], total * i64::from(K::offset(zero_point)));
                multipliers[channel] = numbers.multipliers[channel];
            }
        }
        finish.zero_point = K::offset(finish.zero_point);
        if let Some(addition) = &mut finish.addition {
            addition.added_zero_point = K::offset(addition.added_zero_point);
        }
        let places = Places::new(input, window, output, addend);
        let lengths = Lengths { input: input.len() + SLACK, addend: addend.map_or(0, |map| map.len() + SLACK) };
        let (pitch, pool, output) = (input.pitch(), window.pool, *output);
        Some(Self { weights, biases, multipliers, blocks, places, rows, pitch, steps, pool, finish, output, lengths })
    }

    /// Computes the output map from the input map, each as [`Map`] says in buffers with [`SLACK`] values more. The output's
    /// border is left alone.
    ///
    /// # Panics
    /// On a buffer that is too short, and where the layer adds a map but none is given.
    pub fn run(&self, input: &[K::Value], addend: Option<&[K::Value]>, output: &mut [K::Value]) {
        let rows = self.output.height;
        let part = &mut output[self.span(0..rows)];
        self.run_rows(0..rows, input, addend, part);
    }

    /// Where some of the output's rows lie in its buffer.
    pub fn span(&self, rows: Range<usize>) -> Range<usize> {
        let (border, pitch) = (self.output.border, self.output.pitch());
        (rows.start + border) * pitch..(rows.end + border) * pitch
    }

    /// Cuts the output's rows into at most `count` parts, as even as can be.
    pub fn parts(&self, count: usize) -> Vec<Range<usize>> {
        let rows = self.output.height;
        let parts = (0..count).map(|part| rows * part / count..rows * (part + 1) / count);
        parts.filter(|part| !part.is_empty()).collect()
    }

    /// Computes some of the output's rows into `output`, their [`Layer::span`] of the buffer.
    ///
    /// # Panics
    /// As [`Layer::run`]; on rows that the output lacks.
    pub fn run_rows(
        &self,
        rows: Range<usize>,
        input: &[K::Value],
        addend: Option<&[K::Value]>,
        output: &mut [K::Value],
    ) {
        let span = self.span(rows.clone());
        assert!(rows.end <= self.output.height && output.len() == span.len(), "other rows than the buffer's");
        assert!(input.len() >= self.lengths.input, "the input's buffer is too short");
        assert!(addend.map_or(0, <[_]>::len) >= self.lengths.addend, "no map to add");
        let addend = addend.filter(|_| self.lengths.addend > 0).map_or(std::ptr::null(), <[_]>::as_ptr);
        let pixels = rows.start * self.output.width..rows.end * self.output.width;
        // Places are counted from the buffer's begin, which is outside `output` where its rows are not the first.
        let whole = output.as_mut_ptr().wrapping_sub(span.start);
        // SAFETY: who chose K saw that the processor has its instructions; `Layer::new` made every place from maps that lie
        // inside the lengths checked above, kernels read at most SLACK values past a map's end, and write the pixels of these
        // rows alone, all of which lie in `output`.
        unsafe { K::sweep(self, pixels, input.as_ptr(), addend, whole) }
    }
}

/// Whether shapes fit together, windows stay inside input and border, and no sum of 32 bits can overflow.
fn fits<K: Kernel>(
    input: &Map,
    window: &Window,
    output: &Map,
    addend: Option<&Map>,
    finish: Finish,
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
        && (finish.addition.is_none() || addend.is_some())
        && (!K::WHOLE || volume as f64 * 384.0 * 128.0 + largest < f64::from(i32::MAX))
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

/// What every [`Kernel::sweep`] does; inlined there, so that the kernel's instructions are enabled.
///
/// # Safety
/// As [`Kernel::sweep`].
#[inline(always)]
pub(super) unsafe fn sweep<K: Kernel>(
    layer: &Layer<K>,
    pixels: Range<usize>,
    input: *const K::Value,
    addend: *const K::Value,
    output: *mut K::Value,
) {
    for block in &layer.blocks {
        // SAFETY: as the caller promises.
        unsafe {
            // As many pixels as leave registers for the weights: fewer sums than a processor works on at a time would wait for each
            // other.
            match (block.vectors, layer.pool, K::MANY) {
                (1, ..) => sweep_block::<K, 1, TILE>(layer, block, pixels.clone(), input, addend, output),
                (2, _, true) => sweep_block::<K, 2, TILE>(layer, block, pixels.clone(), input, addend, output),
                (2, false, false) => sweep_block::<K, 2, 6>(layer, block, pixels.clone(), input, addend, output),
                (2, true, false) => sweep_block::<K, 2, POOLED>(layer, block, pixels.clone(), input, addend, output),
                (3, _, true) => sweep_block::<K, 3, TILE>(layer, block, pixels.clone(), input, addend, output),
                (3, _, false) => sweep_block::<K, 3, POOLED>(layer, block, pixels.clone(), input, addend, output),
                (_, false, true) => sweep_block::<K, 4, 6>(layer, block, pixels.clone(), input, addend, output),
                _ => sweep_block::<K, 4, POOLED>(layer, block, pixels.clone(), input, addend, output),
            }
        }
    }
}

/// Some output pixels of one block of `V` vectors of channels, `P` windows at a time, at most [`TILE`]: [`POOLED`] or twice as many
/// where the layer pools.
///
/// # Safety
/// As [`Kernel::sweep`]; `block` is one of the layer's and has `V` vectors.
#[inline(always)]
unsafe fn sweep_block<K: Kernel, const V: usize, const P: usize>(
    layer: &Layer<K>,
    block: &Block,
    pixels: Range<usize>,
    input: *const K::Value,
    addend: *const K::Value,
    output: *mut K::Value,
) {
    let group = K::LANES * K::GROUP;
    let first = block.channels.start;
    let (windows, together) = if layer.pool { (POOLED, P / POOLED) } else { (1, P) };
    // SAFETY: `Layer::new` made all places inside the buffers it asked for, TILE starts from any pixel on, and packed LANES numbers
    // for each vector.
    unsafe {
        let mut bias = [K::start(layer.biases.as_ptr().add(first)); V];
        for (vector, bias) in bias.iter_mut().enumerate() {
            *bias = K::start(layer.biases.as_ptr().add(first + vector * K::LANES));
        }
        let mut pixel = pixels.start;
        while pixel < pixels.end {
            let starts = layer.places.starts.as_ptr().add(pixel * windows).cast::<[u32; P]>().read();
            let mut sums = [bias; P];
            let mut weights = layer.weights.as_ptr().add(block.weights);
            for row in 0..layer.rows {
                let row = input.add(row * layer.pitch);
                let values = starts.map(|start| row.add(start as usize));
                for step in 0..layer.steps {
                    let mut vectors = [K::weights(weights); V];
                    for (vector, loaded) in vectors.iter_mut().enumerate().skip(1) {
                        *loaded = K::weights(weights.add(vector * group));
                    }
                    for (sums, values) in sums.iter_mut().zip(values) {
                        K::accumulate_all(sums, values.add(step * K::GROUP), &vectors, weights);
                    }
                    weights = weights.add(V * group);
                }
            }
            // A copy: sums that are looked up by a number known only at run time would be kept in memory above, too.
            let sums = sums;
            if layer.pool && !addend.is_null() {
                for (pixel, windows) in (pixel..pixels.end).zip(sums.as_chunks::<POOLED>().0) {
                    write_largest::<K, V>(layer, first, pixel, windows, addend, output);
                }
            } else if layer.pool {
                for (pixel, windows) in (pixel..pixels.end).zip(sums.as_chunks::<POOLED>().0) {
                    let mut largest = windows[0];
                    for sums in &windows[1..] {
                        for (most, &sum) in largest.iter_mut().zip(sums) {
                            *most = K::larger(*most, sum);
                        }
                    }
                    write::<K, V>(layer, first, pixel, &largest, addend, output);
                }
            } else {
                for (pixel, sums) in (pixel..pixels.end).zip(&sums) {
                    write::<K, V>(layer, first, pixel, sums, addend, output);
                }
            }
            pixel += together;
        }
    }
}

/// Finishes and writes the channels from `first` on of output pixel `index`.
///
/// # Safety
/// As [`Kernel::sweep`].
#[inline(always)]
unsafe fn write<K: Kernel, const V: usize>(
    layer: &Layer<K>,
    first: usize,
    index: usize,
    sums: &[K::Sums; V],
    addend: *const K::Value,
    output: *mut K::Value,
) {
    for (vector, &sums) in sums.iter().enumerate() {
        let channel = first + vector * K::LANES;
        // SAFETY: targets and addends hold pixels of their maps, buffers have SLACK values more than those, and the last
        // vector's empty lanes are written to a place of their own.
        unsafe {
            let multipliers = layer.multipliers.as_ptr().add(channel);
            let to = output.add(layer.places.targets[index] as usize + channel);
            let addend = match layer.places.addends.get(index) {
                Some(&at) => addend.add(at as usize + channel),
                None => std::ptr::null(),
            };
            let there = layer.output.channels - channel;
            if there >= K::LANES {
                K::finish(sums, &layer.finish, multipliers, addend, to);
            } else {
                let mut values = [K::Value::default(); SLACK];
                K::finish(sums, &layer.finish, multipliers, addend, values.as_mut_ptr());
                to.copy_from_nonoverlapping(values.as_ptr(), there);
            }
        }
    }
}

/// Finishes the channels from `first` on of each window of output pixel `index`, with what is added to it, and writes the largest.
///
/// # Safety
/// As [`Kernel::sweep`]; a map is added.
#[inline(always)]
unsafe fn write_largest<K: Kernel, const V: usize>(
    layer: &Layer<K>,
    first: usize,
    index: usize,
    windows: &[[K::Sums; V]; POOLED],
    addend: *const K::Value,
    output: *mut K::Value,
) {
    for vector in 0..V {
        let channel = first + vector * K::LANES;
        let mut finished = [[K::Value::default(); SLACK]; POOLED];
        // SAFETY: as in `write`; there is an addend for each window.
        unsafe {
            let multipliers = layer.multipliers.as_ptr().add(channel);
            let places = &layer.places.addends[index * POOLED..][..POOLED];
            for ((sums, &place), values) in windows.iter().zip(places).zip(&mut finished) {
                let added = addend.add(place as usize + channel);
                K::finish(sums[vector], &layer.finish, multipliers, added, values.as_mut_ptr());
            }
            let [mut largest, others @ ..] = finished;
            for values in others {
                for (most, value) in largest.iter_mut().zip(values) {
                    *most = if value > *most { value } else { *most };
                }
            }
            let to = output.add(layer.places.targets[index] as usize + channel);
            to.copy_from_nonoverlapping(largest.as_ptr(), K::LANES.min(layer.output.channels - channel));
        }
    }
}
