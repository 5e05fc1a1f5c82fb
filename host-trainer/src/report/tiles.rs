//! Confusion matrix and sheet of pictures, as SVG.

use crate::dataset::Split;
use crate::metrics::Scores;
use anyhow::{Context, Result};
use base64::Engine;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use std::fmt::Write;
use std::io::Cursor;

const CELL: usize = 64;
const THUMB: usize = 96;
const COLUMNS: usize = 8;

/// Counts by true label (rows) and predicted label (columns), shaded by the share of the row.
pub fn confusion(labels: &[String], scores: &Scores) -> String {
    let left = 20 + 8 * labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let (width, height) = (left + CELL * labels.len() + 10, 60 + CELL * labels.len());
    let mut svg = open(width, height);
    let _ = write!(svg, "<text x=\"{left}\" y=\"18\" font-weight=\"bold\">predicted</text>");
    for (column, label) in labels.iter().enumerate() {
        let x = left + column * CELL + CELL / 2;
        let _ = write!(svg, "<text x=\"{x}\" y=\"42\" text-anchor=\"middle\">{}</text>", escape(label));
    }
    for (row, (label, counts)) in labels.iter().zip(&scores.confusion).enumerate() {
        let y = 52 + row * CELL;
        let all = counts.iter().sum::<usize>().max(1);
        let _ = write!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", left - 8, y + CELL / 2 + 5, escape(label));
        for (column, count) in counts.iter().enumerate() {
            let (x, share) = (left + column * CELL, *count as f64 / all as f64);
            let (fill, ink) = (shade(row == column, share), if share > 0.6 { "#fff" } else { "#222" });
            let _ = write!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{CELL}\" height=\"{CELL}\" fill=\"{fill}\" stroke=\"#fff\"/>\
                 <text x=\"{0}\" y=\"{1}\" text-anchor=\"middle\" fill=\"{ink}\">{count}</text>\
                 <text x=\"{0}\" y=\"{2}\" text-anchor=\"middle\" fill=\"{ink}\" font-size=\"10\">{3:.0} %</text>",
                x + CELL / 2,
                y + CELL / 2 + 2,
                y + CELL / 2 + 17,
                share * 100.0
            );
        }
    }
    svg + "</svg>"
}

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

/// Pictures with what the model says and, where it is wrong, what is true; `shape` is channels, height, width.
///
/// # Errors
/// Only when a thumbnail cannot be encoded.
pub fn sheet(labels: &[String], split: &Split, tiles: &[Tile], shape: (usize, usize, usize)) -> Result<String> {
    let (step_x, step_y) = (THUMB + 12, THUMB + 44);
    let rows = tiles.len().div_ceil(COLUMNS).max(1);
    let mut svg = open(COLUMNS * step_x + 12, rows * step_y + 8);
    for (index, tile) in tiles.iter().enumerate() {
        let (x, y) = (12 + index % COLUMNS * step_x, 8 + index / COLUMNS * step_y);
        let truth = split.items[tile.picture].label;
        let right = truth == tile.predicted;
        let colour = if right { "#2a8f4f" } else { "#c0392b" };
        let _ = write!(
            svg,
            "<image x=\"{x}\" y=\"{y}\" width=\"{THUMB}\" height=\"{THUMB}\" href=\"data:image/png;base64,{}\"/>\
             <rect x=\"{x}\" y=\"{y}\" width=\"{THUMB}\" height=\"{THUMB}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\"/>\
             <text x=\"{x}\" y=\"{}\" fill=\"{colour}\">{} {:.2}</text>",
            thumbnail(split.picture(tile.picture), shape)?,
            if right { 1 } else { 3 },
            y + THUMB + 15,
            escape(&labels[tile.predicted]),
            tile.confidence
        );
        if !right {
            let _ = write!(svg, "<text x=\"{x}\" y=\"{}\" fill=\"#555\">true: {}</text>", y + THUMB + 29, escape(&labels[truth]));
        }
    }
    Ok(svg + "</svg>")
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
    let mut png = Cursor::new(Vec::new());
    image.context("a picture has the wrong size")?.write_to(&mut png, ImageFormat::Png)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(png.get_ref()))
}

fn open(width: usize, height: usize) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    )
}

/// From white to full colour: green on the diagonal, red off it.
fn shade(right: bool, share: f64) -> String {
    let full = if right { [42.0, 143.0, 79.0] } else { [192.0, 57.0, 43.0] };
    let mixed = full.map(|channel| 255.0 + (channel - 255.0) * share.clamp(0.0, 1.0));
    format!("rgb({:.0},{:.0},{:.0})", mixed[0], mixed[1], mixed[2])
}

/// Text for XML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
