//! Non-overlapping max-pooling on NCHW slices; rows and columns that fill no whole window are dropped.

use rayon::prelude::*;

/// Shape of a pooling: `planes` (batch times channels) of `height x width`, windows of `size x size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// Batch times channels.
    pub planes: usize,
    /// Input rows.
    pub height: usize,
    /// Input columns.
    pub width: usize,
    /// Rows and columns of a window, and its step.
    pub size: usize,
}

impl PoolShape {
    /// Rows of the output.
    pub fn out_height(&self) -> usize {
        self.height / self.size
    }

    /// Columns of the output.
    pub fn out_width(&self) -> usize {
        self.width / self.size
    }
}

/// The largest value of each window, and which of its `size * size` places (row by row) held it; the first among equals.
pub fn forward(input: &[f32], shape: PoolShape) -> (Vec<f32>, Vec<u8>) {
    let (height, width, size) = (shape.out_height(), shape.out_width(), shape.size);
    let mut output = vec![f32::NEG_INFINITY; shape.planes * height * width];
    let mut places = vec![0u8; output.len()];
    output
        .par_chunks_mut(height * width)
        .zip(places.par_chunks_mut(height * width))
        .zip(input.par_chunks(shape.height * shape.width))
        .for_each(|((output, places), plane)| match size {
            // A step known at compile time is worth a copy of the code.
            2 => pool_plane(output, places, plane, shape, 2),
            _ => pool_plane(output, places, plane, shape, size),
        });
    (output, places)
}

#[inline(always)]
fn pool_plane(output: &mut [f32], places: &mut [u8], plane: &[f32], shape: PoolShape, size: usize) {
    let width = shape.out_width();
    for (oy, (out, place)) in output.chunks_exact_mut(width).zip(places.chunks_exact_mut(width)).enumerate() {
        for ky in 0..size {
            let row = &plane[(oy * size + ky) * shape.width..][..width * size];
            for kx in 0..size {
                let at = (ky * size + kx) as u8;
                for ((o, p), window) in out.iter_mut().zip(place.iter_mut()).zip(row.chunks_exact(size)) {
                    // Without a branch, which would go either way at random.
                    let larger = window[kx] > *o;
                    *o = if larger { window[kx] } else { *o };
                    let mask = 0u8.wrapping_sub(u8::from(larger));
                    *p = (at & mask) | (*p & !mask);
                }
            }
        }
    }
}

/// Sends each output gradient to the place its value came from.
pub fn backward(output_gradient: &[f32], places: &[u8], shape: PoolShape) -> Vec<f32> {
    let (height, width, size) = (shape.out_height(), shape.out_width(), shape.size);
    let mut input_gradient = vec![0.0; shape.planes * shape.height * shape.width];
    input_gradient
        .par_chunks_mut(shape.height * shape.width)
        .zip(places.par_chunks(height * width))
        .zip(output_gradient.par_chunks(height * width))
        .for_each(|((plane, places), gradient)| {
            for (index, (place, gradient)) in places.iter().zip(gradient).enumerate() {
                let (oy, ox) = (index / width, index % width);
                let (ky, kx) = (usize::from(*place) / size, usize::from(*place) % size);
                plane[(oy * size + ky) * shape.width + ox * size + kx] = *gradient;
            }
        });
    input_gradient
}
