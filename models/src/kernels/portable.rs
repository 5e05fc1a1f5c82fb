//! The kernels in plain Rust, for every processor; all others are tested against them.

use super::epilogue::{Epilogue, requantize};
use super::kernel::Kernel;
#[cfg(any(test, target_arch = "x86_64"))]
use super::number_format::Float;
use super::number_format::Int8;

const LANES: usize = 8;

/// Integer arithmetic: s8 values and weights, i32 sums.
#[derive(Clone, Copy, Debug)]
pub struct PortableInt;

/// Float arithmetic, each product and sum rounded by itself, which the other kernels do not do to products. Where there is neither
/// AVX2 nor NEON on 64 bits, tract's own operators do better.
#[cfg(any(test, target_arch = "x86_64"))]
#[derive(Clone, Copy, Debug)]
pub struct PortableFloat;

// SAFETY: every method works on the memory it is given, as the trait names it.
unsafe impl Kernel for PortableInt {
    type Format = Int8;
    type Sums = [i32; LANES];
    type Values = i8;
    type Weights = [i8; LANES];
    const NAME: &'static str = "portable int8";
    const LANES: usize = LANES;
    const GROUP: usize = 1;
    const VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn values(from: *const i8) -> i8 {
        // SAFETY: a value is there.
        unsafe { *from }
    }

    #[inline(always)]
    unsafe fn accumulate(mut sums: [i32; LANES], value: i8, weights: [i8; LANES]) -> [i32; LANES] {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum = sum.wrapping_add(i32::from(value) * i32::from(weight));
        }
        sums
    }

    #[inline(always)]
    unsafe fn larger(mut a: [i32; LANES], b: [i32; LANES]) -> [i32; LANES] {
        for (a, b) in a.iter_mut().zip(b) {
            *a = (*a).max(b);
        }
        a
    }

    #[inline(always)]
    unsafe fn finish(sums: [i32; LANES], epilogue: &Epilogue, multipliers: *const f32, addend: *const i8, to: *mut i8) {
        for (lane, sum) in sums.into_iter().enumerate() {
            // SAFETY: LANES numbers are there, wherever a pointer is not null.
            unsafe {
                let added = if addend.is_null() { 0 } else { i32::from(*addend.add(lane)) };
                let value = requantize(sum, *multipliers.add(lane), epilogue, added);
                *to.add(lane) = (value as i32 + epilogue.zero_point) as i8;
            }
        }
    }
}

#[cfg(any(test, target_arch = "x86_64"))]
// SAFETY: every method works on the memory it is given, as the trait names it.
unsafe impl Kernel for PortableFloat {
    type Format = Float;
    type Sums = [f32; LANES];
    type Values = f32;
    type Weights = [f32; LANES];
    const NAME: &'static str = "portable f32";
    const LANES: usize = LANES;
    const GROUP: usize = 1;
    const VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn values(from: *const f32) -> f32 {
        // SAFETY: a value is there.
        unsafe { *from }
    }

    #[inline(always)]
    unsafe fn accumulate(mut sums: [f32; LANES], value: f32, weights: [f32; LANES]) -> [f32; LANES] {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += value * weight;
        }
        sums
    }

    #[inline(always)]
    unsafe fn larger(mut a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        for (a, b) in a.iter_mut().zip(b) {
            *a = a.max(b);
        }
        a
    }

    #[inline(always)]
    unsafe fn finish(sums: [f32; LANES], epilogue: &Epilogue, _: *const f32, addend: *const f32, to: *mut f32) {
        for (lane, sum) in sums.into_iter().enumerate() {
            // SAFETY: LANES numbers are there, wherever a pointer is not null.
            unsafe {
                let added = if addend.is_null() { 0.0 } else { *addend.add(lane) };
                *to.add(lane) = (sum + added).max(epilogue.bounds.0).min(epilogue.bounds.1);
            }
        }
    }
}
