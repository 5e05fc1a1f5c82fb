//! The first words of a run.

use super::paint::Ink;
use super::shapes::wrapped;
use crate::source::SourceSpec;
use emotion_models::Classifier;
use std::fmt::Write;

/// Why the test card is shown although it was not requested.
pub const STAND_IN: &str = "no camera here and no source named, so the test card stands in";

const NAME: &str = "Moodlight";

/// What runs; where it is live on a terminal of so many `columns`, how to stop it and what to try next; `stands_in`, why it is the test
/// card.
pub fn greeting(
    source: &SourceSpec,
    classifier: &Classifier,
    columns: Option<usize>,
    stands_in: bool,
    ink: Ink,
) -> String {
    let mut text = String::from(NAME);
    // Writing into a String cannot fail.
    let _ = writeln!(text, ": {}; model {} ({})", source.description(), classifier.card().name, classifier.precision());
    if stands_in {
        let _ = writeln!(text, "({STAND_IN})");
    }
    if columns.is_some() {
        text.push_str("Ctrl-C stops.  Your own pictures: --source images:FOLDER   More: --help\n");
    }
    if let Some(columns) = columns {
        let fits = |line: &str| line.chars().count() <= columns;
        let broken = |line: &str| if fits(line) { vec![line.to_owned()] } else { wrapped(line, columns) };
        text = text.lines().flat_map(broken).map(|line| line + "\n").collect();
    }
    let mut bold = String::new();
    ink.bold(&mut bold);
    bold.push_str(NAME);
    ink.reset(&mut bold);
    text.replacen(NAME, &bold, 1)
}
