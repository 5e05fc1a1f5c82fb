//! Rust files, parsed.

use proc_macro2::TokenTree;
use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};

/// A file that is not what it should be.
#[derive(Debug)]
pub struct ReadError {
    path: PathBuf,
    reason: String,
}

impl ReadError {
    pub(crate) fn new(path: &Path, reason: impl Display) -> Self {
        ReadError { path: path.to_owned(), reason: reason.to_string() }
    }
}

impl Display for ReadError {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for ReadError {}

pub(crate) fn read(path: &Path) -> Result<String, ReadError> {
    std::fs::read_to_string(path).map_err(|error| ReadError::new(path, error))
}

pub(crate) fn parse(path: &Path) -> Result<syn::File, ReadError> {
    syn::parse_file(&read(path)?).map_err(|error| ReadError::new(path, error))
}

/// Every file below `folder` whose name ends in `.rs`, sorted.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Whether an item with these attributes exists in tests alone: `#[test]`, `#[cfg(test)]` or `#[cfg(all(test, ...))]`.
pub(crate) fn only_in_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        if attribute.path().is_ident("test") {
            return true;
        }
        let syn::Meta::List(list) = &attribute.meta else { return false };
        let mut tokens = list.tokens.clone().into_iter();
        list.path.is_ident("cfg")
            && match (tokens.next(), tokens.next()) {
                (Some(TokenTree::Ident(first)), None) => first == "test",
                (Some(TokenTree::Ident(first)), Some(TokenTree::Group(rest))) if first == "all" => {
                    rest.stream().into_iter().any(|token| token.to_string() == "test")
                }
                _ => false,
            }
    })
}

/// An item's attributes.
pub(crate) fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    use syn::Item::*;
    match item {
        Const(item) => &item.attrs,
        Enum(item) => &item.attrs,
        ExternCrate(item) => &item.attrs,
        Fn(item) => &item.attrs,
        ForeignMod(item) => &item.attrs,
        Impl(item) => &item.attrs,
        Macro(item) => &item.attrs,
        Mod(item) => &item.attrs,
        Static(item) => &item.attrs,
        Struct(item) => &item.attrs,
        Trait(item) => &item.attrs,
        TraitAlias(item) => &item.attrs,
        Type(item) => &item.attrs,
        Union(item) => &item.attrs,
        Use(item) => &item.attrs,
        _ => &[],
    }
}
