//! A plan packed for one kernel, and the buffers it runs in.

use super::plan::{Entry, Exit, Plan};
use crate::kernels::{Kernel, Layer, Map, Numbers, SLACK};
use crate::quantized::Quantisation;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::any::Any;
use std::fmt::Debug;
use std::ops::Range;
use std::time::{Duration, Instant};
use tract_core::internal::{DatumType, TractErrorContext, bail, ensure};
use tract_core::prelude::{Tensor, TractResult};

/// A plan that can run, whatever its kernel.
pub(crate) trait Program: Debug + Send + Sync {
    /// The kernel's name.
    fn kernel(&self) -> &'static str;
    /// Buffers for one run at a time.
    fn buffers(&self) -> Buffers;
    /// A tensor for what leaves.
    fn output(&self) -> TractResult<Tensor>;
    /// Runs on `input`, `[1, C, H, W]`, in `buffers` of this program, into `output`, a tensor of this program's. On one thread nothing
    /// is allocated.
    fn run(&self, buffers: &mut Buffers, input: &Tensor, output: &mut Tensor) -> TractResult<()>;
    /// The whole numbers of a map, `[C, H, W]`, as the last run in `buffers` left them; for an integer plan.
    fn numbers(&self, buffers: &Buffers, map: usize) -> TractResult<Vec<i8>>;
    /// Runs on `input` without giving the output, and tells how long each step took.
    fn timed(&self, buffers: &mut Buffers, input: &Tensor) -> TractResult<Vec<Duration>>;
}

/// One buffer for each map, of the values of a program's kernel.
pub(crate) struct Buffers(Box<dyn Any + Send>);

/// Fewest multiply-accumulates of a layer that are worth being shared among threads: waking one costs as much as some hundred
/// thousand.
const WORTH_SHARING: usize = 400_000;

#[derive(Debug)]
struct Packed<K: Kernel> {
    maps: Vec<Map>,
    quantisations: Vec<Quantisation>,
    layers: Vec<Placed<K>>,
    output: usize,
    entry: Entry,
    exit: Exit,
    helpers: Option<ThreadPool>,
}

#[derive(Debug)]
struct Placed<K: Kernel> {
    layer: Layer<K>,
    input: usize,
    addend: Option<usize>,
    output: usize,
    /// The rows that each thread computes.
    parts: Vec<Range<usize>>,
}

/// Packs `plan` for the kernel `K`, a float or an integer one as the plan is, to be run by so many threads.
///
/// # Errors
/// A convolution whose shapes do not fit together, or whose sums could overflow.
pub(crate) fn pack<K: Kernel>(plan: &Plan, threads: usize) -> TractResult<Box<dyn Program>> {
    let mut layers = Vec::new();
    for step in &plan.steps {
        let placed = place::<K>(plan, step).with_context(|| format!("in the convolution `{}`", step.name))?;
        let parts = placed.parts(if step.macs(&plan.maps) < WORTH_SHARING { 1 } else { threads });
        layers.push(Placed { layer: placed, input: step.input, addend: step.addend, output: step.output, parts });
    }
    let Plan { maps, quantisations, output, entry, exit, .. } = plan.clone();
    // The thread that asks computes a part too.
    let shared = layers.iter().any(|placed| placed.parts.len() > 1);
    let helpers = shared.then(|| ThreadPoolBuilder::new().num_threads(threads - 1).build()).transpose()?;
    Ok(Box::new(Packed { maps, quantisations, layers, output, entry, exit, helpers }))
}

fn place<K: Kernel>(plan: &Plan, step: &super::plan::Step) -> TractResult<Layer<K>> {
    let output = &plan.maps[step.output];
    let input = plan.quantisations[step.input];
    let weights = floats(&step.weights)?;
    let biases = match &step.biases {
        Some(biases) if biases.datum_type() == DatumType::I32 => {
            biases.try_as_plain_ram()?.as_slice::<i32>()?.iter().map(|&bias| f64::from(bias)).collect()
        }
        Some(biases) => floats(biases)?.into_iter().map(f64::from).collect(),
        None => vec![0.0; output.channels],
    };
    let multipliers = match &step.weight_scales {
        Some(scales) => floats(scales)?.into_iter().map(|scale| input.scale * scale / step.own.scale).collect(),
        None => vec![1.0; output.channels],
    };
    let numbers = Numbers { weights: &weights, biases: &biases, multipliers: &multipliers };
    let addend = step.addend.map(|map| &plan.maps[map]);
    Layer::<K>::new(&plan.maps[step.input], &step.window, output, addend, &numbers, input.zero_point, step.finish)
        .context("its shapes do not fit together, or its sums could overflow")
}

/// A tensor's numbers, f32 or i8.
fn floats(tensor: &Tensor) -> TractResult<Vec<f32>> {
    let plain = tensor.try_as_plain_ram()?;
    Ok(match tensor.datum_type() {
        DatumType::I8 => plain.as_slice::<i8>()?.iter().map(|&value| f32::from(value)).collect(),
        _ => plain.as_slice::<f32>()?.to_vec(),
    })
}

impl<K: Kernel> Packed<K> {
    fn enter(&self, input: &Tensor, buffer: &mut [K::Value]) -> TractResult<()> {
        let (map, quantisation) = (&self.maps[0], self.quantisations[0]);
        let zero_point = quantisation.zero_point;
        ensure!(input.len() == map.height * map.width * map.channels, "an input of the shape {:?}", input.shape());
        let plain = input.try_as_plain_ram()?;
        match (self.entry, input.datum_type()) {
            (Entry::Reals, DatumType::F32) => {
                enter(map, plain.as_slice::<f32>()?, buffer, |&real| K::store(real, zero_point));
            }
            (Entry::Quantize, DatumType::U8) => {
                let store = |&pixel: &u8| K::store(f32::from(pixel) - 128.0, zero_point);
                enter(map, plain.as_slice::<u8>()?, buffer, store);
            }
            (Entry::Quantize, DatumType::F32) => {
                let store = |&real: &f32| K::store(quantisation.number(real), zero_point);
                enter(map, plain.as_slice::<f32>()?, buffer, store);
            }
            (Entry::Numbers, DatumType::I8) => {
                let store = |&number: &i8| K::store(f32::from(number), zero_point);
                enter(map, plain.as_slice::<i8>()?, buffer, store);
            }
            (_, other) => bail!("an input of {other:?}"),
        }
        Ok(())
    }

    fn leave(&self, buffer: &[K::Value], output: &mut Tensor) -> TractResult<()> {
        let (map, quantisation) = (&self.maps[self.output], self.quantisations[self.output]);
        let zero_point = quantisation.zero_point;
        ensure!(output.len() == map.height * map.width * map.channels, "an output of the shape {:?}", output.shape());
        let mut plain = output.try_as_plain_ram_mut()?;
        match self.exit {
            Exit::Reals => leave(map, buffer, plain.as_slice_mut()?, |value| K::load(value, zero_point)),
            Exit::Dequantize => {
                leave(map, buffer, plain.as_slice_mut()?, |value| quantisation.real(K::load(value, zero_point)));
            }
            Exit::Numbers => leave(map, buffer, plain.as_slice_mut()?, |value| K::load(value, zero_point) as i8),
        }
        Ok(())
    }
}

impl<K: Kernel> Placed<K> {
    fn run(&self, buffers: &mut [Vec<K::Value>], helpers: Option<&ThreadPool>) {
        // Taken out, so that the maps it reads can be borrowed beside it.
        let mut written = std::mem::take(&mut buffers[self.output]);
        let (input, addend) = (&buffers[self.input][..], self.addend.map(|map| &buffers[map][..]));
        match (helpers, &self.parts[..]) {
            (Some(helpers), [own, others @ ..]) if !others.is_empty() => {
                let (first, mut rest) =
                    written[self.layer.span(own.clone()).start..].split_at_mut(self.layer.span(own.clone()).len());
                helpers.in_place_scope(|scope| {
                    for rows in others {
                        let (part, after) = std::mem::take(&mut rest).split_at_mut(self.layer.span(rows.clone()).len());
                        rest = after;
                        scope.spawn(move |_| self.layer.run_rows(rows.clone(), input, addend, part));
                    }
                    self.layer.run_rows(own.clone(), input, addend, first);
                });
            }
            _ => self.layer.run(input, addend, &mut written),
        }
        buffers[self.output] = written;
    }
}

impl<K: Kernel> Program for Packed<K> {
    fn kernel(&self) -> &'static str {
        K::NAME
    }

    fn buffers(&self) -> Buffers {
        let buffers: Vec<Vec<K::Value>> = self
            .maps
            .iter()
            .zip(&self.quantisations)
            .map(|(map, quantisation)| vec![K::zero(quantisation.zero_point); map.len() + SLACK])
            .collect();
        Buffers(Box::new(buffers))
    }

    fn output(&self) -> TractResult<Tensor> {
        let map = &self.maps[self.output];
        let shape = [1, map.channels, map.height, map.width];
        if self.exit == Exit::Numbers { Tensor::zero::<i8>(&shape) } else { Tensor::zero::<f32>(&shape) }
    }

    fn run(&self, buffers: &mut Buffers, input: &Tensor, output: &mut Tensor) -> TractResult<()> {
        let Some(buffers) = buffers.0.downcast_mut::<Vec<Vec<K::Value>>>() else { bail!("buffers of another program") };
        self.enter(input, &mut buffers[0])?;
        self.layers.iter().for_each(|placed| placed.run(buffers, self.helpers.as_ref()));
        self.leave(&buffers[self.output], output)
    }

    fn numbers(&self, buffers: &Buffers, map: usize) -> TractResult<Vec<i8>> {
        let Some(buffers) = buffers.0.downcast_ref::<Vec<Vec<K::Value>>>() else { bail!("buffers of another program") };
        let (of, zero_point) = (&self.maps[map], self.quantisations[map].zero_point);
        let mut numbers = vec![0; of.channels * of.height * of.width];
        leave(of, &buffers[map], &mut numbers, |value| K::load(value, zero_point) as i8);
        Ok(numbers)
    }

    fn timed(&self, buffers: &mut Buffers, input: &Tensor) -> TractResult<Vec<Duration>> {
        let Some(buffers) = buffers.0.downcast_mut::<Vec<Vec<K::Value>>>() else { bail!("buffers of another program") };
        self.enter(input, &mut buffers[0])?;
        let timed = |placed: &Placed<K>| {
            let began = Instant::now();
            placed.run(buffers, self.helpers.as_ref());
            began.elapsed()
        };
        Ok(self.layers.iter().map(timed).collect())
    }
}

/// From `[C, H, W]` into a map's buffer.
#[inline(always)]
fn enter<T, V>(map: &Map, numbers: &[T], buffer: &mut [V], store: impl Fn(&T) -> V) {
    for (channel, plane) in numbers.chunks_exact(map.height * map.width).enumerate() {
        for (y, row) in plane.chunks_exact(map.width).enumerate() {
            let pixels = buffer[map.at(y, 0)..][..map.width * map.channels].chunks_exact_mut(map.channels);
            for (pixel, number) in pixels.zip(row) {
                pixel[channel] = store(number);
            }
        }
    }
}

/// From a map's buffer to `[C, H, W]`.
#[inline(always)]
fn leave<V: Copy, T>(map: &Map, buffer: &[V], numbers: &mut [T], load: impl Fn(V) -> T) {
    for (channel, plane) in numbers.chunks_exact_mut(map.height * map.width).enumerate() {
        for (y, row) in plane.chunks_exact_mut(map.width).enumerate() {
            let pixels = buffer[map.at(y, 0)..][..map.width * map.channels].chunks_exact(map.channels);
            for (number, pixel) in row.iter_mut().zip(pixels) {
                *number = load(pixel[channel]);
            }
        }
    }
}
