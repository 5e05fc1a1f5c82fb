//! The test card as a source: a drawn face that shows one mood after the other, alone or in a scene.

use super::{FrameSource, SourceError};
use crate::frame::Frame;
use emotion_models::{PixelFormat, Scene, TEST_CARD_LABELS, TestCard};
use image::RgbImage;

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;

/// Draws frames of 640x480 RGB pixels. Only this source knows which mood it draws.
pub struct TestCardSource {
    card: TestCard,
    frames_per_mood: u64,
}

impl TestCardSource {
    /// The person of `seed`, showing each mood for `frames_per_mood` frames (at least 1).
    pub fn new(seed: u64, frames_per_mood: u64) -> Self {
        Self { card: TestCard::new(seed), frames_per_mood: frames_per_mood.max(1) }
    }
}

impl FrameSource for TestCardSource {
    fn fill(&mut self, number: u64, frame: &mut Frame) -> Result<bool, SourceError> {
        let turn = number / self.frames_per_mood % TEST_CARD_LABELS.len() as u64;
        let picture = self.card.draw(TEST_CARD_LABELS[turn as usize], number, WIDTH, HEIGHT);
        put(picture, frame);
        Ok(true)
    }

    fn is_live(&self) -> bool {
        true
    }
}

/// Draws frames of 640x480 RGB pixels: a person who walks through a room, and the empty room.
pub struct SceneSource {
    scene: Scene,
}

impl SceneSource {
    /// The person of `seed`; each mood, and the empty room, has `frames_per_turn` frames (at least 1).
    pub fn new(seed: u64, frames_per_turn: u64) -> Self {
        Self { scene: Scene::new(seed, frames_per_turn) }
    }
}

impl FrameSource for SceneSource {
    fn fill(&mut self, number: u64, frame: &mut Frame) -> Result<bool, SourceError> {
        put(self.scene.draw(number, WIDTH, HEIGHT), frame);
        Ok(true)
    }

    fn is_live(&self) -> bool {
        true
    }
}

fn put(picture: RgbImage, frame: &mut Frame) {
    frame.shape(PixelFormat::Rgb, picture.width(), picture.height());
    frame.data = picture.into_raw();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_mood_has_its_turn_and_then_the_first_again() {
        let mut source = TestCardSource::new(1, 10);
        let card = TestCard::new(1);
        for (number, label) in [(0, 0), (9, 0), (10, 1), (29, 2), (30, 0)] {
            let mut frame = Frame::empty();
            assert!(source.fill(number, &mut frame).unwrap());
            let drawn = card.draw(TEST_CARD_LABELS[label], number, WIDTH, HEIGHT);
            assert!(frame.data == drawn.into_raw(), "frame {number}");
            assert!(frame.view().is_ok());
        }
    }

    #[test]
    fn a_scene_is_drawn_frame_by_frame() {
        let (mut source, scene) = (SceneSource::new(1, 10), Scene::new(1, 10));
        for number in [0, 15, 39, 40] {
            let mut frame = Frame::empty();
            assert!(source.fill(number, &mut frame).unwrap() && source.is_live());
            assert!(frame.data == scene.draw(number, WIDTH, HEIGHT).into_raw(), "frame {number}");
            assert!(frame.view().is_ok());
        }
    }
}
