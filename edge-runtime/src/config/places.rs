//! Where a configuration file is searched for.

use std::env;
use std::path::{Path, PathBuf};

/// The system's configuration file.
const SYSTEM: &str = "/etc/moodlight/config.toml";

/// The file to read: `named` if there is one, else the first that exists of `$XDG_CONFIG_HOME/moodlight/config.toml`
/// (`~/.config` where the variable is not set) and `/etc/moodlight/config.toml`.
pub fn find(named: Option<&Path>) -> Option<PathBuf> {
    named.map(Path::to_owned).or_else(|| candidates().find(|path| path.exists()))
}

fn candidates() -> impl Iterator<Item = PathBuf> {
    // The base directory specification has relative paths ignored.
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
    base.map(|base| base.join("moodlight").join("config.toml")).into_iter().chain([PathBuf::from(SYSTEM)])
}
