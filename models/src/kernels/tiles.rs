//! The tile loop: a packed layer at work on its output, a few pixels and a few vectors of channels at a time.
//!
//! Why tiles: a convolution on small maps is bound by loads, not by products. Each load of a weight serves all pixels of a tile, and
//! each load of a value all channels of a block, so that a tile of P pixels and V vectors needs P + V loads for P * V products. All
//! P * V sums stay in registers until they are written; P and V are as large as the register file allows, and large enough that
//! products need not wait for the ones before them. The input is read where it lies: every window is a run of values a row, since
//! a map has its channels side by side and a border around it. Therefore nothing is copied and no edge is a case of its own. The
//! epilogue, the residual addition and the pooling happen while the sums are still in registers.

use super::geometry::{POOLED, TILE};
use super::kernel::{Kernel, Tiled, Value};
use super::layer::{BUFFER_PADDING, Block, Layer};
use std::ops::Range;

impl<K: Kernel> Layer<K> {
    /// Computes the output map from the input map, each as [`super::Map`] says in a buffer with [`BUFFER_PADDING`] values more. The
    /// output's border is left alone.
    ///
    /// # Panics
    /// On a buffer that is too short, and where the layer adds a map but none is given.
    pub fn run(&self, input: &[Value<K>], addend: Option<&[Value<K>]>, output: &mut [Value<K>]) {
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
        input: &[Value<K>],
        addend: Option<&[Value<K>]>,
        output: &mut [Value<K>],
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
        // inside the lengths checked above, kernels read at most BUFFER_PADDING values past a map's end, and write the
        // pixels of these rows alone, all of which lie in `output`.
        unsafe { K::run_tiles(self, pixels, input.as_ptr(), addend, whole) }
    }
}

impl<K: Kernel> Tiled<K> for Layer<K> {
    #[inline(always)]
    unsafe fn run_tiles(
        &self,
        pixels: Range<usize>,
        input: *const Value<K>,
        addend: *const Value<K>,
        output: *mut Value<K>,
    ) {
        for block in &self.blocks {
            // SAFETY: as the caller promises.
            unsafe {
                // As many pixels as leave registers for the weights: fewer sums than a processor works on at a time would wait for
                // each other.
                match (block.vectors, self.pool, K::WIDE_REGISTER_FILE) {
                    (1, ..) => run_block::<K, 1, TILE>(self, block, pixels.clone(), input, addend, output),
                    (2, _, true) => run_block::<K, 2, TILE>(self, block, pixels.clone(), input, addend, output),
                    (2, false, false) => run_block::<K, 2, 6>(self, block, pixels.clone(), input, addend, output),
                    (2, true, false) => run_block::<K, 2, POOLED>(self, block, pixels.clone(), input, addend, output),
                    (3, _, true) => run_block::<K, 3, TILE>(self, block, pixels.clone(), input, addend, output),
                    (3, _, false) => run_block::<K, 3, POOLED>(self, block, pixels.clone(), input, addend, output),
                    (_, false, true) => run_block::<K, 4, 6>(self, block, pixels.clone(), input, addend, output),
                    _ => run_block::<K, 4, POOLED>(self, block, pixels.clone(), input, addend, output),
                }
            }
        }
    }
}

/// One block of `V` vectors of channels, `P` windows at a time, at most [`TILE`]: [`POOLED`] or twice as many where the layer
/// pools.
///
/// # Safety
/// As [`Kernel`] says; `block` is one of the layer's and has `V` vectors.
#[inline(always)]
unsafe fn run_block<K: Kernel, const V: usize, const P: usize>(
    layer: &Layer<K>,
    block: &Block,
    pixels: Range<usize>,
    input: *const Value<K>,
    addend: *const Value<K>,
    output: *mut Value<K>,
) {
    let group = K::LANES * K::GROUP;
    let first = block.channels.start;
    let (windows, together) = if layer.pool { (POOLED, P / POOLED) } else { (1, P) };
    // SAFETY: `Layer::new` made all places inside the buffers it asked for, TILE starts from any pixel on, and packed LANES numbers
    // for each vector.
    unsafe {
        let bias: [K::Sums; V] = load(layer.biases.as_ptr().add(first), K::LANES);
        let mut pixel = pixels.start;
        while pixel < pixels.end {
            let starts = layer.places.starts.as_ptr().add(pixel * windows).cast::<[u32; P]>().read();
            let mut sums = [bias; P];
            let mut weights = layer.weights.as_ptr().add(block.weights);
            for row in 0..layer.rows {
                let row = input.add(row * layer.pitch);
                let values = starts.map(|start| row.add(start as usize));
                for step in 0..layer.steps {
                    let vectors: [K::Weights; V] = load(weights, group);
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
/// As [`Kernel`] says.
#[inline(always)]
unsafe fn write<K: Kernel, const V: usize>(
    layer: &Layer<K>,
    first: usize,
    index: usize,
    sums: &[K::Sums; V],
    addend: *const Value<K>,
    output: *mut Value<K>,
) {
    for (vector, &sums) in sums.iter().enumerate() {
        let channel = first + vector * K::LANES;
        // SAFETY: targets and addends hold pixels of their maps, buffers have BUFFER_PADDING values more than those, and the last
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
                K::finish(sums, &layer.epilogue, multipliers, addend, to);
            } else {
                let mut values = [Value::<K>::default(); BUFFER_PADDING];
                K::finish(sums, &layer.epilogue, multipliers, addend, values.as_mut_ptr());
                to.copy_from_nonoverlapping(values.as_ptr(), there);
            }
        }
    }
}

/// Finishes the channels from `first` on of each window of output pixel `index`, with what is added to it, and writes the
/// largest.
///
/// # Safety
/// As [`Kernel`] says; a map is added.
#[inline(always)]
unsafe fn write_largest<K: Kernel, const V: usize>(
    layer: &Layer<K>,
    first: usize,
    index: usize,
    windows: &[[K::Sums; V]; POOLED],
    addend: *const Value<K>,
    output: *mut Value<K>,
) {
    for vector in 0..V {
        let channel = first + vector * K::LANES;
        let mut finished = [[Value::<K>::default(); BUFFER_PADDING]; POOLED];
        // SAFETY: as in `write`; there is an addend for each window.
        unsafe {
            let multipliers = layer.multipliers.as_ptr().add(channel);
            let places = &layer.places.addends[index * POOLED..][..POOLED];
            for ((sums, &place), values) in windows.iter().zip(places).zip(&mut finished) {
                let added = addend.add(place as usize + channel);
                K::finish(sums[vector], &layer.epilogue, multipliers, added, values.as_mut_ptr());
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

/// `V` vectors, `pitch` numbers from one to the next.
///
/// # Safety
/// `V` vectors lie there.
#[inline(always)]
unsafe fn load<T, S: Copy, const V: usize>(from: *const T, pitch: usize) -> [S; V] {
    // SAFETY: as the caller promises.
    unsafe {
        let mut vectors = [from.cast::<S>().read_unaligned(); V];
        for (vector, loaded) in vectors.iter_mut().enumerate().skip(1) {
            *loaded = from.add(vector * pitch).cast::<S>().read_unaligned();
        }
        vectors
    }
}
