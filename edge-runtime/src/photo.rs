//! Whole photos: the faces in one, the mood of each, and that of the photo.

use crate::event::UNDECIDED;
use crate::mood::FilterSettings;
use crate::track::{RejectReason, WhichFaces, confirmed_from};
use emotion_models::{
    Classifier, CropBox, Detector, Face, FrameView, ModelCard, ModelError, Probabilities, Rect, main_face,
};

/// Classifies a part of a photo.
pub trait CropClassifier {
    /// The probabilities of the moods that `crop` shows, in label order.
    ///
    /// # Errors
    /// When the engine fails.
    fn classify_crop(&mut self, photo: &FrameView<'_>, crop: CropBox) -> Result<Probabilities, ModelError>;

    /// What the model says about itself.
    fn card(&self) -> &ModelCard;
}

impl CropClassifier for Classifier {
    fn classify_crop(&mut self, photo: &FrameView<'_>, crop: CropBox) -> Result<Probabilities, ModelError> {
        self.classify(photo, crop)
    }

    fn card(&self) -> &ModelCard {
        Classifier::card(self)
    }
}

/// Why a mood is unsure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsure {
    /// The face is rejected before the model runs.
    Rejected(RejectReason),
    /// The detector is not sure that it is a face.
    MaybeNoFace,
    /// No mood reaches its threshold.
    Undecided,
}

impl Unsure {
    /// The reason, for people.
    pub fn message(self) -> &'static str {
        match self {
            Self::Rejected(reason) => reason.message(),
            Self::MaybeNoFace => "may be no face",
            Self::Undecided => UNDECIDED,
        }
    }
}

/// Probabilities, and the reason if the mood is unsure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// In label order.
    pub probabilities: Probabilities,
    /// `None` if the most probable mood is sure.
    pub unsure: Option<Unsure>,
}

/// A face and its mood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassifiedFace {
    /// Where it is, in pixels of the photo.
    pub face: Face,
    /// Its mood.
    pub verdict: Verdict,
}

/// What a photo shows.
#[derive(Clone, Debug, PartialEq)]
pub struct PhotoFaces {
    /// The faces, best score first; the whole photo with score 1 where none was searched for.
    pub faces: Vec<ClassifiedFace>,
    /// The main face; `None` without a face.
    pub main: Option<usize>,
}

/// Finds and classifies the faces in photos.
pub struct PhotoClassifier<F, J> {
    /// Finds the faces; without it each photo is a face crop and classified whole, as the trainer does.
    pub finder: Option<F>,
    /// Classifies them.
    pub classifier: J,
    /// Its thresholds decide what is sure.
    pub filter: FilterSettings,
}

impl<F: Detector, J: CropClassifier> PhotoClassifier<F, J> {
    /// Every face of a photo, with its mood.
    ///
    /// # Errors
    /// When an engine fails.
    pub fn classify(&mut self, photo: &FrameView<'_>) -> Result<PhotoFaces, ModelError> {
        let (width, height) = (photo.width(), photo.height());
        let Some(finder) = &mut self.finder else {
            let probabilities = self.classifier.classify_crop(photo, CropBox::full(width, height))?;
            let face = Face { rect: Rect::new(0.0, 0.0, width as f32, height as f32), score: 1.0 };
            let verdict = Verdict { probabilities, unsure: self.undecided(&probabilities) };
            return Ok(PhotoFaces { faces: vec![ClassifiedFace { face, verdict }], main: Some(0) });
        };
        let threshold = finder.threshold();
        let found = finder.detect_in_photo(photo, threshold)?;
        let ModelCard { crop_margin, limits, .. } = *self.classifier.card();
        let mut faces = Vec::with_capacity(found.len());
        for face in &found {
            let probabilities = self.classifier.classify_crop(photo, face.crop(crop_margin))?;
            let rejected = RejectReason::of(face, &limits, width, height).map(Unsure::Rejected);
            let doubtful = (face.score < confirmed_from(threshold)).then_some(Unsure::MaybeNoFace);
            let unsure = rejected.or(doubtful).or_else(|| self.undecided(&probabilities));
            faces.push(ClassifiedFace { face: *face, verdict: Verdict { probabilities, unsure } });
        }
        let main = main_face(&found, width, height).and_then(|main| found.iter().position(|face| face == main));
        Ok(PhotoFaces { faces, main })
    }

    /// The verdict for the photo as a whole: the main face's mood, or the mean of all faces if `choice` says so.
    /// Rejected faces count in a mean only if there are no others. `None` without a face.
    pub fn verdict(&self, seen: &PhotoFaces, choice: WhichFaces) -> Option<Verdict> {
        let main = seen.faces.get(seen.main?)?;
        if choice != WhichFaces::Average {
            return Some(main.verdict);
        }
        let classified =
            |seen: &&ClassifiedFace| !matches!(seen.verdict.unsure, Some(Unsure::Rejected(_) | Unsure::MaybeNoFace));
        let mut faces: Vec<&ClassifiedFace> = seen.faces.iter().filter(classified).collect();
        if faces.is_empty() {
            faces = seen.faces.iter().collect();
        }
        let mean =
            |label: usize| faces.iter().map(|seen| seen.verdict.probabilities[label]).sum::<f32>() / faces.len() as f32;
        let values: Vec<f32> = (0..main.verdict.probabilities.len()).map(mean).collect();
        let probabilities = Probabilities::from_slice(&values)?;
        let unfit = faces.first().and_then(|seen| seen.verdict.unsure.filter(|unsure| *unsure != Unsure::Undecided));
        Some(Verdict { probabilities, unsure: unfit.or_else(|| self.undecided(&probabilities)) })
    }

    fn undecided(&self, probabilities: &Probabilities) -> Option<Unsure> {
        let (top, probability) = probabilities.top();
        (probability < self.filter.enter(top)).then_some(Unsure::Undecided)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use emotion_models::{Faces, PixelFormat, decode, read_card, shipped};
    use std::time::Duration;

    /// Returns these faces for any photo.
    struct Known(Vec<Face>);

    impl Detector for Known {
        fn detect(&mut self, _: &FrameView<'_>, _: CropBox, threshold: f32) -> Result<Faces, ModelError> {
            Ok(self.0.iter().copied().filter(|face| face.score >= threshold).collect())
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

    /// Sees each side of the photo in another mood.
    struct Sided(ModelCard);

    impl CropClassifier for Sided {
        fn classify_crop(&mut self, photo: &FrameView<'_>, crop: CropBox) -> Result<Probabilities, ModelError> {
            let left = crop.x + (crop.width / 2) as i32 <= photo.width() as i32 / 2;
            Ok(Probabilities::from_slice(if left { &[0.8, 0.15, 0.05] } else { &[0.1, 0.5, 0.4] }).unwrap())
        }

        fn card(&self) -> &ModelCard {
            &self.0
        }
    }

    const FACE: Face = Face { rect: Rect::new(40.0, 60.0, 60.0, 80.0), score: 0.9 };

    fn classify(faces: Option<&[Face]>) -> (PhotoClassifier<Known, Sided>, PhotoFaces) {
        let card = read_card(&decode(shipped::EMOTION).unwrap()).unwrap();
        let filter = FilterSettings::new(Duration::ZERO, Duration::ZERO, &[0.6; 3], &[0.5; 3]).unwrap();
        let finder = faces.map(|faces| Known(faces.to_vec()));
        let mut photos = PhotoClassifier { finder, classifier: Sided(card), filter };
        let grey = vec![128; 320 * 240];
        let seen = photos.classify(&FrameView::new(PixelFormat::Grey, 320, 240, &grey).unwrap()).unwrap();
        (photos, seen)
    }

    #[test]
    fn a_photo_without_a_face_says_nothing() {
        let (photos, seen) = classify(Some(&[]));
        assert_eq!(seen, PhotoFaces { faces: vec![], main: None });
        for choice in [WhichFaces::Largest, WhichFaces::Average, WhichFaces::All] {
            assert_eq!(photos.verdict(&seen, choice), None);
        }
    }

    #[test]
    fn the_largest_face_speaks_for_the_photo_or_the_mean_of_all() {
        let other = Face { rect: Rect::new(200.0, 60.0, 40.0, 50.0), score: 0.95 };
        let (photos, seen) = classify(Some(&[other, FACE]));
        assert_eq!(seen.main, Some(1));
        let unsure: Vec<_> = seen.faces.iter().map(|seen| seen.verdict.unsure).collect();
        assert_eq!(unsure, [Some(Unsure::Undecided), None]);
        let largest = photos.verdict(&seen, WhichFaces::Largest).unwrap();
        assert_eq!((largest.probabilities.top(), largest.unsure), ((0, 0.8), None));
        let mean = photos.verdict(&seen, WhichFaces::Average).unwrap();
        assert!((mean.probabilities[0] - 0.45).abs() < 1e-6 && mean.unsure == Some(Unsure::Undecided));
    }

    #[test]
    fn a_mean_leaves_out_rejected_faces() {
        let far = Face { rect: Rect::new(200.0, 60.0, 12.0, 15.0), ..FACE };
        let (photos, seen) = classify(Some(&[far, FACE]));
        // Small ones must be surer, so it comes last.
        assert_eq!(seen.faces[1].verdict.unsure, Some(Unsure::Rejected(RejectReason::TooSmall)));
        let mean = photos.verdict(&seen, WhichFaces::Average).unwrap();
        assert_eq!((mean.probabilities.top(), mean.unsure), ((0, 0.8), None));
        let (photos, seen) = classify(Some(&[far]));
        assert_eq!(
            photos.verdict(&seen, WhichFaces::Average).unwrap().unsure,
            Some(Unsure::Rejected(RejectReason::TooSmall))
        );
    }

    #[test]
    fn what_scores_between_two_thresholds_may_be_no_face() {
        // The threshold is 0.5, and twice its odds are 2 to 1.
        for (score, unsure) in [(0.6, Some(Unsure::MaybeNoFace)), (0.7, None)] {
            let (photos, seen) = classify(Some(&[Face { score, ..FACE }]));
            assert_eq!(photos.verdict(&seen, WhichFaces::Largest).unwrap().unsure, unsure, "{score}");
        }
        assert_eq!(Unsure::MaybeNoFace.message(), "may be no face");
    }

    #[test]
    fn a_crop_is_classified_as_it_is() {
        let (_, seen) = classify(None);
        assert_eq!(seen.faces[0].face, Face { rect: Rect::new(0.0, 0.0, 320.0, 240.0), score: 1.0 });
        assert_eq!(seen.main, Some(0));
    }
}
