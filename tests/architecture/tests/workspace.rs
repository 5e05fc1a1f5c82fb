//! This workspace's form.
#![allow(clippy::unwrap_used)]

use architecture::{circles, packages, unused_dependencies};
use std::path::Path;

/// From the package's folder, in which Cargo runs tests.
const ROOT: &str = "../..";

#[test]
fn no_file_imports_what_imports_it() {
    for package in packages(Path::new(ROOT)).unwrap() {
        let Some(library) = package.library() else { continue };
        let circles: String = circles(&library).unwrap().iter().map(ToString::to_string).collect();
        assert!(circles.is_empty(), "{}:\n{circles}", package.name);
    }
}

#[test]
fn every_dependency_is_used() {
    assert_eq!(unused_dependencies(Path::new(ROOT)).unwrap(), Vec::<String>::new());
}
