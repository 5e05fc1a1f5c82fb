//! The first words of a run.

use super::paint::Ink;
use crate::source::SourceSpec;
use emotion_models::Classifier;
use std::fmt::Write;

/// Why the test card is shown although it was not requested.
pub const STAND_IN: &str = "no camera and no configuration here, so the test card stands in";

/// What runs; `live`, how to stop it and what to try next; `stands_in`, why it is the test card.
pub fn greeting(source: &SourceSpec, classifier: &Classifier, live: bool, stands_in: bool, ink: Ink) -> String {
    let mut text = String::new();
    ink.bold(&mut text);
    text.push_str("Moodlight");
    ink.reset(&mut text);
    // Writing into a String cannot fail.
    let _ = writeln!(text, ": {}; model {} ({})", source.description(), classifier.card().name, classifier.precision());
    if stands_in {
        let _ = writeln!(text, "({STAND_IN})");
    }
    if live {
        text.push_str("Ctrl-C stops.  Your own pictures: --source images:FOLDER   More: --help\n");
    }
    text
}
