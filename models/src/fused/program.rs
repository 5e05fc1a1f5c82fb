//! A plan packed for one kernel, and the buffers it runs in.

use super::plan::{Entry, Exit, FusionPlan, FusionStep};
use crate::kernels::{BUFFER_PADDING, Kernel, Layer, Map, NumberFormat, Numbers, QuantParams, Value};
use crate::limits::MAX_NUMBERS;
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
    /// How many layers several threads share.
    fn shared(&self) -> usize;
    /// Buffers for one run at a time.
    fn buffers(&self) -> Buffers;
    /// A tensor for what leaves.
    fn output(&self) -> TractResult<Tensor>;
    /// Runs on `input`, `[1, C, H, W]`, in `buffers` of this program, into `output`, a tensor of this program's. On one thread nothing
    /// is allocated.
    fn run(&self, buffers: &mut Buffers, input: &Tensor, output: &mut Tensor) -> TractResult<()>;
    /// The whole numbers of a map, `[C, H, W]`, as the last run in `buffers` left them; for an integer plan.
    fn numbers(&self, buffers: &Buffers, map: usize) -> TractResult<Vec<i8>>;
    /// Runs on `input` without giving the output; how long each step took.
    fn timed(&self, buffers: &mut Buffers, input: &Tensor) -> TractResult<Vec<Duration>>;
}

/// One buffer for each map, of the values of a program's kernel.
pub(crate) struct Buffers(Box<dyn Any + Send>);

/// By how many threads a program is run, and which of its layers they share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threads {
    /// At least 1.
    pub count: usize,
    /// Every layer, whether that is faster or not; else those that are measured to be faster at load.
    pub share_all: bool,
}

impl Threads {
    /// So many, sharing the layers that are faster so.
    pub(crate) fn new(count: usize) -> Self {
        Self { count, share_all: false }
    }
}

/// Most runs in each manner that show which layers are faster when shared, and how long these runs may take; one is always made.
const TRIALS: usize = 8;
const MAX_TRIAL_TIME: Duration = Duration::from_millis(40);
/// A layer is faster where its least time shared is at most this part of its least time alone ...
const MAX_SHARE: f64 = 0.8;
/// ... and all of them are shared only where they save this much together. The threads of a trial are awake, those of a camera's next
/// frame must be woken first.
const WAKING: Duration = Duration::from_micros(60);

#[derive(Debug)]
struct Packed<K: Kernel> {
    maps: Vec<Map>,
    quant_params: Vec<QuantParams>,
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

/// Packs a plan for a kernel; nothing where the engine's own operators are to do it.
pub(crate) type Packer = fn(&FusionPlan, Threads) -> TractResult<Option<Box<dyn Program>>>;

/// Packs `plan` for the kernel `K`, a float or an integer one as the plan is, to be run by so many threads.
///
/// # Errors
/// A convolution whose shapes are incompatible, or whose sums could overflow.
pub(crate) fn pack<K: Kernel>(plan: &FusionPlan, threads: Threads) -> TractResult<Box<dyn Program>> {
    // A graph's own numbers were counted when it was read; wide paddings make more of them.
    let numbers = plan.maps.iter().try_fold(0usize, |sum, map| sum.checked_add(map.checked_len()?));
    ensure!(
        numbers.is_some_and(|numbers| numbers as u64 <= MAX_NUMBERS),
        "with the paddings of its convolutions the graph has more than {MAX_NUMBERS} numbers"
    );
    let mut layers = Vec::new();
    for step in &plan.steps {
        let placed = place::<K>(plan, step).with_context(|| format!("in the convolution `{}`", step.name))?;
        let parts = placed.parts(threads.count);
        layers.push(Placed { layer: placed, input: step.input, addend: step.addend, output: step.output, parts });
    }
    let FusionPlan { maps, quant_params, output, entry, exit, .. } = plan.clone();
    // The thread that asks computes a part too.
    let shared = layers.iter().any(|placed| placed.parts.len() > 1);
    let helpers = shared.then(|| ThreadPoolBuilder::new().num_threads(threads.count - 1).build()).transpose()?;
    let mut packed = Packed { maps, quant_params, layers, output, entry, exit, helpers };
    if !threads.share_all {
        packed.share_faster_layers()?;
    }
    Ok(Box::new(packed))
}

fn place<K: Kernel>(plan: &FusionPlan, step: &FusionStep) -> TractResult<Layer<K>> {
    let output = &plan.maps[step.output];
    let input = plan.quant_params[step.input];
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
    Layer::<K>::new(&plan.maps[step.input], &step.window, output, addend, &numbers, input.zero_point, step.epilogue)
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
    /// Measures each layer shared and alone, and shares only those that are faster so.
    fn share_faster_layers(&mut self) -> TractResult<()> {
        let Some(helpers) = &self.helpers else { return Ok(()) };
        let mut buffers = self.buffers();
        let buffers = Self::maps_of(&mut buffers)?;
        let mut least = vec![[Duration::MAX; 2]; self.layers.len()];
        let began = Instant::now();
        for trial in 0..TRIALS {
            if trial > 0 && began.elapsed() > MAX_TRIAL_TIME {
                break;
            }
            for (manner, helpers) in [Some(helpers), None].into_iter().enumerate() {
                for (least, time) in least.iter_mut().zip(self.layer_times(buffers, helpers)) {
                    least[manner] = least[manner].min(time);
                }
            }
        }
        let is_faster = |[shared, alone]: &[Duration; 2]| *shared <= alone.mul_f64(MAX_SHARE);
        let saved: Duration =
            least.iter().filter(|times| is_faster(times)).map(|[shared, alone]| *alone - *shared).sum();
        for (placed, times) in self.layers.iter_mut().zip(&least) {
            if saved < WAKING || !is_faster(times) {
                placed.parts = placed.layer.parts(1);
            }
        }
        if self.shared() == 0 {
            self.helpers = None;
        }
        Ok(())
    }

    fn layer_times(&self, buffers: &mut [Vec<Value<K>>], helpers: Option<&ThreadPool>) -> Vec<Duration> {
        let timed = |placed: &Placed<K>| {
            let began = Instant::now();
            placed.run(buffers, helpers);
            began.elapsed()
        };
        self.layers.iter().map(timed).collect()
    }

    fn maps_of(buffers: &mut Buffers) -> TractResult<&mut Vec<Vec<Value<K>>>> {
        buffers.0.downcast_mut().context("buffers of another program")
    }

    fn enter(&self, input: &Tensor, buffer: &mut [Value<K>]) -> TractResult<()> {
        let (map, quant_params) = (&self.maps[0], self.quant_params[0]);
        let zero_point = quant_params.zero_point;
        ensure!(input.len() == map.height * map.width * map.channels, "an input of the shape {:?}", input.shape());
        let plain = input.try_as_plain_ram()?;
        match (self.entry, input.datum_type()) {
            (Entry::Reals, DatumType::F32) => {
                enter(map, plain.as_slice::<f32>()?, buffer, |&real| K::Format::store(real, zero_point));
            }
            (Entry::Quantize, DatumType::U8) => {
                let store = |&pixel: &u8| K::Format::store(f32::from(pixel) - 128.0, zero_point);
                enter(map, plain.as_slice::<u8>()?, buffer, store);
            }
            (Entry::Quantize, DatumType::F32) => {
                let store = |&real: &f32| K::Format::store(quant_params.quantize(real), zero_point);
                enter(map, plain.as_slice::<f32>()?, buffer, store);
            }
            (Entry::Numbers, DatumType::I8) => {
                let store = |&number: &i8| K::Format::store(f32::from(number), zero_point);
                enter(map, plain.as_slice::<i8>()?, buffer, store);
            }
            (_, other) => bail!("an input of {other:?}"),
        }
        Ok(())
    }

    fn leave(&self, buffer: &[Value<K>], output: &mut Tensor) -> TractResult<()> {
        let (map, quant_params) = (&self.maps[self.output], self.quant_params[self.output]);
        let zero_point = quant_params.zero_point;
        ensure!(output.len() == map.height * map.width * map.channels, "an output of the shape {:?}", output.shape());
        let mut plain = output.try_as_plain_ram_mut()?;
        match self.exit {
            Exit::Reals => leave(map, buffer, plain.as_slice_mut()?, |value| K::Format::load(value, zero_point)),
            Exit::Dequantize => {
                leave(map, buffer, plain.as_slice_mut()?, |value| {
                    quant_params.dequantize(K::Format::load(value, zero_point))
                });
            }
            Exit::Numbers => {
                leave(map, buffer, plain.as_slice_mut()?, |value| K::Format::load(value, zero_point) as i8)
            }
        }
        Ok(())
    }
}

impl<K: Kernel> Placed<K> {
    fn run(&self, buffers: &mut [Vec<Value<K>>], helpers: Option<&ThreadPool>) {
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

    fn shared(&self) -> usize {
        self.layers.iter().filter(|placed| placed.parts.len() > 1).count()
    }

    fn buffers(&self) -> Buffers {
        let buffers: Vec<Vec<Value<K>>> = self
            .maps
            .iter()
            .zip(&self.quant_params)
            .map(|(map, quant_params)| vec![K::Format::zero(quant_params.zero_point); map.len() + BUFFER_PADDING])
            .collect();
        Buffers(Box::new(buffers))
    }

    fn output(&self) -> TractResult<Tensor> {
        let map = &self.maps[self.output];
        let shape = [1, map.channels, map.height, map.width];
        if self.exit == Exit::Numbers { Tensor::zero::<i8>(&shape) } else { Tensor::zero::<f32>(&shape) }
    }

    fn run(&self, buffers: &mut Buffers, input: &Tensor, output: &mut Tensor) -> TractResult<()> {
        let buffers = Self::maps_of(buffers)?;
        self.enter(input, &mut buffers[0])?;
        self.layers.iter().for_each(|placed| placed.run(buffers, self.helpers.as_ref()));
        self.leave(&buffers[self.output], output)
    }

    fn numbers(&self, buffers: &Buffers, map: usize) -> TractResult<Vec<i8>> {
        let Some(buffers) = buffers.0.downcast_ref::<Vec<Vec<Value<K>>>>() else { bail!("buffers of another program") };
        let (of, zero_point) = (&self.maps[map], self.quant_params[map].zero_point);
        let mut numbers = vec![0; of.channels * of.height * of.width];
        leave(of, &buffers[map], &mut numbers, |value| K::Format::load(value, zero_point) as i8);
        Ok(numbers)
    }

    fn timed(&self, buffers: &mut Buffers, input: &Tensor) -> TractResult<Vec<Duration>> {
        let buffers = Self::maps_of(buffers)?;
        self.enter(input, &mut buffers[0])?;
        Ok(self.layer_times(buffers, self.helpers.as_ref()))
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
