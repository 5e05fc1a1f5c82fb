//! The library's examples do what they say.
#![allow(clippy::unwrap_used)]

use emotion_models::{DEMO_SEED, Place, TestCard};
use end_to_end_tests::{Session, example};

#[test]
fn a_picture_is_classified() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("face.png");
    let place = Place { x: 0.7, y: 0.45, size: 0.3 };
    TestCard::new(DEMO_SEED).scene(Some(("happy", place)), 4, 640, 480).save(&path).unwrap();
    let told = Session::run(example("classify_picture").arg(&path)).expect_code(0).stdout;
    assert!(told.starts_with("happy 0.") || told.starts_with("happy 1."), "{told}");
    TestCard::new(DEMO_SEED).scene(None, 4, 640, 480).save(&path).unwrap();
    assert_eq!(Session::run(example("classify_picture").arg(&path)).expect_code(0).stdout.trim(), "no face");
}

#[test]
fn a_source_and_lights_of_ones_own_show_each_mood() {
    let told = Session::run(example("own_source").arg("60")).expect_code(0).stdout;
    let (camera, moods): (Vec<&str>, Vec<&str>) =
        told.lines().filter(|line| line.ends_with(": 1")).partition(|line| line.starts_with("camera"));
    assert_eq!(moods, ["angry (red): 1", "happy (green): 1", "sad (blue): 1"], "{told}");
    assert_eq!(camera, ["camera (white): 1"], "{told}");
    assert!(told.lines().rev().take(4).all(|line| line.ends_with(": 0")), "{told}");
}
