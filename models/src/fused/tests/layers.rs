//! Each layer by itself, given the same numbers, against tract's own integer operators: no activation is off by more than a step.

use super::network::{info, model, network, node};
use super::{fuse, fused_operators, read, run};
use crate::card::Precision;
use crate::input::PixelMap;
use crate::pb::{GraphProto, ModelProto, NodeProto, ValueInfoProto};
use crate::shipped;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tract_core::prelude::*;
use tract_onnx::prelude::InferenceModelExt;

/// Such as no graph here undoes, so that every layer takes real numbers.
const OTHER_PIXELS: PixelMap = PixelMap { scale: 1.0, offset: 0.0 };

/// A layer with what it needs, from real numbers that are quantised as its inputs are to the real numbers of its output.
struct Alone {
    model: ModelProto,
    shape: [usize; 4],
    /// How the first input stands for real numbers, and the size of the output's step.
    input: (f32, i8),
    step: f32,
}

/// An initializer's bytes.
fn raw<'a>(graph: &'a GraphProto, name: &str) -> &'a [u8] {
    &graph.initializer.iter().find(|tensor| tensor.name == name).unwrap().raw_data
}

fn scale(graph: &GraphProto, name: &str) -> f32 {
    f32::from_le_bytes(raw(graph, name).try_into().unwrap())
}

/// The layer that ends in `last`: a convolution, with the pooling that follows, or a residual addition. `None` for other nodes.
fn alone(graph: &GraphProto, last: &NodeProto) -> Option<Alone> {
    let by_output = |name: &String| graph.node.iter().find(|node| node.output[0] == *name).unwrap();
    let mut nodes = Vec::new();
    let enter = |nodes: &mut Vec<NodeProto>, value: &str, scale: &str, zero: &str| {
        nodes.push(node("QuantizeLinear", value, &["real", scale, zero], &[]));
        (self::scale(graph, scale), raw(graph, zero)[0] as i8)
    };
    let (input, shape, scale, zero, mut value);
    match last.op_type.as_str() {
        "QLinearConv" => {
            let [from, from_scale, from_zero] = [0, 1, 2].map(|index| last.input[index].as_str());
            input = enter(&mut nodes, from, from_scale, from_zero);
            let weights = graph.initializer.iter().find(|tensor| tensor.name == last.input[3]).unwrap();
            shape = [1, weights.dims[1] as usize, 12, 10];
            (scale, zero, value) = (&last.input[6], &last.input[7], &last.output[0]);
            nodes.push(last.clone());
            if let Some(pool) = graph.node.iter().find(|node| node.op_type == "MaxPool" && node.input[0] == *value) {
                nodes.push(pool.clone());
                value = &pool.output[0];
            }
        }
        "QuantizeLinear" if last.input[0] != graph.input[0].name => {
            let add = by_output(&last.input[0]);
            let [first, second] = [0, 1].map(|index| by_output(&add.input[index]));
            let inputs = [first, second].map(|real| enter(&mut nodes, &real.input[0], &real.input[1], &real.input[2]));
            (input, shape) = (inputs[0], [1, 3, 20, 20]);
            nodes.extend([first, second, add, last].map(NodeProto::clone));
            (scale, zero, value) = (&last.input[1], &last.input[2], &last.output[0]);
        }
        _ => return None,
    }
    nodes.push(node("DequantizeLinear", "alone", &[value, scale, zero], &[]));
    let used = |name: &String| nodes.iter().any(|node| node.input.contains(name));
    let graph = GraphProto {
        name: last.name.clone(),
        initializer: graph.initializer.iter().filter(|tensor| used(&tensor.name)).cloned().collect(),
        input: vec![info("real", &shape.map(|size| size as i64))],
        output: vec![ValueInfoProto { name: "alone".into(), ..Default::default() }],
        node: nodes.clone(),
        ..Default::default()
    };
    let step = self::scale(&graph, scale);
    Some(Alone { model: model(graph), shape, input, step })
}

impl Alone {
    /// Numbers over the whole range, or near real zero, where less of the output saturates.
    fn draw(&self, random: &mut ChaCha8Rng) -> Tensor {
        let (scale, zero) = self.input;
        let reach = if random.random_bool(0.5) { 255 } else { 24 };
        let numbers = (0..self.shape.iter().product::<usize>()).map(|_| {
            let number = (i32::from(zero) + random.random_range(-reach..=reach)).clamp(-128, 127);
            (number - i32::from(zero)) as f32 * scale
        });
        Tensor::from_shape(&self.shape, &numbers.collect::<Vec<f32>>()).unwrap()
    }

    /// The largest difference of an activation, in steps, and how many activations were compared.
    fn compare(&self, random: &mut ChaCha8Rng) -> (f32, usize) {
        let bytes = crate::onnx::encode(&self.model);
        let reference = tract_onnx::onnx().model_for_read(&mut bytes.as_slice()).unwrap().into_optimized().unwrap();
        let ours = fuse(read(&self.model, Precision::Int8, OTHER_PIXELS)).unwrap();
        let convolutions = self.model.graph.as_ref().unwrap().node.iter().filter(|node| node.op_type == "QLinearConv");
        assert_eq!(fused_operators(&ours), convolutions.count());
        let (mut worst, mut count) = (0.0f32, 0);
        for _ in 0..4 {
            let input = self.draw(random);
            let (ours, reference) = (run(ours.clone(), input.clone()), run(reference.clone(), input));
            assert_eq!(ours.len(), reference.len());
            assert!(ours.iter().any(|&value| value != ours[0]), "it answers the same everywhere");
            let steps = ours.iter().zip(&reference).map(|(ours, reference)| (ours - reference).abs() / self.step);
            (worst, count) = (steps.fold(worst, f32::max), count + ours.len());
        }
        (worst, count)
    }
}

/// Every layer of a network. Prints the largest difference of each.
fn check(name: &str, network: &ModelProto) {
    let graph = network.graph.as_ref().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut layers = 0;
    for layer in &graph.node {
        let Some(alone) = alone(graph, layer) else { continue };
        let (worst, count) = alone.compare(&mut random);
        println!("{name}, {}: {count} activations, at most {worst:.3} steps from tract's", layer.name);
        assert!(worst < 1.001, "{name}, {}: {worst} steps", layer.name);
        layers += 1;
    }
    assert!(layers > 8, "{name}: {layers} layers");
}

#[test]
fn every_layer_of_a_drawn_network_is_within_a_step_of_reference_tract() {
    for seed in 0..4 {
        check(&format!("network {seed}"), &network(seed, PixelMap::SIGNED, 16, seed % 4 < 2));
    }
}

#[test]
fn every_layer_of_the_shipped_models_is_within_a_step_of_reference_tract() {
    for (name, bytes) in [("emotion.onnx", shipped::EMOTION), ("face.onnx", shipped::FACE)] {
        check(name, &crate::onnx::decode(bytes).unwrap());
    }
}
