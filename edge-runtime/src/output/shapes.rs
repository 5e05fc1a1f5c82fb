//! What a line of the display is made of: lights, bars, pixels.

use super::paint::Ink;
use crate::lights::LightColour;

/// Pixels across and down the small picture; a character cell shows two, one above the other.
pub const PICTURE: usize = 28;

/// A line that takes only what still fits.
pub(super) struct Fitting {
    pub(super) text: String,
    /// Columns left.
    pub(super) left: usize,
}

impl Fitting {
    pub(super) fn new(columns: usize) -> Self {
        Self { text: String::new(), left: columns }
    }

    /// Adds `columns` columns of text, or nothing any more once something did not fit.
    pub(super) fn add(&mut self, columns: usize, write: impl FnOnce(&mut String)) {
        if columns <= self.left {
            self.left -= columns;
            write(&mut self.text);
        } else {
            self.left = 0;
        }
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

/// Two rows of pixels, of a picture's red, green and blue planes, as one row of half blocks; blank without a picture.
pub(super) fn picture_row(out: &mut String, ink: Ink, picture: Option<&[u8]>, row: usize) {
    let Some(picture) = picture else {
        out.push_str(&" ".repeat(PICTURE));
        return;
    };
    let pixel = |x: usize, y: usize| [0, 1, 2].map(|plane| picture[(plane * PICTURE + y) * PICTURE + x]);
    let mut before = None;
    for x in 0..PICTURE {
        let both = (pixel(x, 2 * row), pixel(x, 2 * row + 1));
        if before != Some(both) {
            ink.foreground(out, both.0);
            ink.background(out, both.1);
            before = Some(both);
        }
        out.push('▀');
    }
    ink.reset(out);
}
