//! Video through `ffmpeg`, where it is installed: a file that this test makes, a pipe that goes on as a camera does, and refusals.
#![allow(clippy::unwrap_used)]

mod support;

use emotion_models::{DEMO_SEED, TestCard};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;
use support::{Home, json_lines, run};

/// Whether the program is there.
fn is_installed() -> bool {
    Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// A film of a second, of a face that shows one mood.
fn film(home: &Home, label: &str, name: &str) {
    let card = TestCard::new(DEMO_SEED);
    for number in 0..10 {
        card.draw(label, number, 320, 240).save(home.write(&format!("frames/{number:02}.png"), "")).unwrap();
    }
    let made = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-framerate", "10", "-i"])
        .arg(home.path("frames/%02d.png"))
        .args(["-c:v", "mjpeg", "-q:v", "3"])
        .arg(home.path(name))
        .status()
        .unwrap();
    assert!(made.success());
}

#[test]
fn a_film_is_seen_to_its_end() {
    if !is_installed() {
        return;
    }
    let home = Home::new();
    film(&home, "happy", "a film.avi");
    let ran = run(&mut home.program(&["--source", "ffmpeg:a film.avi", "--every-frame", "--fps", "10", "--json"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let mut events = json_lines(&ran.out);
    let summary = events.pop().unwrap();
    assert_eq!(summary["frames"], 10, "{summary}");
    assert!(events.iter().all(|event| event["state"] == "mood" && event["mood"] == "happy"), "{}", ran.out);
    let again = ["--source", "ffmpeg:a film.avi", "--every-frame", "--fps", "10", "--json", "--loop", "--frames", "25"];
    let ran = run(&mut home.program(&again));
    assert_eq!(json_lines(&ran.out).last().unwrap()["frames"], 25, "{}", ran.err);
}

/// Sends JPEG pictures to each that connects, as a camera on a network does: so many, and then it hangs up.
fn serve(label: &'static str, pictures: u64) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut jpeg = Vec::new();
        let face = TestCard::new(DEMO_SEED).draw(label, 0, 320, 240);
        face.write_with_encoder(image::codecs::jpeg::JpegEncoder::new(&mut jpeg)).unwrap();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            for _ in 0..pictures {
                if stream.write_all(&jpeg).is_err() {
                    break;
                }
                thread::sleep(Duration::from_millis(40));
            }
        }
    });
    port
}

#[test]
fn a_stream_that_breaks_off_is_a_fault_and_is_started_again() {
    if !is_installed() {
        return;
    }
    let home = Home::new();
    let port = serve("sad", 60);
    let source = format!("ffmpeg:-f mjpeg -probesize 5000 -analyzeduration 0 -i tcp://127.0.0.1:{port}");
    let mut child = home.program(&["--source", &source, "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut events = lines.map_while(Result::ok).map(|line| serde_json::from_str::<Value>(&line).unwrap());
    for _ in 0..2 {
        assert!(events.any(|event| event["mood"] == "sad"));
        let fault = events.find(|event| event["state"] == "fault").unwrap();
        assert!(fault["fault"].as_str().unwrap().contains("ffmpeg ended"), "{fault}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What never answers is the end.
    let ran = run(&mut home.program(&["--source", "ffmpeg:tcp://127.0.0.1:9", "--json"]));
    assert_eq!(ran.code, Some(5), "{}", ran.err);
    assert!(ran.err.contains("ffmpeg ended") && ran.err.contains("Connection refused"), "{}", ran.err);
}

#[test]
fn what_ffmpeg_refuses_and_its_absence_are_told_apart() {
    let home = Home::new();
    let ran = run(home.program(&["--source", "ffmpeg:film.mp4"]).env("PATH", "/nonexistent"));
    assert_eq!(ran.code, Some(5));
    assert!(ran.err.contains("no ffmpeg on PATH") && ran.err.contains("apt install ffmpeg"), "{}", ran.err);
    if !is_installed() {
        return;
    }
    home.write("text.mp4", "no film");
    for (source, says) in [("ffmpeg:missing.mp4", "No such file"), ("ffmpeg:text.mp4", "Invalid data")] {
        let ran = run(&mut home.program(&["--source", source]));
        assert_eq!(ran.code, Some(5), "{source}: {}", ran.err);
        assert!(ran.err.contains("ffmpeg ended") && ran.err.contains(says), "{source}: {}", ran.err);
    }
}
