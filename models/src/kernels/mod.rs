//! Convolutions on small maps, in one sweep each: convolution, bias, requantisation, ReLU, and the residual addition and
//! the max-pooling that follow.
//!
//! A [`Layer`] holds weights packed once for one kind of [`Kernel`]; [`Layer::run`] goes over the output in tiles of a few
//! pixels and a few vectors of channels, and reads the input where it lies: nothing is copied, nothing allocated.
//!
//! In whole numbers every kernel gives the same, bit for bit. Floats are summed in one order: bias, then products by the kernel's
//! rows, columns and channels. Kernels with fused multiply-add equal each other bit for bit; the portable one rounds each product by
//! itself, and so differs from them by no more than the rounding of the sum.

#[cfg(target_arch = "aarch64")]
mod arm;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod geometry;
mod layer;
mod portable;
mod quant_params;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "aarch64")]
pub(crate) use arm::{NeonDot, NeonFloat, NeonInt};
use std::ops::Range;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::{Avx512Float, Avx512Vnni};
pub(crate) use geometry::{Map, POOLED, POOLED_SIDE, Places, TILE, Window};
pub(crate) use layer::{Addition, Finish, Layer, Numbers, SLACK};
#[cfg(any(test, target_arch = "x86_64"))]
pub(crate) use portable::PortableFloat;
pub(crate) use portable::PortableInt;
pub use quant_params::QuantParams;
#[cfg(all(test, target_arch = "x86_64"))]
pub(crate) use x86::AvxVnniTwin;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2Float, Avx2Int, AvxVnni};

/// The arithmetic of one instruction set on one kind of number.
///
/// A vector holds [`Kernel::LANES`] output channels. A step takes [`Kernel::GROUP`] neighbouring input values of one pixel
/// into all lanes at once.
///
/// # Safety
/// Implementors promise that their methods touch no memory but what their documentation names. Callers of the `unsafe`
/// methods promise that the processor has the instructions, and that the named memory is there.
pub(crate) unsafe trait Kernel: Copy + std::fmt::Debug + Send + Sync + 'static {
    /// An activation as it lies in memory, where larger numbers are larger, too.
    type Value: Copy + Default + Send + Sync + std::fmt::Debug + PartialOrd;
    /// A weight as it lies in memory.
    type Weight: Copy + Default + Send + Sync + std::fmt::Debug;
    /// What products are summed in.
    type Sum: Copy + Default + Send + Sync + std::fmt::Debug;
    /// A vector of sums.
    type Sums: Copy;
    /// A group of values, repeated for all lanes.
    type Values: Copy;
    /// A group of weights for each lane.
    type Weights: Copy;

    /// The kernel's name, such as `avx2 int8`.
    const NAME: &'static str;
    /// Channels of a vector.
    const LANES: usize;
    /// Values of a step.
    const GROUP: usize;
    /// Most vectors of channels computed together.
    const VECTORS: usize;
    /// Whether registers hold 24 vectors of sums beside what is multiplied, not 12 to 16.
    const MANY: bool = false;
    /// Whether it computes with whole numbers, whose sums must stay within 32 bits.
    const WHOLE: bool = true;

    /// Place of value `index` of a group for `lane` among a vector's `LANES * GROUP` weights.
    fn place(lane: usize, index: usize) -> usize {
        lane * Self::GROUP + index
    }

    /// Loads `LANES` sums.
    ///
    /// # Safety
    /// As the trait says; `from` points to `LANES` sums.
    unsafe fn start(from: *const Self::Sum) -> Self::Sums;
    /// Loads a group of values.
    ///
    /// # Safety
    /// As the trait says; `from` points to `GROUP` values.
    unsafe fn values(from: *const Self::Value) -> Self::Values;
    /// Loads a group of weights for each lane.
    ///
    /// # Safety
    /// As the trait says; `from` points to `LANES * GROUP` weights.
    unsafe fn weights(from: *const Self::Weight) -> Self::Weights;
    /// Adds the products of a group.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn accumulate(sums: Self::Sums, values: Self::Values, weights: Self::Weights) -> Self::Sums;
    /// Adds the products of the group at `from` with the weights of `V` vectors, which lie one after the other at `place`.
    ///
    /// # Safety
    /// As the trait says; `from` points to `GROUP` values, `place` to `V * LANES * GROUP` weights.
    #[inline(always)]
    unsafe fn accumulate_all<const V: usize>(
        sums: &mut [Self::Sums; V],
        from: *const Self::Value,
        weights: &[Self::Weights; V],
        _place: *const Self::Weight,
    ) {
        // SAFETY: as the caller promises.
        unsafe {
            let values = Self::values(from);
            for (sum, &weights) in sums.iter_mut().zip(weights) {
                *sum = Self::accumulate(*sum, values, weights);
            }
        }
    }
    /// The larger of each two sums.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn larger(a: Self::Sums, b: Self::Sums) -> Self::Sums;
    /// Turns sums into `LANES` output values and writes them to `to`; `multipliers` points to one for each lane, `addend` to the
    /// values that are added or is null.
    ///
    /// # Safety
    /// As the trait says; the pointers point to `LANES` numbers each.
    unsafe fn finish(
        sums: Self::Sums,
        finish: &Finish,
        multipliers: *const f32,
        addend: *const Self::Value,
        to: *mut Self::Value,
    );
    /// Computes some output pixels of `layer`, counted row by row, with the instructions of this kernel enabled.
    ///
    /// # Safety
    /// As the trait says; the buffers are as [`Layer::run`] checks.
    unsafe fn sweep(
        layer: &Layer<Self>,
        pixels: Range<usize>,
        input: *const Self::Value,
        addend: *const Self::Value,
        output: *mut Self::Value,
    );

    /// What stands in memory for a map's number, given the map's zero point: a real number for float kernels, a whole one
    /// from -128 to 127 for integer kernels.
    fn store(number: f32, zero_point: i32) -> Self::Value;
    /// The number that stands in memory.
    fn load(value: Self::Value, zero_point: i32) -> f32;
    /// What stands in memory for real zero, given its zero point.
    fn zero(zero_point: i32) -> Self::Value {
        Self::store(zero_point as f32, zero_point)
    }
    /// What a zero weight sum must be corrected by for each unit of weight: the number that stands for real zero.
    fn offset(zero_point: i32) -> i32;
    /// Whether sums with this weight are exact.
    fn takes(_weight: f32) -> bool {
        true
    }
    /// A weight from the layer's numbers.
    fn weight(value: f32) -> Self::Weight;
    /// A first sum from the layer's numbers.
    fn bias(bias: f64, correction: i64) -> Self::Sum;
}
