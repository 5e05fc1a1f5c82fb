//! Runs of convolutions as one operator each: a pass over tract's graph that puts our [`crate::kernels`] in the place of
//! convolutions, their activations, residual additions and poolings.
//!
//! [`pass`] finds the runs, [`recognise`] says what a node is; a run is a [`plan`], [`program`] packs a plan for a kernel, and
//! [`op`] is what tract runs. Any pooling but that of 2x2 stays the engine's.

mod op;
mod pass;
mod plan;
mod program;
mod qlinear;
mod recognise;
#[cfg(test)]
mod tests;

pub(crate) use crate::kernels::PortableInt;
pub(crate) use op::Fused;
pub(crate) use plan::{FusionPlan, FusionStep};
pub(crate) use program::{Program, Threads, pack};
pub(crate) use qlinear::{Dequantize, IntegerConvolution, Quantize};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use crate::{kernels, processor::is_left};
use tract_core::prelude::{TractResult, TypedModel};
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use tract_core::tract_linalg::isa::Isa;

/// Replaces runs of convolutions in `model`, a graph before decluttering, by our operators, each run by `threads`.
///
/// # Errors
/// A graph that contradicts itself, or a convolution of impossible numbers.
pub(crate) fn fuse(model: TypedModel, threads: Threads) -> TractResult<TypedModel> {
    pass::fuse(model, best, threads)
}

/// Packs a plan for the best kernel of this processor.
fn best(plan: &FusionPlan, threads: Threads) -> TractResult<Option<Box<dyn Program>>> {
    if !plan.is_integer() {
        return float(plan, threads);
    }
    or_portable(integer(plan, threads), plan, threads).map(Some)
}

/// A processor's kernel may refuse numbers that the portable one takes.
fn or_portable(
    packed: TractResult<Box<dyn Program>>,
    plan: &FusionPlan,
    threads: Threads,
) -> TractResult<Box<dyn Program>> {
    packed.or_else(|_| pack::<PortableInt>(plan, threads))
}

#[cfg(target_arch = "x86_64")]
fn float(plan: &FusionPlan, threads: Threads) -> TractResult<Option<Box<dyn Program>>> {
    let narrow = is_left(Isa::X86_64Avx2) && is_left(Isa::X86_64Fma);
    let program = if is_x86_feature_detected!("avx512f") && is_left(Isa::X86_64Avx512f) {
        pack::<kernels::Avx512Float>(plan, threads)
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && narrow {
        pack::<kernels::Avx2Float>(plan, threads)
    } else {
        pack::<kernels::PortableFloat>(plan, threads)
    };
    program.map(Some)
}

#[cfg(target_arch = "x86_64")]
fn integer(plan: &FusionPlan, threads: Threads) -> TractResult<Box<dyn Program>> {
    let narrow = is_left(Isa::X86_64Avx2) && is_left(Isa::X86_64Fma);
    let wide = is_left(Isa::X86_64Avx512f) && is_left(Isa::X86_64Avx512Vnni);
    if is_x86_feature_detected!("avx512vnni") && wide {
        pack::<kernels::Avx512Vnni>(plan, threads)
    } else if is_x86_feature_detected!("avxvnni") && is_left(Isa::X86_64AvxVnni) {
        pack::<kernels::AvxVnni>(plan, threads)
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && narrow {
        pack::<kernels::Avx2Int>(plan, threads)
    } else {
        pack::<PortableInt>(plan, threads)
    }
}

#[cfg(target_arch = "aarch64")]
fn float(plan: &FusionPlan, threads: Threads) -> TractResult<Option<Box<dyn Program>>> {
    pack::<kernels::NeonFloat>(plan, threads).map(Some)
}

#[cfg(target_arch = "aarch64")]
fn integer(plan: &FusionPlan, threads: Threads) -> TractResult<Box<dyn Program>> {
    if std::arch::is_aarch64_feature_detected!("dotprod") && is_left(Isa::Aarch64DotProd) {
        pack::<kernels::NeonDot>(plan, threads)
    } else {
        pack::<kernels::NeonInt>(plan, threads)
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn float(_: &FusionPlan, _: Threads) -> TractResult<Option<Box<dyn Program>>> {
    Ok(None)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn integer(plan: &FusionPlan, threads: Threads) -> TractResult<Box<dyn Program>> {
    pack::<PortableInt>(plan, threads)
}
