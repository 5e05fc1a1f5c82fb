//! Runs of convolutions as one operator each: a pass over tract's graph that puts our [`crate::kernels`] in the place of
//! convolutions, their activations, residual additions and poolings.
//!
//! [`pass`] finds the runs and writes them as a [`plan`]; [`program`] packs a plan for the kernel of this processor; [`op`]
//! is what tract runs.

mod op;
mod pass;
mod plan;
mod program;

use crate::kernels;
use tract_core::prelude::{TractResult, TypedModel};

/// Replaces runs of convolutions in `model`, a graph before decluttering, by our operators, where this processor has kernels
/// that are faster than the engine's own.
///
/// # Errors
/// A graph that contradicts itself.
pub fn fuse(model: TypedModel) -> TractResult<TypedModel> {
    match float_kernel() {
        Some(pack) => pass::fuse(model, pack),
        None => Ok(model),
    }
}

#[cfg(target_arch = "x86_64")]
fn float_kernel() -> Option<pass::Packer> {
    let there = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    there.then_some(program::pack::<kernels::Avx2Float>)
}

#[cfg(target_arch = "aarch64")]
fn float_kernel() -> Option<pass::Packer> {
    Some(program::pack::<kernels::NeonFloat>)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn float_kernel() -> Option<pass::Packer> {
    None
}
