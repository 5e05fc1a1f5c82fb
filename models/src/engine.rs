//! tract, the inference engine, behind three functions.

use crate::card::MAX_LABELS;
use crate::fused::{Fused, FusionStep, Threads, fuse};
use crate::graph::{self, Reading};
use crate::input::PixelMap;
use crate::pb::ModelProto;
use crate::processor;
use crate::profile::{LayerMap, LayerTime};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tract_core::internal::ensure;
use tract_core::prelude::*;

/// Version of tract in use; a test holds it against Cargo.lock.
const VERSION: &str = "0.23.9";

/// A graph of one input and one float output, ready to run. A clone shares the weights.
pub(crate) struct Engine {
    /// The input tensor, float32 or bytes; shared with `state` only while that runs.
    input: Arc<Tensor>,
    pixels: PixelMap,
    plan: Arc<TypedRunnableModel>,
    state: TypedSimpleState,
}

/// Whose operators run a graph's convolutions.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operators {
    /// Ours, on so many threads.
    Ours {
        /// At least 1.
        threads: usize,
    },
    /// The engine's own, to compare with.
    Tracts,
}

/// What a graph computes on.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    /// Pixels, 0 to 255, `[C, H, W]`.
    Bytes(&'a [u8]),
    /// The real numbers that the pixel map makes of them.
    Reals(&'a [f32]),
}

impl Engine {
    /// Prepares `model`, whose input has the axes `shape`, and runs it on mid grey, so that a graph that the engine
    /// cannot run fails here. Returns the output of that run. The error gives the reason in the engine's words.
    pub(crate) fn load(
        model: &ModelProto,
        shape: [usize; 4],
        reading: Reading,
        operators: Operators,
    ) -> Result<(Self, Vec<f32>), String> {
        let load = || -> TractResult<(Self, Vec<f32>)> {
            let graph = match operators {
                Operators::Ours { threads } => fuse(graph::typed(model, reading)?, Threads::new(threads))?,
                Operators::Tracts => graph::typed(model, reading)?,
            };
            let kind = graph.input_fact(0)?.datum_type;
            let plan = graph.into_optimized()?.into_runnable()?;
            let input = Arc::new(Tensor::zero_dt(kind, &shape)?);
            let mut engine = Self { input, pixels: reading.pixels, state: plan.spawn()?, plan };
            let mut answer = Vec::new();
            engine
                .try_run(Input::Bytes(&vec![128; shape.iter().product()]), |values| answer.extend_from_slice(values))?;
            Ok((engine, answer))
        };
        // A damaged graph can break the engine's own assumptions, and a file must never take the program down.
        catch_unwind(AssertUnwindSafe(load))
            .map_err(|_| "it stumbled over a damaged graph".to_owned())?
            .map_err(|error| format!("{error:#}"))
    }

    /// Runs the graph and hands its output, all of it finite, to `read`. The error says why not, in the engine's words.
    pub(crate) fn run<T>(&mut self, input: Input<'_>, read: impl FnOnce(&[f32]) -> T) -> Result<T, String> {
        self.try_run(input, read).map_err(|error| {
            // A turn that broke off leaves values behind that the next one would trip over.
            if let Ok(state) = self.plan.spawn() {
                self.state = state;
            }
            format!("{error:#}")
        })
    }

    fn try_run<T>(&mut self, input: Input<'_>, read: impl FnOnce(&[f32]) -> T) -> TractResult<T> {
        self.fill(input)?;
        let outputs = self.state.run(tvec![TValue::from_const(Arc::clone(&self.input))])?;
        let values = outputs[0].try_as_plain_ram()?.as_slice::<f32>()?;
        let finite = values.iter().all(|value| value.is_finite());
        ensure!(finite, "it answers {}: not all are finite numbers", listed(values));
        Ok(read(values))
    }

    /// Writes the input tensor, in the kind of number that the graph takes.
    fn fill(&mut self, input: Input<'_>) -> TractResult<()> {
        let tensor = Arc::make_mut(&mut self.input);
        let (kind, map) = (tensor.datum_type(), self.pixels);
        let given = match input {
            Input::Bytes(bytes) => bytes.len(),
            Input::Reals(reals) => reals.len(),
        };
        ensure!(tensor.len() == given, "{given} numbers for an input of {}", tensor.len());
        let mut tensor = tensor.try_as_plain_ram_mut()?;
        match (kind, input) {
            (DatumType::U8, Input::Bytes(bytes)) => tensor.as_slice_mut::<u8>()?.copy_from_slice(bytes),
            (DatumType::U8, Input::Reals(reals)) => {
                for (byte, &real) in tensor.as_slice_mut::<u8>()?.iter_mut().zip(reals) {
                    ensure!(!real.is_nan(), "an input that is not a number");
                    // As QuantizeLinear: divided, rounded half to even, moved, kept within 8 bits.
                    *byte = ((real / map.scale).round_ties_even() + map.offset) as u8;
                }
            }
            (_, Input::Bytes(bytes)) => {
                for (real, &byte) in tensor.as_slice_mut::<f32>()?.iter_mut().zip(bytes) {
                    *real = map.real(f32::from(byte));
                }
            }
            (_, Input::Reals(reals)) => tensor.as_slice_mut::<f32>()?.copy_from_slice(reals),
        }
        Ok(())
    }

    /// The runs of convolutions that are one operator each, in order.
    pub(crate) fn fused(&self) -> Vec<&Fused> {
        self.plan.model().nodes().iter().filter_map(|node| node.op_as::<Fused>()).collect()
    }

    /// See [`crate::Classifier::layer_times`]. Only the first of several fused runs is measured, since the input of the
    /// others is known to the engine alone.
    pub(crate) fn layer_times(&mut self, runs: usize) -> Result<Vec<LayerTime>, String> {
        let input = Arc::clone(&self.input);
        let failed = |error: TractError| format!("{error:#}");
        let mut whole = Duration::MAX;
        for _ in 0..runs {
            let began = Instant::now();
            self.state.run(tvec![TValue::from_const(Arc::clone(&input))]).map_err(failed)?;
            whole = whole.min(began.elapsed());
        }
        let mut layers = Vec::new();
        if let Some(fused) = self.fused().first() {
            let (plan, program) = (fused.plan(), fused.program());
            let named = |step: &FusionStep| LayerTime {
                name: step.name.clone(),
                macs: step.macs(&plan.maps),
                time: Duration::MAX,
            };
            layers.extend(plan.steps.iter().map(named));
            let mut buffers = program.buffers();
            for _ in 0..runs {
                for (layer, time) in layers.iter_mut().zip(program.timed(&mut buffers, &input).map_err(failed)?) {
                    layer.time = layer.time.min(time);
                }
            }
        }
        let inside: Duration = layers.iter().map(|layer| layer.time).sum();
        layers.push(LayerTime { name: "all else".to_owned(), macs: 0, time: whole.saturating_sub(inside) });
        Ok(layers)
    }

    /// See [`crate::layer_maps`].
    pub(crate) fn layer_maps(&mut self, input: Input<'_>) -> Result<Vec<LayerMap>, String> {
        let mut maps = || -> TractResult<Vec<LayerMap>> {
            self.fill(input)?;
            let fused = self.fused();
            let (plan, program) = match fused.first() {
                Some(fused) => (fused.plan(), fused.program()),
                None => return Ok(Vec::new()),
            };
            let (mut buffers, mut output) = (program.buffers(), program.output()?);
            program.run(&mut buffers, &self.input, &mut output)?;
            let map = |step: &FusionStep| -> TractResult<LayerMap> {
                let map = plan.maps[step.output];
                Ok(LayerMap {
                    name: step.name.clone(),
                    added: step.addend.is_some(),
                    pooled: step.window.pool,
                    shape: [map.channels, map.height, map.width],
                    numbers: program.numbers(&buffers, step.output)?,
                })
            };
            plan.steps.iter().map(map).collect()
        };
        maps().map_err(|error| format!("{error:#}"))
    }
}

/// Numbers as a message lists them: the first few.
pub(crate) fn listed(values: &[f32]) -> String {
    let first = values.iter().take(MAX_LABELS).map(f32::to_string).collect::<Vec<_>>().join(", ");
    if values.len() > MAX_LABELS { format!("{first}, ...") } else { first }
}

impl Clone for Engine {
    fn clone(&self) -> Self {
        let input = Arc::new((*self.input).clone());
        Self { input, pixels: self.pixels, plan: Arc::clone(&self.plan), state: self.state.clone() }
    }
}

/// The engine and the processor features it can use, such as `tract 0.23.9, x86-64: avx2 fma`.
pub fn engine_description() -> String {
    let features = processor::features();
    let architecture = if cfg!(target_arch = "x86_64") { "x86-64" } else { std::env::consts::ARCH };
    let separator = if features.is_empty() { "" } else { ": " };
    format!("tract {VERSION}, {architecture}{separator}{}", features.join(" "))
}
