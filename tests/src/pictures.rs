//! Drawn faces as data sets.

use emotion_models::{TEST_CARD_LABELS, TestCard};
use image::{GrayImage, Luma, RgbImage};
use std::fmt::Write;
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

/// A part of a data set: photos of drawn persons with their boxes, and photos of walls.
#[track_caller]
pub fn draw_photos(folder: &Path, persons: Range<u64>, walls: u32) {
    let images = folder.join("images");
    std::fs::create_dir_all(&images).expect("a test's own folder can be written");
    let mut boxes = "file,x,y,w,h\n".to_owned();
    for seed in persons {
        let card = TestCard::new(seed);
        card.draw("happy", 7, 160, 120)
            .save(images.join(format!("{seed}.png")))
            .expect("a test's own folder can be written");
        let face = card.face(7, 160, 120);
        let _ = writeln!(boxes, "{seed}.png,{},{},{},{}", face.x, face.y, face.width, face.height);
    }
    for wall in 0..walls {
        let shade = |x: u32, y: u32| Luma([(40 + 3 * wall + x / 2 + y / 3) as u8]);
        GrayImage::from_fn(160, 120, shade)
            .save(images.join(format!("wall{wall}.png")))
            .expect("a test's own folder can be written");
        let _ = writeln!(boxes, "wall{wall}.png,,,,");
    }
    std::fs::write(folder.join("boxes.csv"), boxes).expect("a test's own folder can be written");
}

/// Photos of people somewhere in a room, as a phone takes them.
#[track_caller]
pub fn draw_snapshots(folder: &Path) {
    for (label, seed) in [("happy", 1), ("happy", 2), ("sad", 3)] {
        let folder = folder.join("train").join(label);
        std::fs::create_dir_all(&folder).expect("a test's own folder can be written");
        let mut room = RgbImage::from_pixel(640, 480, image::Rgb([150, 140, 120]));
        let person = TestCard::new(seed).draw(label, 0, 200, 200);
        image::imageops::replace(&mut room, &person, 300, 200);
        room.save(folder.join(format!("{seed}.jpg"))).expect("a test's own folder can be written");
    }
}
