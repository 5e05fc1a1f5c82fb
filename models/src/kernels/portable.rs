//! The kernels in plain Rust, for every processor, and the integer arithmetic that all others follow.

use super::layer::{Finish, sweep};
use super::{Kernel, Layer};
use std::ops::Range;

const LANES: usize = 8;

/// Integer arithmetic: s8 values and weights, i32 sums.
#[derive(Clone, Copy, Debug)]
pub struct PortableInt;

/// Float arithmetic, each product and sum rounded by itself, which the other kernels do not do to products. Where there is neither AVX2 nor NEON on 64 bits, tract's own operators
/// do better.
#[cfg(any(test, target_arch = "x86_64"))]
#[derive(Clone, Copy, Debug)]
pub struct PortableFloat;

/// One integer output value from its sum, as all integer kernels compute it: the value counted from its zero point, a whole
/// number.
pub fn requantise(sum: i32, multiplier: f32, finish: &Finish, added: i32) -> f32 {
    let scaled = sum as f32 * multiplier;
    let value = match &finish.addition {
        None => scaled,
        Some(add) => {
            let own = scaled.max(add.own_bounds.0).min(add.own_bounds.1).round_ties_even();
            (own * add.own_scale + (added - add.added_zero_point) as f32 * add.added_scale) / add.scale
        }
    };
    value.max(finish.bounds.0).min(finish.bounds.1).round_ties_even()
}

// SAFETY: every method works on the memory it is given, as the trait names it.
unsafe impl Kernel for PortableInt {
    type Value = i8;
    type Weight = i8;
    type Sum = i32;
    type Sums = [i32; LANES];
    type Values = i8;
    type Weights = [i8; LANES];
    const NAME: &'static str = "portable int8";

    const LANES: usize = LANES;
    const GROUP: usize = 1;
    const VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn start(from: *const i32) -> [i32; LANES] {
        // SAFETY: LANES sums are there.
        unsafe { from.cast::<[i32; LANES]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn values(from: *const i8) -> i8 {
        // SAFETY: a value is there.
        unsafe { *from }
    }

    #[inline(always)]
    unsafe fn weights(from: *const i8) -> [i8; LANES] {
        // SAFETY: LANES weights are there.
        unsafe { from.cast::<[i8; LANES]>().read_unaligned() }
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
    unsafe fn finish(sums: [i32; LANES], finish: &Finish, multipliers: *const f32, addend: *const i8, to: *mut i8) {
        for (lane, sum) in sums.into_iter().enumerate() {
            // SAFETY: LANES numbers are there, wherever a pointer is not null.
            unsafe {
                let added = if addend.is_null() { 0 } else { i32::from(*addend.add(lane)) };
                let value = requantise(sum, *multipliers.add(lane), finish, added);
                *to.add(lane) = (value as i32 + finish.zero_point) as i8;
            }
        }
    }

    unsafe fn sweep(layer: &Layer<Self>, pixels: Range<usize>, input: *const i8, addend: *const i8, output: *mut i8) {
        // SAFETY: as the caller promises.
        unsafe { sweep(layer, pixels, input, addend, output) }
    }
    #[inline(always)]
    fn store(number: f32, _: i32) -> i8 {
        number as i8
    }

    #[inline(always)]
    fn load(value: i8, _: i32) -> f32 {
        f32::from(value)
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

#[cfg(any(test, target_arch = "x86_64"))]
// SAFETY: every method works on the memory it is given, as the trait names it.
unsafe impl Kernel for PortableFloat {
    type Value = f32;
    type Weight = f32;
    type Sum = f32;
    type Sums = [f32; LANES];
    type Values = f32;
    type Weights = [f32; LANES];
    const NAME: &'static str = "portable f32";

    const LANES: usize = LANES;
    const GROUP: usize = 1;
    const VECTORS: usize = 2;
    const WHOLE: bool = false;

    #[inline(always)]
    unsafe fn start(from: *const f32) -> [f32; LANES] {
        // SAFETY: LANES sums are there.
        unsafe { from.cast::<[f32; LANES]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn values(from: *const f32) -> f32 {
        // SAFETY: a value is there.
        unsafe { *from }
    }

    #[inline(always)]
    unsafe fn weights(from: *const f32) -> [f32; LANES] {
        // SAFETY: LANES weights are there.
        unsafe { from.cast::<[f32; LANES]>().read_unaligned() }
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
    unsafe fn finish(sums: [f32; LANES], finish: &Finish, _: *const f32, addend: *const f32, to: *mut f32) {
        for (lane, sum) in sums.into_iter().enumerate() {
            // SAFETY: LANES numbers are there, wherever a pointer is not null.
            unsafe {
                let added = if addend.is_null() { 0.0 } else { *addend.add(lane) };
                *to.add(lane) = (sum + added).max(finish.bounds.0).min(finish.bounds.1);
            }
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
