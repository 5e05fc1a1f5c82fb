//! The shipped model and the first command.
#![allow(clippy::unwrap_used)]

use emotion_models::TEST_CARD_LABELS;
use end_to_end_tests::{Session, edge_runtime};
use serde_json::Value;

/// Frames a second, and seconds that each mood of the test card is shown.
const FPS: usize = 15;
const DWELL: usize = 2;

#[test]
fn every_mood_of_the_test_card_lights_its_own_light() {
    let each = DWELL * FPS;
    // Once round, and the first mood again.
    let frames = each * (TEST_CARD_LABELS.len() + 1);
    let mut runtime = edge_runtime();
    runtime.args(["--source", "test-card", "--every-frame", "--json"]);
    runtime.args(["--fps", &FPS.to_string(), "--dwell", &DWELL.to_string(), "--frames", &frames.to_string()]);
    let output = Session::run(&mut runtime).expect_code(0);
    let events: Vec<Value> = output.json_lines().into_iter().filter(|event| event["frame"].is_u64()).collect();
    assert_eq!(events.len(), frames);
    for (turn, shown) in events.chunks(each).enumerate() {
        let label = TEST_CARD_LABELS[turn % TEST_CARD_LABELS.len()];
        // A second for smoothing and hold time to give way to the new face.
        let settled = &shown[FPS..];
        let right = settled.iter().filter(|event| event["mood"] == label).count();
        println!("{label} lit its light in {right} of {} frames", settled.len());
        assert!(right * 10 >= settled.len() * 9, "turn {turn}, {label}: {right} of {} frames", settled.len());
    }
    if let Some(peak) = output.json_lines().iter().find_map(|event| event["peak_rss_kib"].as_u64()) {
        println!("peak memory, an emulator's own included: {peak} KiB");
    }
}

#[test]
fn a_bare_run_falls_back_to_the_test_card_and_says_so() {
    let output = Session::run(edge_runtime().args(["--frames", "20"])).expect_code(0);
    let said = format!("{}{}", output.stdout, output.stderr);
    assert!(said.contains("test card"), "{said}");
    // Not a terminal: plain lines that a log can hold.
    assert!(!output.stdout.contains('\u{1b}') && !output.stdout.contains('\r'), "{:?}", output.stdout);
}

#[test]
fn a_source_that_was_asked_for_is_never_replaced() {
    // `auto` finds no camera here, whether it was asked for by flag or in a file: a fault, and no mood.
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "source = \"auto\"\n").unwrap();
    for arguments in [vec!["--source".into(), "auto".into()], vec!["--config".into(), config.display().to_string()]] {
        let mut session = Session::start(edge_runtime().arg("--json").args(&arguments));
        session.wait_for_line("fault");
        end_to_end_tests::send("INT", session.id());
        let output = session.finish().expect_error(5, &["camera"]);
        for event in output.json_lines() {
            assert!(event["mood"].is_null(), "an invented mood: {event}");
        }
    }
}
