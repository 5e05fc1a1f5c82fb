//! A crate's tree of modules: which names each has, and in which file the item behind a name stands.

use crate::source::{ReadError, attributes, only_in_tests, parse};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Aliases of aliases are followed this far; a name that imports itself would have no end.
const MAX_DEPTH: usize = 24;

/// What a name stands for in the module that has it.
#[derive(Clone, Debug)]
enum Meaning {
    /// Whether it is a type or a trait, so that a path can go on behind it.
    Item(bool),
    Module(usize),
    Import(Vec<String>),
}

/// What a path leads to. Files and modules stand for their indices.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Item { name: String, file: usize, is_type: bool },
    Module(usize),
}

/// A name that a `use` brings in.
pub(crate) struct Import {
    pub path: Vec<String>,
    /// Whether it is handed on, as by `pub use`.
    pub exported: bool,
}

pub(crate) struct Module {
    pub file: usize,
    /// The root is its own parent.
    pub parent: usize,
    /// What stands in it, without its inner modules and its tests.
    pub items: Vec<syn::Item>,
    pub imports: Vec<Import>,
    names: BTreeMap<String, Vec<Meaning>>,
    globs: Vec<Vec<String>>,
}

/// A library's files and modules.
pub(crate) struct Tree {
    pub files: Vec<PathBuf>,
    pub modules: Vec<Module>,
}

impl Tree {
    /// Reads the crate whose root is `root`, such as `src/lib.rs`.
    pub fn read(root: &Path) -> Result<Self, ReadError> {
        let mut tree = Tree { files: vec![root.to_owned()], modules: vec![] };
        let folder = root.parent().unwrap_or(Path::new("."));
        tree.add(0, 0, folder, parse(root)?.items)?;
        Ok(tree)
    }

    /// Adds a module of `file`, whose inner modules' files lie in `folder`, and gives its index.
    fn add(&mut self, file: usize, parent: usize, folder: &Path, items: Vec<syn::Item>) -> Result<usize, ReadError> {
        let this = self.modules.len();
        let module = Module { file, parent, items: vec![], imports: vec![], names: BTreeMap::new(), globs: vec![] };
        self.modules.push(module);
        for item in items.into_iter().filter(|item| !only_in_tests(attributes(item))) {
            match item {
                syn::Item::Mod(inner) => {
                    let child = self.add_inner(this, folder, &inner)?;
                    self.modules[this].name(&inner.ident, Meaning::Module(child));
                }
                syn::Item::Use(item) => {
                    let exported = !matches!(item.vis, syn::Visibility::Inherited);
                    self.modules[this].import(&item.tree, &mut vec![], exported);
                }
                other => {
                    if let Some(name) = name_of(&other) {
                        self.modules[this].name(name, Meaning::Item(is_type(&other)));
                    }
                    self.modules[this].items.push(other);
                }
            }
        }
        Ok(this)
    }

    fn add_inner(&mut self, parent: usize, folder: &Path, inner: &syn::ItemMod) -> Result<usize, ReadError> {
        let name = inner.ident.to_string();
        if let Some((_, items)) = &inner.content {
            return self.add(self.modules[parent].file, parent, &folder.join(name), items.clone());
        }
        let given = inner.attrs.iter().find_map(path_attribute);
        let candidates = match given {
            Some(given) => vec![folder.join(given)],
            None => vec![folder.join(&name).join("mod.rs"), folder.join(format!("{name}.rs"))],
        };
        let found = candidates.iter().find(|path| path.exists());
        let path = found.ok_or_else(|| ReadError::new(folder, format!("no file for the module {name}")))?;
        let items = parse(path)?.items;
        self.files.push(path.clone());
        self.add(self.files.len() - 1, parent, &folder.join(name), items)
    }

    /// What `path`, written in `module`, leads to inside this crate; several where platforms differ, none outside it.
    pub fn resolve(&self, module: usize, path: &[String]) -> Vec<Target> {
        self.follow(module, path, 0)
    }

    fn follow(&self, module: usize, path: &[String], depth: usize) -> Vec<Target> {
        let Some((first, rest)) = path.split_first() else { return vec![Target::Module(module)] };
        if depth > MAX_DEPTH {
            return vec![];
        }
        match first.as_str() {
            "crate" => return self.follow(0, rest, depth + 1),
            "self" => return self.follow(module, rest, depth + 1),
            "super" => return self.follow(self.modules[module].parent, rest, depth + 1),
            _ => {}
        }
        let this = &self.modules[module];
        let only_type = |mut items: Vec<Target>| {
            items.retain(|item| rest.is_empty() || matches!(item, Target::Item { is_type: true, .. }));
            items
        };
        let through = |import: &[String]| {
            let targets = self.follow(module, import, depth + 1);
            let further = targets.into_iter().flat_map(|target| match target {
                Target::Module(inner) => self.follow(inner, rest, depth + 1),
                item => only_type(vec![item]),
            });
            further.collect::<Vec<_>>()
        };
        if let Some(meanings) = this.names.get(first) {
            let targets = meanings.iter().flat_map(|meaning| match meaning {
                Meaning::Item(is_type) => {
                    only_type(vec![Target::Item { name: first.clone(), file: this.file, is_type: *is_type }])
                }
                Meaning::Module(inner) => self.follow(*inner, rest, depth + 1),
                Meaning::Import(import) => through(import),
            });
            return targets.collect();
        }
        let globs = this.globs.iter().flat_map(|glob| match self.follow(module, glob, depth + 1)[..] {
            [Target::Module(inner)] if inner != module => self.follow(inner, path, depth + 1),
            _ => vec![],
        });
        globs.collect()
    }

    /// Whether a module of `file` lies somewhere below the module `outer`.
    pub fn file_is_below(&self, file: usize, outer: usize) -> bool {
        let parent = |&module: &usize| (module != 0).then(|| self.modules[module].parent);
        let inner = (0..self.modules.len()).filter(|&module| self.modules[module].file == file);
        inner.into_iter().any(|module| std::iter::successors(Some(module), parent).skip(1).any(|above| above == outer))
    }
}

impl Module {
    fn name(&mut self, name: impl ToString, meaning: Meaning) {
        self.names.entry(name.to_string()).or_default().push(meaning);
    }

    /// Takes in a `use` whose path so far is `path`.
    pub fn import(&mut self, tree: &syn::UseTree, path: &mut Vec<String>, exported: bool) {
        match tree {
            syn::UseTree::Path(step) => {
                path.push(step.ident.to_string());
                self.import(&step.tree, path, exported);
                path.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, path, exported)),
            syn::UseTree::Glob(_) => {
                self.globs.push(path.clone());
                self.imports.push(Import { path: path.clone(), exported });
            }
            syn::UseTree::Name(leaf) => self.import_name(path, &leaf.ident, &leaf.ident, exported),
            syn::UseTree::Rename(leaf) => self.import_name(path, &leaf.ident, &leaf.rename, exported),
        }
    }

    fn import_name(&mut self, path: &[String], name: &syn::Ident, rename: &syn::Ident, exported: bool) {
        // `use a::b::{self}` imports `b`.
        let is_self = name == "self" && !path.is_empty();
        let whole: Vec<String> = path.iter().cloned().chain((!is_self).then(|| name.to_string())).collect();
        let known_as = if is_self && rename == "self" { whole.last().cloned() } else { Some(rename.to_string()) };
        // A macro is named again by `pub(crate) use`, which says nothing new.
        if let Some(known_as) = known_as.filter(|name| whole != [name.clone()]) {
            self.name(known_as, Meaning::Import(whole.clone()));
        }
        self.imports.push(Import { path: whole, exported });
    }
}

fn path_attribute(attribute: &syn::Attribute) -> Option<String> {
    let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
    match &pair.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) if pair.path.is_ident("path") => {
            Some(text.value())
        }
        _ => None,
    }
}

fn name_of(item: &syn::Item) -> Option<&syn::Ident> {
    use syn::Item::*;
    match item {
        Const(item) => Some(&item.ident),
        Enum(item) => Some(&item.ident),
        Fn(item) => Some(&item.sig.ident),
        Macro(item) => item.ident.as_ref(),
        Static(item) => Some(&item.ident),
        Struct(item) => Some(&item.ident),
        Trait(item) => Some(&item.ident),
        Type(item) => Some(&item.ident),
        Union(item) => Some(&item.ident),
        _ => None,
    }
}

fn is_type(item: &syn::Item) -> bool {
    use syn::Item::*;
    matches!(item, Enum(_) | Struct(_) | Trait(_) | Type(_) | Union(_))
}
