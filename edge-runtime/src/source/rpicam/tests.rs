#![allow(clippy::unwrap_used)]

use super::*;
use crate::source::child::tests::script;
use std::fs;

const REQUEST: CameraRequest = CameraRequest { width: 100, height: 4, colour: false };
/// Rows of 100 pixels lie 128 bytes apart.
const PADDED: usize = 128 * 4 + 2 * 64 * 2;

fn start(text: &str) -> (tempfile::TempDir, Rpicam) {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), "rpicam-vid", text);
    let started = Rpicam::start(&program, &REQUEST, 30.0).map_err(|error| error.to_string()).unwrap();
    (folder, started)
}

fn fault(source: &mut Rpicam) -> String {
    source.fill(0, &mut Frame::empty()).unwrap_err().to_string()
}

/// Two frames in a file, rows padded, and the script that writes them.
fn frames(then: &str) -> (tempfile::TempDir, Rpicam) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("frames.yuv");
    let bytes: Vec<u8> = [10u8, 20]
        .into_iter()
        .flat_map(|shade| {
            let row =
                |shade: u8, width: usize, stride: usize| (0..stride).map(move |x| if x < width { shade } else { 255 });
            let luma = (0..4).flat_map(move |_| row(shade, 100, 128));
            luma.chain((0..4).flat_map(move |_| row(shade + 1, 50, 64)))
        })
        .collect();
    assert_eq!(bytes.len(), 2 * PADDED);
    fs::write(&file, bytes).unwrap();
    let program = script(folder.path(), "rpicam-vid", &format!("cat '{}'; {then}", file.display()));
    let source = Rpicam::start(&program, &REQUEST, 30.0).map_err(|error| error.to_string()).unwrap();
    (folder, source)
}

#[test]
fn padded_rows_are_read_and_an_end_is_told_with_the_last_words() {
    let (_folder, mut source) = frames("echo '[0:01:02.003] [42] ERROR the cable fell off' >&2; exit 7");
    for shade in [10, 20] {
        let mut frame = Frame::empty();
        assert!(source.fill(0, &mut frame).unwrap());
        assert_eq!((frame.format, frame.width, frame.height, frame.stride), (PixelFormat::I420, 100, 4, 128));
        assert!(frame.view().is_ok());
        assert_eq!((frame.data[0], frame.data[99], frame.data[100], frame.data[128]), (shade, shade, 255, shade));
        assert_eq!((frame.data[512], frame.data[PADDED - 64]), (shade + 1, shade + 1));
    }
    let said = fault(&mut source);
    assert!(said.contains("rpicam-vid ended (exit status: 7), and says: ERROR the cable fell off"), "{said}");
}

#[test]
fn the_program_is_asked_for_size_rate_and_pixels() {
    let (folder, mut source) = start("echo \"$@\" > \"$(dirname \"$0\")/asked\"");
    fault(&mut source);
    let asked = fs::read_to_string(folder.path().join("asked")).unwrap();
    for flag in ["--codec yuv420", "--width 100 --height 4", "--framerate 30", "--timeout 0", "--output -", "--flush"] {
        assert!(asked.contains(flag), "{flag}: {asked}");
    }
}

#[test]
fn silence_is_a_fault_within_a_second_of_the_last_frame() {
    let (_folder, mut source) = frames("sleep 60");
    for _ in 0..2 {
        assert!(source.fill(0, &mut Frame::empty()).unwrap());
    }
    let start = Instant::now();
    let said = fault(&mut source);
    assert!(said.contains("rpicam-vid delivers no frames"), "{said}");
    assert!(start.elapsed() < Duration::from_millis(1600), "{:?}", start.elapsed());
}

#[test]
fn endless_words_neither_fill_memory_nor_hold_up_frames() {
    let (_folder, mut source) = frames("head -c 3000000 /dev/zero | tr '\\0' 'x' >&2; echo ' the end' >&2; exit 1");
    for _ in 0..2 {
        assert!(source.fill(0, &mut Frame::empty()).unwrap());
    }
    let said = fault(&mut source);
    assert!(said.contains("the end") && said.len() < 2000, "{} bytes: {said}", said.len());
}

#[test]
fn another_size_than_asked_for_is_a_fault_that_names_it() {
    let (_folder, mut source) = start(
        "echo 'INFO configuring streams: (0) 128x96-YUV420/sYCC' >&2; sleep 0.2; head -c 100000 /dev/zero; sleep 60",
    );
    let said = fault(&mut source);
    assert!(said.contains("delivers 128x96 pixels"), "{said}");
}

/// Frames of `bytes` bytes, 20 a second; the first error of reading `most` of them.
fn paced(bytes: usize, most: u64) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("frame"), vec![0; bytes]).unwrap();
    let program =
        script(folder.path(), "rpicam-vid", "cd \"$(dirname \"$0\")\"; while :; do cat frame; sleep 0.05; done");
    let mut source = Rpicam::start(&program, &REQUEST, 20.0).map_err(|error| error.to_string()).unwrap();
    (0..most).find_map(|number| source.fill(number, &mut Frame::empty()).err()).map(|error| error.to_string())
}

#[test]
fn frames_of_another_length_are_a_fault_and_whole_ones_are_not() {
    assert_eq!(paced(PADDED, 30), None);
    for bytes in [PADDED - 100, PADDED + 100] {
        // A quiet machine needs a dozen.
        let said = paced(bytes, 2000).unwrap();
        assert!(said.contains("short or damaged frames") && said.contains("768 bytes of 100x4"), "{said}");
    }
}

#[test]
fn the_child_and_what_it_started_end_with_the_source() {
    let (folder, mut source) = start("sleep 300 & echo $! > \"$(dirname \"$0\")/id\"; head -c 100000 /dev/zero; wait");
    assert!(source.fill(0, &mut Frame::empty()).unwrap());
    let id = fs::read_to_string(folder.path().join("id")).unwrap();
    let lives = || fs::read_to_string(format!("/proc/{}/stat", id.trim())).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(lives());
    drop(source);
    let until = Instant::now() + Duration::from_secs(5);
    while lives() {
        assert!(Instant::now() < until, "the child's child lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_cannot_be_started_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("rpicam-vid");
    fs::write(&program, "no program").unwrap();
    let refused = Rpicam::start(&program, &REQUEST, 30.0).err().unwrap().to_string();
    assert!(refused.contains("cannot start") && refused.contains("rpicam-vid"), "{refused}");
}
