#![allow(clippy::unwrap_used)]

use super::*;
use crate::source::child::tests::script;

const PLAYBACK: Playback = Playback {
    fps: 30.0,
    every_frame: false,
    repeat: false,
    dwell: None,
    wait: false,
    camera: CameraRequest { width: 64, height: 48, colour: true },
};

/// A source whose program writes two frames of 4x2 pixels, and then does this.
fn started(argument: &str, then: &str) -> (tempfile::TempDir, Ffmpeg) {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = b"YUV4MPEG2 W4 H2 F30:1 Ip A1:1 C420jpeg\n".to_vec();
    for shade in [10, 20] {
        bytes.extend(b"FRAME\n");
        bytes.extend([shade; 12]);
    }
    std::fs::write(folder.path().join("frames"), bytes).unwrap();
    let text = format!("cd \"$(dirname \"$0\")\"; echo \"$@\" > asked; cat frames; {then}");
    let program = script(folder.path(), "ffmpeg", &text);
    let source = Ffmpeg::start(&program, argument, &PLAYBACK).map_err(|error| error.to_string()).unwrap();
    (folder, source)
}

fn shades(source: &mut Ffmpeg) -> (Vec<u8>, Result<bool, String>) {
    let mut seen = Vec::new();
    loop {
        let mut frame = Frame::empty();
        match source.fill(0, &mut frame) {
            Ok(true) => {
                assert_eq!((frame.format, frame.width, frame.height), (PixelFormat::I420, 4, 2));
                assert!(frame.view().is_ok());
                seen.push(frame.data[0]);
            }
            end => return (seen, end.map_err(|error| error.to_string())),
        }
    }
}

#[test]
fn frames_are_read_and_a_file_has_an_end() {
    let (folder, mut source) = started("a film.mp4", "");
    assert_eq!(shades(&mut source), (vec![10, 20], Ok(false)));
    let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
    assert!(asked.contains("-re -i file:a film.mp4") && asked.contains("min(64,iw)"), "{asked}");
}

#[test]
fn the_end_of_a_camera_is_a_fault_with_what_the_program_says() {
    let (_folder, mut source) = started("rtsp://cam/1", "echo '[rtsp @ 0x55d0] Connection refused' >&2; exit 1");
    let (seen, end) = shades(&mut source);
    assert_eq!(seen, [10, 20]);
    let said = end.unwrap_err();
    assert!(said.contains("ffmpeg ended (exit status: 1), and says: [rtsp] Connection refused"), "{said}");
    let (_folder, mut source) = started("rtsp://cam/1", "");
    assert!(shades(&mut source).1.unwrap_err().contains("ffmpeg ended (exit status: 0)"));
    let (_folder, mut source) = started("film.mp4", "echo 'film.mp4: Invalid data' >&2; exit 1");
    assert!(shades(&mut source).1.unwrap_err().contains("Invalid data"));
}

#[test]
fn what_is_no_video_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for (text, says) in [
        ("echo 'no such file' >&2; exit 1", "no such file"),
        ("echo YUV4MPEG2 W0 H2", "no YUV4MPEG2"),
        ("head -c 5000 /dev/zero", "no YUV4MPEG2"),
        ("echo 'YUV4MPEG2 W4 H2'; echo 'NO FRAME'", "no YUV4MPEG2"),
    ] {
        let program = script(folder.path(), "ffmpeg", text);
        let mut source = Ffmpeg::start(&program, "film.mp4", &PLAYBACK).map_err(|error| error.to_string()).unwrap();
        let error = source.fill(0, &mut Frame::empty()).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}
