//! The paths that a module's code names.

use crate::source::{attributes, only_in_tests};
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

/// Every path in a module's items, tests left out, and the `use`s inside functions.
#[derive(Default)]
pub(crate) struct References<'a> {
    pub paths: Vec<Vec<String>>,
    pub inner_uses: Vec<&'a syn::UseTree>,
}

impl<'a> References<'a> {
    pub fn of(items: &'a [syn::Item]) -> Self {
        let mut references = References::default();
        items.iter().for_each(|item| references.visit_item(item));
        references
    }
}

impl<'a> Visit<'a> for References<'a> {
    fn visit_item(&mut self, item: &'a syn::Item) {
        if !only_in_tests(attributes(item)) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, method: &'a syn::ImplItemFn) {
        if !only_in_tests(&method.attrs) {
            syn::visit::visit_impl_item_fn(self, method);
        }
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.inner_uses.push(&item.tree);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        syn::visit::visit_macro(self, call);
        self.paths.extend(token_paths(call.tokens.clone()));
    }

    fn visit_attribute(&mut self, attribute: &'a syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.paths.extend(token_paths(list.tokens.clone()));
        }
    }
}

/// The paths in what a macro is given: names joined by `::`, with an empty one last where a brace or a star follows. A
/// name after a dot is a method or a field.
pub(crate) fn token_paths(tokens: TokenStream) -> Vec<Vec<String>> {
    let mut paths = vec![];
    let mut path: Vec<String> = vec![];
    // Punctuation since the last name.
    let mut between = String::new();
    for token in tokens {
        match token {
            TokenTree::Ident(name) if between == "::" && !path.is_empty() => {
                path.push(name.to_string());
                between.clear();
            }
            TokenTree::Ident(name) => {
                let after_dot = between == ".";
                end_path(&mut paths, &mut path, &mut between);
                path.extend((!after_dot).then(|| name.to_string()));
            }
            TokenTree::Punct(mark) => between.push(mark.as_char()),
            TokenTree::Group(group) => {
                end_path(&mut paths, &mut path, &mut between);
                paths.extend(token_paths(group.stream()));
            }
            TokenTree::Literal(_) => end_path(&mut paths, &mut path, &mut between),
        }
    }
    end_path(&mut paths, &mut path, &mut between);
    paths
}

fn end_path(paths: &mut Vec<Vec<String>>, path: &mut Vec<String>, between: &mut String) {
    if !path.is_empty() {
        path.extend(between.starts_with("::").then(String::new));
        paths.push(std::mem::take(path));
    }
    between.clear();
}
