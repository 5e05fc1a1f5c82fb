//! The workspace's form, read from its source: which files import which, which dependencies nothing uses, how much code
//! there is.
//!
//! It reads any folder with a Cargo workspace, so that two commits can be compared.

mod circles;
mod dependencies;
mod lines;
mod modules;
mod packages;
mod references;
mod source;

pub use circles::{Circle, circles};
pub use dependencies::unused_dependencies;
pub use lines::{Lines, lines_by_package};
pub use packages::{Package, packages};
pub use source::ReadError;
