//! A training run that is interrupted, however rudely, goes on as if nothing had happened.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use end_to_end_tests::{Finished, Session, draw_data, epochs_done, history, host_trainer, send, train_tiny};
use host_trainer::emotion::EmotionTask;
use host_trainer::emotion::options::EmotionConfig;
use host_trainer::run::checkpoint;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const SIGKILL: i32 = 9;
/// A signal may come when all is done already; then another run is started.
const ATTEMPTS: usize = 20;

fn train(data: &Path, run: &Path) -> Command {
    let mut command = train_tiny(data, run);
    // Augmentation, dropout and mixing are random choices as well: they too must go on where they stopped.
    command.args([
        "--threads",
        "2",
        "--size",
        "32",
        "--batch-size",
        "4",
        "--cutmix",
        "0.5",
        "--dropout",
        "0.2",
        "--epochs",
        "6",
    ]);
    command
}

fn resume(run: &Path) -> Command {
    let mut command = host_trainer();
    command.args(["train", "--threads", "2", "--resume"]).arg(run);
    command
}

/// Starts `command`, sends `signal` once the run has `epochs` epochs, and waits for the end.
fn stop(command: &mut Command, run: &Path, epochs: usize, signal: &str) -> Finished {
    let mut session = Session::start(command);
    if session.wait_until(|| epochs_done(run) >= epochs) {
        send(signal, session.id());
    }
    session.finish()
}

fn uninterrupted(folder: &TempDir) -> Vec<String> {
    let data = folder.path().join("data");
    draw_data(&data, 24);
    let run = folder.path().join("whole");
    Session::run(&mut train(&data, &run)).expect_code(0);
    let whole = history(&run);
    assert_eq!(whole.len(), 6, "{whole:?}");
    whole
}

#[test]
fn killed_twice_gives_the_history_of_an_uninterrupted_run() {
    let folder = tempfile::tempdir().unwrap();
    let (data, run) = (folder.path().join("data"), folder.path().join("killed"));
    let whole = uninterrupted(&folder);
    let killed = (0..ATTEMPTS).any(|_| {
        let _ = std::fs::remove_dir_all(&run);
        let first = stop(&mut train(&data, &run), &run, 1, "KILL");
        first.status.signal() == Some(SIGKILL) && {
            let second = stop(&mut resume(&run), &run, 3, "KILL");
            second.status.signal() == Some(SIGKILL)
        }
    });
    assert!(killed, "the runs always ended before the signal came");
    let finished = Session::run(&mut resume(&run)).expect_code(0);
    assert_eq!(history(&run), whole, "{finished:#?}");
    assert!(run.join("report.html").exists());
    assert!(
        finished.stdout.contains("\ntest: accuracy 0.") || finished.stdout.contains("\ntest: accuracy 1."),
        "{finished:#?}"
    );
}

#[test]
fn ctrl_c_in_the_middle_of_an_epoch_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let (data, run) = (folder.path().join("data"), folder.path().join("interrupted"));
    let whole = uninterrupted(&folder);
    let inside = (0..ATTEMPTS).any(|_| {
        let _ = std::fs::remove_dir_all(&run);
        let stopped = stop(&mut train(&data, &run), &run, 1, "INT");
        if stopped.code() != 130 {
            return false;
        }
        let hint = format!("host-trainer train --resume {}", run.display());
        assert!(stopped.stdout.contains(&hint) || stopped.stderr.contains(&hint), "{stopped:#?}");
        let (state, _) = checkpoint::load::<EmotionTask>(&run, &EmotionConfig::default()).unwrap();
        state.running.steps > 0
    });
    assert!(inside, "the signal never came in the middle of an epoch");
    assert!(history(&run).len() < whole.len());
    Session::run(&mut resume(&run)).expect_code(0);
    assert_eq!(history(&run), whole);
}

#[test]
fn a_finished_run_resumes_to_itself_and_other_pictures_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (data, run) = (folder.path().join("data"), folder.path().join("whole"));
    let whole = uninterrupted(&folder);
    let evaluations = || std::fs::read_to_string(run.join("evaluations.csv")).unwrap();
    let before = evaluations();
    assert_eq!(before.lines().count(), 2, "{before}");
    Session::run(&mut resume(&run)).expect_code(0);
    assert_eq!(history(&run), whole);
    assert_eq!(evaluations(), before, "the same weights were evaluated once more");

    // The pictures may lie elsewhere now: their fingerprint decides.
    let moved = folder.path().join("moved");
    std::fs::rename(&data, &moved).unwrap();
    Session::run(&mut resume(&run)).expect_error(5, &["--data DIR says where they are now"]);
    Session::run(resume(&run).arg("--data").arg(&moved)).expect_code(0);
    assert_eq!(history(&run), whole);
    // The run knows it from now on.
    Session::run(&mut resume(&run)).expect_code(0);
    Session::run(resume(&run).arg("--data").arg(format!("{}*2", moved.display())))
        .expect_error(2, &["the same folders"]);
    std::fs::rename(&moved, &data).unwrap();
    Session::run(resume(&run).arg("--data").arg(&data)).expect_code(0);

    Session::run(&mut train(&data, &run)).expect_error(2, &["already holds a run", "--resume", "--force"]);
    std::fs::remove_file(data.join("train/sad/1000-0.png")).unwrap();
    Session::run(&mut resume(&run)).expect_error(5, &["the pictures have changed", "--init"]);
    Session::run(&mut resume(&folder.path().join("nothing"))).expect_error(4, &["nothing to resume", "nothing"]);
}
