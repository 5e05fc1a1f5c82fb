//! Where in a file each key stands, so that an error can name file, line and key.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// The keys of a configuration file by their dotted names, such as `lights.moods.sad.pin`.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    path: PathBuf,
    /// The bytes of key and value.
    spans: BTreeMap<String, Range<usize>>,
    /// Byte offset at which each line begins.
    lines: Vec<usize>,
    /// Keys whose value is an array.
    arrays: Vec<String>,
}

impl Keys {
    /// The keys of `text`, the content of `path`; none where it is no TOML.
    pub fn new(path: &Path, text: &str) -> Self {
        let newlines = text.match_indices('\n').map(|(offset, _)| offset + 1);
        let lines = std::iter::once(0).chain(newlines).collect();
        let mut keys = Self { path: path.to_owned(), spans: BTreeMap::new(), lines, arrays: Vec::new() };
        if let Ok(table) = DeTable::parse(text) {
            keys.add("", table.get_ref());
        }
        keys
    }

    fn add(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name =
                if prefix.is_empty() { key.get_ref().to_string() } else { format!("{prefix}.{}", key.get_ref()) };
            match value.get_ref() {
                DeValue::Table(inner) => self.add(&name, inner),
                DeValue::Array(_) => self.arrays.push(name.clone()),
                _ => {}
            }
            let (key, value) = (key.span(), value.span());
            self.spans.insert(name, key.start.min(value.start)..key.end.max(value.end));
        }
    }

    /// A key whose value is an array, if there is one.
    pub(super) fn array(&self) -> Option<&str> {
        self.arrays.first().map(String::as_str)
    }

    /// `file:line: key`, as far as they are known: the file alone for what is not in it.
    pub fn place(&self, key: &str) -> String {
        match self.spans.get(key) {
            Some(span) => format!("{}:{}: `{key}`", self.path.display(), self.line(span.start)),
            None => format!("{}: `{key}`", self.path.display()),
        }
    }

    /// The place of the innermost key around a byte range.
    pub fn place_of(&self, range: Range<usize>) -> String {
        let around = |span: &Range<usize>| span.start <= range.start && range.start < span.end.max(span.start + 1);
        let innermost = self.spans.iter().filter(|(_, span)| around(span)).min_by_key(|(name, span)| {
            // Tables span their header only, or all of their keys; the longer name is the inner one.
            (std::cmp::Reverse(name.matches('.').count()), span.len())
        });
        let line = self.line(range.start);
        match innermost {
            Some((name, _)) => format!("{}:{line}: `{name}`", self.path.display()),
            None => format!("{}:{line}", self.path.display()),
        }
    }

    /// `file:line` of a byte offset.
    pub(super) fn line_of(&self, offset: usize) -> String {
        format!("{}:{}", self.path.display(), self.line(offset))
    }

    fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|&start| start <= offset).max(1)
    }
}
