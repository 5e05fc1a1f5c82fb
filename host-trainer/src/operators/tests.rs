#![allow(clippy::unwrap_used)]
//! Each operator against burn's own and against numerical gradients, on random shapes.

use super::*;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, activation, module};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn random<const D: usize>(rng: &mut ChaCha8Rng, shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn assert_close(a: &[f32], b: &[f32], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let scale = b.iter().fold(1.0f32, |m, v| m.max(v.abs()));
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() < 2e-4 * scale, "{what}: {a} against {b}");
    }
}

#[test]
fn convolution_equals_burns_forward_and_backward() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let device = Device::flex().autodiff();
    for round in 0..24 {
        let [batch, channels, out] = [1 + round % 5, 1 + round % 4, 1 + (round * 7) % 9];
        let kernel = [1, 3, 3, 5][round % 4];
        let (stride, padding) = (1 + round % 3, round % (kernel / 2 + 1));
        let (height, width) = (rng.random_range(kernel..20), rng.random_range(kernel..20));
        let relu = round % 2 == 1;
        let x = random(&mut rng, [batch, channels, height, width], &device);
        let w = random(&mut rng, [out, channels, kernel, kernel], &device);
        let b = random(&mut rng, [out], &device);
        let run = |fast: bool| {
            let (x, w, b) = (x.clone().require_grad(), w.clone().require_grad(), b.clone().require_grad());
            let y = if fast {
                conv2d(x.clone(), w.clone(), b.clone(), Convolution { stride, padding, relu })
            } else {
                let options = ConvOptions::new([stride, stride], [padding, padding], [1, 1], 1);
                let y = module::conv2d(x.clone(), w.clone(), Some(b.clone()), options);
                if relu { activation::relu(y) } else { y }
            };
            let weights = random(&mut ChaCha8Rng::seed_from_u64(9), y.dims(), &device);
            let grads = (y.clone() * weights).sum().backward();
            [
                values(y),
                values(x.grad(&grads).unwrap()),
                values(w.grad(&grads).unwrap()),
                values(b.grad(&grads).unwrap()),
            ]
        };
        for ((fast, burn), what) in run(true).iter().zip(&run(false)).zip(["output", "input", "weight", "bias"]) {
            assert_close(fast, burn, &format!("{what} in round {round}"));
        }
    }
}

#[test]
fn batch_norm_equals_the_reference_forward_and_backward() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let device = Device::flex().autodiff();
    for (shape, relu) in [([4, 3, 5, 7], false), ([2, 8, 1, 1], true), ([3, 2, 16, 16], true)] {
        let x = random(&mut rng, shape, &device);
        let (gamma, beta) = (random(&mut rng, [shape[1]], &device), random(&mut rng, [shape[1]], &device));
        let run = |fast: bool| {
            let (x, gamma, beta) =
                (x.clone().require_grad(), gamma.clone().require_grad(), beta.clone().require_grad());
            let y = if fast {
                batch_norm(x.clone(), gamma.clone(), beta.clone(), 1e-3, relu).0
            } else {
                let y = module::batch_norm_train(x.clone(), gamma.clone(), beta.clone(), 1e-3).output;
                if relu { activation::relu(y) } else { y }
            };
            let weights = random(&mut ChaCha8Rng::seed_from_u64(9), y.dims(), &device);
            let grads = (y.clone() * weights).sum().backward();
            let [x, gamma, beta] = [
                values(x.grad(&grads).unwrap()),
                values(gamma.grad(&grads).unwrap()),
                values(beta.grad(&grads).unwrap()),
            ];
            [values(y), x, gamma, beta]
        };
        for ((fast, burn), what) in run(true).iter().zip(&run(false)).zip(["output", "input", "gamma", "beta"]) {
            assert_close(fast, burn, what);
        }
    }
}

#[test]
fn pooling_equals_burns_forward_and_backward() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let device = Device::flex().autodiff();
    for (shape, size) in [([2, 3, 8, 8], 2), ([1, 2, 7, 9], 2), ([2, 1, 9, 10], 3)] {
        let x = random(&mut rng, shape, &device);
        let run = |fast: bool| {
            let x = x.clone().require_grad();
            let y = if fast {
                max_pool(x.clone(), size)
            } else {
                module::max_pool2d(x.clone(), burn::tensor::ops::MaxPoolOptions::new([size, size]))
            };
            let weights = random(&mut ChaCha8Rng::seed_from_u64(9), y.dims(), &device);
            let grads = (y.clone() * weights).sum().backward();
            [values(y), values(x.grad(&grads).unwrap())]
        };
        for ((fast, burn), what) in run(true).iter().zip(&run(false)).zip(["output", "input"]) {
            assert_close(fast, burn, what);
        }
    }
}

#[test]
fn normalization_by_given_statistics_equals_the_reference() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let device = Device::flex();
    let x = random(&mut rng, [3, 4, 5, 6], &device);
    let (gamma, beta) = (random(&mut rng, [4], &device), random(&mut rng, [4], &device));
    let statistics = Statistics { mean: vec![0.1, -0.3, 0.0, 2.0], variance: vec![1.0, 0.2, 3.0, 0.5] };
    let ours = Normalization { statistics: Arc::new(statistics.clone()), epsilon: 1e-3, relu: true };
    let fast = values(normalize(x.clone(), gamma.clone(), beta.clone(), ours));
    assert_close(&fast, &values(reference::normalize(x, gamma, beta, &statistics, 1e-3, true)), "output");
}

/// Holds `analytic` against central differences of `loss` in each element of `at`.
fn check_numerically(at: &[f32], analytic: &[f32], tolerance: f64, loss: impl Fn(&[f32]) -> f64) {
    assert_eq!(at.len(), analytic.len());
    for index in 0..at.len() {
        let shifted = |by: f32| {
            let mut moved = at.to_vec();
            moved[index] += by;
            loss(&moved)
        };
        let numerical = (shifted(1e-2) - shifted(-1e-2)) / 2e-2;
        let difference = (numerical - f64::from(analytic[index])).abs();
        assert!(difference < tolerance, "element {index}: {numerical} against {}", analytic[index]);
    }
}

#[test]
fn batch_norm_matches_numerical_gradients() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    // Without ReLU: at its kink a difference quotient is no gradient. Seven positions: a run that fills no whole vector.
    for positions in [1, 7, 19] {
        let shape = NormShape { batch: 4, channels: 3, positions };
        let mut draw = |len: usize| -> Vec<f32> { (0..len).map(|_| rng.random_range(-1.0..1.0)).collect() };
        let len = 4 * 3 * positions;
        let (x, gamma, beta, weights) = (draw(len), draw(3), draw(3), draw(len));
        let by_batch = |x: &[f32]| {
            let statistics = norm::statistics(x, shape).into();
            Normalization { statistics, epsilon: 1e-3, relu: false }
        };
        let loss = |x: &[f32], gamma: &[f32], beta: &[f32]| -> f64 {
            let y = norm::forward(x, gamma, beta, &by_batch(x), shape);
            y.iter().zip(&weights).map(|(y, g)| f64::from(y * g)).sum()
        };
        let (by_x, by_gamma, by_beta) = norm::backward(&x, &gamma, &beta, &by_batch(&x), &weights, shape);
        // A handful of values per channel bends the loss within the difference's width.
        let tolerance = if positions == 1 { 5e-2 } else { 5e-3 };
        check_numerically(&x, &by_x, tolerance, |x| loss(x, &gamma, &beta));
        check_numerically(&gamma, &by_gamma, 1e-3, |gamma| loss(&x, gamma, &beta));
        check_numerically(&beta, &by_beta, 1e-3, |beta| loss(&x, &gamma, beta));
    }
}

#[test]
fn pooling_matches_numerical_gradients() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let shape = PoolShape { planes: 2, height: 7, width: 6, size: 2 };
    // Distinct values far apart: no window changes its largest within the difference's width.
    let mut x: Vec<f32> = (0..2 * 7 * 6).map(|index| index as f32 * 0.1).collect();
    x.shuffle(&mut rng);
    let weights: Vec<f32> = (0..2 * 3 * 3).map(|_| rng.random_range(-1.0..1.0)).collect();
    let loss =
        |x: &[f32]| -> f64 { pool::forward(x, shape).0.iter().zip(&weights).map(|(y, g)| f64::from(y * g)).sum() };
    let places = pool::forward(&x, shape).1;
    check_numerically(&x, &pool::backward(&weights, &places, shape), 1e-3, loss);
}

#[test]
fn convolution_matches_numerical_gradients() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let shape =
        ConvShape { batch: 2, channels: 2, height: 6, width: 5, out_channels: 3, kernel: 3, stride: 2, padding: 1 };
    let mut draw = |len: usize| -> Vec<f32> { (0..len).map(|_| rng.random_range(-1.0..1.0)).collect() };
    let (x, w, b) = (draw(2 * 2 * 6 * 5), draw(3 * 2 * 9), draw(3));
    let weights = draw(2 * 3 * shape.out_height() * shape.out_width());
    let loss = |x: &[f32], w: &[f32], b: &[f32]| -> f64 {
        conv::forward(x, w, b, false, &shape).iter().zip(&weights).map(|(y, g)| f64::from(y * g)).sum()
    };
    let saved = conv::Saved { input: &x, weight: &w, rectified: None };
    let gradients = conv::backward(saved, &weights, &shape, true);
    check_numerically(&x, &gradients.input.unwrap(), 1e-3, |x| loss(x, &w, &b));
    check_numerically(&w, &gradients.weight, 1e-3, |w| loss(&x, w, &b));
    check_numerically(&b, &gradients.bias, 1e-3, |b| loss(&x, &w, b));
}

#[test]
fn fake_quantization_equals_the_reference_and_its_definition() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let device = Device::flex().autodiff();
    for params in [QuantParams { scale: 0.01, zero_point: -128 }, QuantParams { scale: 0.004, zero_point: 7 }] {
        let x = random(&mut rng, [2, 3, 5, 7], &device);
        let run = |fast: bool| {
            let x = x.clone().require_grad();
            let y = if fast { fake_quantize(x.clone(), params) } else { reference::fake_quantize(x.clone(), params) };
            let weights = random(&mut ChaCha8Rng::seed_from_u64(9), y.dims(), &device);
            let grads = (y.clone() * weights).sum().backward();
            [values(y), values(x.grad(&grads).unwrap())]
        };
        let [y, gradient] = run(true);
        let [theirs, their_gradient] = run(false);
        assert_close(&y, &theirs, "output");
        assert_eq!(gradient, their_gradient);
        let weights = values(random(&mut ChaCha8Rng::seed_from_u64(9), [2, 3, 5, 7], &device));
        let mut saturated = 0;
        for (((x, y), gradient), weight) in values(x).iter().zip(&y).zip(&gradient).zip(&weights) {
            let number = (x / params.scale).round_ties_even() + params.zero_point as f32;
            assert_eq!(*y, (number.clamp(-128.0, 127.0) - params.zero_point as f32) * params.scale);
            let inside = (-128.0..=127.0).contains(&number);
            assert_eq!(*gradient, if inside { *weight } else { 0.0 });
            saturated += usize::from(!inside);
        }
        assert!(saturated > 20 && saturated < 190, "{saturated} saturated");
    }
}

#[test]
fn the_gradient_of_fake_quantization_is_that_of_the_saturated_line() {
    // A fine grid follows the line min(max(x, low), high) closely enough for difference quotients; its ends are kinks.
    let params = QuantParams { scale: 1e-5, zero_point: 20 };
    let (low, high) = params.bounds();
    let x = [-1e-2, 0.9 * low * params.scale, 0.0, 0.9 * high * params.scale, 1e-2];
    let analytic = quantize::backward(&x, params, &[1.0; 5]);
    for (x, analytic) in x.into_iter().zip(analytic) {
        let shift = 8.0 * params.scale;
        let moved = |by: f32| f64::from(quantize::forward(&[x + by], params)[0]);
        let numerical = (moved(shift) - moved(-shift)) / f64::from(2.0 * shift);
        assert!((numerical - f64::from(analytic)).abs() < 0.1, "at {x}: {numerical} against {analytic}");
    }
}

#[test]
fn ranges_are_the_smallest_and_largest_value() {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    for len in [1, 15, 16, 17, 70_000] {
        let values: Vec<f32> = (0..len).map(|_| rng.random_range(-3.0..5.0)).collect();
        let sorted = |f: fn(f32, f32) -> f32| values.iter().copied().reduce(f).unwrap();
        assert_eq!(quantize::range(&values), [sorted(f32::min), sorted(f32::max)]);
    }
}
