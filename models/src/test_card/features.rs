//! Nose, mouth, eyes and brows.

use super::canvas::{Canvas, Coat, FaceTransform, SOLID, ellipse, length, smoothstep, stroke};
use super::colour::{Rgb, dim, fuller, mix};
use super::expression::{Expression, Motion};
use super::face::{crease, lit, outline, skin};
use super::person::Person;

const EYE_HEIGHT: f32 = -0.10;
const MOUTH_HEIGHT: f32 = 0.74;
const DARK: Rgb = [0.07, 0.04, 0.04];

/// Bridge, tip, wings and nostrils.
pub(super) fn nose(canvas: &mut Canvas, view: &FaceTransform, person: &Person, expression: &Expression) {
    let tip = 0.36 * person.nose_length - 0.03 * expression.nose;
    let half = 0.17 * person.nose_width * (1.0 + 0.15 * expression.nose);
    let shadow_side = if person.light.towards[0] > 0.0 { -1.0 } else { 1.0 };
    canvas.paint(
        view,
        [-0.4, -0.3, 0.4, tip + 0.1],
        Coat { opacity: 0.55, blur: 0.10 },
        |x, y| stroke(x * shadow_side, y, [0.07, -0.2], [0.6 * half + 0.04, tip - 0.03], 0.03),
        |x, y| dim(skin(person, x, y), 0.72),
    );
    canvas.paint(
        view,
        [-0.2, -0.3, 0.2, tip + 0.1],
        Coat { opacity: 0.45, blur: 0.08 },
        |x, y| stroke(x + 0.025 * shadow_side, y, [0.0, -0.15], [0.0, tip - 0.04], 0.03),
        |x, y| dim(skin(person, x, y), 1.16),
    );
    canvas.paint(
        view,
        [-0.35, tip, 0.35, tip + 0.2],
        Coat { opacity: 0.5, blur: 0.07 },
        |x, y| ellipse(x, y - tip - 0.085, [1.05 * half, 0.035]),
        |x, y| dim(skin(person, x, y), 0.62),
    );
    for side in [-1.0, 1.0] {
        canvas.paint(
            view,
            [-0.4, tip - 0.15, 0.4, tip + 0.15],
            Coat { opacity: 0.6, blur: 0.02 },
            |x, y| {
                let x = side * x;
                stroke(x, y, [half + 0.015, tip - 0.06], [half + 0.01, tip + 0.03], 0.012).min(stroke(
                    x,
                    y,
                    [half + 0.01, tip + 0.03],
                    [half - 0.04, tip + 0.06],
                    0.012,
                ))
            },
            |x, y| crease(person, x, y),
        );
        canvas.paint(
            view,
            [-0.3, tip - 0.05, 0.3, tip + 0.12],
            Coat { opacity: 0.85, blur: 0.02 },
            |x, y| ellipse(side * x - 0.55 * half, y - tip - 0.045, [0.4 * half, 0.028 + 0.008 * expression.nose]),
            |x, y| dim(crease(person, x, y), 0.45),
        );
    }
}

/// Lips, and what shows between them.
pub(super) fn mouth(canvas: &mut Canvas, view: &FaceTransform, person: &Person, expression: &Expression) {
    let Expression { corners, open, jaw, press, bare, chin, .. } = *expression;
    let half = 0.36 * person.mouth_width * (1.0 + 0.36 * expression.widen);
    let bow = move |u: f32| 1.0 - u * u;
    let line = move |x: f32| {
        let u = x / half;
        MOUTH_HEIGHT + 0.05 * corners - 0.03 * chin * (1.0 - press) - 0.20 * corners * u * u
    };
    let squared = move |x: f32| {
        let square = (x / half) * (x / half);
        1.0 - square * square * square
    };
    let upper = move |x: f32| line(x) - 0.085 * bare * squared(x);
    let lower = move |x: f32| line(x) + open * (0.12 + 0.15 * jaw) * fuller(bow(x / half)) + 0.105 * bare * squared(x);
    let between = move |x: f32, y: f32, above: f32, below: f32| ((above - y).max(y - below) * 0.9).max(x.abs() - half);
    let bounds = [-half - 0.1, MOUTH_HEIGHT - 0.4, half + 0.1, MOUTH_HEIGHT + 0.55];
    let lips = |x: f32, y: f32| dim(person.lips, lit(person, x, y));

    // The lips around the opening.
    let thin = (1.0 - 0.8 * press) * (1.0 - 0.35 * open) * person.lip_fullness;
    let cupid = |x: f32| 1.0 - 0.25 * smoothstep(0.12, 0.0, x.abs());
    canvas.paint(
        view,
        bounds,
        Coat { opacity: 0.9, blur: 0.02 },
        |x, y| between(x, y, upper(x) - 0.075 * thin * fuller(bow(x / half)) * cupid(x), upper(x)),
        |x, y| dim(lips(x, y), 0.82),
    );
    let pout = 1.0 + 0.3 * chin * (1.0 - press);
    canvas.paint(
        view,
        bounds,
        Coat { opacity: 0.9, blur: 0.02 },
        |x, y| between(x, y, lower(x), lower(x) + 0.095 * thin * pout * fuller(bow(x / half))),
        |x, y| dim(lips(x, y), 1.08),
    );

    if open > 0.02 || bare > 0.02 {
        canvas.paint(view, bounds, SOLID, |x, y| between(x, y, upper(x), lower(x)), |_, _| [0.20, 0.04, 0.05]);
        if jaw > 0.5 && open > 0.5 {
            let bottom = lower(0.0);
            canvas.paint(
                view,
                bounds,
                Coat { opacity: 0.9, blur: 0.03 },
                |x, y| ellipse(x, y - bottom, [0.5 * half, 0.08]).max(between(x, y, upper(x), lower(x) - 0.01)),
                |x, y| dim([0.72, 0.32, 0.32], lit(person, x, y)),
            );
        }
        let enamel = |x: f32, y: f32| {
            // Gaps between teeth, narrower towards the sides.
            let gap = 0.5 + 0.5 * (std::f32::consts::TAU * x / (0.17 - 0.1 * x.abs())).cos();
            let gap = gap * gap * gap * gap;
            let bright = lit(person, 0.5 * x, y).clamp(0.88, 1.02) / person.light.exposure.clamp(0.75, 1.6);
            dim([1.0, 0.98, 0.93], bright * (1.0 - 0.10 * gap))
        };
        let teeth = |x: f32| {
            if bare > open {
                lower(x) - 0.02
            } else {
                lower(x).min(upper(x) + (0.075 + 0.05 * jaw) * fuller(bow(x / half)))
            }
        };
        canvas.paint(
            view,
            bounds,
            SOLID,
            |x, y| between(x, y, upper(x) + 0.012, teeth(x)).max(x.abs() - half + 0.04),
            enamel,
        );
        if bare > open {
            canvas.paint(
                view,
                bounds,
                Coat { opacity: 0.75, blur: 0.0 },
                |x, y| between(x, y, line(x) + 0.005, line(x) + 0.022).max(x.abs() - half + 0.05),
                |_, _| DARK,
            );
        }
    } else {
        let thickness = 0.013 + 0.012 * press;
        canvas.paint(
            view,
            bounds,
            SOLID,
            |x, y| between(x, y, line(x) - thickness, line(x) + thickness),
            |x, y| dim(crease(person, x, y), 0.45),
        );
    }
    // The corners' dimples.
    canvas.paint(
        view,
        bounds,
        Coat { opacity: 0.55, blur: 0.03 },
        |x, y| ellipse(x.abs() - half, y - line(half), [0.035, 0.035]),
        |x, y| crease(person, x, y),
    );
}

/// Whites, irises, pupils, lids and lashes.
pub(super) fn eyes(
    canvas: &mut Canvas,
    view: &FaceTransform,
    person: &Person,
    expression: &Expression,
    motion: &Motion,
) {
    let Expression { lid_open, lid_droop, lid_raise, .. } = *expression;
    let (gap, size) = (person.eye_gap, person.eye_size);
    let half = 0.225 * size;
    // `u` runs from -1 at the inner corner to 1 at the outer.
    let slope = move |u: f32| EYE_HEIGHT + (0.045 * lid_droop - 0.012) * u;
    let lower = move |u: f32| slope(u) + size * (0.085 - 0.095 * lid_raise) * (1.0 - u * u);
    let upper = move |u: f32| {
        // Anger presses the inner half of the lid down, sadness lets the outer half hang.
        let cut = 1.0 - 0.35 * (lid_droop * u).max(0.0);
        let open = slope(u) - size * 0.185 * lid_open * cut * fuller(1.0 - u * u);
        open.min(lower(u))
    };
    for side in [-1.0, 1.0_f32] {
        let along = move |x: f32| (side * x - gap) / half;
        let centre = side * gap;
        let bounds = [centre - half - 0.08, EYE_HEIGHT - 0.3, centre + half + 0.08, EYE_HEIGHT + 0.2];
        let opening = move |x: f32, y: f32| {
            let u = along(x);
            let clamped = u.clamp(-1.0, 1.0);
            ((upper(clamped) - y).max(y - lower(clamped)) * 0.85).max((u.abs() - 1.0) * half)
        };
        let light = lit(person, centre, EYE_HEIGHT);
        canvas.paint(view, bounds, SOLID, opening, |x, y| {
            let under_lid = smoothstep(-0.01, 0.07, y - upper(along(x).clamp(-1.0, 1.0)));
            dim([0.95, 0.94, 0.92], (light / person.light.exposure).clamp(0.6, 1.1) * (0.72 + 0.28 * under_lid))
        });
        let iris = [centre + 0.05 * motion.gaze[0], EYE_HEIGHT - 0.025 + 0.02 * motion.gaze[1]];
        let radius = 0.105 * size;
        canvas.paint(
            view,
            bounds,
            SOLID,
            |x, y| (length(x - iris[0], y - iris[1]) - radius).max(opening(x, y)),
            |x, y| {
                let from_middle = length(x - iris[0], y - iris[1]) / radius;
                let ring = 1.15 - 0.6 * smoothstep(0.7, 1.0, from_middle);
                mix(DARK, dim(person.iris, ring), smoothstep(0.42, 0.5, from_middle))
            },
        );
        let glint = [iris[0] + 0.04 * person.light.towards[0], iris[1] - 0.035];
        canvas.paint(
            view,
            bounds,
            Coat { opacity: 0.9, blur: 0.0 },
            |x, y| (length(x - glint[0], y - glint[1]) - 0.022).max(opening(x, y)),
            |_, _| [0.95; 3],
        );
        // Upper lashes, lower lid's edge, the fold above the lid.
        let lash = dim(mix(person.hair, DARK, 0.7), 0.8);
        canvas.paint(
            view,
            bounds,
            SOLID,
            |x, y| {
                let u = along(x).clamp(-1.0, 1.0);
                let thickness = 0.028 * (0.75 + 0.4 * u);
                ((upper(u) - thickness - y).max(y - upper(u) - 0.012) * 0.85).max((along(x).abs() - 1.04) * half)
            },
            |_, _| lash,
        );
        canvas.paint(
            view,
            bounds,
            Coat { opacity: 0.6, blur: 0.012 },
            |x, y| {
                let u = along(x).clamp(-1.0, 1.0);
                ((y - lower(u) - 0.01).abs() - 0.009).max((along(x).abs() - 1.0) * half)
            },
            |x, y| crease(person, x, y),
        );
        canvas.paint(
            view,
            bounds,
            Coat { opacity: 0.5, blur: 0.02 },
            |x, y| {
                let u = along(x).clamp(-1.0, 1.0);
                ((y - upper(u) + 0.065).abs() - 0.01).max((along(x).abs() - 0.95) * half)
            },
            |x, y| crease(person, x, y),
        );
    }
}

/// Brows: their slant carries most of a mood.
pub(super) fn brows(canvas: &mut Canvas, view: &FaceTransform, person: &Person, expression: &Expression) {
    let Expression { brow_inner, brow_outer, brow_gather, .. } = *expression;
    let length = 0.52;
    let start = person.eye_gap - 0.27 - 0.075 * brow_gather;
    let rest = -0.43 + 0.05 * (-brow_inner).max(0.0);
    let middle = move |t: f32| {
        let inner = rest - brow_inner * if brow_inner > 0.0 { 0.17 } else { 0.13 };
        let outer = rest + 0.02 - 0.12 * brow_outer;
        // At rest a brow arches; a frown straightens it.
        let arch = 0.055 * (1.0 - 0.8 * brow_inner.abs().min(1.0));
        inner + (outer - inner) * t - arch * 4.0 * t * t * (1.0 - t) * 1.7
    };
    let [r, g, b] = person.hair;
    let luma = 0.3 * r + 0.59 * g + 0.11 * b;
    // Even fair brows stand out from the skin.
    let colour = mix(dim(person.hair, (0.2 / luma).min(0.8)), DARK, 0.35);
    for side in [-1.0, 1.0_f32] {
        let centre = side * (start + length / 2.0);
        canvas.paint(
            view,
            [centre - length / 2.0 - 0.1, -0.85, centre + length / 2.0 + 0.1, -0.1],
            Coat { opacity: 0.95, blur: 0.02 },
            |x, y| {
                let t = (side * x - start) / length;
                let inside = t.clamp(0.0, 1.0);
                let thickness = 0.056 * person.brow_weight * (1.0 - 0.62 * inside * inside);
                let across = (y - middle(inside)).abs() * 0.9 - thickness;
                across.max(((t - 0.5).abs() - 0.5) * length).max(outline(person, x, y))
            },
            |x, y| dim(colour, lit(person, x, y)),
        );
    }
}
