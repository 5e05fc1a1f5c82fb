//! What is around the face: the wall behind, neck and shoulders.

use super::canvas::{Canvas, Coat, FaceTransform, SOLID, ellipse, smoothstep};
use super::colour::{dim, mix};
use super::person::{BLOBS, Person};

/// A wall lit from the light's side, with soft shapes on it.
pub(super) fn background(canvas: &mut Canvas, person: &Person) {
    let [left, _, _] = person.light.towards;
    let level = 1.0 / person.light.exposure.max(1.0).sqrt();
    canvas.fill(|y| {
        let wall = mix(person.walls[0], person.walls[1], (0.5 + y).clamp(0.0, 1.0));
        let mut near = [(0.0, 0.0, 0.0, wall); BLOBS];
        for (near, ([cx, cy], radius, blob)) in near.iter_mut().zip(&person.blobs) {
            let limit = 1.7 * radius * radius;
            *near = (*cx, (y - cy) * (y - cy) / limit, 1.0 / limit, *blob);
        }
        move |x| {
            let mut colour = wall;
            for (cx, down, inverse, blob) in near {
                let share = 1.0 - down - (x - cx) * (x - cx) * inverse;
                if share > 0.0 {
                    colour = mix(colour, blob, share * share);
                }
            }
            dim(colour, (0.8 + 0.18 * left * x) * level)
        }
    });
}

/// How far down a body reaches, in face units: out of any picture that shows a face of some size.
const DEEPEST: f32 = 24.0;

/// Neck, its shadow under the chin, and clothes.
pub(super) fn shoulders(canvas: &mut Canvas, view: &FaceTransform, person: &Person) {
    let [half, height] = person.head;
    let chin = height;
    let chest = chin + 1.15;
    let light = person.light;
    canvas.paint(
        view,
        [-2.6, chin - 0.1, 2.6, DEEPEST],
        SOLID,
        // Round shoulders, and below them a trunk as wide.
        |x, y| if y < chest { ellipse(x, y - chest, [2.0 * half, 1.0]) } else { x.abs() - 2.0 * half },
        |x, y| dim(person.clothes, 0.75 + 0.15 * light.towards[0] * x - 0.1 * (y - chin).min(3.0)),
    );
    canvas.paint(
        view,
        [-0.75, 0.4, 0.75, chin + 0.75],
        SOLID,
        |x, y| {
            ((x.abs() - 0.5 * half - 0.12 * smoothstep(chin, chin + 0.6, y)).max(y - chin - 0.42 + 0.25 * x * x))
                .max(0.4 - y)
        },
        |x, y| {
            let shadow = 0.55 + 0.3 * smoothstep(chin, chin + 0.5, y);
            dim(person.skin, shadow * (0.95 + 0.25 * light.towards[0] * x))
        },
    );
    // The collar's edge.
    canvas.paint(
        view,
        [-0.9, chin, 0.9, chin + 0.7],
        Coat { opacity: 0.5, blur: 0.02 },
        |x, y| (y - chin - 0.42 + 0.25 * x * x).abs() - 0.02 + (x.abs() - 0.62).max(0.0),
        |_, _| dim(person.clothes, 0.5),
    );
}
