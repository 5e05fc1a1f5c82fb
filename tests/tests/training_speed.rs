//! Training's operators and devices: the fast way learns what the plain way learns, and the benchmark tells where time goes.
#![allow(clippy::unwrap_used)]

use end_to_end_tests::{Session, draw_data, host_trainer, train_tiny};
use std::path::Path;

/// Training and validation loss by epoch.
fn losses(run: &Path) -> Vec<[f64; 2]> {
    let text = std::fs::read_to_string(run.join("history.csv")).unwrap();
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let place = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let (train, val) = (place("train_loss"), place("val_loss"));
    let cell = |line: &str, place: usize| line.split(',').nth(place).unwrap().parse().unwrap();
    text.lines().skip(1).map(|line| [cell(line, train), cell(line, val)]).collect()
}

#[test]
fn our_operators_and_burns_learn_alike_over_five_epochs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    draw_data(&data, 40);
    let run = |operators: &str| {
        let run = folder.path().join(operators);
        let mut train = train_tiny(&data, &run);
        Session::run(train.args(["--epochs", "5", "--operators", operators])).expect_code(0);
        losses(&run)
    };
    let (fast, burn) = (run("fast"), run("reference"));
    assert_eq!((fast.len(), burn.len()), (5, 5));
    for (epoch, (fast, burn)) in fast.iter().zip(&burn).enumerate() {
        for (a, b) in fast.iter().zip(burn) {
            // Sums in another order differ in the last bits, and every step makes a little more of that.
            assert!((a - b).abs() < 0.02 * b, "epoch {}: {a} with ours, {b} with burn's", epoch + 1);
        }
    }
    assert!(fast[4][0] < fast[0][0], "nothing was learned: {fast:?}");
}

#[test]
fn the_benchmark_tells_speed_stages_and_memory() {
    let mut bench = host_trainer();
    bench.args(["bench-train", "--batch-size", "4,8", "--steps", "2", "--threads", "1"]);
    let text = Session::run(&mut bench).expect_code(0).stdout;
    for words in ["batch 4", "batch 8", "images/s", "backward", "optimizer", "convolution, forward"] {
        assert!(text.contains(words), "{words} is missing:\n{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    draw_data(&data, 20);
    bench.arg("--json").arg("--data").arg(&data);
    let done = Session::run(&mut bench).expect_code(0);
    let figures: Vec<serde_json::Value> = done
        .stdout
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(figures.len(), 2, "{done:#?}");
    for figure in &figures {
        assert!(figure["images_per_second"].as_f64().unwrap() > 0.0);
        let stages: f64 = figure["stages_ms"].as_object().unwrap().values().map(|ms| ms.as_f64().unwrap()).sum();
        assert!(stages > 0.0 && figure["epoch"]["ratio"].as_f64().unwrap() > 0.0, "{figure}");
    }
    Session::run(host_trainer().args(["bench-train", "--steps", "0"])).expect_error(2, &["--steps"]);
}

#[test]
fn a_device_this_program_was_not_built_for_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (data, run) = (folder.path().join("data"), folder.path().join("run"));
    draw_data(&data, 12);
    let mut train = train_tiny(&data, &run);
    Session::run(train.args(["--device", "cuda"])).expect_error(2, &["built without cuda", "--features cuda"]);
    assert!(!run.exists(), "nothing may be written");
}
