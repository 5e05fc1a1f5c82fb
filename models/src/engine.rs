//! tract, the inference engine, behind three functions.

use crate::graph;
use crate::probabilities::Probabilities;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tract_core::internal::{TractErrorContext, ensure};
use tract_core::prelude::*;
use tract_onnx::pb::ModelProto;

/// Version of tract in use; a test holds it against Cargo.lock.
const VERSION: &str = "0.23.9";

/// A graph of one float input and one float output, ready to run. A clone shares the weights.
pub(crate) struct Engine {
    /// The input tensor; shared with `state` only while that runs.
    input: Arc<Tensor>,
    plan: Arc<TypedRunnableModel>,
    state: TypedSimpleState,
}

impl Engine {
    /// Prepares `model`, whose input has the axes `shape`, and runs it on `trial`, so that a graph the engine cannot
    /// run fails here; answers with what that run gave. The error says why, in the engine's words.
    pub(crate) fn load(model: &ModelProto, shape: [usize; 4], trial: &[f32]) -> Result<(Self, Probabilities), String> {
        let load = || -> TractResult<(Self, Probabilities)> {
            let plan = graph::typed(model)?.into_optimized()?.into_runnable()?;
            let input = Arc::new(Tensor::zero::<f32>(&shape)?);
            let mut engine = Self { input, state: plan.spawn()?, plan };
            let answer = engine.try_run(trial)?;
            Ok((engine, answer))
        };
        // A damaged graph can break the engine's own assumptions, and a file must never take the program down.
        catch_unwind(AssertUnwindSafe(load))
            .map_err(|_| "it stumbled over a damaged graph".to_owned())?
            .map_err(|error| format!("{error:#}"))
    }

    /// Runs the graph on the numbers of its input tensor. The error says why not, in the engine's words.
    pub(crate) fn run(&mut self, input: &[f32]) -> Result<Probabilities, String> {
        self.try_run(input).map_err(|error| {
            // A turn that broke off leaves values behind that the next one would trip over.
            if let Ok(state) = self.plan.spawn() {
                self.state = state;
            }
            format!("{error:#}")
        })
    }

    fn try_run(&mut self, input: &[f32]) -> TractResult<Probabilities> {
        let mut tensor = Arc::make_mut(&mut self.input).try_as_plain_ram_mut()?;
        let values = tensor.as_slice_mut::<f32>()?;
        ensure!(values.len() == input.len(), "{} numbers for an input of {}", input.len(), values.len());
        values.copy_from_slice(input);
        let outputs = self.state.run(tvec![TValue::from_const(Arc::clone(&self.input))])?;
        let values = outputs[0].try_as_plain_ram()?.as_slice::<f32>()?;
        let finite = values.iter().all(|value| value.is_finite());
        ensure!(finite, "it answers {}: not all are finite numbers", listed(values));
        let count = values.len();
        Probabilities::from_slice(values).with_context(|| format!("it answers {count} numbers"))
    }
}

/// Numbers as a message lists them.
pub(crate) fn listed(values: &[f32]) -> String {
    values.iter().map(f32::to_string).collect::<Vec<_>>().join(", ")
}

impl Clone for Engine {
    fn clone(&self) -> Self {
        Self { input: Arc::new((*self.input).clone()), plan: Arc::clone(&self.plan), state: self.state.clone() }
    }
}

/// The engine and the processor features it can use, such as `tract 0.23.9, x86-64: avx2 fma`.
pub fn engine_description() -> String {
    let features: Vec<&str> = processor_features().iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
    let architecture = if cfg!(target_arch = "x86_64") { "x86-64" } else { std::env::consts::ARCH };
    let separator = if features.is_empty() { "" } else { ": " };
    format!("tract {VERSION}, {architecture}{separator}{}", features.join(" "))
}

#[cfg(target_arch = "x86_64")]
fn processor_features() -> Vec<(&'static str, bool)> {
    use std::arch::is_x86_feature_detected as has;
    vec![
        ("avx2", has!("avx2")),
        ("fma", has!("fma")),
        ("avx512f", has!("avx512f")),
        ("avx512vnni", has!("avx512vnni")),
        ("avxvnni", has!("avxvnni")),
    ]
}

#[cfg(target_arch = "aarch64")]
fn processor_features() -> Vec<(&'static str, bool)> {
    use std::arch::is_aarch64_feature_detected as has;
    vec![("neon", has!("neon")), ("dotprod", has!("dotprod")), ("fp16", has!("fp16")), ("i8mm", has!("i8mm"))]
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn processor_features() -> Vec<(&'static str, bool)> {
    Vec::new()
}
