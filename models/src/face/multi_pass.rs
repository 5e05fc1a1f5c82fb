//! Multi-pass detection (test-time augmentation): the whole frame first, then each candidate again from nearer, once as it is and
//! once flipped.

use super::decode::non_max_suppression;
use super::detected::{Face, Faces, MAX_FACES};
use crate::crop::CropBox;
use crate::error::ModelError;
use crate::frame::FrameView;
use crate::rect::Rect;

/// The least score in the first pass of a candidate, which gets further passes.
const CANDIDATE: f32 = 0.1;
/// A box of a later pass belongs to a candidate from this intersection over union on.
const SAME_PLACE: f32 = 0.3;
/// The score of a candidate where a later pass detects nothing.
const NOTHING: f32 = 0.01;
/// A face narrower than this share of the frame, and one that fills a photo, ...
const SMALL: f32 = 0.1;
/// ... loses this much of its fused logit: most false positives are of those sizes (chosen on validation photos).
const PENALTY: f32 = 1.0;
/// How much wider than a face, and how much higher, its tracking window is.
const AROUND: [f32; 2] = [3.2, 2.6];
/// A face of at least this share of a photo's width nearly fills it ...
const FILLS: f32 = 0.5;
/// ... and is detected with the photo zoomed out to these shares of its size.
const ZOOMS: [f32; 2] = [0.5, 0.67];

/// The later passes' window is this much of the tracking window (chosen on validation photos).
const NEARER: f32 = 0.75;

/// Whatever detects faces in a window of a frame.
pub trait Detector: Send {
    /// One inference pass: the faces in `window`, clamped into the frame, with a score of at least `threshold`; best first, in
    /// pixels of the frame.
    ///
    /// # Errors
    /// When the engine fails.
    fn detect(&mut self, frame: &FrameView<'_>, window: CropBox, threshold: f32) -> Result<Faces, ModelError>;

    /// Like [`Detector::detect`] with the window flipped from left to right; the boxes are where the faces are. To some detectors left and right are
    /// alike.
    ///
    /// # Errors
    /// When the engine fails.
    fn detect_flipped(&mut self, frame: &FrameView<'_>, window: CropBox, threshold: f32) -> Result<Faces, ModelError> {
        self.detect(frame, window, threshold)
    }

    /// Like [`Detector::detect`] in the whole frame, zoomed out to `share` of the size at which it would fit: for faces that fill it.
    ///
    /// # Errors
    /// When the engine fails.
    fn detect_zoomed_out(&mut self, frame: &FrameView<'_>, share: f32, threshold: f32) -> Result<Faces, ModelError>;

    /// The detection threshold that a [`Detector::detect_multi_pass`] should have.
    fn threshold(&self) -> f32;

    /// Width and height of the network's input, in pixels.
    fn input_size(&self) -> [u32; 2];

    /// The faces in the whole frame whose fused score is at least `threshold`, best first. At most `limit` candidates, the
    /// likeliest, get further passes; fainter ones are left out. A candidate that is `known` to be a face needs none.
    ///
    /// Why three passes: one pass at 160x120 pixels takes patterns on walls for faces, and a larger input would cost every frame.
    /// A face looks like one in every pass, nearer and flipped too; a false positive seldom does. The mean of the logits weighs
    /// one clear "no" against several weak "yes". The mean box is steadier than any one. Small faces differ from noise in few
    /// pixels; therefore they need a higher score. Only candidates cost time, and a frame without any costs one pass.
    ///
    /// # Errors
    /// As [`Detector::detect`].
    fn detect_multi_pass(
        &mut self,
        frame: &FrameView<'_>,
        threshold: f32,
        limit: usize,
        known: &dyn Fn(&Face) -> bool,
    ) -> Result<Faces, ModelError> {
        let (width, height) = (frame.width(), frame.height());
        let candidates = self.detect(frame, CropBox::full(width, height), CANDIDATE.min(threshold))?;
        let input = self.input_size();
        let (mut found, mut left) = (Faces::new(), limit);
        for first in &candidates {
            let face = if known(first) {
                *first
            } else if left > 0 {
                left -= 1;
                let window = window_around(first, input, NEARER).clamp_to(width, height);
                let nearer = best_overlap(first, &self.detect(frame, window, NOTHING)?);
                let flipped = best_overlap(first, &self.detect_flipped(frame, window, NOTHING)?);
                let penalty = if first.rect.width < SMALL * width as f32 { PENALTY } else { 0.0 };
                fuse_scores(first, &[nearer, flipped], penalty)
            } else {
                continue;
            };
            if face.score >= threshold {
                let _ = found.push(face);
            }
        }
        Ok(sorted(found))
    }

    /// Multi-pass detection in a photo: every candidate gets further passes, and faces that nearly fill the photo are detected zoomed out.
    ///
    /// # Errors
    /// As [`Detector::detect`].
    fn detect_in_photo(&mut self, photo: &FrameView<'_>, threshold: f32) -> Result<Faces, ModelError> {
        let mut found = self.detect_multi_pass(photo, threshold, MAX_FACES, &|_| false)?;
        let second = self.detect_zoomed_out(photo, ZOOMS[1], NOTHING)?;
        for first in &self.detect_zoomed_out(photo, ZOOMS[0], CANDIDATE.min(threshold))? {
            let face = fuse_scores(first, &[best_overlap(first, &second)], PENALTY);
            if face.score >= threshold && face.rect.width >= FILLS * photo.width() as f32 {
                // Of a full list the faintest goes.
                if found.is_full() {
                    found.pop();
                }
                let _ = found.push(face);
            }
        }
        Ok(sorted(found))
    }
}

/// Best score first, one box a face.
fn sorted(mut faces: Faces) -> Faces {
    faces.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
    non_max_suppression(&faces)
}

/// The window, of the aspect ratio of a detector's `input`, in which a tracked face is detected again. It may reach outside the
/// frame, and is at least half as large as the input.
pub fn tracking_window(face: &Face, input: [u32; 2]) -> CropBox {
    window_around(face, input, 1.0)
}

/// A tracking window `scale` times as large.
fn window_around(face: &Face, input: [u32; 2], scale: f32) -> CropBox {
    let [least, rows] = input.map(|side| side.max(1) as f32);
    let proportions = least / rows;
    let across = (AROUND[0] * face.rect.width).max(AROUND[1] * face.rect.height * proportions) * scale;
    let across = across.max(least / 2.0);
    let down = across / proportions;
    let [x, y] = face.rect.centre();
    CropBox {
        x: (x - across / 2.0) as i32,
        y: (y - down / 2.0) as i32,
        width: across.max(1.0) as u32,
        height: down.max(1.0) as u32,
    }
}

/// The best of the faces that overlap with `first`.
fn best_overlap(first: &Face, faces: &Faces) -> Option<Face> {
    let near = faces.iter().filter(|face| face.rect.iou(first.rect) > SAME_PLACE);
    near.max_by(|a, b| a.score.total_cmp(&b.score)).copied()
}

/// The mean box, and the score of the mean logit less `penalty`; a pass without a box counts as [`NOTHING`].
fn fuse_scores(first: &Face, others: &[Option<Face>], penalty: f32) -> Face {
    let logit = |score: f32| {
        let score = score.clamp(1e-6, 1.0 - 1e-6);
        (score / (1.0 - score)).ln()
    };
    let scores = others.iter().map(|other| other.map_or(NOTHING, |face| face.score));
    let sum: f32 = scores.map(logit).sum::<f32>() + logit(first.score);
    let score = sum / (others.len() + 1) as f32 - penalty;
    let detected = || others.iter().flatten().map(|face| face.rect);
    let mean = |side: fn(Rect) -> f32| {
        (side(first.rect) + detected().map(side).sum::<f32>()) / (detected().count() + 1) as f32
    };
    let rect = Rect {
        x: mean(|rect| rect.x),
        y: mean(|rect| rect.y),
        width: mean(|rect| rect.width),
        height: mean(|rect| rect.height),
    };
    Face { rect, score: 1.0 / (1.0 + (-score).exp()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::frame::PixelFormat;

    /// What each pass detects.
    struct Passes {
        first: Vec<Face>,
        nearer: Vec<Face>,
        flipped: Vec<Face>,
        windows: Vec<CropBox>,
    }

    impl Detector for Passes {
        fn detect(&mut self, frame: &FrameView<'_>, window: CropBox, threshold: f32) -> Result<Faces, ModelError> {
            let whole = window == CropBox::full(frame.width(), frame.height());
            self.windows.push(window);
            let faces = if whole { &self.first } else { &self.nearer };
            Ok(faces.iter().filter(|face| face.score >= threshold).copied().collect())
        }

        fn detect_flipped(&mut self, _: &FrameView<'_>, window: CropBox, threshold: f32) -> Result<Faces, ModelError> {
            self.windows.push(window);
            Ok(self.flipped.iter().filter(|face| face.score >= threshold).copied().collect())
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

    const FACE: Face = Face { rect: Rect::new(300.0, 200.0, 80.0, 100.0), score: 0.4 };

    fn at(x: f32, score: f32) -> Face {
        Face { rect: Rect { x, ..FACE.rect }, score }
    }

    fn sized(width: f32, height: f32, score: f32) -> Face {
        Face { rect: Rect { width, height, ..FACE.rect }, score }
    }

    fn detect(first: &[Face], [nearer, flipped]: [&[Face]; 2], known: bool) -> (Faces, Vec<CropBox>) {
        let pixels = vec![0; 640 * 480];
        let frame = FrameView::new(PixelFormat::Grey, 640, 480, &pixels).unwrap();
        let [first, nearer, flipped] = [first, nearer, flipped].map(<[_]>::to_vec);
        let mut passes = Passes { first, nearer, flipped, windows: vec![] };
        let found = passes.detect_multi_pass(&frame, 0.5, 4, &|_| known).unwrap();
        (found, passes.windows)
    }

    #[test]
    fn scores_of_all_passes_are_fused() {
        let sure = at(308.0, 0.9);
        let (found, windows) = detect(&[FACE], [&[sure], &[at(310.0, 0.8)]], false);
        // The mean of logits -0.405, 2.197 and 1.386.
        assert!((found[0].score - 0.743).abs() < 1e-3, "{found:?}");
        assert_eq!((found[0].rect.x, found.len()), (306.0, 1));
        let nearer = CropBox { x: 210, y: 152, width: 260, height: 195 };
        assert_eq!(windows, [CropBox::full(640, 480), nearer, nearer]);

        let afar = Face { score: 0.9, ..FACE };
        assert!(detect(&[afar], [&[], &[]], false).0.is_empty(), "detected only from afar");
        assert!(detect(&[afar], [&[sure], &[]], false).0.is_empty(), "not detected flipped");
        assert!(detect(&[afar], [&[], &[sure]], false).0.is_empty(), "detected only flipped");
        let elsewhere = at(400.0, 0.9);
        assert!(detect(&[afar], [&[elsewhere], &[elsewhere]], false).0.is_empty());
    }

    #[test]
    fn small_faces_need_a_higher_score() {
        let small = |score| sized(40.0, 50.0, score);
        let (found, _) = detect(&[small(0.4)], [&[small(0.97)], &[small(0.97)]], false);
        // The mean of logits -0.405 and twice 3.476, less 1.
        assert!((found[0].score - 0.765).abs() < 1e-3, "{found:?}");
        assert!(detect(&[small(0.4)], [&[small(0.8)], &[small(0.8)]], false).0.is_empty());
        let large = Face { score: 0.8, ..FACE };
        assert_eq!(detect(&[FACE], [&[large], &[large]], false).0.len(), 1);
    }

    #[test]
    fn passes_are_bounded_and_a_known_face_needs_one() {
        let many: Vec<Face> = (0..20u8).map(|index| at(f32::from(index) * 60.0, 0.4)).collect();
        assert_eq!(detect(&many, [&[], &[]], false).1.len(), 9);
        let (found, windows) = detect(&[Face { score: 0.8, ..FACE }], [&[], &[]], true);
        assert_eq!((found.len(), windows.len()), (1, 1));
    }

    #[test]
    fn a_window_has_the_inputs_aspect_ratio() {
        for face in [FACE, sized(300.0, 100.0, 0.4), sized(2.0, 2.0, 0.4)] {
            let window = tracking_window(&face, [160, 120]);
            assert!(window.width >= 80 && window.width.abs_diff(window.height * 4 / 3) <= 2, "{window:?}");
        }
    }
}
