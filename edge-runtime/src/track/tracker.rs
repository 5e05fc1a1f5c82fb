//! Finding faces once, then following them.

use super::one_euro::Steady;
use super::{FaceLocator, Followed, Following, MOST_FOLLOWED, Sight, WhichFaces};
use emotion_models::{CropBox, Detector, Face, Faces, FrameView, ModelError, centrality, tracking_window};
use std::time::Duration;

/// The whole frame is searched at least this often.
const SEARCH: Duration = Duration::from_secs(1);
/// How long a search's word holds for a face whose window alone shows it with a lower score than it needs: there are faces that only
/// several looks together are sure of.
const ASSURED: Duration = Duration::from_millis(250);
/// How long a face that is lost is remembered as somebody's.
const REMEMBERED: Duration = Duration::from_millis(500);
/// A face that was there in the frame before, about where it was, may have this share of the score that a face in a photo needs.
const STAYS: f32 = 0.6;
/// The odds of a newcomer's being a face must be so many times those that a face in a photo needs: somebody who is there shows the
/// camera a better view within a few frames, a pattern on the wall taken for a face would light a lamp for as long as it hangs there.
const NEWCOMER: f32 = 2.0;
/// Places in a frame that are looked at again before somebody new is believed to be there.
const AGAIN: usize = 3;
/// A box is that of a face that was seen a moment ago from this intersection over union on.
const KNOWN: f32 = 0.4;
/// A window of more than this share of the frame is the frame.
const NEARLY_ALL: f32 = 0.7;
/// How much weightier another face must be than the one the lights are about to take its place.
const CLEARLY: f32 = 1.3;
/// How far a face may have moved, in its own sides, and grown, as a logarithm, all told, to be the same person's.
const SAME_PERSON: f32 = 1.0;

/// Somebody's face.
#[derive(Clone, Copy, Debug)]
struct Track {
    id: u32,
    /// Where it was found last.
    found: Face,
    steady: Steady,
    sight: Sight,
    lost: Option<Duration>,
}

impl Track {
    /// Whether this may be the same person's face at the time `now`. Only of somebody who was there a frame ago, and has hardly moved,
    /// may it be faint: elsewhere, or where somebody was lost, what is faint is rather a pattern on the wall beside them.
    fn may_be(&self, face: &Face, needed: f32, now: Duration) -> bool {
        let there = self.found.rect.iou(face.rect) > KNOWN && self.lost.is_none_or(|lost| lost == now);
        (there || face.score >= needed) && distance(&self.found, face) < SAME_PERSON
    }

    fn see(&mut self, face: &Face, now: Duration) {
        self.found = *face;
        self.steady.follow(face, now);
        (self.sight, self.lost) = (Sight::Seen, None);
    }
}

/// Searches the whole frame while there is no face, then a window about the faces it knows; the whole frame again every
/// second, when a score drops (four times a second if it stays low), and at once when a face is not in its window. While the face
/// that the lights are about is lost, its window is looked at, too.
///
/// A frame costs one look, two when a face is lost, and two more for each of at most three places where somebody new may be.
/// Nothing is allocated, and at most [`MOST_FOLLOWED`] faces are kept.
pub struct Follower<F> {
    finder: F,
    which: WhichFaces,
    tracks: heapless::Vec<Track, MOST_FOLLOWED>,
    following: Following,
    main: Option<u32>,
    next: u32,
    latest: Duration,
    /// When the whole frame was searched.
    searched: Option<Duration>,
    /// Whether a face's score has dropped.
    doubtful: bool,
}

impl<F: Detector> Follower<F> {
    /// Follows nobody yet.
    pub fn new(finder: F, which: WhichFaces) -> Self {
        Self {
            finder,
            which,
            tracks: heapless::Vec::new(),
            following: Following::new(),
            main: None,
            next: 1,
            latest: Duration::ZERO,
            searched: None,
            doubtful: false,
        }
    }

    /// A look at `window`, or a search of the whole frame: known faces found again, those that are no longer there lost. Only a
    /// search, which looks again, takes up new ones.
    fn look(&mut self, frame: &FrameView<'_>, window: Option<CropBox>) -> Result<(), ModelError> {
        let needed = self.finder.threshold();
        let faces = if let Some(window) = window {
            self.finder.detect(frame, window, needed * STAYS)?
        } else {
            let seen = |track: &Track| track.sight == Sight::Seen;
            let known =
                |face: &Face| self.tracks.iter().any(|track| seen(track) && track.found.rect.iou(face.rect) > KNOWN);
            self.finder.detect_multi_pass(frame, needed * STAYS, AGAIN, &known)?
        };
        let search = window.is_none();
        let newcomer = with_odds(needed, NEWCOMER);
        let mut taken = [false; emotion_models::MAX_FACES];
        for track in &mut self.tracks {
            // A search looks for everybody, also for those whose box's middle lies outside the frame.
            let looked_for = window.is_none_or(|window| holds(window, &track.found, [frame.width(), frame.height()]));
            track.sight = if looked_for { Sight::Lost } else { Sight::NotLookedFor };
        }
        self.doubtful = false;
        // Nearest pairs first, so that two people side by side stay who they are.
        while let Some((track, index)) = self.nearest_pair(&faces, &taken) {
            let face = &faces[index];
            taken[index] = true;
            self.tracks[track].see(face, self.latest);
            self.doubtful |= face.score < needed;
        }
        for track in self.tracks.iter_mut().filter(|track| track.sight == Sight::Lost) {
            track.lost.get_or_insert(self.latest);
        }
        for (index, face) in faces.iter().enumerate() {
            if search && !taken[index] && face.score >= newcomer && !self.tracks.is_full() {
                let steady = Steady::new(face, self.latest);
                let _ = self.tracks.push(Track { id: self.next, found: *face, steady, sight: Sight::Seen, lost: None });
                self.next = self.next.wrapping_add(1);
            }
        }
        Ok(())
    }

    /// Looks for whom the lights are about where they were lost, as they were followed there: a search sees them smaller.
    fn look_where_lost(&mut self, frame: &FrameView<'_>) -> Result<(), ModelError> {
        let lost = |track: &Track| Some(track.id) == self.main && track.lost.is_some_and(|lost| lost < self.latest);
        let Some(at) = self.tracks.iter().position(lost) else { return Ok(()) };
        let (before, needed) = (self.tracks[at].found, self.finder.threshold());
        let window = tracking_window(&before, self.finder.input_size()).clamp_to(frame.width(), frame.height());
        let faces = self.finder.detect(frame, window, needed)?;
        let others = |face: &Face| {
            self.tracks.iter().any(|track| track.sight == Sight::Seen && track.found.rect.iou(face.rect) > KNOWN)
        };
        if let Some(face) = faces.iter().find(|face| before.rect.iou(face.rect) > KNOWN && !others(face)) {
            self.tracks[at].see(face, self.latest);
        }
        Ok(())
    }

    fn nearest_pair(&self, faces: &Faces, taken: &[bool]) -> Option<(usize, usize)> {
        let needed = self.finder.threshold();
        let tracks = self.tracks.iter().enumerate().filter(|(_, track)| track.sight != Sight::Seen);
        let pairs = tracks.flat_map(|(at, track)| {
            let open = faces.iter().enumerate().filter(|(index, _)| !taken[*index]);
            let same = open.filter(|(_, face)| track.may_be(face, needed, self.latest));
            same.map(move |(index, face)| (at, index, distance(&track.found, face)))
        });
        pairs.min_by(|a, b| a.2.total_cmp(&b.2)).map(|(track, face, _)| (track, face))
    }

    /// The faces that have to be in the window.
    fn wanted(&self) -> impl Iterator<Item = &Track> {
        let everybody = self.which != WhichFaces::Largest;
        self.tracks.iter().filter(move |track| everybody || Some(track.id) == self.main)
    }

    /// The window about the faces wanted; `None` where the whole frame is to be searched.
    fn window(&self, width: u32, height: u32) -> Option<CropBox> {
        let age = self.searched.map(|searched| self.latest - searched);
        let due = if self.doubtful { ASSURED } else { SEARCH };
        if age.is_none_or(|age| age >= due) || self.wanted().any(|track| track.lost.is_some()) {
            return None;
        }
        let input = self.finder.input_size();
        let mut bounds: Option<[i32; 4]> = None;
        for track in self.wanted() {
            // Each inside the frame, so that none loses its face where all of them together would not fit.
            let own = tracking_window(&track.found, input).clamp_to(width, height);
            let own = [own.x, own.y, own.x + own.width as i32, own.y + own.height as i32];
            let [left, top, right, bottom] = bounds.unwrap_or(own);
            bounds = Some([left.min(own[0]), top.min(own[1]), right.max(own[2]), bottom.max(own[3])]);
        }
        let [left, top, right, bottom] = bounds?;
        let size = [right - left, bottom - top].map(|side| side.max(1) as u32);
        let window = CropBox { x: left, y: top, width: size[0], height: size[1] };
        let share = (window.width * window.height) as f32 / (width * height) as f32;
        Some(if share < NEARLY_ALL { window } else { CropBox::full(width, height) })
    }

    /// Decides whom the lights are about, and lists the faces.
    fn list(&mut self, width: u32, height: u32) {
        let weight = |track: &Track| centrality(&track.found, width, height);
        let known = self.tracks.iter().find(|track| Some(track.id) == self.main);
        let seen = self.tracks.iter().filter(|track| track.sight != Sight::Lost);
        let best = seen.max_by(|a, b| weight(a).total_cmp(&weight(b)));
        self.main = match (known, best) {
            (Some(known), Some(best)) if weight(best) > CLEARLY * weight(known) => Some(best.id),
            (Some(known), _) => Some(known.id),
            (None, best) => best.map(|best| best.id),
        };
        self.tracks.sort_unstable_by(|a, b| weight(b).total_cmp(&weight(a)));
        self.following.clear();
        let is_main = |track: &&Track| Some(track.id) == self.main;
        let main = self.tracks.iter().filter(is_main);
        for track in main.chain(self.tracks.iter().filter(|track| !is_main(track))) {
            let followed = Followed { id: track.id, face: track.steady.face(), sight: track.sight };
            let _ = self.following.push(followed);
        }
    }
}

impl<F: Detector> FaceLocator for Follower<F> {
    fn locate(&mut self, frame: &FrameView<'_>, at: Duration) -> Result<&Following, ModelError> {
        self.latest = self.latest.max(at);
        let (width, height) = (frame.width(), frame.height());
        let window = self.window(width, height);
        self.look(frame, window)?;
        let missing = self.wanted().any(|track| track.sight == Sight::Lost);
        if window.is_some() && missing {
            self.look(frame, None)?;
        }
        self.look_where_lost(frame)?;
        if window.is_none() || missing {
            self.searched = Some(self.latest);
        }
        let latest = self.latest;
        self.tracks.retain(|track| track.lost.is_none_or(|lost| latest - lost < REMEMBERED));
        self.list(width, height);
        Ok(&self.following)
    }

    fn forget(&mut self) {
        self.tracks.clear();
        self.following.clear();
        (self.main, self.searched) = (None, None);
    }
}

/// Whether a face that is still about where it was is to be seen in a window, which lies inside a frame of these sides. The middle
/// of a face that is cut off may lie outside the frame: then the nearest place inside counts.
fn holds(window: CropBox, face: &Face, sides: [u32; 2]) -> bool {
    let [x, y] = face.rect.centre();
    let within = |at: f32, side: u32, start: i32, size: u32| {
        let at = at.clamp(0.0, side.saturating_sub(1) as f32);
        at >= start as f32 && at < (start + size as i32) as f32
    };
    within(x, sides[0], window.x, window.width) && within(y, sides[1], window.y, window.height)
}

/// A probability whose odds are `times` those of `probability`.
fn with_odds(probability: f32, times: f32) -> f32 {
    times * probability / (1.0 - probability + times * probability)
}

/// How far apart two boxes are: middles in sides, sizes as a logarithm.
fn distance(a: &Face, b: &Face) -> f32 {
    let ([ax, ay], [bx, by]) = (a.rect.centre(), b.rect.centre());
    let (one, other) = (a.rect.mean_side().max(1.0), b.rect.mean_side().max(1.0));
    (ax - bx).hypot(ay - by) / one.max(other) + (one / other).ln().abs()
}
