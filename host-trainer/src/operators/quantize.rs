//! Fake quantisation: rounding to the numbers of an 8-bit grid, with a gradient that passes straight through where nothing was saturated.

use super::mask::passes;
use emotion_models::QuantParams;
use rayon::prelude::*;

/// Values per task.
const CHUNK: usize = 1 << 16;

/// Each value as [`QuantParams::fake_quantize`] gives it.
pub fn forward(input: &[f32], params: QuantParams) -> Vec<f32> {
    let mut output = vec![0.0; input.len()];
    output.par_chunks_mut(CHUNK).zip(input.par_chunks(CHUNK)).for_each(|(output, input)| {
        for (o, x) in output.iter_mut().zip(input) {
            *o = params.fake_quantize(*x);
        }
    });
    output
}

/// The output's gradient where [`QuantParams::is_in_range`] says so, else zero.
pub fn backward(input: &[f32], params: QuantParams, output_gradient: &[f32]) -> Vec<f32> {
    let mut gradient = vec![0.0; input.len()];
    let chunks = gradient.par_chunks_mut(CHUNK).zip(input.par_chunks(CHUNK)).zip(output_gradient.par_chunks(CHUNK));
    chunks.for_each(|((gradient, input), output)| {
        for ((g, x), o) in gradient.iter_mut().zip(input).zip(output) {
            *g = passes(params.is_in_range(*x), *o);
        }
    });
    gradient
}

/// Smallest and largest value.
pub fn range(input: &[f32]) -> [f32; 2] {
    /// Kept side by side, so that they need not wait for each other.
    const LANES: usize = 16;
    let of_chunk = |chunk: &[f32]| {
        let (mut low, mut high) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
        for some in chunk.chunks(LANES) {
            for ((low, high), x) in low.iter_mut().zip(&mut high).zip(some) {
                *low = low.min(*x);
                *high = high.max(*x);
            }
        }
        [low.into_iter().fold(f32::INFINITY, f32::min), high.into_iter().fold(f32::NEG_INFINITY, f32::max)]
    };
    let wider = |a: [f32; 2], b: [f32; 2]| [a[0].min(b[0]), a[1].max(b[1])];
    input.par_chunks(CHUNK).map(of_chunk).reduce(|| [f32::INFINITY, f32::NEG_INFINITY], wider)
}
