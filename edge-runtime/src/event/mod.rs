//! Events of the frame path, as outputs receive them.

mod face;

use crate::mood::{MoodSet, MoodState, mood_word};
use crate::track::RejectReason;
use emotion_models::Probabilities;
pub use face::{FaceInView, FacesInView};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::sync::Arc;
use std::time::Duration;

/// Why a face that was classified is unsure.
pub const UNDECIDED: &str = "no mood is sure enough";
/// Why a state is unsure that lasts a hold time longer than the face, or comes before the first.
const NOBODY: &str = "no face is in view";

/// One frame, or a fault. Cloning it allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// Time since the run began; the frame's own time when every frame counts.
    pub time: Duration,
    /// The frame's number in its source, from 0; `None` when no frame came.
    pub frame: Option<u64>,
    /// The state from now on.
    pub state: MoodState,
    /// The moods that are lit: with all faces there may be several, else the state's; never one that has no light.
    pub lit: MoodSet,
    /// Whether the state, or what is lit, is another than before.
    pub changed: bool,
    /// The probabilities in this frame alone, of the first face or, with `average`, the mean of all, in label order.
    pub probabilities: Option<Probabilities>,
    /// The smoothed probabilities that decide about the state, in label order.
    pub smoothed: Option<Probabilities>,
    /// From the frame's capture until the lights were driven.
    pub latency: Option<Duration>,
    /// Time the engine took.
    pub inference: Option<Duration>,
    /// The faces in view, the main one first.
    pub faces: FacesInView,
    /// The name of the picture file that the frame shows.
    pub picture: Option<Arc<str>>,
    /// Why there is a fault, in words.
    pub fault: Option<Arc<str>>,
}

impl Event {
    /// Why the state is unsure, in words.
    pub fn unsure(&self) -> Option<&'static str> {
        if self.state != MoodState::Unsure {
            return None;
        }
        let Some(first) = self.faces.first() else { return Some(NOBODY) };
        Some(first.rejected.map_or(UNDECIDED, RejectReason::message))
    }
}

/// The state in a word, without the mood: `mood`, `unsure`, `no_face`, `fault`.
pub fn state_word(state: MoodState) -> &'static str {
    match state {
        MoodState::Mood(_) => "mood",
        MoodState::Unsure => "unsure",
        MoodState::NoFace => "no_face",
        MoodState::Fault => "fault",
    }
}

/// The mood or the state in words.
pub fn state_name(state: MoodState, labels: &[String]) -> &str {
    match state {
        MoodState::Mood(index) => labels.get(index).map_or("?", |label| mood_word(label)),
        MoodState::NoFace => "no face",
        other => state_word(other),
    }
}

/// An event as a JSON object: `time` in seconds, `frame`, `state`, `mood`, `lit` (every mood that is lit), `probabilities` and `smoothed` by label,
/// `latency_ms` from camera to light, `unsure` (why), `faces` (`id`, `box` as left, top, width and height in pixels, `score`, `state`,
/// `mood`, `probabilities`, `unsure`), `picture` (the file shown), `fault`; what does not apply is null.
pub struct JsonEvent<'a> {
    /// The event.
    pub event: &'a Event,
    /// The model's labels.
    pub labels: &'a [String],
}

impl Serialize for JsonEvent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { event, labels } = self;
        let labelled = |values: &Option<Probabilities>| values.map(|values| Labelled { values, labels });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("event", if event.frame.is_some() { "frame" } else { "fault" })?;
        map.serialize_entry("time", &rounded(event.time.as_secs_f64(), 1e6))?;
        map.serialize_entry("frame", &event.frame)?;
        map.serialize_entry("state", state_word(event.state))?;
        map.serialize_entry("mood", &mood(event.state, labels))?;
        map.serialize_entry("lit", &event.lit.names(labels).collect::<Vec<_>>())?;
        map.serialize_entry("probabilities", &labelled(&event.probabilities))?;
        map.serialize_entry("smoothed", &labelled(&event.smoothed))?;
        map.serialize_entry("latency_ms", &event.latency.map(millis))?;
        map.serialize_entry("unsure", &event.unsure())?;
        let faces = event.faces.iter().map(|face| JsonFace { face, labels });
        map.serialize_entry("faces", &faces.collect::<Vec<_>>())?;
        map.serialize_entry("picture", &event.picture.as_deref())?;
        map.serialize_entry("fault", &event.fault.as_deref())?;
        map.end()
    }
}

fn mood(state: MoodState, labels: &[String]) -> Option<&String> {
    match state {
        MoodState::Mood(index) => labels.get(index),
        _ => None,
    }
}

struct JsonFace<'a> {
    face: &'a FaceInView,
    labels: &'a [String],
}

impl Serialize for JsonFace<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let FaceInView { id, face, probabilities, rejected, state } = self.face;
        // A new main face has the lights' former state until they may change; of a face in view it says nothing.
        let state = state.filter(|state| *state != MoodState::NoFace);
        let place = <[f32; 4]>::from(face.rect).map(|side| rounded(f64::from(side), 10.0));
        let labels = self.labels;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", id)?;
        map.serialize_entry("box", &place)?;
        map.serialize_entry("score", &rounded(f64::from(face.score), 1e3))?;
        map.serialize_entry("state", &state.map(state_word))?;
        map.serialize_entry("mood", &state.and_then(|state| mood(state, labels)))?;
        map.serialize_entry("probabilities", &probabilities.map(|values| Labelled { values, labels }))?;
        // One whose own probabilities are not known yet is not undecided.
        let undecided = (state == Some(MoodState::Unsure) && probabilities.is_some()).then_some(UNDECIDED);
        map.serialize_entry("unsure", &rejected.map(RejectReason::message).or(undecided))?;
        map.end()
    }
}

/// Probabilities by label, to four decimals.
pub struct Labelled<'a> {
    /// The probabilities, in label order.
    pub values: Probabilities,
    /// The model's labels.
    pub labels: &'a [String],
}

impl Serialize for Labelled<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.labels.iter().zip(self.values.iter()).map(|(label, &value)| (label, rounded(f64::from(value), 1e4))),
        )
    }
}

/// Milliseconds, to a thousandth.
pub fn millis(duration: Duration) -> f64 {
    rounded(duration.as_secs_f64() * 1e3, 1e3)
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use emotion_models::{Face, Rect};

    #[test]
    fn a_frame_and_a_fault_as_json() {
        let labels = ["angry", "happy"].map(str::to_owned);
        let probabilities = Probabilities::from_slice(&[0.12345, 0.87655]);
        let mut event = Event {
            time: Duration::from_millis(1234),
            frame: Some(37),
            state: MoodState::Mood(1),
            lit: MoodSet::of(MoodState::Mood(1)),
            changed: true,
            probabilities,
            smoothed: probabilities,
            latency: Some(Duration::from_micros(1500)),
            inference: None,
            faces: FacesInView::new(),
            picture: None,
            fault: None,
        };
        let json = |event: &Event| serde_json::to_string(&JsonEvent { event, labels: &labels }).unwrap();
        assert_eq!(
            json(&event),
            r#"{"event":"frame","time":1.234,"frame":37,"state":"mood","mood":"happy","lit":["happy"],"probabilities":{"angry":0.1235,"happy":0.8766},"smoothed":{"angry":0.1235,"happy":0.8766},"latency_ms":1.5,"unsure":null,"faces":[],"picture":null,"fault":null}"#
        );
        event = Event {
            frame: None,
            state: MoodState::Fault,
            lit: MoodSet::NONE,
            probabilities: None,
            smoothed: None,
            latency: None,
            fault: Some("no \"camera\"".into()),
            ..event
        };
        assert!(json(&event).contains(r#""mood":null,"lit":[],"probabilities":null"#));
        assert!(json(&event).ends_with(r#""fault":"no \"camera\""}"#));
    }

    #[test]
    fn several_faces_as_json_each_with_its_reason() {
        let labels = ["angry", "happy"].map(str::to_owned);
        let probabilities = Probabilities::from_slice(&[0.25, 0.75]);
        let face = |id: u32, probabilities, rejected, state| {
            let face = Face { rect: Rect::new(10.04, -3.0, 40.0, 50.25), score: 0.9996 };
            FaceInView { id, face, probabilities, rejected, state }
        };
        let faces = [
            face(7, probabilities, None, Some(MoodState::Mood(1))),
            face(8, None, Some(RejectReason::TooSmall), Some(MoodState::Unsure)),
            face(9, None, Some(RejectReason::CutOff), Some(MoodState::NoFace)),
            face(3, None, Some(RejectReason::TurnedAway), None),
            face(4, probabilities, None, Some(MoodState::Unsure)),
        ];
        let mut event = Event {
            time: Duration::ZERO,
            frame: Some(0),
            state: MoodState::Mood(1),
            lit: MoodSet::of(MoodState::Mood(1)),
            changed: true,
            probabilities,
            smoothed: probabilities,
            latency: None,
            inference: None,
            faces: faces.into_iter().collect(),
            picture: None,
            fault: None,
        };
        let json = |event: &Event| serde_json::to_value(JsonEvent { event, labels: &labels }).unwrap();
        let found = json(&event);
        let place = serde_json::json!([10.0, -3.0, 40.0, 50.3]);
        assert_eq!(
            found["faces"][0],
            serde_json::json!({
                "id": 7, "box": place, "score": 1.0, "state": "mood", "mood": "happy",
                "probabilities": { "angry": 0.25, "happy": 0.75 }, "unsure": null,
            })
        );
        let column = |key: &str| -> Vec<serde_json::Value> {
            found["faces"].as_array().unwrap().iter().map(|face| face[key].clone()).collect()
        };
        assert_eq!(column("id"), [7, 8, 9, 3, 4]);
        assert_eq!(serde_json::json!(column("state")), serde_json::json!(["mood", "unsure", null, null, "unsure"]));
        assert_eq!(serde_json::json!(column("mood")), serde_json::json!(["happy", null, null, null, null]));
        let reasons = serde_json::json!([
            null,
            "the face is too small",
            "the face is cut off",
            "the face is turned away",
            UNDECIDED
        ]);
        assert_eq!(serde_json::json!(column("unsure")), reasons);
        assert!(found["unsure"].is_null(), "a mood is not unsure, whatever the others are");

        // The first face gives the reason of an unsure state.
        event.state = MoodState::Unsure;
        assert_eq!(json(&event)["unsure"], UNDECIDED);
        for (index, reason) in reasons.as_array().unwrap().iter().enumerate().skip(1) {
            event.faces = faces[index..].iter().copied().collect();
            assert_eq!(json(&event)["unsure"], *reason);
        }
        event.faces.clear();
        assert_eq!(json(&event)["unsure"], NOBODY);
    }
}
