//! Drawn faces as a data set.

use emotion_models::{TEST_CARD_LABELS, TestCard};
use std::ops::Range;
use std::path::Path;

/// Which faces to draw.
#[derive(Clone, Debug)]
pub struct Faces {
    /// Persons: every seed shows every label. Training takes seeds from 1000 up, tests those below.
    pub seeds: Range<u64>,
    /// Pictures of each person and label.
    pub frames: u64,
    /// Rows and columns of a picture, in pixels.
    pub side: u32,
}

/// Draws `faces` below `folder`, one folder a label of the test card: `folder/LABEL/SEED-FRAME.png`.
#[track_caller]
pub fn draw_faces(folder: &Path, faces: &Faces) {
    for label in TEST_CARD_LABELS {
        let folder = folder.join(label);
        std::fs::create_dir_all(&folder).expect("a test's own folder can be written");
        for seed in faces.seeds.clone() {
            let card = TestCard::new(seed);
            for frame in 0..faces.frames {
                // Frames far apart: neighbours would be near-copies of each other.
                let picture = card.draw(label, frame * 45, faces.side, faces.side);
                picture.save(folder.join(format!("{seed}-{frame}.png"))).expect("a picture can be written");
            }
        }
    }
}
