//! What can go wrong on the host: each its own clear text, the right exit code, and nothing half-written.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use end_to_end_tests::{Faces, Session, draw_data, draw_faces, epochs_done, host_trainer, train_tiny, untrained};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A tiny training run of one epoch.
fn train(data: &Path, run: &Path) -> Command {
    let mut command = train_tiny(data, run);
    command.args(["--epochs", "1"]);
    command
}

fn run_in(folder: &TempDir) -> PathBuf {
    folder.path().join("run")
}

/// A data set of few pictures.
fn data_in(folder: &TempDir) -> PathBuf {
    let data = folder.path().join("data");
    draw_data(&data, 12);
    data
}

/// `command` under a limit of `blocks` (of 512 bytes) to the size of any file it writes, as on a full disk.
fn without_room(command: &Command, blocks: u32) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -f {blocks}; exec \"$@\""), "sh"]).arg(command.get_program());
    limited.args(command.get_args());
    limited
}

#[test]
fn a_folder_without_a_training_part_says_what_it_holds() {
    let folder = folder();
    let data = folder.path().join("data");
    draw_faces(&data.join("test"), &Faces { seeds: 1000..1002, frames: 1, side: 32 });
    Session::run(&mut train(&data, &run_in(&folder))).expect_error(5, &["no train/ folder", "test/", "train/LABEL"]);
    assert!(!run_in(&folder).exists(), "nothing may be written");
    let missing = folder.path().join("missing");
    Session::run(&mut train(&missing, &run_in(&folder))).expect_error(5, &["cannot read", "missing"]);
}

#[test]
fn label_folders_alone_are_for_training_and_others_beside_parts_are_named() {
    let folder = folder();
    let data = folder.path().join("data");
    draw_faces(&data, &Faces { seeds: 1000..1012, frames: 1, side: 32 });
    let mut audit = host_trainer();
    let audit = Session::run(audit.arg("audit").arg(&data)).expect_code(0);
    assert!(audit.stdout.contains("train: 36 pictures"), "{audit:#?}");
    assert!(audit.stderr.contains("its folders are taken for labels"), "{audit:#?}");
    let inside = data.join("run");
    Session::run(&mut train(&data, &inside)).expect_error(2, &["lies among the pictures"]);
    // The same under the names of other data sets.
    let named = folder.path().join("named");
    fs::create_dir(&named).unwrap();
    fs::rename(&data, named.join("Training")).unwrap();
    draw_faces(&named.join("valid"), &Faces { seeds: 0..2, frames: 1, side: 32 });
    fs::create_dir(named.join("extra")).unwrap();
    let mut audit = host_trainer();
    let audit = Session::run(audit.arg("audit").arg(&named)).expect_code(0);
    assert!(audit.stdout.contains("train: 36 pictures") && audit.stdout.contains("val: 6 pictures"), "{audit:#?}");
    assert!(audit.stderr.contains("passed over extra/"), "{audit:#?}");
}

#[test]
fn one_label_is_too_few() {
    let folder = folder();
    let data = data_in(&folder);
    for label in ["angry", "sad"] {
        fs::remove_dir_all(data.join("train").join(label)).unwrap();
    }
    fs::remove_dir_all(data.join("test")).unwrap();
    Session::run(&mut train(&data, &run_in(&folder))).expect_error(5, &["at least 2 labels", "found 1", "happy"]);
}

#[test]
fn a_label_without_pictures_is_named() {
    let folder = folder();
    let data = data_in(&folder);
    fs::remove_dir_all(data.join("train/sad")).unwrap();
    fs::create_dir(data.join("train/sad")).unwrap();
    Session::run(&mut train(&data, &run_in(&folder))).expect_error(5, &["train/sad", "no usable picture"]);
}

#[test]
fn labels_that_differ_between_the_parts_are_named() {
    let folder = folder();
    let data = data_in(&folder);
    fs::rename(data.join("test/sad"), data.join("test/bored")).unwrap();
    Session::run(&mut train(&data, &run_in(&folder))).expect_error(5, &["labels differ", "test/", "bored", "sad"]);
}

#[test]
fn a_picture_that_does_not_decode_is_named_and_left_out() {
    let folder = folder();
    let data = data_in(&folder);
    let whole = fs::read(data.join("train/happy/1000-0.png")).unwrap();
    fs::write(data.join("train/happy/cut.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(data.join("train/happy/words.jpg"), "no picture").unwrap();
    let done = Session::run(&mut train(&data, &run_in(&folder))).expect_code(0);
    for name in ["cut.png", "words.jpg"] {
        assert!(done.stderr.contains(name), "{done:#?}");
    }
    let audit = Session::run(host_trainer().arg("audit").arg(&data)).expect_code(0);
    for name in ["cut.png", "words.jpg"] {
        assert!(audit.stdout.contains(name), "{audit:#?}");
    }
}

#[test]
fn an_unknown_configuration_key_is_refused_with_its_line() {
    let folder = folder();
    let (data, run) = (data_in(&folder), run_in(&folder));
    let config = folder.path().join("mine.toml");
    let attempt = |text: &str| {
        fs::write(&config, text).unwrap();
        Session::run(
            host_trainer().arg("train").arg("--config").arg(&config).arg("--data").arg(&data).arg("--out").arg(&run),
        )
    };
    attempt("epochs = 1\nepoch = 2\n").expect_error(3, &["mine.toml", "line 2", "epoch"]);
    attempt("epochs = 1\n\n[net]\nwidth = [8, 8, 8, 8]\n").expect_error(3, &["mine.toml", "line 4", "width"]);
    attempt("epochs = 'many'\n").expect_error(3, &["mine.toml", "line 1"]);
    attempt("epochs = 1\nsize = 3\n").expect_error(3, &["size", "16"]);
    assert!(!run.exists(), "nothing may be written");
}

#[test]
fn wrong_usage_exits_2() {
    Session::run(host_trainer().args(["train", "--bogus"])).expect_error(2, &["--bogus"]);
    Session::run(host_trainer().args(["train", "--data", "x"])).expect_error(2, &["--out"]);
    Session::run(host_trainer().args(["train", "--out", "x", "--data", "x", "--size", "3"]))
        .expect_error(2, &["size 3", "16"]);
    Session::run(host_trainer().args(["train", "--out", "x", "--data", "x", "--learning-rate", "-1"]))
        .expect_error(2, &["-1"]);
    Session::run(host_trainer().args(["train", "--resume", "mine", "--arch", "lenet"]))
        .expect_error(2, &["--arch cannot change a run that goes on", "--init mine --out NEW"]);
    Session::run(host_trainer().args(["train", "--out", "d/train/x", "--data", "d"]))
        .expect_error(2, &["among the pictures"]);
    let folder = folder();
    let run = run_in(&folder);
    fs::create_dir_all(&run).unwrap();
    Session::run(host_trainer().arg("quantize").arg(&run).arg("--force").arg("--out").arg(run.join(".")))
        .expect_error(2, &["would be lost", "--out"]);
    Session::run(&mut host_trainer()).expect_error(2, &["Usage"]);
}

#[test]
fn a_label_the_model_lacks_is_named() {
    let folder = folder();
    let (data, run) = (data_in(&folder), run_in(&folder));
    Session::run(&mut train(&data, &run)).expect_code(0);
    let out = folder.path().join("model.onnx");
    let mut export = host_trainer();
    export.arg("export").arg(&run).arg("--out").arg(&out).args(["--labels", "happy,bored"]);
    Session::run(&mut export).expect_error(2, &["bored", "angry", "sad"]);
    assert!(!out.exists(), "nothing may be written");

    let model = folder.path().join("untrained.onnx");
    fs::write(&model, untrained()).unwrap();
    let mut evaluate = host_trainer();
    evaluate
        .args(["evaluate", "--no-face-search", "--model"])
        .arg(&model)
        .arg("--data")
        .arg(&data)
        .args(["--labels", "happy,bored"]);
    Session::run(&mut evaluate).expect_error(2, &["bored"]);
}

#[test]
fn a_run_whose_configuration_was_edited_is_not_resumed() {
    let folder = folder();
    let (data, run) = (data_in(&folder), run_in(&folder));
    Session::run(&mut train(&data, &run)).expect_code(0);
    let config = run.join("config.toml");
    let resume = |more: &[&str]| Session::run(host_trainer().args(["train", "--resume"]).arg(&run).args(more));
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("\npatience = 0", "\npatience = 3")).unwrap();
    resume(&[]).expect_error(3, &["config.toml", "patience", "--init"]);
    fs::write(&config, text).unwrap();
    let done = resume(&[]).expect_code(0);
    assert!(done.stdout.contains("all 1 epochs are done"), "{done:#?}");
    resume(&["--epochs", "2"]).expect_code(0);
    assert_eq!(epochs_done(&run), 2);
}

#[test]
fn few_pictures_get_small_batches_and_alike_ones_are_refused() {
    let folder = folder();
    let data = data_in(&folder);
    let train = |run: &str, more: &[&str]| {
        let mut train = host_trainer();
        train
            .args(["train", "--size", "32", "--epochs", "1", "--data"])
            .arg(&data)
            .arg("--out")
            .arg(folder.path().join(run));
        Session::run(train.args(more))
    };
    let done = train("few", &[]).expect_code(0);
    assert!(done.stdout.contains("few pictures: batches of"), "{done:#?}");
    train("asked", &["--batch-size", "200"]).expect_error(5, &["do not fill one batch of 200"]);
    train("frozen", &["--freeze", "2"]).expect_error(2, &["--init"]);
    let few = folder.path().join("few").display().to_string();
    train("few", &["--force", "--init", &few]).expect_error(2, &[&few, "would be lost"]);
    train("few", &["--init", &few]).expect_error(2, &[&few, "would be lost"]);
    train("never", &["--summary", "--init", "nothing"]).expect_error(4, &["nothing is not there"]);
    fs::rename(data.join("train/sad"), data.join("train/sad, sometimes")).unwrap();
    fs::rename(data.join("test/sad"), data.join("test/sad, sometimes")).unwrap();
    train("comma", &[]).expect_error(5, &["sad, sometimes", "cannot be a label"]);
    for label in ["angry", "happy", "sad, sometimes"] {
        let folder = data.join("train").join(label);
        let mut pictures = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let first = pictures.next().unwrap();
        for other in pictures {
            fs::copy(&first, other).unwrap();
        }
    }
    fs::rename(data.join("train/sad, sometimes"), data.join("train/sad")).unwrap();
    fs::rename(data.join("test/sad, sometimes"), data.join("test/sad")).unwrap();
    train("alike", &[]).expect_error(5, &["no picture could be set aside for validation"]);
}

#[test]
fn a_card_written_again_keeps_the_evaluations_of_the_same_model() {
    let folder = folder();
    let (data, run) = (data_in(&folder), run_in(&folder));
    Session::run(&mut train(&data, &run)).expect_code(0);
    let out = folder.path().join("mine.onnx");
    let export = || Session::run(host_trainer().arg("export").arg(&run).arg("--out").arg(&out)).expect_code(0);
    export();
    let other = folder.path().join("strangers");
    draw_data(&other, 12);
    Session::run(host_trainer().args(["evaluate", "--no-face-search", "--model"]).arg(&out).arg("--data").arg(&other))
        .expect_code(0);
    export();
    let card = fs::read_to_string(out.with_extension("md")).unwrap();
    let log = card.split_once("## Log of test evaluations").unwrap().1;
    assert_eq!(log.matches(" | strangers | ").count(), 1, "{card}");
    assert_eq!(log.matches(" | data | 24 | ").count(), 1, "{card}");
}

#[test]
fn a_diverging_run_says_so() {
    let folder = folder();
    let (data, run) = (data_in(&folder), run_in(&folder));
    let mut wild = train_tiny(&data, &run);
    wild.args(["--learning-rate", "1e30", "--epochs", "50"]);
    Session::run(&mut wild).expect_error(8, &["the loss became", "--learning-rate"]);
}

#[test]
fn export_keeps_foreign_files_and_refuses_odd_labels() {
    let folder = folder();
    let (data, run) = (data_in(&folder), run_in(&folder));
    Session::run(&mut train(&data, &run)).expect_code(0);
    let out = folder.path().join("mine.onnx");
    let export = |more: &[&str]| Session::run(host_trainer().arg("export").arg(&run).arg("--out").arg(&out).args(more));
    export(&["--labels", "angry,angry"]).expect_error(2, &["angry is named twice"]);
    export(&["--labels", "angry"]).expect_error(2, &["two labels"]);
    export(&["--calibrate-on", "2"]).expect_error(2, &["--calibrate-on 2"]);
    let notes = out.with_extension("md");
    fs::write(&notes, "my own notes").unwrap();
    export(&[]).expect_error(7, &["mine.md", "no model card"]);
    assert!(!out.exists() && fs::read_to_string(&notes).unwrap() == "my own notes");
    fs::remove_file(&notes).unwrap();
    export(&[]).expect_code(0);
    // Its own card may be replaced.
    export(&[]).expect_code(0);
}

#[test]
fn a_stopped_draw_leaves_nothing() {
    let folder = folder();
    let out = folder.path().join("drawn");
    let mut session =
        Session::start(host_trainer().arg("draw").arg(&out).args(["--per-label", "30000", "--size", "512"]));
    assert!(session.wait_until(|| out.join("train").exists()));
    end_to_end_tests::send("INT", session.id());
    session.finish().expect_error(130, &["removed"]);
    assert!(!out.exists());
}

#[test]
fn no_room_for_a_checkpoint_keeps_the_former_one() {
    let folder = folder();
    let (data, run) = (data_in(&folder), run_in(&folder));
    // Too little for a first checkpoint.
    Session::run(&mut without_room(&train(&data, &run), 8)).expect_error(7, &["cannot save", "safetensors"]);

    // One epoch done, and no room for the next.
    let mut short = train_tiny(&data, &run);
    Session::run(short.args(["--force", "--epochs", "1"])).expect_code(0);
    let mut resume = host_trainer();
    resume.args(["train", "--epochs", "3", "--resume"]).arg(&run);
    let kept = fs::read(run.join("checkpoints/last.safetensors")).unwrap();
    Session::run(&mut without_room(&resume, 8)).expect_error(7, &["cannot save", "safetensors"]);
    assert!(fs::read(run.join("checkpoints/last.safetensors")).unwrap() == kept, "the checkpoint has changed");
    assert_eq!(unfinished(&run), Vec::<PathBuf>::new());
    Session::run(&mut resume).expect_code(0);
    assert_eq!(epochs_done(&run), 3);
}

#[test]
fn no_room_for_the_export_writes_nothing() {
    let folder = folder();
    let (data, run) = (data_in(&folder), run_in(&folder));
    Session::run(&mut train(&data, &run)).expect_code(0);
    let out = folder.path().join("models/mine.onnx");
    let mut export = host_trainer();
    export.arg("export").arg(&run).arg("--out").arg(&out);
    Session::run(&mut without_room(&export, 8)).expect_error(7, &["cannot write", "mine.onnx"]);
    assert!(!out.exists() && !out.with_extension("md").exists());
    assert_eq!(unfinished(out.parent().unwrap()), Vec::<PathBuf>::new());
    Session::run(&mut export).expect_code(0);
    assert!(out.exists() && out.with_extension("md").exists());
}

/// Files below `folder` that a write left half done.
fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(unfinished(&path));
        } else if path.file_name().unwrap().to_string_lossy().starts_with('.') {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let folder = folder();
    let (data, run) = (data_in(&folder), run_in(&folder));
    let model = folder.path().join("untrained.onnx");
    fs::write(&model, untrained()).unwrap();
    let picture = data.join("train/happy/1000-0.png");
    let mut predict = host_trainer();
    predict.args(["predict", "--no-face-search", "--model"]).arg(&model).args(vec![&picture; 50]);
    let mut audit = host_trainer();
    audit.arg("audit").arg(&data);
    for command in [&mut predict, &mut audit, &mut train(&data, &run)] {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            !stderr.contains("panicked") && output.status.code() != Some(101),
            "{command:?}: {}\n{stderr}",
            output.status
        );
    }
    // Hours of training are not thrown away because a log's reader went away.
    assert_eq!(epochs_done(&run), 1);
}

#[test]
fn predict_and_evaluate_refuse_what_is_no_model_or_no_picture() {
    let folder = folder();
    let data = data_in(&folder);
    let (model, picture) = (folder.path().join("model.onnx"), data.join("test/happy/0-0.png"));
    let predict = |picture: &Path| {
        Session::run(host_trainer().args(["predict", "--no-face-search", "--model"]).arg(&model).arg(picture))
    };
    predict(&picture).expect_error(4, &["cannot read the model", "model.onnx"]);
    let whole = untrained();
    fs::write(&model, &whole[..whole.len() / 2]).unwrap();
    predict(&picture).expect_error(4, &["not a complete ONNX model", "model.onnx"]);
    fs::write(&model, &whole).unwrap();
    predict(&picture).expect_code(0);
    let words = folder.path().join("words.png");
    fs::write(&words, "no picture").unwrap();
    predict(&words).expect_error(5, &["words.png"]);
    predict(&folder.path().join("missing.png")).expect_error(5, &["missing.png"]);
    let mut evaluate = host_trainer();
    evaluate.args(["evaluate", "--no-face-search", "--model"]).arg(&model).arg("--data").arg(data.join("train"));
    Session::run(&mut evaluate).expect_error(5, &["test"]);
}
