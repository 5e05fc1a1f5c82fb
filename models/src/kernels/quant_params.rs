//! Scale and zero point: how 8-bit numbers stand for real ones.

use crate::input::PixelMap;

/// Affine quantisation of one tensor to signed 8 bits: `real = (number - zero_point) * scale`.
#[derive(Clone, Copy, Debug)]
pub struct QuantParams {
    /// Distance of two neighbouring real values; above 0 and finite.
    pub scale: f32,
    /// The number that stands for 0.0, -128 to 127.
    pub zero_point: i32,
}

/// Smallest and largest number.
const RANGE: (i32, i32) = (-128, 127);

/// A narrower range is widened to this, so that a layer that is always silent still has a scale above 0.
const MIN_WIDTH: f32 = 1e-4;

impl QuantParams {
    /// For real values from `low` to `high`, widened to hold 0 and moved so that 0 is exact (Jacob et al. 2018, section 3).
    pub fn over(low: f32, high: f32) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let (smallest, largest) = (RANGE.0 as f32, RANGE.1 as f32);
        let scale = (high - low).max(MIN_WIDTH) / (largest - smallest);
        let zero_point = (smallest - low / scale).round_ties_even().clamp(smallest, largest);
        Self { scale, zero_point: zero_point as i32 }
    }

    /// For pixels: the number of each is its byte minus 128.
    pub fn of_pixels(map: PixelMap) -> Self {
        Self { scale: map.scale, zero_point: (map.offset - 128.0) as i32 }
    }

    /// For the same values with either sign.
    pub fn symmetric(self) -> Self {
        let (low, high) = self.bounds();
        let reach = high.max(-low) * self.scale;
        Self::over(-reach, reach)
    }

    /// Smallest and largest number, counted from the zero point.
    #[inline]
    pub fn bounds(self) -> (f32, f32) {
        ((RANGE.0 - self.zero_point) as f32, (RANGE.1 - self.zero_point) as f32)
    }

    /// The number for a real value: divided, rounded half to even, moved, saturated.
    #[inline]
    pub fn quantize(self, real: f32) -> f32 {
        let number = (real / self.scale).round_ties_even() + self.zero_point as f32;
        number.clamp(RANGE.0 as f32, RANGE.1 as f32)
    }

    /// The real value that a number stands for.
    #[inline]
    pub fn dequantize(self, number: f32) -> f32 {
        (number - self.zero_point as f32) * self.scale
    }

    /// The real value that is left of `real` after quantisation, as quantisation-aware training needs it.
    #[inline]
    pub fn fake_quantize(self, real: f32) -> f32 {
        let (low, high) = self.bounds();
        (real / self.scale).round_ties_even().clamp(low, high) * self.scale
    }

    /// Whether `real` is quantised without being saturated.
    #[inline]
    pub fn is_in_range(self, real: f32) -> bool {
        let (low, high) = self.bounds();
        let number = (real / self.scale).round_ties_even();
        number >= low && number <= high
    }
}

impl PartialEq for QuantParams {
    fn eq(&self, other: &Self) -> bool {
        (self.scale.to_bits(), self.zero_point) == (other.scale.to_bits(), other.zero_point)
    }
}

impl Eq for QuantParams {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_exact_and_the_ends_are_reached() {
        for (low, high) in [(-1.3, 2.0), (0.0, 6.0), (-4.0, -1.0), (0.0, 0.0), (-0.001, 900.0)] {
            let params = QuantParams::over(low, high);
            assert_eq!(params.fake_quantize(0.0), 0.0);
            let half = params.scale * 0.501;
            assert!((params.fake_quantize(low) - low).abs() <= half + params.scale * 0.5, "{low} to {high}");
            assert!((params.fake_quantize(high) - high).abs() <= half + params.scale * 0.5, "{low} to {high}");
        }
        assert_eq!(QuantParams::over(0.0, 6.0).zero_point, -128);
        assert_eq!(QuantParams::over(0.0, 6.0).symmetric().zero_point, 0);
    }

    #[test]
    fn halves_round_to_even_and_the_rest_saturates() {
        let params = QuantParams { scale: 0.5, zero_point: 100 };
        for (real, left) in [(0.25, 0.0), (0.75, 1.0), (1e9, 27.0 * 0.5), (-1e9, -228.0 * 0.5)] {
            assert_eq!(params.fake_quantize(real), left);
            assert_eq!(params.dequantize(params.quantize(real)), left);
        }
        assert!(params.is_in_range(13.7) && !params.is_in_range(13.8));
    }
}
