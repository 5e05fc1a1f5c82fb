//! `architecture circles|dependencies|lines [WORKSPACE]`: what the tests check, for one's own eyes and for any checkout.

use architecture::{ReadError, circles, lines_by_package, packages, unused_dependencies};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let what = arguments.next().unwrap_or_default();
    let root = arguments.next().map_or_else(|| PathBuf::from("."), PathBuf::from);
    let printed = match what.to_str() {
        Some("circles") => print_circles(&root),
        Some("dependencies") => {
            unused_dependencies(&root).map(|unused| unused.iter().for_each(|one| println!("{one}")))
        }
        Some("lines") => print_lines(&root),
        _ => {
            eprintln!("usage: architecture circles|dependencies|lines [WORKSPACE]");
            return ExitCode::from(2);
        }
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print_circles(root: &Path) -> Result<(), ReadError> {
    for package in packages(root)? {
        let Some(library) = package.library() else { continue };
        let circles = circles(&library)?;
        let files: usize = circles.iter().map(|circle| circle.files.len()).sum();
        println!("{}: {} circles, {files} files in them", package.name, circles.len());
        circles.iter().for_each(|circle| println!("{circle}"));
    }
    Ok(())
}

fn print_lines(root: &Path) -> Result<(), ReadError> {
    println!("| package | Rust files | lines of code | lines of tests | characters a line |\n|---|--:|--:|--:|--:|");
    lines_by_package(root)?.iter().for_each(|lines| println!("{lines}"));
    Ok(())
}
