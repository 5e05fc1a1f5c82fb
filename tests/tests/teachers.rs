//! Learning from other models' answers: a file of answers, and a model that fails while it is asked.
#![allow(clippy::unwrap_used)]

use end_to_end_tests::{Finished, Session, draw_data, history, host_trainer, retouched, train_tiny, untrained};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Pictures of twelve persons in `faces`, and `answers.csv` that calls the training pictures of all moods happy.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    draw_data(&folder.path().join("faces"), 12);
    let mut csv = "file,joy,grief\n".to_owned();
    for label in ["angry", "happy", "sad"] {
        for picture in fs::read_dir(folder.path().join("faces/train").join(label)).unwrap() {
            csv += &format!("train/{label}/{},0.9,0.1\n", picture.unwrap().file_name().display());
        }
    }
    fs::write(folder.path().join("answers.csv"), csv).unwrap();
    folder
}

/// A run of one epoch in `folder`, with `teachers` in its configuration.
fn train(folder: &Path, run: &str, teachers: &str) -> (Finished, PathBuf) {
    let run = folder.join(run);
    let mut command = train_tiny(&folder.join("faces"), &run);
    let config = run.with_extension("config.toml");
    fs::write(&config, format!("teacher_share = 0.8\n{}\n{teachers}", fs::read_to_string(&config).unwrap())).unwrap();
    (Session::run(command.current_dir(folder).args(["--epochs", "1"])), run)
}

const ANSWERS: &str = "[[teachers]]\nanswers = 'answers.csv'\ncolumns = { joy = 'happy', grief = 'sad' }\n";

#[test]
fn a_run_learns_from_a_file_of_answers_and_goes_on_with_the_same_file_alone() {
    let folder = folder();
    let (told, taught) = train(folder.path(), "taught", ANSWERS);
    let told = told.expect_code(0).stdout;
    let line = told.lines().find(|line| line.starts_with("answers.csv: ")).unwrap();
    let numbers: Vec<usize> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(numbers.len() == 2 && numbers[0] == numbers[1] && numbers[0] > 20, "{line}");
    let (plain, untaught) = train(folder.path(), "plain", "");
    plain.expect_code(0);
    assert_ne!(history(&taught), history(&untaught));
    let noted = fs::read_to_string(taught.join("config.toml")).unwrap();
    assert!(noted.contains("sha256 = ") && noted.contains("[teachers.columns]"), "{noted}");

    let resume = || {
        let mut resume = host_trainer();
        resume.current_dir(folder.path()).args(["train", "--resume", "taught", "--epochs", "2"]);
        Session::run(&mut resume)
    };
    resume().expect_code(0);
    fs::write(folder.path().join("answers.csv"), "file,joy,grief\n").unwrap();
    resume().expect_error(4, &["answers.csv has changed since the run was started"]);
}

#[test]
fn answers_that_cannot_be_used_are_told_with_the_reason() {
    let folder = folder();
    let refused = |run: &str, csv: &str, words: &[&str]| {
        fs::write(folder.path().join("answers.csv"), csv).unwrap();
        train(folder.path(), run, ANSWERS).0.expect_error(5, words);
    };
    refused("columns", "file,joy\ntrain/sad/1000-0.png,1\n", &["answers.csv", "no column grief"]);
    refused("numbers", "file,joy,grief\ntrain/sad/1000-0.png,2,0\n", &["answers.csv", "line 2: `2` in column joy"]);
    refused(
        "pictures",
        "file,joy,grief\nsad/1000-0.png,1,0\n",
        &["answers.csv", "none of the training pictures", "train/"],
    );
    let (both, _) = train(folder.path(), "both", &format!("{ANSWERS}model = 'teacher.onnx'\n"));
    both.expect_error(3, &["[[teachers]]", "either a model"]);
}

/// Mid grey, on which a model is tried when it is opened, is 0 to this one; anything else is endless.
#[test]
fn a_teacher_that_fails_in_mid_run_ends_it() {
    let folder = folder();
    let fails = retouched(&untrained(), |card| card.input.pixel_map.scale = 3e38);
    fs::write(folder.path().join("teacher.onnx"), fails).unwrap();
    let (told, _) = train(folder.path(), "run", "[[teachers]]\nmodel = 'teacher.onnx'\n");
    told.expect_error(4, &["the teacher teacher.onnx cannot answer a training picture", "not all are finite"]);
}
