//! A terminal's lines as SVG: what the display writes, cell by cell, without fonts for anything but letters.

use std::fmt::Write;

/// Size of a character cell.
pub const CELL: (f32, f32) = (8.0, 16.0);
const FOREGROUND: [u8; 3] = [214, 217, 222];

#[derive(Clone, Copy, PartialEq)]
struct Pen {
    foreground: [u8; 3],
    background: Option<[u8; 3]>,
    bold: bool,
}

const PLAIN: Pen = Pen { foreground: FOREGROUND, background: None, bold: false };

/// Draws a line, as the display writes it with 24-bit colours, from `left`, `top` (in pixels) on.
pub fn line(out: &mut String, text: &str, left: f32, top: f32) {
    let mut pen = PLAIN;
    let mut words = String::new();
    let mut words_at = 0;
    let mut column = 0;
    let mut rest = text.chars();
    while let Some(symbol) = rest.next() {
        if symbol == '\x1b' {
            flush(out, &mut words, words_at, pen, left, top);
            let codes: String = rest.by_ref().skip(1).take_while(|&symbol| symbol != 'm').collect();
            pen = turn(pen, &codes);
            continue;
        }
        let x = left + column as f32 * CELL.0;
        if symbol.is_ascii() {
            if words.is_empty() {
                words_at = column;
            }
            words.push(symbol);
        } else {
            flush(out, &mut words, words_at, pen, left, top);
            shape(out, symbol, pen, x, top);
        }
        column += 1;
    }
    flush(out, &mut words, words_at, pen, left, top);
}

fn turn(mut pen: Pen, codes: &str) -> Pen {
    let numbers: Vec<u8> = codes.split(';').filter_map(|code| code.parse().ok()).collect();
    match numbers[..] {
        [0] => pen = PLAIN,
        [1] => pen.bold = true,
        [38, 2, r, g, b] => pen.foreground = [r, g, b],
        [48, 2, r, g, b] => pen.background = Some([r, g, b]),
        _ => panic!("a display code this picture does not know: {codes}"),
    }
    pen
}

/// A symbol that is drawn as a shape.
fn shape(out: &mut String, symbol: char, pen: Pen, x: f32, y: f32) {
    let (width, height) = CELL;
    match symbol {
        '▀' => {
            rectangle(out, pen.foreground, x, y, width, height / 2.0);
            rectangle(out, pen.background.unwrap_or([0; 3]), x, y + height / 2.0, width, height / 2.0);
        }
        '●' | '○' => {
            let (x, y) = (x + width / 2.0, y + height / 2.0);
            let colour = hex(pen.foreground);
            let _ = if symbol == '●' {
                writeln!(
                    out,
                    "<circle cx='{x}' cy='{y}' r='9' fill='{colour}' opacity='.25'/>\
                     <circle cx='{x}' cy='{y}' r='5' fill='{colour}'/>"
                )
            } else {
                writeln!(out, "<circle cx='{x}' cy='{y}' r='4' fill='none' stroke='{colour}' stroke-width='1.5'/>")
            };
        }
        '█'..='▏' => {
            let share = (0x2590 - symbol as u32) as f32 / 8.0;
            rectangle(out, pen.foreground, x, y + 2.0, width * share, height - 4.0);
        }
        other => panic!("a symbol this picture does not know: {other}"),
    }
}

fn rectangle(out: &mut String, colour: [u8; 3], x: f32, y: f32, width: f32, height: f32) {
    // Half a pixel more hides the seams that antialiasing leaves between neighbours.
    let (width, height) = (width + 0.5, height + 0.5);
    let _ = writeln!(out, "<path fill='{}' d='M{x} {y}h{width}v{height}h-{width}z'/>", hex(colour));
}

fn flush(out: &mut String, words: &mut String, at: usize, pen: Pen, left: f32, top: f32) {
    let trimmed = words.trim_end();
    let start = trimmed.len() - trimmed.trim_start().len();
    let text = trimmed.trim_start().replace('&', "&amp;").replace('<', "&lt;");
    if !text.is_empty() {
        let x = left + (at + start) as f32 * CELL.0;
        let length = trimmed.trim_start().chars().count() as f32 * CELL.0;
        let weight = if pen.bold { " font-weight='bold'" } else { "" };
        let _ = writeln!(
            out,
            "<text x='{x}' y='{}' textLength='{length}' fill='{}'{weight} xml:space='preserve'>{text}</text>",
            top + 12.0,
            hex(pen.foreground)
        );
    }
    words.clear();
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}
