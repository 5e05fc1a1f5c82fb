#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;
use std::time::Duration;

const LABELS: usize = 3;

fn millis(value: u64) -> Duration {
    Duration::from_millis(value)
}

fn filter(time_constant: u64, hold: u64) -> MoodFilter {
    let settings = FilterSettings::new(millis(time_constant), millis(hold), &[0.6; LABELS], &[0.45; LABELS]);
    MoodFilter::new(settings.unwrap())
}

#[test]
fn the_first_clear_face_lights_at_once() {
    let mut filter = filter(300, 500);
    assert_eq!(filter.state(), MoodState::Unsure);
    assert_eq!(filter.observe(millis(7), Observation::Face(&[0.05, 0.9, 0.05])), MoodState::Mood(1));
    assert_eq!(&filter.smoothed().unwrap()[..], &[0.05, 0.9, 0.05]);
}

#[test]
fn a_mood_is_kept_between_its_two_thresholds() {
    let mut filter = filter(0, 0);
    assert_eq!(filter.observe(millis(0), Observation::Face(&[0.5, 0.3, 0.2])), MoodState::Unsure);
    assert_eq!(filter.observe(millis(1), Observation::Face(&[0.7, 0.2, 0.1])), MoodState::Mood(0));
    assert_eq!(filter.observe(millis(2), Observation::Face(&[0.5, 0.3, 0.2])), MoodState::Mood(0));
    assert_eq!(filter.observe(millis(3), Observation::Face(&[0.4, 0.3, 0.3])), MoodState::Unsure);
}

#[test]
fn a_surer_mood_takes_over_without_a_dark_moment() {
    let settings = FilterSettings::new(millis(0), millis(0), &[0.4; 2], &[0.3; 2]).unwrap();
    let mut filter = MoodFilter::new(settings);
    filter.observe(millis(0), Observation::Face(&[0.6, 0.4]));
    assert_eq!(filter.observe(millis(1), Observation::Face(&[0.45, 0.55])), MoodState::Mood(1));
}

#[test]
fn a_step_comes_through_as_the_time_constant_says() {
    let mut filter = filter(200, 0);
    filter.observe(millis(0), Observation::Face(&[1.0, 0.0, 0.0]));
    filter.observe(millis(200), Observation::Face(&[0.0, 1.0, 0.0]));
    let smoothed = filter.smoothed().unwrap();
    assert!((smoothed[1] - (1.0 - (-1.0f32).exp())).abs() < 1e-6, "{smoothed:?}");
}

#[test]
fn a_face_lost_for_a_frame_changes_nothing_and_lost_for_the_hold_time_is_no_face() {
    let mut filter = filter(0, 500);
    let happy = Observation::Face(&[0.0, 1.0, 0.0]);
    filter.observe(millis(0), happy);
    assert_eq!(filter.observe(millis(1000), Observation::NoFace), MoodState::Mood(1));
    assert_eq!(filter.observe(millis(1400), Observation::NoFace), MoodState::Mood(1));
    assert_eq!(filter.observe(millis(1450), happy), MoodState::Mood(1));
    assert_eq!(filter.observe(millis(2000), Observation::NoFace), MoodState::Mood(1));
    assert_eq!(filter.observe(millis(2500), Observation::NoFace), MoodState::NoFace);
    assert!(filter.smoothed().is_none());
}

#[test]
fn what_a_face_shows_stays_for_two_hold_times_and_who_leaves_need_not_wait() {
    let (mut filter, [angry, sad, nothing]) = (filter(0, 500), [[0.9, 0.1, 0.0], [0.0, 0.1, 0.9], [0.3, 0.3, 0.4]]);
    let mut shows = |at, face: &[f32; 3]| filter.observe(millis(at), Observation::Face(face));
    assert_eq!(shows(0, &nothing), MoodState::Unsure);
    // The first mood is lit at once, the next one after a second.
    assert_eq!(shows(10, &angry), MoodState::Mood(0));
    assert_eq!(shows(1009, &sad), MoodState::Mood(0));
    assert_eq!(shows(1010, &sad), MoodState::Mood(2));
    // An unsure face counts once it lasts, and stays unsure then.
    assert_eq!(shows(1500, &nothing), MoodState::Mood(2));
    assert_eq!(shows(2010, &nothing), MoodState::Unsure);
    assert_eq!(shows(2900, &sad), MoodState::Unsure);
    assert_eq!(shows(3010, &sad), MoodState::Mood(2));
    for at in [3020, 3520] {
        filter.observe(millis(at), Observation::NoFace);
    }
    assert_eq!(filter.state(), MoodState::NoFace);
    assert_eq!(filter.observe(millis(4020), Observation::Face(&angry)), MoodState::Mood(0));
    assert_eq!(filter.observe(millis(4520), Observation::Fault), MoodState::Fault);
}

#[test]
fn an_unclear_face_that_is_lost_for_a_frame_is_not_gone() {
    let mut filter = filter(0, 500);
    filter.observe(millis(0), Observation::Face(&[0.9, 0.1, 0.0]));
    for at in [100, 400, 800] {
        assert_eq!(filter.observe(millis(at), Observation::Rejected), MoodState::Mood(0));
    }
    assert_eq!(filter.observe(millis(825), Observation::NoFace), MoodState::Mood(0));
    assert_eq!(filter.observe(millis(1000), Observation::Rejected), MoodState::Unsure);
    // Now lost, now rejected: there is no mood, but somebody.
    for at in (1050..3000).step_by(100) {
        filter.observe(millis(at), Observation::NoFace);
        assert_eq!(filter.observe(millis(at + 50), Observation::Rejected), MoodState::Unsure);
    }
    filter.observe(millis(3000), Observation::NoFace);
    assert_eq!(filter.observe(millis(3500), Observation::NoFace), MoodState::NoFace);
}

#[test]
fn after_a_fault_smoothing_starts_afresh() {
    let mut filter = filter(10_000, 100);
    filter.observe(millis(0), Observation::Face(&[1.0, 0.0, 0.0]));
    assert_eq!(filter.observe(millis(200), Observation::Fault), MoodState::Fault);
    assert_eq!(filter.observe(millis(250), Observation::Face(&[0.0, 1.0, 0.0])), MoodState::Fault);
    assert_eq!(filter.observe(millis(300), Observation::Face(&[0.0, 1.0, 0.0])), MoodState::Mood(1));
}

#[test]
fn impossible_settings_are_refused() {
    let new = |hold, enter: &[f32], leave: &[f32]| FilterSettings::new(millis(1), millis(hold), enter, leave);
    assert_eq!(new(0, &[], &[]), Err(FilterError::Labels(0)));
    assert_eq!(new(0, &[0.5; 17], &[0.5; 17]), Err(FilterError::Labels(17)));
    assert_eq!(new(0, &[0.5; 2], &[0.5; 3]), Err(FilterError::Labels(2)));
    assert!(matches!(new(1501, &[0.5], &[0.5]), Err(FilterError::Hold(_))));
    for (enter, leave) in [(0.0, 0.0), (1.1, 0.5), (0.5, 0.6), (0.5, -0.1), (f32::NAN, 0.1), (0.5, f32::NAN)] {
        assert!(matches!(new(0, &[enter], &[leave]), Err(FilterError::Threshold { label: 0, .. })));
    }
}

/// Any input at all: probabilities, nonsense, absent faces, faults.
fn any_input() -> impl Strategy<Value = Option<Vec<f32>>> {
    prop_oneof![
        6 => prop::collection::vec(0.0f32..=1.0, LABELS).prop_map(Some),
        1 => prop::collection::vec(any::<f32>(), 0..5).prop_map(Some),
        1 => Just(Some(vec![f32::NAN, f32::INFINITY, 0.5])),
        2 => Just(None),
    ]
}

fn observation(input: &Option<Vec<f32>>, fault: bool) -> Observation<'_> {
    match input {
        Some(values) => Observation::Face(values),
        None if fault => Observation::Fault,
        None => Observation::NoFace,
    }
}

proptest! {
    #[test]
    fn never_two_changes_inside_the_hold_time(
        steps in prop::collection::vec((0u64..400, any_input(), any::<bool>()), 1..80),
        time_constant in 0u64..600,
        hold in 1u64..=1500,
    ) {
        let mut filter = filter(time_constant, hold);
        let (mut now, mut before, mut changed) = (0, filter.state(), None::<u64>);
        for (wait, input, fault) in &steps {
            now += wait;
            let state = filter.observe(millis(now), observation(input, *fault));
            if state != before {
                prop_assert!(changed.is_none_or(|at| now - at >= hold));
                (before, changed) = (state, Some(now));
            }
        }
    }

    #[test]
    fn a_face_in_view_never_shows_two_changes_inside_two_hold_times(
        steps in prop::collection::vec((0u64..400, prop::collection::vec(0.0f32..=1.0, LABELS)), 1..80),
        time_constant in 0u64..600,
        hold in 1u64..=1500,
    ) {
        let mut filter = filter(time_constant, hold);
        let (mut now, mut before, mut lit) = (0, filter.state(), None::<u64>);
        for (wait, values) in &steps {
            now += wait;
            let state = filter.observe(millis(now), Observation::Face(values));
            if state != before {
                prop_assert!(lit.is_none_or(|at| now - at >= 2 * hold));
                (before, lit) = (state, Some(now));
            }
        }
    }

    #[test]
    fn nothing_but_numbers_between_0_and_1_gets_through(
        steps in prop::collection::vec((any::<u64>(), any_input(), any::<bool>()), 1..60),
        time_constant in 0u64..600,
    ) {
        let mut filter = filter(time_constant, 0);
        for (at, input, fault) in &steps {
            let state = filter.observe(Duration::from_nanos(*at), observation(input, *fault));
            if let Some(smoothed) = filter.smoothed() {
                prop_assert!(smoothed.iter().all(|value| (0.0..=1.0).contains(value)), "{:?}", smoothed);
            }
            if let MoodState::Mood(label) = state {
                prop_assert!(label < LABELS);
            }
        }
    }

    #[test]
    fn a_constant_input_settles(
        before in prop::collection::vec((0u64..300, any_input(), any::<bool>()), 0..20),
        values in prop::collection::vec(0.0f32..=1.0, LABELS),
        time_constant in 0u64..300,
        hold in 0u64..=1500,
    ) {
        let mut filter = filter(time_constant, hold);
        let mut now = 0;
        for (wait, input, fault) in &before {
            now += wait;
            filter.observe(millis(now), observation(input, *fault));
        }
        // Twenty time constants and four holds later nothing moves any more.
        let settled = now + 20 * time_constant + 4 * hold + 40;
        let mut states = Vec::new();
        while now < settled + 4000 {
            now += 20;
            let state = filter.observe(millis(now), Observation::Face(&values));
            if now > settled {
                states.push(state);
            }
        }
        prop_assert!(states.windows(2).all(|pair| pair[0] == pair[1]), "{:?}", states);
        for (smoothed, value) in filter.smoothed().unwrap().iter().zip(&values) {
            prop_assert!((smoothed - value).abs() < 1e-4);
        }
    }

    #[test]
    fn any_pacing_smooths_like_one_long_observation(
        first in prop::collection::vec(0.0f32..=1.0, LABELS),
        then in prop::collection::vec(0.0f32..=1.0, LABELS),
        waits in prop::collection::vec(0u64..200, 1..40),
        time_constant in 1u64..1000,
    ) {
        let (mut paced, mut single) = (filter(time_constant, 0), filter(time_constant, 0));
        paced.observe(millis(0), Observation::Face(&first));
        single.observe(millis(0), Observation::Face(&first));
        let mut now = 0;
        for wait in &waits {
            now += wait;
            paced.observe(millis(now), Observation::Face(&then));
        }
        single.observe(millis(now), Observation::Face(&then));
        for (a, b) in paced.smoothed().unwrap().iter().zip(single.smoothed().unwrap().iter()) {
            prop_assert!((a - b).abs() < 1e-4, "{} {}", a, b);
        }
    }

    #[test]
    fn a_fault_shows_within_the_hold_time(
        steps in prop::collection::vec((0u64..400, any_input(), any::<bool>()), 0..40),
        hold in 0u64..=1500,
    ) {
        let mut filter = filter(200, hold);
        let mut now = 0;
        for (wait, input, fault) in &steps {
            now += wait;
            filter.observe(millis(now), observation(input, *fault));
        }
        filter.observe(millis(now), Observation::Fault);
        prop_assert_eq!(filter.observe(millis(now + hold), Observation::Fault), MoodState::Fault);
    }
}
