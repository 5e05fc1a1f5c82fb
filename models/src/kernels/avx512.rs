//! Kernels for x86-64 on vectors of 512 bits: AVX-512 with FMA, and the integer dot products of AVX-512 VNNI.

use super::epilogue::Epilogue;
use super::kernel::{Kernel, Tiled, Value, target_features};
use super::number_format::{BiasedU8, Float};
use std::arch::x86_64::*;
use std::ops::Range;

/// Float arithmetic with AVX-512: each product is added without rounding in between.
#[derive(Clone, Copy, Debug)]
pub struct Avx512Float;

/// Integer arithmetic with AVX-512 VNNI: `vpdpbusd` takes four u8 values, which are s8 values moved by 128, and four s8 weights to
/// a lane.
#[derive(Clone, Copy, Debug)]
pub struct Avx512Vnni;

// SAFETY: every method works on the memory it is given, as the trait names it.
unsafe impl Kernel for Avx512Float {
    type Format = Float;
    type Sums = __m512;
    type Values = __m512;
    type Weights = __m512;
    const NAME: &'static str = "avx512 f32";
    const LANES: usize = 16;
    const GROUP: usize = 1;
    const VECTORS: usize = 4;
    const WIDE_REGISTER_FILE: bool = true;

    target_features!("avx512f");

    #[inline(always)]
    unsafe fn values(from: *const f32) -> __m512 {
        // SAFETY: a value is there.
        unsafe { _mm512_set1_ps(*from) }
    }

    #[inline(always)]
    unsafe fn accumulate(sums: __m512, values: __m512, weights: __m512) -> __m512 {
        // SAFETY: the processor has AVX-512.
        unsafe { _mm512_fmadd_ps(values, weights, sums) }
    }

    #[inline(always)]
    unsafe fn larger(a: __m512, b: __m512) -> __m512 {
        // SAFETY: the processor has AVX-512.
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn finish(sums: __m512, epilogue: &Epilogue, _: *const f32, addend: *const f32, to: *mut f32) {
        // SAFETY: 16 values are there, wherever a pointer is not null.
        unsafe {
            let sums = if addend.is_null() { sums } else { _mm512_add_ps(sums, _mm512_loadu_ps(addend)) };
            _mm512_storeu_ps(to, clamp(sums, epilogue.bounds));
        }
    }
}

// SAFETY: every method works on the memory it is given, as the trait names it.
unsafe impl Kernel for Avx512Vnni {
    type Format = BiasedU8;
    type Sums = __m512i;
    type Values = __m512i;
    type Weights = __m512i;
    const NAME: &'static str = "avx512vnni int8";
    const LANES: usize = 16;
    const GROUP: usize = 4;
    const VECTORS: usize = 4;
    const WIDE_REGISTER_FILE: bool = true;

    target_features!("avx512f,avx512vnni");

    #[inline(always)]
    unsafe fn values(from: *const u8) -> __m512i {
        // SAFETY: 4 values are there.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn accumulate(sums: __m512i, values: __m512i, weights: __m512i) -> __m512i {
        // SAFETY: the processor has AVX-512 VNNI.
        unsafe { _mm512_dpbusd_epi32(sums, values, weights) }
    }

    #[inline(always)]
    unsafe fn larger(a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: the processor has AVX-512.
        unsafe { _mm512_max_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn finish(sums: __m512i, epilogue: &Epilogue, multipliers: *const f32, addend: *const u8, to: *mut u8) {
        // SAFETY: 16 numbers are there, wherever a pointer is not null.
        unsafe {
            let added = match addend.is_null() {
                true => _mm512_setzero_si512(),
                false => _mm512_cvtepu8_epi32(_mm_loadu_si128(addend.cast())),
            };
            let values = requantize(sums, multipliers, epilogue, added);
            _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(values));
        }
    }
}

/// Sixteen integer output values, as [`super::epilogue::requantize`] computes one.
///
/// # Safety
/// The processor has AVX-512; `multipliers` points to 16 numbers. `added` is 0 where nothing is added.
#[inline(always)]
unsafe fn requantize(sums: __m512i, multipliers: *const f32, epilogue: &Epilogue, added: __m512i) -> __m512i {
    // SAFETY: as the caller promises.
    unsafe {
        let mut value = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_loadu_ps(multipliers));
        if let Some(add) = &epilogue.residual {
            let own = clamp(value, add.own_bounds);
            let own = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(own);
            let added = _mm512_cvtepi32_ps(_mm512_sub_epi32(added, _mm512_set1_epi32(add.added_zero_point)));
            let own = _mm512_mul_ps(own, _mm512_set1_ps(add.own_scale));
            let added = _mm512_mul_ps(added, _mm512_set1_ps(add.added_scale));
            value = _mm512_div_ps(_mm512_add_ps(own, added), _mm512_set1_ps(add.scale));
        }
        _mm512_add_epi32(_mm512_cvtps_epi32(clamp(value, epilogue.bounds)), _mm512_set1_epi32(epilogue.zero_point))
    }
}

#[inline(always)]
unsafe fn clamp(value: __m512, (low, high): (f32, f32)) -> __m512 {
    // SAFETY: the processor has AVX-512.
    unsafe { _mm512_min_ps(_mm512_max_ps(value, _mm512_set1_ps(low)), _mm512_set1_ps(high)) }
}
