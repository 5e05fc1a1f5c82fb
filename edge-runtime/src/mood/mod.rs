//! From flickering probabilities to a steady mood.

mod aggregate;
mod settings;
#[cfg(test)]
mod tests;

pub use aggregate::{Look, MoodSet, Moods, Person};

use emotion_models::{MAX_LABELS, Probabilities};
pub use settings::{FilterError, FilterSettings, LONGEST_HOLD};
use std::time::Duration;

/// What the lights show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// A steady mood: the index of its label in the model's card.
    Mood(usize),
    /// A face, but no mood that is sure enough.
    Unsure,
    /// Nobody in view.
    NoFace,
    /// Nothing can be known: the camera, or the model, fails.
    Fault,
}

/// What one frame, or its absence, says.
#[derive(Clone, Copy, Debug)]
pub enum Observation<'a> {
    /// A face with these probabilities, in the card's label order.
    Face(&'a [f32]),
    /// A face from which no mood can be told.
    Unclear,
    /// A frame without a face.
    NoFace,
    /// No frame, or one that could not be judged.
    Fault,
}

/// Turns observations into a steady [`State`].
///
/// Pure: it reads no clock and allocates nothing. Times are monotonic, counted from any fixed moment; one that lies
/// before its predecessor counts as the same moment.
///
/// - Probabilities are smoothed exponentially by time, starting from the first observation. An observation stands for
///   the time since the one before it, so the same face observed at any pacing gives the same smoothed values as one
///   observation that long.
/// - A mood is entered when its smoothed probability is the largest of those that reach their enter threshold, and left
///   when it falls below its leave threshold or another mood that may be entered surpasses it.
/// - The state never changes twice within the hold time, a fault included; [`LONGEST_HOLD`] keeps that short enough for
///   a fault to show within two seconds. While a face is in view a mood stays for twice as long, and so does doubt that came
///   after one: what a face shows moves slower than light, and somebody who leaves need not wait.
/// - [`State::Unsure`] is entered only after there was no mood, and [`State::NoFace`] after there was no face, for the hold
///   time: a face lost for a frame does not blink, and one mood passes into the next without a dark moment.
/// - Values that are not finite, outside 0 to 1, or of another count than the labels, count as a fault.
#[derive(Clone, Debug)]
pub struct MoodFilter {
    settings: FilterSettings,
    state: State,
    changed: Option<Duration>,
    /// Since when the face in view shows this mood, or none after it showed one.
    swayed: Option<Duration>,
    /// Time of the latest observation, and of the latest face.
    latest: Duration,
    face_at: Option<Duration>,
    /// Since when no mood can be told, for want of a face or of a clear one.
    missing_since: Option<Duration>,
    /// Since when observations ask for another state without a mood, and since when for the one without a face.
    doubt_since: Option<Duration>,
    away_since: Option<Duration>,
    smoothed: [f32; MAX_LABELS],
}

impl MoodFilter {
    /// A filter that has observed nothing; its state is [`State::Unsure`].
    pub fn new(settings: FilterSettings) -> Self {
        Self {
            settings,
            state: State::Unsure,
            changed: None,
            swayed: None,
            latest: Duration::ZERO,
            face_at: None,
            missing_since: None,
            doubt_since: None,
            away_since: None,
            smoothed: [0.0; MAX_LABELS],
        }
    }

    /// Takes an observation made at time `at` and answers with the state from then on.
    pub fn observe(&mut self, at: Duration, observation: Observation<'_>) -> State {
        self.latest = self.latest.max(at);
        let wanted = match observation {
            Observation::Face(values) if self.usable(values) => {
                self.missing_since = None;
                self.smooth(values);
                self.judge()
            }
            Observation::Face(_) | Observation::Fault => {
                self.missing_since = None;
                self.face_at = None;
                State::Fault
            }
            Observation::Unclear => self.without(State::Unsure),
            Observation::NoFace => self.without(State::NoFace),
        };
        self.change_to(wanted);
        self.state
    }

    /// No probabilities: after the hold time the former ones count no more.
    fn without(&mut self, wanted: State) -> State {
        let since = *self.missing_since.get_or_insert(self.latest);
        if self.latest - since >= self.settings.hold() {
            self.face_at = None;
        }
        wanted
    }

    /// The lights also changed at `at`.
    fn also_changed(&mut self, at: Option<Duration>) {
        self.changed = self.changed.max(at);
    }

    /// The next face is another one: smoothing starts with it, the state holds on.
    pub fn forget_face(&mut self) {
        self.face_at = None;
        self.swayed = None;
    }

    /// The state, as the latest observation left it.
    pub fn state(&self) -> State {
        self.state
    }

    /// The smoothed probabilities, in the card's label order; `None` while there is no face to speak of.
    pub fn smoothed(&self) -> Option<Probabilities> {
        self.face_at?;
        Probabilities::from_slice(&self.smoothed[..self.settings.labels()])
    }

    fn usable(&self, values: &[f32]) -> bool {
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

    /// The state the smoothed probabilities ask for.
    fn judge(&self) -> State {
        let mut best: Option<(usize, f32)> = None;
        for (label, &value) in self.smoothed[..self.settings.labels()].iter().enumerate() {
            if value >= self.settings.enter(label) && best.is_none_or(|(_, other)| value > other) {
                best = Some((label, value));
            }
        }
        if let State::Mood(current) = self.state {
            let value = self.smoothed[current];
            let surpassed = best.is_some_and(|(_, other)| other > value);
            if value >= self.settings.leave(current) && !surpassed {
                return self.state;
            }
        }
        best.map_or(State::Unsure, |(label, _)| State::Mood(label))
    }

    /// The state to change to, if what the observations want has lasted long enough.
    fn lasting(&mut self, wanted: State) -> State {
        let latest = self.latest;
        let (no_mood, nobody) = (matches!(wanted, State::Unsure | State::NoFace), wanted == State::NoFace);
        let since = |start: &mut Option<Duration>, lasts: bool| {
            *start = lasts.then(|| start.unwrap_or(latest));
            start.is_some_and(|start| latest - start >= self.settings.hold())
        };
        let away = since(&mut self.away_since, nobody);
        let doubt = since(&mut self.doubt_since, no_mood && wanted != self.state);
        match wanted {
            _ if !no_mood || self.state == State::Fault => wanted,
            State::NoFace if away => wanted,
            _ if doubt => State::Unsure,
            _ => self.state,
        }
    }

    fn change_to(&mut self, wanted: State) {
        let hold = self.settings.hold();
        let wanted = self.lasting(wanted);
        let passed = |moment: Option<Duration>, least| moment.is_none_or(|moment| self.latest - moment >= least);
        let of_a_face = |state| matches!(state, State::Mood(_) | State::Unsure);
        let sways = of_a_face(self.state) && of_a_face(wanted);
        let free = passed(self.changed, hold) && (!sways || passed(self.swayed, 2 * hold));
        if wanted != self.state && free {
            let shown = sways || matches!(wanted, State::Mood(_));
            self.swayed = shown.then_some(self.latest);
            self.state = wanted;
            self.changed = Some(self.latest);
            self.doubt_since = None;
        }
    }
}
