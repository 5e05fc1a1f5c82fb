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
}

impl Keys {
    /// The keys of `table`, which was read from `text`, the content of `path`.
    pub(super) fn new(path: &Path, text: &str, table: &DeTable<'_>) -> Self {
        let newlines = text.match_indices('\n').map(|(offset, _)| offset + 1);
        let lines = std::iter::once(0).chain(newlines).collect();
        let mut keys = Self { path: path.to_owned(), spans: BTreeMap::new(), lines };
        keys.add("", table);
        keys
    }

    fn add(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name =
                if prefix.is_empty() { key.get_ref().to_string() } else { format!("{prefix}.{}", key.get_ref()) };
            if let DeValue::Table(inner) = value.get_ref() {
                self.add(&name, inner);
            }
            let (key, value) = (key.span(), value.span());
            self.spans.insert(name, key.start.min(value.start)..key.end.max(value.end));
        }
    }

    /// `file:line: key`, as far as they are known: the file alone for what is not in it.
    pub fn place(&self, key: &str) -> String {
        match self.spans.get(key) {
            Some(span) => format!("{}:{}: `{key}`", self.path.display(), self.line(span.start)),
            None => format!("{}: `{key}`", self.path.display()),
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
