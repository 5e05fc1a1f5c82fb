//! Occlusion: faces partly hidden, as by masks, dark glasses, hands and cups.

use super::view::Canvas;
use emotion_models::Rect;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Hides a part of a face whose bounding box lies in the scene.
pub fn occlude(canvas: &mut Canvas, face: Rect, random: &mut ChaCha8Rng) {
    match random.random_range(0..10) {
        0..4 => mask(canvas, face, random),
        4..6 => glasses(canvas, face, random),
        _ => object(canvas, face, random),
    }
}

/// From below the eyes to the chin, narrower towards the chin, with folds.
fn mask(canvas: &mut Canvas, Rect { x: left, y: top, width, height }: Rect, random: &mut ChaCha8Rng) {
    let tone = random.random_range(10.0..250.0f32);
    let (upper, lower) = (random.random_range(0.42..0.62f32), random.random_range(0.9..1.05f32));
    let broad = random.random_range(0.36..0.48f32);
    let (folds, shade) = (random.random_range(0.0..30.0f32), random.random_range(-60.0..60.0f32));
    fill(canvas, Rect::new(left, top + upper * height, width, (lower - upper) * height), |x, y, _| {
        let half = broad * (1.0 - 0.45 * y * y);
        (x - 0.5).abs().lt(&half).then(|| tone + shade * (x - 0.5) + folds * (y * 18.0).sin())
    });
}

/// A band over the eyes.
fn glasses(canvas: &mut Canvas, Rect { x: left, y: top, width, height }: Rect, random: &mut ChaCha8Rng) {
    let tone = random.random_range(0.0..70.0f32);
    let (upper, deep) = (random.random_range(0.27..0.36f32), random.random_range(0.12..0.22f32));
    let bridge = random.random_range(0.02..0.07f32);
    fill(canvas, Rect::new(left, top + upper * height, width, deep * height), |x, y, _| {
        let inside = (x - 0.5).abs() > bridge || y < 0.3;
        (inside && (0.08..0.92).contains(&x)).then_some(tone)
    });
}

/// An ellipse or a rectangle over an edge of the face, filled with one tone or with another part of the scene.
fn object(canvas: &mut Canvas, Rect { x: left, y: top, width, height }: Rect, random: &mut ChaCha8Rng) {
    let size = [width, height].map(|side| side * random.random_range(0.25..0.55f32));
    let angle = random.random_range(0.0..std::f32::consts::TAU);
    let middle = [left + width * (0.5 + 0.45 * angle.cos()), top + height * (0.5 + 0.45 * angle.sin())];
    let (round, plain) = (random.random_bool(0.6), random.random_bool(0.5));
    let tone = random.random_range(0.0..255.0f32);
    let moved = random.random_range(0..canvas.values.len());
    fill(
        canvas,
        Rect::new(middle[0] - size[0] / 2.0, middle[1] - size[1] / 2.0, size[0], size[1]),
        |x, y, elsewhere| {
            let inside = !round || (2.0 * x - 1.0).hypot(2.0 * y - 1.0) < 1.0;
            inside.then(|| if plain { tone } else { elsewhere(moved) })
        },
    );
}

/// Sets what lies in `place` to what `tone` says of a position, as fractions of the place's size; it may ask for the value that
/// stands so many pixels further on.
fn fill(canvas: &mut Canvas, place: Rect, tone: impl Fn(f32, f32, &dyn Fn(usize) -> f32) -> Option<f32>) {
    let Rect { x: left, y: top, width, height } = place;
    let end = |at: f32, most: usize| (at.max(0.0).ceil() as usize).min(most);
    let before = canvas.values.clone();
    for row in end(top - 0.5, canvas.height)..end(top + height - 0.5, canvas.height) {
        for column in end(left - 0.5, canvas.width)..end(left + width - 0.5, canvas.width) {
            let (x, y) = ((column as f32 + 0.5 - left) / width, (row as f32 + 0.5 - top) / height);
            let index = row * canvas.width + column;
            let elsewhere = |moved: usize| before[(index + moved) % before.len()];
            if let Some(value) = tone(x, y, &elsewhere) {
                canvas.values[index] = value.clamp(0.0, 255.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn a_part_of_the_face_is_hidden_and_nothing_far_from_it() {
        let face = Rect::new(60.0, 30.0, 40.0, 50.0);
        let mut changed = 0;
        for index in 0..200 {
            let random = &mut stream(Purpose::Scene, 1, 0, index);
            let mut canvas =
                Canvas { width: 160, height: 120, values: (0..19_200).map(|at| (at % 251) as f32).collect() };
            let before = canvas.values.clone();
            occlude(&mut canvas, face, random);
            let places = (0..19_200).filter(|&at| canvas.values[at] != before[at]);
            let inside = |at: usize| {
                let (x, y) = ((at % 160) as f32, (at / 160) as f32);
                (face.x - 20.0..face.x + face.width + 20.0).contains(&x)
                    && (face.y - 20.0..face.y + face.height + 20.0).contains(&y)
            };
            let places: Vec<usize> = places.collect();
            assert!(places.iter().all(|&at| inside(at)), "scene {index}");
            assert!(places.len() < 40 * 50 * 7 / 10, "scene {index}: {}", places.len());
            changed += usize::from(!places.is_empty());
        }
        assert!(changed > 190, "{changed}");
        // A face outside the scene is no fault.
        let mut canvas = Canvas { width: 16, height: 12, values: vec![9.0; 192] };
        (0..50).for_each(|index| {
            occlude(&mut canvas, Rect::new(-90.0, 300.0, 20.0, 9.0), &mut stream(Purpose::Scene, 1, 0, index))
        });
        assert!(canvas.values.iter().all(|&value| value == 9.0));
    }
}
