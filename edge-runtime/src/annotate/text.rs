//! Text on pictures. A dot font is drawn at any size: adjacent dots are joined to round, antialiased strokes.

use image::{Rgb, RgbImage};

/// Sixteen symbols per row, starting at the space. Each is 5 dots wide and 9 high; the lower 2 rows are for descenders.
const FONT: &str = include_str!("font.txt");

const COLUMNS: usize = 5;
const ROWS: usize = 9;
/// Symbols in a row of the font.
const ACROSS: usize = 16;
/// The symbol shown for a character that the font lacks.
const MISSING: usize = 95;

/// Dots from one symbol to the next.
const ADVANCE: f32 = 6.0;

/// Dots from the top of a capital letter to the baseline.
pub(super) const CAPITAL: f32 = 6.0;

/// Size, stroke width and colour of text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Pixels from dot to dot.
    pub dot: f32,
    /// Half a stroke's width, in dots.
    pub weight: f32,
    /// Red, green, blue.
    pub colour: [u8; 3],
}

impl Style {
    /// Width of `text` in pixels.
    pub(super) fn width(&self, text: &str) -> f32 {
        let dots = text.chars().count() as f32 * ADVANCE - (ADVANCE - COLUMNS as f32 + 1.0);
        (dots.max(0.0) + 2.0 * self.weight) * self.dot
    }

    /// Draws `text`. `x` is the middle of its first dot, `y` the middle of its capitals' uppermost dots. What lies
    /// outside the picture is clipped.
    pub(super) fn write(&self, picture: &mut RgbImage, text: &str, [x, y]: [f32; 2]) {
        for (index, symbol) in text.chars().enumerate() {
            self.symbol(picture, symbol, [x + index as f32 * ADVANCE * self.dot, y]);
        }
    }

    fn symbol(&self, picture: &mut RgbImage, symbol: char, [left, top]: [f32; 2]) {
        let strokes = strokes(symbol);
        let range = |start: f32, dots: usize, limit: u32| {
            // A float cast saturates, so a symbol outside the picture gives an empty range.
            let low = (start - self.dot).max(0.0) as u32;
            low..((start + dots as f32 * self.dot).max(0.0) as u32 + 1).min(limit)
        };
        for row in range(top, ROWS, picture.height()) {
            for column in range(left, COLUMNS, picture.width()) {
                let at = [(column as f32 + 0.5 - left) / self.dot, (row as f32 + 0.5 - top) / self.dot];
                let nearest = strokes.iter().map(|stroke| distance(at, stroke)).fold(f32::INFINITY, f32::min);
                let cover = ((self.weight - nearest) * self.dot + 0.5).clamp(0.0, 1.0);
                if cover > 0.0 {
                    blend(picture.get_pixel_mut(column, row), self.colour, cover);
                }
            }
        }
    }
}

/// Moves a pixel towards `colour` by `share`, 0 to 1.
pub(super) fn blend(pixel: &mut Rgb<u8>, colour: [u8; 3], share: f32) {
    for (value, colour) in pixel.0.iter_mut().zip(colour) {
        let [from, to] = [*value, colour].map(f32::from);
        *value = (from + (to - from) * share).round() as u8;
    }
}

/// From one dot to another.
type Stroke = [[f32; 2]; 2];

/// Distance in dots from a point to a stroke.
fn distance([x, y]: [f32; 2], [from, to]: &Stroke) -> f32 {
    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
    let along = (((x - from[0]) * dx + (y - from[1]) * dy) / (dx * dx + dy * dy).max(1e-9)).clamp(0.0, 1.0);
    (x - from[0] - along * dx).hypot(y - from[1] - along * dy)
}

/// A symbol's strokes. They join adjacent dots; diagonal neighbours are joined only where nothing else connects them.
fn strokes(symbol: char) -> Vec<Stroke> {
    let index = (symbol as usize).checked_sub(usize::from(b' ')).filter(|&index| index < MISSING).unwrap_or(MISSING);
    let first = index / ACROSS * (ROWS + 1);
    let rows: Vec<&[u8]> = FONT.lines().skip(first).take(ROWS).map(str::as_bytes).collect();
    let start = index % ACROSS * (COLUMNS + 1);
    let lit = |x: usize, y: usize| {
        x < COLUMNS && rows.get(y).is_some_and(|row| row.get(start + x).is_some_and(|&dot| dot == b'#'))
    };
    let mut strokes = Vec::new();
    for y in 0..ROWS {
        for x in (0..COLUMNS).filter(|&x| lit(x, y)) {
            let mut to = |x1: usize, y1: usize| strokes.push([[x as f32, y as f32], [x1 as f32, y1 as f32]]);
            to(x, y);
            if lit(x + 1, y) {
                to(x + 1, y);
            }
            if lit(x, y + 1) {
                to(x, y + 1);
            }
            if lit(x + 1, y + 1) && !lit(x + 1, y) && !lit(x, y + 1) {
                to(x + 1, y + 1);
            }
            if x > 0 && lit(x - 1, y + 1) && !lit(x - 1, y) && !lit(x, y + 1) {
                to(x - 1, y + 1);
            }
        }
    }
    strokes
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style { dot: 2.0, weight: 0.5, colour: [255; 3] };

    fn written(text: &str, at: [f32; 2]) -> RgbImage {
        let mut picture = RgbImage::new(80, 30);
        STYLE.write(&mut picture, text, at);
        picture
    }

    #[test]
    fn every_symbol_of_the_font_is_drawn_and_differs() {
        assert!(FONT.lines().enumerate().all(|(index, line)| line.len() == if index % 10 == 9 { 0 } else { 95 }));
        let symbols: Vec<RgbImage> = (' '..='\x7f').map(|symbol| written(&symbol.to_string(), [4.0, 4.0])).collect();
        for (index, one) in symbols.iter().enumerate() {
            assert!(symbols[..index].iter().all(|other| other != one), "symbol {index}");
        }
        assert_eq!(written("é", [4.0, 4.0]), written("\x7f", [4.0, 4.0]));
    }

    #[test]
    fn text_stays_in_its_width_and_in_the_picture() {
        let picture = written("Ag1", [4.0, 4.0]);
        let right = 4.0 + STYLE.width("Ag1");
        for (x, y, pixel) in picture.enumerate_pixels() {
            assert!(pixel.0 == [0; 3] || (x as f32) < right && (2..24).contains(&y), "{x} {y}");
        }
        assert_eq!(STYLE.width(""), 2.0);
        for at in [[-300.0, 4.0], [4.0, -300.0], [1e9, 4.0], [f32::NAN, 4.0]] {
            written("Ag1", at);
        }
        assert!(written("W", [-4.0, 20.0]).pixels().any(|pixel| pixel.0 != [0; 3]));
    }
}
