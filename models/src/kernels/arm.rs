//! Kernels for AArch64: NEON, which every such processor has, and the dot products of Armv8.2 (Cortex-A76 and later).

use super::layer::{Finish, sweep};
use super::{Kernel, Layer};
use std::arch::aarch64::*;
use std::arch::asm;
use std::ops::Range;

/// Float arithmetic with NEON: each product is added without rounding in between.
#[derive(Clone, Copy, Debug)]
pub struct NeonFloat;

/// Integer arithmetic with NEON: two pairs of s8 products are summed in 16 bits, exactly for weights from -127 to 127, and
/// then in 32 (`smull`, `smlal`, `sadalp`).
#[derive(Clone, Copy, Debug)]
pub struct NeonInt;

/// Integer arithmetic with `sdot`: four products to a lane.
#[derive(Clone, Copy, Debug)]
pub struct NeonDot;

// SAFETY: every method works on the memory it is given, as the trait names it.
unsafe impl Kernel for NeonFloat {
    type Value = f32;
    type Weight = f32;
    type Sum = f32;
    type Sums = float32x4_t;
    type Values = float32x4_t;
    type Weights = float32x4_t;

    const NAME: &'static str = "neon f32";
    const LANES: usize = 4;
    const GROUP: usize = 1;
    const VECTORS: usize = 4;
    const WHOLE: bool = false;

    #[inline(always)]
    unsafe fn start(from: *const f32) -> float32x4_t {
        // SAFETY: 4 sums are there.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn values(from: *const f32) -> float32x4_t {
        // SAFETY: a value is there.
        unsafe { vld1q_dup_f32(from) }
    }

    #[inline(always)]
    unsafe fn weights(from: *const f32) -> float32x4_t {
        // SAFETY: 4 weights are there.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn accumulate(sums: float32x4_t, values: float32x4_t, weights: float32x4_t) -> float32x4_t {
        // SAFETY: the processor has NEON.
        unsafe { vfmaq_f32(sums, values, weights) }
    }

    #[inline(always)]
    unsafe fn larger(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: the processor has NEON.
        unsafe { vmaxq_f32(a, b) }
    }

    #[inline(always)]
    unsafe fn finish(sums: float32x4_t, finish: &Finish, _: *const f32, addend: *const f32, to: *mut f32) {
        // SAFETY: 4 values are there, wherever a pointer is not null.
        unsafe {
            let sums = if addend.is_null() { sums } else { vaddq_f32(sums, vld1q_f32(addend)) };
            vst1q_f32(to, clamp(sums, finish.bounds));
        }
    }

    unsafe fn sweep(
        layer: &Layer<Self>,
        pixels: Range<usize>,
        input: *const f32,
        addend: *const f32,
        output: *mut f32,
    ) {
        // SAFETY: as the caller promises.
        unsafe { sweep(layer, pixels, input, addend, output) }
    }

    #[inline(always)]
    fn store(number: f32, _: i32) -> f32 {
        number
    }

    #[inline(always)]
    fn load(value: f32, _: i32) -> f32 {
        value
    }

    fn offset(_: i32) -> i32 {
        0
    }

    fn weight(value: f32) -> f32 {
        value
    }

    fn bias(bias: f64, _: i64) -> f32 {
        bias as f32
    }
}

#[inline(always)]
unsafe fn clamp(value: float32x4_t, (low, high): (f32, f32)) -> float32x4_t {
    // SAFETY: the processor has NEON.
    unsafe { vminq_f32(vmaxq_f32(value, vdupq_n_f32(low)), vdupq_n_f32(high)) }
}

/// Four integer output values, as [`super::portable::requantise`] computes one, written to `to`.
///
/// # Safety
/// The pointers point to 4 numbers each; `addend` may be null.
#[inline(always)]
unsafe fn finish_int(sums: int32x4_t, finish: &Finish, multipliers: *const f32, addend: *const i8, to: *mut i8) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut value = vmulq_f32(vcvtq_f32_s32(sums), vld1q_f32(multipliers));
        if let Some(add) = &finish.addition {
            let own = vrndnq_f32(clamp(value, add.own_bounds));
            let bytes = vreinterpret_s8_s32(vdup_n_s32(addend.cast::<i32>().read_unaligned()));
            let added = vmovl_s16(vget_low_s16(vmovl_s8(bytes)));
            let added = vcvtq_f32_s32(vsubq_s32(added, vdupq_n_s32(add.added_zero_point)));
            let own = vmulq_f32(own, vdupq_n_f32(add.own_scale));
            let added = vmulq_f32(added, vdupq_n_f32(add.added_scale));
            value = vdivq_f32(vaddq_f32(own, added), vdupq_n_f32(add.scale));
        }
        let whole = vaddq_s32(vcvtnq_s32_f32(clamp(value, finish.bounds)), vdupq_n_s32(finish.zero_point));
        let narrow = vqmovn_s16(vcombine_s16(vqmovn_s32(whole), vdup_n_s16(0)));
        to.cast::<i32>().write_unaligned(vget_lane_s32::<0>(vreinterpret_s32_s8(narrow)));
    }
}

macro_rules! int {
    ($kernel:ident, $name:literal, $features:literal, $values:ty, $load:expr, $dot:expr, $place:expr, $takes:expr) => {
        // SAFETY: every method works on the memory it is given, as the trait names it.
        unsafe impl Kernel for $kernel {
            type Value = i8;
            type Weight = i8;
            type Sum = i32;
            type Sums = int32x4_t;
            type Values = $values;
            type Weights = int8x16_t;

            const NAME: &'static str = $name;
            const LANES: usize = 4;
            const GROUP: usize = 4;
            const VECTORS: usize = 4;

            fn place(lane: usize, index: usize) -> usize {
                $place(lane, index)
            }

            #[inline(always)]
            unsafe fn start(from: *const i32) -> int32x4_t {
                // SAFETY: 4 sums are there.
                unsafe { vld1q_s32(from) }
            }

            #[inline(always)]
            unsafe fn values(from: *const i8) -> $values {
                // SAFETY: 4 values are there.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn weights(from: *const i8) -> int8x16_t {
                // SAFETY: 16 weights are there.
                unsafe { vld1q_s8(from) }
            }

            #[inline(always)]
            unsafe fn accumulate(sums: int32x4_t, values: $values, weights: int8x16_t) -> int32x4_t {
                // SAFETY: the processor has these instructions.
                unsafe { $dot(sums, values, weights) }
            }

            #[inline(always)]
            unsafe fn larger(a: int32x4_t, b: int32x4_t) -> int32x4_t {
                // SAFETY: the processor has NEON.
                unsafe { vmaxq_s32(a, b) }
            }

            #[inline(always)]
            unsafe fn finish(
                sums: int32x4_t,
                finish: &Finish,
                multipliers: *const f32,
                addend: *const i8,
                to: *mut i8,
            ) {
                // SAFETY: as the caller promises.
                unsafe { finish_int(sums, finish, multipliers, addend, to) }
            }

            unsafe fn sweep(
                layer: &Layer<Self>,
                pixels: Range<usize>,
                input: *const i8,
                addend: *const i8,
                output: *mut i8,
            ) {
                #[target_feature(enable = $features)]
                unsafe fn enabled(
                    layer: &Layer<$kernel>,
                    pixels: Range<usize>,
                    input: *const i8,
                    addend: *const i8,
                    output: *mut i8,
                ) {
                    // SAFETY: as the caller promises.
                    unsafe { sweep(layer, pixels, input, addend, output) }
                }
                // SAFETY: as the caller promises.
                unsafe { enabled(layer, pixels, input, addend, output) }
            }

            #[inline(always)]
            fn store(number: f32, _: i32) -> i8 {
                number as i8
            }

            #[inline(always)]
            fn load(value: i8, _: i32) -> f32 {
                f32::from(value)
            }

            fn takes(weight: f32) -> bool {
                $takes(weight)
            }

            fn offset(zero_point: i32) -> i32 {
                zero_point
            }

            fn weight(value: f32) -> i8 {
                value as i8
            }

            fn bias(bias: f64, correction: i64) -> i32 {
                (bias as i64 - correction) as i32
            }
        }
    };
}

/// Two pairs of values, each repeated for all lanes.
type Pairs = (int8x16_t, int8x16_t);

#[inline(always)]
unsafe fn load_pairs(from: *const i8) -> Pairs {
    // SAFETY: 4 values are there.
    unsafe {
        let pair = |at: usize| vreinterpretq_s8_s16(vdupq_n_s16(from.add(at).cast::<i16>().read_unaligned()));
        (pair(0), pair(2))
    }
}

#[inline(always)]
unsafe fn dot_pairs(sums: int32x4_t, (first, second): Pairs, weights: int8x16_t) -> int32x4_t {
    // SAFETY: the processor has NEON.
    unsafe {
        let products = vmull_s8(vget_low_s8(first), vget_low_s8(weights));
        vpadalq_s16(sums, vmlal_high_s8(products, second, weights))
    }
}

int!(
    NeonInt,
    "neon int8",
    "neon",
    Pairs,
    load_pairs,
    dot_pairs,
    |lane, index| index / 2 * 8 + lane * 2 + index % 2,
    |weight| weight > -128.0
);

#[inline(always)]
unsafe fn load_four(from: *const i8) -> int8x16_t {
    // SAFETY: 4 values are there.
    unsafe { vreinterpretq_s8_s32(vdupq_n_s32(from.cast::<i32>().read_unaligned())) }
}

/// `sdot`, whose intrinsic is not stable yet.
#[inline(always)]
unsafe fn dot_four(mut sums: int32x4_t, values: int8x16_t, weights: int8x16_t) -> int32x4_t {
    // SAFETY: the processor has the instruction; it works on registers alone.
    unsafe {
        asm!(
            "sdot {sums:v}.4s, {values:v}.16b, {weights:v}.16b",
            sums = inout(vreg) sums,
            values = in(vreg) values,
            weights = in(vreg) weights,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sums
}

int!(
    NeonDot,
    "neon dotprod int8",
    "neon,dotprod",
    int8x16_t,
    load_four,
    dot_four,
    |lane, index| lane * 4 + index,
    |_| true
);
