//! Colours in the terminal.

use std::env;
use std::fmt::Write;

/// The colours a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// None at all.
    None,
    /// The 256 of xterm.
    Indexed,
    /// 24 bits.
    True,
}

/// Whether the user leaves colours on: `NO_COLOR` is not set to anything (<https://no-color.org>).
pub fn colour_wanted() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

impl Ink {
    /// What the environment says of the terminal.
    pub fn of_environment() -> Self {
        if !colour_wanted() {
            return Self::None;
        }
        let says = |name: &str, words: &[&str]| {
            env::var(name).is_ok_and(|value| words.iter().any(|word| value.contains(word)))
        };
        let full =
            says("COLORTERM", &["truecolor", "24bit"]) || says("TERM", &["direct", "kitty", "alacritty", "ghostty"]);
        if full { Self::True } else { Self::Indexed }
    }

    /// Starts writing in this colour.
    pub fn foreground(self, out: &mut String, rgb: [u8; 3]) {
        self.colour(out, 38, rgb);
    }

    /// Starts writing on this colour.
    pub fn background(self, out: &mut String, rgb: [u8; 3]) {
        self.colour(out, 48, rgb);
    }

    /// Starts writing bold.
    pub fn bold(self, out: &mut String) {
        if self != Self::None {
            out.push_str("\x1b[1m");
        }
    }

    /// Back to the terminal's own colours.
    pub fn reset(self, out: &mut String) {
        if self != Self::None {
            out.push_str("\x1b[0m");
        }
    }

    /// A picture's pixel, made ready for this ink: of 256 colours the neighbours share what no single one shows, in the pattern of
    /// Bayer's ordered dithering.
    pub fn dithered(self, rgb: [u8; 3], x: usize, y: usize) -> [u8; 3] {
        const PATTERN: [[i16; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];
        if self != Self::Indexed {
            return rgb;
        }
        let change = (2 * PATTERN[y % 4][x % 4] - 15) * DITHER / 16;
        rgb.map(|value| (i16::from(value) + change).clamp(0, 255) as u8)
    }

    fn colour(self, out: &mut String, ground: u8, [r, g, b]: [u8; 3]) {
        // Writing into a String cannot fail.
        let _ = match self {
            Self::None => Ok(()),
            Self::Indexed => write!(out, "\x1b[{ground};5;{}m", indexed([r, g, b])),
            Self::True => write!(out, "\x1b[{ground};2;{r};{g};{b}m"),
        };
    }
}

/// How far dithering changes a pixel: less than half of the 40 between two of xterm's levels.
const DITHER: i16 = 16;

/// The nearest of xterm's 6x6x6 colours and 24 greys.
fn indexed(rgb: [u8; 3]) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let nearest = |value: u8| (0..6).min_by_key(|&level| LEVELS[level].abs_diff(value)).unwrap_or(0);
    let cube = rgb.map(nearest);
    let mean = rgb.iter().map(|&value| u32::from(value)).sum::<u32>() / 3;
    let grey = (mean.saturating_sub(3) / 10).min(23);
    let distance =
        |other: [u8; 3]| -> u32 { rgb.iter().zip(other).map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2)).sum() };
    if distance([(8 + 10 * grey) as u8; 3]) < distance(cube.map(|level| LEVELS[level])) {
        232 + grey as u8
    } else {
        16 + (36 * cube[0] + 6 * cube[1] + cube[2]) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_256() {
        for (rgb, index) in [([255, 0, 0], 196), ([0, 0, 0], 16), ([128, 128, 128], 244), ([95, 135, 255], 69)] {
            assert_eq!(indexed(rgb), index, "{rgb:?}");
        }
    }

    #[test]
    fn a_colour_between_two_of_256_is_made_of_both() {
        let drawn: std::collections::BTreeSet<u8> =
            (0..16).map(|at| indexed(Ink::Indexed.dithered([155, 115, 115], at % 4, at / 4))).collect();
        assert!(drawn.len() > 1, "{drawn:?}");
        assert_eq!(Ink::True.dithered([155, 115, 115], 1, 2), [155, 115, 115]);
    }

    #[test]
    fn no_ink_leaves_no_trace() {
        let mut out = String::new();
        Ink::None.foreground(&mut out, [1, 2, 3]);
        Ink::None.bold(&mut out);
        Ink::None.reset(&mut out);
        assert_eq!(out, "");
    }
}
