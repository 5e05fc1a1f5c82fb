//! What an exported model comes to on photos.

use super::metrics::Scores;

/// The exported model's figures on one part of a data set.
pub struct Measured {
    /// The data set's folder name.
    pub source: String,
    /// Whether its validation photos chose the detection threshold.
    pub chose: bool,
    /// `val` or `test`.
    pub part: &'static str,
    /// The figures, at the card's threshold.
    pub scores: Scores,
}
