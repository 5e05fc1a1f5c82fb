//! How a kernel's numbers lie in memory, and what its products are summed in.

use std::fmt::Debug;

/// A kind of number that kernels compute with.
///
/// The numbers of a map are real ones for [`Float`], else whole ones from -128 to 127, which the integer formats keep in the way
/// that their instructions take. Larger numbers are larger in memory, too.
pub(crate) trait NumberFormat: Copy + Debug + Send + Sync + 'static {
    /// An activation in memory.
    type Value: Copy + Default + Send + Sync + Debug + PartialOrd;
    /// A weight in memory.
    type Weight: Copy + Default + Send + Sync + Debug;
    /// What products are summed in.
    type Sum: Copy + Default + Send + Sync + Debug;

    /// Whether sums are integers, which must stay within 32 bits.
    const IS_INTEGER: bool = true;

    /// What stands in memory for a map's number, given the map's zero point.
    fn store(number: f32, zero_point: i32) -> Self::Value;
    /// The number that stands in memory.
    fn load(value: Self::Value, zero_point: i32) -> f32;
    /// What stands in memory for real zero, given its zero point.
    fn zero(zero_point: i32) -> Self::Value {
        Self::store(zero_point as f32, zero_point)
    }
    /// The zero point as the sums see it: a sum is corrected by so much for each unit of weight.
    fn offset(zero_point: i32) -> i32;
    /// A weight from the layer's numbers.
    fn weight(value: f32) -> Self::Weight;
    /// The first sum: the bias less the correction.
    fn bias(bias: f64, correction: i64) -> Self::Sum;
}

/// Real numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Float;

impl NumberFormat for Float {
    type Value = f32;
    type Weight = f32;
    type Sum = f32;
    const IS_INTEGER: bool = false;

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

/// An integer format: its name, the types of value and weight, and how a value is stored, loaded and offset.
macro_rules! integer {
    ($(#[$doc:meta])* $name:ident, $value:ty, $weight:ty, $store:expr, $load:expr, $offset:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;

        impl NumberFormat for $name {
            type Value = $value;
            type Weight = $weight;
            type Sum = i32;

            #[inline(always)]
            fn store(number: f32, zero_point: i32) -> $value {
                $store(number, zero_point)
            }

            #[inline(always)]
            fn load(value: $value, zero_point: i32) -> f32 {
                $load(value, zero_point)
            }

            fn offset(zero_point: i32) -> i32 {
                $offset(zero_point)
            }

            fn weight(value: f32) -> $weight {
                value as $weight
            }

            fn bias(bias: f64, correction: i64) -> i32 {
                (bias as i64 - correction) as i32
            }
        }
    };
}

integer!(
    /// The numbers as they are.
    Int8, i8, i8, |number, _| number as i8, |value, _| f32::from(value), |zero_point| zero_point
);
#[cfg(target_arch = "x86_64")]
integer!(
    /// The numbers plus 128, for instructions that multiply unsigned by signed.
    BiasedU8, u8, i8, |number, _| (number as i32 + 128) as u8, |value, _| f32::from(value) - 128.0, |zero_point| zero_point + 128
);
#[cfg(target_arch = "x86_64")]
integer!(
    /// The numbers counted from the zero point, so that no sum needs a correction.
    CentredI16, i16, i16,
    |number, zero_point| (number as i32 - zero_point) as i16,
    |value, zero_point| (i32::from(value) + zero_point) as f32,
    |_| 0
);
