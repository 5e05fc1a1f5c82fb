//! A scene in four turns: the person comes in angry, is happy and then sad in other places and sizes, and walks out.

use super::{Place, TEST_CARD_LABELS, TestCard};
use crate::rect::Rect;
use image::RgbImage;
use std::f32::consts::TAU;

/// Out of view, just beyond the right edge.
const OUTSIDE: f32 = 1.25;

/// Where the person comes from, where each mood is shown, and where the person goes.
const STOPS: [Place; 5] = [
    Place { x: OUTSIDE, y: 0.50, size: 0.24 },
    Place { x: 0.68, y: 0.46, size: 0.24 },
    Place { x: 0.30, y: 0.52, size: 0.18 },
    Place { x: 0.64, y: 0.42, size: 0.14 },
    Place { x: OUTSIDE, y: 0.44, size: 0.14 },
];

/// Share of a turn that going to the next stop takes.
const WALK: f32 = 0.35;

/// A drawn person in a room: each of [`TEST_CARD_LABELS`] has its turn, at another place, and the last turn shows the
/// empty room. Then it begins again.
#[derive(Clone, Debug)]
pub struct Scene {
    card: TestCard,
    frames_per_turn: u64,
}

impl Scene {
    /// The turns, the empty one included.
    pub const TURNS: u64 = TEST_CARD_LABELS.len() as u64 + 1;

    /// The person of `seed`; a turn takes `frames_per_turn` frames (at least 1).
    pub fn new(seed: u64, frames_per_turn: u64) -> Self {
        Self { card: TestCard::new(seed), frames_per_turn: frames_per_turn.max(1) }
    }

    /// What is shown at frame number `frame`: a label and where the face is; `None` while nobody is there. In the first 35 % of
    /// a turn the person walks, into view in the first turn, and out of it in the last.
    pub fn shown(&self, frame: u64) -> Option<(&'static str, Place)> {
        let turn = (frame / self.frames_per_turn % Self::TURNS) as usize;
        let gone = (frame % self.frames_per_turn) as f32 / self.frames_per_turn as f32;
        // Who walks out shows the last mood still.
        let label = TEST_CARD_LABELS[turn.min(TEST_CARD_LABELS.len() - 1)];
        if turn == TEST_CARD_LABELS.len() && gone >= WALK {
            return None;
        }
        let walked = (gone / WALK).min(1.0);
        let walked = walked * walked * (3.0 - 2.0 * walked);
        let between = |part: fn(&Place) -> f32| {
            let [from, to] = [turn, turn + 1].map(|stop| part(&STOPS[stop]));
            from + (to - from) * walked
        };
        // A real person never stands quite still.
        let waver = 0.02 * (TAU * (frame % 100_000) as f32 / 83.0).sin();
        let place = Place {
            x: between(|stop| stop.x) + waver,
            y: between(|stop| stop.y) + 0.4 * waver,
            size: between(|stop| stop.size),
        };
        Some((label, place))
    }

    /// Draws it at frame number `frame`, in `width` x `height` pixels (each at least 1; 0 counts as 1).
    pub fn draw(&self, frame: u64, width: u32, height: u32) -> RgbImage {
        self.card.scene(self.shown(frame), frame, width, height)
    }

    /// The face's box in what [`Scene::draw`] draws; it may reach beyond the picture or lie outside it. `None` while
    /// nobody is there.
    pub fn face(&self, frame: u64, width: u32, height: u32) -> Option<Rect> {
        self.shown(frame).map(|(_, place)| self.card.face_at(place, frame, width, height))
    }
}
