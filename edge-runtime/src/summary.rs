//! The summary of a run.

use crate::event::{Event, millis, state_word};
use crate::histogram::{Histogram, Percentiles};
use crate::memory::peak_rss_kib;
use crate::mood::{MoodSet, MoodState};
use crate::plural::counted;
use emotion_models::MAX_LABELS;
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

/// Counts of a run, in fixed memory.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Frames processed.
    pub frames: u64,
    /// Frames that a newer one replaced before they were processed.
    pub dropped: u64,
    /// Frames of a camera that were short or damaged.
    pub bad: u64,
    /// Times a fault began or a picture could not be shown; at least 1 for a run that failed.
    pub faults: u64,
    /// From capture to light.
    pub latency: Histogram,
    /// Time of the first and of the latest event.
    span: Option<(Duration, Duration)>,
    state: Option<MoodState>,
    lit: MoodSet,
    /// Per label: times lit, and how long.
    moods: [(u64, Duration); MAX_LABELS],
    dark: Duration,
}

impl Summary {
    /// Counts an event.
    pub fn count(&mut self, event: &Event) {
        self.pass(event.time);
        if event.frame.is_some() {
            self.frames += 1;
        }
        if let Some(latency) = event.latency {
            self.latency.record(latency);
        }
        if event.changed && event.state == MoodState::Fault {
            self.faults += 1;
        }
        for (label, (times, _)) in self.moods.iter_mut().enumerate() {
            *times += u64::from(event.lit.contains(label) && !self.lit.contains(label));
        }
        (self.state, self.lit) = (Some(event.state), event.lit);
    }

    /// Says how late it is, and so how long the lights have been as they are.
    pub fn pass(&mut self, time: Duration) {
        let (first, latest) = self.span.unwrap_or((time, time));
        let shown = time.saturating_sub(latest);
        for (_, (_, lit)) in self.moods.iter_mut().enumerate().filter(|(label, _)| self.lit.contains(*label)) {
            *lit += shown;
        }
        if self.state.is_some() && self.lit == MoodSet::NONE {
            self.dark += shown;
        }
        self.span = Some((first, latest.max(time)));
    }

    /// How long the run took, from the first event on.
    pub fn duration(&self) -> Duration {
        self.span.map_or(Duration::ZERO, |(first, latest)| latest - first)
    }

    /// The summary as text, a line or two.
    pub fn text(&self, labels: &[String]) -> String {
        let mut text = format!("{} in {:.1} s", counted(self.frames, "frame"), self.duration().as_secs_f64());
        // Writing into a String cannot fail.
        let _ = write!(text, ", {} dropped, {}", self.dropped, counted(self.faults, "fault"));
        if self.bad > 0 {
            let _ = write!(text, ", {} of the camera unusable", counted(self.bad, "frame"));
        }
        if let Some(Percentiles { p50, p95, p99 }) = self.latency.percentiles() {
            let [p50, p95, p99] = [p50, p95, p99].map(|value| value.as_secs_f64() * 1e3);
            let _ = write!(text, "\ncamera to light: {p50:.1} ms p50, {p95:.1} ms p95, {p99:.1} ms p99");
        }
        text.push_str("\nmoods: ");
        let moods = labels.iter().zip(&self.moods).map(|(label, (times, shown))| {
            format!("{label} {}, {:.1} s", counted(*times, "time"), shown.as_secs_f64())
        });
        text.push_str(&moods.collect::<Vec<_>>().join("; "));
        let _ = write!(text, "; none {:.1} s", self.dark.as_secs_f64());
        text
    }

    /// As one JSON object.
    pub fn json(&self, labels: &[String]) -> Value {
        let moods: serde_json::Map<String, Value> = labels
            .iter()
            .zip(&self.moods)
            .map(|(label, (times, shown))| (label.clone(), json!({ "times": times, "seconds": shown.as_secs_f64() })))
            .collect();
        let latency = self.latency.percentiles();
        json!({
            "event": "summary",
            "frames": self.frames,
            "seconds": self.duration().as_secs_f64(),
            "dropped": self.dropped,
            "unusable": self.bad,
            "faults": self.faults,
            "state": self.state.map(state_word),
            "moods": moods,
            "latency_ms": latency.map(|found| json!({
                "p50": millis(found.p50), "p95": millis(found.p95), "p99": millis(found.p99)
            })),
            "peak_rss_kib": peak_rss_kib(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(millis: u64, state: MoodState, changed: bool) -> Event {
        Event {
            time: Duration::from_millis(millis),
            frame: Some(millis),
            state,
            lit: MoodSet::of(state),
            changed,
            probabilities: None,
            smoothed: None,
            latency: Some(Duration::from_millis(3)),
            inference: None,
            faces: Default::default(),
            picture: None,
            fault: None,
        }
    }

    #[test]
    fn moods_are_counted_and_timed() {
        let labels = ["angry", "happy"].map(str::to_owned);
        let mut summary = Summary::default();
        summary.count(&event(0, MoodState::Mood(1), true));
        summary.count(&event(1000, MoodState::Mood(1), false));
        summary.count(&event(2000, MoodState::Unsure, true));
        summary.count(&event(2500, MoodState::Mood(1), true));
        summary.pass(Duration::from_millis(3000));
        let text = summary.text(&labels);
        assert!(text.contains("angry 0 times, 0.0 s; happy 2 times, 2.5 s; none 0.5 s"), "{text}");
        assert!(!text.contains("unusable"), "{text}");
        summary.bad = 2;
        let text = summary.text(&labels);
        assert!(text.contains("2 frames of the camera unusable"), "{text}");
        let json = summary.json(&labels);
        assert_eq!(json["moods"]["happy"]["times"], 2);
        assert_eq!(json["frames"], 4);
        summary.count(&Event { lit: MoodSet::NONE.with(0).with(1), ..event(3000, MoodState::Mood(1), false) });
        summary.pass(Duration::from_millis(4000));
        let text = summary.text(&labels);
        assert!(text.contains("angry 1 time, 1.0 s; happy 2 times, 3.5 s; none 0.5 s"), "{text}");
        assert!(json["latency_ms"]["p50"].as_f64().is_some_and(|value| (value - 3.0).abs() < 0.05));
    }
}
