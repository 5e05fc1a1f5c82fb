//! Kernels for AArch64: NEON, which every such processor has, and the dot products of Armv8.2 (Cortex-A76 and later).

use super::epilogue::Epilogue;
use super::kernel::{Kernel, Tiled, Value, target_features};
use super::number_format::{Float, Int8};
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
    type Format = Float;
    type Sums = float32x4_t;
    type Values = float32x4_t;
    type Weights = float32x4_t;

    const NAME: &'static str = "neon f32";
    const LANES: usize = 4;
    const GROUP: usize = 1;
    const VECTORS: usize = 4;

    #[inline(always)]
    unsafe fn values(from: *const f32) -> float32x4_t {
        // SAFETY: a value is there.
        unsafe { vld1q_dup_f32(from) }
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
    unsafe fn finish(sums: float32x4_t, epilogue: &Epilogue, _: *const f32, addend: *const f32, to: *mut f32) {
        // SAFETY: 4 values are there, wherever a pointer is not null.
        unsafe {
            let sums = if addend.is_null() { sums } else { vaddq_f32(sums, vld1q_f32(addend)) };
            vst1q_f32(to, clamp(sums, epilogue.bounds));
        }
    }
}

#[inline(always)]
unsafe fn clamp(value: float32x4_t, (low, high): (f32, f32)) -> float32x4_t {
    // SAFETY: the processor has NEON.
    unsafe { vminq_f32(vmaxq_f32(value, vdupq_n_f32(low)), vdupq_n_f32(high)) }
}

/// Four integer output values, as [`super::epilogue::requantize`] computes one, written to `to`.
///
/// # Safety
/// The pointers point to 4 numbers each; `addend` may be null.
#[inline(always)]
unsafe fn finish_int(sums: int32x4_t, epilogue: &Epilogue, multipliers: *const f32, addend: *const i8, to: *mut i8) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut value = vmulq_f32(vcvtq_f32_s32(sums), vld1q_f32(multipliers));
        if let Some(add) = &epilogue.residual {
            let own = vrndnq_f32(clamp(value, add.own_bounds));
            let bytes = vreinterpret_s8_s32(vdup_n_s32(addend.cast::<i32>().read_unaligned()));
            let added = vmovl_s16(vget_low_s16(vmovl_s8(bytes)));
            let added = vcvtq_f32_s32(vsubq_s32(added, vdupq_n_s32(add.added_zero_point)));
            let own = vmulq_f32(own, vdupq_n_f32(add.own_scale));
            let added = vmulq_f32(added, vdupq_n_f32(add.added_scale));
            value = vdivq_f32(vaddq_f32(own, added), vdupq_n_f32(add.scale));
        }
        let whole = vaddq_s32(vcvtnq_s32_f32(clamp(value, epilogue.bounds)), vdupq_n_s32(epilogue.zero_point));
        let narrow = vqmovn_s16(vcombine_s16(vqmovn_s32(whole), vdup_n_s16(0)));
        to.cast::<i32>().write_unaligned(vget_lane_s32::<0>(vreinterpret_s32_s8(narrow)));
    }
}

// SAFETY: every method works on the memory it is given, as the trait names it.
unsafe impl Kernel for NeonInt {
    type Format = Int8;
    type Sums = int32x4_t;
    /// Two pairs of values, each repeated for all lanes.
    type Values = (int8x16_t, int8x16_t);
    type Weights = int8x16_t;
    const NAME: &'static str = "neon int8";
    const LANES: usize = 4;
    const GROUP: usize = 4;
    const VECTORS: usize = 4;

    fn place(lane: usize, index: usize) -> usize {
        index / 2 * 8 + lane * 2 + index % 2
    }

    fn takes(weight: f32) -> bool {
        weight > -128.0
    }

    #[inline(always)]
    unsafe fn values(from: *const i8) -> Self::Values {
        // SAFETY: 4 values are there.
        unsafe {
            let pair = |at: usize| vreinterpretq_s8_s16(vdupq_n_s16(from.add(at).cast::<i16>().read_unaligned()));
            (pair(0), pair(2))
        }
    }

    #[inline(always)]
    unsafe fn accumulate(sums: int32x4_t, (first, second): Self::Values, weights: int8x16_t) -> int32x4_t {
        // SAFETY: the processor has NEON.
        unsafe {
            let products = vmull_s8(vget_low_s8(first), vget_low_s8(weights));
            vpadalq_s16(sums, vmlal_high_s8(products, second, weights))
        }
    }

    #[inline(always)]
    unsafe fn larger(a: int32x4_t, b: int32x4_t) -> int32x4_t {
        // SAFETY: the processor has NEON.
        unsafe { vmaxq_s32(a, b) }
    }

    #[inline(always)]
    unsafe fn finish(sums: int32x4_t, epilogue: &Epilogue, multipliers: *const f32, addend: *const i8, to: *mut i8) {
        // SAFETY: as the caller promises.
        unsafe { finish_int(sums, epilogue, multipliers, addend, to) }
    }
}

// SAFETY: every method works on the memory it is given, as the trait names it.
unsafe impl Kernel for NeonDot {
    type Format = Int8;
    type Sums = int32x4_t;
    type Values = int8x16_t;
    type Weights = int8x16_t;
    const NAME: &'static str = "neon dotprod int8";
    const LANES: usize = 4;
    const GROUP: usize = 4;
    const VECTORS: usize = 4;

    target_features!("neon,dotprod");

    #[inline(always)]
    unsafe fn values(from: *const i8) -> int8x16_t {
        // SAFETY: 4 values are there.
        unsafe { vreinterpretq_s8_s32(vdupq_n_s32(from.cast::<i32>().read_unaligned())) }
    }

    /// `sdot`, whose intrinsic is not stable yet.
    #[inline(always)]
    unsafe fn accumulate(mut sums: int32x4_t, values: int8x16_t, weights: int8x16_t) -> int32x4_t {
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

    #[inline(always)]
    unsafe fn larger(a: int32x4_t, b: int32x4_t) -> int32x4_t {
        // SAFETY: the processor has NEON.
        unsafe { vmaxq_s32(a, b) }
    }

    #[inline(always)]
    unsafe fn finish(sums: int32x4_t, epilogue: &Epilogue, multipliers: *const f32, addend: *const i8, to: *mut i8) {
        // SAFETY: as the caller promises.
        unsafe { finish_int(sums, epilogue, multipliers, addend, to) }
    }
}
