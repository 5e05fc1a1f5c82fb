//! Each kind of failure ends the program with its own exit code and says what to do.
#![allow(clippy::unwrap_used)]

mod support;

use emotion_models::{PixelFormat, TEST_CARD_LABELS};
use std::io::Write;
use std::process::Stdio;
use support::{Home, card, json_lines, model, raw_frames, run, test_card_model};

#[test]
fn usage_is_2() {
    let home = Home::new();
    for arguments in [
        &["--sauce"][..],
        &["run", "--source", "webcam"],
        &["run", "--fps", "0"],
        &["run", "--fps", "-1"],
        &["run", "--hold", "1.6"],
        &["classify"],
        &["--source", "auto", "--every-frame"],
        &["--source", "stdin:4x4:grey", "--loop"],
        &["--frames", "3", "config"],
    ] {
        let ran = run(&mut home.program(arguments));
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.err);
        assert!(ran.err.starts_with("error: "), "{}", ran.err);
    }
}

#[test]
fn the_help_lists_the_exit_codes() {
    let ran = run(&mut Home::new().bare(&["--help"]));
    assert_eq!(ran.code, Some(0));
    for line in ["0  success", "2  usage", "3  configuration", "4  model", "5  source", "6  lights", "7  output"] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
}

#[test]
fn configuration_is_3() {
    let home = Home::new();
    let refused = |content: &str, says: &[&str]| {
        let file = home.write("given.toml", content);
        let ran = run(&mut home.program(&["--config", file.to_str().unwrap(), "--frames", "1"]));
        assert_eq!(ran.code, Some(3), "{}", ran.err);
        for word in says {
            assert!(ran.err.contains(word), "{word}: {}", ran.err);
        }
    };
    refused("fps = 10\n\n[filter]\nholt = 1\n", &["given.toml:4", "`filter.holt`", "unknown key", "`hold`"]);
    refused("[lights.moods]\nbored = { pin = 3, light = \"red\" }\n", &["given.toml:2", "no mood `bored`", "angry"]);
    refused("[lights.camera]\npin = 27\nlight = \"white\"\n", &["given.toml:2", "pin 27", "`happy` and `camera`"]);
    let ran = run(&mut home.program(&["--config", "missing.toml"]));
    assert_eq!(ran.code, Some(3));
    assert!(ran.err.contains("missing.toml"), "{}", ran.err);
}

#[test]
fn model_is_4() {
    let home = Home::new();
    home.write("cut.onnx", &test_card_model()[..5000]);
    home.write("text.onnx", "not a model");
    for (file, says) in [("missing.onnx", "cannot read"), ("cut.onnx", "ONNX"), ("text.onnx", "ONNX")] {
        for command in ["run", "classify", "bench", "config"] {
            let mut arguments = vec![command, "--model", file];
            if command == "classify" {
                arguments.push("any.png");
            }
            let ran = run(&mut home.bare(&arguments));
            assert_eq!(ran.code, Some(4), "{command} {file}: {}", ran.err);
            assert!(ran.err.contains(file) && ran.err.contains(says), "{}", ran.err);
        }
    }
    let config = home.write("mine.toml", "fps = 20\nmodel = \"cut.onnx\"\n");
    let config = config.to_str().unwrap();
    let ran = run(&mut home.bare(&["--config", config]));
    assert_eq!(ran.code, Some(4), "{}", ran.err);
    assert!(ran.err.contains("mine.toml:2: `model`: ") && ran.err.contains("cut.onnx"), "{}", ran.err);
    let ran = run(&mut home.bare(&["--config", config, "--model", "text.onnx"]));
    assert!(!ran.err.contains("mine.toml") && ran.err.contains("text.onnx"), "{}", ran.err);
}

#[test]
fn a_source_that_is_not_there_is_5() {
    let home = Home::new();
    std::fs::create_dir(home.path("empty")).unwrap();
    home.write("broken.png", "\x7fnothing");
    for (source, says) in
        [("images:missing", "missing"), ("images:empty", "no pictures"), ("images:broken.png", "broken.png")]
    {
        let ran = run(&mut home.program(&["--source", source]));
        assert_eq!(ran.code, Some(5), "{source}: {}", ran.err);
        assert!(ran.err.contains(says), "{}", ran.err);
    }
}

#[test]
fn a_cut_frame_and_no_frame_are_5_and_whole_ones_are_0() {
    let home = Home::new();
    let frames = raw_frames("happy", 3, PixelFormat::Yuyv, 64, 48);
    for (length, code, says) in
        [(frames.len(), 0, ""), (frames.len() - 1, 5, "inside frame 2"), (0, 5, "no frame arrived on standard input")]
    {
        let mut command = home.program(&["--source", "stdin:64x48:yuyv", "--every-frame"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(&frames[..length]).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{length} bytes");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(says) && error.is_empty() == (code == 0), "{error}");
    }
}

#[test]
fn a_broken_picture_among_others_is_5_after_all_were_shown() {
    let home = Home::new();
    for label in TEST_CARD_LABELS {
        home.picture(&format!("p/{label}.png"), label);
    }
    home.write("p/broken.png", "nothing");
    let ran = run(&mut home.program(&["--source", "images:p", "--every-frame", "--json"]));
    assert_eq!(ran.code, Some(5));
    assert_eq!(ran.out.lines().count(), 3 + 1, "{}", ran.out);
    assert!(ran.err.contains("1 of 4 pictures"), "{}", ran.err);
    assert_eq!(json_lines(&ran.out)[3]["faults"], 1);
}

#[test]
fn a_broken_picture_in_a_loop_is_named_once_counted_each_turn_and_5() {
    let home = Home::new();
    home.picture("p/a.png", "happy");
    home.write("p/b.png", "nothing");
    home.picture("p/c.png", "sad");
    for (frames, faults, code) in [("1", 0, 0), ("2", 1, 5), ("5", 2, 5)] {
        let arguments = ["--source", "images:p", "--every-frame", "--loop", "--json", "--frames", frames];
        let ran = run(&mut home.program(&arguments));
        assert_eq!(ran.code, Some(code), "{}", ran.err);
        assert_eq!(json_lines(&ran.out).last().unwrap()["faults"], faults, "{frames} frames");
        assert_eq!(ran.err.matches("cannot decode").count(), usize::from(code == 5), "{}", ran.err);
        assert_eq!(ran.err.contains("1 of 3 pictures could not be read: p/b.png"), code == 5, "{}", ran.err);
    }
}

#[test]
fn a_closed_pipe_is_7_without_a_word() {
    let home = Home::new();
    let mut command = home.program(&["--source", "test-card", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn output_that_cannot_be_written_is_7() {
    let home = Home::new();
    for argument in ["config", "--help"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ran = run(home.program(&[argument]).stdout(full));
        assert_eq!(ran.code, Some(7), "{argument}");
        assert!(ran.err.contains("standard output"), "{}", ran.err);
    }
}

#[test]
fn a_model_with_other_moods_runs_and_default_lights_do_not_stop_it() {
    let home = Home::new();
    home.write("model.onnx", model(&card(&["cat", "dog", "owl"])));
    let ran = run(&mut home.program(&["--source", "test-card", "--every-frame", "--frames", "2", "--json"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("\"mood\":\"cat\""), "{}", ran.out);
}
