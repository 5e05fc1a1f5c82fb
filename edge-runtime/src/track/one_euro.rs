//! The one-euro filter (Casiez, Roussel and Vogel, CHI 2012): a box that stands still with a face that does, and keeps up with one that
//! moves.
//!
//! A low-pass filter strong enough to hide a detector's jitter lags behind a face that walks. This one raises its cut-off frequency
//! with the speed of what it smooths: a still box hardly moves, a quick one hardly lags. The speed is smoothed as well, else jitter
//! would pass for speed. Sizes are smoothed as logarithms, so that growing and shrinking count alike, and the centre's speed counts
//! in face widths, so that a near face and a distant one are treated alike.

use emotion_models::{Face, Rect};
use std::f32::consts::TAU;
use std::time::Duration;

/// Cut-off frequency for a face that stands still, in hertz.
const MIN_CUTOFF: f32 = 1.0;
/// By how much the cut-off rises with each face's width a second that it moves, or e-fold that it grows.
const SPEED_COEFFICIENT: f32 = 4.0;
/// Cut-off frequency of the speed itself, in hertz, as in the paper.
const SPEED_CUTOFF: f32 = 1.0;
/// A box whose intersection over union with the face is less jumps to it.
const MIN_IOU: f32 = 0.7;

/// A smoothed box.
#[derive(Clone, Copy, Debug)]
pub struct OneEuroFilter {
    at: Duration,
    /// Centre, and logarithms of width and height.
    value: [f32; 4],
    /// Change of each a second, of the centre in widths.
    speed: [f32; 4],
    score: f32,
}

impl OneEuroFilter {
    /// A box that was just found.
    pub fn new(face: &Face, at: Duration) -> Self {
        Self { at, value: values(face), speed: [0.0; 4], score: face.score }
    }

    /// Moves the box towards where the face was detected at time `at`.
    pub fn update(&mut self, face: &Face, at: Duration) {
        let seconds = at.saturating_sub(self.at).as_secs_f32();
        self.score = face.score;
        if seconds <= 0.0 {
            // A second detection in the same frame.
            if self.face().rect.iou(face.rect) < MIN_IOU {
                *self = Self::new(face, self.at);
            }
            return;
        }
        self.at = at;
        let width = self.value[2].exp().max(1.0);
        let units = [width, width, 1.0, 1.0];
        for (((value, speed), now), unit) in self.value.iter_mut().zip(&mut self.speed).zip(values(face)).zip(units) {
            *speed += share(SPEED_CUTOFF, seconds) * ((now - *value) / unit / seconds - *speed);
            *value += share(MIN_CUTOFF + SPEED_COEFFICIENT * speed.abs(), seconds) * (now - *value);
        }
        if self.face().rect.iou(face.rect) < MIN_IOU {
            *self = Self::new(face, at);
        }
    }

    /// The box as it is now.
    pub fn face(&self) -> Face {
        let [x, y, width, height] = self.value;
        let (width, height) = (width.exp(), height.exp());
        let rect = Rect { x: x - width / 2.0, y: y - height / 2.0, width, height };
        Face { rect, score: self.score }
    }
}

fn values(face: &Face) -> [f32; 4] {
    let [x, y] = face.rect.centre();
    [x, y, face.rect.width.max(1.0).ln(), face.rect.height.max(1.0).ln()]
}

/// The share of a step that a low-pass of `cutoff` hertz lets through in so many seconds.
fn share(cutoff: f32, seconds: f32) -> f32 {
    let turns = TAU * cutoff * seconds;
    turns / (1.0 + turns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32) -> Face {
        Face { rect: Rect::new(x, 100.0, 80.0, 100.0), score: 0.9 }
    }

    fn frame(number: u64) -> Duration {
        Duration::from_secs(number) / 30
    }

    #[test]
    fn a_trembling_box_of_a_still_face_stands_nearly_still() {
        let mut filter = OneEuroFilter::new(&face(200.0), frame(0));
        let (mut low, mut high) = (f32::MAX, f32::MIN);
        for number in 1..300 {
            filter.update(&face(200.0 + if number % 2 == 0 { 3.0 } else { -3.0 }), frame(number));
            if number > 30 {
                (low, high) = (low.min(filter.face().rect.x), high.max(filter.face().rect.x));
            }
        }
        assert!(high - low < 3.0, "6 pixels became {}", high - low);
    }

    #[test]
    fn a_face_that_walks_is_kept_up_with_and_one_that_jumps_too() {
        let mut filter = OneEuroFilter::new(&face(100.0), frame(0));
        for number in 1..60 {
            let now = face(100.0 + 5.0 * number as f32);
            filter.update(&now, frame(number));
            assert!(filter.face().rect.iou(now.rect) > 0.75, "frame {number}: {:?}", filter.face());
        }
        filter.update(&face(20.0), frame(60));
        assert!(filter.face().rect.iou(face(20.0).rect) > 0.75, "{:?}", filter.face());
    }
}
