//! Kernels for x86-64 on vectors of 256 bits: AVX2 with FMA, and the integer dot products of AVX-VNNI.

use super::epilogue::Epilogue;
use super::kernel::{Kernel, Tiled, Value, accumulate_each, target_features};
use super::number_format::{BiasedU8, CentredI16, Float};
use std::arch::asm;
use std::arch::x86_64::*;
use std::ops::Range;

/// Float arithmetic with AVX2 and FMA: each product is added without rounding in between.
#[derive(Clone, Copy, Debug)]
pub struct Avx2Float;

/// Integer arithmetic with AVX2. Values and weights lie as 16 bits, values counted from their zero point, so that `vpmaddwd`
/// multiplies and adds pairs exactly.
#[derive(Clone, Copy, Debug)]
pub struct Avx2Int;

/// Integer arithmetic with AVX-VNNI: `vpdpbusd` takes four u8 values, which are s8 values moved by 128, and four s8 weights to a
/// lane.
#[derive(Clone, Copy, Debug)]
pub struct AvxVnni;

/// The same in AVX-512's encoding, so that tests can run it on processors that have only that.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub struct AvxVnniTwin;

// SAFETY: every method works on the memory it is given, as the trait names it.
unsafe impl Kernel for Avx2Float {
    type Format = Float;
    type Sums = __m256;
    type Values = __m256;
    type Weights = __m256;
    const NAME: &'static str = "avx2 f32";
    const LANES: usize = 8;
    const GROUP: usize = 1;
    const VECTORS: usize = 3;

    target_features!("avx2,fma");

    #[inline(always)]
    unsafe fn values(from: *const f32) -> __m256 {
        // SAFETY: a value is there.
        unsafe { _mm256_broadcast_ss(&*from) }
    }

    #[inline(always)]
    unsafe fn accumulate(sums: __m256, values: __m256, weights: __m256) -> __m256 {
        // SAFETY: the processor has FMA.
        unsafe { _mm256_fmadd_ps(values, weights, sums) }
    }

    #[inline(always)]
    unsafe fn accumulate_all<const V: usize>(
        sums: &mut [__m256; V],
        from: *const f32,
        weights: &[__m256; V],
        _: *const f32,
    ) {
        // SAFETY: as the caller promises; the instructions work on registers and the one value.
        unsafe {
            if let ([a, b, c], [first, second, third]) = (&mut sums[..], &weights[..]) {
                accumulate_three([a, b, c], from, [*first, *second, *third]);
            } else {
                accumulate_each::<Self, V>(sums, from, weights);
            }
        }
    }

    #[inline(always)]
    unsafe fn larger(a: __m256, b: __m256) -> __m256 {
        // SAFETY: the processor has AVX.
        unsafe { _mm256_max_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn finish(sums: __m256, epilogue: &Epilogue, _: *const f32, addend: *const f32, to: *mut f32) {
        // SAFETY: 8 values are there, wherever a pointer is not null.
        unsafe {
            let sums = if addend.is_null() { sums } else { _mm256_add_ps(sums, _mm256_loadu_ps(addend)) };
            let sums = _mm256_max_ps(sums, _mm256_set1_ps(epilogue.bounds.0));
            _mm256_storeu_ps(to, _mm256_min_ps(sums, _mm256_set1_ps(epilogue.bounds.1)));
        }
    }
}

/// One value times three vectors of weights. With twelve sums and three weights one register is left for the value; the compiler
/// would take two, and keep a sum in memory, which halves the speed.
///
/// # Safety
/// The processor has AVX2 and FMA; `from` points to a value.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn accumulate_three([a, b, c]: [&mut __m256; 3], from: *const f32, [first, second, third]: [__m256; 3]) {
    // SAFETY: it works on registers and on the one value.
    unsafe {
        asm!(
            "vbroadcastss {value}, dword ptr [{from}]",
            "vfmadd231ps {a}, {value}, {first}",
            "vfmadd231ps {b}, {value}, {second}",
            "vfmadd231ps {c}, {value}, {third}",
            value = out(ymm_reg) _,
            from = in(reg) from,
            a = inout(ymm_reg) *a,
            b = inout(ymm_reg) *b,
            c = inout(ymm_reg) *c,
            first = in(ymm_reg) first,
            second = in(ymm_reg) second,
            third = in(ymm_reg) third,
            options(pure, readonly, nostack, preserves_flags)
        );
    }
}

/// One pair of values times three vectors of weights, the third of them in memory: with twelve sums, two vectors of weights, the
/// values and their products, no register is left.
///
/// # Safety
/// The processor has AVX2; `from` points to two values, `third` to 16 weights.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn accumulate_three_pairs(
    [a, b, c]: [&mut __m256i; 3],
    from: *const i16,
    [first, second]: [__m256i; 2],
    third: *const i16,
) {
    // SAFETY: it works on registers and on the memory named.
    unsafe {
        asm!(
            "vpbroadcastd {values}, dword ptr [{from}]",
            "vpmaddwd {product}, {values}, {first}",
            "vpaddd {a}, {a}, {product}",
            "vpmaddwd {product}, {values}, {second}",
            "vpaddd {b}, {b}, {product}",
            "vpmaddwd {product}, {values}, ymmword ptr [{third}]",
            "vpaddd {c}, {c}, {product}",
            values = out(ymm_reg) _,
            product = out(ymm_reg) _,
            from = in(reg) from,
            third = in(reg) third,
            a = inout(ymm_reg) *a,
            b = inout(ymm_reg) *b,
            c = inout(ymm_reg) *c,
            first = in(ymm_reg) first,
            second = in(ymm_reg) second,
            options(pure, readonly, nostack, preserves_flags)
        );
    }
}

/// Eight integer output values, as [`super::epilogue::requantize`] computes one.
///
/// # Safety
/// The processor has AVX2; `multipliers` points to 8 numbers. `added` is 0 where nothing is added.
#[inline(always)]
unsafe fn requantize(sums: __m256i, multipliers: *const f32, epilogue: &Epilogue, added: __m256i) -> __m256i {
    // SAFETY: as the caller promises.
    unsafe {
        let mut value = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_loadu_ps(multipliers));
        if let Some(add) = &epilogue.residual {
            let own = clamp(value, add.own_bounds);
            let own = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(own);
            let added = _mm256_cvtepi32_ps(_mm256_sub_epi32(added, _mm256_set1_epi32(add.added_zero_point)));
            let own = _mm256_mul_ps(own, _mm256_set1_ps(add.own_scale));
            let added = _mm256_mul_ps(added, _mm256_set1_ps(add.added_scale));
            value = _mm256_div_ps(_mm256_add_ps(own, added), _mm256_set1_ps(add.scale));
        }
        _mm256_add_epi32(_mm256_cvtps_epi32(clamp(value, epilogue.bounds)), _mm256_set1_epi32(epilogue.zero_point))
    }
}

/// Eight values, each between the two bounds.
///
/// # Safety
/// The processor has AVX.
#[inline(always)]
unsafe fn clamp(value: __m256, (low, high): (f32, f32)) -> __m256 {
    // SAFETY: the processor has AVX.
    unsafe { _mm256_min_ps(_mm256_max_ps(value, _mm256_set1_ps(low)), _mm256_set1_ps(high)) }
}

// SAFETY: every method works on the memory it is given, as the trait names it.
unsafe impl Kernel for Avx2Int {
    type Format = CentredI16;
    type Sums = __m256i;
    type Values = __m256i;
    type Weights = __m256i;
    const NAME: &'static str = "avx2 int8";
    const LANES: usize = 8;
    const GROUP: usize = 2;
    const VECTORS: usize = 3;

    target_features!("avx2,fma");

    #[inline(always)]
    unsafe fn values(from: *const i16) -> __m256i {
        // SAFETY: 2 values are there.
        unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn accumulate(sums: __m256i, values: __m256i, weights: __m256i) -> __m256i {
        // SAFETY: the processor has AVX2.
        unsafe { _mm256_add_epi32(sums, _mm256_madd_epi16(values, weights)) }
    }

    #[inline(always)]
    unsafe fn accumulate_all<const V: usize>(
        sums: &mut [__m256i; V],
        from: *const i16,
        weights: &[__m256i; V],
        place: *const i16,
    ) {
        // SAFETY: as the caller promises; three vectors of 16 weights lie at `place`.
        unsafe {
            if let ([a, b, c], [first, second, _]) = (&mut sums[..], &weights[..]) {
                accumulate_three_pairs([a, b, c], from, [*first, *second], place.add(32));
            } else {
                accumulate_each::<Self, V>(sums, from, weights);
            }
        }
    }

    #[inline(always)]
    unsafe fn larger(a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: the processor has AVX2.
        unsafe { _mm256_max_epi32(a, b) }
    }

    #[inline(always)]
    unsafe fn finish(sums: __m256i, epilogue: &Epilogue, multipliers: *const f32, addend: *const i16, to: *mut i16) {
        // SAFETY: 8 numbers are there, wherever a pointer is not null.
        unsafe {
            let added = match addend.is_null() {
                true => _mm256_setzero_si256(),
                false => _mm256_cvtepi16_epi32(_mm_loadu_si128(addend.cast())),
            };
            let values = requantize(sums, multipliers, epilogue, added);
            // Within each half, then the halves side by side.
            let packed = _mm256_permute4x64_epi64::<0b1000>(_mm256_packs_epi32(values, values));
            _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(packed));
        }
    }
}

macro_rules! vnni {
    ($kernel:ident, $name:literal, $features:literal, $dot:ident) => {
        // SAFETY: every method works on the memory it is given, as the trait names it.
        unsafe impl Kernel for $kernel {
            type Format = BiasedU8;
            type Sums = __m256i;
            type Values = __m256i;
            type Weights = __m256i;
            const NAME: &'static str = $name;
            const LANES: usize = 8;
            const GROUP: usize = 4;
            const VECTORS: usize = 3;

            target_features!($features);

            #[inline(always)]
            unsafe fn values(from: *const u8) -> __m256i {
                // SAFETY: 4 values are there.
                unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
            }

            #[inline(always)]
            unsafe fn accumulate(sums: __m256i, values: __m256i, weights: __m256i) -> __m256i {
                // SAFETY: the processor has these instructions.
                unsafe { $dot(sums, values, weights) }
            }

            #[inline(always)]
            unsafe fn larger(a: __m256i, b: __m256i) -> __m256i {
                // SAFETY: the processor has AVX2.
                unsafe { _mm256_max_epi32(a, b) }
            }

            #[inline(always)]
            unsafe fn finish(
                sums: __m256i,
                epilogue: &Epilogue,
                multipliers: *const f32,
                addend: *const u8,
                to: *mut u8,
            ) {
                // SAFETY: 8 numbers are there, wherever a pointer is not null.
                unsafe {
                    let added = match addend.is_null() {
                        true => _mm256_setzero_si256(),
                        false => _mm256_cvtepu8_epi32(_mm_loadl_epi64(addend.cast())),
                    };
                    let values = requantize(sums, multipliers, epilogue, added);
                    let packed = _mm256_permute4x64_epi64::<0b1000>(_mm256_packs_epi32(values, values));
                    let packed = _mm_packus_epi16(_mm256_castsi256_si128(packed), _mm_setzero_si128());
                    _mm_storel_epi64(to.cast(), packed);
                }
            }
        }
    };
}

vnni!(AvxVnni, "avxvnni int8", "avx2,fma,avxvnni", _mm256_dpbusd_avx_epi32);
#[cfg(test)]
vnni!(AvxVnniTwin, "avx512vl int8", "avx2,fma,avx512f,avx512vl,avx512vnni", _mm256_dpbusd_epi32);
