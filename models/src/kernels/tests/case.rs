//! Convolutions drawn at random, and how a kernel computes them.

use super::super::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A convolution and all its numbers, which are whole for integer kernels.
#[derive(Debug)]
pub struct Case {
    pub whole: bool,
    pub input: Map,
    pub window: Window,
    pub output: Map,
    pub addend: Option<Map>,
    /// `[out, in, rows, columns]`.
    pub weights: Vec<f32>,
    pub biases: Vec<f64>,
    pub multipliers: Vec<f32>,
    /// Values of the input and of the map that is added, `[row, column, channel]`.
    pub values: Vec<f32>,
    pub added: Vec<f32>,
    /// The numbers that stand for real zero in the input and in the output; 0 for floats.
    pub input_zero: i32,
    pub output_zero: i32,
    /// Whether what lies below real zero is cut off.
    pub relu: bool,
    /// How numbers are added; floats need no such thing.
    pub residual: Option<Residual>,
}

/// A residual addition in whole numbers.
#[derive(Clone, Copy, Debug)]
pub struct Residual {
    pub own_zero: i32,
    pub own_scale: f32,
    pub added_zero: i32,
    pub added_scale: f32,
    pub scale: f32,
}

/// Floats at the ends of what adds up without becoming infinite: zeros, subnormals, sizes that swallow each other.
const EXTREME: [f32; 10] = [0.0, -0.0, 1e-45, -1e-38, 1e-20, -1.0, 16_777_216.0, -16_777_215.0, 1e15, -1e15];

/// Draws a case; weights are `least_weight` or more.
pub fn draw(seed: u64, whole: bool, least_weight: i32) -> Case {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let kernel = [1, 2, 3, 3, 3, 5][random.random_range(0..6)];
    let border = random.random_range(0..=kernel / 2 + 1);
    let mut pair = |least: usize, most: usize| [0; 2].map(|_| random.random_range(least..=most));
    let (pad, pad_end, strides, [height, width]) =
        (pair(0, border), pair(0, border), pair(0, 4), pair(kernel.max(2), 11));
    let window = Window {
        kernel: [kernel, if random.random_bool(0.9) { kernel } else { 1 }],
        stride: strides.map(|stride| [1, 1, 2, 3, 4][stride]),
        pad,
        pool: random.random_bool(0.25),
    };
    let channels = [1, 2, 3, 4, 5, 8, 16, 24, 31][random.random_range(0..9)];
    let input = Map { height, width, channels, border };
    let [mut height, mut width] = window.output([height, width], pad_end).unwrap();
    let window = Window { pool: window.pool && height > 1 && width > 1, ..window };
    let channels = [1, 3, 4, 7, 8, 9, 16, 24, 33, 48, 100][random.random_range(0..11)];
    let whole_map = Map { height, width, channels, border: random.random_range(0..2) };
    let addend = random.random_bool(0.4).then_some(whole_map);
    if window.pool {
        (height, width) = (height / 2, width / 2);
    }
    let output = Map { height, width, channels, border: random.random_range(0..3) };
    let extreme = random.random_bool(0.2);
    let volume = input.channels * window.kernel[0] * window.kernel[1];
    let mut number = |low: i32, high: i32| match (whole, extreme) {
        (true, true) => [low, high][random.random_range(0..2)] as f32,
        (true, false) => random.random_range(low..=high) as f32,
        (false, true) => EXTREME[random.random_range(0..EXTREME.len())],
        (false, false) => random.random_range(-1.0..1.0),
    };
    let weights: Vec<f32> = (0..output.channels * volume).map(|_| number(least_weight, 127)).collect();
    let values = (0..input.height * input.width * input.channels).map(|_| number(-128, 127)).collect();
    let added = (0..whole_map.height * whole_map.width * channels).map(|_| number(-128, 127)).collect();
    let biases = (0..output.channels).map(|_| f64::from(number(-20_000, 20_000))).collect();
    let mut zero = || if whole { [-128, 0, random.random_range(-128..=127)][random.random_range(0..3)] } else { 0 };
    let (input_zero, output_zero, own_zero, added_zero) = (zero(), zero(), zero(), zero());
    let mut scale = || random.random_range(0.001..0.1);
    let residual = Residual { own_zero, own_scale: scale(), added_zero, added_scale: scale(), scale: scale() };
    let size = 60.0 / (volume as f32).sqrt() / 5000.0;
    // Powers of two among them, so that sums fall half-way between two values.
    let multipliers = (0..output.channels)
        .map(|_| match (whole, random.random_bool(0.3)) {
            (false, _) => 1.0,
            (true, true) => 0.5f32.powi(random.random_range(1..14)),
            (true, false) => size * random.random_range(0.1..2.0),
        })
        .collect();
    let relu = random.random_bool(0.5);
    let residual = addend.filter(|_| whole).map(|_| residual);
    Case {
        whole,
        input,
        window,
        output,
        addend,
        weights,
        biases,
        multipliers,
        values,
        added,
        input_zero,
        output_zero,
        relu,
        residual,
    }
}

impl Case {
    fn epilogue(&self) -> Epilogue {
        if !self.whole {
            let low = if self.relu { 0.0 } else { f32::NEG_INFINITY };
            return Epilogue { bounds: (low, f32::INFINITY), zero_point: 0, residual: None };
        }
        let bounds = |zero: i32| ((-128 - zero) as f32, (127 - zero) as f32);
        let (low, high) = bounds(self.output_zero);
        let residual = self.residual.map(|residual| ResidualAdd {
            own_bounds: bounds(residual.own_zero),
            own_scale: residual.own_scale,
            added_zero_point: residual.added_zero,
            added_scale: residual.added_scale,
            scale: residual.scale,
        });
        Epilogue { bounds: (if self.relu { 0.0 } else { low }, high), zero_point: self.output_zero, residual }
    }

    /// The case packed for a kernel, where that takes it.
    pub fn layer<K: Kernel>(&self) -> Option<Layer<K>> {
        let numbers = Numbers { weights: &self.weights, biases: &self.biases, multipliers: &self.multipliers };
        let (addend, epilogue) = (self.addend.as_ref(), self.epilogue());
        Layer::new(&self.input, &self.window, &self.output, addend, &numbers, self.input_zero, epilogue)
    }

    /// The output map without border, from a kernel. `store` and `load` turn numbers into what lies in memory, given the zero
    /// point.
    pub fn computed<K: Kernel>(
        &self,
        store: impl Fn(f32, i32) -> Value<K>,
        load: impl Fn(Value<K>, i32) -> f32,
    ) -> Vec<f32> {
        let layer = self.layer::<K>().unwrap_or_else(|| panic!("{} does not take it: {self:?}", K::NAME));
        let fill = |map: &Map, values: &[f32], zero_point: i32| {
            let mut buffer = vec![K::Format::zero(zero_point); map.len() + BUFFER_PADDING];
            for y in 0..map.height {
                for x in 0..map.width {
                    for channel in 0..map.channels {
                        let value = values[(y * map.width + x) * map.channels + channel];
                        buffer[map.at(y, x) + channel] = store(value, zero_point);
                    }
                }
            }
            buffer
        };
        let input = fill(&self.input, &self.values, self.input_zero);
        let added_zero = self.residual.map_or(0, |residual| residual.added_zero);
        let addend = self.addend.map(|map| fill(&map, &self.added, added_zero));
        let mut output = vec![K::Format::zero(self.output_zero); self.output.len() + BUFFER_PADDING];
        // In one go, or in parts as several threads would.
        for rows in layer.parts(1 + self.output.channels % 3) {
            let places = layer.span(rows.clone());
            layer.run_rows(rows, &input, addend.as_deref(), &mut output[places]);
        }
        let mut values = Vec::new();
        let mut inside = vec![false; output.len()];
        for y in 0..self.output.height {
            for x in 0..self.output.width {
                for channel in 0..self.output.channels {
                    let at = self.output.at(y, x) + channel;
                    inside[at] = true;
                    values.push(load(output[at], self.output_zero));
                }
            }
        }
        let border =
            output.iter().zip(inside).all(|(&value, inside)| inside || value == K::Format::zero(self.output_zero));
        assert!(border, "something outside the map was written");
        values
    }
}
