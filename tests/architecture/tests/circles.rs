//! What counts as a circle of imports.
#![allow(clippy::unwrap_used)]

use architecture::circles;

/// The files in the circles of a crate with these files.
fn in_circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let names = |circle: architecture::Circle| circle.files.iter().map(|file| file.display().to_string()).collect();
    circles(&folder.path().join("lib.rs")).unwrap().into_iter().map(names).collect()
}

#[test]
fn files_that_import_each_other_are_a_circle() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::g; pub fn f() { g() }"),
        ("b.rs", "pub fn g() { println!(\"{:?}\", crate::a::f()) }"),
    ];
    assert_eq!(in_circles(&files), [["a.rs", "b.rs"]]);
}

#[test]
fn a_parent_may_re_export_its_children() {
    let child = ("a/child.rs", "use crate::b::G; pub struct F(G);");
    let files =
        [("lib.rs", "mod a; mod b;"), ("a/mod.rs", "mod child; pub use child::F;"), child, ("b.rs", "pub struct G;")];
    assert_eq!(in_circles(&files), Vec::<Vec<String>>::new());
}

#[test]
fn a_re_export_leads_to_the_file_behind_it() {
    let child = ("a/child.rs", "use crate::b::*; pub struct F(G);");
    let b = ("b.rs", "use crate::a; pub struct G; fn g() { a::F::new() }");
    let files = [("lib.rs", "mod a; mod b;"), ("a/mod.rs", "mod child; pub use child::F;"), child, b];
    assert_eq!(in_circles(&files), [["a/child.rs", "b.rs"]]);
}

#[test]
fn a_parent_that_uses_what_uses_it_is_in_a_circle() {
    let parent = ("a/mod.rs", "mod child; pub struct F; pub fn f() { child::g() }");
    let files = [("lib.rs", "mod a;"), parent, ("a/child.rs", "pub fn g() -> super::F { super::F }")];
    assert_eq!(in_circles(&files), [["a/mod.rs", "a/child.rs"]]);
}

#[test]
fn tests_do_not_count() {
    let a = "pub fn f() {} #[cfg(test)] mod tests { use crate::b::g; }";
    let files = [("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", "pub fn g() { crate::a::f() }")];
    assert_eq!(in_circles(&files), Vec::<Vec<String>>::new());
}

#[test]
fn a_function_is_not_the_module_of_its_name() {
    let parent = ("a/mod.rs", "mod name; mod names; mod user; pub use names::name;");
    let names = ("a/names.rs", "use super::user::B; pub fn name(_: B) {}");
    let user = ("a/user.rs", "use super::name::A; pub struct B(A);");
    let files = [("lib.rs", "mod a;"), parent, ("a/name.rs", "pub struct A;"), names, user];
    assert_eq!(in_circles(&files), Vec::<Vec<String>>::new());
}
