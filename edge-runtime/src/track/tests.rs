#![allow(clippy::unwrap_used)]

use super::*;
use emotion_models::{Detector, Faces, PixelFormat, Rect};
use std::sync::{Arc, Mutex};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;
/// How far outside a window the centre of a face may lie that is found in it, in pixels.
const REACH: f32 = 3.0;
static PIXELS: [u8; (WIDTH * HEIGHT) as usize] = [0; (WIDTH * HEIGHT) as usize];

/// What is in view, and the windows in which faces were detected.
#[derive(Clone, Default)]
struct Room {
    faces: Arc<Mutex<Vec<Face>>>,
    windows: Arc<Mutex<Vec<CropBox>>>,
    /// The least face that is seen, as a share of the window's width.
    smallest: Arc<Mutex<f32>>,
}

impl Detector for Room {
    fn detect(&mut self, _frame: &FrameView<'_>, window: CropBox, threshold: f32) -> Result<Faces, ModelError> {
        self.windows.lock().unwrap().push(window);
        let inside = |face: &&Face| {
            let [x, y] = face.rect.centre();
            // As a model's offsets may put a centre just outside.
            let (left, top) = (window.x as f32 - REACH, window.y as f32 - REACH);
            x >= left && y >= top && x < left + window.width as f32 && y < top + window.height as f32
        };
        let smallest = *self.smallest.lock().unwrap() * window.width as f32;
        let faces = self.faces.lock().unwrap();
        let seen = |face: &&Face| face.score >= threshold && face.rect.width >= smallest;
        Ok(faces.iter().filter(inside).filter(seen).copied().collect())
    }

    fn detect_zoomed_out(&mut self, _: &FrameView<'_>, _: f32, _: f32) -> Result<Faces, ModelError> {
        Ok(Faces::new())
    }

    fn threshold(&self) -> f32 {
        0.5
    }

    fn input_size(&self) -> [u32; 2] {
        [160, 120]
    }
}

fn face(x: f32, y: f32, width: f32) -> Face {
    Face { rect: Rect::new(x, y, width, 1.25 * width), score: 0.9 }
}

fn millis(value: u64) -> Duration {
    Duration::from_millis(value)
}

struct Scenario {
    room: Room,
    tracker: Tracker<Room>,
    now: u64,
}

impl Scenario {
    fn new(which: WhichFaces) -> Self {
        let room = Room::default();
        Scenario { tracker: Tracker::new(room.clone(), which), room, now: 0 }
    }

    /// A frame after 33 ms in which these faces are to be seen.
    fn frame(&mut self, faces: &[Face]) -> TrackedFaces {
        self.now += 33;
        *self.room.faces.lock().unwrap() = faces.to_vec();
        let view = FrameView::new(PixelFormat::Grey, WIDTH, HEIGHT, &PIXELS).unwrap();
        self.tracker.locate(&view, millis(self.now)).unwrap().clone()
    }

    fn windows(&self) -> Vec<CropBox> {
        std::mem::take(&mut *self.room.windows.lock().unwrap())
    }
}

fn is_whole(window: &CropBox) -> bool {
    *window == CropBox::full(WIDTH, HEIGHT)
}

#[test]
fn the_whole_frame_is_searched_for_the_first_face_and_then_every_second() {
    let mut run = Scenario::new(WhichFaces::Largest);
    for _ in 0..3 {
        assert!(run.frame(&[]).is_empty());
    }
    assert!(run.windows().iter().all(is_whole));
    let somebody = [face(300.0, 200.0, 60.0)];
    assert_eq!(run.frame(&somebody)[0].visibility, Visibility::Visible);
    run.windows();
    for _ in 0..120 {
        run.frame(&somebody);
    }
    let windows = run.windows();
    let whole = windows.iter().filter(|window| is_whole(window)).count();
    assert_eq!(windows.len(), 120, "one detection a frame");
    assert!((3..=5).contains(&whole), "{whole} whole frames in four seconds");
    let window = windows.iter().find(|window| !is_whole(window)).unwrap();
    assert!((180..=280).contains(&window.width) && window.width * 3 / 4 - window.height < 3, "{window:?}");
}

#[test]
fn a_face_that_leaves_its_window_is_found_in_the_same_frame() {
    let mut run = Scenario::new(WhichFaces::Largest);
    let before = run.frame(&[face(100.0, 100.0, 60.0)])[0].id;
    run.windows();
    let after = run.frame(&[face(500.0, 300.0, 60.0)]);
    assert_eq!(run.windows().len(), 4, "the window, the frame, and the new place from nearer and in a mirror");
    let seen: Vec<_> = after.iter().filter(|track| track.visibility == Visibility::Visible).collect();
    assert_eq!(seen.len(), 1);
    assert_ne!(seen[0].id, before, "so far away it is somebody else");
    assert_eq!(after[0].id, before, "who is missed for a while before another takes their place");
    for _ in 0..20 {
        run.frame(&[face(500.0, 300.0, 60.0)]);
    }
    let now = run.frame(&[face(500.0, 300.0, 60.0)]);
    assert_eq!((now.len(), now[0].id), (1, seen[0].id));
}

#[test]
fn a_face_lost_for_a_moment_is_still_the_same_and_one_gone_is_gone() {
    let mut run = Scenario::new(WhichFaces::Largest);
    let here = [face(300.0, 200.0, 80.0)];
    let id = run.frame(&here)[0].id;
    for _ in 0..5 {
        assert_eq!(run.frame(&[])[0].visibility, Visibility::Lost);
    }
    let back = run.frame(&here);
    assert_eq!((back[0].id, back[0].visibility), (id, Visibility::Visible));
    for _ in 0..16 {
        run.frame(&[]);
    }
    assert!(run.frame(&[]).is_empty());
}

#[test]
fn a_face_whose_centre_was_outside_the_frame_is_lost_like_any_other() {
    for which in [WhichFaces::Largest, WhichFaces::Average, WhichFaces::All] {
        let mut run = Scenario::new(which);
        let leaving = face(-42.0, 200.0, 80.0);
        assert_eq!(leaving.rect.centre()[0], -2.0);
        assert_eq!(run.frame(&[leaving])[0].visibility, Visibility::Visible);
        assert_eq!(run.frame(&[])[0].visibility, Visibility::Lost, "{which:?}");
        for _ in 0..16 {
            run.frame(&[]);
        }
        assert!(run.frame(&[]).is_empty(), "{which:?}");
    }
}

#[test]
fn who_is_beside_the_main_face_and_half_outside_the_frame_is_missed_by_the_next_search() {
    let mut run = Scenario::new(WhichFaces::Largest);
    let (main, beside) = (face(400.0, 200.0, 90.0), face(-42.0, 200.0, 80.0));
    assert_eq!(run.frame(&[main, beside]).len(), 2);
    let left: Vec<usize> = (0..60).map(|_| run.frame(&[main]).len()).collect();
    assert_eq!((left[0], left[59]), (2, 1), "{left:?}");
}

#[test]
fn a_track_is_kept_below_the_detection_threshold_but_begins_above_it() {
    let mut run = Scenario::new(WhichFaces::Largest);
    let weak = Face { score: 0.35, ..face(300.0, 200.0, 80.0) };
    assert!(run.frame(&[weak]).is_empty());
    run.frame(&[face(300.0, 200.0, 80.0)]);
    run.windows();
    assert_eq!(run.frame(&[weak])[0].visibility, Visibility::Visible);
    assert!(
        run.windows().iter().all(|window| !is_whole(window)),
        "the search before has just said that somebody is there"
    );
    for _ in 0..30 {
        assert_eq!(run.frame(&[weak])[0].visibility, Visibility::Visible);
    }
    let whole = run.windows().iter().filter(|window| is_whole(window)).count();
    assert!((3..=5).contains(&whole), "a score that drops has the whole frame searched, not in every frame: {whole}");
}

#[test]
fn a_low_score_beside_a_track_or_where_one_was_lost_is_no_face() {
    let strong = face(300.0, 200.0, 80.0);
    let faint = Face { score: 0.45, ..strong };
    let mut run = Scenario::new(WhichFaces::Largest);
    let id = run.frame(&[strong])[0].id;
    assert_eq!(
        run.frame(&[Face { score: 0.45, ..face(350.0, 200.0, 80.0) }])[0].visibility,
        Visibility::Lost,
        "elsewhere"
    );
    assert_eq!(run.frame(&[faint])[0].visibility, Visibility::Lost, "where they were lost");
    let back = run.frame(&[Face { score: 0.55, ..face(350.0, 200.0, 80.0) }]);
    assert_eq!((back[0].id, back[0].visibility), (id, Visibility::Visible), "as sure as a face in a photo must be");
    assert_eq!(
        run.frame(&[Face { score: 0.45, ..face(354.0, 200.0, 80.0) }])[0].visibility,
        Visibility::Visible,
        "where they were a frame ago"
    );
}

#[test]
fn a_face_that_a_search_misses_is_detected_in_its_former_window() {
    let mut run = Scenario::new(WhichFaces::Largest);
    let here = face(300.0, 200.0, 60.0);
    let id = run.frame(&[here])[0].id;
    run.frame(&[]);
    // Too small to be seen in the whole frame.
    *run.room.smallest.lock().unwrap() = 0.2;
    assert_eq!(run.frame(&[Face { score: 0.45, ..here }])[0].visibility, Visibility::Lost, "faint");
    run.windows();
    let back = run.frame(&[here]);
    assert_eq!((back[0].id, back[0].visibility), (id, Visibility::Visible));
    assert_eq!(run.windows().len(), 2, "the frame, and the window");
}

#[test]
fn a_person_who_takes_the_place_of_a_lost_one_keeps_one_track() {
    let mut run = Scenario::new(WhichFaces::All);
    let both = run.frame(&[face(300.0, 200.0, 60.0), face(420.0, 140.0, 60.0)]);
    for step in 1..=10u8 {
        run.frame(&[face(420.0 - 10.0 * f32::from(step), 140.0 + 5.0 * f32::from(step), 60.0)]);
    }
    let tracked = run.frame(&[face(312.0, 194.0, 60.0)]);
    let seen: Vec<_> =
        tracked.iter().filter(|track| track.visibility == Visibility::Visible).map(|track| track.id).collect();
    assert_eq!(seen, [both[1].id], "{tracked:?}");
}

#[test]
fn a_face_whose_window_is_the_whole_frame_costs_one_detection_a_frame() {
    let mut run = Scenario::new(WhichFaces::Largest);
    let (large, weak) = (face(120.0, 40.0, 380.0), Face { score: 0.35, ..face(20.0, 20.0, 60.0) });
    run.frame(&[large]);
    run.windows();
    for _ in 0..20 {
        assert_eq!(run.frame(&[large, weak]).len(), 1);
    }
    let windows = run.windows();
    assert!(
        windows.len() == 20 && windows.iter().all(is_whole),
        "a candidate is detected again once a second: {windows:?}"
    );
}

#[test]
fn the_lights_stay_with_one_of_two_alike_and_go_to_one_clearly_larger() {
    let mut run = Scenario::new(WhichFaces::Largest);
    let (left, right) = (face(150.0, 180.0, 90.0), face(420.0, 180.0, 92.0));
    let first = run.frame(&[left, right])[0].id;
    for number in 0..60 {
        let larger = if number % 2 == 0 { 88.0 } else { 98.0 };
        let tracked = run.frame(&[left, face(420.0, 180.0, larger)]);
        assert_eq!(tracked[0].id, first, "frame {number}");
    }
    let near = face(60.0, 60.0, 260.0);
    let mut tracked = TrackedFaces::new();
    for _ in 0..40 {
        tracked = run.frame(&[near, right]);
    }
    assert_ne!(tracked[0].id, first);
    assert!(tracked[0].face.rect.width > 200.0);
}

#[test]
fn two_people_who_cross_do_not_swap() {
    for which in [WhichFaces::All, WhichFaces::Average] {
        let mut run = Scenario::new(which);
        let at = |number: i32| {
            // Different heights: one walks behind the other.
            let walk = number as f32 * 4.0;
            [face(100.0 + walk, 150.0, 80.0), face(500.0 - walk, 210.0, 80.0)]
        };
        let start = run.frame(&at(0));
        let id_at = |tracked: &TrackedFaces, face: &Face| {
            let near = |track: &&TrackedFace| track.face.rect.iou(face.rect) > 0.4;
            tracked.iter().find(near).map(|track| track.id)
        };
        let ids = at(0).map(|face| id_at(&start, &face).unwrap());
        for number in 1..100 {
            let faces = at(number);
            let tracked = run.frame(&faces);
            assert_eq!(tracked.len(), 2);
            assert_eq!(id_at(&tracked, &faces[0]), Some(ids[0]), "frame {number}");
            assert_eq!(id_at(&tracked, &faces[1]), Some(ids[1]), "frame {number}");
        }
    }
}

#[test]
fn of_many_faces_as_many_are_tracked_as_there_is_room() {
    let mut run = Scenario::new(WhichFaces::All);
    let faces: Vec<Face> = (0..30).map(|at| face((at % 8 * 78) as f32, (at / 8 * 110) as f32, 50.0)).collect();
    let mut track = vec![];
    for _ in 0..50 {
        track.push(run.frame(&faces).len());
        assert!(run.windows().len() <= 7);
    }
    assert_eq!((track[0], track[49]), (3, MAX_TRACKS), "three new ones a search");
    assert!(track.is_sorted());
}

#[test]
fn tracks_end_when_the_camera_fails() {
    let mut run = Scenario::new(WhichFaces::Largest);
    let here = [face(300.0, 200.0, 80.0)];
    let id = run.frame(&here)[0].id;
    run.tracker.reset();
    run.windows();
    assert_ne!(run.frame(&here)[0].id, id);
    assert!(is_whole(&run.windows()[0]));
}

#[test]
fn faces_that_cannot_be_classified_are_rejected() {
    let limits = FaceLimits::default();
    let rejected = |face: Face| RejectReason::of(&face, &limits, WIDTH, HEIGHT);
    assert_eq!(rejected(face(300.0, 200.0, 80.0)), None);
    assert_eq!(rejected(face(300.0, 200.0, 20.0)), Some(RejectReason::TooSmall));
    assert_eq!(rejected(face(-40.0, 200.0, 80.0)), Some(RejectReason::CutOff));
    assert_eq!(
        rejected(Face { rect: Rect::new(300.0, 200.0, 80.0, 200.0), score: 0.9 }),
        Some(RejectReason::TurnedAway)
    );
}

#[test]
fn the_centred_square_is_somebody_in_every_frame() {
    let mut square = CentredSquare::default();
    let view = FrameView::new(PixelFormat::Grey, WIDTH, HEIGHT, &PIXELS).unwrap();
    let found = square.locate(&view, millis(0)).unwrap()[0];
    assert_eq!(found.face.crop(0.0), CropBox::centred_square(WIDTH, HEIGHT));
    assert!(!square.detects());
}
