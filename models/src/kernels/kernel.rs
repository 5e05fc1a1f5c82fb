//! What a kernel is: one instruction set's way to multiply and add one kind of number.

use super::epilogue::Epilogue;
use super::number_format::NumberFormat;
use std::fmt::Debug;
use std::ops::Range;

/// An activation of the kernel `K` in memory.
pub(crate) type Value<K> = <<K as Kernel>::Format as NumberFormat>::Value;
/// A weight of the kernel `K` in memory.
pub(crate) type Weight<K> = <<K as Kernel>::Format as NumberFormat>::Weight;
/// What products of the kernel `K` are summed in.
pub(crate) type Sum<K> = <<K as Kernel>::Format as NumberFormat>::Sum;

/// One instruction set on one kind of number.
///
/// A vector holds [`Kernel::LANES`] output channels. A step takes [`Kernel::GROUP`] neighbouring input values of one pixel
/// into all lanes at once.
///
/// # Safety
/// Implementors promise that their methods touch no memory but what their documentation names. Callers of the `unsafe`
/// methods promise that the processor has the instructions, and that the named memory is there.
pub(crate) unsafe trait Kernel: Copy + Debug + Send + Sync + 'static {
    /// How its numbers lie in memory.
    type Format: NumberFormat;
    /// A vector of `LANES` sums, as they lie in memory.
    type Sums: Copy;
    /// A group of values, repeated for all lanes.
    type Values: Copy;
    /// A group of weights for each lane, as they lie in memory.
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
    const WIDE_REGISTER_FILE: bool = false;

    /// Place of value `index` of a group for `lane` among a vector's `LANES * GROUP` weights.
    fn place(lane: usize, index: usize) -> usize {
        lane * Self::GROUP + index
    }
    /// Whether sums with this weight are exact.
    fn takes(_weight: f32) -> bool {
        true
    }

    /// Loads a group of values.
    ///
    /// # Safety
    /// As the trait says; `from` points to `GROUP` values.
    unsafe fn values(from: *const Value<Self>) -> Self::Values;
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
        from: *const Value<Self>,
        weights: &[Self::Weights; V],
        _place: *const Weight<Self>,
    ) {
        // SAFETY: as the caller promises.
        unsafe { accumulate_each::<Self, V>(sums, from, weights) }
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
        epilogue: &Epilogue,
        multipliers: *const f32,
        addend: *const Value<Self>,
        to: *mut Value<Self>,
    );

    /// [`Tiled::run_tiles`] with the instructions of this kernel enabled; see [`target_features`].
    ///
    /// # Safety
    /// As the trait says, and as there.
    unsafe fn run_tiles(
        layer: &impl Tiled<Self>,
        pixels: Range<usize>,
        input: *const Value<Self>,
        addend: *const Value<Self>,
        output: *mut Value<Self>,
    ) {
        // SAFETY: as the caller promises.
        unsafe { layer.run_tiles(pixels, input, addend, output) }
    }
}

/// [`Kernel::accumulate_all`], vector by vector.
///
/// # Safety
/// As there.
#[inline(always)]
pub(super) unsafe fn accumulate_each<K: Kernel, const V: usize>(
    sums: &mut [K::Sums; V],
    from: *const Value<K>,
    weights: &[K::Weights; V],
) {
    // SAFETY: as the caller promises.
    unsafe {
        let values = K::values(from);
        for (sum, &weights) in sums.iter_mut().zip(weights) {
            *sum = K::accumulate(*sum, values, weights);
        }
    }
}

/// What a kernel computes.
pub(crate) trait Tiled<K: Kernel> {
    /// Computes some output pixels, counted row by row. Inlined where it is called, so that it is compiled for the caller's
    /// instructions.
    ///
    /// # Safety
    /// As [`Kernel`] says; the buffers are as the implementation says.
    unsafe fn run_tiles(
        &self,
        pixels: Range<usize>,
        input: *const Value<K>,
        addend: *const Value<K>,
        output: *mut Value<K>,
    );
}

/// [`Kernel::run_tiles`] for instructions that not every processor of the architecture has.
macro_rules! target_features {
    ($features:literal) => {
        unsafe fn run_tiles(
            layer: &impl Tiled<Self>,
            pixels: Range<usize>,
            input: *const Value<Self>,
            addend: *const Value<Self>,
            output: *mut Value<Self>,
        ) {
            #[target_feature(enable = $features)]
            unsafe fn enabled<K: Kernel>(
                layer: &impl Tiled<K>,
                pixels: Range<usize>,
                input: *const Value<K>,
                addend: *const Value<K>,
                output: *mut Value<K>,
            ) {
                // SAFETY: as the caller promises.
                unsafe { layer.run_tiles(pixels, input, addend, output) }
            }
            // SAFETY: as the caller promises.
            unsafe { enabled::<Self>(layer, pixels, input, addend, output) }
        }
    };
}
pub(super) use target_features;
