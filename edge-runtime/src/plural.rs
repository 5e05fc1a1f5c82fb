//! Counts in words.

/// How many there are of what `word` names, as in `1 frame`, `2 frames`.
pub(crate) fn counted(count: u64, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
