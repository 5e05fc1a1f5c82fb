//! Detections in photos, with the ground truth.

use super::metrics::{Findings, SIZES, Scores};
use super::photos::{Photo, Photos, class_name};
use crate::progress::Progress;
use crate::threads::share_out;
use anyhow::Result;
use emotion_models::{Detector, FaceDetector, Faces, FrameView, ModelError, PixelFormat};
use std::fmt::Write;

/// Boxes below this score are no use to any curve.
pub const MIN_SCORE: f32 = 0.05;

/// Photos, and the boxes found in each at every score, in pixels of its first plane.
pub struct PhotoDetections<'a> {
    /// The photos.
    pub photos: &'a Photos,
    /// Boxes by photo.
    pub boxes: Vec<Faces>,
    /// The boxes, matched to the ground truth.
    pub findings: Findings,
}

impl<'a> PhotoDetections<'a> {
    /// Matches what was found to the ground truth.
    pub fn new(photos: &'a Photos, found: Vec<Faces>) -> Self {
        let mut findings = Findings::default();
        for (photo, faces) in photos.photos.iter().zip(&found) {
            findings.push(photo, faces);
        }
        PhotoDetections { photos, boxes: found, findings }
    }

    /// Runs multi-pass detection with an exported model on photos, as a device does.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn detect(finder: &FaceDetector, photos: &'a Photos, progress: &Progress) -> Result<Self> {
        let found = share_out(finder, &photos.photos, progress, |finder, photo| Some(find(finder, photo)));
        Ok(PhotoDetections::new(photos, found.into_iter().collect::<Result<_, _>>()?))
    }
}

/// The faces in a photo at every score.
fn find(finder: &mut FaceDetector, photo: &Photo) -> Result<Faces, ModelError> {
    let Some(plane) = photo.planes.first() else { return Ok(Faces::new()) };
    let (width, height) = (plane.width as u32, plane.height as u32);
    match FrameView::new(PixelFormat::Grey, width, height, &plane.pixels) {
        Ok(view) => finder.detect_in_photo(&view, MIN_SCORE),
        // A photo of no pixels holds no face.
        Err(_) => Ok(Faces::new()),
    }
}

/// Figures as plain text.
pub fn text(scores: &Scores) -> String {
    let mut text = format!(
        "detection threshold {:.2}; average precision {:.4}\n\n{:26} recall   found    of\n{:26}  {:>5}  {:>6}  {:>4}   precision {:.3}\n",
        scores.threshold,
        scores.average_precision,
        "",
        "at least 10 % of the width",
        scores.recall.shown(),
        scores.recall.found,
        scores.recall.faces,
        scores.precision
    );
    let by_size = SIZES.iter().map(|(_, _, name)| (*name).to_owned()).zip(scores.by_size.iter().copied());
    let by_class = scores.by_class.iter().map(|(class, recall)| (class_name(class).to_owned(), *recall));
    for (name, recall) in by_size.chain(by_class) {
        let _ = writeln!(text, "  {name:24}  {:>5}  {:>6}  {:>4}", recall.shown(), recall.found, recall.faces);
    }
    let centre = scores.localisation.near;
    let _ = writeln!(
        text,
        "\none person, face over 15 %: centre within 12 % of the face's width for {} ({} of {}), median {:.1} %",
        centre.percent(),
        centre.found,
        centre.faces,
        100.0 * scores.localisation.median,
    );
    let _ = writeln!(text, "{:26} within 12 %    of   median   right           down", "");
    for (class, centres) in &scores.localisation_by_class {
        let name = class_name(class);
        let (near, median) = (centres.near, 100.0 * centres.median);
        let (across, down) = (format!("{} %", centres.offset(0)), format!("{} %", centres.offset(1)));
        let _ =
            writeln!(text, "  {name:24} {:>11} {:>5} {median:>6.1} %   {across:<15} {down}", near.found, near.faces);
    }
    let _ = writeln!(
        text,
        "\nfalse positives in photos without a face: {} in {}",
        scores.false_positives, scores.empty_photos
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::face::metrics::{Localisation, Recall};

    #[test]
    fn every_row_has_a_name() {
        let classes = ["mask", ""].map(str::to_owned);
        let text = text(&Scores {
            by_class: classes.clone().map(|class| (class, Recall { found: 1, faces: 2 })).to_vec(),
            localisation_by_class: classes.map(|class| (class, Localisation::default())).to_vec(),
            ..Scores::default()
        });
        for name in ["mask", "unnamed"] {
            assert_eq!(text.lines().filter(|line| line.starts_with(&format!("  {name:24} "))).count(), 2, "{text}");
        }
    }
}
