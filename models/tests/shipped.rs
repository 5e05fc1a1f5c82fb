//! The shipped model reads the test card: what a first run shows is honest work.

#![allow(clippy::unwrap_used)]

use emotion_models::{
    Classifier, CropBox, DEMO_SEED, FrameView, PixelFormat, TEST_CARD_LABELS, TestCard, apply_temperature, shipped,
};

fn named(classifier: &mut Classifier, seed: u64, label: &str, frame: u64) -> (String, f32) {
    let picture = TestCard::new(seed).draw(label, frame, 320, 240);
    let view = FrameView::new(PixelFormat::Rgb, 320, 240, picture.as_raw()).unwrap();
    let (index, probability) = classifier.classify(&view, CropBox::centred_square(320, 240)).unwrap().top();
    (classifier.card().labels[index].clone(), probability)
}

#[test]
fn names_every_mood_of_the_demo() {
    let mut classifier = Classifier::from_bytes(shipped::EMOTION, "the shipped model").unwrap();
    for label in TEST_CARD_LABELS {
        for frame in (0..240).step_by(7) {
            let (found, probability) = named(&mut classifier, DEMO_SEED, label, frame);
            assert!(found == label, "frame {frame} of {label}: {found}, {probability}");
        }
    }
}

#[test]
fn names_most_people_it_was_never_trained_on() {
    let mut classifier = Classifier::from_bytes(shipped::EMOTION, "the shipped model").unwrap();
    let faces = (0..40).flat_map(|seed| TEST_CARD_LABELS.map(|label| (seed, label)));
    let wrong: Vec<_> = faces.filter(|&(seed, label)| named(&mut classifier, seed, label, 0).0 != label).collect();
    assert!(wrong.len() <= 6, "{wrong:?}");
}

#[test]
fn a_clone_and_the_raw_output_agree_with_it() {
    let mut classifier = Classifier::from_bytes(shipped::EMOTION, "the shipped model").unwrap();
    let map = classifier.card().input.pixel_map;
    let input: Vec<f32> = (0..classifier.card().input.len()).map(|index| map.real((index * 37 % 256) as f32)).collect();
    let raw = classifier.raw_probabilities(&input).unwrap();
    assert_eq!(classifier.clone().raw_probabilities(&input).unwrap(), raw);
    let scaled = apply_temperature(&raw, classifier.card().temperature);
    assert_eq!(scaled.top().0, raw.top().0);
}
