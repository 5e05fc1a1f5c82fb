//! 2-D convolution on NCHW slices: forward, input gradient and weight gradient.
//!
//! Each thread takes a run of pictures and walks it in tiles of output rows: the tile's receptive fields are laid out
//! as a `[C*K*K, columns]` matrix that stays in the L2 cache, and one matrix product does the rest. Small maps put
//! several pictures into one tile, so that the weights are read once for all of them.

use super::gemm::{MatrixView, matmul};
use super::mask::passes;
use rayon::prelude::*;
use std::cell::RefCell;

/// Shapes of one convolution; weights are `[out_channels, channels, kernel, kernel]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Pictures in the batch.
    pub batch: usize,
    /// Input channels.
    pub channels: usize,
    /// Input rows.
    pub height: usize,
    /// Input columns.
    pub width: usize,
    /// Output channels.
    pub out_channels: usize,
    /// Kernel rows and columns.
    pub kernel: usize,
    /// Step between neighbouring outputs, both axes.
    pub stride: usize,
    /// Zeros around the input, each side, both axes.
    pub padding: usize,
}

impl ConvShape {
    /// Rows of the output.
    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Columns of the output.
    pub fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel) / self.stride + 1
    }

    fn patch(&self) -> usize {
        self.channels * self.kernel * self.kernel
    }

    fn in_picture(&self) -> usize {
        self.channels * self.height * self.width
    }

    fn out_picture(&self) -> usize {
        self.out_channels * self.out_height() * self.out_width()
    }

    /// Pictures one task takes: small enough to share out, large enough to fill a matrix product.
    fn pictures_per_task(&self) -> usize {
        let threads = rayon::current_num_threads();
        let fair = self.batch.div_ceil(threads);
        let full = COLUMNS.div_ceil(self.out_height() * self.out_width());
        self.batch.div_ceil(threads * 4).max(full).min(fair).max(1)
    }

    /// Output rows (counted through all pictures of a task) in one tile.
    fn rows_per_tile(&self) -> usize {
        let columns = (PATCH_FLOATS / self.patch()).max(COLUMNS / 4);
        (columns / self.out_width()).max(1)
    }
}

/// Columns at which a matrix product runs at full speed.
const COLUMNS: usize = 256;
/// Floats of one tile's patch matrix: 256 KiB, half an L2 cache of today's server and desktop cores.
const PATCH_FLOATS: usize = 64 * 1024;

thread_local! {
    static SCRATCH: RefCell<[Vec<f32>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

fn with_scratch<R>(patches: usize, outputs: usize, work: impl FnOnce(&mut [f32], &mut [f32]) -> R) -> R {
    SCRATCH.with_borrow_mut(|[a, b]| {
        if a.len() < patches {
            a.resize(patches, 0.0);
        }
        if b.len() < outputs {
            b.resize(outputs, 0.0);
        }
        work(&mut a[..patches], &mut b[..outputs])
    })
}

/// The part of an output row whose inputs at kernel column `kx` lie inside the picture.
fn inside(shape: &ConvShape, kx: usize) -> (usize, usize) {
    let (stride, padding) = (shape.stride, shape.padding);
    let low = padding.saturating_sub(kx).div_ceil(stride);
    let high = if shape.width + padding > kx { (shape.width + padding - kx - 1) / stride + 1 } else { 0 };
    (low.min(shape.out_width()), high.clamp(low.min(shape.out_width()), shape.out_width()))
}

/// The input row that output row `oy` reads at kernel row `ky`, unless it is padding.
fn input_row(shape: &ConvShape, oy: usize, ky: usize) -> Option<usize> {
    (oy * shape.stride + ky).checked_sub(shape.padding).filter(|&row| row < shape.height)
}

/// Fills `patches` `[C*K*K, rows * out_width]` for the task's output rows `first..first + rows`.
fn gather_patches(shape: &ConvShape, pictures: &[f32], first: usize, rows: usize, patches: &mut [f32]) {
    let (out_height, out_width) = (shape.out_height(), shape.out_width());
    let columns = rows * out_width;
    let plane = shape.height * shape.width;
    let mut patch_rows = patches.chunks_exact_mut(columns);
    for channel in 0..shape.channels {
        for ky in 0..shape.kernel {
            for kx in 0..shape.kernel {
                let Some(patch_row) = patch_rows.next() else { return };
                let (low, high) = inside(shape, kx);
                for (row, target) in (first..first + rows).zip(patch_row.chunks_exact_mut(out_width)) {
                    let (picture, oy) = (row / out_height, row % out_height);
                    let Some(y) = input_row(shape, oy, ky).filter(|_| low < high) else {
                        target.fill(0.0);
                        continue;
                    };
                    let start = picture * shape.in_picture() + channel * plane + y * shape.width;
                    let source = &pictures[start + low * shape.stride + kx - shape.padding..];
                    target[..low].fill(0.0);
                    target[high..].fill(0.0);
                    if shape.stride == 1 {
                        target[low..high].copy_from_slice(&source[..high - low]);
                    } else {
                        for (t, s) in target[low..high].iter_mut().zip(source.iter().step_by(shape.stride)) {
                            *t = *s;
                        }
                    }
                }
            }
        }
    }
}

/// The reverse of [`gather_patches`]: adds each patch element to the input element it came from.
fn scatter_patches(shape: &ConvShape, patches: &[f32], first: usize, rows: usize, pictures: &mut [f32]) {
    let (out_height, out_width) = (shape.out_height(), shape.out_width());
    let plane = shape.height * shape.width;
    let mut patch_rows = patches.chunks_exact(rows * out_width);
    for channel in 0..shape.channels {
        for ky in 0..shape.kernel {
            for kx in 0..shape.kernel {
                let Some(patch_row) = patch_rows.next() else { return };
                let (low, high) = inside(shape, kx);
                if low >= high {
                    continue;
                }
                for (row, source) in (first..first + rows).zip(patch_row.chunks_exact(out_width)) {
                    let (picture, oy) = (row / out_height, row % out_height);
                    let Some(y) = input_row(shape, oy, ky) else { continue };
                    let start = picture * shape.in_picture() + channel * plane + y * shape.width;
                    let target = &mut pictures[start + low * shape.stride + kx - shape.padding..];
                    if shape.stride == 1 {
                        for (t, s) in target.iter_mut().zip(&source[low..high]) {
                            *t += s;
                        }
                    } else {
                        for (t, s) in target.iter_mut().step_by(shape.stride).zip(&source[low..high]) {
                            *t += s;
                        }
                    }
                }
            }
        }
    }
}

/// Visits where each output row of a tile lies: calls `visit(channel, tile offset, picture offset)` for every channel and
/// row, both offsets naming `out_width` floats.
fn for_tile_rows(shape: &ConvShape, first: usize, rows: usize, mut visit: impl FnMut(usize, usize, usize)) {
    let (out_height, out_width) = (shape.out_height(), shape.out_width());
    for channel in 0..shape.out_channels {
        for row in 0..rows {
            let (picture, oy) = ((first + row) / out_height, (first + row) % out_height);
            let at = picture * shape.out_picture() + (channel * out_height + oy) * out_width;
            visit(channel, (channel * rows + row) * out_width, at);
        }
    }
}

fn tiles(shape: &ConvShape, pictures: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
    let (total, step) = (pictures * shape.out_height(), shape.rows_per_tile());
    (0..total).step_by(step).map(move |first| (first, step.min(total - first)))
}

/// `[N, C, H, W] -> [N, O, OH, OW]`, plus the bias `[O]`; with `relu`, negative results become zero.
pub fn forward(input: &[f32], weight: &[f32], bias: &[f32], relu: bool, shape: &ConvShape) -> Vec<f32> {
    let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
    let mut output = vec![0.0; shape.batch * shape.out_picture()];
    let task = shape.pictures_per_task();
    output.par_chunks_mut(task * shape.out_picture()).zip(input.par_chunks(task * shape.in_picture())).for_each(
        |(out, pictures)| {
            for (first, rows) in tiles(shape, out.len() / shape.out_picture()) {
                let columns = rows * shape.out_width();
                with_scratch(shape.patch() * columns, shape.out_channels * columns, |patches, tile| {
                    gather_patches(shape, pictures, first, rows, patches);
                    matmul(
                        tile,
                        MatrixView::new(weight, shape.out_channels, shape.patch()),
                        MatrixView::new(patches, shape.patch(), columns),
                        false,
                    );
                    let width = shape.out_width();
                    for_tile_rows(shape, first, rows, |channel, from, to| {
                        for (o, t) in out[to..to + width].iter_mut().zip(&tile[from..from + width]) {
                            *o = (t + bias[channel]).max(floor);
                        }
                    });
                });
            }
        },
    );
    output
}

/// What [`backward`] reads besides the output's gradient.
#[derive(Clone, Copy)]
pub struct Saved<'a> {
    /// The forward pass's input, `[N, C, H, W]`.
    pub input: &'a [f32],
    /// Its weights, `[O, C, K, K]`.
    pub weight: &'a [f32],
    /// Its output `[N, O, OH, OW]` where a ReLU was fused: no gradient passes where it is zero.
    pub rectified: Option<&'a [f32]>,
}

/// Gradients of one convolution.
pub struct ConvGradients {
    /// `[N, C, H, W]`, when it was requested.
    pub input: Option<Vec<f32>>,
    /// `[O, C, K, K]`.
    pub weight: Vec<f32>,
    /// `[O]`.
    pub bias: Vec<f32>,
}

/// Gradients with respect to the input (when requested), the weights and the bias, from the output's gradient.
///
/// The weights' gradient is summed per task and then in task order, so that the same batch and thread count give the same bits.
pub fn backward(saved: Saved<'_>, output_gradient: &[f32], shape: &ConvShape, want_input: bool) -> ConvGradients {
    let task = shape.pictures_per_task();
    let tasks = shape.batch.div_ceil(task);
    let (weights, outputs) = (saved.weight.len(), shape.out_channels);
    let mut input_gradient = vec![0.0; if want_input { saved.input.len() } else { 0 }];
    let mut partial = vec![0.0; tasks * (weights + outputs)];
    let input_tasks: Vec<&mut [f32]> = if want_input {
        input_gradient.chunks_mut(task * shape.in_picture()).collect()
    } else {
        (0..tasks).map(|_| Default::default()).collect()
    };
    input_tasks
        .into_par_iter()
        .zip(partial.par_chunks_mut(weights + outputs))
        .zip(saved.input.par_chunks(task * shape.in_picture()))
        .zip(output_gradient.par_chunks(task * shape.out_picture()))
        .enumerate()
        .for_each(|(index, (((input_gradient, partial), pictures), gradient))| {
            let (weight_gradient, bias_gradient) = partial.split_at_mut(weights);
            let from = index * task * shape.out_picture();
            let rectified = saved.rectified.map(|output| &output[from..from + gradient.len()]);
            for (first, rows) in tiles(shape, pictures.len() / shape.in_picture()) {
                let columns = rows * shape.out_width();
                with_scratch(shape.patch() * columns, outputs * columns, |patches, tile| {
                    gather_gradient(shape, gradient, rectified, first, rows, tile);
                    for (sum, row) in bias_gradient.iter_mut().zip(tile.chunks_exact(columns)) {
                        *sum += row.iter().sum::<f32>();
                    }
                    gather_patches(shape, pictures, first, rows, patches);
                    let tile = MatrixView::new(tile, outputs, columns);
                    let transposed = MatrixView::new(patches, shape.patch(), columns).transposed();
                    matmul(weight_gradient, tile, transposed, true);
                    if want_input {
                        let weight = MatrixView::new(saved.weight, outputs, shape.patch());
                        matmul(patches, weight.transposed(), tile, false);
                        scatter_patches(shape, patches, first, rows, input_gradient);
                    }
                });
            }
        });
    let mut sums = partial[..weights + outputs].to_vec();
    for task in partial.chunks_exact(weights + outputs).skip(1) {
        for (sum, value) in sums.iter_mut().zip(task) {
            *sum += value;
        }
    }
    let bias = sums.split_off(weights);
    ConvGradients { input: want_input.then_some(input_gradient), weight: sums, bias }
}

/// Copies a tile of the output's gradient to `tile` `[O, rows * out_width]`, zero where the ReLU had cut.
fn gather_gradient(
    shape: &ConvShape,
    gradient: &[f32],
    rectified: Option<&[f32]>,
    first: usize,
    rows: usize,
    tile: &mut [f32],
) {
    let width = shape.out_width();
    for_tile_rows(shape, first, rows, |_, to, from| {
        let (target, source) = (&mut tile[to..to + width], &gradient[from..from + width]);
        match rectified {
            None => target.copy_from_slice(source),
            Some(output) => {
                for ((t, g), y) in target.iter_mut().zip(source).zip(&output[from..from + width]) {
                    *t = passes(*y > 0.0, *g);
                }
            }
        }
    });
}
