//! A sheet of pictures with what the model says of each, as SVG.

use crate::emotion::dataset::Split;
use crate::emotion::readout::top;
use crate::report::sheet::{Group, Layout};
use crate::report::svg::escape;
use anyhow::{Context, Result};
use base64::Engine;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use std::fmt::Write;
use std::io::Cursor;

const THUMB: usize = 96;

const LAYOUT: Layout = Layout { columns: 8, step: (THUMB + 12, THUMB + 40), mistakes: 3, random: 5 };

/// A picture on the sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tile {
    /// Index into the split.
    pub picture: usize,
    /// Label given by the model.
    pub predicted: usize,
    /// Its probability.
    pub confidence: f32,
}

/// The errors with the highest confidence, and a random sample drawn by `seed`; `probabilities` is `[pictures, classes]`, `targets`
/// `[pictures]`.
pub fn choose(targets: &[usize], probabilities: &[f32], classes: usize, seed: u64) -> Vec<Group<Tile>> {
    let tile = |(picture, row): (usize, &[f32])| Tile { picture, predicted: top(row), confidence: row[top(row)] };
    let all: Vec<Tile> = probabilities.chunks_exact(classes).enumerate().map(tile).collect();
    let wrong = |tile: &&Tile| targets[tile.picture] != tile.predicted;
    let mut mistakes: Vec<Tile> = all.iter().filter(wrong).copied().collect();
    mistakes.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let groups = LAYOUT.choose("surest mistakes", mistakes, all, seed);
    groups.into_iter().filter(|group| !group.tiles.is_empty()).collect()
}

/// Pictures with what the model says and, where it is wrong, what is true; `shape` is channels, height, width.
///
/// # Errors
/// Only when a thumbnail cannot be encoded.
pub fn sheet(labels: &[String], split: &Split, groups: &[Group<Tile>], shape: (usize, usize, usize)) -> Result<String> {
    LAYOUT.sheet(groups, |svg, tile, corner| draw(svg, labels, split, tile, corner, shape))
}

fn draw(
    svg: &mut String,
    labels: &[String],
    split: &Split,
    tile: &Tile,
    (x, y): (usize, usize),
    shape: (usize, usize, usize),
) -> Result<()> {
    let truth = split.items[tile.picture].label;
    let right = truth == tile.predicted;
    let (colour, border) = if right { ("#2a8f4f", 1) } else { ("#c0392b", 3) };
    let _ = write!(
        svg,
        "<image x=\"{x}\" y=\"{y}\" width=\"{THUMB}\" height=\"{THUMB}\" href=\"data:image/png;base64,{}\"/>\
         <rect x=\"{x}\" y=\"{y}\" width=\"{THUMB}\" height=\"{THUMB}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{border}\"/>\
         <text x=\"{x}\" y=\"{}\" fill=\"{colour}\">{} {:.2}</text>",
        thumbnail(split.picture(tile.picture), shape)?,
        y + THUMB + 15,
        escape(&labels[tile.predicted]),
        tile.confidence
    );
    if !right {
        let truth = escape(&labels[truth]);
        let _ = write!(svg, "<text x=\"{x}\" y=\"{}\">true: {truth}</text>", y + THUMB + 30);
    }
    Ok(())
}

/// Planar bytes as a PNG, base64.
fn thumbnail(bytes: &[u8], (channels, height, width): (usize, usize, usize)) -> Result<String> {
    let plane = height * width;
    let size = (width as u32, height as u32);
    let image = if channels == 1 {
        GrayImage::from_raw(size.0, size.1, bytes.to_vec()).map(DynamicImage::from)
    } else {
        let mixed = (0..plane).flat_map(|at| (0..3).map(move |channel| bytes[channel * plane + at])).collect();
        RgbImage::from_raw(size.0, size.1, mixed).map(DynamicImage::from)
    };
    let image = image.context("a picture has the wrong size")?;
    // A sheet of 64 large pictures would weigh megabytes.
    let most = 2 * THUMB as u32;
    let image = if size.0.max(size.1) > most { image.thumbnail(most, most) } else { image };
    let mut png = Cursor::new(Vec::new());
    image.write_to(&mut png, ImageFormat::Png)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(png.get_ref()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::emotion::dataset::Item;

    const RANDOM: usize = LAYOUT.columns * LAYOUT.random;

    /// 60 pictures of labels 0 and 1; the model always says 0, ever surer.
    fn pictures() -> (Split, Vec<f32>) {
        let item = |index: usize| Item {
            path: "p".into(),
            label: usize::from(index.is_multiple_of(3)),
            votes: None,
            source: 0,
        };
        let split = Split::alone((0..60).map(item).collect(), vec![9; 60 * 12], 12, vec![1]);
        let sure = |index: usize| 0.5 + index as f32 / 200.0;
        (split, (0..60).flat_map(|index| [sure(index), 1.0 - sure(index)]).collect())
    }

    #[test]
    fn the_surest_mistakes_come_first_and_the_sample_is_fair() {
        let (split, probabilities) = pictures();
        let groups = choose(&split.targets(), &probabilities, 2, 1);
        assert_eq!(groups[0].title, "surest mistakes, 20 of 20");
        assert_eq!(groups[0].tiles[0].picture, 57);
        assert!(groups[0].tiles.windows(2).all(|pair| pair[0].confidence >= pair[1].confidence));
        assert_eq!(groups[1].tiles.len(), RANDOM);
        assert_eq!(groups, choose(&split.targets(), &probabilities, 2, 1));
        assert_ne!(groups[1], choose(&split.targets(), &probabilities, 2, 2)[1]);
    }

    #[test]
    fn every_tile_has_its_picture_and_every_mistake_its_truth() {
        let (split, probabilities) = pictures();
        let groups = choose(&split.targets(), &probabilities, 2, 1);
        let svg = sheet(&["no".into(), "yes".into()], &split, &groups, (3, 2, 2)).unwrap();
        assert_eq!(svg.matches("<image").count(), 20 + RANDOM);
        let wrong =
            groups.iter().flat_map(|group| &group.tiles).filter(|tile| split.items[tile.picture].label == 1).count();
        assert_eq!(svg.matches("true: yes").count(), wrong);
    }

    #[test]
    fn without_mistakes_there_is_no_such_group() {
        let (split, _) = pictures();
        let right: Vec<f32> =
            split.items.iter().flat_map(|item| if item.label == 0 { [1.0, 0.0] } else { [0.0, 1.0] }).collect();
        let groups = choose(&split.targets(), &right, 2, 1);
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].title, "drawn at random");
    }
}
