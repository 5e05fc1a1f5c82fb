//! The head itself: outline, light on the skin, ears, beard, and the creases an expression makes.

use super::canvas::{Canvas, Coat, FaceTransform, SOLID, ellipse, smoothstep, stroke};
use super::colour::{Rgb, dim, mix};
use super::expression::Expression;
use super::person::Person;

/// Signed distance to the head's outline: an ellipse whose lower half narrows to the chin.
pub(super) fn outline(person: &Person, x: f32, y: f32) -> f32 {
    let narrowing = 1.0 - person.jaw * smoothstep(0.1, person.head[1], y);
    ellipse(x / narrowing, y, person.head) * narrowing
}

/// Light on the face at a point: that on an ellipsoid, from the person's light.
pub(super) fn lit(person: &Person, x: f32, y: f32) -> f32 {
    let [half, height] = person.head;
    let (u, v) = (0.92 / half * x, 0.8 / height * y);
    let depth = (1.0 - u * u - v * v).max(0.03).sqrt();
    let [lx, ly, lz] = person.light.towards;
    let lambert = (u * lx + v * ly + depth * lz).max(0.0);
    person.light.ambient * (0.75 + 0.25 * depth) + (1.0 - person.light.ambient) * 1.3 * lambert
}

/// The skin's colour at a point, lit.
pub(super) fn skin(person: &Person, x: f32, y: f32) -> Rgb {
    dim(person.skin, lit(person, x, y))
}

/// The colour of a crease in the skin: darker and a little redder.
pub(super) fn crease(person: &Person, x: f32, y: f32) -> Rgb {
    let [r, g, b] = skin(person, x, y);
    [0.5 * r, 0.4 * g, 0.38 * b]
}

/// A line of half width `radius` in the skin, on both sides of the face.
fn creases(canvas: &mut Canvas, view: &FaceTransform, person: &Person, opacity: f32, points: &[[f32; 2]], radius: f32) {
    if opacity <= 0.01 {
        return;
    }
    let coat = Coat { opacity: opacity.min(1.0), blur: radius };
    let reach = |axis: usize, pick: fn(f32, f32) -> f32, start: f32| points.iter().map(|p| p[axis]).fold(start, pick);
    let (left, right) = (reach(0, f32::min, 9.0) - 2.0 * radius, reach(0, f32::max, -9.0) + 2.0 * radius);
    let (top, bottom) = (reach(1, f32::min, 9.0) - 2.0 * radius, reach(1, f32::max, -9.0) + 2.0 * radius);
    for side in [-1.0, 1.0] {
        let bounds = if side < 0.0 { [-right, top, -left, bottom] } else { [left, top, right, bottom] };
        canvas.paint(
            view,
            bounds,
            coat,
            |x, y| {
                let segments = points.windows(2).map(|pair| stroke(side * x, y, pair[0], pair[1], radius));
                segments.fold(f32::INFINITY, f32::min)
            },
            |x, y| crease(person, x, y),
        );
    }
}

/// A soft patch that multiplies the skin's brightness, on both sides of the face.
fn patches(
    canvas: &mut Canvas,
    view: &FaceTransform,
    person: &Person,
    centre: [f32; 2],
    radii: [f32; 2],
    opacity: f32,
    tone: Rgb,
) {
    for side in [-1.0, 1.0] {
        let [cx, cy] = [side * centre[0], centre[1]];
        canvas.paint(
            view,
            [cx - radii[0], cy - radii[1], cx + radii[0], cy + radii[1]],
            Coat { opacity, blur: radii[0].min(radii[1]) },
            |x, y| ellipse(x - cx, y - cy, radii.map(|radius| 0.6 * radius)).max(outline(person, x, y)),
            |x, y| {
                let skin = skin(person, x, y);
                [0, 1, 2].map(|channel| skin[channel] * tone[channel])
            },
        );
    }
}

/// Ears, head, the sockets' and cheeks' shading, beard, and the expression's creases.
pub(super) fn head(canvas: &mut Canvas, view: &FaceTransform, person: &Person, expression: &Expression) {
    let [half, height] = person.head;
    for side in [-1.0, 1.0] {
        let ear = [side * (half + 0.01), 0.05];
        canvas.paint(
            view,
            [ear[0] - 0.16, -0.25, ear[0] + 0.16, 0.35],
            SOLID,
            |x, y| ellipse(x - ear[0] - 0.06 * (y - 0.05) * side, y - ear[1], [0.12, 0.25]),
            |x, y| {
                let inside = smoothstep(0.02, -0.06, ellipse(x - ear[0] - 0.02 * side, y - ear[1], [0.09, 0.2]));
                dim(mix(person.skin, [0.6, 0.25, 0.2], 0.15), lit(person, 0.92 * x, y) * (0.92 - 0.22 * inside))
            },
        );
    }
    canvas.paint(view, [-half, -height, half, height], SOLID, |x, y| outline(person, x, y), |x, y| skin(person, x, y));

    // Eye sockets, the cheeks' colour, the hollow under the lower lip.
    let shaded = [0.78, 0.72, 0.70];
    patches(canvas, view, person, [person.eye_gap, -0.16], [0.40, 0.30], 0.6, shaded);
    patches(canvas, view, person, [0.52, 0.34], [0.38, 0.32], 0.35, [1.04, 0.86, 0.84]);
    patches(canvas, view, person, [0.0, 1.0], [0.30, 0.10], 0.35, shaded);
    beard(canvas, view, person);

    // Raised cheeks: light on them, a fold from nose to mouth, crow's feet.
    let cheeks = expression.cheeks;
    if cheeks > 0.0 {
        patches(canvas, view, person, [0.50, 0.24], [0.30, 0.20], 0.5 * cheeks, [1.14, 1.08, 1.06]);
    }
    creases(canvas, view, person, 0.6 * cheeks, &[[0.21, 0.38], [0.40, 0.50], [0.56, 0.68]], 0.02);
    creases(canvas, view, person, 0.3 * cheeks, &[[person.eye_gap - 0.12, 0.07], [person.eye_gap + 0.2, 0.04]], 0.015);
    for rise in [-0.09, 0.0] {
        let from = [person.eye_gap + 0.30, -0.10 + 0.5 * rise];
        creases(canvas, view, person, 0.5 * cheeks, &[from, [from[0] + 0.12, from[1] + rise + 0.03]], 0.012);
    }

    // A scowl: upright folds between the brows, the nose's root wrinkled, its wings' fold.
    creases(canvas, view, person, 0.9 * expression.frown, &[[0.06, -0.56], [0.075, -0.30]], 0.018);
    creases(canvas, view, person, 0.6 * expression.nose, &[[0.02, -0.12], [0.12, -0.17]], 0.015);
    creases(canvas, view, person, 0.55 * expression.nose, &[[0.20, 0.30], [0.33, 0.46], [0.40, 0.62]], 0.02);

    // Raised inner brows fold the middle of the forehead; lowered corners and a raised chin pull the skin below.
    for (row, width) in [(-0.66, 0.20), (-0.76, 0.24), (-0.86, 0.18)] {
        creases(canvas, view, person, 0.6 * expression.forehead, &[[0.0, row], [width, row + 0.035]], 0.014);
    }
    let lowered = (-expression.corners).max(0.0);
    creases(canvas, view, person, 0.5 * lowered, &[[0.44, 0.84], [0.48, 0.98]], 0.018);
    creases(canvas, view, person, 0.5 * expression.chin, &[[0.0, 0.95], [0.16, 0.985]], 0.018);
}

fn beard(canvas: &mut Canvas, view: &FaceTransform, person: &Person) {
    if person.beard <= 0.0 {
        return;
    }
    let [half, height] = person.head;
    let colour = |x: f32, y: f32| dim(mix(person.hair, person.skin, 0.15), lit(person, x, y));
    canvas.paint(
        view,
        [-half, 0.1, half, height],
        Coat { opacity: 0.85 * person.beard, blur: 0.08 },
        |x, y| (0.98 - 0.95 * x * x - y).max(outline(person, x, y)),
        colour,
    );
    if person.moustache {
        canvas.paint(
            view,
            [-0.42, 0.46, 0.42, 0.72],
            Coat { opacity: person.beard, blur: 0.04 },
            |x, y| stroke(x.abs(), y, [0.03, 0.535], [0.30, 0.60], 0.045),
            colour,
        );
    }
}
