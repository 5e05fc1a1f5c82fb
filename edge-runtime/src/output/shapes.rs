//! What a line of the display is made of: lights, bars, pixels, words.

use super::paint::Ink;
use super::thumbnail::Thumbnail;
use crate::lights::LightColour;

/// Items that flow into lines, broken between them; what finds no line any more is left out.
pub(super) struct Flowing<'a> {
    lines: &'a mut Vec<String>,
    columns: usize,
    rows: usize,
    /// Columns of the last line that are taken.
    taken: usize,
}

impl<'a> Flowing<'a> {
    pub(super) fn new(lines: &'a mut Vec<String>, columns: usize, rows: usize) -> Self {
        lines.push(String::new());
        Self { lines, columns, rows, taken: 0 }
    }

    /// Adds `columns` columns of text, `gap` spaces after what stands before it on the line.
    pub(super) fn add(&mut self, columns: usize, gap: usize, write: impl FnOnce(&mut String)) {
        let gap = if self.taken == 0 { 0 } else { gap };
        let fits = self.taken + gap + columns <= self.columns;
        if !fits && (self.taken == 0 || self.lines.len() >= self.rows || columns > self.columns) {
            return;
        }
        if !fits {
            self.lines.push(String::new());
            self.taken = 0;
        }
        let gap = if fits { gap } else { 0 };
        let Some(line) = self.lines.last_mut() else { return };
        line.extend(std::iter::repeat_n(' ', gap));
        write(line);
        self.taken += gap + columns;
    }
}

/// A round light, lit or dark.
pub(super) fn led(out: &mut String, ink: Ink, colour: LightColour, lit: bool) {
    let rgb = colour.rgb();
    ink.foreground(out, if lit { rgb } else { [80, 80, 80] });
    out.push(if lit { '●' } else { '○' });
    ink.reset(out);
}

/// A bar to an eighth of a column.
pub(super) fn bar(out: &mut String, ink: Ink, colour: LightColour, value: f32, columns: usize, shown: bool) {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (value.clamp(0.0, 1.0) * (columns * 8) as f32).round() as usize;
    let (full, part) = (eighths / 8, eighths % 8);
    ink.foreground(out, if shown { colour.rgb() } else { colour.rgb().map(|value| value / 2 + 20) });
    out.extend(std::iter::repeat_n('█', full));
    if full < columns {
        out.push(EIGHTHS[part]);
        out.extend(std::iter::repeat_n(' ', columns - full - 1));
    }
    ink.reset(out);
}

/// Two rows of pixels as one row of half blocks, `columns` wide; blank beside and below the picture. `marked` has the colour of
/// what is drawn over it. Without ink, letters from light to dense stand for dark to bright.
pub(super) fn picture_row(
    out: &mut String,
    ink: Ink,
    picture: &Thumbnail,
    (row, columns): (usize, usize),
    marked: impl Fn(usize, usize) -> Option<[u8; 3]>,
) {
    const DENSER: [char; 8] = [' ', '.', ':', '-', '=', 'o', '#', '@'];
    let left = columns.saturating_sub(picture.width) / 2;
    out.extend(std::iter::repeat_n(' ', left));
    let pixel =
        |x: usize, y: usize| picture.pixel(x, y).map(|rgb| marked(x, y).unwrap_or_else(|| ink.dithered(rgb, x, y)));
    let mut before = None;
    let width = picture.width.min(columns);
    for x in 0..width {
        let (upper, lower) = (pixel(x, 2 * row), pixel(x, 2 * row + 1));
        let Some(bright) = upper else {
            out.push(' ');
            continue;
        };
        if ink == Ink::None {
            let on_box = marked(x, 2 * row).or(marked(x, 2 * row + 1)).is_some();
            let luma = |[r, g, b]: [u8; 3]| (3 * usize::from(r) + 6 * usize::from(g) + usize::from(b)) / 10;
            let mean = (luma(bright) + luma(lower.unwrap_or(bright))) / 2;
            out.push(if on_box { '+' } else { DENSER[mean * DENSER.len() / 256] });
            continue;
        }
        if before != Some((upper, lower)) {
            match lower {
                Some(lower) => ink.background(out, lower),
                None => ink.reset(out),
            }
            ink.foreground(out, bright);
            before = Some((upper, lower));
        }
        out.push('▀');
    }
    if before.is_some() {
        ink.reset(out);
    }
    out.extend(std::iter::repeat_n(' ', columns - left - width));
}

/// Text broken between words into lines of at most `columns`; a longer word is cut.
pub(super) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word: String = word.chars().take(columns).collect();
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}
