//! Looks at a picture: one at all of it, and two from nearer at each place that may hold a face, one of them in a mirror. What is a
//! face looks like one every time.

use super::decode::one_each;
use super::{Face, FaceFinder, Faces, MAX_FACES};
use crate::crop::CropBox;
use crate::error::ModelError;
use crate::frame::FrameView;

/// The least score of a place that is looked at from nearer.
const CANDIDATE: f32 = 0.1;
/// A nearer look's box is about the same place from this intersection over union on.
const SAME_PLACE: f32 = 0.3;
/// The score of a place where a nearer look sees nothing.
const NOTHING: f32 = 0.01;
/// A face of less than this share of the frame's width, and one that fills a photo, ...
const SMALL: f32 = 0.1;
/// ... must be surer by this much, as a logit: most of what is taken for a face and is none is of those sizes (chosen on validation
/// photos).
const SURER: f32 = 1.0;
/// How much wider than a face, and how much higher, the window about it is.
const AROUND: [f32; 2] = [3.2, 2.6];
/// A face of at least this share of a photo's width nearly fills it ...
const FILLS: f32 = 0.5;
/// ... and is looked for with the photo at these shares of its size.
const SHARES: [f32; 2] = [0.5, 0.67];

/// The nearer looks' window is this much of the one in which a face is followed (chosen on validation photos).
const NEARER: f32 = 0.75;

/// Whatever finds faces in a window of a frame.
pub trait Finder: Send {
    /// One look: the faces in `window` with a score of at least `threshold`, best first.
    ///
    /// # Errors
    /// When the engine fails.
    fn look(&mut self, frame: &FrameView<'_>, window: CropBox, threshold: f32) -> Result<Faces, ModelError>;

    /// The same as [`Finder::look`], in a mirror: the faces where they are, not where the mirror shows them. To some finders left and
    /// right are alike.
    ///
    /// # Errors
    /// When the engine fails.
    fn look_mirrored(&mut self, frame: &FrameView<'_>, window: CropBox, threshold: f32) -> Result<Faces, ModelError> {
        self.look(frame, window, threshold)
    }

    /// One look from further away: the faces in the whole frame, seen at `share` of the size at which it would fit.
    ///
    /// # Errors
    /// When the engine fails.
    fn look_back(&mut self, frame: &FrameView<'_>, share: f32, threshold: f32) -> Result<Faces, ModelError>;

    /// The score that a face needs in a [`Finder::search`].
    fn threshold(&self) -> f32;

    /// Width and height of what it looks at, in pixels.
    fn input(&self) -> [u32; 2];

    /// The faces in the whole frame that three looks together give a score of at least `threshold`, best first: the score is
    /// that of the mean logit, one less for small faces; the box is the mean box. At most `again` places, the likeliest, are
    /// looked at from nearer; fainter ones are left out. Where something is `known` to be a face the first look is enough.
    ///
    /// # Errors
    /// As [`Finder::look`].
    fn search(
        &mut self,
        frame: &FrameView<'_>,
        threshold: f32,
        again: usize,
        known: &dyn Fn(&Face) -> bool,
    ) -> Result<Faces, ModelError> {
        let (width, height) = (frame.width(), frame.height());
        let candidates = self.look(frame, CropBox::full(width, height), CANDIDATE.min(threshold))?;
        let input = self.input();
        let (mut found, mut left) = (Faces::new(), again);
        for first in &candidates {
            let face = if known(first) {
                *first
            } else if left > 0 {
                left -= 1;
                let window = window_of(first, input, NEARER).clamp_to(width, height);
                let nearer = like(first, &self.look(frame, window, NOTHING)?);
                let mirrored = like(first, &self.look_mirrored(frame, window, NOTHING)?);
                let surer = if first.width < SMALL * width as f32 { SURER } else { 0.0 };
                together(first, &[nearer, mirrored], surer)
            } else {
                continue;
            };
            if face.score >= threshold {
                let _ = found.push(face);
            }
        }
        Ok(best_of_each(found))
    }

    /// The same in a photo, every place being looked at again, and with faces that nearly fill it, which are looked for from
    /// further away.
    ///
    /// # Errors
    /// As [`Finder::look`].
    fn search_photo(&mut self, photo: &FrameView<'_>, threshold: f32) -> Result<Faces, ModelError> {
        let mut found = self.search(photo, threshold, MAX_FACES, &|_| false)?;
        let further = self.look_back(photo, SHARES[1], NOTHING)?;
        for first in &self.look_back(photo, SHARES[0], CANDIDATE.min(threshold))? {
            let face = together(first, &[like(first, &further)], SURER);
            if face.score >= threshold && face.width >= FILLS * photo.width() as f32 {
                // Of a full list the faintest goes.
                if found.is_full() {
                    found.pop();
                }
                let _ = found.push(face);
            }
        }
        Ok(best_of_each(found))
    }
}

/// In order, one for each face.
fn best_of_each(mut faces: Faces) -> Faces {
    faces.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
    one_each(&faces)
}

impl Finder for FaceFinder {
    fn look(&mut self, frame: &FrameView<'_>, window: CropBox, threshold: f32) -> Result<Faces, ModelError> {
        self.find_above(frame, window, threshold)
    }

    fn look_mirrored(&mut self, frame: &FrameView<'_>, window: CropBox, threshold: f32) -> Result<Faces, ModelError> {
        self.find_mirrored(frame, window, threshold)
    }

    fn look_back(&mut self, frame: &FrameView<'_>, share: f32, threshold: f32) -> Result<Faces, ModelError> {
        self.find_large(frame, share, threshold)
    }

    fn threshold(&self) -> f32 {
        FaceFinder::threshold(self)
    }

    fn input(&self) -> [u32; 2] {
        [self.card().input.width, self.card().input.height]
    }
}

/// The window, of the proportions of a finder's `input`, in which a face is looked for where it was last seen. It may reach
/// outside the frame, and is at least half as large as the input.
pub fn window_about(face: &Face, input: [u32; 2]) -> CropBox {
    window_of(face, input, 1.0)
}

/// The same, `scale` times as large.
fn window_of(face: &Face, input: [u32; 2], scale: f32) -> CropBox {
    let [least, rows] = input.map(|side| side.max(1) as f32);
    let proportions = least / rows;
    let across = (AROUND[0] * face.width).max(AROUND[1] * face.height * proportions) * scale;
    let across = across.max(least / 2.0);
    let down = across / proportions;
    let [x, y] = face.centre();
    CropBox {
        x: (x - across / 2.0) as i32,
        y: (y - down / 2.0) as i32,
        width: across.max(1.0) as u32,
        height: down.max(1.0) as u32,
    }
}

/// The best of the faces that are about where `first` is.
fn like(first: &Face, faces: &Faces) -> Option<Face> {
    let near = faces.iter().filter(|face| face.iou(first) > SAME_PLACE);
    near.max_by(|a, b| a.score.total_cmp(&b.score)).copied()
}

/// What the first look at a place and the others say together, less `doubt`.
fn together(first: &Face, others: &[Option<Face>], doubt: f32) -> Face {
    let logit = |score: f32| {
        let score = score.clamp(1e-6, 1.0 - 1e-6);
        (score / (1.0 - score)).ln()
    };
    let scores = others.iter().map(|other| other.map_or(NOTHING, |face| face.score));
    let sum: f32 = scores.map(logit).sum::<f32>() + logit(first.score);
    let score = sum / (others.len() + 1) as f32 - doubt;
    let seen = || others.iter().flatten();
    let mean = |side: fn(&Face) -> f32| (side(first) + seen().map(side).sum::<f32>()) / (seen().count() + 1) as f32;
    Face {
        x: mean(|face| face.x),
        y: mean(|face| face.y),
        width: mean(|face| face.width),
        height: mean(|face| face.height),
        score: 1.0 / (1.0 + (-score).exp()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::frame::PixelFormat;

    /// What the first look sees, and what nearer ones do.
    struct Looks {
        first: Vec<Face>,
        nearer: Vec<Face>,
        mirrored: Vec<Face>,
        windows: Vec<CropBox>,
    }

    impl Finder for Looks {
        fn look(&mut self, frame: &FrameView<'_>, window: CropBox, threshold: f32) -> Result<Faces, ModelError> {
            let whole = window == CropBox::full(frame.width(), frame.height());
            self.windows.push(window);
            let faces = if whole { &self.first } else { &self.nearer };
            Ok(faces.iter().filter(|face| face.score >= threshold).copied().collect())
        }

        fn look_mirrored(&mut self, _: &FrameView<'_>, window: CropBox, threshold: f32) -> Result<Faces, ModelError> {
            self.windows.push(window);
            Ok(self.mirrored.iter().filter(|face| face.score >= threshold).copied().collect())
        }

        fn look_back(&mut self, _: &FrameView<'_>, _: f32, _: f32) -> Result<Faces, ModelError> {
            Ok(Faces::new())
        }

        fn threshold(&self) -> f32 {
            0.5
        }

        fn input(&self) -> [u32; 2] {
            [160, 120]
        }
    }

    const FACE: Face = Face { x: 300.0, y: 200.0, width: 80.0, height: 100.0, score: 0.4 };

    fn search(first: &[Face], [nearer, mirrored]: [&[Face]; 2], known: bool) -> (Faces, Vec<CropBox>) {
        let pixels = vec![0; 640 * 480];
        let frame = FrameView::new(PixelFormat::Grey, 640, 480, &pixels).unwrap();
        let [first, nearer, mirrored] = [first, nearer, mirrored].map(<[_]>::to_vec);
        let mut looks = Looks { first, nearer, mirrored, windows: vec![] };
        let found = looks.search(&frame, 0.5, 4, &|_| known).unwrap();
        (found, looks.windows)
    }

    #[test]
    fn nearer_looks_decide_with_the_first() {
        let sure = Face { x: 308.0, score: 0.9, ..FACE };
        let (found, windows) = search(&[FACE], [&[sure], &[Face { x: 310.0, score: 0.8, ..FACE }]], false);
        // The mean of logits -0.405, 2.197 and 1.386.
        assert!((found[0].score - 0.743).abs() < 1e-3, "{found:?}");
        assert_eq!((found[0].x, found.len()), (306.0, 1));
        let nearer = CropBox { x: 210, y: 152, width: 260, height: 195 };
        assert_eq!(windows, [CropBox::full(640, 480), nearer, nearer]);

        let afar = Face { score: 0.9, ..FACE };
        assert!(search(&[afar], [&[], &[]], false).0.is_empty(), "seen only from afar");
        assert!(search(&[afar], [&[sure], &[]], false).0.is_empty(), "not seen in the mirror");
        assert!(search(&[afar], [&[], &[sure]], false).0.is_empty(), "seen only in the mirror");
        let elsewhere = Face { x: 400.0, ..sure };
        assert!(search(&[afar], [&[elsewhere], &[elsewhere]], false).0.is_empty());
    }

    #[test]
    fn small_ones_must_be_surer() {
        let small = |score| Face { width: 40.0, height: 50.0, score, ..FACE };
        let (found, _) = search(&[small(0.4)], [&[small(0.97)], &[small(0.97)]], false);
        // The mean of logits -0.405 and twice 3.476, less 1.
        assert!((found[0].score - 0.765).abs() < 1e-3, "{found:?}");
        assert!(search(&[small(0.4)], [&[small(0.8)], &[small(0.8)]], false).0.is_empty());
        let large = Face { score: 0.8, ..FACE };
        assert_eq!(search(&[FACE], [&[large], &[large]], false).0.len(), 1);
    }

    #[test]
    fn looks_are_bounded_and_what_is_known_needs_none() {
        let many: Vec<Face> = (0..20u8).map(|at| Face { x: f32::from(at) * 60.0, ..FACE }).collect();
        assert_eq!(search(&many, [&[], &[]], false).1.len(), 9);
        let (found, windows) = search(&[Face { score: 0.8, ..FACE }], [&[], &[]], true);
        assert_eq!((found.len(), windows.len()), (1, 1));
    }

    #[test]
    fn a_window_has_the_inputs_proportions() {
        for face in [FACE, Face { width: 300.0, ..FACE }, Face { width: 2.0, height: 2.0, ..FACE }] {
            let window = window_about(&face, [160, 120]);
            assert!(window.width >= 80 && window.width.abs_diff(window.height * 4 / 3) <= 2, "{window:?}");
        }
    }
}
