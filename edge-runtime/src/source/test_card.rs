//! The test card as a source: a drawn face that shows one mood after the other.

use super::{FrameSource, SourceError};
use crate::frame::Frame;
use emotion_models::{PixelFormat, TEST_CARD_LABELS, TestCard};

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
        frame.shape(PixelFormat::Rgb, WIDTH, HEIGHT);
        frame.data = picture.into_raw();
        Ok(true)
    }

    fn is_live(&self) -> bool {
        true
    }
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
}
