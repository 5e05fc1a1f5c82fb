//! Cameras through libcamera, by way of its program `rpicam-vid`, or `libcamera-vid` as it was called before.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The programs that deliver frames, the newer name first.
const PROGRAMS: [&str; 2] = ["rpicam-vid", "libcamera-vid"];

/// The cameras libcamera lists, as it writes them; `Err` with what the program says where it fails. `None` where
/// neither `rpicam-vid` nor `libcamera-vid` is on PATH.
pub fn listed() -> Option<Result<Vec<String>, String>> {
    let program = program()?;
    let output = Command::new(&program).arg("--list-cameras").stdin(Stdio::null()).output();
    Some(match output {
        Err(error) => Err(format!("cannot start {}: {error}", program.display())),
        Ok(output) if !output.status.success() => {
            Err(format!("{}: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim()))
        }
        // Some versions list on standard output, some on standard error.
        Ok(output) => Ok([output.stdout, output.stderr].iter().flat_map(|text| cameras(text)).collect()),
    })
}

/// The lines that name a camera, such as `0 : imx708 [4608x2592] (/base/...)`.
fn cameras(text: &[u8]) -> Vec<String> {
    let names_one = |line: &&str| {
        line.split_once(':').is_some_and(|(number, _)| number.trim_end().parse::<u8>().is_ok()) && line.contains('[')
    };
    String::from_utf8_lossy(text).lines().map(str::trim).filter(names_one).map(str::to_owned).collect()
}

/// The first of the programs that is on PATH.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    PROGRAMS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}
