//! Which labels have a light, and which pictures light one: what a person in the room gets to see of a model.

use super::calibrate::CALM;
use super::readout::top;
use crate::failure::{Kind, failure};
use anyhow::Result;
use emotion_models::TEST_CARD_LABELS;

/// Indices of the labels that have a light: those `asked` for; else those of the test card; else all.
///
/// # Errors
/// Names an asked one that is not among `labels`.
pub fn lights(labels: &[String], asked: &[String]) -> Result<Vec<usize>> {
    let place = |light: &String| {
        let known = || failure(Kind::Usage, format!("--lights {light}: the model's labels are {}", labels.join(", ")));
        labels.iter().position(|label| label == light).ok_or_else(known)
    };
    if !asked.is_empty() {
        return asked.iter().map(place).collect();
    }
    let usual: Vec<usize> =
        (0..labels.len()).filter(|&label| TEST_CARD_LABELS.contains(&labels[label].as_str())).collect();
    Ok(if usual.is_empty() { (0..labels.len()).collect() } else { usual })
}

/// When a picture lights a label: it is the most probable one, has a light, and its probability reaches its threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Lights {
    /// By label, the least probability that lights it, above 0 and up to 1; `None` without a light.
    thresholds: Vec<Option<f32>>,
    /// By label, whether it is one of calm faces.
    calm: Vec<bool>,
}

impl Lights {
    /// Of a model's `labels` with the card's `thresholds`, one for each label. As for [`lights`], but a calm face's label has no
    /// light: such a face is to light nothing.
    ///
    /// # Errors
    /// As [`lights`].
    pub fn new(labels: &[String], thresholds: &[f32], asked: &[String]) -> Result<Self> {
        let lit = lights(labels, asked)?;
        let calm: Vec<bool> = labels.iter().map(|label| CALM.contains(&label.as_str())).collect();
        let threshold = |label: usize| (lit.contains(&label) && !calm[label]).then_some(thresholds[label]);
        Ok(Lights { thresholds: (0..labels.len()).map(threshold).collect(), calm })
    }

    /// By label, the least probability that lights it; `None` without a light.
    pub fn thresholds(&self) -> &[Option<f32>] {
        &self.thresholds
    }

    /// The most probable label of `row` `[labels]` where it has a light, and its probability as a multiple of its threshold: from 1
    /// on it is lit.
    pub fn sureness(&self, row: &[f32]) -> Option<(usize, f32)> {
        let label = top(row);
        Some((label, row[label] / self.thresholds[label]?))
    }

    /// The label that `row` `[labels]` lights.
    pub fn lit(&self, row: &[f32]) -> Option<usize> {
        self.sureness(row).filter(|(_, sureness)| *sureness >= 1.0).map(|(label, _)| label)
    }
}

/// What became of one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its label.
    pub target: usize,
    /// The label that the model gives it.
    pub predicted: usize,
    /// The label that it lights.
    pub lit: Option<usize>,
}

/// Pictures that light something, of those that are asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Those that do.
    pub lit: usize,
    /// Those asked about.
    pub of: usize,
}

impl Share {
    fn add(&mut self, lit: bool) {
        self.lit += usize::from(lit);
        self.of += 1;
    }

    /// From 0 to 1; `None` where none was asked about.
    pub fn rate(self) -> Option<f64> {
        (self.of > 0).then(|| self.lit as f64 / self.of as f64)
    }
}

/// What a number of pictures light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LitShares {
    /// Of the pictures whose label has a light, those that light it.
    pub rightly: Share,
    /// Of the pictures that are not calm, those that light another label than theirs.
    pub wrongly: Share,
    /// Of the calm pictures, those that light anything.
    pub calm: Share,
}

impl LitShares {
    /// Adds a picture.
    pub fn add(&mut self, picture: &Outcome, lights: &Lights) {
        let Outcome { target, lit, .. } = *picture;
        if lights.calm[target] {
            return self.calm.add(lit.is_some());
        }
        if lights.thresholds[target].is_some() {
            self.rightly.add(lit == Some(target));
        }
        self.wrongly.add(lit.is_some_and(|label| label != target));
    }

    /// Of all pictures.
    pub fn of(pictures: &[Outcome], lights: &Lights) -> Self {
        let mut shares = LitShares::default();
        pictures.iter().for_each(|picture| shares.add(picture, lights));
        shares
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(labels: &[&str]) -> Vec<String> {
        labels.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lights_are_those_asked_for_or_the_usual_or_all() {
        let labels = names(&["angry", "happy", "neutral", "surprised"]);
        assert_eq!(lights(&labels, &[]).unwrap(), [0, 1]);
        assert_eq!(lights(&labels, &names(&["surprised", "happy"])).unwrap(), [3, 1]);
        assert_eq!(lights(&names(&["fear", "neutral"]), &[]).unwrap(), [0, 1]);
        let error = lights(&labels, &names(&["glad"])).unwrap_err().to_string();
        assert!(error.contains("--lights glad") && error.contains("surprised"), "{error}");
        let without_calm = Lights::new(&names(&["fear", "neutral"]), &[0.5, 0.5], &[]).unwrap();
        assert_eq!(without_calm.thresholds(), [Some(0.5), None]);
    }

    #[test]
    fn a_light_needs_the_most_probable_label_and_its_threshold() {
        let lights = Lights::new(&names(&["happy", "neutral", "sad", "shy"]), &[0.5, 0.3, 0.7, 0.3], &[]).unwrap();
        assert_eq!(lights.lit(&[0.5, 0.2, 0.2, 0.1]), Some(0));
        assert_eq!(lights.lit(&[0.49, 0.2, 0.2, 0.11]), None);
        assert_eq!(lights.lit(&[0.1, 0.9, 0.0, 0.0]), None, "calm has no light");
        assert_eq!(lights.lit(&[0.1, 0.0, 0.0, 0.9]), None, "shy has no light");
        assert_eq!(lights.lit(&[0.1, 0.1, 0.69, 0.12]), None);
        assert_eq!(lights.sureness(&[0.0, 0.0, 1.0, 0.0]), Some((2, 1.0 / 0.7)));
    }

    #[test]
    fn shares_agree_with_hand_calculation() {
        let lights = Lights::new(&names(&["happy", "neutral", "sad", "shy"]), &[0.5; 4], &[]).unwrap();
        let picture = |target, lit| Outcome { target, predicted: 0, lit };
        let pictures = [
            picture(0, Some(0)),
            picture(0, Some(2)),
            picture(0, None),
            picture(2, Some(2)),
            picture(1, None),
            picture(1, Some(0)),
            // Its label has no light: it can only be lit wrongly.
            picture(3, Some(0)),
        ];
        let shares = LitShares::of(&pictures, &lights);
        assert_eq!(shares.rightly, Share { lit: 2, of: 4 });
        assert_eq!(shares.wrongly, Share { lit: 2, of: 5 });
        assert_eq!(shares.calm, Share { lit: 1, of: 2 });
        assert_eq!((shares.calm.rate(), Share::default().rate()), (Some(0.5), None));
    }
}
