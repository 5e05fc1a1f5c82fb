//! A plan packed for one kernel, and the buffers it runs in.

use super::plan::Plan;
use crate::kernels::{Kernel, Layer, Map, Numbers, SLACK};
use std::any::Any;
use std::fmt::Debug;
use tract_core::internal::{TractErrorContext, bail};
use tract_core::prelude::TractResult;

/// A plan that can run, whatever its kernel.
pub(crate) trait Program: Debug + Send + Sync {
    /// Buffers for one run at a time.
    fn buffers(&self) -> Buffers;
    /// Runs from `input`, `[channels, rows, columns]`, to `output`, of the same axes, in `buffers` of this program.
    fn run(&self, buffers: &mut Buffers, input: &[f32], output: &mut [f32]) -> TractResult<()>;
}

/// One buffer for each map, of the values of a program's kernel.
pub(crate) struct Buffers(Box<dyn Any + Send>);

#[derive(Debug)]
struct Packed<K: Kernel> {
    maps: Vec<Map>,
    layers: Vec<Placed<K>>,
    output: usize,
}

#[derive(Debug)]
struct Placed<K: Kernel> {
    layer: Layer<K>,
    input: usize,
    addend: Option<usize>,
    output: usize,
}

/// Packs `plan` for the float kernel `K`.
///
/// # Errors
/// A convolution whose shapes do not fit together.
pub(crate) fn pack<K: Kernel<Value = f32>>(plan: &Plan) -> TractResult<Box<dyn Program>> {
    let mut layers = Vec::new();
    for step in &plan.steps {
        let output = &plan.maps[step.output];
        let weights = step.weights.try_as_plain_ram()?.as_slice::<f32>()?;
        let biases = match &step.biases {
            Some(biases) => biases.try_as_plain_ram()?.as_slice::<f32>()?.iter().map(|&bias| f64::from(bias)).collect(),
            None => vec![0.0; output.channels],
        };
        let numbers = Numbers { weights, biases: &biases, multipliers: &vec![1.0; output.channels] };
        let addend = step.addend.map(|map| &plan.maps[map]);
        let layer = Layer::<K>::new(&plan.maps[step.input], &step.window, output, addend, &numbers, 0, step.finish)
            .with_context(|| format!("the shapes of `{}` do not fit together", step.name))?;
        layers.push(Placed { layer, input: step.input, addend: step.addend, output: step.output });
    }
    Ok(Box::new(Packed { maps: plan.maps.clone(), layers, output: plan.output }))
}

impl<K: Kernel<Value = f32>> Program for Packed<K> {
    fn buffers(&self) -> Buffers {
        let buffers: Vec<Vec<K::Value>> = self.maps.iter().map(|map| vec![K::zero(0); map.len() + SLACK]).collect();
        Buffers(Box::new(buffers))
    }

    fn run(&self, buffers: &mut Buffers, input: &[f32], output: &mut [f32]) -> TractResult<()> {
        let Some(buffers) = buffers.0.downcast_mut::<Vec<Vec<K::Value>>>() else { bail!("buffers of another program") };
        enter(&self.maps[0], input, &mut buffers[0]);
        for Placed { layer, input, addend, output } in &self.layers {
            // Taken out, so that the maps it reads can be borrowed beside it.
            let mut written = std::mem::take(&mut buffers[*output]);
            layer.run(&buffers[*input], addend.map(|map| &buffers[map][..]), &mut written);
            buffers[*output] = written;
        }
        leave(&self.maps[self.output], &buffers[self.output], output);
        Ok(())
    }
}

/// From `[channels, rows, columns]` into a map's buffer.
fn enter(map: &Map, values: &[f32], buffer: &mut [f32]) {
    let plane = map.height * map.width;
    for y in 0..map.height {
        let row = &mut buffer[map.at(y, 0)..][..map.width * map.channels];
        for (x, pixel) in row.chunks_exact_mut(map.channels).enumerate() {
            for (channel, value) in pixel.iter_mut().enumerate() {
                *value = values[channel * plane + y * map.width + x];
            }
        }
    }
}

/// From a map's buffer to `[channels, rows, columns]`.
fn leave(map: &Map, buffer: &[f32], values: &mut [f32]) {
    let plane = map.height * map.width;
    for y in 0..map.height {
        let row = &buffer[map.at(y, 0)..][..map.width * map.channels];
        for (x, pixel) in row.chunks_exact(map.channels).enumerate() {
            for (channel, &value) in pixel.iter().enumerate() {
                values[channel * plane + y * map.width + x] = value;
            }
        }
    }
}
