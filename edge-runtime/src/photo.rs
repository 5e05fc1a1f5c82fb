//! Whole photos: the faces in one, the mood of each, and what may be said of the photo.

use crate::mood::FilterSettings;
use emotion_models::{
    Classifier, CropBox, Face, FaceFinder, FaceLimits, Faces, FrameView, ModelCard, ModelError, Probabilities,
    main_face, shipped,
};
use serde::Deserialize;
use std::fmt;
use std::path::Path;

/// Name of the face model inside the program, for messages.
const SHIPPED: &str = "the face model inside this program";

/// Whose mood counts where a photo shows several people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum FaceChoice {
    /// That of the largest face near the middle.
    #[default]
    Largest,
    /// The mean of all faces.
    Average,
    /// Each for itself.
    All,
}

/// Why a face's mood is not to be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It has fewer pixels than the card asks for.
    TooSmall,
    /// Too much of it lies outside the picture.
    CutOff,
    /// It is too narrow for a face seen from the front.
    TurnedAway,
    /// No mood reaches its threshold.
    Undecided,
}

impl Doubt {
    /// What an emotion model with such `limits` cannot judge about `face`, in a frame of `width` x `height` pixels.
    pub fn about(face: &Face, width: u32, height: u32, limits: &FaceLimits) -> Option<Self> {
        if face.inside(width, height) < limits.least_inside {
            Some(Self::CutOff)
        } else if (face.width * face.height).max(0.0).sqrt() < limits.smallest_face {
            Some(Self::TooSmall)
        } else if face.width < limits.narrowest_face * face.height {
            Some(Self::TurnedAway)
        } else {
            None
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooSmall => "face too small",
            Self::CutOff => "face cut off",
            Self::TurnedAway => "face turned away",
            Self::Undecided => "no mood probable enough",
        })
    }
}

/// Finds the faces in a photo.
pub trait FaceSearch {
    /// The faces, best score first, in pixels of the photo.
    ///
    /// # Errors
    /// When the engine fails.
    fn faces(&mut self, photo: &FrameView<'_>) -> Result<Faces, ModelError>;
}

impl FaceSearch for FaceFinder {
    fn faces(&mut self, photo: &FrameView<'_>) -> Result<Faces, ModelError> {
        self.find(photo, CropBox::full(photo.width(), photo.height()))
    }
}

/// Judges a part of a photo.
pub trait MoodJudge {
    /// The probabilities of the moods that `crop` shows, in label order.
    ///
    /// # Errors
    /// When the engine fails.
    fn judge(&mut self, photo: &FrameView<'_>, crop: CropBox) -> Result<Probabilities, ModelError>;

    /// What the model says about itself.
    fn card(&self) -> &ModelCard;
}

impl MoodJudge for Classifier {
    fn judge(&mut self, photo: &FrameView<'_>, crop: CropBox) -> Result<Probabilities, ModelError> {
        self.classify(photo, crop)
    }

    fn card(&self) -> &ModelCard {
        Classifier::card(self)
    }
}

/// The face model in the file `path`, or the one inside the program.
///
/// # Errors
/// As [`FaceFinder::from_file`].
pub fn face_finder(path: Option<&Path>) -> Result<FaceFinder, ModelError> {
    match path {
        Some(path) => FaceFinder::from_file(path),
        None => FaceFinder::from_bytes(shipped::FACE, SHIPPED),
    }
}

/// Probabilities, and why they are not to be relied on, if so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// In label order.
    pub probabilities: Probabilities,
    /// `None` where the most probable mood may be said.
    pub doubt: Option<Doubt>,
}

/// A face and its mood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeenFace {
    /// Where it is, in pixels of the photo.
    pub face: Face,
    /// Its mood.
    pub verdict: Verdict,
}

/// What a photo shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The faces, best score first; the judged square with score 1 where none was looked for.
    pub faces: Vec<SeenFace>,
    /// Which of them the photo is about; `None` without a face.
    pub main: Option<usize>,
}

/// Looks at photos.
pub struct PhotoJudge<S, J> {
    /// Finds the faces; without it the centred square of each photo is judged.
    pub search: Option<S>,
    /// Judges them.
    pub judge: J,
    /// Its thresholds decide what is sure.
    pub filter: FilterSettings,
}

impl<S: FaceSearch, J: MoodJudge> PhotoJudge<S, J> {
    /// Every face of a photo, with its mood.
    ///
    /// # Errors
    /// When an engine fails.
    pub fn look(&mut self, photo: &FrameView<'_>) -> Result<Seen, ModelError> {
        let (width, height) = (photo.width(), photo.height());
        let Some(search) = &mut self.search else {
            let crop = CropBox::centred_square(width, height);
            let probabilities = self.judge.judge(photo, crop)?;
            let [x, y, side] = [crop.x as f32, crop.y as f32, crop.width as f32];
            let face = Face { x, y, width: side, height: side, score: 1.0 };
            let verdict = Verdict { probabilities, doubt: self.undecided(&probabilities) };
            return Ok(Seen { faces: vec![SeenFace { face, verdict }], main: Some(0) });
        };
        let found = search.faces(photo)?;
        let ModelCard { crop_margin, limits, .. } = *self.judge.card();
        let mut faces = Vec::with_capacity(found.len());
        for face in &found {
            let probabilities = self.judge.judge(photo, face.crop(crop_margin))?;
            let doubt = Doubt::about(face, width, height, &limits).or_else(|| self.undecided(&probabilities));
            faces.push(SeenFace { face: *face, verdict: Verdict { probabilities, doubt } });
        }
        let main = main_face(&found, width, height).and_then(|main| found.iter().position(|face| face == main));
        Ok(Seen { faces, main })
    }

    /// What to say of the photo as a whole: the main face's mood, or the mean of all faces' where `choice` is that. Faces that
    /// cannot be judged count in a mean only where there are no others. `None` without a face.
    pub fn verdict(&self, seen: &Seen, choice: FaceChoice) -> Option<Verdict> {
        let main = seen.faces.get(seen.main?)?;
        if choice != FaceChoice::Average {
            return Some(main.verdict);
        }
        let judged = |seen: &&SeenFace| matches!(seen.verdict.doubt, None | Some(Doubt::Undecided));
        let mut faces: Vec<&SeenFace> = seen.faces.iter().filter(judged).collect();
        if faces.is_empty() {
            faces = seen.faces.iter().collect();
        }
        let mean =
            |label: usize| faces.iter().map(|seen| seen.verdict.probabilities[label]).sum::<f32>() / faces.len() as f32;
        let values: Vec<f32> = (0..main.verdict.probabilities.len()).map(mean).collect();
        let probabilities = Probabilities::from_slice(&values)?;
        let unfit = faces.first().and_then(|seen| seen.verdict.doubt.filter(|doubt| *doubt != Doubt::Undecided));
        Some(Verdict { probabilities, doubt: unfit.or_else(|| self.undecided(&probabilities)) })
    }

    fn undecided(&self, probabilities: &Probabilities) -> Option<Doubt> {
        let (top, probability) = probabilities.top();
        (probability < self.filter.enter(top)).then_some(Doubt::Undecided)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use emotion_models::{PixelFormat, decode, read_card};
    use std::time::Duration;

    /// Answers with these faces, whatever the photo.
    struct Known(Vec<Face>);

    impl FaceSearch for Known {
        fn faces(&mut self, _photo: &FrameView<'_>) -> Result<Faces, ModelError> {
            Ok(self.0.iter().copied().collect())
        }
    }

    /// Sees each side of the photo in another mood.
    struct Sided(ModelCard);

    impl MoodJudge for Sided {
        fn judge(&mut self, photo: &FrameView<'_>, crop: CropBox) -> Result<Probabilities, ModelError> {
            let left = crop.x + (crop.width / 2) as i32 <= photo.width() as i32 / 2;
            Ok(Probabilities::from_slice(if left { &[0.8, 0.15, 0.05] } else { &[0.1, 0.5, 0.4] }).unwrap())
        }

        fn card(&self) -> &ModelCard {
            &self.0
        }
    }

    const FACE: Face = Face { x: 40.0, y: 60.0, width: 60.0, height: 80.0, score: 0.9 };

    fn look(faces: Option<&[Face]>) -> (PhotoJudge<Known, Sided>, Seen) {
        let card = read_card(&decode(shipped::EMOTION).unwrap()).unwrap();
        let filter = FilterSettings::new(Duration::ZERO, Duration::ZERO, &[0.6; 3], &[0.5; 3]).unwrap();
        let search = faces.map(|faces| Known(faces.to_vec()));
        let mut judge = PhotoJudge { search, judge: Sided(card), filter };
        let grey = vec![128; 320 * 240];
        let seen = judge.look(&FrameView::new(PixelFormat::Grey, 320, 240, &grey).unwrap()).unwrap();
        (judge, seen)
    }

    #[test]
    fn a_photo_without_a_face_says_nothing() {
        let (judge, seen) = look(Some(&[]));
        assert_eq!(seen, Seen { faces: vec![], main: None });
        for choice in [FaceChoice::Largest, FaceChoice::Average, FaceChoice::All] {
            assert_eq!(judge.verdict(&seen, choice), None);
        }
    }

    #[test]
    fn the_largest_face_speaks_for_the_photo_or_the_mean_of_all() {
        let other = Face { x: 200.0, width: 40.0, height: 50.0, score: 0.95, ..FACE };
        let (judge, seen) = look(Some(&[other, FACE]));
        assert_eq!(seen.main, Some(1));
        let doubts: Vec<_> = seen.faces.iter().map(|seen| seen.verdict.doubt).collect();
        assert_eq!(doubts, [Some(Doubt::Undecided), None]);
        let largest = judge.verdict(&seen, FaceChoice::Largest).unwrap();
        assert_eq!((largest.probabilities.top(), largest.doubt), ((0, 0.8), None));
        let mean = judge.verdict(&seen, FaceChoice::Average).unwrap();
        assert!((mean.probabilities[0] - 0.45).abs() < 1e-6 && mean.doubt == Some(Doubt::Undecided));
    }

    #[test]
    fn a_mean_leaves_out_whom_it_cannot_judge() {
        let far = Face { x: 200.0, width: 12.0, height: 15.0, ..FACE };
        let (judge, seen) = look(Some(&[far, FACE]));
        assert_eq!(seen.faces[0].verdict.doubt, Some(Doubt::TooSmall));
        let mean = judge.verdict(&seen, FaceChoice::Average).unwrap();
        assert_eq!((mean.probabilities.top(), mean.doubt), ((0, 0.8), None));
        let (judge, seen) = look(Some(&[far]));
        assert_eq!(judge.verdict(&seen, FaceChoice::Average).unwrap().doubt, Some(Doubt::TooSmall));
    }

    #[test]
    fn what_the_card_does_not_allow_is_named() {
        let limits = FaceLimits { smallest_face: 24.0, least_inside: 0.8, narrowest_face: 0.5 };
        let about = |face: Face| Doubt::about(&face, 320, 240, &limits);
        assert_eq!(about(FACE), None);
        assert_eq!(about(Face { width: 20.0, height: 25.0, ..FACE }), Some(Doubt::TooSmall));
        assert_eq!(about(Face { x: -30.0, ..FACE }), Some(Doubt::CutOff));
        assert_eq!(about(Face { width: 35.0, ..FACE }), Some(Doubt::TurnedAway));
    }

    #[test]
    fn a_crop_is_judged_as_it_is() {
        let (_, seen) = look(None);
        assert_eq!(seen.faces[0].face, Face { x: 40.0, y: 0.0, width: 240.0, height: 240.0, score: 1.0 });
        assert_eq!(seen.main, Some(0));
    }

    #[test]
    fn the_shipped_models_read_drawn_photos() {
        use emotion_models::{Place, TEST_CARD_LABELS, TestCard};
        let judge = Classifier::from_bytes(shipped::EMOTION, "shipped").unwrap();
        let filter = FilterSettings::new(Duration::ZERO, Duration::ZERO, &[0.5; 3], &[0.4; 3]).unwrap();
        let mut judge = PhotoJudge { search: Some(face_finder(None).unwrap()), judge, filter };
        let card = TestCard::new(emotion_models::DEMO_SEED);
        for (label, (x, size)) in TEST_CARD_LABELS.into_iter().zip([(0.3, 0.2), (0.7, 0.3), (0.5, 0.25)]) {
            let place = Place { x, y: 0.45, size };
            let photo = card.scene(Some((label, place)), 3, 640, 480);
            let seen = judge.look(&FrameView::new(PixelFormat::Rgb, 640, 480, photo.as_raw()).unwrap()).unwrap();
            let main = seen.faces[seen.main.unwrap()];
            assert!(main.face.iou(&card.face_at(place, 3, 640, 480)) > 0.4, "{label}: {main:?}");
            assert_eq!(judge.judge.card().labels[main.verdict.probabilities.top().0], label);
        }
    }
}
