//! Training on a graphics device gives what training on the processor gives.
//!
//! `cargo test -p end-to-end-tests --features wgpu --test graphics -- --nocapture` needs a device that wgpu finds. Debian's
//! mesa-vulkan-drivers bring one in software.
#![allow(clippy::unwrap_used)]

use end_to_end_tests::{Session, draw_data, draw_photos, host_trainer, train_tiny};
use std::path::Path;
use std::process::Command;

/// How far a loss may be from the processor's, as a share of it: sums are formed in another order.
const TOLERANCE: f64 = 2e-3;

/// Runs one training on each device, into folders below `folder`, and compares the losses of every epoch.
fn losses_agree(task: &str, folder: &Path, train: impl Fn(&Path) -> Command) {
    let [processor, graphics] = ["cpu", "wgpu"].map(|device| {
        let run = folder.join(device);
        let output = Session::run(train(&run).args(["--device", device])).expect_code(0);
        print!("{}", output.stderr);
        losses(&run)
    });
    assert_eq!(processor.len(), graphics.len());
    let mut largest = 0.0f64;
    for ((name, expected), (_, found)) in processor.iter().zip(&graphics) {
        let difference = (found - expected).abs() / expected.abs();
        println!("{task}, {name}: {expected:.6} on the processor, {found:.6} on the graphics device");
        largest = largest.max(difference);
    }
    println!("{task}: largest difference {largest:.1e} of {TOLERANCE:.0e} allowed");
    assert!(largest <= TOLERANCE);
}

/// The losses in the run's `history.csv`, with their names.
fn losses(run: &Path) -> Vec<(String, f64)> {
    let text = std::fs::read_to_string(run.join("history.csv")).unwrap();
    let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    let losses = rows.flat_map(|row| {
        let cells = header.iter().zip(row.clone()).filter(|(name, _)| name.contains("loss"));
        cells.map(|(name, cell)| (format!("epoch {}, {name}", row[0]), cell.parse().unwrap())).collect::<Vec<_>>()
    });
    losses.collect()
}

#[test]
fn the_emotion_task_learns_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    draw_data(&data, 30);
    losses_agree("emotion", folder.path(), |run| {
        let mut command = train_tiny(&data, run);
        command.args(["--epochs", "3"]);
        command
    });
}

#[test]
fn the_face_task_learns_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("photos");
    draw_photos(&data.join("train"), 1000..1012, 4);
    draw_photos(&data.join("test"), 0..4, 2);
    losses_agree("face", folder.path(), |run| {
        let mut command = host_trainer();
        command.args([
            "train",
            "--task",
            "face",
            "--epochs",
            "2",
            "--scenes",
            "64",
            "--batch-size",
            "16",
            "--seed",
            "1",
            "--data",
        ]);
        command.arg(&data).arg("--out").arg(run);
        command
    });
}
