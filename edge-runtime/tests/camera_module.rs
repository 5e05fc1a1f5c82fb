//! A camera module through `rpicam-vid`, with a script in that program's place.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod support;

use emotion_models::{PixelFormat, TEST_CARD_LABELS};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::{Home, json_lines, raw_frames, run};

/// Rows of 200 pixels lie 256 bytes apart, as libcamera pads them.
const WIDTH: usize = 200;
const HEIGHT: usize = 150;
const STRIDE: usize = 256;

/// Lists one camera; shows the mood that the file `mood` names until the file `fail` or `hang` is there; only one frame
/// of it where `one` is, two seconds of it where `loose` is; the first after three seconds where `slow` is. Its log
/// reports the size in `size`, or the right one; libcamera's variables make it red or silent.
const SCRIPT: &str = r#"#!/bin/sh
here="$(dirname "$0")"
case "$*" in *--list-cameras*) echo "0 : imx708 [4608x2592 10-bit RGGB] (/base/soc/i2c0mux)"; exit 0;; esac
echo $$ > "$here/id"
if [ -z "$LIBCAMERA_LOG_NO_COLOR" ]; then red="$(printf '\033[1;31m')"; fi
if [ -z "$LIBCAMERA_LOG_LEVELS$LIBCAMERA_LOG_FILE" ]; then
    if [ -e "$here/size" ]; then size="$(cat "$here/size")"; else size=200x150; fi
    echo "[0:00:01.234567890] [77]  INFO Camera configuring streams: (0) $size-YUV420/sYCC (1) 2304x1296-SBGGR10" >&2
fi
if [ -e "$here/slow" ]; then sleep 3; fi
while true; do
    if [ -e "$here/fail" ]; then echo "${red}[0:00:09.5] [77] ERROR V4L2 the cable fell off" >&2; exit 3; fi
    if [ -e "$here/hang" ]; then sleep 0.1; continue; fi
    if [ -e "$here/one" ] && [ -n "$shown" ]; then sleep 0.1; continue; fi
    shown=$((shown + 1))
    if [ -e "$here/loose" ] && [ "$shown" -gt 60 ]; then echo "${red}[0:00:09.5] [77] ERROR V4L2 a loose plug" >&2; exit 3; fi
    cat "$here/$(cat "$here/mood").yuv"
    sleep 0.03
done
"#;

fn padded(frame: &[u8]) -> Vec<u8> {
    let (luma, chroma) = frame.split_at(WIDTH * HEIGHT);
    let mut out = Vec::new();
    for (rows, stride) in [(luma.chunks(WIDTH), STRIDE), (chroma.chunks(WIDTH / 2), STRIDE / 2)] {
        for row in rows {
            out.extend_from_slice(row);
            out.resize(out.len() + stride - row.len(), 0);
        }
    }
    out
}

/// A home with the script in `bin`, which shows a happy face.
fn home() -> Home {
    let home = Home::new();
    for label in TEST_CARD_LABELS {
        let frame = raw_frames(label, 1, PixelFormat::I420, WIDTH as u32, HEIGHT as u32);
        home.write(&format!("bin/{label}.yuv"), padded(&frame));
    }
    home.write("bin/mood", "happy");
    let script = home.write("bin/rpicam-vid", SCRIPT);
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
    home.write("camera.toml", "[camera]\nwidth = 200\nheight = 150\n");
    home
}

fn program(home: &Home, arguments: &[&str]) -> Command {
    let mut command = home.program(arguments);
    command.args(["--config", "camera.toml"]);
    command.env("PATH", format!("{}:/usr/bin:/bin", home.path("bin").display()));
    command
}

/// A run whose JSON lines are read; killed if the test ends first.
struct CameraRun {
    child: Child,
    events: Box<dyn Iterator<Item = Value>>,
}

impl CameraRun {
    fn start(home: &Home, source: &str) -> Self {
        let mut command = program(home, &["--source", source, "--json", "--wait"]);
        command.env("LIBCAMERA_LOG_LEVELS", "*:FATAL").env("LIBCAMERA_LOG_FILE", "syslog");
        let errors = fs::File::create(home.path("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let events = lines.map_while(Result::ok).map(|line| serde_json::from_str(&line).unwrap());
        Self { child, events: Box::new(events) }
    }

    fn until(&mut self, what: &str, found: impl Fn(&Value) -> bool) -> Value {
        let event = self.events.find(|event| found(event));
        event.unwrap_or_else(|| panic!("the run ended before {what}"))
    }

    fn until_mood(&mut self, mood: &str) {
        self.until(mood, |event| event["mood"] == mood);
    }

    fn until_fault(&mut self) -> String {
        let event = self.until("a fault", |event| event["state"] == "fault");
        assert!(event["mood"].is_null());
        event["fault"].as_str().unwrap().to_owned()
    }

    fn signal(&self, signal: libc::c_int) {
        // SAFETY: kill only takes numbers; the child has not been waited for, so its number is still its own.
        assert_eq!(unsafe { libc::kill(self.child.id() as libc::pid_t, signal) }, 0);
    }
}

impl Drop for CameraRun {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until the script that wrote its number last is gone.
fn wait_for_the_end_of_the_script(home: &Home) {
    let id = fs::read_to_string(home.path("bin/id")).unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    let lives = || fs::read_to_string(format!("/proc/{}/stat", id.trim())).is_ok_and(|stat| !stat.contains(") Z "));
    while lives() {
        assert!(Instant::now() < until, "process {id} lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn moods_light_up_and_a_program_that_dies_is_a_fault_until_it_can_be_started_again() {
    let home = home();
    let mut run = CameraRun::start(&home, "rpicam");
    for mood in ["happy", "sad", "angry"] {
        home.write("bin/mood", mood);
        run.until_mood(mood);
    }
    home.write("bin/fail", "");
    let failed = Instant::now();
    let fault = run.until_fault();
    assert!(failed.elapsed() < Duration::from_secs(2), "{:?}", failed.elapsed());
    assert!(fault.contains("rpicam-vid ended (exit status: 3), and says: ERROR V4L2 the cable fell off"), "{fault}");
    std::thread::sleep(Duration::from_millis(2500));
    fs::remove_file(home.path("bin/fail")).unwrap();
    let mended = Instant::now();
    run.until_mood("angry");
    assert!(mended.elapsed() < Duration::from_secs(8), "{:?}", mended.elapsed());
    run.signal(libc::SIGTERM);
    // It went on, but a run with a fault is no success.
    assert_eq!(run.child.wait().unwrap().code(), Some(5));
    wait_for_the_end_of_the_script(&home);
    let log = fs::read_to_string(home.path("log")).unwrap();
    assert_eq!(log.matches("the cable fell off").count(), 2, "once when it happened, once at the end: {log}");
    assert_eq!(log.matches("camera module: 200x150 YUV420").count(), 1, "{log}");
    assert_eq!(log.matches("frames arrive again").count(), 1, "{log}");
}

#[test]
fn a_loose_plug_is_told_once() {
    let home = home();
    home.write("bin/loose", "");
    let mut run = CameraRun::start(&home, "rpicam");
    for _ in 0..3 {
        run.until_mood("happy");
        assert!(run.until_fault().contains("a loose plug"));
    }
    run.signal(libc::SIGTERM);
    assert_eq!(run.child.wait().unwrap().code(), Some(5));
    let log = fs::read_to_string(home.path("log")).unwrap();
    assert_eq!(log.matches("a loose plug").count(), 2, "once when it happened, once at the end: {log}");
    assert_eq!(log.matches("frames arrive again").count(), 1, "{log}");
}

#[test]
fn a_program_that_hangs_is_a_fault_within_two_seconds_and_is_started_again() {
    let home = home();
    let mut run = CameraRun::start(&home, "rpicam");
    run.until_mood("happy");
    home.write("bin/hang", "");
    let first = fs::read_to_string(home.path("bin/id")).unwrap();
    let hung = Instant::now();
    let fault = run.until_fault();
    assert!(hung.elapsed() < Duration::from_secs(2), "{:?}", hung.elapsed());
    assert!(fault.contains("rpicam-vid delivers no frames"), "{fault}");
    fs::remove_file(home.path("bin/hang")).unwrap();
    run.until_mood("happy");
    assert_ne!(first, fs::read_to_string(home.path("bin/id")).unwrap());
}

/// Bare pixels of a multiple of the size would pass for several frames.
#[test]
fn another_size_than_asked_for_is_told_though_libcameras_log_was_silenced() {
    let home = home();
    home.write("bin/size", "400x300");
    let mut run = CameraRun::start(&home, "rpicam");
    let started = Instant::now();
    let fault = run.until_fault();
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert!(fault.contains("rpicam-vid delivers 400x300 pixels") && fault.contains("[camera]"), "{fault}");
}

#[test]
fn a_module_that_takes_three_seconds_to_start_is_no_fault() {
    let home = home();
    home.write("bin/slow", "");
    let mut run = CameraRun::start(&home, "rpicam");
    let started = Instant::now();
    let first = run.until("anything", |_| true);
    assert!(started.elapsed() >= Duration::from_secs(2), "the script slept: {:?}", started.elapsed());
    assert!(first["event"] == "frame" && first["fault"].is_null(), "{first}");
    run.until_mood("happy");
    run.signal(libc::SIGTERM);
    assert_eq!(run.child.wait().unwrap().code(), Some(0));
    let log = fs::read_to_string(home.path("log")).unwrap();
    assert!(!log.contains("WARN") && !log.contains("frames arrive"), "{log}");
}

#[test]
fn one_frame_after_a_fault_is_no_recovery() {
    let home = home();
    let mut run = CameraRun::start(&home, "rpicam");
    run.until_mood("happy");
    home.write("bin/hang", "");
    run.until_fault();
    home.write("bin/mood", "sad");
    home.write("bin/one", "");
    fs::remove_file(home.path("bin/hang")).unwrap();
    std::thread::sleep(Duration::from_secs(5));
    fs::remove_file(home.path("bin/one")).unwrap();
    run.until_mood("sad");
    run.signal(libc::SIGTERM);
    run.child.wait().unwrap();
    let log = fs::read_to_string(home.path("log")).unwrap();
    assert_eq!(log.matches("frames arrive again").count(), 1, "{log}");
}

#[test]
fn a_run_that_is_killed_leaves_no_program_behind() {
    let home = home();
    let mut run = CameraRun::start(&home, "rpicam");
    run.until_mood("happy");
    run.signal(libc::SIGKILL);
    run.child.wait().unwrap();
    wait_for_the_end_of_the_script(&home);
}

#[test]
fn auto_takes_the_module_that_is_listed() {
    if fs::read_dir("/dev").unwrap().flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("video")) {
        // A camera of this machine would come first.
        return;
    }
    let home = home();
    let mut run = CameraRun::start(&home, "auto");
    run.until_mood("happy");
    run.signal(libc::SIGTERM);
    assert_eq!(run.child.wait().unwrap().code(), Some(0));
    let log = fs::read_to_string(home.path("log")).unwrap();
    assert!(log.contains("camera module: 200x150 YUV420 from"), "{log}");
}

#[test]
fn bench_measures_a_source_from_camera_to_light() {
    let home = home();
    let ran = run(&mut program(&home, &["bench", "--source", "rpicam", "--frames", "20", "--json"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let report = &json_lines(&ran.out)[0];
    for stage in ["preprocess", "inference", "whole_frame", "camera_to_light"] {
        let p50 = report["stages_ms"][stage]["p50"].as_f64();
        assert!(p50.is_some_and(|millis| millis > 0.0 && millis < 2000.0), "{stage}: {report}");
    }
    let rate = report["frames_per_second"].as_f64().unwrap();
    assert!((1.0..40.0).contains(&rate), "{rate}");
    assert!(report["frames"].as_str().unwrap().contains("20 frames of 200x150 i420"), "{report}");
    assert!(report["dropped"].is_u64() && report["unusable"] == 0, "{report}");
    let ran = run(&mut program(&home, &["bench", "--source", "rpicam", "--frames", "5", "--markdown"]));
    assert!(ran.out.contains("| camera to light |") && ran.out.contains("5 frames"), "{}", ran.out);
    let ran = run(&mut program(&home, &["bench", "--source", "rpicam", "--frames", "5"]));
    assert!(ran.out.contains("camera to light") && ran.out.contains("as the source gave them"), "{}", ran.out);
    wait_for_the_end_of_the_script(&home);
}

#[test]
fn without_the_program_the_fault_says_what_to_install() {
    let home = home();
    fs::remove_file(home.path("bin/rpicam-vid")).unwrap();
    let mut run = CameraRun::start(&home, "rpicam");
    let fault = run.until_fault();
    assert!(fault.contains("no rpicam-vid on PATH") && fault.contains("apt install"), "{fault}");
}

#[test]
fn the_program_stops_with_a_run_that_is_stopped_and_goes_on_with_it() {
    let home = home();
    let mut run = CameraRun::start(&home, "rpicam");
    run.until_mood("happy");
    let id = fs::read_to_string(home.path("bin/id")).unwrap();
    let state = |id: &str| {
        let stat = fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
        stat.rsplit(") ").next().and_then(|rest| rest.chars().next())
    };
    run.signal(libc::SIGTSTP);
    let until = Instant::now() + Duration::from_secs(10);
    while state(&id) != Some('T') || state(&run.child.id().to_string()) != Some('T') {
        assert!(Instant::now() < until, "both stop");
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(2500));
    home.write("bin/mood", "sad");
    run.signal(libc::SIGCONT);
    run.until_mood("sad");
    run.signal(libc::SIGTERM);
    assert_eq!(run.child.wait().unwrap().code(), Some(0), "a pause is no fault");
    assert_eq!(fs::read_to_string(home.path("bin/id")).unwrap(), id, "the program was not started again");
}

#[test]
fn a_snapshot_shows_what_the_camera_sees() {
    let home = home();
    let ran = run(&mut program(&home, &["snapshot", "--source", "rpicam", "--annotate", "seen.png"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.starts_with("rpicam: ") && ran.out.contains("(angry "), "{}", ran.out);
    let seen = image::open(home.path("seen.png")).unwrap();
    assert!(seen.width() >= WIDTH as u32 && seen.color().has_color());
    wait_for_the_end_of_the_script(&home);
    fs::remove_file(home.path("bin/rpicam-vid")).unwrap();
    let ran = run(&mut program(&home, &["snapshot", "--source", "rpicam"]));
    assert!(ran.code == Some(5) && ran.err.contains("apt install"), "{}", ran.err);
}
