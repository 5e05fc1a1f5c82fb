//! The commands of README.md and of docs/, one after the other, as a newcomer types them.
//!
//! Commands stand in blocks marked `sh`. Each is either run, in a clean folder of its document's, or left out by one of the rules
//! below; a command that no rule knows fails the test.
#![allow(clippy::unwrap_used)]

use end_to_end_tests::{
    Document, Fence, Session, documents_in, draw_data, draw_photos, draw_snapshots, edge_runtime, host_trainer, root,
};
use std::path::Path;
use std::process::Command;

/// What this test leaves out, by how it begins, and why.
const LEFT_OUT: [(&str, &str); 19] = [
    ("cargo run --release -- --source ffmpeg:", "a webcam"),
    ("git clone", "the network"),
    ("cd ", "this is the folder already"),
    ("alias ", "the programs are here already"),
    ("sudo ", "the system"),
    ("apt", "the system"),
    ("rustup ", "the toolchain"),
    ("cargo install ", "the network"),
    ("cargo pi", "cross builds: .ci/run does them"),
    ("cargo deb ", "cross builds"),
    ("cross ", "cross builds"),
    ("cargo build ", "the tests are built already"),
    ("cargo test", "these are the tests"),
    ("cargo run -q --manifest-path ", "its own tests"),
    ("cargo +nightly ", "the toolchain"),
    ("scp ", "a Raspberry Pi"),
    ("ssh ", "a Raspberry Pi"),
    ("pip ", "the network"),
    ("tests/", "scripts that need Python, an emulator or the network"),
];

/// Data sets that are no part of the repository: a block that names one is left out.
const DATA_SETS: [&str; 3] = ["colour3", "fer7", "faces-boxes"];

/// The commands of a block, without comments, as lists of words.
fn commands(fence: &Fence) -> Vec<Vec<String>> {
    let text = fence.lines.join("\n").replace("\\\n", " ");
    let lines = text.lines().map(|line| line.split(" #").next().unwrap_or_default());
    let each = lines.flat_map(|line| line.split("&&"));
    let words = |command: &str| command.split_whitespace().map(|word| word.replace('\'', "")).collect::<Vec<_>>();
    each.map(words).filter(|words| !words.is_empty()).collect()
}

/// The program that a command starts, with its arguments; `None` for what a rule leaves out.
fn program(words: &[String], picture: &Path) -> Option<Command> {
    let line = words.join(" ");
    if LEFT_OUT.iter().any(|(start, _)| format!("{line} ").starts_with(start)) || line.starts_with(".ci/run") {
        return None;
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (mut command, arguments) = match &words[..] {
        ["host-trainer", rest @ ..] => (host_trainer(), rest),
        ["cargo", "run", "--release", "--", rest @ ..] | ["edge-runtime", rest @ ..] => (edge_runtime(), rest),
        ["cargo", "run", "--release"] => (edge_runtime(), &[][..]),
        _ => panic!("no rule for this command: {line}"),
    };
    for argument in arguments {
        match *argument {
            "PICTURE..." | "PICTURE" => command.arg(picture),
            shipped if shipped.starts_with("models/") => command.arg(root().join(shipped)),
            other => command.arg(other),
        };
    }
    // What would go on for ever, or for long, is cut short.
    let asked = |flag: &str| words.contains(&flag);
    let short: &[&str] = match (words[0], arguments.first().copied()) {
        ("host-trainer", Some("train")) if asked("face") => &["--epochs", "1", "--scenes", "64"],
        ("host-trainer", Some("train")) if asked("--resume") => &["--epochs", "3"],
        ("host-trainer", Some("train")) if !asked("--summary") => &["--epochs", "2"],
        // A net of one epoch needs all of quantisation's to be exported.
        ("host-trainer", Some("quantize")) if !line.contains("face") => &["--epochs", "1"],
        ("host-trainer", Some("bench-train")) => &["--steps", "1"],
        ("host-trainer", _) | (_, Some("classify" | "snapshot" | "config" | "doctor" | "--help" | "help")) => &[],
        (_, Some("bench")) => &["--frames", "10"],
        _ => &["--frames", "5"],
    };
    match short {
        [flag, ..] if asked(flag) => {}
        short => _ = command.args(short),
    }
    Some(command)
}

/// Runs what `document` shows, in a folder of its own with the pictures that its commands name.
fn run(document: &Document) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    draw_data(&folder.path().join("PICTURES"), 40);
    draw_snapshots(&folder.path().join("SNAPSHOTS"));
    draw_photos(&folder.path().join("PHOTOS/train"), 1000..1012, 4);
    draw_photos(&folder.path().join("PHOTOS/test"), 0..4, 2);
    let picture = folder.path().join("PICTURES/test/happy/0-0.png");
    let mut done = vec![];
    for fence in document.fences().iter().filter(|fence| fence.language == "sh") {
        if fence.lines.iter().any(|line| DATA_SETS.iter().any(|set| line.contains(set))) {
            continue;
        }
        for words in commands(fence) {
            if let Some(mut command) = program(&words, &picture) {
                Session::run(command.current_dir(folder.path())).expect_code(0);
                done.push(words.join(" "));
            }
        }
    }
    done
}

#[test]
fn every_command_of_the_readme_works() {
    let done = run(&Document::read("README.md"));
    for needed in ["cargo run --release", "host-trainer train", "host-trainer export", "evaluate", "classify"] {
        assert!(done.iter().any(|line| line.contains(needed)), "the README no longer shows `{needed}`: {done:#?}");
    }
}

#[test]
fn every_command_of_the_documents_works() {
    for path in documents_in("docs") {
        let done = run(&Document::read(&path));
        let name = path.file_name().unwrap().to_str().unwrap();
        let least = [("training.md", 10), ("face-locator.md", 6)].iter().find(|(one, _)| *one == name);
        assert!(least.is_none_or(|(_, least)| done.len() >= *least), "{name} shows too few commands: {done:#?}");
    }
}

/// A block marked `toml` is a configuration of the runtime.
#[test]
fn every_configuration_of_the_documents_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    for path in documents_in("docs") {
        for fence in Document::read(&path).fences().iter().filter(|fence| fence.language == "toml") {
            std::fs::write(&file, fence.lines.join("\n")).unwrap();
            Session::run(edge_runtime().arg("config").arg("--config").arg(&file)).expect_code(0);
        }
    }
}

/// What is not marked as commands holds none, so that nothing slips by.
#[test]
fn commands_are_marked_as_such() {
    for path in documents_in("docs").into_iter().chain([root().join("README.md")]) {
        for fence in Document::read(&path).fences().iter().filter(|fence| fence.language != "sh") {
            let program =
                |line: &&String| ["cargo ", "host-trainer ", "edge-runtime "].iter().any(|one| line.starts_with(one));
            let found = fence.lines.iter().find(program);
            assert!(found.is_none(), "{}: mark this block as `sh`: {found:?}", path.display());
        }
    }
}
