//! Hair behind and in front of the head.

use super::canvas::{Canvas, FaceTransform, SOLID, ellipse, wave};
use super::colour::{Rgb, dim};
use super::face::outline;
use super::person::{HairStyle, Person};

/// Strands: a fine brightness pattern along the hair, lit from the light's side.
fn strands(person: &Person, x: f32, y: f32) -> Rgb {
    let along = wave(6.0 * x + wave(0.5 * y)) * wave(2.7 * x - 0.8 * y);
    let [lx, ly, _] = person.light.towards;
    let shine = (0.55 * lx * x + 0.35 * ly * y).clamp(-0.4, 0.6);
    dim(person.hair, 0.88 + 0.09 * along + shine)
}

/// What hangs or stands behind the head.
pub(super) fn behind(canvas: &mut Canvas, view: &FaceTransform, person: &Person) {
    let [half, height] = person.head;
    let hair = |x: f32, y: f32| dim(strands(person, x, y), 0.7);
    match person.hair_style {
        HairStyle::Long => canvas.paint(
            view,
            [-1.6, -1.7, 1.6, 1.75],
            SOLID,
            |x, y| {
                let wide = half + 0.24 + 0.03 * wave(0.8 * y);
                ellipse(x, y + 0.15, [wide, height + 0.12])
                    .min((x.abs() - wide + 0.02).max(-0.1 - y).max(y - 1.45 - 0.08 * wave(1.4 * x)))
            },
            hair,
        ),
        HairStyle::Curly => canvas.paint(
            view,
            [-1.9, -2.0, 1.9, 1.0],
            SOLID,
            |x, y| {
                let curls = 0.07 * wave(1.6 * x) * wave(1.5 * y) + 0.03 * wave(4.0 * x + y) * wave(3.7 * y - x);
                ellipse(x, y + 0.45, [half + 0.34, height - 0.05]) - curls
            },
            hair,
        ),
        HairStyle::Bald => {}
        // What shows beyond the head's edge at the temples.
        _ => canvas.paint(
            view,
            [-half - 0.2, -height - 0.2, half + 0.2, -0.1],
            SOLID,
            |x, y| (outline(person, x, y) - 0.03).max(y + 0.25),
            hair,
        ),
    }
}

/// Hair over the forehead and temples.
pub(super) fn in_front(canvas: &mut Canvas, view: &FaceTransform, person: &Person) {
    let [half, height] = person.head;
    let style = person.hair_style;
    let volume = match style {
        HairStyle::Bald => return,
        HairStyle::Short => 0.06,
        HairStyle::SidePart => 0.11,
        HairStyle::Fringe | HairStyle::Long => 0.13,
        HairStyle::Curly => 0.16,
    };
    let part = if person.phases[0] < 0.5 { -1.0 } else { 1.0 };
    let hairline = move |x: f32| {
        let temple = ((x.abs() - 0.62 * half) / (0.38 * half)).max(0.0);
        match style {
            HairStyle::Short => -0.90 + 0.10 * (x / half) * (x / half) + 0.75 * temple * temple,
            HairStyle::SidePart => -0.88 + 0.22 * part * x + 0.15 * (x / half) * (x / half) + 0.6 * temple * temple,
            HairStyle::Fringe => -0.70 + 0.02 * wave(3.7 * x) + 0.9 * temple * temple,
            HairStyle::Long => -1.06 + 0.6 * (x - 0.12 * part).abs() + 1.3 * temple * temple,
            _ => -0.86 + 0.03 * wave(2.4 * x) + 0.55 * temple * temple,
        }
    };
    let lowest = if style == HairStyle::Long { 1.0 } else { 0.1 };
    canvas.paint(
        view,
        [-half - 0.3, -height - 0.3, half + 0.3, lowest],
        SOLID,
        |x, y| {
            let edge = if style == HairStyle::Curly { 0.02 * wave(3.0 * x + 1.8 * y) } else { 0.0 };
            // Hair has volume above the head and lies close at the temples.
            let grown = outline(person, x, y) - volume * (0.5 - 0.5 * y).clamp(0.25, 1.0) - edge;
            grown.max((y - hairline(x)) * 0.7).max(y - lowest)
        },
        |x, y| strands(person, x, y),
    );
}
