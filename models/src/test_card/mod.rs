//! The test card: a drawn face of the project's own, by label, seed and frame number.
//!
//! It stands where a camera would on a first run without one, and gives tests a face whose mood is known. The seed
//! makes the person, the light and the place; the frame number makes small motion. Expressions follow the action units
//! of the Facial Action Coding System (Ekman and Friesen, 1978).

mod canvas;
mod colour;
mod expression;
mod face;
mod face_box;
mod features;
mod hair;
mod person;
mod place;
mod room;
mod scene;
mod stage;

use canvas::{Canvas, FaceTransform};
use expression::{Expression, Motion};
use image::RgbImage;
use person::Person;
pub use place::Place;
pub use stage::Scene;

/// The moods the test card can show, in the order of the lights.
pub const TEST_CARD_LABELS: [&str; 3] = ["angry", "happy", "sad"];

/// The person a first run shows.
pub const DEMO_SEED: u64 = 7;

/// Whether `seed` belongs to tests and the demo, 0 to 999; the trainer learns from seeds of 1000 and above only.
pub fn is_reserved_seed(seed: u64) -> bool {
    seed < 1000
}

/// One drawn person in one place: the same seed always gives the same pictures.
#[derive(Clone, Debug)]
pub struct TestCard {
    person: Person,
}

impl TestCard {
    /// The person of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { person: Person::new(seed) }
    }

    /// Draws the person showing `label`, one of [`TEST_CARD_LABELS`] (any other gives a calm face), at frame number
    /// `frame`, which moves head, eyes and light a little, as at 30 frames a second.
    ///
    /// The face sits near the middle and largely fills the centred square of the `width` x `height` pixels (each at
    /// least 1; 0 counts as 1).
    pub fn draw(&self, label: &str, frame: u64, width: u32, height: u32) -> RgbImage {
        let motion = Motion::at(&self.person, frame);
        let mut canvas = Canvas::new(width.max(1), height.max(1));
        let view = FaceTransform::new(&canvas, &self.person, &motion);
        scene::background(&mut canvas, &self.person);
        self.paint(&mut canvas, &view, &motion, label);
        canvas.finish(&self.person, &motion, frame)
    }

    /// Draws a room whose background moves, and in it the person showing their label at their place, or nobody for `None`. Frame
    /// number and size are as in [`TestCard::draw`]; a person beyond the edges is cut off by them.
    pub fn scene(&self, shown: Option<(&str, Place)>, frame: u64, width: u32, height: u32) -> RgbImage {
        let motion = Motion::at(&self.person, frame);
        let mut canvas = Canvas::new(width.max(1), height.max(1));
        room::paint(&mut canvas, &self.person, frame);
        if let Some((label, place)) = shown {
            let view = place.view(&canvas, &self.person, &motion);
            self.paint(&mut canvas, &view, &motion, label);
        }
        canvas.finish(&self.person, &motion, frame)
    }

    /// Paints the person over what is on the canvas.
    fn paint(&self, canvas: &mut Canvas, view: &FaceTransform, motion: &Motion, label: &str) {
        let person = &self.person;
        let expression = Expression::of(label, person, motion);
        hair::behind(canvas, view, person);
        scene::shoulders(canvas, view, person);
        face::head(canvas, view, person, &expression);
        features::nose(canvas, view, person, &expression);
        features::mouth(canvas, view, person, &expression);
        features::eyes(canvas, view, person, &expression, motion);
        hair::in_front(canvas, view, person);
        features::brows(canvas, view, person, &expression);
    }
}
