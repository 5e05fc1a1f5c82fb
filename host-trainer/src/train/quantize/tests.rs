#![allow(clippy::unwrap_used)]
//! A tiny float run, quantised, interrupted, resumed and exported.

use super::*;
use crate::emotion::EmotionTask;
use crate::emotion::dataset::{Cache, Dataset};
use crate::emotion::options::{EmotionConfig, EmotionData};
use crate::export::exporter::export;
use crate::export::request::Request;
use crate::nets::Options;
use crate::run::checkpoint::{self, StateOf};
use crate::train::trainer::End;
use emotion_models::{Classifier, Precision, TEST_CARD_LABELS, TestCard};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

/// Drawn faces below `root`, and a float run of two epochs on them.
fn float_run(root: &Path) -> (PathBuf, Dataset) {
    for (label_index, label) in TEST_CARD_LABELS.iter().enumerate() {
        let folder = root.join("pictures/train").join(label);
        std::fs::create_dir_all(&folder).unwrap();
        for number in 0..14 {
            let picture = TestCard::new(label_index as u64 * 100 + number + 10).draw(label, 0, 48, 48);
            picture.save(folder.join(format!("{number:02}.png"))).unwrap();
        }
    }
    let task = EmotionConfig {
        size: 32,
        net: Options { widths: [4, 6, 8, 10], dropout: 0.0 },
        data: EmotionData {
            sources: vec![root.join("pictures").display().to_string()],
            val_fraction: 0.3,
            cache: Cache::Memory,
            ..EmotionData::default()
        },
        ..EmotionConfig::default()
    };
    let config = Config { run: RunConfig { epochs: 2, batch_size: 8, threads: 1, ..RunConfig::default() }, task };
    let data = <Dataset as Data>::load(&config, root).unwrap();
    let run = root.join("float");
    std::fs::create_dir_all(&run).unwrap();
    std::fs::write(run.join("config.toml"), config.to_toml().unwrap()).unwrap();
    let net = config.build_net(data.labels.len()).unwrap();
    let state = TrainingState::start(Weights::initial(&net, 1), true);
    let identity = identity(&config, &data);
    let mut trainer = Trainer::<EmotionTask>::new(config, net, &data, Engine::cpu(), &run, identity, state);
    assert_eq!(trainer.train(&AtomicBool::new(false)).unwrap(), End::Finished);
    (run, data)
}

fn identity(config: &Config<EmotionConfig>, data: &Dataset) -> Identity {
    Identity {
        labels: data.labels.clone(),
        data_fingerprint: data.fingerprint.clone(),
        command: "host-trainer train".into(),
        config: Some(config.to_toml().unwrap()),
    }
}

#[test]
fn a_float_run_becomes_an_integer_model() {
    let root = tempfile::tempdir().unwrap();
    let (float, data) = float_run(root.path());
    let run = root.path().join("quantized");
    assert_eq!(follow::<EmotionTask>(&float, &run, &data, false).unwrap(), ExitCode::SUCCESS);
    let quantized = FinishedRun::<EmotionTask>::open(&run).unwrap();
    assert!(quantized.net.is_quantized() && quantized.config.run.quantize.is_some());
    assert_eq!(quantized.identity.data_fingerprint, data.fingerprint);
    assert_eq!(quantized.history.len(), EPOCHS);
    let ranges = quantized.weights.0.iter().filter(|(name, _)| name.ends_with(".range"));
    assert!(ranges.into_iter().all(|(_, range)| range.values[1] > range.values[0]));

    let request = Request {
        run: run.clone(),
        out: root.path().join("model.onnx"),
        labels: vec![],
        calibrate_on: vec![],
        lights: vec![],
        crop_margin: Some(0.2),
        name: None,
        note: None,
    };
    let (card, _) = export::<EmotionTask>(&request).unwrap();
    assert_eq!(card.precision, Precision::Int8);
    let classifier = Classifier::from_file(&request.out).unwrap();
    assert_eq!(classifier.precision(), Precision::Int8);

    let refused = follow::<EmotionTask>(&run, &root.path().join("again"), &data, false).unwrap_err().to_string();
    assert!(refused.contains("quantised already"), "{refused}");
    let refused = follow::<EmotionTask>(&float, &run, &data, false).unwrap_err().to_string();
    assert!(refused.contains("already holds a run"), "{refused}");
}

#[test]
fn without_epochs_only_ranges_are_found() {
    let root = tempfile::tempdir().unwrap();
    let (float, data) = float_run(root.path());
    let parent = FinishedRun::<EmotionTask>::open(&float).unwrap();
    let mut config = configuration(&parent.config);
    config.run.epochs = 0;
    let run = root.path().join("quantized");
    quantize(&parent, config, &data, &run, "host-trainer quantize".into()).unwrap();
    let quantized = FinishedRun::<EmotionTask>::open(&run).unwrap();
    assert_eq!((quantized.best_epoch, quantized.history.len()), (0, 0));
    for (name, array) in &parent.weights.0 {
        assert_eq!(quantized.weights.values(name), array.values, "{name}");
    }
}

#[test]
fn resuming_equals_going_through() {
    let root = tempfile::tempdir().unwrap();
    let (float, data) = float_run(root.path());
    let parent = FinishedRun::<EmotionTask>::open(&float).unwrap();
    let mut config = configuration(&parent.config);
    config.run.epochs = 2;
    let net = config.build_net(data.labels.len()).unwrap();
    let mut weights = Weights::initial(&net, config.run.seed);
    weights.0.extend(parent.weights.0.clone());
    let trainer = |run: &Path, state: StateOf<EmotionTask>| {
        std::fs::create_dir_all(run).unwrap();
        let identity = identity(&config, &data);
        Trainer::<EmotionTask>::new(config.clone(), net.clone(), &data, Engine::cpu(), run, identity, state)
    };

    let through = root.path().join("through");
    let start = || TrainingState::start(weights.clone(), true);
    assert_eq!(trainer(&through, start()).train(&AtomicBool::new(false)).unwrap(), End::Finished);

    let load = |run: &Path| checkpoint::load::<EmotionTask>(run, &config.task).unwrap().0;
    let halted = root.path().join("halted");
    let steps = load(&through).moments.steps;
    let mut ends = vec![trainer(&halted, start()).train(&AtomicBool::new(true)).unwrap()];
    while ends.last() == Some(&End::Interrupted) {
        ends.push(trainer(&halted, load(&halted)).train(&AtomicBool::new(true)).unwrap());
    }
    // A signal in the last validation comes too late: the run is complete.
    assert_eq!(ends.len() as u64, steps, "one step each, the last epoch's validation with its last step");
    assert_eq!(ends.last(), Some(&End::Finished));
    let [one, other] = [&through, &halted].map(|run| load(run.as_path()));
    assert_eq!(one.weights, other.weights);
    assert_eq!(one.ema, other.ema);
    assert_eq!(one.stopping, other.stopping);
}
