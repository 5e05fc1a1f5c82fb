//! Every kernel of this processor against the definition of a convolution, written as plain loops.
#![allow(clippy::unwrap_used)]

use super::portable::requantise;
use super::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A convolution with numbers drawn at random.
#[derive(Debug)]
struct Case {
    input: Map,
    window: Window,
    output: Map,
    addend: Option<Map>,
    weights: Vec<f32>,
    biases: Vec<f64>,
    multipliers: Vec<f32>,
    zero_point: i32,
    finish: Finish,
    /// Values of the input and of the map that is added, `[row, column, channel]`.
    values: Vec<f32>,
    added: Vec<f32>,
}

fn draw(seed: u64, whole: bool) -> Case {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let kernel = [1, 2, 3, 3, 3, 5][random.random_range(0..6)];
    let window = Window {
        kernel: [kernel, if random.random_bool(0.9) { kernel } else { 1 }],
        stride: [random.random_range(1..=2), random.random_range(1..=2)],
        pad: [random.random_range(0..=kernel / 2), random.random_range(0..=kernel / 2)],
        pool: random.random_bool(0.25),
    };
    let window = Window { pad: [window.pad[0], window.pad[1].min(window.kernel[1] / 2)], ..window };
    let pad_end = window.pad;
    let channels = [1, 2, 3, 4, 5, 8, 16, 24, 31][random.random_range(0..9)];
    let side = |random: &mut ChaCha8Rng| random.random_range(kernel.max(2)..12);
    let border = kernel / 2 + random.random_range(0..2);
    let input = Map { height: side(&mut random), width: side(&mut random), channels, border };
    let [mut height, mut width] = window.output([input.height, input.width], pad_end).unwrap();
    let window = Window { pool: window.pool && height > 1 && width > 1, ..window };
    if window.pool {
        (height, width) = (height / 2, width / 2);
    }
    let channels = [1, 3, 4, 7, 8, 9, 16, 24, 33, 48, 100][random.random_range(0..11)];
    let output = Map { height, width, channels, border: random.random_range(0..3) };
    let addend =
        (!window.pool && random.random_bool(0.4)).then_some(Map { border: random.random_range(0..2), ..output });
    let extreme = random.random_bool(0.2);
    let volume = input.channels * window.kernel[0] * window.kernel[1];
    let mut number = |low: i32, high: i32| match (whole, extreme) {
        (true, true) => {
            if random.random_bool(0.5) {
                low as f32
            } else {
                high as f32
            }
        }
        (true, false) => random.random_range(low..=high) as f32,
        (false, _) => random.random_range(-1.0..1.0),
    };
    let weights: Vec<f32> = (0..output.channels * volume).map(|_| number(-127, 127)).collect();
    let values = (0..input.height * input.width * input.channels).map(|_| number(-128, 127)).collect();
    let added = (0..output.height * output.width * output.channels).map(|_| number(-128, 127)).collect();
    let biases = (0..output.channels).map(|_| f64::from(number(-20_000, 20_000))).collect();
    let zero = |random: &mut ChaCha8Rng| [-128, 0, random.random_range(-128..=127)][random.random_range(0..3)];
    let zero_point = if whole { zero(&mut random) } else { 0 };
    let own = zero(&mut random);
    let finish = if whole {
        let zero_point = zero(&mut random);
        let low = if random.random_bool(0.5) { 0.0 } else { (-128 - zero_point) as f32 };
        let addition = addend.map(|_| Addition {
            own_bounds: ((-128 - own) as f32, (127 - own) as f32),
            own_scale: random.random_range(0.001..0.1),
            added_zero_point: zero(&mut random),
            added_scale: random.random_range(0.001..0.1),
            scale: random.random_range(0.001..0.1),
        });
        Finish { bounds: (low, (127 - zero_point) as f32), zero_point, addition }
    } else {
        let low = if random.random_bool(0.5) { 0.0 } else { f32::NEG_INFINITY };
        Finish { bounds: (low, f32::INFINITY), zero_point: 0, addition: None }
    };
    let size = 60.0 / (volume as f32).sqrt() / 5000.0;
    // Powers of two among them, so that sums fall half-way between two values.
    let multipliers = (0..output.channels)
        .map(|_| match (whole, random.random_bool(0.3)) {
            (false, _) => 1.0,
            (true, true) => 0.5f32.powi(random.random_range(1..14)),
            (true, false) => size * random.random_range(0.1..2.0),
        })
        .collect();
    Case { input, window, output, addend, weights, biases, multipliers, zero_point, finish, values, added }
}

impl Case {
    /// The output map without border, by the definition; `fused` tells whether a float product is added unrounded.
    fn expected(&self, whole: bool, fused: bool) -> Vec<f32> {
        let [rows, columns] = self.window.kernel;
        let at = |y: isize, x: isize, channel: usize| {
            let inside = (0..self.input.height as isize).contains(&y) && (0..self.input.width as isize).contains(&x);
            let index = (y * self.input.width as isize + x) * self.input.channels as isize + channel as isize;
            if inside { self.values[index as usize] } else { self.zero_point as f32 * f32::from(whole) }
        };
        let sum = |y: usize, x: usize, channel: usize| {
            let (mut int, mut float) = (self.biases[channel] as i32, self.biases[channel] as f32);
            for row in 0..rows {
                for column in 0..columns {
                    for from in 0..self.input.channels {
                        let value = at(
                            (y * self.window.stride[0] + row) as isize - self.window.pad[0] as isize,
                            (x * self.window.stride[1] + column) as isize - self.window.pad[1] as isize,
                            from,
                        );
                        let weight =
                            self.weights[((channel * self.input.channels + from) * rows + row) * columns + column];
                        int += (value as i32 - self.zero_point) * weight as i32;
                        float = if fused { value.mul_add(weight, float) } else { float + value * weight };
                    }
                }
            }
            (int, float)
        };
        let mut output = Vec::new();
        for y in 0..self.output.height {
            for x in 0..self.output.width {
                for channel in 0..self.output.channels {
                    let added = self.added[(y * self.output.width + x) * self.output.channels + channel];
                    let finished = |y: usize, x: usize| match (whole, sum(y, x, channel)) {
                        (true, (sum, _)) => {
                            let added = if self.addend.is_some() { added as i32 } else { 0 };
                            let value = requantise(sum, self.multipliers[channel], &self.finish, added);
                            value + self.finish.zero_point as f32
                        }
                        (false, (_, sum)) => {
                            let sum = if self.addend.is_some() { sum + added } else { sum };
                            sum.max(self.finish.bounds.0).min(self.finish.bounds.1)
                        }
                    };
                    output.push(match self.window.pool {
                        false => finished(y, x),
                        true => [(0, 0), (0, 1), (1, 0), (1, 1)]
                            .map(|(dy, dx)| finished(2 * y + dy, 2 * x + dx))
                            .into_iter()
                            .fold(f32::NEG_INFINITY, f32::max),
                    });
                }
            }
        }
        output
    }

    /// The same from a kernel. `store` and `load` turn numbers into what lies in memory, given the zero point.
    fn computed<K: Kernel>(
        &self,
        store: impl Fn(f32, i32) -> K::Value,
        load: impl Fn(K::Value, i32) -> f32,
    ) -> Vec<f32> {
        let numbers = Numbers { weights: &self.weights, biases: &self.biases, multipliers: &self.multipliers };
        let layer = Layer::<K>::new(
            &self.input,
            &self.window,
            &self.output,
            self.addend.as_ref(),
            &numbers,
            self.zero_point,
            self.finish,
        )
        .unwrap_or_else(|| panic!("{:?} {:?} {:?} {:?}", self.input, self.window, self.output, self.addend));
        let fill = |map: &Map, values: &[f32], zero_point: i32| {
            let mut buffer = vec![K::zero(zero_point); map.len() + SLACK];
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
        let input = fill(&self.input, &self.values, self.zero_point);
        let added_zero = self.finish.addition.map_or(0, |addition| addition.added_zero_point);
        let addend = self.addend.map(|map| fill(&map, &self.added, added_zero));
        let zero_point = self.finish.zero_point;
        let mut output = vec![K::zero(zero_point); self.output.len() + SLACK];
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
                    values.push(load(output[at], zero_point));
                }
            }
        }
        let border = output.iter().zip(inside).all(|(&value, inside)| inside || value == K::zero(zero_point));
        assert!(border, "something outside the map was written");
        values
    }
}

const CASES: u64 = 400;

fn check_int<K: Kernel>(store: impl Fn(f32, i32) -> K::Value + Copy, load: impl Fn(K::Value, i32) -> f32 + Copy) {
    for seed in 0..CASES {
        let case = draw(seed, true);
        let (expected, computed) = (case.expected(true, false), case.computed::<K>(store, load));
        let differing = expected.iter().zip(&computed).find(|(a, b)| a != b);
        assert!(differing.is_none(), "seed {seed}: {differing:?} {:?} {:?}", case.window, case.finish);
    }
}

fn check_float<K: Kernel<Value = f32>>(fused: bool) {
    for seed in 0..CASES {
        let case = draw(seed, false);
        let (expected, computed) =
            (case.expected(false, fused), case.computed::<K>(|value, _| value, |value, _| value));
        assert!(expected == computed, "seed {seed}");
    }
}

#[test]
fn portable_integers() {
    check_int::<PortableInt>(|value, _| value as i8, |value, _| f32::from(value));
}

#[test]
fn portable_floats() {
    check_float::<PortableFloat>(false);
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
            println!("avx512 f32: checked");
        }
    }

    #[test]
    fn vnni() {
        let (store, load) = (|value, _| (value as i32 + 128) as u8, |value, _| f32::from(value) - 128.0);
        if is_x86_feature_detected!("avx512vnni") {
            check_int::<Avx512Vnni>(store, load);
            println!("avx512vnni int8: checked");
        }
        if is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512vl") {
            check_int::<AvxVnniTwin>(store, load);
            println!("avxvnni int8, in AVX-512's encoding: checked");
        }
        if is_x86_feature_detected!("avxvnni") {
            check_int::<AvxVnni>(store, load);
            println!("avxvnni int8: checked");
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
}
