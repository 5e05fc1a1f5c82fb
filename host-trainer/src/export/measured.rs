//! What an exported model comes to on the data.

/// The exported model's figures on one part of a data source.
pub struct Measured<S> {
    /// The source's name.
    pub source: String,
    /// `val` or `test`.
    pub part: &'static str,
    /// The figures, at the card's temperature and thresholds.
    pub scores: S,
    /// What readers of the card have to know of them, in parentheses; mostly nothing.
    pub remark: String,
}

/// Those on test pictures, which go into the log.
pub fn of_test<S>(measured: &[Measured<S>]) -> impl DoubleEndedIterator<Item = &Measured<S>> {
    measured.iter().filter(|one| one.part == "test")
}

/// Those that are shown in full: on the last test part, or the last of all where there is none.
pub fn in_full<S>(measured: &[Measured<S>]) -> Option<&Measured<S>> {
    of_test(measured).next_back().or(measured.last())
}
