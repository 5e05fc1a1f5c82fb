#![allow(clippy::unwrap_used)]
//! The folded, exported graph against the trainer, on nets whose normalisations were made difficult.

use super::gate;
use crate::emotion::dataset::Split;
use crate::emotion::options::EmotionConfig;
use crate::export::fold::{Layer, fold};
use crate::export::graph;
use crate::nets::weights::Weights;
use crate::nets::{Architecture, Net};
use crate::run::config::{Config, TaskConfig};
use emotion_models::{Classifier, ModelCard, Precision, Task, embed, encode};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

pub(crate) fn config(arch: Architecture, size: u32) -> EmotionConfig {
    EmotionConfig { size, ..Config::of_arch(arch).task }
}

/// Weights as after training: every normalisation shifts and scales, about half of the scales are negative.
pub(crate) fn trained(net: &Net, rng: &mut ChaCha8Rng) -> Weights {
    let mut weights = Weights::initial(net, 5);
    for (name, array) in &mut weights.0 {
        let range = match name.rsplit('.').next() {
            Some("gamma") => -1.5..1.5,
            Some("variance") => 0.3..2.0,
            Some("mean" | "beta" | "bias") => -0.5..0.5,
            _ => continue,
        };
        array.values.iter_mut().for_each(|value| *value = rng.random_range(range.clone()));
    }
    weights
}

pub(crate) fn split(config: &EmotionConfig, pictures: usize, rng: &mut ChaCha8Rng) -> Arc<Split> {
    let stride = config.input().len();
    let pixels = (0..pictures * stride).map(|_| rng.random()).collect();
    Arc::new(Split::alone(vec![], pixels, stride, vec![]))
}

pub(crate) fn classifier(config: &EmotionConfig, net: &Net, weights: &Weights, outputs: &[usize]) -> Classifier {
    let card = ModelCard {
        name: "test".into(),
        task: Task::Emotion,
        labels: outputs.iter().map(|output| format!("label{output}")).collect(),
        input: config.input(),
        crop_margin: 0.0,
        limits: Default::default(),
        temperature: 1.0,
        thresholds: vec![0.5; outputs.len()],
        precision: if net.is_quantized() { Precision::Int8 } else { Precision::F32 },
        training_data: "random".into(),
        data_fingerprint: "0".repeat(64),
        metrics: Default::default(),
    };
    let mut model = graph::model("test", &fold(net, weights, outputs));
    embed(&mut model, &card);
    Classifier::from_bytes(&encode(&model), "test").unwrap()
}

#[test]
fn exported_graph_equals_the_trainer_with_negative_gammas() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for (arch, size) in [(Architecture::Lenet, 26), (Architecture::Compact, 64)] {
        let config = config(arch, size);
        let net = arch.build(&config.input(), 4, &config.net).unwrap();
        let weights = trained(&net, &mut rng);
        let pictures = split(&config, 6, &mut rng);
        for outputs in [vec![0, 1, 2, 3], vec![3, 1]] {
            let mut classifier = classifier(&config, &net, &weights, &outputs);
            let agreement =
                gate::compare(&net, &weights, &config.input(), &outputs, &[&pictures], &mut classifier).unwrap();
            agreement.check(Precision::F32).unwrap();
            assert_eq!(agreement.pictures, 6);
        }
    }
}

#[test]
fn no_normalisation_is_left_and_only_negative_gammas_cost_a_layer() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let config = config(Architecture::Lenet, 26);
    let net = config.arch.build(&config.input(), 3, &config.net).unwrap();
    let mut weights = trained(&net, &mut rng);
    let affines = |weights: &Weights| {
        fold(&net, weights, &[0, 1, 2]).iter().filter(|step| matches!(step.layer, Layer::Affine { .. })).count()
    };
    assert!(affines(&weights) > 0);
    for (name, array) in &mut weights.0 {
        if name.ends_with(".gamma") {
            array.values.iter_mut().for_each(|gamma| *gamma = gamma.abs());
        }
    }
    assert_eq!(affines(&weights), 0);
}

#[test]
fn gate_refuses_a_graph_that_is_not_the_trainers() {
    let mut rng = ChaCha8Rng::seed_from_u64(10);
    let config = config(Architecture::Compact, 64);
    let net = config.arch.build(&config.input(), 3, &config.net).unwrap();
    let weights = trained(&net, &mut rng);
    let pictures = split(&config, 3, &mut rng);
    let mut other = weights.clone();
    other.0.get_mut("logits.bias").unwrap().values[0] += 0.1;
    let mut classifier = classifier(&config, &net, &other, &[0, 1, 2]);
    let seen = gate::compare(&net, &weights, &config.input(), &[0, 1, 2], &[&pictures], &mut classifier).unwrap();
    let refused = seen.check(Precision::F32);
    assert!(refused.unwrap_err().to_string().contains("nothing was written"));
}
