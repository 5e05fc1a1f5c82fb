//! One steady state from all faces in view.

use super::{FilterSettings, MoodFilter, Observation, State};
use crate::track::{MOST_FOLLOWED, WhichFaces};
use emotion_models::{MAX_LABELS, Probabilities};
use std::time::Duration;

/// Moods, by label index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MoodSet(u16);

impl MoodSet {
    /// No mood.
    pub const NONE: Self = Self(0);

    /// The mood of a state, if it is one.
    pub fn of(state: State) -> Self {
        match state {
            State::Mood(label) => Self::NONE.with(label),
            _ => Self::NONE,
        }
    }

    /// These and one more.
    #[must_use]
    pub fn with(self, label: usize) -> Self {
        debug_assert!(label < MAX_LABELS);
        Self(self.0 | 1u16.checked_shl(label as u32).unwrap_or(0))
    }

    /// Whether a mood is among them.
    pub fn contains(self, label: usize) -> bool {
        self.0.checked_shr(label as u32).is_some_and(|bits| bits & 1 == 1)
    }

    /// Their labels, in order.
    pub fn names(self, labels: &[String]) -> impl Iterator<Item = &str> {
        labels.iter().enumerate().filter(move |(index, _)| self.contains(*index)).map(|(_, label)| label.as_str())
    }

    /// All of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a frame says of somebody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Look {
    /// The mood's probabilities, in the card's label order.
    Clear(Probabilities),
    /// Their face, but no mood can be told from it.
    Unclear,
    /// Nothing: the frame was not searched for them, or their face not judged.
    None,
    /// That their face is gone.
    Gone,
}

/// Somebody who is followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Person {
    /// Who.
    pub id: u32,
    /// How they look.
    pub look: Look,
}

/// The steady state of a run with one face or several.
///
/// Pure, as [`MoodFilter`] is; nothing is allocated, and people who are gone are forgotten.
#[derive(Clone, Debug)]
pub struct Moods {
    which: WhichFaces,
    settings: FilterSettings,
    /// The filter of the largest face, of the mean, or, with all faces, of nobody and of faults.
    common: MoodFilter,
    /// Whom `common` is about.
    about: heapless::Vec<u32, MOST_FOLLOWED>,
    /// With all faces: each person's.
    each: heapless::Vec<(u32, MoodFilter), MOST_FOLLOWED>,
}

impl Moods {
    /// Nobody was seen yet; the state is [`State::Unsure`].
    pub fn new(settings: FilterSettings, which: WhichFaces) -> Self {
        let common = MoodFilter::new(settings.clone());
        Self { which, settings, common, about: heapless::Vec::new(), each: heapless::Vec::new() }
    }

    /// Whose mood counts.
    pub fn which(&self) -> WhichFaces {
        self.which
    }

    /// Takes in how everybody looks at time `at`, the main person first, and answers with the state from then on.
    pub fn observe(&mut self, at: Duration, people: &[Person]) -> State {
        match self.which {
            WhichFaces::Largest => self.observe_first(at, people),
            WhichFaces::Average => self.observe_mean(at, people),
            WhichFaces::All => self.observe_all(at, people),
        }
    }

    /// Nothing can be known at time `at`.
    pub fn fault(&mut self, at: Duration) -> State {
        // Moods of several stay until the fault may show, so that the lights change once.
        self.common.also_changed(self.each.iter().filter_map(|(_, filter)| filter.changed).max());
        if self.common.observe(at, Observation::Fault) == State::Fault {
            self.each.clear();
        }
        self.state()
    }

    fn observe_first(&mut self, at: Duration, people: &[Person]) -> State {
        let first = people.first();
        self.turn_to(first.map(|person| person.id).into_iter());
        match first.map(|person| &person.look) {
            Some(Look::Clear(probabilities)) => self.common.observe(at, Observation::Face(probabilities)),
            Some(Look::Unclear) => self.common.observe(at, Observation::Unclear),
            Some(Look::None) => self.common.state(),
            Some(Look::Gone) | None => self.common.observe(at, Observation::NoFace),
        }
    }

    /// `common` is about these from now on. One who comes back within the hold time goes on where they were; where they are all others,
    /// what was smoothed begins anew.
    fn turn_to(&mut self, ids: impl Iterator<Item = u32> + Clone) {
        if ids.clone().next().is_none() {
            return;
        }
        if !self.about.is_empty() && !ids.clone().any(|id| self.about.contains(&id)) {
            self.common.forget_face();
        }
        self.about = ids.take(MOST_FOLLOWED).collect();
    }

    fn observe_mean(&mut self, at: Duration, people: &[Person]) -> State {
        let present = people.iter().filter(|person| person.look != Look::Gone);
        self.turn_to(present.map(|person| person.id));
        if let Some(mean) = self.mean(people) {
            return self.common.observe(at, Observation::Face(&mean));
        }
        let any = |look: Look| people.iter().any(|person| person.look == look);
        match (any(Look::Unclear), any(Look::None)) {
            (true, _) => self.common.observe(at, Observation::Unclear),
            (false, true) => self.common.state(),
            (false, false) => self.common.observe(at, Observation::NoFace),
        }
    }

    /// What all faces say together; `None` where none is clear.
    pub fn mean(&self, people: &[Person]) -> Option<Probabilities> {
        let clear = people.iter().filter_map(|person| match &person.look {
            Look::Clear(probabilities) => Some(probabilities),
            _ => None,
        });
        let count = clear.clone().count();
        let mut mean = [0.0; MAX_LABELS];
        for probabilities in clear {
            mean.iter_mut().zip(probabilities.iter()).for_each(|(sum, value)| *sum += value / count as f32);
        }
        Probabilities::from_slice(&mean[..self.settings.labels()]).filter(|_| count > 0)
    }

    fn observe_all(&mut self, at: Duration, people: &[Person]) -> State {
        for Person { id, look } in people {
            if !self.each.iter().any(|(known, _)| known == id) && !matches!(look, Look::Gone | Look::None) {
                // With no room left the newcomer waits until somebody has gone.
                let _ = self.each.push((*id, MoodFilter::new(self.settings.clone())));
            }
        }
        for (id, filter) in &mut self.each {
            match people.iter().find(|person| person.id == *id).map(|person| &person.look) {
                Some(Look::Clear(probabilities)) => filter.observe(at, Observation::Face(probabilities)),
                Some(Look::Unclear) => filter.observe(at, Observation::Unclear),
                Some(Look::None) => filter.state(),
                Some(Look::Gone) | None => filter.observe(at, Observation::NoFace),
            };
        }
        self.each.retain(|(_, filter)| filter.state() != State::NoFace);
        // Counted beside the moods that are held, not after them.
        let anybody = people.iter().any(|person| person.look != Look::Gone);
        let observation = if anybody { Observation::Unclear } else { Observation::NoFace };
        self.common.observe(at, observation);
        self.state()
    }

    /// The state, as the latest observation left it; with all faces the main person's mood, else anybody's.
    pub fn state(&self) -> State {
        let common = self.common.state();
        if self.which != WhichFaces::All || common == State::Fault {
            return common;
        }
        let moods = self.each.iter().map(|(_, filter)| filter.state());
        moods.into_iter().find(|state| matches!(state, State::Mood(_))).unwrap_or(match common {
            State::NoFace => State::NoFace,
            _ => State::Unsure,
        })
    }

    /// The moods that the lights show.
    pub fn lit(&self) -> MoodSet {
        let state = self.state();
        if self.which != WhichFaces::All || state == State::Fault {
            return MoodSet::of(state);
        }
        self.each.iter().fold(MoodSet::NONE, |set, (_, filter)| set.and(MoodSet::of(filter.state())))
    }

    /// Somebody's own state, as far as it is kept apart.
    pub fn state_of(&self, id: u32) -> Option<State> {
        match self.which {
            WhichFaces::All => self.each.iter().find(|(known, _)| *known == id).map(|(_, filter)| filter.state()),
            WhichFaces::Largest => self.about.contains(&id).then(|| self.common.state()),
            WhichFaces::Average => None,
        }
    }

    /// The smoothed probabilities behind the state; `None` while there is no face to speak of.
    pub fn smoothed(&self) -> Option<Probabilities> {
        match self.which {
            WhichFaces::All => self.each.first().and_then(|(_, filter)| filter.smoothed()),
            _ => self.common.smoothed(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn millis(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    fn moods(which: WhichFaces) -> Moods {
        let settings = FilterSettings::new(millis(200), millis(400), &[0.6; 3], &[0.45; 3]).unwrap();
        Moods::new(settings, which)
    }

    fn clear(id: u32, values: [f32; 3]) -> Person {
        Person { id, look: Look::Clear(Probabilities::from_slice(&values).unwrap()) }
    }

    const ANGRY: [f32; 3] = [0.9, 0.05, 0.05];
    const HAPPY: [f32; 3] = [0.05, 0.9, 0.05];

    #[test]
    fn another_person_does_not_inherit_what_was_smoothed() {
        let mut moods = moods(WhichFaces::Largest);
        assert_eq!(moods.observe(millis(0), &[clear(1, ANGRY)]), State::Mood(0));
        moods.observe(millis(1000), &[clear(2, HAPPY)]);
        assert_eq!(moods.state(), State::Mood(1));
        assert!(moods.smoothed().unwrap()[1] > 0.89);
        assert_eq!((moods.state_of(2), moods.state_of(1)), (Some(State::Mood(1)), None));
    }

    #[test]
    fn a_face_that_tells_nothing_is_unsure_and_none_is_no_face_after_the_hold_time() {
        let mut moods = moods(WhichFaces::Largest);
        moods.observe(millis(0), &[clear(1, ANGRY)]);
        let person = |look| [Person { id: 1, look }];
        assert_eq!(moods.observe(millis(1000), &person(Look::Unclear)), State::Mood(0));
        assert_eq!(moods.observe(millis(1400), &person(Look::Unclear)), State::Unsure);
        assert!(moods.smoothed().is_none());
        assert_eq!(moods.observe(millis(1500), &person(Look::None)), State::Unsure);
        moods.observe(millis(2000), &person(Look::Gone));
        assert_eq!(moods.observe(millis(2400), &[]), State::NoFace);
        assert_eq!(moods.lit(), MoodSet::NONE);
    }

    #[test]
    fn the_mean_of_all_faces_counts() {
        let mut moods = moods(WhichFaces::Average);
        let people = [clear(1, ANGRY), clear(2, HAPPY), clear(3, HAPPY)];
        assert_eq!(moods.observe(millis(0), &people), State::Mood(1));
        assert!((moods.smoothed().unwrap()[1] - (0.05 + 0.9 + 0.9) / 3.0).abs() < 1e-6);
        assert_eq!(moods.state_of(1), None);
        moods.observe(millis(1000), &[Person { id: 2, look: Look::Gone }]);
        assert_eq!(moods.observe(millis(1500), &[]), State::NoFace);
    }

    #[test]
    fn the_mean_of_others_begins_anew() {
        let mut moods = moods(WhichFaces::Average);
        moods.observe(millis(0), &[clear(1, ANGRY), clear(2, ANGRY)]);
        assert_eq!(
            moods.observe(millis(400), &[clear(2, HAPPY), clear(3, HAPPY)]),
            State::Mood(0),
            "one of them stayed"
        );
        assert_eq!(moods.observe(millis(430), &[clear(4, HAPPY)]), State::Mood(1));
    }

    #[test]
    fn a_fault_with_several_faces_changes_the_lights_once_and_not_before_the_hold_time_is_over() {
        let mut moods = moods(WhichFaces::All);
        moods.observe(millis(1000), &[clear(1, ANGRY), clear(2, HAPPY)]);
        let both = MoodSet::NONE.with(0).with(1);
        for at in [1100, 1399] {
            moods.fault(millis(at));
            assert_eq!(moods.lit(), both, "{at}");
        }
        assert_eq!((moods.fault(millis(1400)), moods.lit()), (State::Fault, MoodSet::NONE));
        // Those who are found again are others to the follower.
        moods.observe(millis(1500), &[clear(3, HAPPY)]);
        assert_eq!((moods.state(), moods.lit()), (State::Fault, MoodSet::NONE));
        moods.observe(millis(1800), &[clear(3, HAPPY)]);
        assert_eq!(moods.lit(), MoodSet::of(State::Mood(1)));
        moods.fault(millis(2199));
        assert_eq!(moods.lit(), MoodSet::of(State::Mood(1)));
        assert_eq!(moods.fault(millis(2200)), State::Fault);
    }

    #[test]
    fn everybody_lights_their_own_mood() {
        let mut moods = moods(WhichFaces::All);
        moods.observe(millis(0), &[clear(1, ANGRY), clear(2, HAPPY)]);
        assert_eq!(moods.lit(), MoodSet::NONE.with(0).with(1));
        assert_eq!((moods.state_of(1), moods.state_of(2)), (Some(State::Mood(0)), Some(State::Mood(1))));
        moods.observe(millis(1000), &[clear(2, HAPPY)]);
        assert_eq!(moods.lit(), MoodSet::NONE.with(0).with(1), "the one who left is missed for the hold time");
        moods.observe(millis(1400), &[clear(2, HAPPY)]);
        assert_eq!((moods.lit(), moods.state()), (MoodSet::of(State::Mood(1)), State::Mood(1)));
        moods.observe(millis(2000), &[]);
        assert_eq!(moods.state(), State::Mood(1));
        moods.observe(millis(2400), &[]);
        assert_eq!((moods.lit(), moods.state()), (MoodSet::NONE, State::NoFace), "one hold time, not two");
        assert_eq!(moods.fault(millis(4000)), State::Fault);
        assert_eq!(moods.lit(), MoodSet::NONE);
    }

    #[test]
    fn people_come_and_go_without_end() {
        let mut moods = moods(WhichFaces::All);
        for number in 0..1000u32 {
            let people = [clear(number, HAPPY), clear(number + 1, ANGRY)];
            moods.observe(millis(u64::from(number) * 100), &people);
            assert!(moods.each.len() <= MOST_FOLLOWED);
        }
    }
}
