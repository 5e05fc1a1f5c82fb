//! Finding faces once, then tracking them from frame to frame.

use super::one_euro::OneEuroFilter;
use super::{FaceLocator, MAX_TRACKS, TrackedFace, TrackedFaces, Visibility, WhichFaces};
use emotion_models::{CropBox, Detector, Face, Faces, FrameView, ModelError, centrality, tracking_window};
use std::time::Duration;

/// The whole frame is searched at least this often.
const SEARCH_INTERVAL: Duration = Duration::from_secs(1);
/// The same while a tracked face scores below the detection threshold in its window: some faces reach it only when
/// several detections are fused.
const LOW_SCORE_SEARCH_INTERVAL: Duration = Duration::from_millis(250);
/// A track that is lost for this long ends.
const TRACK_TIMEOUT: Duration = Duration::from_millis(500);
/// Hysteresis of the detection threshold: a face that was there in the frame before, about where it was, needs this share of it.
const KEEP_SHARE: f32 = 0.6;
/// A new track needs this multiple of the detection threshold's odds. A real person soon offers a better view; a false positive on a
/// wall would keep a light on for as long as it hangs there.
const CONFIRMATION_ODDS: f32 = 2.0;
/// Candidates for new tracks that a search detects again before they are confirmed.
const MAX_CANDIDATES: usize = 3;
/// A box is that of a face that was seen a moment ago from this intersection over union on.
const MATCH_IOU: f32 = 0.4;
/// A window of more than this share of the frame is the frame.
const FULL_FRAME_SHARE: f32 = 0.7;
/// How much more central another face must be than the main one to take its place.
const SWITCH_MARGIN: f32 = 1.3;
/// Maximum distance of a face from its track to be matched: its movement in units of its own sides, plus the logarithm
/// of its growth.
const MAX_DISTANCE: f32 = 1.0;

/// The track of one face.
#[derive(Clone, Copy, Debug)]
struct Track {
    id: u32,
    /// Where it was detected last.
    detected: Face,
    smoothed: OneEuroFilter,
    visibility: Visibility,
    lost_since: Option<Duration>,
}

impl Track {
    /// Whether a detection at the time `now` may be this track's. It may score below the detection threshold only where
    /// the face was a frame ago. Elsewhere, or where a face was lost, a low score is more likely a false positive.
    fn matches(&self, face: &Face, threshold: f32, now: Duration) -> bool {
        let there = self.detected.rect.iou(face.rect) > MATCH_IOU && self.lost_since.is_none_or(|lost| lost == now);
        (there || face.score >= threshold) && distance(&self.detected, face) < MAX_DISTANCE
    }

    fn update(&mut self, face: &Face, now: Duration) {
        self.detected = *face;
        self.smoothed.update(face, now);
        (self.visibility, self.lost_since) = (Visibility::Visible, None);
    }
}

/// Tracks faces by detection.
///
/// Searching a whole frame costs several inference passes, and sees a distant face with few pixels. So while faces are tracked, one
/// pass over a window about them is enough, and sees them larger. The whole frame is searched while there is no track, once a second
/// for those who come in, four times a second while a score is low, and at once when a face is not in its window.
///
/// Detections are matched to tracks nearest pair first, so that two people side by side keep their ids. Only a search, which detects
/// each candidate again from nearer and mirrored, may begin a track: a frame costs one pass, two when a face is lost, and two more for
/// each of at most three candidates. Nothing is allocated, and there are at most [`MAX_TRACKS`] tracks.
pub struct Tracker<F> {
    finder: F,
    which: WhichFaces,
    tracks: heapless::Vec<Track, MAX_TRACKS>,
    listed: TrackedFaces,
    /// The track that the lights are about.
    main: Option<u32>,
    next_id: u32,
    now: Duration,
    /// When the whole frame was searched last.
    searched: Option<Duration>,
    /// Whether a tracked face scored below the detection threshold.
    low_score: bool,
}

impl<F: Detector> Tracker<F> {
    /// A tracker without tracks.
    pub fn new(finder: F, which: WhichFaces) -> Self {
        Self {
            finder,
            which,
            tracks: heapless::Vec::new(),
            listed: TrackedFaces::new(),
            main: None,
            next_id: 1,
            now: Duration::ZERO,
            searched: None,
            low_score: false,
        }
    }

    /// Detects faces in `window`, or searches the whole frame, and matches them to the tracks. Tracks that are not matched are lost;
    /// only a search begins new ones.
    fn step(&mut self, frame: &FrameView<'_>, window: Option<CropBox>) -> Result<(), ModelError> {
        let threshold = self.finder.threshold();
        let faces = if let Some(window) = window {
            self.finder.detect(frame, window, threshold * KEEP_SHARE)?
        } else {
            let visible = |track: &Track| track.visibility == Visibility::Visible;
            let known = |face: &Face| {
                self.tracks.iter().any(|track| visible(track) && track.detected.rect.iou(face.rect) > MATCH_IOU)
            };
            self.finder.detect_multi_pass(frame, threshold * KEEP_SHARE, MAX_CANDIDATES, &known)?
        };
        for track in &mut self.tracks {
            // A search covers every face, also one whose box's centre lies outside the frame.
            let searched =
                window.is_none_or(|window| contains(window, &track.detected, [frame.width(), frame.height()]));
            track.visibility = if searched { Visibility::Lost } else { Visibility::NotSearched };
        }
        self.low_score = false;
        let mut matched = [false; emotion_models::MAX_FACES];
        while let Some((track, index)) = self.nearest_pair(&faces, &matched) {
            let face = &faces[index];
            matched[index] = true;
            self.tracks[track].update(face, self.now);
            self.low_score |= face.score < threshold;
        }
        for track in self.tracks.iter_mut().filter(|track| track.visibility == Visibility::Lost) {
            track.lost_since.get_or_insert(self.now);
        }
        if window.is_none() {
            let confirmed = confirmed_from(threshold);
            let new = faces.iter().zip(matched).filter(|(face, matched)| !matched && face.score >= confirmed);
            new.for_each(|(face, _)| self.begin_track(face));
        }
        Ok(())
    }

    /// Gives a face an id of its own, while there is room.
    fn begin_track(&mut self, face: &Face) {
        let (id, smoothed) = (self.next_id, OneEuroFilter::new(face, self.now));
        let track = Track { id, detected: *face, smoothed, visibility: Visibility::Visible, lost_since: None };
        if self.tracks.push(track).is_ok() {
            self.next_id = self.next_id.wrapping_add(1);
        }
    }

    /// Detects the main face in its former window, where it was lost: a search sees it smaller.
    fn recover_main(&mut self, frame: &FrameView<'_>) -> Result<(), ModelError> {
        let lost = |track: &Track| Some(track.id) == self.main && track.lost_since.is_some_and(|lost| lost < self.now);
        let Some(at) = self.tracks.iter().position(lost) else { return Ok(()) };
        let (before, threshold) = (self.tracks[at].detected, self.finder.threshold());
        let window = tracking_window(&before, self.finder.input_size()).clamp_to(frame.width(), frame.height());
        let faces = self.finder.detect(frame, window, threshold)?;
        let visible = || self.tracks.iter().filter(|track| track.visibility == Visibility::Visible);
        let others = |face: &Face| visible().any(|track| track.detected.rect.iou(face.rect) > MATCH_IOU);
        if let Some(face) = faces.iter().find(|face| before.rect.iou(face.rect) > MATCH_IOU && !others(face)) {
            self.tracks[at].update(face, self.now);
        }
        Ok(())
    }

    /// The track and the detection that are nearest to each other, of those still to be matched.
    fn nearest_pair(&self, faces: &Faces, matched: &[bool]) -> Option<(usize, usize)> {
        let threshold = self.finder.threshold();
        let tracks = self.tracks.iter().enumerate().filter(|(_, track)| track.visibility != Visibility::Visible);
        let pairs = tracks.flat_map(|(at, track)| {
            let open = faces.iter().enumerate().filter(|(index, _)| !matched[*index]);
            let same = open.filter(|(_, face)| track.matches(face, threshold, self.now));
            same.map(move |(index, face)| (at, index, distance(&track.detected, face)))
        });
        pairs.min_by(|a, b| a.2.total_cmp(&b.2)).map(|(track, face, _)| (track, face))
    }

    /// The tracks that have to be in the window.
    fn required(&self) -> impl Iterator<Item = &Track> {
        let everybody = self.which != WhichFaces::Largest;
        self.tracks.iter().filter(move |track| everybody || Some(track.id) == self.main)
    }

    /// The window about the required tracks; `None` where the whole frame is to be searched.
    fn window(&self, width: u32, height: u32) -> Option<CropBox> {
        let age = self.searched.map(|searched| self.now - searched);
        let interval = if self.low_score { LOW_SCORE_SEARCH_INTERVAL } else { SEARCH_INTERVAL };
        if age.is_none_or(|age| age >= interval) || self.required().any(|track| track.lost_since.is_some()) {
            return None;
        }
        let input = self.finder.input_size();
        let mut bounds: Option<[i32; 4]> = None;
        for track in self.required() {
            // Each inside the frame, so that none loses its face where all of them together would not fit.
            let own = tracking_window(&track.detected, input).clamp_to(width, height);
            let own = [own.x, own.y, own.x + own.width as i32, own.y + own.height as i32];
            let [left, top, right, bottom] = bounds.unwrap_or(own);
            bounds = Some([left.min(own[0]), top.min(own[1]), right.max(own[2]), bottom.max(own[3])]);
        }
        let [left, top, right, bottom] = bounds?;
        let size = [right - left, bottom - top].map(|side| side.max(1) as u32);
        let window = CropBox { x: left, y: top, width: size[0], height: size[1] };
        let share = (window.width * window.height) as f32 / (width * height) as f32;
        Some(if share < FULL_FRAME_SHARE { window } else { CropBox::full(width, height) })
    }

    /// Decides which track is the main one, and lists the faces.
    fn list(&mut self, width: u32, height: u32) {
        let weight = |track: &Track| centrality(&track.detected, width, height);
        let former = self.tracks.iter().find(|track| Some(track.id) == self.main);
        let present = self.tracks.iter().filter(|track| track.visibility != Visibility::Lost);
        let best = present.max_by(|a, b| weight(a).total_cmp(&weight(b)));
        self.main = match (former, best) {
            (Some(former), Some(best)) if weight(best) > SWITCH_MARGIN * weight(former) => Some(best.id),
            (Some(former), _) => Some(former.id),
            (None, best) => best.map(|best| best.id),
        };
        self.tracks.sort_unstable_by(|a, b| weight(b).total_cmp(&weight(a)));
        self.listed.clear();
        let is_main = |track: &&Track| Some(track.id) == self.main;
        let main = self.tracks.iter().filter(is_main);
        for track in main.chain(self.tracks.iter().filter(|track| !is_main(track))) {
            let Track { id, visibility, .. } = *track;
            let _ = self.listed.push(TrackedFace { id, face: track.smoothed.face(), visibility });
        }
    }
}

impl<F: Detector> FaceLocator for Tracker<F> {
    fn locate(&mut self, frame: &FrameView<'_>, at: Duration) -> Result<&TrackedFaces, ModelError> {
        self.now = self.now.max(at);
        let (width, height) = (frame.width(), frame.height());
        let window = self.window(width, height);
        self.step(frame, window)?;
        let missing = self.required().any(|track| track.visibility == Visibility::Lost);
        if window.is_some() && missing {
            self.step(frame, None)?;
        }
        self.recover_main(frame)?;
        if window.is_none() || missing {
            self.searched = Some(self.now);
        }
        let now = self.now;
        self.tracks.retain(|track| track.lost_since.is_none_or(|lost| now - lost < TRACK_TIMEOUT));
        self.list(width, height);
        Ok(&self.listed)
    }

    fn reset(&mut self) {
        self.tracks.clear();
        self.listed.clear();
        (self.main, self.searched) = (None, None);
    }
}

/// Whether a face that is still about where it was lies in a window, which is inside a frame of these sides. The centre of a face that
/// is cut off may lie outside the frame: then the nearest place inside counts.
fn contains(window: CropBox, face: &Face, sides: [u32; 2]) -> bool {
    let [x, y] = face.rect.centre();
    let within = |at: f32, side: u32, start: i32, size: u32| {
        let at = at.clamp(0.0, side.saturating_sub(1) as f32);
        at >= start as f32 && at < (start + size as i32) as f32
    };
    within(x, sides[0], window.x, window.width) && within(y, sides[1], window.y, window.height)
}

/// The score from which on a detection is a face for sure, where `threshold` is the detection threshold.
pub(crate) fn confirmed_from(threshold: f32) -> f32 {
    with_odds(threshold, CONFIRMATION_ODDS)
}

/// A probability whose odds are `times` those of `probability`.
fn with_odds(probability: f32, times: f32) -> f32 {
    times * probability / (1.0 - probability + times * probability)
}

/// How far apart two boxes are: centres in sides, sizes as a logarithm.
fn distance(a: &Face, b: &Face) -> f32 {
    let ([ax, ay], [bx, by]) = (a.rect.centre(), b.rect.centre());
    let (one, other) = (a.rect.mean_side().max(1.0), b.rect.mean_side().max(1.0));
    (ax - bx).hypot(ay - by) / one.max(other) + (one / other).ln().abs()
}
