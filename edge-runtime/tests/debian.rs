//! The Debian package's files that the program makes itself, and those that must agree with it.
//!
//! `MOODLIGHT_UPDATE=1 cargo test -p edge-runtime --test debian` regenerates them.
#![allow(clippy::unwrap_used)]

mod support;

use edge_runtime::config::{Config, Keys, Origin, resolve, write};
use edge_runtime::setup;
use std::fs;
use std::path::{Path, PathBuf};
use support::{Home, run};

/// What stands above the settings in the package's configuration.
const HEAD: &str = "\
# Moodlight's configuration, which the service moodlight reads when it starts: `sudo systemctl restart moodlight` after a
# change. `edge-runtime config` shows what holds, `edge-runtime doctor` checks camera and pins.
# The service sees neither /home nor /tmp: keep models and pictures here or in /srv.
";

fn file(name: &str) -> PathBuf {
    Path::new("debian").join(name)
}

/// Holds a file of the package against what it must be, or writes it.
fn holds(name: &str, content: &str) {
    let path = file(name);
    if std::env::var_os("MOODLIGHT_UPDATE").is_some() {
        fs::write(&path, content).unwrap();
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == content,
        "{} is out of date: write it anew with MOODLIGHT_UPDATE=1 cargo test -p edge-runtime --test debian",
        path.display()
    );
}

fn printed(arguments: &[&str]) -> String {
    let ran = run(&mut Home::new().bare(arguments));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    ran.out
}

#[test]
fn the_manual_page_is_the_programs_own() {
    let page = printed(&["man"]);
    for section in ["NAME", "SYNOPSIS", "OPTIONS", "SOURCES", "FILES", "\"EXIT STATUS\"", "SIGNALS", "ENVIRONMENT"] {
        assert!(page.contains(&format!("\n.SH {section}\n")), "{section}");
    }
    for entry in ["\\fB\\-\\-leave\\-margin\\fR", "edge\\-runtime bench", "\\-\\-markdown", "130, 143", "test\\-card"] {
        assert!(page.contains(entry) || page.contains(&entry.replace("\\-", "-")), "{entry}");
    }
    holds("edge-runtime.1", &page);
}

#[test]
fn the_completions_are_the_programs_own() {
    for (shell, name) in [("bash", "edge-runtime.bash"), ("zsh", "_edge-runtime"), ("fish", "edge-runtime.fish")] {
        let script = printed(&["completions", shell]);
        assert!(script.contains("classify") && script.contains("leave-margin"), "{shell}");
        holds(&format!("completions/{name}"), &script);
    }
}

#[test]
fn the_configuration_is_what_holds_without_one() {
    let classifier = setup::shipped_classifier().unwrap();
    let config = Config::default();
    let resolved = resolve(&config, classifier.card(), &Origin::Defaults, &Keys::default()).unwrap();
    let text = write(&config, &resolved, classifier.card(), &Origin::Defaults);
    let (_, settings) = text.split_once("\n\n").unwrap();
    holds("config.toml", &format!("{HEAD}\n{settings}"));

    let (read, keys) = Config::read(&file("config.toml")).unwrap();
    let again = resolve(&read, classifier.card(), &Origin::File("config.toml".into()), &keys).unwrap();
    assert_eq!((again.filter, again.wiring), (resolved.filter, resolved.wiring));
    assert_eq!((read.source, read.model, read.lights.backend), (config.source, None, config.lights.backend));
}

#[test]
fn the_package_holds_both_models_with_their_cards() {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    for name in ["emotion.onnx", "emotion.md", "face.onnx", "face.md"] {
        let asset = format!("[\"../models/{name}\", \"usr/share/moodlight/models/\", \"644\"]");
        assert!(manifest.contains(&asset), "{asset}");
    }
}

#[test]
fn the_changelog_begins_with_this_version() {
    let changelog = fs::read_to_string(file("changelog")).unwrap();
    let begin = concat!("moodlight (", env!("CARGO_PKG_VERSION"), "-1) ");
    assert!(changelog.starts_with(begin), "debian/changelog lacks an entry for {begin}");
}

#[test]
fn the_service_runs_commands_that_exist_with_the_packages_files() {
    let unit = fs::read_to_string(file("moodlight.service")).unwrap();
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    assert!(manifest.contains("\"debian/config.toml\", \"etc/moodlight/\""));
    let commands: Vec<_> = unit.lines().filter_map(|line| line.strip_prefix("Exec")?.split_once('=')).collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    for (_, command) in commands {
        let words = command.strip_prefix("/usr/bin/edge-runtime ").unwrap();
        let arguments = words.strip_suffix(" --config /etc/moodlight/config.toml").unwrap();
        printed(&[arguments, "--help"]);
    }
}
