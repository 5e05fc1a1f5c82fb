//! What `classify` says of a photo, in words and as JSON.

use crate::event::Labelled;
use crate::mood::mood_word;
use crate::photo::{ClassifiedFace, PhotoFaces, Unsure, Verdict};
use crate::track::WhichFaces;
use emotion_models::{Face, printable_path};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;

/// A photo and what was seen in it.
pub(in crate::commands) struct PhotoReport<'a> {
    pub picture: &'a Path,
    pub seen: &'a PhotoFaces,
    /// What is said of the photo as a whole; `None` without a face.
    pub verdict: Option<Verdict>,
    /// The model's labels.
    pub labels: &'a [String],
    /// Whether faces were searched for.
    pub searched: bool,
    pub choice: WhichFaces,
}

impl PhotoReport<'_> {
    /// A line for the photo, or, where all faces count, a line for each.
    pub(in crate::commands) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let picture = printable_path(self.picture);
        let Some(verdict) = &self.verdict else { return writeln!(out, "{picture}: no face") };
        let count = self.seen.faces.len();
        if self.choice != WhichFaces::All || count < 2 {
            let score = self.main_score().map(|score| format!(", face {score:.2}")).unwrap_or_default();
            return writeln!(out, "{picture}: {}{score}", self.mood_line(verdict));
        }
        for (index, ClassifiedFace { face, verdict }) in self.seen.faces.iter().enumerate() {
            let [x, y, width, height] = pixels(face).map(|value| value.round());
            let number = index + 1;
            writeln!(
                out,
                "{picture}: face {number} of {count}, {width}x{height} at {x},{y}: {}, face {:.2}",
                self.mood_line(verdict),
                face.score
            )?;
        }
        Ok(())
    }

    /// How sure the detector is of the face that the mood is of.
    fn main_score(&self) -> Option<f32> {
        let main = self.seen.faces.get(self.seen.main?)?;
        (self.searched && self.choice != WhichFaces::Average).then_some(main.face.score)
    }

    fn mood_line(&self, verdict: &Verdict) -> String {
        let Verdict { probabilities, unsure } = verdict;
        let all: Vec<String> =
            self.labels.iter().zip(probabilities.iter()).map(|(label, value)| format!("{label} {value:.2}")).collect();
        let unsure = match unsure {
            None => String::new(),
            Some(unsure) => format!(", unsure: {}", unsure.message()),
        };
        format!("{}{unsure} ({})", mood_word(&self.labels[probabilities.top().0]), all.join(", "))
    }

    /// `picture`, `label`, `sure` and `probabilities` of the photo as a whole, null and false without a face; `faces`, best score
    /// first, each with its `box` (left, top, width and height in pixels) and why it is `unsure`. Null where none was searched for.
    pub(in crate::commands) fn json(&self) -> Value {
        let labelled = |verdict: &Verdict| Labelled { values: verdict.probabilities, labels: self.labels };
        let label = |verdict: &Verdict| self.labels[verdict.probabilities.top().0].clone();
        let face = |ClassifiedFace { face, verdict }: &ClassifiedFace| {
            json!({
                "box": pixels(face),
                "score": (f64::from(face.score) * 1e4).round() / 1e4,
                "label": label(verdict),
                "probabilities": labelled(verdict),
                "unsure": verdict.unsure.map(Unsure::message),
            })
        };
        json!({
            "picture": printable_path(self.picture),
            "label": self.verdict.as_ref().map(label),
            "sure": self.verdict.is_some_and(|verdict| verdict.unsure.is_none()),
            "probabilities": self.verdict.as_ref().map(labelled),
            "faces": self.searched.then(|| self.seen.faces.iter().map(face).collect::<Vec<_>>()),
        })
    }
}

/// A box to a tenth of a pixel.
fn pixels(face: &Face) -> [f64; 4] {
    <[f32; 4]>::from(face.rect).map(|side| (f64::from(side) * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::track::RejectReason;
    use emotion_models::{Probabilities, Rect};

    fn face(x: f32, values: &[f32], unsure: Option<Unsure>) -> ClassifiedFace {
        let face = Face { rect: Rect::new(x, 20.0, 40.04, 50.0), score: 0.91234 };
        ClassifiedFace { face, verdict: Verdict { probabilities: Probabilities::from_slice(values).unwrap(), unsure } }
    }

    fn report(seen: &PhotoFaces, choice: WhichFaces) -> (String, String) {
        let labels = ["angry", "happy"].map(str::to_owned);
        let verdict = seen.main.map(|main| seen.faces[main].verdict);
        let report =
            PhotoReport { picture: Path::new("a.jpg"), seen, verdict, labels: &labels, searched: true, choice };
        let mut text = Vec::new();
        report.write(&mut text).unwrap();
        (String::from_utf8(text).unwrap(), report.json().to_string())
    }

    #[test]
    fn no_face_is_said_plainly() {
        let (text, json) = report(&PhotoFaces { faces: vec![], main: None }, WhichFaces::Largest);
        assert_eq!(text, "a.jpg: no face\n");
        assert_eq!(json, r#"{"faces":[],"label":null,"picture":"a.jpg","probabilities":null,"sure":false}"#);
    }

    #[test]
    fn one_line_for_a_photo_or_for_each_face() {
        let faces =
            vec![face(10.0, &[0.9, 0.1], None), face(-5.0, &[0.2, 0.8], Some(Unsure::Rejected(RejectReason::CutOff)))];
        let seen = PhotoFaces { faces, main: Some(0) };
        let (text, json) = report(&seen, WhichFaces::Largest);
        assert_eq!(text, "a.jpg: angry (angry 0.90, happy 0.10), face 0.91\n");
        let cut = r#"{"box":[-5.0,20.0,40.0,50.0],"label":"happy","probabilities":{"angry":0.2,"happy":0.8},"score":0.9123,"unsure":"the face is cut off"}"#;
        assert!(json.contains(cut) && json.contains(r#""label":"angry","picture""#), "{json}");
        let (text, _) = report(&seen, WhichFaces::All);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "a.jpg: face 1 of 2, 40x50 at 10,20: angry (angry 0.90, happy 0.10), face 0.91");
        assert_eq!(
            lines[1],
            "a.jpg: face 2 of 2, 40x50 at -5,20: happy, unsure: the face is cut off (angry 0.20, happy 0.80), face 0.91"
        );
        let alone = PhotoFaces { faces: vec![face(10.0, &[0.5, 0.5], Some(Unsure::Undecided))], main: Some(0) };
        assert_eq!(
            report(&alone, WhichFaces::All).0,
            "a.jpg: angry, unsure: no mood is sure enough (angry 0.50, happy 0.50), face 0.91\n"
        );
    }
}
