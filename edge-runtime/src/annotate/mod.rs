//! Annotates a photo: a box around each face in its mood's colour, with the mood and its probabilities next to it.

mod text;

use crate::lights::LampWiring;
use crate::mood::mood_word;
use crate::photo::{ClassifiedFace, PhotoFaces, Verdict};
use emotion_models::{Face, Picture, PixelFormat, Rect};
use image::imageops::{FilterType, resize};
use image::{GrayImage, RgbImage, buffer::ConvertBuffer};
use text::{CAPITAL, Style, blend};

/// Colour of a face whose mood is unsure.
const UNSURE: [u8; 3] = [186, 188, 196];
const DARK: [u8; 3] = [22, 22, 27];
const LIGHT: [u8; 3] = [232, 232, 238];

/// Smaller pictures are enlarged by a whole number until their shorter side has this many pixels: text needs room.
const MIN_SIDE: u32 = 240;
/// Number of moods shown below the most probable one.
const OTHERS: usize = 2;

/// Where text about no face in particular is placed.
const CORNER: Area = [0; 4];

/// A rectangle in pixels: left, top, right and bottom, the last two outside.
type Area = [i32; 4];

/// Returns `picture` with `seen` drawn in. Where the mean of the faces counts, `mean` is drawn in a corner. `moods` are
/// the lights in label order; their names and colours are shown.
///
/// The picture keeps its size unless it is a small one, which is enlarged.
pub fn annotate(picture: &Picture, seen: &PhotoFaces, mean: Option<&Verdict>, moods: &[LampWiring]) -> RgbImage {
    let mut drawing = Drawing::new(picture);
    // The main face is drawn last, above the others; before it come the faces whose mood is sure.
    let mut order: Vec<usize> = (0..seen.faces.len()).collect();
    order.sort_by(|&a, &b| {
        let rank = |index: usize| (Some(index) == seen.main, seen.faces[index].verdict.unsure.is_none());
        let size = |index: usize| seen.faces[index].face.rect.mean_side();
        rank(a).cmp(&rank(b)).then(size(a).total_cmp(&size(b)))
    });
    for &index in &order {
        drawing.frame(&seen.faces[index], moods, seen.faces.len() > 1 && Some(index) == seen.main);
    }
    if let Some(mean) = mean {
        let (title, lines) = caption(mean, moods);
        drawing.plate(CORNER, colour(mean, moods), &format!("all: {title}"), &lines);
    }
    // The main face also chooses first where its text goes.
    for &index in order.iter().rev() {
        drawing.label(&seen.faces[index], moods);
    }
    if seen.faces.is_empty() {
        drawing.label_no_face();
    }
    drawing.picture
}

struct Drawing {
    picture: RgbImage,
    /// Pixels of the annotated picture per pixel of the photo.
    scale: f32,
    /// Length of the shorter side, relative to the length that the sizes below assume.
    unit: f32,
    /// Areas that text already covers.
    taken: Vec<Area>,
}

impl Drawing {
    fn new(photo: &Picture) -> Self {
        let (width, height) = (photo.width, photo.height);
        let data = photo.data.clone();
        let picture = match photo.format {
            PixelFormat::Grey => GrayImage::from_raw(width, height, data).map(|grey| grey.convert()),
            _ => RgbImage::from_raw(width, height, data),
        };
        let mut picture = picture.unwrap_or_else(|| RgbImage::new(width, height));
        let factor = MIN_SIDE.div_ceil(width.min(height).max(1));
        if factor > 1 && width.max(height) < 4 * MIN_SIDE {
            picture = resize(&picture, width * factor, height * factor, FilterType::Triangle);
        }
        let scale = picture.width() as f32 / width.max(1) as f32;
        let unit = (picture.width().min(picture.height()) as f32 / 480.0).max(0.6);
        Self { picture, scale, unit, taken: Vec::new() }
    }

    /// Draws the box of a face in its mood's colour. Thin dark lines on both sides keep it visible on any background.
    fn frame(&mut self, seen: &ClassifiedFace, moods: &[LampWiring], emphasised: bool) {
        let line = (self.unit * if emphasised { 4.0 } else { 2.5 }).round().max(2.0) as i32;
        let rim = (0.6 * self.unit).round().max(1.0) as i32;
        let area = self.area(&seen.face);
        let colour = colour(&seen.verdict, moods);
        self.outline(area, line + 2 * rim, DARK, 0.55);
        self.outline(area, line, colour, 1.0);
    }

    /// Draws the mood and probabilities of a face on a plate next to its box.
    fn label(&mut self, seen: &ClassifiedFace, moods: &[LampWiring]) {
        let (title, lines) = caption(&seen.verdict, moods);
        self.plate(self.area(&seen.face), colour(&seen.verdict, moods), &title, &lines);
    }

    fn label_no_face(&mut self) {
        self.plate(CORNER, UNSURE, "no face", &[]);
    }

    /// Draws a title on `colour` and lines below it on dark. The plate goes above, below, next to or inside `near`,
    /// wherever there is room. The lines are left out where they would cover other text.
    fn plate(&mut self, near: Area, colour: [u8; 3], title: &str, lines: &[String]) {
        let head = Style { dot: 2.1 * self.unit, weight: 0.62, colour: DARK };
        let small = Style { dot: 1.6 * self.unit, weight: 0.48, colour: LIGHT };
        let pad = 8.0 * self.unit;
        // The height of capitals, of descenders and of the space around them.
        let [head_height, line_height] =
            [head.dot * (CAPITAL + 2.5) + 1.2 * pad, small.dot * (CAPITAL + 4.5)].map(|height| height.round() as i32);
        let size = |lines: &[String]| {
            let widest = lines.iter().map(|line| small.width(line)).fold(head.width(title), f32::max);
            let below = if lines.is_empty() { 0 } else { line_height * lines.len() as i32 + (0.8 * pad) as i32 };
            [(widest + 2.0 * pad).ceil() as i32, head_height + below]
        };
        let whole = self.room(near, size(lines));
        let lines = if self.hidden(whole, size(lines)) > 0 { &[] } else { lines };
        let [width, height] = size(lines);
        let [left, top] = if lines.is_empty() { self.room(near, [width, height]) } else { whole };
        self.taken.push([left, top, left + width, top + height]);
        self.fill([left, top, left + width, top + head_height], colour, 1.0);
        self.fill([left, top + head_height, left + width, top + height], DARK, 0.8);
        let x = left as f32 + pad;
        let y = top as f32 + 0.6 * pad + head.dot;
        head.write(&mut self.picture, title, [x + head.weight * head.dot, y]);
        for (index, line) in lines.iter().enumerate() {
            let y = (top + head_height + line_height * index as i32) as f32 + 0.6 * pad + small.dot;
            small.write(&mut self.picture, line, [x + small.weight * small.dot, y]);
        }
    }

    /// The upper left corner of a plate near a box. It lies inside the picture and overlaps other plates as little as
    /// possible.
    fn room(&self, [left, top, right, bottom]: Area, [width, height]: [i32; 2]) -> [i32; 2] {
        let gap = (3.0 * self.unit) as i32 + 1;
        let places = [
            [left - gap, top - gap - height],
            [left - gap, bottom + gap],
            [right + gap, top - gap],
            [left - gap - width, top - gap],
            [left + gap, bottom - gap - height],
            [right + gap - width, top - gap - height],
            [right + gap - width, bottom + gap],
            [right + gap, bottom + gap - height],
            [left - gap - width, bottom + gap - height],
        ];
        let [most_x, most_y] =
            [self.picture.width() as i32 - width, self.picture.height() as i32 - height].map(|most| most.max(0));
        let inside = places.map(|[x, y]| [x.clamp(0, most_x), y.clamp(0, most_y)]);
        let cost = |&index: &usize| {
            let [x, y] = inside[index];
            let plate = [x, y, x + width, y + height];
            let hidden = self.hidden(inside[index], [width, height]);
            let moved = i64::from(places[index][0].abs_diff(x) + places[index][1].abs_diff(y));
            // Only covering another plate is worse than covering the face itself.
            4 * hidden + common(&plate, &[left, top, right, bottom]) + moved + index as i64
        };
        inside[(0..inside.len()).min_by_key(cost).unwrap_or(0)]
    }

    /// Pixels of other plates that a plate of this size would cover.
    fn hidden(&self, [x, y]: [i32; 2], [width, height]: [i32; 2]) -> i64 {
        self.taken.iter().map(|other| common(&[x, y, x + width, y + height], other)).sum()
    }

    /// The area of a face in the annotated picture.
    fn area(&self, face: &Face) -> Area {
        let Rect { x, y, width, height } = face.rect;
        [x, y, x + width, y + height].map(|side| (side * self.scale).clamp(-1e6, 1e6).round() as i32)
    }

    /// Draws lines of width `line`, centred on the edges of `area`.
    fn outline(&mut self, [left, top, right, bottom]: Area, line: i32, colour: [u8; 3], opacity: f32) {
        let (out, within) = (line / 2, line - line / 2);
        let (l, t, r, b) = (left - out, top - out, right + out, bottom + out);
        let sides = [
            [l, t, r, top + within],
            [l, bottom - within, r, b],
            [l, top + within, left + within, bottom - within],
            [right - within, top + within, r, bottom - within],
        ];
        for side in sides {
            self.fill(side, colour, opacity);
        }
    }

    /// Fills the part of `area` that lies in the picture.
    fn fill(&mut self, [left, top, right, bottom]: Area, colour: [u8; 3], opacity: f32) {
        let within = |low: i32, high: i32, limit: u32| low.max(0) as u32..(high.max(0) as u32).min(limit);
        for y in within(top, bottom, self.picture.height()) {
            for x in within(left, right, self.picture.width()) {
                blend(self.picture.get_pixel_mut(x, y), colour, opacity);
            }
        }
    }
}

/// The most probable mood; below it the reason if it is unsure, and the next moods.
fn caption(verdict: &Verdict, moods: &[LampWiring]) -> (String, Vec<String>) {
    let (probabilities, (top, _)) = (&verdict.probabilities, verdict.probabilities.top());
    let shown = |label: usize| {
        let name = moods.get(label).map_or("?", |mood| mood_word(&mood.name));
        format!("{name} {:.2}", probabilities[label])
    };
    let mut lines: Vec<String> = Vec::new();
    lines.extend(verdict.unsure.map(|unsure| format!("unsure: {}", unsure.message())));
    let mut others: Vec<usize> = (0..probabilities.len()).filter(|&label| label != top).collect();
    others.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    lines.extend(others.into_iter().take(OTHERS).map(shown));
    (shown(top), lines)
}

/// The mood's colour; grey if it is unsure.
fn colour(verdict: &Verdict, moods: &[LampWiring]) -> [u8; 3] {
    let (top, _) = verdict.probabilities.top();
    let sure = verdict.unsure.is_none();
    moods.get(top).filter(|_| sure).map_or(UNSURE, |mood| mood.colour.rgb())
}

/// Number of pixels in the intersection of two areas.
fn common(a: &Area, b: &Area) -> i64 {
    let side = |axis: usize| i64::from((a[axis + 2].min(b[axis + 2]) - a[axis].max(b[axis])).max(0));
    side(0) * side(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::lights::LightColour;
    use crate::photo::Unsure;
    use crate::track::RejectReason;
    use emotion_models::Probabilities;
    use proptest::prelude::*;

    fn moods() -> Vec<LampWiring> {
        let lamp = |(name, colour): (&str, LightColour)| LampWiring {
            name: name.to_owned(),
            pin: None,
            colour,
            active_low: false,
            dark: false,
        };
        [("angry", LightColour::Red), ("happy", LightColour::Green), ("sad", LightColour::Blue)].map(lamp).to_vec()
    }

    fn seen(face: Face, values: &[f32], unsure: Option<Unsure>) -> ClassifiedFace {
        ClassifiedFace { face, verdict: Verdict { probabilities: Probabilities::from_slice(values).unwrap(), unsure } }
    }

    fn grey(width: u32, height: u32) -> Picture {
        Picture { format: PixelFormat::Grey, width, height, data: vec![90; width as usize * height as usize] }
    }

    const FACE: Face = Face { rect: Rect::new(200.0, 180.0, 120.0, 150.0), score: 0.9 };

    #[test]
    fn the_box_has_the_moods_colour_at_its_place() {
        for (values, unsure, wanted) in [
            ([0.05, 0.9, 0.05], None, LightColour::Green.rgb()),
            ([0.05, 0.05, 0.9], None, LightColour::Blue.rgb()),
            ([0.5, 0.3, 0.2], Some(Unsure::Undecided), UNSURE),
        ] {
            let seen = PhotoFaces { faces: vec![seen(FACE, &values, unsure)], main: Some(0) };
            let drawn = annotate(&grey(640, 480), &seen, None, &moods());
            assert_eq!(drawn.dimensions(), (640, 480));
            for (x, y) in [(200, 250), (319, 250), (260, 180), (260, 329)] {
                assert_eq!(drawn.get_pixel(x, y).0, wanted, "{x} {y}");
            }
            assert_eq!(drawn.get_pixel(260, 250).0, [90; 3], "the face itself stays as it was");
        }
    }

    #[test]
    fn captions_stand_beside_the_face_and_not_over_each_other() {
        let other = Face { rect: Rect { x: 330.0, ..FACE.rect }, ..FACE };
        let faces = [FACE, other].map(|face| seen(face, &[0.1, 0.8, 0.1], None));
        let mut drawing = Drawing::new(&grey(640, 480));
        for face in &faces {
            drawing.label(face, &moods());
        }
        let [a, b] = drawing.taken[..] else { panic!("two plates") };
        assert_eq!(common(&a, &b), 0);
        for face in &faces {
            assert_eq!(common(&a, &drawing.area(&face.face)), 0);
        }
    }

    #[test]
    fn of_many_faces_captions_are_left_out_before_they_hide_each_other() {
        let many: Vec<ClassifiedFace> = (0..6)
            .map(|index| Face { rect: Rect::new(90.0 * index as f32 + 20.0, 200.0, 40.0, 50.0), score: 0.9 })
            .map(|face| seen(face, &[0.1, 0.5, 0.4], Some(Unsure::Rejected(RejectReason::TooSmall))))
            .collect();
        let mut drawing = Drawing::new(&grey(640, 480));
        drawing.plate(CORNER, UNSURE, "all: happy 0.50", &["angry 0.10".to_owned()]);
        for face in &many {
            drawing.label(face, &moods());
        }
        for (index, plate) in drawing.taken.iter().enumerate() {
            let hidden: i64 = drawing.taken[..index].iter().map(|other| common(plate, other)).sum();
            assert_eq!(hidden, 0, "plate {index} at {plate:?}");
        }
        // The mean is in the corner.
        let many = PhotoFaces { faces: many, main: Some(0) };
        let alone = annotate(&grey(640, 480), &many, None, &moods());
        assert_eq!(alone.get_pixel(9, 9).0, [90; 3]);
        let verdict = Verdict { probabilities: Probabilities::from_slice(&[0.1, 0.8, 0.1]).unwrap(), unsure: None };
        let mean = annotate(&grey(640, 480), &many, Some(&verdict), &moods());
        assert_eq!(mean.get_pixel(3, 9).0, LightColour::Green.rgb());
    }

    #[test]
    fn a_small_picture_grows_and_one_without_a_face_says_so() {
        let none = PhotoFaces { faces: vec![], main: None };
        let drawn = annotate(&grey(48, 48), &none, None, &moods());
        assert_eq!(drawn.dimensions(), (240, 240));
        assert!(drawn.pixels().any(|pixel| pixel.0 == UNSURE) && drawn.pixels().any(|pixel| pixel.0 == DARK));
        let face = seen(Face { rect: Rect::new(10.0, 10.0, 20.0, 20.0), score: 1.0 }, &[0.9, 0.05, 0.05], None);
        let drawn = annotate(&grey(48, 48), &PhotoFaces { faces: vec![face], main: Some(0) }, None, &moods());
        assert_eq!(drawn.get_pixel(50, 100).0, LightColour::Red.rgb());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_box_on_any_picture_can_be_drawn(
            x in -1e4f32..1e4, y in -1e4f32..1e4, w in 0.0f32..1e4, h in 0.0f32..1e4, width in 1u32..300, height in 1u32..300,
        ) {
            let face = seen(Face { rect: Rect::new(x, y, w, h), score: 0.5 }, &[0.2, 0.3, 0.5], Some(Unsure::Rejected(RejectReason::CutOff)));
            let drawn = annotate(&grey(width, height), &PhotoFaces { faces: vec![face], main: Some(0) }, None, &moods());
            prop_assert!(drawn.width() >= width && drawn.height() >= height);
        }
    }
}
