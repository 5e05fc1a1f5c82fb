//! What a convolution means, written from the documentation with plain loops. Nothing here calls the kernels' own code, so that a
//! mistake there cannot stand in what it is held against.

use super::case::Case;

/// A float output value as it would be without rounding, and how far rounding every product and every sum may lead from it.
#[derive(Clone, Copy)]
pub struct Exact {
    pub value: f64,
    pub error: f64,
}

impl Case {
    /// Numbers of the output map without border: the sum in whole numbers, converted to f32 and multiplied by its channel's
    /// multiplier, rounded half to even, moved by the zero point, kept within 8 bits. With a residual addition that is the
    /// convolution's own output, and the sum of the two real values, divided by the sum's scale, is rounded the same way.
    pub fn numbers(&self) -> Vec<f32> {
        self.outputs(|y, x, channel, added| {
            let product = |(value, weight): (f32, f32)| (value as i64 - i64::from(self.input_zero)) * weight as i64;
            let sum = self.biases[channel] as i64 + self.products(y, x, channel).map(product).sum::<i64>();
            let sum = i32::try_from(sum).expect("a sum of 32 bits") as f32;
            let scaled = sum * self.multipliers[channel];
            let value = match self.residual {
                None => scaled,
                Some(residual) => {
                    let own = number(scaled, residual.own_zero) - residual.own_zero;
                    let added = added as i32 - residual.added_zero;
                    (own as f32 * residual.own_scale + added as f32 * residual.added_scale) / residual.scale
                }
            };
            let number = number(value, self.output_zero);
            if self.relu { number.max(self.output_zero) as f32 } else { number as f32 }
        })
        .into_iter()
        .map(|of_pixel| of_pixel.into_iter().fold(f32::NEG_INFINITY, f32::max))
        .collect()
    }

    /// Values of the output map, computed in f32 in the kernels' order: the bias, then the products row by row, column by column,
    /// channel by channel, each added without rounding in between (`fused`) or not.
    pub fn chained(&self, fused: bool) -> Vec<f32> {
        self.outputs(|y, x, channel, added| {
            let add = |sum: f32, (value, weight): (f32, f32)| {
                if fused { value.mul_add(weight, sum) } else { sum + value * weight }
            };
            let sum = self.products(y, x, channel).fold(self.biases[channel] as f32, add);
            let sum = if self.addend.is_some() { sum + added } else { sum };
            if self.relu { sum.max(0.0) } else { sum }
        })
        .into_iter()
        .map(|of_pixel| of_pixel.into_iter().fold(f32::NEG_INFINITY, f32::max))
        .collect()
    }

    /// The same in f64. A sum of n products is off by at most n + 1 roundings of 2^-24 of all sizes together, as often again where
    /// products are rounded too, and by half the smallest subnormal where one underflows.
    pub fn exact(&self) -> Vec<Exact> {
        self.outputs(|y, x, channel, added| {
            let added = f64::from(added);
            let (mut value, mut size, mut roundings) = (self.biases[channel] + added, 0.0, 2.0);
            size += self.biases[channel].abs() + added.abs();
            for (from, weight) in self.products(y, x, channel) {
                let product = f64::from(from) * f64::from(weight);
                (value, size, roundings) = (value + product, size + product.abs(), roundings + 2.0);
            }
            let error = roundings * (size * 1.01 * 2f64.powi(-24) + 2f64.powi(-149));
            Exact { value: if self.relu { value.max(0.0) } else { value }, error }
        })
        .into_iter()
        .map(|of_pixel| {
            let largest = |a: Exact, b: Exact| Exact { value: a.value.max(b.value), error: a.error.max(b.error) };
            of_pixel.into_iter().reduce(largest).expect("one window or four")
        })
        .collect()
    }

    /// For each output value what the windows it is made of give, each with what is added to it: one, or four where the largest is
    /// kept.
    fn outputs<T>(&self, window: impl Fn(usize, usize, usize, f32) -> T) -> Vec<Vec<T>> {
        let added = |y: usize, x: usize, channel: usize| {
            self.addend.map_or(0.0, |map| self.added[(y * map.width + x) * map.channels + channel])
        };
        let window = |y, x, channel| window(y, x, channel, added(y, x, channel));
        let mut outputs = Vec::new();
        for y in 0..self.output.height {
            for x in 0..self.output.width {
                for channel in 0..self.output.channels {
                    outputs.push(match self.window.pool {
                        false => vec![window(y, x, channel)],
                        true => [(0, 0), (0, 1), (1, 0), (1, 1)]
                            .map(|(dy, dx)| window(2 * y + dy, 2 * x + dx, channel))
                            .into(),
                    });
                }
            }
        }
        outputs
    }

    /// The values under a window, each with its weight; outside the input lies what stands for real zero.
    fn products(&self, y: usize, x: usize, channel: usize) -> impl Iterator<Item = (f32, f32)> {
        let ([rows, columns], [down, right], pad) = (self.window.kernel, self.window.stride, self.window.pad);
        let (input, each) = (self.input, self.input.channels);
        let places =
            (0..rows * columns * each).map(move |index| (index / each / columns, index / each % columns, index % each));
        places.map(move |(row, column, from)| {
            let (y, x) = ((y * down + row).wrapping_sub(pad[0]), (x * right + column).wrapping_sub(pad[1]));
            let inside = y < input.height && x < input.width;
            let value = if inside { self.values[(y * input.width + x) * each + from] } else { self.input_zero as f32 };
            (value, self.weights[((channel * each + from) * rows + row) * columns + column])
        })
    }
}

/// The whole number of 8 bits for a value counted in steps from `zero`.
fn number(value: f32, zero: i32) -> i32 {
    let value = f64::from(value);
    let below = value.floor();
    let odd = below.rem_euclid(2.0) == 1.0;
    let up = value - below > 0.5 || (value - below == 0.5 && odd);
    (below + if up { 1.0 } else { 0.0 } + f64::from(zero)).clamp(-128.0, 127.0) as i32
}
