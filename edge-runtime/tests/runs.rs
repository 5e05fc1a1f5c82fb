//! What `run`, `classify` and `config` do, seen from outside.
#![allow(clippy::unwrap_used)]

mod support;

use emotion_models::{DEMO_SEED, PixelFormat, Place, TEST_CARD_LABELS, TestCard};
use image::RgbImage;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::{Home, json_lines, raw_frames, run};

fn moods(events: &[Value]) -> Vec<String> {
    let mut moods: Vec<String> = events.iter().filter_map(|event| event["mood"].as_str()).map(str::to_owned).collect();
    moods.dedup();
    moods
}

#[test]
fn a_bare_run_falls_back_to_the_test_card_and_says_so() {
    let home = Home::new();
    let ran = run(&mut home.program(&["--frames", "2"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("test card") && ran.out.contains("stands in"), "{}", ran.out);
    assert!(ran.out.contains(" s  angry "), "{}", ran.out);
    assert!(!ran.out.contains('\x1b'), "{}", ran.out);
}

/// Whether this machine has a camera, or a program that may have one.
fn may_have_a_camera() -> bool {
    std::fs::read_dir("/dev").unwrap().flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("video"))
}

#[test]
fn a_camera_that_is_not_there_ends_the_run_at_once_with_what_to_do() {
    let home = Home::new();
    for (source, says) in
        [("auto", "images:DIR"), ("v4l2:/dev/no-such-camera", "no-such-camera"), ("rpicam", "rpicam-apps")]
    {
        if source == "auto" && may_have_a_camera() {
            continue;
        }
        let started = Instant::now();
        let ran = run(home.program(&["--source", source, "--json"]).env("PATH", "/nonexistent"));
        assert_eq!(ran.code, Some(5), "{source}: {}", ran.err);
        assert!(ran.err.contains(says), "{source}: {}", ran.err);
        assert!(!ran.out.contains("\"state\":\"mood\""), "{}", ran.out);
        assert!(started.elapsed() < Duration::from_secs(3), "{source}: {:?}", started.elapsed());
    }
}

#[test]
fn a_run_that_waits_shows_a_fault_and_never_an_invented_mood() {
    let home = Home::new();
    home.write(".config/moodlight/config.toml", "fps = 20\n");
    let named = ["--json", "--wait", "--source", "v4l2:/dev/no-such-camera"];
    for arguments in [&["--json", "--wait"][..], &["--json", "--wait", "--lights", "none"], &named] {
        let mut command = home.program(arguments);
        command.env("PATH", "/nonexistent");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let started = Instant::now();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert!(started.elapsed() < Duration::from_secs(2));
        assert_eq!((&first["state"], &first["mood"]), (&Value::from("fault"), &Value::Null));
        assert!(first["fault"].as_str().unwrap().contains("camera"), "{first}");
        terminate(&child);
        // Stopped in a fault is no success.
        assert_eq!(child.wait().unwrap().code(), Some(5));
    }
}

#[test]
fn the_configuration_that_is_printed_runs_as_none_does() {
    let home = Home::new();
    let printed = run(&mut home.program(&["config"]));
    home.write("c.toml", &printed.out);
    let bare = run(&mut home.program(&["--frames", "2"]));
    let configured = run(&mut home.program(&["--config", "c.toml", "--frames", "2"]));
    let moods = |text: &str| text.lines().next().map(str::to_owned).unwrap_or_default();
    assert_eq!((configured.code, moods(&configured.out)), (bare.code, moods(&bare.out)), "{}", configured.err);
    assert!(may_have_a_camera() || configured.out.contains("stands in"), "{}", configured.out);
}

#[test]
fn every_frame_of_the_test_card_lights_each_mood_and_twice_the_same() {
    let home = Home::new();
    let arguments = ["--source", "test-card", "--every-frame", "--frames", "240", "--json", "--dwell", "2"];
    let events = || {
        let ran = run(&mut home.program(&arguments));
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let mut events = json_lines(&ran.out);
        let summary = events.pop().unwrap();
        assert_eq!((&summary["frames"], &summary["dropped"]), (&Value::from(240), &Value::from(0)));
        for event in &mut events {
            event["latency_ms"] = Value::Null;
        }
        events
    };
    let first = events();
    assert_eq!(moods(&first), ["angry", "happy", "sad", "angry"]);
    for (number, event) in first.iter().enumerate() {
        assert_eq!(event["frame"], number as u64);
        assert!((event["time"].as_f64().unwrap() - number as f64 / 30.0).abs() < 1e-6);
    }
    assert_eq!(first, events());
}

#[test]
fn pictures_are_judged_from_pixels_alone() {
    let home = Home::new();
    // Names that lie about the mood change nothing.
    home.picture("p/1-sad.png", "happy");
    home.picture("p/2-happy.png", "angry");
    home.picture("p/sub/3-angry.png", "sad");
    let ran =
        run(&mut home.program(&["--source", "images:p", "--every-frame", "--smoothing", "0", "--hold", "0", "--json"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(moods(&json_lines(&ran.out)), ["happy", "angry", "sad"]);
    // Shown like slides, each long enough for the mood to settle.
    let ran = run(&mut home.program(&["--source", "images:p", "--dwell", "0.9"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let seen: Vec<&str> = ran.out.lines().filter_map(|line| line.split("s  ").nth(1)?.split(' ').next()).collect();
    assert_eq!(seen, ["happy", "angry", "sad"], "{}", ran.out);
    // Round and round, until enough frames were seen.
    let ran = run(&mut home.program(&["--source", "images:p", "--every-frame", "--loop", "--frames", "7", "--json"]));
    assert_eq!((ran.code, ran.out.lines().count()), (Some(0), 8), "{}", ran.err);
}

#[test]
fn every_pixel_format_comes_through_the_pipe_with_the_same_mood() {
    let home = Home::new();
    for (format, label) in PixelFormat::ALL.into_iter().zip(TEST_CARD_LABELS.into_iter().cycle()) {
        let source = format!("stdin:160x120:{format}");
        let mut command = home.program(&["--source", &source, "--every-frame", "--json"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let frames = raw_frames(label, 5, format, 160, 120);
        let mut input = child.stdin.take().unwrap();
        input.write_all(&frames).unwrap();
        drop(input);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{format}");
        let events = json_lines(&String::from_utf8(output.stdout).unwrap());
        assert_eq!((events.len(), moods(&events)), (6, vec![label.to_owned()]), "{format}");
    }
}

#[test]
fn a_pipe_that_falls_silent_is_a_fault_until_frames_come_again() {
    let home = Home::new();
    let mut command = home.program(&["--source", "stdin:160x120:grey", "--json"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let frames = raw_frames("sad", 2, PixelFormat::Grey, 160, 120);
    let (first, second) = frames.split_at(frames.len() / 2);
    let mut input = child.stdin.take().unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let mut until = |state: &str| events.by_ref().find(|event| event["state"] == state).unwrap();
    assert_eq!(until("fault")["fault"], "the source has delivered no frame yet");
    std::thread::sleep(Duration::from_millis(600));
    input.write_all(first).unwrap();
    until("mood");
    let quiet = Instant::now();
    assert_eq!(until("fault")["fault"], "the source has stopped delivering frames");
    assert!(quiet.elapsed() < Duration::from_secs(2), "{:?}", quiet.elapsed());
    std::thread::sleep(Duration::from_millis(600));
    input.write_all(second).unwrap();
    until("mood");
    drop(input);
    // It went on, but a run with a fault is no success.
    assert_eq!(child.wait().unwrap().code(), Some(5));
}

#[test]
fn classify_tells_label_and_probabilities_of_crops() {
    let home = Home::new();
    for label in TEST_CARD_LABELS {
        home.picture(&format!("{label}.png"), label);
    }
    home.write("broken.jpg", "nothing");
    let ran = run(&mut home.program(&["classify", "angry.png", "happy.png", "sad.png"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    for (line, label) in ran.out.lines().zip(TEST_CARD_LABELS) {
        assert!(line.starts_with(&format!("{label}.png: {label} (angry ")), "{line}");
    }
    let ran = run(&mut home.program(&["classify", "--json", "broken.jpg", "sad.png"]));
    assert_eq!(ran.code, Some(5));
    assert!(ran.err.contains("broken.jpg") && ran.err.contains("1 of 2"), "{}", ran.err);
    let events = json_lines(&ran.out);
    assert_eq!((&events[0]["label"], &events[0]["sure"]), (&Value::from("sad"), &Value::from(true)));
    assert!(events[0]["faces"].is_null(), "none was searched for: {}", events[0]);
    let ran = run(&mut home.program(&["classify", "broken.jpg"]));
    assert_eq!((ran.code, ran.err.lines().count()), (Some(5), 1), "{}", ran.err);
}

#[test]
fn config_prints_what_holds_and_reads_it_back() {
    let home = Home::new();
    home.write(
        ".config/moodlight/config.toml",
        "source = \"test-card\"\nfps = 12.5\nmodel = \"../../model.onnx\"\n[lights]\nactive_low = true\n",
    );
    let first = run(&mut home.bare(&["config", "--hold", "0.75"]));
    assert_eq!(first.code, Some(0), "{}", first.err);
    for line in ["source = \"test-card\"", "fps = 12.5", "hold = 0.75", "active_low = true"] {
        assert!(first.out.contains(line), "{}", first.out);
    }
    let file = home.write("again.toml", &first.out);
    let second = run(&mut home.bare(&["config", "--config", file.to_str().unwrap()]));
    assert_eq!(second.code, Some(0), "{}", second.err);
    let body = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(body(&first.out), body(&second.out));
}

#[test]
fn xdg_config_home_comes_first_and_flags_win() {
    let home = Home::new();
    home.write("xdg/moodlight/config.toml", "fps = 7\n");
    home.write(".config/moodlight/config.toml", "fps = 8\n");
    let mut command = home.program(&["config", "--source", "test-card"]);
    let ran = run(command.env("XDG_CONFIG_HOME", home.path("xdg")));
    assert!(ran.out.contains("fps = 7.0") && ran.out.contains("source = \"test-card\""), "{}", ran.out);
}

#[test]
fn bench_measures_every_stage_and_a_start_of_its_own() {
    let home = Home::new();
    let ran = run(&mut home.program(&["bench", "--frames", "30", "--format", "nv12", "--json"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let stages: Vec<&str> = report["stages_ms"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(stages.len(), 6, "{stages:?}");
    for stage in ["locate", "preprocess", "inference", "filter", "light", "whole_frame"] {
        for percentile in ["p50", "p95", "p99"] {
            assert!(report["stages_ms"][stage][percentile].as_f64().is_some(), "{stage}: {report}");
        }
    }
    for figure in ["frames_per_second", "first_mood_ms", "peak_rss_kib", "binary_bytes"] {
        assert!(report[figure].as_f64().is_some_and(|value| value > 0.0), "{figure}: {report}");
    }
    assert!(report["engine"].as_str().unwrap().starts_with("tract ") && report["precision"] == "f32");
    assert!(report["frames"].as_str().unwrap().contains("nv12"));
    let ran = run(&mut home.program(&["bench", "--frames", "30", "--markdown"]));
    assert!(ran.out.starts_with("| stage | p50 | p95 | p99 |") && ran.out.contains("first mood"), "{}", ran.out);
}

#[test]
fn bench_reports_both_precisions_and_each_layer() {
    let home = Home::new();
    let ran = run(&mut home.bare(&["bench", "--frames", "10", "--layers", "--json"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    for fact in ["inference_f32_ms", "inference_int8_ms"] {
        assert!(report[fact].as_f64().is_some_and(|millis| millis > 0.0), "{fact}: {report}");
    }
    let layers = report["layers"].as_array().unwrap();
    let both = |layer: &&Value| layer["ms"].as_object().unwrap().len() == 2;
    assert!(layers.len() >= 3 && layers.iter().any(|layer| both(&layer)), "{report}");
    let (mut macs, mut millis) = (0, 0.0);
    for layer in layers {
        assert!(layer["layer"].as_str().is_some_and(|name| !name.is_empty()), "{layer}");
        macs += layer["macs"].as_u64().unwrap();
        millis += layer["ms"].as_object().unwrap().values().map(|time| time.as_f64().unwrap()).sum::<f64>();
    }
    assert!(macs > 1_000_000 && millis > 0.0, "{report}");

    // A float model has no integers to run in.
    let ran = run(&mut home.program(&["bench", "--frames", "10", "--json"]));
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(report["inference_f32_ms"].is_number() && report["inference_int8_ms"].is_null(), "{report}");
    assert!(report["layers"].is_null(), "only where they are asked for");
}

/// What a processor with less would do can be measured on one that has more; where it has not, there is nothing to leave out.
#[test]
#[cfg(target_arch = "x86_64")]
fn instruction_sets_that_the_engine_is_to_do_without_our_kernels_leave_too() {
    let home = Home::new();
    let kernels = |without: &str| {
        let ran = run(home.bare(&["bench", "--frames", "10", "--markdown"]).env("TRACT_CPU_ISA", without));
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let named = ran.out.lines().filter(|line| line.starts_with("| inference in "));
        named.map(|line| line.rsplit('(').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let better = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let best = |kernel| if better { format!("avx2 {kernel}) |") } else { format!("portable {kernel}) |") };
    assert_eq!(kernels("-avx512f,-avx512vnni,-avxvnni"), [best("f32"), best("int8")]);
    assert_eq!(kernels("-avx512f,-avx512vnni,-avxvnni,-avx2"), ["portable f32) |", "portable int8) |"]);
    for wrong in ["nonsense", "-dotprod", "\u{2212}avx512f"] {
        let ran = run(home.program(&["--frames", "1"]).env("TRACT_CPU_ISA", wrong));
        assert_eq!(ran.code, Some(2), "{}", ran.err);
        assert!(ran.err.contains("TRACT_CPU_ISA: `") && ran.err.lines().count() == 1, "{}", ran.err);
        let dark = run(home.program(&["dark"]).env("TRACT_CPU_ISA", wrong));
        assert_eq!(dark.code, Some(0), "lights go dark whatever else is wrong: {}", dark.err);
    }
}

/// A room with an angry face in its left half and a happy one in its right.
fn two_people(home: &Home) {
    const HALF: u32 = 320;
    let place = Place { x: 0.5, y: 0.45, size: 0.4 };
    let mut picture = RgbImage::new(2 * HALF, 480);
    for (seed, label, left) in [(DEMO_SEED, "angry", 0), (DEMO_SEED, "happy", HALF)] {
        let half = TestCard::new(seed).scene(Some((label, place)), 0, HALF, 480);
        image::imageops::replace(&mut picture, &half, i64::from(left), 0);
    }
    let path = home.write("two.png", "");
    picture.save(path).unwrap();
}

#[test]
fn two_people_light_a_mood_each_or_the_mean_of_both() {
    let home = Home::new();
    two_people(&home);
    let last = |faces: &str| {
        let arguments =
            ["--source", "images:two.png", "--every-frame", "--loop", "--frames", "60", "--json", "--faces"];
        let ran = run(home.bare(&arguments).arg(faces));
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let events = json_lines(&ran.out);
        events[59].clone()
    };
    let each = |event: &Value, key: &str| -> Vec<Value> {
        // From left to right.
        let mut faces = event["faces"].as_array().unwrap().clone();
        faces.sort_by(|a, b| a["box"][0].as_f64().unwrap().total_cmp(&b["box"][0].as_f64().unwrap()));
        faces.iter().map(|face| face[key].clone()).collect()
    };
    let all = last("all");
    assert_eq!(each(&all, "mood"), ["angry", "happy"], "{all}");
    assert_eq!(all["state"], "mood");

    let mean = last("average");
    let probabilities = each(&mean, "probabilities");
    assert_eq!((probabilities.len(), each(&mean, "state")), (2, vec![Value::Null, Value::Null]), "{mean}");
    for label in TEST_CARD_LABELS {
        let of_both = probabilities.iter().map(|face| face[label].as_f64().unwrap()).sum::<f64>() / 2.0;
        let smoothed = mean["smoothed"][label].as_f64().unwrap();
        assert!((smoothed - of_both).abs() < 0.02, "{label}: {smoothed}, of {probabilities:?}");
    }

    let largest = last("largest");
    let judged = each(&largest, "probabilities").iter().filter(|face| !face.is_null()).count();
    assert_eq!(judged, 1, "only the one that the lights are about: {largest}");
}

#[test]
fn dark_works_where_the_configuration_is_broken() {
    let home = Home::new();
    home.write("broken.toml", "fps = 0\n");
    let ran = run(&mut home.bare(&["dark", "--config", "broken.toml", "--lights", "terminal"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.err.contains("broken.toml:1: `fps`") && ran.err.contains("the default wiring"), "{}", ran.err);
    let ran = run(&mut home.bare(&["dark", "--lights", "terminal"]));
    assert!(ran.code == Some(0) && !ran.err.contains("default wiring"), "{}", ran.err);
}

/// Sends SIGTERM.
fn terminate(child: &std::process::Child) {
    // SAFETY: kill only takes numbers; the child has not been waited for, so its number is still its own.
    let answer = unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGTERM) };
    assert_eq!(answer, 0);
}
