//! What a run of either task does alike: emotion and face have one trainer.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use end_to_end_tests::{Finished, Session, draw_data, draw_photos, history, host_trainer};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const EMOTION: &str = "\
size = 32
epochs = 1
batch_size = 8

[data]
sources = ['pictures']

[net]
widths = [4, 8, 8, 8]
";

const FACE: &str = "\
task = 'face'
width = 64
height = 48
epochs = 1
scenes_per_epoch = 64
batch_size = 16

[data]
photos = ['photos']
synthetic = 0
val_fraction = 0.3

[net]
widths = [4, 8, 8]
blocks = 1
";

/// A folder with a configuration and data for each task.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    draw_data(&folder.path().join("pictures"), 12);
    draw_photos(&folder.path().join("photos/train"), 1000..1016, 6);
    for (task, config) in [("emotion", EMOTION), ("face", FACE)] {
        fs::write(folder.path().join(task).with_extension("toml"), config).unwrap();
    }
    folder
}

fn trainer(folder: &Path, words: &str) -> Command {
    let mut command = host_trainer();
    command.current_dir(folder).args(words.split_whitespace());
    command
}

/// Runs `host-trainer` with what `words` says, TASK standing for a task, for each task.
fn each(folder: &TempDir, words: &str, check: impl Fn(&str, Finished)) {
    for task in ["emotion", "face"] {
        let finished = Session::run(&mut trainer(folder.path(), &words.replace("TASK", task)));
        check(task, finished);
    }
}

#[test]
fn impossible_values_are_refused() {
    let folder = folder();
    for (flag, named) in [
        ("--weight-decay -5", "weight_decay"),
        ("--l2 -1", "l2"),
        ("--learning-rate 0", "learning_rate"),
        ("--val-fraction 2", "val_fraction"),
        ("--batch-size 1", "batch_size"),
    ] {
        each(&folder, &format!("train --task TASK --data pictures --out TASK {flag}"), |_, run| {
            run.expect_error(2, &[named]);
        });
    }
}

#[test]
fn the_l2_penalty_is_part_of_the_reported_loss() {
    let folder = folder();
    let loss = |run: &str, column: usize| -> f64 {
        let line = history(&folder.path().join(run)).remove(0);
        line.split(',').nth(column).unwrap().parse().unwrap()
    };
    for (run, l2) in [("plain", "0"), ("penalised", "1")] {
        let train = format!("train --config TASK.toml --learning-rate 1e-9 --l2 {l2} --out {run}-TASK");
        each(&folder, &train, |_, run| drop(run.expect_code(0)));
    }
    for task in ["emotion", "face"] {
        let [plain, penalised] = ["plain", "penalised"].map(|run| loss(&format!("{run}-{task}"), 1));
        assert!(penalised > plain + 1.0, "{task}: {penalised} with a penalty, {plain} without one");
    }
}

#[test]
fn a_finished_run_says_that_it_is_and_a_longer_one_goes_on() {
    let folder = folder();
    each(&folder, "train --config TASK.toml --out TASK", |_, run| drop(run.expect_code(0)));
    each(&folder, "train --resume TASK", |_, run| {
        let said = run.expect_code(0).stdout;
        assert!(said.contains("all 1 epochs are done, only the report is made anew"), "{said}");
    });
    each(&folder, "train --resume TASK --epochs 2", |task, run| {
        let said = run.expect_code(0).stdout;
        assert!(said.contains(&format!("going on with {task} after epoch 1")), "{said}");
    });
}

#[test]
fn a_changed_configuration_is_refused_with_its_keys() {
    let folder = folder();
    each(&folder, "train --config TASK.toml --out TASK", |_, run| drop(run.expect_code(0)));
    for task in ["emotion", "face"] {
        let path = folder.path().join(task).join("config.toml");
        let changed: String = fs::read_to_string(&path)
            .unwrap()
            .lines()
            .map(|line| if line.starts_with("beta1 = ") { "beta1 = 0.5\n".into() } else { format!("{line}\n") })
            .collect();
        fs::write(&path, changed).unwrap();
    }
    each(&folder, "train --resume TASK --epochs 2", |_, run| {
        run.expect_error(3, &["has changed since the run was started: optimizer.beta1;", "--init"]);
    });
}

#[test]
fn folders_that_moved_are_told_from_where_they_are_seen() {
    let folder = folder();
    each(&folder, "train --config TASK.toml --out TASK", |_, run| drop(run.expect_code(0)));
    fs::create_dir(folder.path().join("elsewhere")).unwrap();
    for task in ["emotion", "face"] {
        let elsewhere = folder.path().join("elsewhere");
        Session::run(&mut trainer(&elsewhere, &format!("train --epochs 2 --resume ../{task}")))
            .expect_error(5, &["config.toml are as seen from where the run was started"]);
        Session::run(&mut trainer(&elsewhere, &format!("quantize ../{task} --out integers")))
            .expect_error(5, &["as seen from where it was started, --data names others"]);
    }
}

#[test]
fn a_flag_of_the_other_task_is_refused_with_its_name() {
    let folder = folder();
    let refused = |words: &str, flag: &str, task: &str| {
        let named = format!("--task {task}");
        Session::run(&mut trainer(folder.path(), words)).expect_error(2, &[flag, &named]);
    };
    refused("train --config face.toml --out x --dropout 0.5", "--dropout", "emotion");
    refused("train --config face.toml --out x --no-augment", "--no-augment", "emotion");
    refused("train --config emotion.toml --out x --noisy-boxes photos", "--noisy-boxes", "face");
    refused("train --task emotion --data pictures --out x --scenes 9", "--scenes", "face");
    each(&folder, "train --config TASK.toml --out TASK", |_, run| drop(run.expect_code(0)));
    refused("train --resume face --epochs 2 --cache disk", "--cache", "emotion");
    refused("quantize face --out x --cache disk", "--cache", "emotion");
    each(&folder, "export TASK --out TASK.onnx", |_, run| drop(run.expect_code(0)));
    refused("export face --out face.onnx --labels happy,sad", "--labels", "emotion");
    refused("export face --out face.onnx --crop-margin 0.1", "--crop-margin", "emotion");
    refused("evaluate --model face.onnx --data photos --no-face-search", "--no-face-search", "emotion");
    refused("evaluate --model face.onnx --data photos --robustness", "--robustness", "emotion");
    refused("evaluate --model face.onnx --data photos --config emotion.toml", "--config", "emotion");
}
