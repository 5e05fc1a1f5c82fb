//! Photos with detections and ground truth, as SVG.

use crate::face::detections::PhotoDetections;
use crate::face::metrics::{fitting, is_wanted};
use crate::face::photos::{Photo, PhotoFace, Plane};
use crate::report::sheet::Layout;
use crate::report::svg::escape;
use anyhow::{Context, Result};
use base64::Engine;
use emotion_models::{Face, Faces, Rect};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use std::fmt::Write;

/// Width of a photo on the sheet, and most of its height.
const THUMB: (f32, f32) = (290.0, 230.0);
const LAYOUT: Layout =
    Layout { columns: 3, step: (THUMB.0 as usize + 12, THUMB.1 as usize + 30), mistakes: 8, random: 6 };
/// JPEG quality of the photos: for viewing, not for measurements.
const QUALITY: u8 = 70;

/// A box on the sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shown {
    rect: Rect,
    colour: &'static str,
    dashed: bool,
    score: Option<f32>,
}

/// A photo on the sheet, with what is drawn over it.
type Tile<'a> = (&'a Photo, Vec<Shown>);

const RIGHT: &str = "#34c759";
const WRONG: &str = "#ff3b30";
const MISSED: &str = "#ff9f0a";
const NEITHER: &str = "#c7c7cc";

/// Photos with errors, worst first, then a random sample drawn by `seed`.
///
/// # Errors
/// Only when a photo cannot be encoded.
pub fn sheet(detections: &PhotoDetections<'_>, threshold: f32, seed: u64) -> Result<String> {
    let photos = detections.photos.photos.iter().zip(&detections.boxes);
    let tiles: Vec<Tile<'_>> = photos.map(|(photo, found)| (photo, boxes(photo, found, threshold))).collect();
    let bad = |(_, boxes): &Tile<'_>| boxes.iter().filter(|shown| [WRONG, MISSED].contains(&shown.colour)).count();
    let mut wrong: Vec<&Tile<'_>> = tiles.iter().filter(|tile| bad(tile) > 0).collect();
    wrong.sort_by_key(|tile| std::cmp::Reverse(bad(tile)));
    let groups = LAYOUT.choose("photos with mistakes", wrong, tiles.iter().collect(), seed);
    LAYOUT.sheet(&groups, |svg, (photo, boxes), corner| draw(svg, photo, boxes, corner))
}

/// What is drawn over a photo: every annotated face, dashed, and every box of at least `threshold`.
fn boxes(photo: &Photo, found: &Faces, threshold: f32) -> Vec<Shown> {
    let found: Vec<Face> = found.iter().filter(|face| face.score >= threshold).copied().collect();
    let fitting = fitting(photo, &found);
    let right = |face: &PhotoFace| if is_wanted(photo, face) { RIGHT } else { NEITHER };
    let mut shown = vec![];
    for (face, fitting) in found.iter().zip(&fitting) {
        let colour = fitting.map_or(WRONG, |index| right(&photo.faces[index]));
        shown.push(Shown { rect: face.rect, colour, dashed: false, score: Some(face.score) });
    }
    for (index, annotated) in photo.faces.iter().enumerate() {
        let missed = is_wanted(photo, annotated) && !fitting.contains(&Some(index));
        let colour = if missed { MISSED } else { right(annotated) };
        shown.push(Shown { rect: annotated.rect, colour, dashed: true, score: None });
    }
    shown
}

fn draw(svg: &mut String, photo: &Photo, boxes: &[Shown], (x, y): (usize, usize)) -> Result<()> {
    let [width, height] = photo.size();
    let scale = (THUMB.0 / width).min(THUMB.1 / height);
    let fit = |plane: &&Plane| plane.width as f32 >= scale * width;
    let plane = photo.planes.iter().rfind(fit).or(photo.planes.first()).context("a photo without pixels")?;
    let _ = write!(
        svg,
        "<svg x=\"{x}\" y=\"{y}\" width=\"{0:.0}\" height=\"{1:.0}\" viewBox=\"0 0 {0:.0} {1:.0}\"><image width=\"{0:.0}\" \
         height=\"{1:.0}\" preserveAspectRatio=\"none\" href=\"data:image/jpeg;base64,{2}\"/>",
        scale * width,
        scale * height,
        jpeg(plane)?
    );
    for shown in boxes {
        let Rect { x: left, y: top, width: wide, height: high } = shown.rect.map(|value| value * scale);
        let Shown { colour, dashed, score, .. } = shown;
        let dash = if *dashed { " stroke-dasharray=\"4 3\"" } else { "" };
        let _ = write!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{high:.1}\" fill=\"none\" stroke=\"{colour}\" \
             stroke-width=\"{}\"{dash}/>",
            if *dashed { 1 } else { 2 }
        );
        if let Some(score) = score {
            let _ = write!(
                svg,
                "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"{colour}\" font-size=\"10\" stroke=\"#000\" stroke-width=\"2\" \
                 paint-order=\"stroke\">{score:.2}</text>",
                (top - 3.0).max(9.0)
            );
        }
    }
    let name = photo.path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    let _ = write!(svg, "</svg><text x=\"{x}\" y=\"{:.0}\">{}</text>", y as f32 + scale * height + 14.0, escape(&name));
    Ok(())
}

/// Grey pixels as a JPEG, base64.
fn jpeg(plane: &Plane) -> Result<String> {
    let mut bytes = vec![];
    let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    encoder.write_image(&plane.pixels, plane.width as u32, plane.height as u32, ExtendedColorType::L8)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::face::photos::Photos;

    #[test]
    fn boxes_are_coloured_by_what_they_are() {
        let plane = Plane { width: 100, height: 80, pixels: vec![90; 8000] };
        let annotated = |rect| PhotoFace { rect, class: 0, invalid: false };
        let (large, missed, small) =
            (Rect::new(10.0, 10.0, 30.0, 40.0), Rect::new(60.0, 10.0, 30.0, 40.0), Rect::new(80.0, 70.0, 5.0, 6.0));
        let faces = vec![annotated(large), annotated(missed), annotated(small)];
        let photo = Photo { path: "a/b<c.jpg".into(), planes: vec![plane], faces, reduction: 1.0, noisy_boxes: false };
        let found = |rect, score| Face { rect, score };
        let wrong = Rect::new(20.0, 60.0, 10.0, 10.0);
        let found: Faces = [found(large, 0.9), found(wrong, 0.8), found(missed, 0.2)].into_iter().collect();
        let shown = boxes(&photo, &found, 0.5);
        let colours: Vec<(&str, bool)> = shown.iter().map(|shown| (shown.colour, shown.dashed)).collect();
        assert_eq!(colours, [(RIGHT, false), (WRONG, false), (RIGHT, true), (MISSED, true), (NEITHER, true)]);
        let photos = Photos { photos: vec![photo], classes: vec![String::new()], crops: vec![] };
        let svg = sheet(&PhotoDetections::new(&photos, vec![found]), 0.5, 1).unwrap();
        assert_eq!(svg.matches("<image").count(), 2);
        assert!(svg.contains("b&lt;c.jpg") && svg.contains("photos with mistakes, 1 of 1"));
    }
}
