//! How well faces are found: boxes matched to annotated faces, and the figures that come of it.

use super::photos::{Photo, PhotoFace};
use emotion_models::{Face, Faces};
use serde::{Deserialize, Serialize};

/// A box fits a face from this intersection over union on: box styles differ between data sets.
pub const MIN_IOU: f32 = 0.4;
/// Faces at least this wide, as a fraction of the photo's width, are to be found; smaller ones are neither right nor wrong.
pub const MIN_WIDTH: f32 = 0.10;
/// The bounds of the size classes, as fractions of the photo's width.
pub const SIZES: [(f32, f32, &str); 3] =
    [(0.05, 0.10, "5-10 %"), (0.10, 0.20, "10-20 %"), (0.20, f32::INFINITY, "over 20 %")];
/// A lone face this large has its centre measured.
const LOCALISED_WIDTH: f32 = 0.15;
/// The centre's distance, as a fraction of the face's width, that counts as near.
const NEAR: f64 = 0.12;

/// The precision that a detection threshold must reach on validation ...
pub const TARGET_PRECISION: f64 = 0.97;
/// ... and the false positives that it may leave for each photo without a face: two in 83.
pub const MAX_FALSE_POSITIVES: f64 = 0.024;
/// The detection threshold where no score reaches both, as of a net that has learned nothing.
pub const FALLBACK_THRESHOLD: f32 = 0.5;

/// One box, matched to the ground truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedBox {
    /// Its score.
    pub score: f32,
    /// Whether it is a face that counts; `None` where that is neither right nor wrong.
    pub correct: Option<bool>,
    /// Whether its photo has no face at all.
    pub faceless: bool,
}

/// One annotated face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroundTruth {
    /// Its width as a fraction of the photo's.
    pub share: f32,
    /// Index of its class.
    pub class: usize,
    /// The score of the box that fits it, if there is one.
    pub found: Option<f32>,
    /// The only face in its photo.
    pub alone: bool,
    /// How far right and down the box's centre is of the face's, as fractions of the face's width; nothing where none fits.
    pub off: Option<[f32; 2]>,
}

/// What was found in a number of photos, at every score.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// All boxes.
    pub boxes: Vec<JudgedBox>,
    /// All faces that can be made out.
    pub faces: Vec<GroundTruth>,
    /// Photos searched.
    pub photos: usize,
    /// Of them, those without a face.
    pub faceless: usize,
}

/// Which face of a photo each box fits, those of the best score being asked first; no two fit the same face.
pub fn fitting(photo: &Photo, found: &[Face]) -> Vec<Option<usize>> {
    let mut free: Vec<usize> = (0..photo.faces.len()).collect();
    let best = |face: &Face| {
        let fit = |index: usize| photo.faces[index].rect.iou(face.rect);
        let fits = free.iter().copied().filter(|&index| fit(index) >= MIN_IOU);
        let best = fits.max_by(|&a, &b| fit(a).total_cmp(&fit(b)))?;
        free.retain(|&index| index != best);
        Some(best)
    };
    found.iter().map(best).collect()
}

/// Whether a face is to be found, and not neither right nor wrong.
pub fn is_wanted(photo: &Photo, face: &PhotoFace) -> bool {
    !face.invalid && photo.share(face) >= MIN_WIDTH
}

impl Findings {
    /// Adds what was found in a photo, in pixels of its first plane, best score first.
    pub fn push(&mut self, photo: &Photo, found: &Faces) {
        let faceless = photo.faces.is_empty();
        let mut taken = vec![None; photo.faces.len()];
        for (face, fitting) in found.iter().zip(fitting(photo, found)) {
            let correct = fitting.map_or(Some(false), |index| {
                taken[index] = Some(*face);
                is_wanted(photo, &photo.faces[index]).then_some(true)
            });
            self.boxes.push(JudgedBox { score: face.score, correct, faceless });
        }
        let visible = photo.faces.iter().filter(|annotated| !annotated.invalid).count();
        for (annotated, taken) in photo.faces.iter().zip(taken) {
            if annotated.invalid {
                continue;
            }
            let off = taken.map(|face| {
                let ([x, y], [left, top]) = (face.rect.centre(), annotated.rect.centre());
                [x - left, y - top].map(|side| side / annotated.rect.width)
            });
            let (share, class) = (photo.share(annotated), annotated.class);
            let found = taken.map(|face| face.score);
            self.faces.push(GroundTruth { share, class, found, alone: visible == 1, off });
        }
        self.photos += 1;
        self.faceless += usize::from(faceless);
    }

    /// Adds what was found in other photos.
    pub fn extend(&mut self, other: Findings) {
        self.boxes.extend(other.boxes);
        self.faces.extend(other.faces);
        self.photos += other.photos;
        self.faceless += other.faceless;
    }

    /// Precision and recall at each score, from the highest on.
    pub fn curve(&self) -> Vec<CurvePoint> {
        let total = self.faces.iter().filter(|face| face.share >= MIN_WIDTH).count().max(1);
        let mut judged: Vec<(f32, bool)> =
            self.boxes.iter().filter_map(|one| Some((one.score, one.correct?))).collect();
        judged.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut correct, mut all) = (0usize, 0usize);
        let point = |(score, is_correct): (f32, bool)| {
            all += 1;
            correct += usize::from(is_correct);
            CurvePoint { score, precision: correct as f64 / all as f64, recall: correct as f64 / total as f64 }
        };
        judged.into_iter().map(point).collect()
    }

    /// Area under the curve, the precision at each recall being the best from there on (Everingham et al. 2010).
    pub fn average_precision(&self) -> f64 {
        let curve = self.curve();
        let (mut area, mut best) = (0.0, 0.0f64);
        for (index, point) in curve.iter().enumerate().rev() {
            best = best.max(point.precision);
            let before = index.checked_sub(1).map_or(0.0, |before| curve[before].recall);
            area += best * (point.recall - before);
        }
        area
    }

    /// The detection threshold: that of the target, or else [`FALLBACK_THRESHOLD`].
    pub fn threshold(&self) -> f32 {
        self.target_threshold().unwrap_or(FALLBACK_THRESHOLD)
    }

    /// The lowest score from which on precision is at least [`TARGET_PRECISION`] and at most [`MAX_FALSE_POSITIVES`] boxes a photo
    /// without a face remain; nothing where no score does that.
    pub fn target_threshold(&self) -> Option<f32> {
        self.threshold_for(TARGET_PRECISION, MAX_FALSE_POSITIVES)
    }

    fn threshold_for(&self, precision: f64, false_positives: f64) -> Option<f32> {
        let false_positives_per_photo = |score: f32| {
            self.boxes.iter().filter(|one| one.faceless && one.score >= score).count() as f64
                / self.faceless.max(1) as f64
        };
        let curve = self.curve();
        let fits = |point: &&CurvePoint| {
            point.precision >= precision && false_positives_per_photo(point.score) <= false_positives
        };
        curve.iter().rev().find(fits).map(|point| point.score)
    }

    /// The figures at one threshold.
    pub fn at(&self, threshold: f32, classes: &[String]) -> Scores {
        let over = |one: &&JudgedBox| one.score >= threshold;
        let correct = self.boxes.iter().filter(over).filter(|one| one.correct == Some(true)).count();
        let wrong = self.boxes.iter().filter(over).filter(|one| one.correct == Some(false)).count();
        let is_found = |face: &GroundTruth| face.found.is_some_and(|score| score >= threshold);
        let recall = |faces: &dyn Fn(&GroundTruth) -> bool| {
            let chosen: Vec<&GroundTruth> = self.faces.iter().filter(|face| faces(face)).collect();
            Recall { found: chosen.iter().filter(|face| is_found(face)).count(), faces: chosen.len() }
        };
        let lone = || self.faces.iter().filter(|face| face.alone && face.share > LOCALISED_WIDTH);
        let offset = |face: &GroundTruth| face.off.filter(|_| is_found(face));
        Scores {
            photos: self.photos,
            empty_photos: self.faceless,
            threshold,
            average_precision: self.average_precision(),
            precision: correct as f64 / (correct + wrong).max(1) as f64,
            recall: recall(&|face| face.share >= MIN_WIDTH),
            by_size: SIZES.map(|(low, high, _)| recall(&|face| face.share >= low && face.share < high)).to_vec(),
            by_class: classes
                .iter()
                .enumerate()
                .map(|(index, class)| (class.clone(), recall(&|face| face.share >= MIN_WIDTH && face.class == index)))
                .filter(|(_, recall)| recall.faces > 0)
                .collect(),
            false_positives: self.boxes.iter().filter(over).filter(|one| one.faceless).count(),
            localisation: Localisation::of(lone().map(offset)),
            localisation_by_class: classes
                .iter()
                .enumerate()
                .map(|(index, class)| {
                    (class.clone(), Localisation::of(lone().filter(|face| face.class == index).map(offset)))
                })
                .filter(|(_, localisation)| localisation.near.faces > 0)
                .collect(),
        }
    }
}

/// A point of the precision-recall curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Boxes of at least this score are taken.
    pub score: f32,
    /// Of the boxes, those that are faces.
    pub precision: f64,
    /// Of the faces, those that are found.
    pub recall: f64,
}

/// How many of a number of faces were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recall {
    /// Faces with a box that fits.
    pub found: usize,
    /// Faces that there were to find.
    pub faces: usize,
}

impl Recall {
    /// As a fraction; 1 of none.
    pub fn rate(self) -> f64 {
        if self.faces == 0 { 1.0 } else { self.found as f64 / self.faces as f64 }
    }

    /// The fraction for readers, to three decimals; a dash where there was nothing to find.
    pub fn shown(self) -> String {
        if self.faces == 0 { "-".to_owned() } else { format!("{:.3}", self.rate()) }
    }

    /// The same in per cent, to one decimal.
    pub fn percent(self) -> String {
        if self.faces == 0 { "-".to_owned() } else { format!("{:.1} %", 100.0 * self.rate()) }
    }
}

/// How near to the middle of a face its box's is, in photos with one face, of over 15 % of the width.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Localisation {
    /// Those within 12 % of the face's width; a face that was not found is not near.
    pub near: Recall,
    /// Median distance, of those found, as a fraction of the face's width.
    pub median: f64,
    /// Mean of the distances to the right and down, of those found.
    pub mean: [f64; 2],
    /// Their standard deviation: how differently one style of boxes is drawn from photo to photo, and found.
    pub deviation: [f64; 2],
}

impl Localisation {
    /// Mean and standard deviation to the right (axis 0) or down (axis 1), in % of the width.
    pub fn offset(&self, axis: usize) -> String {
        format!("{:.1} ± {:.1}", 100.0 * self.mean[axis], 100.0 * self.deviation[axis])
    }

    /// Of faces whose boxes lie so far off; nothing for a face that was not found.
    fn of(offsets: impl Iterator<Item = Option<[f32; 2]>>) -> Self {
        let all: Vec<Option<[f32; 2]>> = offsets.collect();
        let found: Vec<[f64; 2]> = all.iter().flatten().map(|off| off.map(f64::from)).collect();
        let mut distances: Vec<f64> = found.iter().map(|[x, y]| x.hypot(*y)).collect();
        distances.sort_by(f64::total_cmp);
        let mean_of =
            |value: &dyn Fn(&[f64; 2]) -> f64| found.iter().map(value).sum::<f64>() / found.len().max(1) as f64;
        let mean = [0, 1].map(|axis| mean_of(&|off| off[axis]));
        Localisation {
            near: Recall { found: distances.iter().filter(|&&away| away <= NEAR).count(), faces: all.len() },
            median: distances.get(distances.len() / 2).copied().unwrap_or(0.0),
            mean,
            deviation: [0, 1].map(|axis| mean_of(&|off| (off[axis] - mean[axis]).powi(2)).sqrt()),
        }
    }
}

/// The figures on a number of photos, at one threshold; those that name no size are of faces of at least [`MIN_WIDTH`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Photos searched.
    pub photos: usize,
    /// Of them, those without a face.
    pub empty_photos: usize,
    /// The least score of a box that counts.
    pub threshold: f32,
    /// Area under the precision-recall curve; independent of the threshold.
    pub average_precision: f64,
    /// Of the boxes, those that are faces.
    pub precision: f64,
    /// Of the faces, those that are found.
    pub recall: Recall,
    /// The same by [`SIZES`].
    pub by_size: Vec<Recall>,
    /// The same by the classes that the data set names.
    pub by_class: Vec<(String, Recall)>,
    /// False positives in photos without a face.
    #[serde(rename = "false_alarms")]
    pub false_positives: usize,
    /// How near the boxes' centres are; absent in checkpoints of earlier versions.
    #[serde(default, rename = "centres")]
    pub localisation: Localisation,
    /// The same by the classes that the data set names.
    #[serde(default, rename = "centres_by_class")]
    pub localisation_by_class: Vec<(String, Localisation)>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::face::photos::{PhotoFace, Plane};
    use emotion_models::{Face, Rect};

    fn photo(faces: &[Rect]) -> Photo {
        let plane = Plane { width: 100, height: 100, pixels: vec![0; 10_000] };
        let faces = faces.iter().map(|&rect| PhotoFace { rect, class: 0, invalid: false }).collect();
        Photo { path: "p".into(), planes: vec![plane], faces, reduction: 1.0, noisy_boxes: false }
    }

    fn found(faces: &[(Rect, f32)]) -> Faces {
        faces.iter().map(|&(rect, score)| Face { rect, score }).collect()
    }

    #[test]
    fn small_faces_are_neither_right_nor_wrong() {
        let mut findings = Findings::default();
        let large = Rect::new(10.0, 10.0, 30.0, 40.0);
        let small = Rect::new(70.0, 10.0, 6.0, 8.0);
        findings.push(
            &photo(&[large, small]),
            &found(&[(large, 0.9), (small, 0.8), (Rect::new(50.0, 60.0, 20.0, 20.0), 0.7)]),
        );
        findings.push(&photo(&[]), &found(&[(Rect::new(1.0, 1.0, 9.0, 9.0), 0.3)]));
        let scores = findings.at(0.5, &["any".into()]);
        assert_eq!(scores.recall, Recall { found: 1, faces: 1 });
        assert_eq!(scores.precision, 0.5);
        assert_eq!(scores.by_size[0], Recall { found: 1, faces: 1 });
        assert_eq!((scores.false_positives, scores.empty_photos), (0, 1));
        assert_eq!(findings.at(0.2, &[]).false_positives, 1);
        assert_eq!(scores.average_precision, 1.0);
    }

    #[test]
    fn a_second_box_on_a_face_is_wrong_and_the_threshold_avoids_it() {
        let mut findings = Findings::default();
        let face = Rect::new(10.0, 10.0, 30.0, 40.0);
        findings.push(&photo(&[face]), &found(&[(face, 0.9), (Rect::new(14.0, 10.0, 30.0, 40.0), 0.6)]));
        assert_eq!(findings.at(0.5, &[]).precision, 0.5);
        let threshold = findings.threshold_for(0.95, 0.0).unwrap();
        assert_eq!(threshold, 0.9);
        assert_eq!(findings.at(threshold, &[]).precision, 1.0);
    }

    #[test]
    fn without_a_score_of_the_target_precision_a_threshold_is_given_all_the_same() {
        let mut findings = Findings::default();
        assert_eq!((findings.target_threshold(), findings.threshold()), (None, FALLBACK_THRESHOLD));
        findings.push(&photo(&[]), &found(&[(Rect::new(1.0, 1.0, 9.0, 9.0), 0.9)]));
        assert_eq!((findings.target_threshold(), findings.threshold()), (None, FALLBACK_THRESHOLD));
        let face = Rect::new(10.0, 10.0, 30.0, 40.0);
        findings.push(&photo(&[face]), &found(&[(face, 0.95)]));
        assert_eq!((findings.target_threshold(), findings.threshold()), (Some(0.95), 0.95));
    }

    #[test]
    fn centres_are_measured_on_lone_faces() {
        let mut findings = Findings::default();
        let face = Rect::new(10.0, 10.0, 30.0, 40.0);
        findings.push(&photo(&[face]), &found(&[(Rect::new(13.0, 10.0, 30.0, 40.0), 0.9)]));
        findings.push(&photo(&[face]), &found(&[(Rect::new(19.0, 10.0, 30.0, 40.0), 0.9)]));
        findings.push(&photo(&[face]), &found(&[]));
        // A face beside another is not measured.
        findings.push(&photo(&[face, Rect::new(60.0, 10.0, 30.0, 40.0)]), &found(&[(face, 0.9)]));
        let scores = findings.at(0.5, &["any".into(), "none".into()]);
        assert_eq!(scores.localisation.near, Recall { found: 1, faces: 3 });
        let close = |value: f64, expected: f64| (value - expected).abs() < 1e-6;
        assert!(close(scores.localisation.median, 0.3), "{scores:?}");
        assert!(close(scores.localisation.mean[0], 0.2) && close(scores.localisation.deviation[0], 0.1), "{scores:?}");
        assert_eq!((scores.localisation.mean[1], scores.localisation.deviation[1]), (0.0, 0.0));
        assert_eq!(scores.localisation_by_class, [("any".to_owned(), scores.localisation.clone())]);
        // Below the detection threshold nothing is found.
        assert_eq!(findings.at(0.95, &[]).localisation.near, Recall { found: 0, faces: 3 });
    }
}
