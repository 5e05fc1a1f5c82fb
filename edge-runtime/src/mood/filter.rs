//! Derives one steady mood from the observations of one face, or of the mean of several.

use super::{FilterSettings, MoodState};
use emotion_models::{MAX_LABELS, Probabilities};
use std::time::Duration;

/// What one frame, or its absence, says.
#[derive(Clone, Copy, Debug)]
pub enum Observation<'a> {
    /// A face with these probabilities, in the card's label order.
    Face(&'a [f32]),
    /// A face that the model is not asked about.
    Rejected,
    /// A frame without a face.
    NoFace,
    /// No frame, or one that could not be classified.
    Fault,
}

/// Turns observations into a steady [`MoodState`], by smoothing, hysteresis and a hold time.
///
/// A classifier's probabilities flicker, and a lamp that follows them would, too. Smoothing takes out what lasts a few frames.
/// Hysteresis (a mood is entered at a higher probability than it is left) takes out the to and fro about a threshold. The hold time
/// bounds what is left: whatever comes in, the lights change no more often.
///
/// Pure: it reads no clock and allocates nothing. Times are monotonic, counted from any fixed moment; one that lies
/// before its predecessor counts as the same moment.
///
/// - Probabilities are smoothed exponentially by time, starting from the first observation. An observation stands for
///   the time since the one before it, so the same face observed at any pacing gives the same smoothed values as one
///   observation that long.
/// - A mood is entered when its smoothed probability is the largest of those that reach their enter threshold, and left
///   when it falls below its leave threshold or another mood that may be entered surpasses it.
/// - The state never changes twice within the hold time, a fault included; [`MAX_HOLD`](super::MAX_HOLD) keeps that short enough for
///   a fault to show within two seconds. While a face is in view a mood stays for twice as long, and so does an unsure state that came
///   after one: an expression changes slower than light, and a person who leaves need not wait.
/// - [`MoodState::Unsure`] is entered only after there was no mood, and [`MoodState::NoFace`] after there was no face, for the hold
///   time: a face lost for a frame does not blink, and one mood passes into the next without a dark moment.
/// - Values that are not finite, outside 0 to 1, or of another count than the labels, count as a fault.
#[derive(Clone, Debug)]
pub struct MoodFilter {
    settings: FilterSettings,
    state: MoodState,
    pub(super) last_change: Option<Duration>,
    /// Since when the face in view shows this mood, or none after it showed one.
    expression_changed_at: Option<Duration>,
    /// Time of the latest observation, and of the latest face.
    latest: Duration,
    face_at: Option<Duration>,
    /// Since when there are no probabilities, for want of a face or because it is rejected.
    missing_since: Option<Duration>,
    /// Since when observations ask for another state without a mood, and since when for the one without a face.
    unsure_since: Option<Duration>,
    no_face_since: Option<Duration>,
    smoothed: [f32; MAX_LABELS],
}

impl MoodFilter {
    /// A filter that has observed nothing; its state is [`MoodState::Unsure`].
    pub fn new(settings: FilterSettings) -> Self {
        Self {
            settings,
            state: MoodState::Unsure,
            last_change: None,
            expression_changed_at: None,
            latest: Duration::ZERO,
            face_at: None,
            missing_since: None,
            unsure_since: None,
            no_face_since: None,
            smoothed: [0.0; MAX_LABELS],
        }
    }

    /// Takes an observation made at time `at` and returns the state from then on.
    pub fn observe(&mut self, at: Duration, observation: Observation<'_>) -> MoodState {
        self.latest = self.latest.max(at);
        let wanted = match observation {
            Observation::Face(values) if self.is_valid(values) => {
                self.missing_since = None;
                self.smooth(values);
                self.with_hysteresis()
            }
            Observation::Face(_) | Observation::Fault => {
                self.missing_since = None;
                self.face_at = None;
                MoodState::Fault
            }
            Observation::Rejected => self.no_observation(MoodState::Unsure),
            Observation::NoFace => self.no_observation(MoodState::NoFace),
        };
        let wanted = self.debounced(wanted);
        self.change_after_hold(wanted);
        self.state
    }

    /// No probabilities: after the hold time the former ones count no more.
    fn no_observation(&mut self, wanted: MoodState) -> MoodState {
        let since = *self.missing_since.get_or_insert(self.latest);
        if self.latest - since >= self.settings.hold() {
            self.face_at = None;
        }
        wanted
    }

    /// The lights also changed at `at`.
    pub(super) fn sync_last_change(&mut self, at: Option<Duration>) {
        self.last_change = self.last_change.max(at);
    }

    /// The next face is another one: smoothing starts with it, the state holds on.
    pub fn reset_smoothing(&mut self) {
        self.face_at = None;
        self.expression_changed_at = None;
    }

    /// The state, as the latest observation left it.
    pub fn state(&self) -> MoodState {
        self.state
    }

    /// The smoothed probabilities, in the card's label order; `None` while there is no face to speak of.
    pub fn smoothed(&self) -> Option<Probabilities> {
        self.face_at?;
        Probabilities::from_slice(&self.smoothed[..self.settings.labels()])
    }

    fn is_valid(&self, values: &[f32]) -> bool {
        // A softmax rounds, so its largest value may exceed 1 by an ulp or two.
        values.len() == self.settings.labels() && values.iter().all(|value| (0.0..=1.0 + 1e-3).contains(value))
    }

    fn smooth(&mut self, values: &[f32]) {
        let kept = match self.face_at {
            None => 0.0,
            Some(before) => self.settings.kept_after(self.latest - before),
        };
        self.face_at = Some(self.latest);
        for (smoothed, &value) in self.smoothed.iter_mut().zip(values) {
            let value = value.min(1.0);
            // Written so that a value equal to the smoothed one leaves it as it is.
            *smoothed = (value + (*smoothed - value) * kept).clamp(0.0, 1.0);
        }
    }

    /// The state that the smoothed probabilities ask for: a new mood has to reach its enter threshold, the present one only its leave
    /// threshold.
    fn with_hysteresis(&self) -> MoodState {
        let mut best: Option<(usize, f32)> = None;
        for (label, &value) in self.smoothed[..self.settings.labels()].iter().enumerate() {
            if value >= self.settings.enter(label) && best.is_none_or(|(_, other)| value > other) {
                best = Some((label, value));
            }
        }
        if let MoodState::Mood(current) = self.state {
            let value = self.smoothed[current];
            let surpassed = best.is_some_and(|(_, other)| other > value);
            if value >= self.settings.leave(current) && !surpassed {
                return self.state;
            }
        }
        best.map_or(MoodState::Unsure, |(label, _)| MoodState::Mood(label))
    }

    /// The state to change to, once it was asked for long enough: a state without a mood has to last for the hold time.
    fn debounced(&mut self, wanted: MoodState) -> MoodState {
        let latest = self.latest;
        let (no_mood, nobody) = (matches!(wanted, MoodState::Unsure | MoodState::NoFace), wanted == MoodState::NoFace);
        let since = |start: &mut Option<Duration>, lasts: bool| {
            *start = lasts.then(|| start.unwrap_or(latest));
            start.is_some_and(|start| latest - start >= self.settings.hold())
        };
        let no_face = since(&mut self.no_face_since, nobody);
        let unsure = since(&mut self.unsure_since, no_mood && wanted != self.state);
        match wanted {
            _ if !no_mood || self.state == MoodState::Fault => wanted,
            MoodState::NoFace if no_face => wanted,
            _ if unsure => MoodState::Unsure,
            _ => self.state,
        }
    }

    /// Changes the state, unless it changed within the hold time, or within twice that where the same face shows both states.
    fn change_after_hold(&mut self, wanted: MoodState) {
        let hold = self.settings.hold();
        let passed = |moment: Option<Duration>, least| moment.is_none_or(|moment| self.latest - moment >= least);
        let of_a_face = |state| matches!(state, MoodState::Mood(_) | MoodState::Unsure);
        let same_face = of_a_face(self.state) && of_a_face(wanted);
        let free = passed(self.last_change, hold) && (!same_face || passed(self.expression_changed_at, 2 * hold));
        if wanted != self.state && free {
            let expression = same_face || matches!(wanted, MoodState::Mood(_));
            self.expression_changed_at = expression.then_some(self.latest);
            self.state = wanted;
            self.last_change = Some(self.latest);
            self.unsure_since = None;
        }
    }
}
