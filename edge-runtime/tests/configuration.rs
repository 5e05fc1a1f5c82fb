//! `docs/configuration.md` against the table of settings.
//!
//! `MOODLIGHT_UPDATE=1 cargo test -p edge-runtime --test configuration` regenerates the document's table.
#![allow(clippy::unwrap_used)]

use edge_runtime::config::{self, SETTINGS};
use std::fs;
use std::path::Path;

/// What stands around the table in the document.
const BEGIN: &str = "<!-- The table of settings begins: edge-runtime/tests/configuration.rs writes it. -->\n";
const END: &str = "<!-- The table of settings ends. -->\n";

#[test]
fn the_document_has_the_table_of_settings() {
    let path = Path::new("../docs/configuration.md");
    let document = fs::read_to_string(path).unwrap();
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let wanted = format!("{before}{BEGIN}\n{}\n{END}{after}", config::reference());
    if std::env::var_os("MOODLIGHT_UPDATE").is_some() {
        fs::write(path, wanted).unwrap();
        return;
    }
    assert!(
        document == wanted,
        "docs/configuration.md is out of date: write it anew with MOODLIGHT_UPDATE=1 cargo test -p edge-runtime --test configuration"
    );
}

#[test]
fn every_setting_is_described_once() {
    for (index, setting) in SETTINGS.iter().enumerate() {
        assert!(setting.doc.ends_with('.'), "{}: {}", setting.key, setting.doc);
        let twice = |other: &config::Setting<config::Config>| {
            other.key == setting.key || (setting.flag.is_some() && other.flag == setting.flag)
        };
        assert!(!SETTINGS[..index].iter().any(twice), "{}", setting.key);
    }
}
