//! What `classify` says of whole photos, and draws into them, with the models inside the program.
#![allow(clippy::unwrap_used)]

mod support;

use edge_runtime::lights::LightColour;
use emotion_models::{DEMO_SEED, Place, Rect, TEST_CARD_LABELS, TestCard};
use image::RgbImage;
use serde_json::Value;
use support::{Home, json_lines, run};

const SIZE: (u32, u32) = (640, 480);
const PLACES: [Place; 3] =
    [Place { x: 0.3, y: 0.5, size: 0.22 }, Place { x: 0.7, y: 0.45, size: 0.3 }, Place { x: 0.5, y: 0.5, size: 0.18 }];

/// Saves a drawn photo for each mood and one of the empty room, and returns the ground-truth boxes.
fn photos(home: &Home) -> Vec<Rect> {
    let card = TestCard::new(DEMO_SEED);
    let (width, height) = SIZE;
    card.scene(None, 4, width, height).save(home.write("room.png", "")).unwrap();
    let faces = TEST_CARD_LABELS.into_iter().zip(PLACES).map(|(label, place)| {
        let path = home.write(&format!("{label}.png"), "");
        card.scene(Some((label, place)), 4, width, height).save(path).unwrap();
        card.face_at(place, 4, width, height)
    });
    faces.collect()
}

fn found(face: &Value) -> Rect {
    let side = |index: usize| face["box"][index].as_f64().unwrap() as f32;
    Rect::new(side(0), side(1), side(2), side(3))
}

#[test]
fn photos_are_told_by_the_face_in_them_and_rooms_have_none() {
    let home = Home::new();
    let truth = photos(&home);
    let pictures = ["angry.png", "happy.png", "sad.png", "room.png"];
    let ran = run(home.bare(&["classify", "--json"]).args(pictures));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let told = json_lines(&ran.out);
    for ((told, label), truth) in told.iter().zip(TEST_CARD_LABELS).zip(truth) {
        assert_eq!(told["label"], label, "{told}");
        let faces = told["faces"].as_array().unwrap();
        assert!(faces.len() == 1 && found(&faces[0]).iou(truth) > 0.4, "{told} {truth:?}");
        assert_eq!(faces[0]["probabilities"], told["probabilities"]);
    }
    let room = &told[3];
    assert!(room["label"].is_null() && room["probabilities"].is_null() && room["sure"] == false, "{room}");
    assert_eq!(room["faces"], Value::Array(vec![]));

    let ran = run(home.bare(&["classify"]).args(pictures));
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[1].starts_with("happy.png: happy") && lines[3] == "room.png: no face", "{}", ran.out);
}

#[test]
fn every_face_has_its_line_where_all_count() {
    let home = Home::new();
    // Two people side by side in one photo.
    let (card, place) = (TestCard::new(DEMO_SEED), Place { x: 0.5, y: 0.5, size: 0.45 });
    let mut both = RgbImage::new(800, 480);
    for (label, x) in [("angry", 0), ("happy", 400)] {
        image::imageops::replace(&mut both, &card.scene(Some((label, place)), 4, 400, 480), x, 0);
    }
    both.save(home.path("both.png")).unwrap();
    let ran = run(&mut home.bare(&["classify", "--faces", "all", "both.png"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ran.out);
    assert!(lines.iter().all(|line| line.starts_with("both.png: face ")), "{}", ran.out);
    for mood in [": angry", ": happy"] {
        assert!(lines.iter().any(|line| line.contains(mood)), "{}", ran.out);
    }
    let ran = run(&mut home.bare(&["classify", "--faces", "average", "--json", "both.png"]));
    let told = &json_lines(&ran.out)[0];
    let mean = |label: &str| {
        told["faces"].as_array().unwrap().iter().map(|face| face["probabilities"][label].as_f64().unwrap()).sum::<f64>()
            / 2.0
    };
    assert!((told["probabilities"]["happy"].as_f64().unwrap() - mean("happy")).abs() < 1e-3, "{told}");
}

#[test]
fn annotated_photos_show_the_box_in_the_moods_colour() {
    let home = Home::new();
    photos(&home);
    let ran = run(&mut home.bare(&["classify", "--json", "--annotate", "out.png", "happy.png"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let face = found(&json_lines(&ran.out)[0]["faces"][0]);
    let drawn = image::open(home.path("out.png")).unwrap().into_rgb8();
    assert_eq!(drawn.dimensions(), SIZE);
    let [x, y] = face.centre().map(|side| side as u32);
    let left = face.x.round() as u32;
    assert_eq!(drawn.get_pixel(left, y).0, LightColour::Green.rgb());
    let before = image::open(home.path("happy.png")).unwrap().into_rgb8();
    assert_eq!(drawn.get_pixel(x, y), before.get_pixel(x, y));

    // Several photos, one of them broken: the others are drawn all the same.
    home.write("broken.jpg", "nothing");
    let ran = run(&mut home.bare(&["classify", "--annotate", "seen", "sad.png", "broken.jpg", "room.png"]));
    assert_eq!(ran.code, Some(5), "{}", ran.err);
    for name in ["seen/sad.png", "seen/room.png"] {
        assert_eq!(image::open(home.path(name)).unwrap().into_rgb8().dimensions(), SIZE);
    }
    assert!(!home.path("seen/broken.jpg").exists());
    for (arguments, code, says) in [
        (&["classify", "--annotate", "out.png", "sad.png", "room.png"][..], 2, "need a folder"),
        (&["classify", "--annotate", "sad.png", "sad.png"], 2, "write over"),
        (&["classify", "--annotate", "missing/out.png", "sad.png"], 7, "cannot write missing/out.png"),
        (&["classify", "--no-face-search", "--face-model", "face.onnx", "sad.png"], 2, "cannot be used with"),
    ] {
        let ran = run(&mut home.bare(arguments));
        assert!(ran.code == Some(code) && ran.err.contains(says), "{arguments:?}: {:?} {}", ran.code, ran.err);
    }
}

#[test]
fn a_model_of_moods_finds_no_faces() {
    let home = Home::new();
    photos(&home);
    let ran = run(&mut home.bare(&["classify", "--face-model", "model.onnx", "sad.png"]));
    assert!(ran.code == Some(4) && ran.err.contains("model.onnx"), "{:?} {}", ran.code, ran.err);
}

#[test]
fn a_snapshot_of_the_scene_has_its_boxes_and_moods() {
    let home = Home::new();
    photos(&home);
    let ran = run(&mut home.bare(&["snapshot", "--source", "images:happy.png", "--annotate", "seen.jpg", "--json"]));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let told = &json_lines(&ran.out)[0];
    assert!(told["label"] == "happy" && told["faces"].as_array().unwrap().len() == 1, "{told}");
    let seen = image::open(home.path("seen.jpg")).unwrap().into_rgb8();
    let green = |pixel: &image::Rgb<u8>| pixel.0[1] > 170 && pixel.0[0] < 110 && pixel.0[2] < 150;
    assert!(seen.dimensions() == SIZE && seen.pixels().filter(|pixel| green(pixel)).count() > 200);
}

#[test]
fn names_reach_the_terminal_and_json_escaped() {
    let home = Home::new();
    photos(&home);
    std::fs::rename(home.path("sad.png"), home.path("s\na\u{1b}[31md.png")).unwrap();
    let ran = run(&mut home.bare(&["classify", "s\na\u{1b}[31md.png", "no\nne.png"]));
    assert!(ran.out.starts_with("s\\na\\u{1b}[31md.png: sad"), "{:?}", ran.out);
    let wrong = ran.err.lines().filter(|line| !line.starts_with(" INFO")).count();
    assert_eq!((ran.out.lines().count(), wrong), (1, 2), "{:?}", ran.err);
    assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{:?}", ran.err);
    let ran = run(&mut home.bare(&["--source", "images:.", "--json", "--every-frame"]));
    let names: Vec<Value> = json_lines(&ran.out).iter().map(|event| event["picture"].clone()).collect();
    assert!(names.contains(&Value::from("s\\na\\u{1b}[31md.png")), "{names:?}");
}

#[test]
fn a_telephones_picture_is_named_for_what_it_is() {
    let home = Home::new();
    photos(&home);
    std::fs::create_dir(home.path("phone")).unwrap();
    std::fs::rename(home.path("sad.png"), home.path("phone/sad.png")).unwrap();
    home.write("phone/one.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1");
    home.write("phone/two.jpg", b"\0\0\0\x18ftypavif\0\0\0\0mif1");
    let ran = run(&mut home.bare(&["--source", "images:phone", "--json", "--every-frame"]));
    assert_eq!(ran.code, Some(5), "{}", ran.err);
    assert!(ran.err.contains("HEIC") && ran.err.contains("AVIF") && ran.err.contains("2 of 3 pictures"), "{}", ran.err);
    assert!(ran.err.contains("ffmpeg -i") && !ran.err.contains("is it complete"), "{}", ran.err);
}
