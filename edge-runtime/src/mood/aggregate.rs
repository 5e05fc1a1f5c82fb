//! Aggregates all tracks to one steady state.

use super::{FilterSettings, MoodFilter, MoodState, Observation};
use crate::track::{MAX_TRACKS, WhichFaces};
use emotion_models::{MAX_LABELS, Probabilities};
use std::time::Duration;

/// Moods, by label index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MoodSet(u16);

impl MoodSet {
    /// No mood.
    pub const NONE: Self = Self(0);

    /// The mood of a state, if it is one.
    pub fn of(state: MoodState) -> Self {
        match state {
            MoodState::Mood(label) => Self::NONE.with(label),
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

    /// These without the others.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// All of both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a frame shows of a tracked face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaceObservation {
    /// The emotion model's probabilities, in the card's label order.
    Classified(Probabilities),
    /// The face is there, but the model is not asked about it.
    Rejected,
    /// Nothing: its part of the frame was not searched, or the model was not asked.
    NotClassified,
    /// The face is lost.
    Lost,
}

/// The observation of one track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackObservation {
    /// The track's id.
    pub id: u32,
    /// What the frame shows of its face.
    pub face: FaceObservation,
}

/// The steady state of a run with one face or several, aggregated over tracks.
///
/// With the largest face or the mean of all, one group filter smooths the observations. When it switches to other
/// tracks altogether, its smoothing starts afresh, because each person has an expression of their own. The hold time
/// goes on, because the lights are the same.
///
/// With all faces, each track has a filter of its own, so that its light has its own hysteresis and hold time. The
/// group filter then only observes whether anybody is there. It distinguishes nobody from unsure, and holds a fault
/// back until the lights that the tracks changed have been held.
///
/// Pure, as [`MoodFilter`] is; nothing is allocated, and tracks that ended are dropped.
#[derive(Clone, Debug)]
pub struct MoodAggregator {
    which: WhichFaces,
    settings: FilterSettings,
    /// Of the largest face, of the mean, or, with all faces, of nobody and of faults.
    group_filter: MoodFilter,
    /// The tracks that the group filter is about.
    group: heapless::Vec<u32, MAX_TRACKS>,
    /// With all faces: each track's.
    track_filters: heapless::Vec<(u32, MoodFilter), MAX_TRACKS>,
}

impl MoodAggregator {
    /// Nobody was seen yet; the state is [`MoodState::Unsure`].
    pub fn new(settings: FilterSettings, which: WhichFaces) -> Self {
        let group_filter = MoodFilter::new(settings.clone());
        Self { which, settings, group_filter, group: heapless::Vec::new(), track_filters: heapless::Vec::new() }
    }

    /// Whose mood counts.
    pub fn which(&self) -> WhichFaces {
        self.which
    }

    /// Takes the observations of all tracks at time `at`, the main one first, and returns the state from then on.
    pub fn observe(&mut self, at: Duration, tracks: &[TrackObservation]) -> MoodState {
        match self.which {
            WhichFaces::Largest => self.observe_largest(at, tracks),
            WhichFaces::Average => self.observe_average(at, tracks),
            WhichFaces::All => self.observe_all(at, tracks),
        }
    }

    /// Nothing can be known at time `at`.
    pub fn fault(&mut self, at: Duration) -> MoodState {
        // The moods of several faces stay until the fault may show, so that the lights change once.
        self.group_filter
            .sync_last_change(self.track_filters.iter().filter_map(|(_, filter)| filter.last_change).max());
        if self.group_filter.observe(at, Observation::Fault) == MoodState::Fault {
            self.track_filters.clear();
        }
        self.state()
    }

    fn observe_largest(&mut self, at: Duration, tracks: &[TrackObservation]) -> MoodState {
        let first = tracks.first();
        self.set_group(first.map(|track| track.id).into_iter());
        observe(&mut self.group_filter, at, first)
    }

    /// The group filter is about these tracks from now on.
    fn set_group(&mut self, ids: impl Iterator<Item = u32> + Clone) {
        if ids.clone().next().is_none() {
            return;
        }
        if !self.group.is_empty() && !ids.clone().any(|id| self.group.contains(&id)) {
            self.group_filter.reset_smoothing();
        }
        self.group = ids.take(MAX_TRACKS).collect();
    }

    fn observe_average(&mut self, at: Duration, tracks: &[TrackObservation]) -> MoodState {
        let present = tracks.iter().filter(|track| track.face != FaceObservation::Lost);
        self.set_group(present.map(|track| track.id));
        if let Some(mean) = self.mean(tracks) {
            return self.group_filter.observe(at, Observation::Face(&mean));
        }
        let any = |face: FaceObservation| tracks.iter().any(|track| track.face == face);
        match (any(FaceObservation::Rejected), any(FaceObservation::NotClassified)) {
            (true, _) => self.group_filter.observe(at, Observation::Rejected),
            (false, true) => self.group_filter.state(),
            (false, false) => self.group_filter.observe(at, Observation::NoFace),
        }
    }

    /// The mean over all faces that were classified; `None` where none was.
    pub fn mean(&self, tracks: &[TrackObservation]) -> Option<Probabilities> {
        let classified = tracks.iter().filter_map(|track| match &track.face {
            FaceObservation::Classified(probabilities) => Some(probabilities),
            _ => None,
        });
        let count = classified.clone().count();
        let mut mean = [0.0; MAX_LABELS];
        for probabilities in classified {
            mean.iter_mut().zip(probabilities.iter()).for_each(|(sum, value)| *sum += value / count as f32);
        }
        Probabilities::from_slice(&mean[..self.settings.labels()]).filter(|_| count > 0)
    }

    fn observe_all(&mut self, at: Duration, tracks: &[TrackObservation]) -> MoodState {
        for TrackObservation { id, face } in tracks {
            let seen = matches!(face, FaceObservation::Classified(_) | FaceObservation::Rejected);
            if seen && !self.track_filters.iter().any(|(known, _)| known == id) {
                // With no room left a new track waits until another has ended.
                let _ = self.track_filters.push((*id, MoodFilter::new(self.settings.clone())));
            }
        }
        for (id, filter) in &mut self.track_filters {
            observe(filter, at, tracks.iter().find(|track| track.id == *id));
        }
        self.track_filters.retain(|(_, filter)| filter.state() != MoodState::NoFace);
        // Counted in parallel with the moods that are held, not after them.
        let anybody = tracks.iter().any(|track| track.face != FaceObservation::Lost);
        let observation = if anybody { Observation::Rejected } else { Observation::NoFace };
        self.group_filter.observe(at, observation);
        self.state()
    }

    /// The state, as the latest observation left it; with all faces the main track's mood, else anybody's.
    pub fn state(&self) -> MoodState {
        let group = self.group_filter.state();
        if self.which != WhichFaces::All || group == MoodState::Fault {
            return group;
        }
        let moods = self.track_filters.iter().map(|(_, filter)| filter.state());
        moods.into_iter().find(|state| matches!(state, MoodState::Mood(_))).unwrap_or(match group {
            MoodState::NoFace => MoodState::NoFace,
            _ => MoodState::Unsure,
        })
    }

    /// The moods that the lights show.
    pub fn lit(&self) -> MoodSet {
        let state = self.state();
        if self.which != WhichFaces::All || state == MoodState::Fault {
            return MoodSet::of(state);
        }
        self.track_filters.iter().fold(MoodSet::NONE, |set, (_, filter)| set.union(MoodSet::of(filter.state())))
    }

    /// A track's own state, as far as it is kept apart.
    pub fn state_of(&self, id: u32) -> Option<MoodState> {
        match self.which {
            WhichFaces::All => {
                self.track_filters.iter().find(|(known, _)| *known == id).map(|(_, filter)| filter.state())
            }
            WhichFaces::Largest => self.group.contains(&id).then(|| self.group_filter.state()),
            WhichFaces::Average => None,
        }
    }

    /// The smoothed probabilities behind the state; `None` while there is no face to speak of.
    pub fn smoothed(&self) -> Option<Probabilities> {
        match self.which {
            WhichFaces::All => self.track_filters.first().and_then(|(_, filter)| filter.smoothed()),
            _ => self.group_filter.smoothed(),
        }
    }
}

/// Has a filter observe a track, or that it ended.
fn observe(filter: &mut MoodFilter, at: Duration, track: Option<&TrackObservation>) -> MoodState {
    match track.map(|track| &track.face) {
        Some(FaceObservation::Classified(probabilities)) => filter.observe(at, Observation::Face(probabilities)),
        Some(FaceObservation::Rejected) => filter.observe(at, Observation::Rejected),
        Some(FaceObservation::NotClassified) => filter.state(),
        Some(FaceObservation::Lost) | None => filter.observe(at, Observation::NoFace),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn millis(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    fn moods(which: WhichFaces) -> MoodAggregator {
        let settings = FilterSettings::new(millis(200), millis(400), &[0.6; 3], &[0.45; 3]).unwrap();
        MoodAggregator::new(settings, which)
    }

    fn classified(id: u32, values: [f32; 3]) -> TrackObservation {
        TrackObservation { id, face: FaceObservation::Classified(Probabilities::from_slice(&values).unwrap()) }
    }

    const ANGRY: [f32; 3] = [0.9, 0.05, 0.05];
    const HAPPY: [f32; 3] = [0.05, 0.9, 0.05];

    #[test]
    fn another_person_does_not_inherit_what_was_smoothed() {
        let mut moods = moods(WhichFaces::Largest);
        assert_eq!(moods.observe(millis(0), &[classified(1, ANGRY)]), MoodState::Mood(0));
        moods.observe(millis(1000), &[classified(2, HAPPY)]);
        assert_eq!(moods.state(), MoodState::Mood(1));
        assert!(moods.smoothed().unwrap()[1] > 0.89);
        assert_eq!((moods.state_of(2), moods.state_of(1)), (Some(MoodState::Mood(1)), None));
    }

    #[test]
    fn a_rejected_face_is_unsure_and_none_is_no_face_after_the_hold_time() {
        let mut moods = moods(WhichFaces::Largest);
        moods.observe(millis(0), &[classified(1, ANGRY)]);
        let track = |face| [TrackObservation { id: 1, face }];
        assert_eq!(moods.observe(millis(1000), &track(FaceObservation::Rejected)), MoodState::Mood(0));
        assert_eq!(moods.observe(millis(1400), &track(FaceObservation::Rejected)), MoodState::Unsure);
        assert!(moods.smoothed().is_none());
        assert_eq!(moods.observe(millis(1500), &track(FaceObservation::NotClassified)), MoodState::Unsure);
        moods.observe(millis(2000), &track(FaceObservation::Lost));
        assert_eq!(moods.observe(millis(2400), &[]), MoodState::NoFace);
        assert_eq!(moods.lit(), MoodSet::NONE);
    }

    #[test]
    fn the_mean_of_all_faces_counts() {
        let mut moods = moods(WhichFaces::Average);
        let tracks = [classified(1, ANGRY), classified(2, HAPPY), classified(3, HAPPY)];
        assert_eq!(moods.observe(millis(0), &tracks), MoodState::Mood(1));
        assert!((moods.smoothed().unwrap()[1] - (0.05 + 0.9 + 0.9) / 3.0).abs() < 1e-6);
        assert_eq!(moods.state_of(1), None);
        moods.observe(millis(1000), &[TrackObservation { id: 2, face: FaceObservation::Lost }]);
        assert_eq!(moods.observe(millis(1500), &[]), MoodState::NoFace);
    }

    #[test]
    fn the_mean_of_others_begins_anew() {
        let mut moods = moods(WhichFaces::Average);
        moods.observe(millis(0), &[classified(1, ANGRY), classified(2, ANGRY)]);
        assert_eq!(
            moods.observe(millis(400), &[classified(2, HAPPY), classified(3, HAPPY)]),
            MoodState::Mood(0),
            "one of them stayed"
        );
        assert_eq!(moods.observe(millis(430), &[classified(4, HAPPY)]), MoodState::Mood(1));
    }

    #[test]
    fn a_fault_with_several_faces_changes_the_lights_once_and_not_before_the_hold_time_is_over() {
        let mut moods = moods(WhichFaces::All);
        moods.observe(millis(1000), &[classified(1, ANGRY), classified(2, HAPPY)]);
        let both = MoodSet::NONE.with(0).with(1);
        for at in [1100, 1399] {
            moods.fault(millis(at));
            assert_eq!(moods.lit(), both, "{at}");
        }
        assert_eq!((moods.fault(millis(1400)), moods.lit()), (MoodState::Fault, MoodSet::NONE));
        // Those who are found again have other tracks.
        moods.observe(millis(1500), &[classified(3, HAPPY)]);
        assert_eq!((moods.state(), moods.lit()), (MoodState::Fault, MoodSet::NONE));
        moods.observe(millis(1800), &[classified(3, HAPPY)]);
        assert_eq!(moods.lit(), MoodSet::of(MoodState::Mood(1)));
        moods.fault(millis(2199));
        assert_eq!(moods.lit(), MoodSet::of(MoodState::Mood(1)));
        assert_eq!(moods.fault(millis(2200)), MoodState::Fault);
    }

    #[test]
    fn everybody_lights_their_own_mood() {
        let mut moods = moods(WhichFaces::All);
        moods.observe(millis(0), &[classified(1, ANGRY), classified(2, HAPPY)]);
        assert_eq!(moods.lit(), MoodSet::NONE.with(0).with(1));
        assert_eq!((moods.state_of(1), moods.state_of(2)), (Some(MoodState::Mood(0)), Some(MoodState::Mood(1))));
        moods.observe(millis(1000), &[classified(2, HAPPY)]);
        assert_eq!(moods.lit(), MoodSet::NONE.with(0).with(1), "the one who left is missed for the hold time");
        moods.observe(millis(1400), &[classified(2, HAPPY)]);
        assert_eq!((moods.lit(), moods.state()), (MoodSet::of(MoodState::Mood(1)), MoodState::Mood(1)));
        moods.observe(millis(2000), &[]);
        assert_eq!(moods.state(), MoodState::Mood(1));
        moods.observe(millis(2400), &[]);
        assert_eq!((moods.lit(), moods.state()), (MoodSet::NONE, MoodState::NoFace), "one hold time, not two");
        assert_eq!(moods.fault(millis(4000)), MoodState::Fault);
        assert_eq!(moods.lit(), MoodSet::NONE);
    }

    #[test]
    fn tracks_begin_and_end_without_end() {
        let mut moods = moods(WhichFaces::All);
        for number in 0..1000u32 {
            let tracks = [classified(number, HAPPY), classified(number + 1, ANGRY)];
            moods.observe(millis(u64::from(number) * 100), &tracks);
            assert!(moods.track_filters.len() <= MAX_TRACKS);
        }
    }
}
