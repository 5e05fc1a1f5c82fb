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

    fn colour(self, out: &mut String, ground: u8, [r, g, b]: [u8; 3]) {
        // Writing into a String cannot fail.
        let _ = match self {
            Self::None => Ok(()),
            Self::Indexed => write!(out, "\x1b[{ground};5;{}m", indexed([r, g, b])),
            Self::True => write!(out, "\x1b[{ground};2;{r};{g};{b}m"),
        };
    }
}

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
    fn no_ink_leaves_no_trace() {
        let mut out = String::new();
        Ink::None.foreground(&mut out, [1, 2, 3]);
        Ink::None.bold(&mut out);
        Ink::None.reset(&mut out);
        assert_eq!(out, "");
    }
}
