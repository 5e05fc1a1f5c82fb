//! The README's commands, one after the other, as a newcomer types them.
#![allow(clippy::unwrap_used)]

use end_to_end_tests::{Session, draw_data, draw_photos, draw_snapshots, edge_runtime, host_trainer};
use std::path::Path;
use std::process::Command;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

/// The words of every command in the README's fenced blocks, without comments.
fn commands(readme: &str) -> Vec<Vec<String>> {
    let fenced = readme.split("```").skip(1).step_by(2);
    let lines = fenced.flat_map(str::lines).map(|line| line.split(" #").next().unwrap_or_default());
    let words = |line: &str| line.split_whitespace().map(String::from).collect::<Vec<_>>();
    lines.map(words).filter(|words| !words.is_empty()).collect()
}

/// The program that a command starts, with its arguments; `None` for what this test does not repeat.
fn program(words: &[String], picture: &Path) -> Option<Command> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (mut command, arguments) = match &words[..] {
        ["cargo", "run", "--release", "-p", "host-trainer", "--", rest @ ..] | ["host-trainer", rest @ ..] => {
            (host_trainer(), rest)
        }
        ["cargo", "run", "--release", "--", rest @ ..] | ["edge-runtime", rest @ ..] => (edge_runtime(), rest),
        ["cargo", "run", "--release"] => (edge_runtime(), &[][..]),
        _ => return None,
    };
    for argument in arguments {
        match *argument {
            "PICTURE..." | "PICTURE" => command.arg(picture),
            "models/emotion.onnx" => command.arg(Path::new(README).with_file_name(argument)),
            other => command.arg(other),
        };
    }
    // What would go on for ever, or for long, is cut short.
    match (words[0], arguments.first().copied()) {
        ("host-trainer", Some("train")) if words.contains(&"face") => command.args(["--epochs", "1", "--scenes", "64"]),
        ("host-trainer", Some("train")) if !words.contains(&"--summary") => command.args(["--epochs", "2"]),
        ("host-trainer", _) | (_, Some("classify" | "config" | "--help" | "help")) => &mut command,
        (_, Some("bench")) => command.args(["--frames", "10"]),
        _ if words.contains(&"--frames") => &mut command,
        _ => command.args(["--frames", "5"]),
    };
    Some(command)
}

#[test]
fn every_command_of_the_readme_works() {
    let readme = std::fs::read_to_string(README).unwrap();
    let folder = tempfile::tempdir().unwrap();
    draw_data(&folder.path().join("PICTURES"), 40);
    draw_snapshots(&folder.path().join("SNAPSHOTS"));
    draw_photos(&folder.path().join("PHOTOS/train"), 1000..1012, 4);
    draw_photos(&folder.path().join("PHOTOS/test"), 0..4, 2);
    let picture = folder.path().join("PICTURES/test/happy/0-0.png");
    let mut done = vec![];
    for words in commands(&readme) {
        if let Some(mut command) = program(&words, &picture) {
            Session::run(command.current_dir(folder.path())).expect_code(0);
            done.push(words.join(" "));
        }
    }
    for needed in ["cargo run --release", "host-trainer train", "host-trainer export", "host-trainer draw", "evaluate"]
    {
        let there =
            readme.contains(needed) && (needed.contains("draw") || done.iter().any(|line| line.contains(needed)));
        assert!(there, "the README no longer shows `{needed}`: {done:#?}");
    }
}
