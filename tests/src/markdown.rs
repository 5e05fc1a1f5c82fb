//! The documents as the tests read them: fenced blocks, prose, links.

use std::fs;
use std::path::{Path, PathBuf};

/// The repository's root. Cargo runs tests in their package's folder; a path compiled in would name another checkout where two
/// share a target folder.
pub fn root() -> PathBuf {
    std::path::absolute("..").expect("the package's folder has a parent")
}

/// The Markdown files of a folder of the repository, in order of their names.
#[track_caller]
pub fn documents_in(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    files
}

/// A Markdown file.
pub struct Document {
    /// Its path.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// A fenced block.
#[derive(Debug)]
pub struct Fence {
    /// What follows the opening backticks, such as `sh`.
    pub language: String,
    /// Its lines.
    pub lines: Vec<String>,
}

impl Document {
    /// Reads a file of the repository.
    #[track_caller]
    pub fn read(path: impl AsRef<Path>) -> Self {
        let path = root().join(path);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Document { path, text }
    }

    /// The fenced blocks.
    pub fn fences(&self) -> Vec<Fence> {
        let mut fences: Vec<Fence> = vec![];
        let mut open = false;
        for line in self.text.lines() {
            if let Some(language) = line.strip_prefix("```") {
                open = !open;
                if open {
                    fences.push(Fence { language: language.to_owned(), lines: vec![] });
                }
            } else if open && let Some(fence) = fences.last_mut() {
                fence.lines.push(line.to_owned());
            }
        }
        fences
    }

    /// Lines outside fenced blocks, with their numbers from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut open = false;
        self.text.lines().zip(1..).filter_map(move |(line, number)| {
            let fence = line.starts_with("```");
            open ^= fence;
            (!fence && !open).then_some((number, line))
        })
    }

    /// Paragraphs and list items, each in one line, without tables and headings; a code span reads as one word.
    pub fn paragraphs(&self) -> Vec<String> {
        let mut paragraphs = vec![String::new()];
        for (_, line) in self.lines() {
            let line = line.trim();
            let apart = line.is_empty() || line.starts_with(['|', '#']);
            let item = line.starts_with("- ") || line.split_once(". ").is_some_and(|(n, _)| n.parse::<u8>().is_ok());
            if apart || item {
                paragraphs.push(String::new());
            }
            if !apart && let Some(last) = paragraphs.last_mut() {
                last.push(' ');
                last.push_str(line);
            }
        }
        paragraphs.retain(|paragraph| !paragraph.is_empty());
        paragraphs.iter().map(|paragraph| without_code(paragraph)).collect()
    }

    /// Where its links lead: what stands in `](...)`.
    pub fn links(&self) -> Vec<String> {
        let parts = self.lines().flat_map(|(_, line)| line.split("](").skip(1).collect::<Vec<_>>());
        parts.filter_map(|part| part.split_once(')').map(|(link, _)| link.to_owned())).collect()
    }

    /// The code spans outside fenced blocks.
    pub fn code_spans(&self) -> Vec<String> {
        let text = self.lines().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        text.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")).collect()
    }
}

/// The text with `code` in place of each code span.
pub fn without_code(text: &str) -> String {
    let part = |(index, part): (usize, &str)| if index % 2 == 0 { part.to_owned() } else { "code".to_owned() };
    text.split('`').enumerate().map(part).collect()
}
