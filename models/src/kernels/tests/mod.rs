//! Every kernel of this processor against the definition of a convolution, written as plain loops. Each says that it was checked: a
//! test passes where the processor lacks the instructions, too.
#![allow(clippy::unwrap_used)]

mod case;
mod literal;
mod reference;

use super::*;
use case::draw;

const CASES: u64 = 400;

/// Integer kernels give the very numbers of the definition. `store` and `load` turn a number into what lies in memory and back,
/// given the zero point.
fn check_int<K: Kernel>(store: impl Fn(f32, i32) -> Value<K> + Copy, load: impl Fn(Value<K>, i32) -> f32 + Copy) {
    let least_weight = if K::takes(-128.0) { -128 } else { -127 };
    for seed in 0..CASES {
        let case = draw(seed, true, least_weight);
        let (expected, computed) = (case.numbers(), case.computed::<K>(store, load));
        let differing = expected.iter().zip(&computed).find(|(a, b)| a != b);
        assert!(differing.is_none() && expected.len() == computed.len(), "seed {seed}: {differing:?} {case:?}");
    }
    literal::check::<K>(store, load);
    println!("{}: checked", K::NAME);
}

/// Float kernels stay within what rounding explains, and each gives exactly what its way of adding products gives: those with
/// `fused` multiply-add all the same. Zeros of either sign count as one number: which of them a maximum of both is, no standard says.
fn check_float<K: Kernel<Format: NumberFormat<Value = f32>>>(fused: bool) {
    for seed in 0..CASES {
        let case = draw(seed, false, 0);
        let computed = case.computed::<K>(|value, _| value, |value, _| value);
        assert!(case.chained(fused) == computed, "seed {seed}: {case:?}");
        let near = |(exact, &value): (reference::Exact, &f32)| (f64::from(value) - exact.value).abs() <= exact.error;
        assert!(case.exact().into_iter().zip(&computed).all(near), "seed {seed}: {case:?}");
    }
    println!("{}: checked", K::NAME);
}

#[test]
fn portable_integers() {
    check_int::<PortableInt>(|value, _| value as i8, |value, _| f32::from(value));
}

#[test]
fn portable_floats() {
    check_float::<PortableFloat>(false);
}

/// An output of one row and one column less than the input's has 3x3 windows that reach outside on one side alone: at the beginning
/// or at the end.
#[test]
fn windows_past_the_border_are_refused() {
    let plain = |case: &case::Case| case.window.kernel == [3, 3] && case.window.stride == [1, 1] && !case.window.pool;
    let mut case = (0..).map(|seed| draw(seed, true, -128)).find(plain).unwrap();
    let Map { height, width, .. } = case.input;
    (case.output, case.addend, case.residual) =
        (Map { height: height - 1, width: width - 1, ..case.output }, None, None);
    for pad in [[1, 1], [0, 0]] {
        case.window.pad = pad;
        case.input.border = 1;
        assert!(case.layer::<PortableInt>().is_some(), "{pad:?}");
        case.input.border = 0;
        assert!(case.layer::<PortableInt>().is_none(), "{pad:?}");
    }
}

/// Only whole numbers have an end: a float may be any size.
#[test]
fn whole_sums_that_could_overflow_are_refused() {
    let (mut whole, mut float) = (draw(1, true, -128), draw(1, false, 0));
    (whole.biases[0], float.biases[0]) = (2_147_483_000.0, 2_147_483_000.0);
    assert!(whole.layer::<PortableInt>().is_none() && float.layer::<PortableFloat>().is_some());
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;

    #[test]
    fn avx2() {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            check_float::<Avx2Float>(true);
            check_int::<Avx2Int>(
                |value, zero| (value as i32 - zero) as i16,
                |value, zero| (i32::from(value) + zero) as f32,
            );
        }
    }

    // Nearly no processor has all of these; tests/vnni runs them on an emulated one.
    #[test]
    fn avx512() {
        if is_x86_feature_detected!("avx512f") {
            check_float::<Avx512Float>(true);
        }
    }

    #[test]
    fn vnni() {
        let (store, load) = (|value, _| (value as i32 + 128) as u8, |value, _| f32::from(value) - 128.0);
        if is_x86_feature_detected!("avx512vnni") {
            check_int::<Avx512Vnni>(store, load);
        }
        // AVX-VNNI's arithmetic in AVX-512's encoding, for processors that have only that.
        if is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512vl") {
            check_int::<AvxVnniTwin>(store, load);
        }
        if is_x86_feature_detected!("avxvnni") {
            check_int::<AvxVnni>(store, load);
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use super::*;

    #[test]
    fn neon() {
        check_float::<NeonFloat>(true);
        check_int::<NeonInt>(|value, _| value as i8, |value, _| f32::from(value));
    }

    #[test]
    fn dot() {
        if std::arch::is_aarch64_feature_detected!("dotprod") {
            check_int::<NeonDot>(|value, _| value as i8, |value, _| f32::from(value));
        }
    }

    /// Its sums of two products have 16 bits, and twice -128 times -128 needs 17.
    #[test]
    fn neon_refuses_the_weight_that_could_overflow() {
        let mut case = draw(1, true, -127);
        assert!(case.layer::<NeonInt>().is_some());
        case.weights[0] = -128.0;
        assert!(case.layer::<NeonInt>().is_none() && case.layer::<NeonDot>().is_some());
    }
}
