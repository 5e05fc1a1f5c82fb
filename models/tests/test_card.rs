//! The test card: the same seed gives the same picture, and every mood another one.
#![allow(clippy::unwrap_used)]

use emotion_models::{
    Colour, CropBox, DEMO_SEED, FrameView, InputSpec, PixelFormat, PixelMap, Place, Preprocessor, Scene,
    TEST_CARD_LABELS, TestCard, is_reserved_seed,
};
use proptest::prelude::*;

#[test]
fn the_demo_is_never_trained_on() {
    assert!(is_reserved_seed(DEMO_SEED) && is_reserved_seed(999) && !is_reserved_seed(1000));
}

/// The face as a network sees it: 48x48, grey.
fn seen(card: &TestCard, label: &str, frame: u64) -> Vec<u8> {
    let picture = card.draw(label, frame, 320, 240);
    let view = FrameView::new(PixelFormat::Rgb, 320, 240, picture.as_raw()).unwrap();
    let spec = InputSpec { width: 48, height: 48, colour: Colour::Grey, pixel_map: PixelMap::UNIT };
    Preprocessor::new(&spec).resize(&view, CropBox::centred_square(320, 240)).to_vec()
}

fn mean_difference(left: &[u8], right: &[u8]) -> f64 {
    let sum: f64 = left.iter().zip(right).map(|(left, right)| f64::from(left.abs_diff(*right))).sum();
    sum / left.len() as f64
}

#[test]
fn moods_differ_more_than_frames_and_people_more_than_moods() {
    let card = TestCard::new(DEMO_SEED);
    let faces: Vec<_> = TEST_CARD_LABELS.iter().map(|label| seen(&card, label, 0)).collect();
    for (index, label) in TEST_CARD_LABELS.iter().enumerate() {
        let next = mean_difference(&faces[index], &seen(&card, label, 1));
        let mood = mean_difference(&faces[index], &faces[(index + 1) % 3]);
        let person = mean_difference(&faces[index], &seen(&TestCard::new(DEMO_SEED + 1), label, 0));
        assert!(next > 0.0 && next < mood && mood < person, "{label}: {next} {mood} {person}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_seed_frame_and_size_draws_the_same_picture_twice(
        seed in any::<u64>(), frame in any::<u64>(), width in 0u32..90, height in 0u32..90, label in "angry|happy|sad|calm",
    ) {
        let picture = TestCard::new(seed).draw(&label, frame, width, height);
        prop_assert_eq!(picture.dimensions(), (width.max(1), height.max(1)));
        prop_assert_eq!(&picture, &TestCard::new(seed).draw(&label, frame, width, height));
    }

    #[test]
    fn a_face_is_neither_black_nor_burnt_out(seed in any::<u64>(), label in "angry|happy|sad") {
        let face = seen(&TestCard::new(seed), &label, 0);
        let mean = face.iter().map(|&value| f64::from(value)).sum::<f64>() / face.len() as f64;
        prop_assert!((35.0..220.0).contains(&mean), "{}", mean);
        prop_assert!(face.iter().max().unwrap() - face.iter().min().unwrap() > 60);
    }
}

const SIZE: (u32, u32) = (320, 240);

/// Pixels that differ clearly, as a share of those in the rectangle `[left, top, right, bottom]`.
fn changed(a: &image::RgbImage, b: &image::RgbImage, [left, top, right, bottom]: [f32; 4]) -> f64 {
    let (mut differ, mut all) = (0, 0);
    for (x, y, pixel) in a.enumerate_pixels() {
        let [at_x, at_y] = [x, y].map(|side| side as f32);
        if at_x >= left && at_x < right && at_y >= top && at_y < bottom {
            all += 1;
            differ += u32::from(pixel.0.iter().zip(b.get_pixel(x, y).0).any(|(&a, b)| a.abs_diff(b) > 24));
        }
    }
    f64::from(differ) / f64::from(all.max(1))
}

#[test]
fn a_scene_puts_the_face_where_it_says() {
    let card = TestCard::new(DEMO_SEED);
    let (width, height) = SIZE;
    let empty = card.scene(None, 5, width, height);
    for (x, y, size) in [(0.5, 0.5, 0.3), (0.2, 0.6, 0.15), (0.8, 0.4, 0.1)] {
        let place = Place { x, y, size };
        let face = card.face_at(place, 5, width, height);
        assert!((face.width / width as f32 - size).abs() < 0.02, "{face:?}");
        let [cx, cy] = face.centre();
        assert!((cx - x * 320.0).abs() < 6.0 && (cy - y * 240.0).abs() < 6.0, "{face:?}");
        let drawn = card.scene(Some(("happy", place)), 5, width, height);
        let [right, bottom] = [face.x + face.width, face.y + face.height];
        assert!(changed(&empty, &drawn, [face.x, face.y, right, bottom]) > 0.6, "{face:?}");
        // Beside the head all is as it was: hair and ears take less than half a face.
        let beside = [0.0, 0.0, face.x - 0.5 * face.width, face.y + face.height];
        assert!(changed(&empty, &drawn, beside) < 0.01, "{face:?}");
    }
}

#[test]
fn a_scene_shows_each_mood_in_another_place_and_then_nobody() {
    let scene = Scene::new(DEMO_SEED, 100);
    let label = |frame: u64| scene.shown(frame).map(|(label, _)| label);
    for cycle in [0, 100 * Scene::TURNS] {
        for (turn, mood) in TEST_CARD_LABELS.into_iter().enumerate() {
            for frame in [0, 50, 99] {
                assert_eq!(label(cycle + 100 * turn as u64 + frame), Some(mood));
            }
        }
        assert!((40..100).all(|frame| label(cycle + 300 + frame).is_none()));
    }
    let (width, height) = SIZE;
    let inside = |frame| scene.face(frame, width, height).map_or(0.0, |face| face.inside(width, height));
    assert!(inside(0) == 0.0 && inside(334) < 0.1, "out of view at first, and again at the end");
    assert!((35..300).all(|frame| inside(frame) > 0.99), "and else in view");
    for turn in [0, 1] {
        let [here, there] = [turn, turn + 1].map(|turn| scene.face(100 * turn + 60, width, height).unwrap());
        assert!(here.iou(there) == 0.0 && here.width != there.width);
    }
    // No jump: from one frame to the next it moves by less than a quarter of its width.
    for frame in 0..333 {
        let [here, there] = [frame, frame + 1].map(|frame| scene.face(frame, width, height).unwrap());
        let step = (here.centre()[0] - there.centre()[0]).hypot(here.centre()[1] - there.centre()[1]);
        assert!(step < 0.25 * here.width, "frame {frame}: {step} of {}", here.width);
    }
}

#[test]
fn the_room_moves_behind_the_face() {
    let card = TestCard::new(DEMO_SEED);
    let [first, later] = [0, 45].map(|frame| card.scene(None, frame, 320, 240));
    assert!(changed(&first, &later, [0.0, 0.0, 320.0, 240.0]) > 0.01);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_place_can_be_drawn(
        x in -3.0f32..4.0, y in -3.0f32..4.0, size in 0.0f32..2.0, frame in any::<u64>(), width in 0u32..90, height in 0u32..90,
    ) {
        let card = TestCard::new(3);
        let place = Place { x, y, size };
        let picture = card.scene(Some(("sad", place)), frame, width, height);
        prop_assert_eq!(picture.dimensions(), (width.max(1), height.max(1)));
        prop_assert!(card.face_at(place, frame, width, height).width.is_finite());
        prop_assert_eq!(Scene::new(3, frame).draw(frame, width, height).dimensions(), picture.dimensions());
    }
}
