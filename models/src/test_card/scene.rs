//! What is around the face: the wall behind, neck and shoulders.

use super::canvas::{Canvas, Coat, SOLID, View, dim, ellipse, mix, smoothstep};
use super::person::Person;

/// A wall lit from the light's side, with soft shapes on it.
pub(super) fn background(canvas: &mut Canvas, person: &Person) {
    let [left, _, _] = person.light.towards;
    canvas.fill(|x, y| {
        let mut colour = mix(person.walls[0], person.walls[1], (0.5 + y).clamp(0.0, 1.0));
        for ([cx, cy], radius, blob) in &person.blobs {
            let square = (x - cx) * (x - cx) + (y - cy) * (y - cy);
            let limit = 1.7 * radius * radius;
            if square < limit {
                let share = 1.0 - square / limit;
                colour = mix(colour, *blob, share * share);
            }
        }
        dim(colour, (0.8 + 0.18 * left * x) / person.light.exposure.max(1.0).sqrt())
    });
}

/// Neck, its shadow under the chin, and clothes.
pub(super) fn shoulders(canvas: &mut Canvas, view: &View, person: &Person) {
    let [half, height] = person.head;
    let chin = height;
    let light = person.light;
    canvas.paint(
        view,
        [-2.6, chin - 0.1, 2.6, 3.0],
        SOLID,
        |x, y| ellipse(x, y - chin - 1.15, [2.0 * half, 1.0]),
        |x, y| dim(person.clothes, 0.75 + 0.15 * light.towards[0] * x - 0.1 * (y - chin)),
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
