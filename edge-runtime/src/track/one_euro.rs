//! A box that stands still with a face that does, and keeps up with one that moves: the one-euro filter (Casiez, Roussel and
//! Vogel, CHI 2012).

use emotion_models::{Face, Rect};
use std::f32::consts::TAU;
use std::time::Duration;

/// Cut-off frequency for a face that stands still, in hertz.
const STILL: f32 = 1.0;
/// By how much the cut-off rises with each face's width a second that it moves, or e-fold that it grows.
const QUICK: f32 = 4.0;
/// Cut-off frequency of the speed itself, in hertz, as in the paper.
const SPEED: f32 = 1.0;
/// A box that has less than this in common with where the face now is jumps there.
const JUMPS: f32 = 0.7;

/// A smoothed box.
#[derive(Clone, Copy, Debug)]
pub struct Steady {
    at: Duration,
    /// Middle, and logarithms of width and height.
    value: [f32; 4],
    /// Change of each a second, of the middle in widths.
    speed: [f32; 4],
    score: f32,
}

impl Steady {
    /// A box that was just found.
    pub fn new(face: &Face, at: Duration) -> Self {
        Self { at, value: values(face), speed: [0.0; 4], score: face.score }
    }

    /// Follows the face to where it was found at time `at`.
    pub fn follow(&mut self, face: &Face, at: Duration) {
        let seconds = at.saturating_sub(self.at).as_secs_f32();
        self.score = face.score;
        if seconds <= 0.0 {
            // A second look at the same frame.
            if self.face().rect.iou(face.rect) < JUMPS {
                *self = Self::new(face, self.at);
            }
            return;
        }
        self.at = at;
        let width = self.value[2].exp().max(1.0);
        let units = [width, width, 1.0, 1.0];
        for (((value, speed), now), unit) in self.value.iter_mut().zip(&mut self.speed).zip(values(face)).zip(units) {
            *speed += share(SPEED, seconds) * ((now - *value) / unit / seconds - *speed);
            *value += share(STILL + QUICK * speed.abs(), seconds) * (now - *value);
        }
        if self.face().rect.iou(face.rect) < JUMPS {
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
        let mut steady = Steady::new(&face(200.0), frame(0));
        let (mut low, mut high) = (f32::MAX, f32::MIN);
        for number in 1..300 {
            steady.follow(&face(200.0 + if number % 2 == 0 { 3.0 } else { -3.0 }), frame(number));
            if number > 30 {
                (low, high) = (low.min(steady.face().rect.x), high.max(steady.face().rect.x));
            }
        }
        assert!(high - low < 3.0, "6 pixels became {}", high - low);
    }

    #[test]
    fn a_face_that_walks_is_kept_up_with_and_one_that_jumps_too() {
        let mut steady = Steady::new(&face(100.0), frame(0));
        for number in 1..60 {
            let now = face(100.0 + 5.0 * number as f32);
            steady.follow(&now, frame(number));
            assert!(steady.face().rect.iou(now.rect) > 0.75, "frame {number}: {:?}", steady.face());
        }
        steady.follow(&face(20.0), frame(60));
        assert!(steady.face().rect.iou(face(20.0).rect) > 0.75, "{:?}", steady.face());
    }
}
