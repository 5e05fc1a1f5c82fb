//! What an exported model comes to on pictures.

use super::metrics::Scores;

/// The exported model's figures on one source's part.
pub struct Measured {
    /// The source as it was given.
    pub source: String,
    /// `val` or `test`.
    pub part: &'static str,
    /// Pictures left out because the model lacks their label.
    pub skipped: usize,
    /// The figures, at the card's temperature.
    pub scores: Scores,
}
