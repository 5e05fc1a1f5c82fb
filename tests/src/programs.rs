//! The programs under test, built once per test program.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// `host-trainer`, ready for arguments.
pub fn host_trainer() -> Command {
    Command::new(executable("host-trainer"))
}

/// `edge-runtime`, ready for arguments, unable to see any configuration of whoever runs the tests.
///
/// The environment variable MOODLIGHT_RUNTIME names another build of it: one word a line, so that an emulator and its flags
/// may come first.
pub fn edge_runtime() -> Command {
    let words = std::env::var("MOODLIGHT_RUNTIME");
    let mut command = match words.iter().flat_map(|words| words.lines()).collect::<Vec<_>>()[..] {
        [program, ref arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
        [] => Command::new(executable("edge-runtime")),
    };
    command.env("XDG_CONFIG_HOME", "/nonexistent").env("HOME", "/nonexistent").env_remove("RUST_LOG");
    command
}

/// An example program of the workspace, ready for arguments.
pub fn example(name: &str) -> Command {
    Command::new(executable(name))
}

fn executable(name: &str) -> &'static Path {
    static BUILT: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(build);
    built.get(name).unwrap_or_else(|| panic!("the workspace has no program {name}, only {:?}", built.keys()))
}

/// Cargo gives a package no path to another package's programs, so they are built here: for the profile and target
/// folder of this very test, and with the examples, so that features are the same and nothing is built twice.
fn build() -> BTreeMap<String, PathBuf> {
    let this = std::env::current_exe().expect("the test's own path");
    let profile_folder = this.ancestors().nth(2).expect("a test lies in TARGET/PROFILE/deps");
    let target = profile_folder.parent().expect("a test lies in TARGET/PROFILE/deps");
    let profile = match profile_folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let output = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--bins", "--examples", "--message-format=json", "--profile", profile])
        .args(cfg!(feature = "wgpu").then_some("--features=end-to-end-tests/wgpu"))
        .arg("--target-dir")
        .arg(target)
        .current_dir(crate::root())
        .stdin(Stdio::null())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "cargo build failed:\n{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let executables = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let path = message.get("executable")?.as_str()?;
        Some((message["target"]["name"].as_str()?.to_owned(), PathBuf::from(path)))
    });
    executables.collect()
}
