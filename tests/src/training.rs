//! A net and a training run small enough for a test.

use crate::{Faces, draw_faces, host_trainer};
use std::path::Path;
use std::process::Command;

/// A net that learns the test card's moods in seconds.
const TINY: &str = "\
arch = 'compact'
size = 48
epochs = 10
batch_size = 16
ema = 0.9
label_smoothing = 0.0

[net]
widths = [8, 8, 16, 16]

[optimizer]
learning_rate = 0.005
";

/// Draws pictures to learn from into `data`: a training part of `persons` persons, from which training cuts its
/// validation part, and a test part of persons that training never sees.
#[track_caller]
pub fn draw_data(data: &Path, persons: u64) {
    draw_faces(&data.join("train"), &Faces { seeds: 1000..1000 + persons, frames: 1, side: 48 });
    draw_faces(&data.join("test"), &Faces { seeds: 0..8, frames: 1, side: 48 });
}

/// `host-trainer train` of the tiny net on `data` into `run`; further arguments may follow. The configuration goes
/// beside the run folder.
#[track_caller]
pub fn train_tiny(data: &Path, run: &Path) -> Command {
    let config = run.with_extension("config.toml");
    std::fs::write(&config, TINY).expect("a test's own folder can be written");
    let mut command = host_trainer();
    command.arg("train").arg("--config").arg(config).arg("--data").arg(data).arg("--out").arg(run);
    command
}

/// The run's `history.csv`, line by line, without the columns that tell the machine's speed.
#[track_caller]
pub fn history(run: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(run.join("history.csv")).expect("the run has a history");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("the history has a header");
    let speed = |index: &usize| ["images_per_second", "seconds"].contains(&header[*index]);
    let kept: Vec<usize> = (0..header.len()).filter(|index| !speed(index)).collect();
    assert_eq!(kept.len() + 2, header.len(), "{header:?}");
    lines.map(|cells| kept.iter().map(|&index| cells[index]).collect::<Vec<_>>().join(",")).collect()
}

/// Epochs that the run's `history.csv` holds; 0 where there is none yet.
pub fn epochs_done(run: &Path) -> usize {
    std::fs::read_to_string(run.join("history.csv")).map_or(0, |text| text.lines().count().saturating_sub(1))
}
