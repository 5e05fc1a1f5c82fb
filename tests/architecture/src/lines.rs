//! Lines of code, by package.

use crate::packages::{Package, packages};
use crate::source::{ReadError, attributes, only_in_tests, parse, read};
use std::fmt::{Display, Formatter};
use std::path::Path;
use syn::spanned::Spanned;

/// A package's lines that are neither blank nor only a comment.
#[derive(Debug)]
pub struct Lines {
    /// The package.
    pub package: String,
    /// Its Rust files.
    pub files: usize,
    /// Lines of what is shipped or run by hand.
    pub code: usize,
    /// Lines of tests, those inside the other files among them.
    pub tests: usize,
    /// Characters of all these lines, without indentation.
    pub characters: usize,
}

impl Display for Lines {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Lines { package, files, code, tests, characters } = self;
        let each = *characters as f64 / (code + tests).max(1) as f64;
        write!(f, "| {package} | {files} | {code} | {tests} | {each:.1} |")
    }
}

/// The lines of each package of the workspace in `root`.
///
/// # Errors
/// When a file cannot be read or is no Rust.
pub fn lines_by_package(root: &Path) -> Result<Vec<Lines>, ReadError> {
    packages(root)?.iter().map(lines).collect()
}

fn lines(package: &Package) -> Result<Lines, ReadError> {
    let mut lines = Lines { package: package.name.clone(), files: 0, code: 0, tests: 0, characters: 0 };
    for path in package.files() {
        lines.files += 1;
        let inside_tests = test_lines(&path)?;
        for (number, line) in code_lines(&read(&path)?) {
            lines.characters += line.chars().count();
            if is_test_file(path.strip_prefix(&package.folder).unwrap_or(&path))
                || inside_tests.iter().any(|range| range.contains(&number))
            {
                lines.tests += 1;
            } else {
                lines.code += 1;
            }
        }
    }
    Ok(lines)
}

/// Whether a file holds tests only, by the workspace's habit: `tests.rs`, or in a folder `tests`.
fn is_test_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "tests.rs") || path.iter().any(|part| part == "tests")
}

/// The numbers of the lines that hold a file's tests.
fn test_lines(path: &Path) -> Result<Vec<std::ops::RangeInclusive<usize>>, ReadError> {
    let items = parse(path)?.items;
    let tests = items.iter().filter(|item| only_in_tests(attributes(item)));
    Ok(tests.map(|item| item.span().start().line..=item.span().end().line).collect())
}

/// The lines of code in `text`, trimmed, with their numbers from 1.
fn code_lines(text: &str) -> Vec<(usize, &str)> {
    let mut in_comment = false;
    let mut lines = vec![];
    for (index, line) in text.lines().map(str::trim).enumerate() {
        let was_in_comment = in_comment;
        if line.starts_with("/*") || in_comment {
            in_comment = !line.ends_with("*/");
        }
        if !line.is_empty() && !line.starts_with("//") && !line.starts_with("/*") && !was_in_comment {
            lines.push((index + 1, line));
        }
    }
    lines
}
