//! Face nets from photos with boxes to a model and its report; whole photos cut to faces and judged.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use emotion_models::{CropBox, Detector, FaceDetector, Picture, TestCard};
use end_to_end_tests::{Finished, Session, draw_photos, draw_snapshots, host_trainer, untrained};
use image::{GrayImage, Luma};
use std::fs;
use std::path::Path;

/// A net and a run small enough for a test.
const TINY: &str = "\
task = 'face'
width = 64
height = 48
epochs = 2
scenes_per_epoch = 256
batch_size = 16
ema = 0.0
hard_negatives_every = 1

[data]
synthetic = 0
val_fraction = 0.3

[net]
widths = [4, 8, 8]
blocks = 1
";

#[test]
fn a_face_net_is_trained_quantised_exported_and_scored() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let data = at("photos");
    draw_photos(&data.join("train"), 1000..1030, 10);
    draw_photos(&data.join("test"), 0..6, 3);
    fs::write(at("tiny.toml"), TINY).unwrap();
    // Marked on a picture of another size.
    fs::copy(data.join("train/images/1000.png"), data.join("train/images/large.png")).unwrap();
    let boxes = fs::read_to_string(data.join("train/boxes.csv")).unwrap() + "large.png,100,60,400,300\n";
    fs::write(data.join("train/boxes.csv"), boxes).unwrap();

    let mut train = host_trainer();
    train.arg("train").arg("--config").arg(at("tiny.toml")).arg("--data").arg(&data).arg("--out").arg(at("run"));
    let trained = Session::run(train.arg("--quantize")).expect_code(0);
    assert!(trained.stdout.contains("epoch 2/2") && trained.stdout.contains("report.html"), "{}", trained.stdout);
    assert!(
        trained.stderr.contains("large.png") && trained.stderr.contains("outside its 160x120"),
        "{}",
        trained.stderr
    );
    let page = fs::read_to_string(at("run/report.html")).unwrap();
    assert!(page.contains("<image") && page.contains("average precision"), "the page has photos and figures");

    for (run, model) in [("run", "float.onnx"), ("run/quantized", "integer.onnx")] {
        let model = at(model);
        Session::run(host_trainer().arg("export").arg(at(run)).arg("--out").arg(&model)).expect_code(0);
        let mut finder = FaceDetector::from_file(&model).unwrap();
        let picture = Picture::open(&data.join("test/images/3.png")).unwrap();
        finder.detect(&picture.view().unwrap(), CropBox::full(160, 120), 0.5).unwrap();
        let card = fs::read_to_string(model.with_extension("md")).unwrap();
        assert!(card.contains(" | photos | 9 | ") && card.contains("| over 20 % of the width |"), "{card}");
        assert!(card.len() < 6000, "a card is read at one sitting: {} bytes", card.len());
        assert!(!card.contains(&*folder.path().to_string_lossy()), "a card does not tell where files lie");

        let mut evaluate = host_trainer();
        evaluate.args(["evaluate", "--json", "--report"]).arg(at("pages/page.html")).arg("--model").arg(&model);
        let scores = &Session::run(evaluate.arg("--data").arg(&data)).expect_code(0).json_lines()[0];
        assert_eq!((scores["photos"].as_u64(), scores["empty_photos"].as_u64()), (Some(9), Some(3)));
        assert_eq!(scores["recall"]["faces"], 6);
        assert!(fs::read_to_string(at("pages/page.html")).unwrap().contains("test photos"));
        let card = fs::read_to_string(model.with_extension("md")).unwrap();
        assert!(card.matches(" | photos | 9 | ").count() == 2 && card.ends_with(" | evaluate |\n"), "{card}");
    }

    let mut longer = host_trainer();
    longer.args(["train", "--epochs", "3", "--resume"]).arg(at("run"));
    let longer = Session::run(&mut longer).expect_code(0);
    assert!(longer.stdout.contains("epoch 3/3"), "{}", longer.stdout);
    let mut quantize = host_trainer();
    quantize.args(["quantize", "--weights", "last", "--epochs", "0", "--out"]).arg(at("last")).arg(at("run"));
    Session::run(&mut quantize).expect_code(0);
    Session::run(host_trainer().arg("export").arg(at("last")).arg("--out").arg(at("last.onnx"))).expect_code(0);
    let card = fs::read_to_string(at("last.md")).unwrap();
    assert!(card.contains("--epochs 3 --resume run\nhost-trainer quantize --weights last"), "{card}");

    let mut classify = host_trainer();
    classify.args(["predict", "--model"]).arg(at("float.onnx")).arg(data.join("test/images/3.png"));
    Session::run(&mut classify).expect_error(4, &["face", "emotion"]);
}

#[test]
fn a_face_net_starts_from_another() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    draw_photos(&at("photos/train"), 1000..1030, 10);
    fs::write(at("tiny.toml"), TINY.replace("= 256", "= 96")).unwrap();
    fs::write(at("emotion.onnx"), untrained()).unwrap();
    let here = |arguments: &[&str]| Session::run(host_trainer().current_dir(folder.path()).args(arguments));
    let train = |out: &str, flags: &[&str]| {
        let always = ["train", "--config", "tiny.toml", "--data", "photos", "--out", out];
        here(&[&always, flags].concat())
    };
    let first = train("first", &[]).expect_code(0);
    here(&["export", "first", "--out", "first.onnx"]).expect_code(0);
    for (from, out) in [("first.onnx", "from-model"), ("first", "from-run")] {
        let further = train(out, &["--init", from, "--learning-rate", "1e-9", "--epochs", "1"]).expect_code(0);
        assert!(further.stdout.contains("randomly initialised: nothing"), "{}", further.stdout);
        let (start, end) = (average_precision(&further), average_precision(&first));
        assert!((start - end).abs() < 0.02, "it begins at {start} where the other ended, at {end}");
    }
    here(&["export", "from-run", "--out", "further.onnx"]).expect_code(0);
    let card = fs::read_to_string(at("further.md")).unwrap();
    assert!(card.find("--out first\n").unwrap() < card.find("--out from-run --init first").unwrap(), "{card}");
    train("never", &["--init", "emotion.onnx"]).expect_error(4, &["emotion.onnx", "another task"]);
    train("never", &["--data", "photos"]).expect_error(5, &["photos is given twice"]);
    train("never", &["--data", "photos*2"]).expect_error(5, &["photos*2", "name photos"]);
    // What cannot be begun with is told before any photo is looked for.
    fs::write(at("damaged.onnx"), &fs::read(at("first.onnx")).unwrap()[..3000]).unwrap();
    for from in ["nothing.onnx", "emotion.onnx", "damaged.onnx", "photos"] {
        train("never", &["--data", "nowhere", "--init", from]).expect_error(4, &[from]);
        train("never", &["--summary", "--init", from]).expect_error(4, &[from]);
    }
    here(&["quantize", "first", "--calibration-images", "0", "--out", "never"])
        .expect_error(2, &["calibration_images"]);
    assert!(!at("never").exists());
}

#[test]
fn each_data_folder_is_measured_by_itself_and_some_may_choose() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    draw_photos(&at("own/train"), 1000..1030, 10);
    draw_photos(&at("own/test"), 0..6, 3);
    draw_photos(&at("web/train"), 1030..1050, 5);
    fs::write(at("tiny.toml"), TINY.replace("= 256", "= 96")).unwrap();
    let here = |arguments: &[&str]| Session::run(host_trainer().current_dir(folder.path()).args(arguments));
    let train = ["train", "--config", "tiny.toml", "--data", "own", "--data", "web", "--out", "run", "--noisy-boxes"];
    draw_photos(&at("single/train"), 1001..1002, 0);
    let single = ["train", "--config", "tiny.toml", "--data", "single", "--out", "run"];
    GrayImage::from_pixel(64, 48, Luma([99])).save(at("single/train/images/new.png")).unwrap();
    here(&single).expect_error(5, &["single has a single photo", "left out 1 in", "new.png"]);
    let file = ["train", "--config", "tiny.toml", "--data", "own", "--out", "tiny.toml", "--force"];
    here(&file).expect_error(2, &["tiny.toml is a file"]);
    here(&[&train[..], &["wbe"]].concat()).expect_error(3, &["wbe", "(own, web)"]);
    let told = here(&[&train[..], &["web/"]].concat()).expect_code(0).stdout;
    assert!(told.contains("noisy boxes: web"), "{told}");
    here(&["export", "run", "--out", "both.onnx"]).expect_code(0);
    here(&["export", "run", "--out", "own.onnx", "--calibrate-on", "1"]).expect_code(0);
    here(&["export", "run", "--out", "none.onnx", "--calibrate-on", "3"]).expect_error(2, &["--calibrate-on 3"]);
    let quantize =
        ["quantize", "run", "--data", "own", "--epochs", "0", "--calibration-images", "10", "--out", "integers"];
    let told = here(&quantize).expect_code(0).stdout;
    assert!(told.contains("ranges from 10 training scenes: "), "{told}");
    let page = ["evaluate", "--model", "own.onnx", "--data", "own", "--report", "own.md"];
    here(&page).expect_error(2, &["own.md must end in .html"]);
    draw_photos(&at("far/test"), 6..9, 2);
    let both = ["evaluate", "--model", "own.onnx", "--no-record", "--data", "own", "--data", "far"];
    let told = here(&[&both[..], &["--report", "pages/both.html"]].concat()).expect_code(0).stdout;
    let row = |name: &str| told.lines().find(|line| line.starts_with(name)).unwrap().split_whitespace().nth(1).unwrap();
    assert_eq!((row("own "), row("far ")), ("9", "5"), "{told}");
    let page = fs::read_to_string(at("pages/both.html")).unwrap();
    assert!(page.contains("<h2>own's test photos") && page.contains("<h2>far's test photos"));
    let found = &here(&[&both[..], &["--json"]].concat()).expect_code(0).json_lines()[0];
    assert_eq!((found[0]["photos"].as_u64(), found[1]["photos"].as_u64()), (Some(9), Some(5)));
    let search = ["evaluate", "--model", "own.onnx", "--data", "own", "--no-face-search"];
    here(&search).expect_error(2, &["--no-face-search", "emotion"]);
    here(&["export", "run", "--out", "own.onnx", "--crop-margin", "0.3"]).expect_error(2, &["--crop-margin"]);
    let [both, own] = ["both.md", "own.md"].map(|card| fs::read_to_string(at(card)).unwrap());
    for card in [&both, &own] {
        assert!(card.contains("\n| own | val (chose the threshold) | "), "{card}");
        assert!(card.contains("\n| own | test | ") && !card.contains("\n| web | test | "), "{card}");
    }
    assert!(both.contains("\n| web | val (chose the threshold) | "), "{both}");
    assert!(own.contains("\n| web | val | "), "{own}");
    assert!(own.contains("--out own.onnx --calibrate-on 1\n") && !both.contains("--calibrate-on"), "{own}");
}

/// The best average precision on validation that a run told of, epoch or start.
fn average_precision(run: &Finished) -> f64 {
    let told = run.stdout.split("val AP ").skip(1).map(|rest| rest.split(',').next().unwrap().parse().unwrap());
    told.fold(0.0, f64::max)
}

#[test]
fn a_face_model_and_an_emotion_model_are_not_taken_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("emotion.onnx");
    fs::write(&model, untrained()).unwrap();
    let photo = folder.path().join("photo.png");
    TestCard::new(1).draw("happy", 0, 64, 64).save(&photo).unwrap();
    let mut predict = host_trainer();
    predict.args(["predict", "--model"]).arg(&model).arg("--face-model").arg(&model).arg(&photo);
    Session::run(&mut predict).expect_error(4, &["emotion.onnx", "face"]);
}

#[test]
fn flags_of_the_other_task_and_data_without_boxes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut train = host_trainer();
    train.args(["train", "--task", "face", "--dropout", "0.5", "--data"]).arg(folder.path()).arg("--out").arg(&out);
    Session::run(&mut train).expect_error(2, &["--dropout", "emotion"]);
    let mut train = host_trainer();
    train.args(["train", "--task", "face", "--data"]).arg(folder.path()).arg("--out").arg(&out);
    Session::run(&mut train).expect_error(5, &["boxes.csv", "WIDER", "Pascal VOC"]);
    let mut train = host_trainer();
    train.args(["train", "--crops", "x", "--data"]).arg(folder.path()).arg("--out").arg(&out);
    Session::run(&mut train).expect_error(2, &["--crops", "--task face"]);
    assert!(!out.exists());
}

#[test]
fn whole_photos_are_cut_to_faces() {
    let folder = tempfile::tempdir().unwrap();
    let (photos, crops) = (folder.path().join("photos"), folder.path().join("crops"));
    draw_snapshots(&photos);
    let happy = photos.join("train/happy");
    GrayImage::from_pixel(640, 480, Luma([99])).save(happy.join("wall.png")).unwrap();
    fs::write(happy.join("broken.png"), "no picture").unwrap();
    let crop = |data: &Path, out: &Path| Session::run(host_trainer().arg("crop").arg(data).arg(out));

    let done = crop(&photos, &crops).expect_code(0);
    assert!(
        done.stdout.contains("3 of 5 photos cut; no face: 1,") && done.stdout.contains("train --data"),
        "{}",
        done.stdout
    );
    assert!(done.stderr.contains("wall.png") && done.stderr.contains("broken.png"), "{}", done.stderr);
    for name in ["happy/1.jpg.png", "happy/2.jpg.png", "sad/3.jpg.png"] {
        let cut = image::open(crops.join("train").join(name)).unwrap();
        assert!(cut.width() == cut.height() && (60..220).contains(&cut.width()), "{name}: {}", cut.width());
    }
    crop(&photos, &crops).expect_error(2, &["not empty"]);
    crop(&photos, &photos.join("train/inside")).expect_error(2, &["lies in"]);
    std::os::unix::fs::symlink(&photos, folder.path().join("link")).unwrap();
    crop(&photos, &folder.path().join("link/inside")).expect_error(2, &["lies in"]);
    let labels = folder.path().join("labels");
    let advice = crop(&photos.join("train"), &labels).expect_code(0).stdout;
    // Folders of labels train as they are.
    assert!(advice.contains(&format!("train --data {}", labels.display())), "{advice}");
    crop(&folder.path().join("nothing"), &folder.path().join("new")).expect_error(2, &["no folder"]);
    let walls = folder.path().join("walls");
    fs::create_dir_all(&walls).unwrap();
    GrayImage::from_pixel(64, 48, Luma([99])).save(walls.join("wall.png")).unwrap();
    crop(&walls, &folder.path().join("new")).expect_error(5, &["not one of 1 photos"]);
}

#[test]
fn photos_are_judged_by_the_face_in_them() {
    let folder = tempfile::tempdir().unwrap();
    draw_snapshots(folder.path());
    let wall = folder.path().join("wall.png");
    GrayImage::from_pixel(640, 480, Luma([99])).save(&wall).unwrap();
    let model = folder.path().join("emotion.onnx");
    fs::write(&model, emotion_models::shipped::EMOTION).unwrap();
    let mut predict = host_trainer();
    predict.args(["predict", "--json", "--model"]).arg(&model).arg(folder.path().join("train/happy/1.jpg")).arg(&wall);
    let lines = Session::run(&mut predict).expect_code(0).json_lines();
    assert_eq!(lines[0]["label"], "happy");
    let face: Vec<f64> = lines[0]["face"].as_array().unwrap().iter().map(|side| side.as_f64().unwrap()).collect();
    assert!(face[0] > 280.0 && face[0] + face[2] < 520.0, "{face:?}");
    assert!(lines[1]["label"].is_null() && lines[1]["probabilities"].as_object().unwrap().is_empty());
}
