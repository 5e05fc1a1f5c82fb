//! The room of a scene: a wall and things on it, which drift as before a camera that is not quite still.

use super::canvas::{Canvas, Coat, FaceTransform, SOLID};
use super::colour::{Rgb, dim, mix};
use super::person::Person;
use super::scene::background;
use std::f32::consts::TAU;

/// What hangs or stands at the wall: left, top, right and bottom, as fractions of the shorter side from the middle, and how
/// light it is beside the wall.
const THINGS: [([f32; 4], f32); 4] = [
    ([-0.62, -0.38, -0.34, -0.14], 1.25),
    ([0.36, -0.44, 0.52, -0.20], 0.6),
    ([-0.9, 0.18, -0.3, 0.22], 0.45),
    ([0.42, 0.08, 0.86, 0.9], 0.75),
];

/// Paints the wall and what is on it, at frame number `frame`.
pub(super) fn paint(canvas: &mut Canvas, person: &Person, frame: u64) {
    // Every motion repeats within 100 000 frames, so that a float counts them exactly.
    let time = (frame % 100_000) as f32;
    let wave = |period: f32, phase: f32| (TAU * (time / period + phase)).sin();
    let mut room = person.clone();
    for (index, (centre, ..)) in room.blobs.iter_mut().enumerate() {
        let phase = person.phases[index];
        centre[0] += 0.14 * wave(150.0 + 31.0 * index as f32, phase);
        centre[1] += 0.05 * wave(190.0 - 17.0 * index as f32, phase + 0.25);
    }
    background(canvas, &room);

    let (width, height) = (canvas.width as f32, canvas.height as f32);
    let side = width.min(height);
    let pan = [0.05 * wave(210.0, person.phases[0]), 0.015 * wave(130.0, person.phases[1])];
    let view = FaceTransform::at([width / 2.0 + side * pan[0], height / 2.0 + side * pan[1]], side, 0.0);
    for ([left, top, right, bottom], lightness) in THINGS {
        let outside = move |x: f32, y: f32| (left - x).max(x - right).max(top - y).max(y - bottom);
        let colour = tone(person.walls[1], lightness);
        canvas.paint(&view, [left, top, right, bottom], SOLID, outside, |_, y| dim(colour, 1.0 - 0.15 * (y - top)));
        // What lies inside the edge is another thing's colour: a frame, a door.
        let inner = Coat { opacity: 0.8, blur: 0.004 };
        let inlay = mix(colour, person.clothes, 0.3);
        canvas.paint(&view, [left, top, right, bottom], inner, |x, y| outside(x, y) + 0.015, |_, _| inlay);
    }
}

/// `colour` made so many times as light, without burning out.
fn tone(colour: Rgb, lightness: f32) -> Rgb {
    colour.map(|value| (value * lightness).min(0.95))
}
