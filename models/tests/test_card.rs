//! The test card: the same seed gives the same picture, and every mood another one.
#![allow(clippy::unwrap_used)]

use emotion_models::{
    Colour, CropBox, DEMO_SEED, FrameView, InputSpec, PixelFormat, PixelMap, Preprocessor, TEST_CARD_LABELS, TestCard,
    is_reserved_seed,
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
