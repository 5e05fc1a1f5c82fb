//! Convolutions on small maps, each with bias, requantisation, ReLU, residual addition and max-pooling in one pass.
//!
//! A [`Layer`] holds weights packed once for one [`Kernel`]; [`Layer::run`] goes over the output in tiles of a few
//! pixels and a few vectors of channels, and reads the input where it lies: nothing is copied, nothing allocated.
//!
//! In whole numbers every kernel gives the same, bit for bit. Floats are summed in one order: bias, then products by the kernel's
//! rows, columns and channels. Kernels with fused multiply-add equal each other bit for bit; the portable one rounds each product by
//! itself, and so differs from them by no more than the rounding of the sum.

#[cfg(target_arch = "aarch64")]
mod arm;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod epilogue;
mod geometry;
mod kernel;
mod layer;
mod number_format;
mod portable;
mod quant_params;
#[cfg(test)]
mod tests;
mod tiles;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "aarch64")]
pub(crate) use arm::{NeonDot, NeonFloat, NeonInt};
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::{Avx512Float, Avx512Vnni};
pub(crate) use epilogue::{Epilogue, ResidualAdd};
pub(crate) use geometry::{Map, Window};
pub(crate) use kernel::{Kernel, Value};
pub(crate) use layer::{BUFFER_PADDING, Layer, Numbers};
pub(crate) use number_format::NumberFormat;
#[cfg(any(test, target_arch = "x86_64"))]
pub(crate) use portable::PortableFloat;
pub(crate) use portable::PortableInt;
pub use quant_params::QuantParams;
#[cfg(all(test, target_arch = "x86_64"))]
pub(crate) use x86::AvxVnniTwin;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2Float, Avx2Int, AvxVnni};
