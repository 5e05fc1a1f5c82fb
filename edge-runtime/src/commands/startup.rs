//! What only a process of its own can show: time to the first mood, and peak memory.

use crate::exit::Failure;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Starts measured; the median counts.
const STARTS: usize = 7;
/// Frames after which memory no longer grows.
const FRAMES: &str = "120";

/// The figures of a fresh start of this program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Startup {
    /// From starting the process until its first mood was lit and reported; `None` if the test card shows none.
    pub first_mood: Option<Duration>,
    /// Peak resident memory of a run, in KiB; `None` where the system does not report it.
    pub peak_rss_kib: Option<u64>,
}

/// Runs this program on the test card, with the model in `model` or its own.
pub(super) fn measure(model: Option<&Path>) -> Result<Startup, Failure> {
    let failed = |error: std::io::Error| Failure::Internal(format!("cannot run this program again: {error}"));
    let program = std::env::current_exe().map_err(failed)?;
    let command = |frames: &[&str]| {
        let mut command = Command::new(&program);
        // An empty configuration, so that the figures do not depend on one.
        command.args(["run", "--config", "/dev/null", "--source", "test-card", "--json"]).args(frames);
        if let Some(model) = model {
            command.arg("--model").arg(model);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    };
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let start = Instant::now();
        let mut child = command(&["--frames", "60"]).spawn().map_err(failed)?;
        let mut moods = events(&mut child).filter(|event| event["state"] == "mood");
        if moods.next().is_some() {
            starts.push(start.elapsed());
        }
        child.kill().and_then(|()| child.wait()).map_err(failed)?;
    }
    starts.sort();
    let mut child = command(&["--every-frame", "--frames", FRAMES]).spawn().map_err(failed)?;
    let peak = events(&mut child).last().and_then(|summary| summary["peak_rss_kib"].as_u64());
    child.wait().map_err(failed)?;
    Ok(Startup { first_mood: starts.get(starts.len() / 2).copied(), peak_rss_kib: peak })
}

fn events(child: &mut std::process::Child) -> impl Iterator<Item = Value> + use<> {
    let lines = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
    lines.into_iter().flatten().map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok())
}
