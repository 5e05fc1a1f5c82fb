#![allow(clippy::unwrap_used)]
//! The integer graph against the trainer that rounds, on nets whose normalisations were made difficult.

use super::convolutions::check_convolutions;
use super::fold::{Layer, Step, fold};
use super::graph;
use crate::device::Engine;
use crate::emotion::export_tests::{classifier, config, split, trained};
use crate::emotion::gate;
use crate::emotion::options::EmotionConfig;
use crate::nets::forward::{Training, forward};
use crate::nets::tensors::Tensors;
use crate::nets::weights::Weights;
use crate::nets::{Architecture, Net};
use crate::run::config::TaskConfig;
use crate::train::init;
use burn::tensor::{Tensor, TensorData};
use emotion_models::pb::tensor_proto::DataType;
use emotion_models::{Precision, Task, encode};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A quantised net with weights as after training, whose ranges are those that random pictures reach.
fn quantized(config: &EmotionConfig, rng: &mut ChaCha8Rng) -> (Net, Weights) {
    let net = config.arch.build(&config.input(), 4, &config.net).unwrap().quantized(&config.input());
    let mut weights = trained(&net, rng);
    let device = Engine::cpu().scoring();
    let shape = config.input().shape();
    let pixels = (0..6 * config.input().len()).map(|_| rng.random_range(-1.0..1.0)).collect();
    let pixels = TensorData::new(pixels, [6, shape[1], shape[2], shape[3]]);
    let float = Tensors::new(&net, &weights, &device, true, 0).without_fake_quantize();
    for (name, range) in forward(&net, &float, Tensor::from_data(pixels, &device), None).ranges {
        weights.0.get_mut(&format!("{name}.range")).unwrap().values = range.into_data().try_to_vec().unwrap();
    }
    (net, weights)
}

/// `lenet` and `compact`, quantised.
fn quantized_configs() -> [EmotionConfig; 2] {
    [config(Architecture::Lenet, 26), config(Architecture::Compact, 64)]
}

#[test]
fn exported_integers_equal_the_trainer_with_negative_gammas() {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    for config in quantized_configs() {
        let (net, weights) = quantized(&config, &mut rng);
        let pictures = split(&config, 40, &mut rng);
        for outputs in [vec![0, 1, 2, 3], vec![3, 1]] {
            let mut classifier = classifier(&config, &net, &weights, &outputs);
            let agreement =
                gate::compare(&net, &weights, &config.input(), &outputs, &[&pictures], &mut classifier).unwrap();
            agreement.check(Precision::Int8).unwrap();
            assert_eq!((agreement.pictures, agreement.compared), (40, 40 * outputs.len()));
        }
    }
}

#[test]
fn rounding_changes_what_the_net_computes_and_little_of_it() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    for config in quantized_configs() {
        let (net, weights) = quantized(&config, &mut rng);
        let device = Engine::cpu().scoring();
        let shape = config.input().shape();
        let pixels: Vec<f32> = (0..4 * config.input().len()).map(|_| rng.random_range(0.0..1.0)).collect();
        let logits = |rounded: bool| -> Vec<f32> {
            let tensors = Tensors::new(&net, &weights, &device, true, 0);
            let tensors = if rounded { tensors } else { tensors.without_fake_quantize() };
            let pixels = TensorData::new(pixels.clone(), [4, shape[1], shape[2], shape[3]]);
            forward(&net, &tensors, Tensor::from_data(pixels, &device), None).logits.into_data().try_to_vec().unwrap()
        };
        let (rounded, float) = (logits(true), logits(false));
        let size = float.iter().fold(0.0f32, |size, x| size.max(x.abs()));
        let difference = rounded.iter().zip(&float).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
        assert!(difference > 1e-5 * size && difference < 0.15 * size, "{difference} of {size}");
    }
}

#[test]
fn integer_graphs_are_what_the_runtime_reads() {
    let mut rng = ChaCha8Rng::seed_from_u64(14);
    for config in quantized_configs() {
        let (net, weights) = quantized(&config, &mut rng);
        let model = graph::model("test", &fold(&net, &weights, &[0, 1, 2, 3]));
        check_convolutions(&net, &model).unwrap();
        let graph = model.graph.unwrap();
        let count = |kind: &str| graph.node.iter().filter(|node| node.op_type == kind).count();
        // `lenet`'s ReLUs are those of its dense layers.
        let (relus, adds, signs) = if config.arch == Architecture::Lenet { (2, 0, 2) } else { (0, 4, 0) };
        assert_eq!((count("Relu"), count("Add"), count("Mul") >= signs), (relus, adds, true));
        assert_eq!(count("QuantizeLinear"), 1 + adds + signs);
        let stored = |name: &str| graph.initializer.iter().find(|tensor| tensor.name == name).unwrap();
        for node in graph.node.iter().filter(|node| node.op_type == "QLinearConv") {
            let [weight, scales, zero] = [3, 4, 5].map(|at| stored(&node.input[at]));
            assert!(weight.raw_data.iter().all(|&byte| byte != 128), "{}: a weight of -128", node.name);
            assert_eq!((weight.data_type, zero.data_type), (DataType::Int8 as i32, DataType::Int8 as i32));
            assert_eq!((scales.dims.len(), scales.dims[0]), (1, weight.dims[0]));
            assert_eq!((zero.dims.len(), &zero.raw_data[..]), (0, &[0u8][..]));
            for at in [1, 2, 6, 7] {
                assert!(stored(&node.input[at]).dims.is_empty(), "{}: input {at} is no scalar", node.name);
            }
            assert_eq!(stored(&node.input[8]).data_type, DataType::Int32 as i32);
        }
    }
}

#[test]
fn gate_refuses_damaged_integers_and_float_convolutions() {
    let mut rng = ChaCha8Rng::seed_from_u64(15);
    let [_, config] = quantized_configs();
    let (net, weights) = quantized(&config, &mut rng);
    let pictures = split(&config, 20, &mut rng);
    let mut other = weights.clone();
    let range = other.0.get_mut("stem.relu.quantized.range").unwrap();
    range.values[1] *= 0.2;
    let mut classifier = classifier(&config, &net, &other, &[0, 1, 2, 3]);
    let seen = gate::compare(&net, &weights, &config.input(), &[0, 1, 2, 3], &[&pictures], &mut classifier).unwrap();
    assert!(seen.check(Precision::Int8).unwrap_err().to_string().contains("nothing was written"));

    let mut model = graph::model("test", &fold(&net, &weights, &[0, 1, 2, 3]));
    model.graph.as_mut().unwrap().node.iter_mut().find(|n| n.op_type == "QLinearConv").unwrap().op_type = "Conv".into();
    let refused = check_convolutions(&net, &model).unwrap_err().to_string();
    assert!(refused.contains("11 in integers and 1 in floating point"), "{refused}");
}

#[test]
fn folded_training_computes_what_will_be_exported() {
    let mut rng = ChaCha8Rng::seed_from_u64(16);
    for config in quantized_configs() {
        let (net, weights) = quantized(&config, &mut rng);
        let shape = config.input().shape();
        let pixels: Vec<f32> = (0..3 * config.input().len()).map(|_| rng.random_range(-1.0..1.0)).collect();
        let logits = |training: Option<Training<'_>>| -> Vec<f32> {
            let engine = Engine::cpu();
            let device = if training.is_some() { engine.learning() } else { engine.scoring() };
            let pixels = TensorData::new(pixels.clone(), [3, shape[1], shape[2], shape[3]]);
            let tensors = Tensors::new(&net, &weights, &device, true, 0);
            let pass = forward(&net, &tensors, Tensor::from_data(pixels, &device), training);
            assert!(pass.ranges.is_empty() && pass.statistics.is_empty());
            pass.logits.into_data().try_to_vec().unwrap()
        };
        let frozen = logits(Some(Training { random: &mut rng.clone(), frozen_stages: 0, frozen_statistics: true }));
        let scored = logits(None);
        let size = scored.iter().fold(0.0f32, |size, x| size.max(x.abs()));
        for (a, b) in frozen.iter().zip(&scored) {
            assert!((a - b).abs() < 0.02 * size, "{a} against {b} of {size}");
        }
    }
}

#[test]
fn an_integer_model_gives_its_weights_to_a_float_net() {
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    let [_, config] = quantized_configs();
    let (net, weights) = quantized(&config, &mut rng);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("int8.onnx");
    std::fs::write(&path, encode(&graph::model("test", &fold(&net, &weights, &[0, 1, 2, 3])))).unwrap();
    let float = config.arch.build(&config.input(), 4, &config.net).unwrap();
    let mut taken = Weights::initial(&float, 3);
    assert_eq!(
        init::take(&float, &mut taken, &init::open(&path, Task::Emotion).unwrap(), &[]).unwrap().fresh,
        Vec::<String>::new()
    );
    let real = |net: &Net, weights: &Weights| -> Vec<(String, Vec<f32>)> {
        let steps = fold(net, weights, &[0, 1, 2, 3]).into_iter();
        let conv = |step: Step| match step.layer {
            Layer::Conv { weight, bias, .. } => Some((step.name, [weight, bias].concat())),
            _ => None,
        };
        steps.filter_map(conv).collect()
    };
    for ((name, ours), (_, theirs)) in real(&float, &taken).iter().zip(real(&net, &weights)) {
        let size = theirs.iter().fold(0.0f32, |size, x| size.max(x.abs()));
        for (a, b) in ours.iter().zip(theirs) {
            assert!((a - b).abs() <= size / 250.0, "{name}: {a} against {b} of {size}");
        }
    }
}
