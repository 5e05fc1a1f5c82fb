#![allow(clippy::unwrap_used)]
//! A tiny float run, quantised, interrupted, resumed and exported.

use super::*;
use crate::emotion::dataset::{DataSpec, Storage};
use crate::emotion::export;
use crate::export::request::Request;
use crate::nets::Options;
use crate::run::checkpoint;
use crate::run::config::Data;
use crate::train::End;
use emotion_models::{Classifier, Precision, TEST_CARD_LABELS, TestCard};
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
    let config = Config {
        size: 32,
        epochs: 2,
        batch_size: 8,
        threads: 1,
        net: Options { widths: [4, 6, 8, 10], dropout: 0.0 },
        data: Data {
            sources: vec![root.join("pictures").display().to_string()],
            val_fraction: 0.3,
            cache: Cache::Memory,
        },
        ..Config::default()
    };
    let data = load(&config, root);
    let run = root.join("float");
    std::fs::create_dir_all(&run).unwrap();
    std::fs::write(run.join("config.toml"), config.to_toml().unwrap()).unwrap();
    let net = config.build_net(data.labels.len()).unwrap();
    let state = Trainer::start(&config, Weights::initial(&net, 1));
    let mut trainer = Trainer::new(config.clone(), net, &data, Engine::cpu(), &run, identity(&config, &data), state);
    assert_eq!(trainer.train(&AtomicBool::new(false)).unwrap(), End::Finished);
    (run, data)
}

fn load(config: &Config, root: &Path) -> Dataset {
    let sources = config.data.sources.iter().map(|source| source.parse().unwrap()).collect();
    let spec = DataSpec { sources, val_fraction: config.data.val_fraction, seed: config.seed };
    Dataset::load(&spec, &config.input(), &Storage::near(Cache::Memory, root), false).unwrap()
}

fn identity(config: &Config, data: &Dataset) -> Identity {
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
    assert_eq!(follow(&float, &run, &data, false).unwrap(), ExitCode::SUCCESS);
    let quantized = Run::open(&run).unwrap();
    assert!(quantized.net.is_quantized() && quantized.config.quantize.is_some());
    assert_eq!(quantized.identity.data_fingerprint, data.fingerprint);
    assert_eq!(quantized.history.len(), EPOCHS);
    let ranges = quantized.weights.0.iter().filter(|(name, _)| name.ends_with(".range"));
    assert!(ranges.into_iter().all(|(_, range)| range.values[1] > range.values[0]));

    let request = Request {
        run: run.clone(),
        out: root.path().join("model.onnx"),
        labels: vec![],
        calibrate_on: vec![],
        crop_margin: Some(0.2),
        name: None,
        note: None,
    };
    let (card, _) = export::export(&request).unwrap();
    assert_eq!(card.precision, Precision::Int8);
    let classifier = Classifier::from_file(&request.out).unwrap();
    assert_eq!(classifier.precision(), Precision::Int8);

    let refused = follow(&run, &root.path().join("again"), &data, false).unwrap_err().to_string();
    assert!(refused.contains("quantised already"), "{refused}");
    let refused = follow(&float, &run, &data, false).unwrap_err().to_string();
    assert!(refused.contains("already holds a run"), "{refused}");
}

#[test]
fn without_epochs_only_ranges_are_found() {
    let root = tempfile::tempdir().unwrap();
    let (float, data) = float_run(root.path());
    let parent = Run::open(&float).unwrap();
    let config = Config { epochs: 0, ..configuration(&parent.config) };
    let run = root.path().join("quantized");
    train(&parent, config, &data, &run, "host-trainer quantize".into()).unwrap();
    let quantized = Run::open(&run).unwrap();
    assert_eq!((quantized.best_epoch, quantized.history.len()), (0, 0));
    for (name, array) in &parent.weights.0 {
        assert_eq!(quantized.weights.values(name), array.values, "{name}");
    }
}

#[test]
fn resuming_equals_going_through() {
    let root = tempfile::tempdir().unwrap();
    let (float, data) = float_run(root.path());
    let parent = Run::open(&float).unwrap();
    let config = Config { epochs: 2, ..configuration(&parent.config) };
    let net = config.build_net(data.labels.len()).unwrap();
    let mut weights = Weights::initial(&net, config.seed);
    weights.0.extend(parent.weights.0.clone());
    let trainer = |run: &Path, state| {
        std::fs::create_dir_all(run).unwrap();
        let identity = identity(&config, &data);
        Trainer::new(config.clone(), net.clone(), &data, Engine::cpu(), run, identity, state)
    };

    let through = root.path().join("through");
    let start = || Trainer::start(&config, weights.clone());
    assert_eq!(trainer(&through, start()).train(&AtomicBool::new(false)).unwrap(), End::Finished);

    let halted = root.path().join("halted");
    let mut end = trainer(&halted, start()).train(&AtomicBool::new(true)).unwrap();
    assert_eq!(end, End::Interrupted);
    for _ in 0..100 {
        let state = checkpoint::load(&halted).unwrap().0;
        end = trainer(&halted, state).train(&AtomicBool::new(true)).unwrap();
        if end == End::Finished {
            break;
        }
    }
    assert_eq!(end, End::Finished);
    let [one, other] = [&through, &halted].map(|run| checkpoint::load(run).unwrap().0);
    assert_eq!(one.weights, other.weights);
    assert_eq!(one.average, other.average);
    assert_eq!(one.stopping, other.stopping);
}
