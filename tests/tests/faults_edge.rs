//! What can go wrong on the device: each its own clear text and exit code, and never 0 after a fault.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use emotion_models::{TestCard, decode, encode};
use end_to_end_tests::{Finished, Session, edge_runtime, retouched, send, untrained};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const USAGE: i32 = 2;
const CONFIGURATION: i32 = 3;
const MODEL: i32 = 4;
const SOURCE: i32 = 5;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// `edge-runtime` with the untrained model and a source, playing every frame.
fn runtime(folder: &TempDir, source: &str) -> Command {
    let model = folder.path().join("untrained.onnx");
    fs::write(&model, untrained()).unwrap();
    let mut command = edge_runtime();
    command.arg("--model").arg(model).args(["--every-frame", "--json", "--source", source]);
    command
}

fn draw(path: &Path) {
    TestCard::new(5).draw("happy", 0, 64, 48).save(path).unwrap();
}

#[test]
fn wrong_usage() {
    Session::run(edge_runtime().arg("--bogus")).expect_error(USAGE, &["--bogus"]);
    Session::run(edge_runtime().args(["--source", "bogus"])).expect_error(USAGE, &["bogus", "test-card", "images:"]);
    Session::run(edge_runtime().args(["--source", "stdin:640:rgb"])).expect_error(USAGE, &["stdin:640x480:yuyv"]);
    Session::run(edge_runtime().args(["--fps", "0"])).expect_error(USAGE, &["fps"]);
}

#[test]
fn a_configuration_with_something_impossible_names_file_line_and_key() {
    let folder = folder();
    let config = folder.path().join("mine.toml");
    let attempt = |text: &str| {
        fs::write(&config, text).unwrap();
        Session::run(edge_runtime().arg("--config").arg(&config).args(["--source", "test-card", "--frames", "1"]))
    };
    attempt("fps = 30.0\n\n[filter]\nsmooth = 1.0\n").expect_error(CONFIGURATION, &["mine.toml:4", "smooth"]);
    attempt("bogus = 1\n").expect_error(CONFIGURATION, &["mine.toml:1", "bogus"]);
    attempt("fps = -3.0\n").expect_error(CONFIGURATION, &["mine.toml:1", "fps", "-3"]);
    attempt("\n[filter.enter]\nbored = 0.5\n").expect_error(CONFIGURATION, &["mine.toml:3", "bored", "happy"]);
    attempt("[lights.camera]\nlight = 'white'\npin = 17\n").expect_error(CONFIGURATION, &["17", "twice"]);
    attempt("fps = \n").expect_error(CONFIGURATION, &["mine.toml:1"]);
    fs::remove_file(&config).unwrap();
    Session::run(edge_runtime().arg("--config").arg(&config))
        .expect_error(CONFIGURATION, &["cannot read", "mine.toml"]);
}

#[test]
fn the_printed_configuration_is_one() {
    let folder = folder();
    let first = Session::run(edge_runtime().arg("config")).expect_code(0).stdout;
    assert!(first.contains('#'), "with comments:\n{first}");
    let file = folder.path().join("config.toml");
    fs::write(&file, &first).unwrap();
    let second = Session::run(edge_runtime().arg("config").arg("--config").arg(&file)).expect_code(0).stdout;
    let settings = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.trim_start().starts_with('#')).map(String::from).collect()
    };
    assert_eq!(settings(&second), settings(&first));
}

#[test]
fn a_file_that_is_no_usable_model_says_what_to_do() {
    let folder = folder();
    let path = folder.path().join("model.onnx");
    let run = || -> Finished {
        let mut command = edge_runtime();
        command.arg("--model").arg(&path).args(["--source", "test-card", "--every-frame", "--frames", "2"]);
        Session::run(&mut command)
    };
    let refused = |bytes: &[u8], words: &[&str]| {
        fs::write(&path, bytes).unwrap();
        let output = run().expect_error(MODEL, words);
        assert!(output.stderr.contains("model.onnx"), "{}", output.stderr);
    };
    run().expect_error(MODEL, &["cannot read the model", "model.onnx"]);
    let whole = untrained();
    fs::write(&path, &whole).unwrap();
    run().expect_code(0);

    refused(b"", &["not a complete ONNX model"]);
    refused(b"GIF89a is no model either", &["not a complete ONNX model", "host-trainer export"]);
    refused(&whole[..whole.len() / 2], &["not a complete ONNX model", "copy it again"]);
    for cut in [whole.len() - 1, whole.len() - 100, 100, 10] {
        refused(&whole[..cut], &[]);
    }

    let mut bare = decode(&whole).unwrap();
    bare.metadata_props.clear();
    refused(&encode(&bare), &["without a Moodlight card"]);
    let mut later = decode(&whole).unwrap();
    let version = later.metadata_props.iter_mut().find(|entry| entry.key == "moodlight.contract_version");
    version.unwrap().value = "2".into();
    refused(&encode(&later), &["contract version 2", "export the model again"]);
    let mut partial = decode(&whole).unwrap();
    partial.metadata_props.retain(|entry| entry.key != "moodlight.temperature");
    refused(&encode(&partial), &["lacks `moodlight.temperature`"]);

    let contradiction = |change: &dyn Fn(&mut emotion_models::ModelCard)| retouched(&whole, change);
    let labels = contradiction(&|card| {
        card.labels.pop();
        card.thresholds.pop();
    });
    refused(&labels, &["contradicts its graph", "output"]);
    refused(&contradiction(&|card| card.input.width = 48), &["contradicts its graph", "input"]);
    refused(&contradiction(&|card| card.temperature = -1.0), &["temperature"]);
    refused(&contradiction(&|card| card.labels[1] = "angry".into()), &["angry", "twice"]);
}

#[test]
fn pictures_that_are_not_there_or_not_pictures() {
    let folder = folder();
    let source = |path: &Path| format!("images:{}", path.display());
    let missing = folder.path().join("missing");
    Session::run(&mut runtime(&folder, &source(&missing))).expect_error(SOURCE, &["cannot read", "missing"]);
    let shown = folder.path().join("shown");
    fs::create_dir(&shown).unwrap();
    Session::run(&mut runtime(&folder, &source(&shown))).expect_error(SOURCE, &["no pictures", "shown"]);

    draw(&shown.join("1.png"));
    draw(&shown.join("3.png"));
    let whole = fs::read(shown.join("1.png")).unwrap();
    let cut = shown.join("2.png");
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    Session::run(&mut runtime(&folder, &source(&cut))).expect_error(SOURCE, &["cannot decode", "2.png"]);
    let output = Session::run(&mut runtime(&folder, &source(&shown))).expect_error(SOURCE, &["1 of 3", "2.png"]);
    let frames = output.json_lines().iter().filter(|event| event["frame"].is_u64()).count();
    assert_eq!(frames, 2, "the others are shown: {}", output.stdout);

    let mut classify = edge_runtime();
    classify
        .arg("classify")
        .arg("--json")
        .arg("--model")
        .arg(folder.path().join("untrained.onnx"))
        .arg(shown.join("1.png"))
        .arg(&cut)
        .arg(shown.join("3.png"));
    let output = Session::run(&mut classify).expect_error(SOURCE, &["2.png"]);
    assert!(output.stdout.contains("1.png") && output.stdout.contains("3.png"), "{}", output.stdout);
}

#[test]
fn a_pipe_that_ends_between_frames_is_an_end_and_within_or_before_them_an_error() {
    let folder = folder();
    let frame = 16 * 12 * 3 / 2;
    let feed = |bytes: usize| Session::feed(&mut runtime(&folder, "stdin:16x12:nv12"), &vec![128; bytes]);
    let frames = |output: Finished| output.json_lines().iter().filter(|event| event["frame"].is_u64()).count();
    feed(0).expect_error(SOURCE, &["no frame arrived on standard input"]);
    assert_eq!(frames(feed(frame * 5).expect_code(0)), 5);
    let output = feed(frame * 5 + 7).expect_error(SOURCE, &["inside frame 5", "7 of its", &frame.to_string()]);
    assert_eq!(frames(output), 5, "the whole frames are shown");
}

#[test]
fn a_reader_that_goes_away_ends_the_run_quietly() {
    let folder = folder();
    let mut command = runtime(&folder, "test-card");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
    let code = output.status.code();
    assert!(code.is_some_and(|code| code != 0 && code != 101), "{}: {stderr}", output.status);
}

#[test]
fn a_signal_ends_a_run_in_good_order() {
    let folder = folder();
    for signal in ["INT", "TERM"] {
        let mut session = Session::start(&mut runtime(&folder, "test-card"));
        session.wait_for_line("frame");
        send(signal, session.id());
        session.finish().expect_code(0);
    }
}
