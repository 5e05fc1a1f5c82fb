use sha2::{Digest, Sha256};
use std::fmt::Write;

/// SHA-256, in hexadecimal, over pictures given as (path relative to their data set, SHA-256 of the file), whatever their order.
pub fn fingerprint<'a>(files: impl Iterator<Item = (&'a str, &'a [u8; 32])>) -> String {
    let mut files: Vec<_> = files.collect();
    files.sort_unstable();
    let mut hash = Sha256::new();
    for (path, digest) in files {
        hash.update((path.len() as u64).to_le_bytes());
        hash.update(path.as_bytes());
        hash.update(digest);
    }
    hexadecimal(&hash.finalize())
}

/// One fingerprint for several sources, whatever their order; of a single source, its own.
pub(super) fn combine(mut fingerprints: Vec<String>) -> String {
    if fingerprints.len() == 1 {
        return fingerprints.remove(0);
    }
    fingerprints.sort_unstable();
    hexadecimal(&Sha256::digest(fingerprints.concat()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_count_and_content_does() {
        let (a, b) = ([1u8; 32], [2u8; 32]);
        let print = |files: &[(&str, &[u8; 32])]| fingerprint(files.iter().copied());
        assert_eq!(print(&[("x", &a), ("y", &b)]), print(&[("y", &b), ("x", &a)]));
        assert_ne!(print(&[("x", &a), ("y", &b)]), print(&[("x", &b), ("y", &a)]));
        assert_eq!(print(&[]).len(), 64);
        assert_eq!(combine(vec!["b".into(), "a".into()]), combine(vec!["a".into(), "b".into()]));
    }
}
