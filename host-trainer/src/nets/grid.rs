//! The numbers an 8-bit activation can take, and nets that take no others.

use super::{Net, Node, Op};
use emotion_models::{InputSpec, PixelMap};

/// The signed 8-bit integers of one tensor and the real values they stand for: `(number - zero_point) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Distance of two neighbouring real values, above 0.
    pub scale: f32,
    /// The number that stands for 0; whole, -128 to 127.
    pub zero_point: f32,
}

/// Smallest and largest number.
const NUMBERS: (f32, f32) = (-128.0, 127.0);

/// A range narrower than this is widened to it, so that a layer that is always silent still has a scale above 0.
const LEAST_RANGE: f32 = 1e-4;

impl Grid {
    /// The grid over `[low, high]`, widened to hold 0 and moved so that 0 is exact (Jacob et al. 2018, section 3).
    pub fn over(low: f32, high: f32) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let scale = (high - low).max(LEAST_RANGE) / (NUMBERS.1 - NUMBERS.0);
        let zero_point = (NUMBERS.0 - low / scale).round_ties_even().clamp(NUMBERS.0, NUMBERS.1);
        Grid { scale, zero_point }
    }

    /// The grid on which a pixel's number is its byte minus 128.
    pub fn of_pixels(map: PixelMap) -> Self {
        Grid { scale: map.scale, zero_point: map.offset - 128.0 }
    }

    /// The grid for values of this one with either sign.
    pub fn with_both_signs(self) -> Self {
        let reach = (NUMBERS.1 - self.zero_point).max(self.zero_point - NUMBERS.0) * self.scale;
        Grid::over(-reach, reach)
    }

    /// The smallest and largest number counted from the zero point.
    pub fn bounds(self) -> (f32, f32) {
        (NUMBERS.0 - self.zero_point, NUMBERS.1 - self.zero_point)
    }

    /// The value of the grid that stands for `x`: rounded half to even, then saturated.
    #[inline]
    pub fn round(self, x: f32) -> f32 {
        let (low, high) = self.bounds();
        (x / self.scale).round_ties_even().clamp(low, high) * self.scale
    }

    /// Whether `x` is rounded without being saturated.
    #[inline]
    pub fn reaches(self, x: f32) -> bool {
        let (low, high) = self.bounds();
        let number = (x / self.scale).round_ties_even();
        number >= low && number <= high
    }
}

/// Where a [`Op::Quantize`] layer's grid comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GridSource {
    /// It is given.
    Given(Grid),
    /// It lies over the range seen in training, the layer's parameter `range`: smallest and largest value.
    Observed,
}

impl Net {
    /// The same net with its convolutions in 8-bit integers: a [`Op::Quantize`] layer behind the input, behind each
    /// convolution with its normalisation and ReLU, and behind each sum. What follows the last pooling stays float, and so does a
    /// convolution that gives the result.
    pub fn quantized(&self, input: &InputSpec) -> Net {
        let mut net = Net { nodes: vec![] };
        let mut places: Vec<usize> = vec![];
        for (index, node) in self.nodes.iter().enumerate() {
            let inputs = node.inputs.iter().map(|&input| places[input]).collect();
            net.nodes.push(Node { inputs, ..node.clone() });
            let source = match node.op {
                Op::Input => Some(GridSource::Given(Grid::of_pixels(input.pixel_map))),
                _ if self.ends_layer(index) && !self.is_last(index) => Some(GridSource::Observed),
                _ => None,
            };
            let place = net.nodes.len() - 1;
            places.push(match source {
                Some(source) => {
                    net.push(&format!("{}.quantized", node.name), Op::Quantize(source), &[place], node.stage)
                }
                None => place,
            });
        }
        net
    }

    /// Whether the net's convolutions compute in 8-bit integers.
    pub fn is_quantized(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.op, Op::Quantize(_)))
    }

    /// The only reader of a layer's output.
    pub fn only_reader(&self, index: usize) -> Option<usize> {
        let mut readers = (0..self.nodes.len()).filter(|&at| self.nodes[at].inputs.contains(&index));
        readers.next().filter(|_| readers.next().is_none())
    }

    /// The normalisation that folds into this convolution, because it alone reads its output.
    pub fn norm_behind(&self, conv: usize) -> Option<usize> {
        self.only_reader(conv).filter(|&next| matches!(self.nodes[next].op, Op::BatchNorm { .. }))
    }

    /// The grid's layer whose numbers reach a layer, through what leaves numbers as they are.
    pub fn grid_before(&self, index: usize) -> Option<usize> {
        let before = *self.nodes[index].inputs.first()?;
        match self.nodes[before].op {
            Op::Quantize(_) => Some(before),
            Op::MaxPool { .. } | Op::Dropout(_) | Op::BatchNorm { .. } => self.grid_before(before),
            _ => None,
        }
    }

    /// Whether an integer layer's output is this node's: the last of convolution, normalisation and ReLU, or of sum and ReLU.
    fn ends_layer(&self, index: usize) -> bool {
        let node = &self.nodes[index];
        let next = self.only_reader(index).map(|next| &self.nodes[next].op);
        let goes_on = match node.op {
            Op::Conv { .. } => matches!(next, Some(Op::BatchNorm { .. } | Op::Relu)),
            Op::BatchNorm { .. } | Op::Add => matches!(next, Some(Op::Relu)),
            _ => false,
        };
        let belongs = match node.op {
            Op::Conv { .. } | Op::Add => true,
            Op::BatchNorm { .. } => matches!(self.nodes[node.inputs[0]].op, Op::Conv { .. }),
            Op::Relu => match &self.nodes[node.inputs[0]] {
                Node { op: Op::BatchNorm { .. }, inputs, .. } => matches!(self.nodes[inputs[0]].op, Op::Conv { .. }),
                before => matches!(before.op, Op::Conv { .. } | Op::Add),
            },
            _ => false,
        };
        belongs && !goes_on
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::Config;
    use crate::nets::Architecture;

    #[test]
    fn zero_is_exact_and_the_ends_are_reached() {
        for (low, high) in [(-1.3, 2.0), (0.0, 6.0), (-4.0, -1.0), (0.0, 0.0), (-0.001, 900.0)] {
            let grid = Grid::over(low, high);
            assert_eq!(grid.round(0.0), 0.0);
            assert_eq!(grid.zero_point, grid.zero_point.round());
            let half = grid.scale * 0.501;
            assert!((grid.round(low) - low).abs() <= half + grid.scale * 0.5, "{low} to {high}");
            assert!((grid.round(high) - high).abs() <= half + grid.scale * 0.5, "{low} to {high}");
        }
        assert_eq!(Grid::over(0.0, 6.0).zero_point, -128.0);
        assert_eq!(Grid::over(0.0, 6.0).with_both_signs().zero_point, 0.0);
    }

    #[test]
    fn halves_round_to_even_and_the_rest_saturates() {
        let grid = Grid { scale: 0.5, zero_point: 100.0 };
        assert_eq!(grid.round(0.25), 0.0);
        assert_eq!(grid.round(0.75), 1.0);
        assert_eq!(grid.round(1e9), 27.0 * 0.5);
        assert_eq!(grid.round(-1e9), -228.0 * 0.5);
        assert!(grid.reaches(13.7) && !grid.reaches(13.8));
    }

    #[test]
    fn every_convolution_and_sum_ends_on_a_grid_of_its_own() {
        for (arch, expected) in [(Architecture::Compact, 1 + 1 + 4 * 2 + 3 + 4), (Architecture::Lenet, 1 + 2)] {
            let config = Config::preset(arch);
            let net = arch.build(&config.input(), 3, &config.net).unwrap();
            assert!(!net.is_quantized());
            let quantized = net.quantized(&config.input());
            let grids = quantized.nodes.iter().filter(|node| matches!(node.op, Op::Quantize(_))).count();
            assert_eq!(grids, expected, "{}", arch.name());
            for (index, node) in quantized.nodes.iter().enumerate() {
                if matches!(node.op, Op::Conv { .. }) {
                    assert!(quantized.grid_before(index).is_some(), "{}", node.name);
                }
            }
            let original: Vec<_> = net.parameters().into_iter().map(|parameter| parameter.name).collect();
            let kept = quantized.parameters().into_iter().map(|p| p.name).filter(|name| !name.ends_with(".range"));
            assert_eq!(kept.collect::<Vec<_>>(), original);
        }
    }
}
