//! What a mood is called where people read it.

/// The labels that expression data sets use (Ekman's six, calm faces and contempt) and that have no light unless the configuration
/// gives them one, with the word for each.
const WORDS: [(&str, &str); 5] = [
    ("contempt", "contemptuous"),
    ("disgust", "disgusted"),
    ("fear", "afraid"),
    ("neutral", "calm"),
    ("surprise", "surprised"),
];

/// The word for a label: `calm` for `neutral`; most labels are words already.
pub fn mood_word(label: &str) -> &str {
    find(label).map_or(label, |(_, word)| word)
}

/// Whether a label has no light unless the configuration gives it one.
pub fn is_dark_by_default(label: &str) -> bool {
    find(label).is_some()
}

fn find(label: &str) -> Option<(&'static str, &'static str)> {
    WORDS.into_iter().find(|(name, _)| *name == label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_become_words_for_a_person_and_others_stay() {
        assert_eq!(["neutral", "surprise", "happy", "cat"].map(mood_word), ["calm", "surprised", "happy", "cat"]);
        assert!(is_dark_by_default("fear") && !is_dark_by_default("sad"));
    }
}
