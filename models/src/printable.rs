//! Text from outside, such as a file's name, made fit for a terminal and for one line.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// `text` with every control character escaped, and every one that turns the direction of writing: `\n`, `\u{1b}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let escaped =
        |letter: char| if is_unprintable(letter) { letter.escape_default().to_string() } else { letter.into() };
    Cow::Owned(text.chars().map(escaped).collect())
}

/// `text` with each letter and its marks as one character where there is one: Macs write names of files decomposed, others composed
/// (Unicode Normalization Form C).
pub fn composed(text: &str) -> Cow<'_, str> {
    if is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// A file's name, printable; bytes that are no UTF-8 are escaped: `\xff`.
pub fn printable_path(path: &Path) -> String {
    let mut text = String::new();
    for part in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(&printable(part.valid()));
        // Writing into a String cannot fail.
        part.invalid().iter().for_each(|byte| _ = write!(text, "\\x{byte:02x}"));
    }
    text
}

fn is_unprintable(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn letters_and_their_marks_become_one() {
        assert_eq!(composed("glu\u{308}cklich"), "gl\u{fc}cklich");
        assert_eq!(composed("sad"), "sad");
    }

    #[test]
    fn control_characters_and_bytes_without_meaning_are_escaped() {
        assert_eq!(printable("a face.png"), "a face.png");
        assert_eq!(printable("a\nb\u{1b}[31m\u{202e}c"), "a\\nb\\u{1b}[31m\\u{202e}c");
        assert_eq!(printable_path(Path::new(OsStr::from_bytes(b"gl\xc3\xbcck\xff/\r.png"))), "glück\\xff/\\r.png");
    }
}
