//! The model card: round trips, and what a reader refuses.
#![allow(clippy::unwrap_used)]

use emotion_models::{
    CONTRACT_VERSION, CardError, Colour, InputSpec, MAX_LABELS, ModelCard, PixelMap, Precision, Task,
};
use proptest::prelude::*;

fn card() -> ModelCard {
    ModelCard {
        name: "compact-64".into(),
        task: Task::Emotion,
        labels: vec!["angry".into(), "happy".into(), "sad".into()],
        input: InputSpec { width: 64, height: 48, colour: Colour::Grey, pixel_map: PixelMap::SIGNED },
        crop_margin: 0.1,
        limits: Default::default(),
        temperature: 1.3,
        thresholds: vec![0.6, 0.55, 0.7],
        precision: Precision::F32,
        training_data: "colour3 and fer7, with drawn faces".into(),
        data_fingerprint: "0123456789abcdef".into(),
        metrics: [("test_accuracy".to_owned(), 0.8123), ("test.f1 macro".to_owned(), 0.8)].into(),
    }
}

fn read(properties: Vec<(String, String)>) -> Result<ModelCard, CardError> {
    ModelCard::from_properties(properties.into_iter())
}

#[test]
fn other_properties_are_passed_over() {
    let mut properties = card().to_properties();
    properties.push(("author".into(), "someone".into()));
    properties.push(("moodlight.some_later_key".into(), "1".into()));
    properties.reverse();
    assert_eq!(read(properties), Ok(card()));
}

#[test]
fn no_card_and_another_version_are_told_apart() {
    assert_eq!(read(vec![("author".into(), "someone".into())]), Err(CardError::NoCard));
    let mut properties = card().to_properties();
    properties[0].1 = (CONTRACT_VERSION + 1).to_string();
    assert_eq!(read(properties), Err(CardError::ContractVersion { found: "2".into() }));
}

#[test]
fn every_property_is_needed_and_named_when_missing() {
    let with_default = ["smallest_face", "least_inside", "narrowest_face"].map(|key| format!("moodlight.{key}"));
    for index in (1..19).filter(|&index| !with_default.contains(&card().to_properties()[index].0)) {
        let mut properties = card().to_properties();
        let (key, _) = properties.remove(index);
        let error = read(properties).unwrap_err().to_string();
        assert!(error.contains(&key), "{key}: {error}");
    }
}

#[test]
fn what_cannot_be_read_is_quoted() {
    for (key, value) in [
        ("moodlight.task", "mood"),
        ("moodlight.input_width", "64px"),
        ("moodlight.input_width", "-1"),
        ("moodlight.input_channels", "3"),
        ("moodlight.input_colour", "hsv"),
        ("moodlight.thresholds", "0.5,,0.5"),
        ("moodlight.precision", "f16"),
        ("moodlight.metrics.test_accuracy", "good"),
    ] {
        let mut properties = card().to_properties();
        properties.iter_mut().find(|(found, _)| found == key).unwrap().1 = value.into();
        let error = read(properties).unwrap_err();
        assert!(matches!(error, CardError::Unreadable { .. }), "{key}: {error}");
        assert!(error.to_string().contains(key) && error.to_string().contains(value), "{error}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    type Change = (&'static str, fn(&mut ModelCard));
    let changes: [Change; 15] = [
        ("labels", |card| card.labels = vec!["happy".into()]),
        ("labels", |card| card.labels = (0..=MAX_LABELS).map(|label| label.to_string()).collect()),
        ("labels", |card| card.labels[1] = "angry".into()),
        ("labels", |card| card.labels[1] = "so, so".into()),
        ("labels", |card| card.labels[1] = " sad".into()),
        ("input width", |card| card.input.width = 4),
        ("input height", |card| card.input.height = 5000),
        ("pixel offset", |card| card.input.pixel_map.offset = f32::NAN),
        ("pixel scale", |card| card.input.pixel_map.scale = 0.0),
        ("crop margin", |card| card.crop_margin = f32::INFINITY),
        ("temperature", |card| card.temperature = 0.0),
        ("temperature", |card| card.temperature = f32::NAN),
        ("thresholds", |card| card.thresholds.push(0.5)),
        ("thresholds", |card| card.thresholds[0] = 1.5),
        ("metrics", |card| {
            card.metrics.insert("loss".into(), f64::NAN);
        }),
    ];
    for (field, change) in changes {
        let mut card = card();
        change(&mut card);
        match (card.validate(), read(card.to_properties())) {
            (Err(CardError::Invalid { field: found, .. }), Err(_)) => assert_eq!(found, field),
            other => panic!("{field}: {other:?}"),
        }
    }
}

fn cards() -> impl Strategy<Value = ModelCard> {
    let labels = prop::collection::btree_set("[a-z][a-z0-9 éß-]{0,10}[a-z]", 2..=MAX_LABELS);
    let finite = || any::<f32>().prop_filter("finite", |value| value.is_finite());
    let scale = any::<f32>().prop_filter("normal", |value| value.is_normal());
    let metrics = prop::collection::btree_map("[a-z_.]{1,12}", prop::num::f64::NORMAL | prop::num::f64::ZERO, 0..5);
    let numbers = (finite(), scale, -0.5f32..=4.0, 0.01f32..=100.0);
    let sides = (8u32..=1024, 8u32..=1024, any::<bool>());
    (
        labels,
        numbers,
        sides,
        metrics,
        prop::collection::vec(0.001f32..=1.0, MAX_LABELS),
        any::<(String, String, bool)>(),
    )
        .prop_map(
            |(
                labels,
                (offset, scale, crop_margin, temperature),
                (width, height, rgb),
                metrics,
                thresholds,
                (name, training_data, int8),
            )| {
                let labels: Vec<String> = labels.into_iter().collect();
                ModelCard {
                    name,
                    task: Task::Emotion,
                    thresholds: thresholds[..labels.len()].to_vec(),
                    labels,
                    input: InputSpec {
                        width,
                        height,
                        colour: if rgb { Colour::Rgb } else { Colour::Grey },
                        pixel_map: PixelMap { offset, scale },
                    },
                    crop_margin,
                    limits: Default::default(),
                    temperature,
                    precision: if int8 { Precision::Int8 } else { Precision::F32 },
                    training_data,
                    data_fingerprint: "f00d".into(),
                    metrics,
                }
            },
        )
}

proptest! {
    #[test]
    fn a_card_reads_back_as_written(card in cards()) {
        prop_assert_eq!(card.validate(), Ok(()));
        prop_assert_eq!(read(card.to_properties()), Ok(card));
    }
}
