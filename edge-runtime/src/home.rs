//! The user's home folder in paths that no shell has read.

use std::env;
use std::path::{Path, PathBuf};

/// The path with the home folder in place of a `~` at its beginning, where the home is known.
pub(crate) fn expanded(path: &Path) -> PathBuf {
    let home = env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    inside(path, home.as_deref())
}

fn inside(path: &Path, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_tilde_that_is_the_first_part_is_the_home() {
        let home = Some(Path::new("/home/ann"));
        for (path, meant) in [("~/a/b", "/home/ann/a/b"), ("~", "/home/ann/"), ("~bob/a", "~bob/a"), ("a/~/b", "a/~/b")]
        {
            assert_eq!(inside(Path::new(path), home), PathBuf::from(meant), "{path}");
        }
        assert_eq!(inside(Path::new("~/a"), None), PathBuf::from("~/a"));
    }
}
