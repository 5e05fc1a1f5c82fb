//! The confusion matrix as SVG.

use crate::emotion::metrics::Scores;
use crate::report::svg::{escape, open, width_of};
use std::fmt::Write;

/// Height of a cell, and its least width.
const CELL: usize = 64;

/// Counts by true label (rows) and predicted label (columns), shaded by the share of the row. A label without pictures has no row.
pub fn confusion(labels: &[String], scores: &Scores) -> String {
    let longest = labels.iter().map(|label| width_of(label)).max().unwrap_or(0);
    let (left, cell) = (20 + longest, CELL.max(longest + 8));
    let rows = labels.iter().zip(&scores.confusion).enumerate();
    let rows = rows.filter(|(_, (_, counts))| counts.iter().any(|count| *count > 0));
    let mut svg = open(left + cell * labels.len() + 10, 60 + CELL * rows.clone().count());
    let _ = write!(svg, "<text x=\"{left}\" y=\"18\" font-weight=\"bold\">predicted</text>");
    for (column, label) in labels.iter().enumerate() {
        let x = left + column * cell + cell / 2;
        let _ = write!(svg, "<text x=\"{x}\" y=\"42\" text-anchor=\"middle\">{}</text>", escape(label));
    }
    for (row, (own, (label, counts))) in rows.enumerate() {
        let y = 52 + row * CELL;
        let all = counts.iter().sum::<usize>().max(1);
        let name = escape(label);
        let _ = write!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>", left - 8, y + CELL / 2 + 5);
        for (column, count) in counts.iter().enumerate() {
            let (x, share) = (left + column * cell, *count as f64 / all as f64);
            let (fill, ink) = (shade(own == column, share), if share > 0.6 { "#fff" } else { "#222" });
            let _ = write!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{cell}\" height=\"{CELL}\" fill=\"{fill}\" stroke=\"#fff\"/>\
                 <text x=\"{0}\" y=\"{1}\" text-anchor=\"middle\" fill=\"{ink}\">{count}</text>\
                 <text x=\"{0}\" y=\"{2}\" text-anchor=\"middle\" fill=\"{ink}\" font-size=\"10\">{3:.0} %</text>",
                x + cell / 2,
                y + CELL / 2 + 2,
                y + CELL / 2 + 17,
                share * 100.0
            );
        }
    }
    svg + "</svg>"
}

/// From white to full colour: green on the diagonal, red off it.
fn shade(right: bool, share: f64) -> String {
    let full = if right { [42.0, 143.0, 79.0] } else { [192.0, 57.0, 43.0] };
    let mixed = full.map(|channel| 255.0 + (channel - 255.0) * share.clamp(0.0, 1.0));
    format!("rgb({:.0},{:.0},{:.0})", mixed[0], mixed[1], mixed[2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emotion::metrics::score;

    #[test]
    fn shows_every_count_and_escapes_labels() {
        let scores = score(&[0.9, 0.1, 0.2, 0.8, 0.7, 0.3], &[0, 1, 1], 2);
        let svg = confusion(&["a<b".into(), "a label with a long name".into()], &scores);
        assert_eq!(svg.matches("<rect").count(), 1 + 4);
        assert!(svg.contains("a&lt;b") && !svg.contains("a<b"));
        assert_eq!((svg.matches(">1</text>").count(), svg.matches(">0</text>").count()), (3, 1));
        assert!(svg.contains("50 %"));
        // Of a label without pictures there is a column alone, and the diagonal keeps its colour.
        let svg = confusion(&["calm".into(), "sad".into()], &score(&[0.2, 0.8], &[1], 2));
        assert_eq!((svg.matches(">calm</text>").count(), svg.matches(">sad</text>").count()), (1, 2));
        assert!(svg.contains("rgb(42,143,79)") && !svg.contains("rgb(192,57,43)"));
    }
}
