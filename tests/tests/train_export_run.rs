//! The whole path: drawn faces, a small training run, export, and the runtime that lights the right lights.
#![allow(clippy::unwrap_used)]

use edge_runtime::config::{Config, Keys, Origin, resolve};
use edge_runtime::event::Event;
use edge_runtime::frame::{Clock, Frame};
use edge_runtime::lights::{Lights, Memory};
use edge_runtime::mailbox::Stop;
use edge_runtime::mood::MoodAggregator;
use edge_runtime::pipeline::{self, Observer, Pipeline, RunPlan};
use edge_runtime::source::{CameraRequest, Playback, SourceSpec, start};
use edge_runtime::track::{CentredSquare, WhichFaces};
use emotion_models::{Classifier, CropBox, FrameView, PixelFormat, TEST_CARD_LABELS, TestCard};
use end_to_end_tests::{
    Faces, Finished, Session, draw_data, draw_faces, edge_runtime, example, host_trainer, train_tiny,
};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

/// Persons of the run that are shown to the runtime: a reserved range that training never sees.
const PERSONS: u64 = 20;
const FPS: f64 = 10.0;

/// What a user has after `draw`, `train` and `export`.
struct Trained {
    folder: TempDir,
}

impl Trained {
    fn data(&self) -> PathBuf {
        self.folder.path().join("faces")
    }

    fn run(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    fn model(&self) -> PathBuf {
        self.folder.path().join("mine.onnx")
    }

    /// Pictures for the runtime: a folder a label, so that their order is angry, happy, sad.
    fn show(&self) -> PathBuf {
        self.folder.path().join("show")
    }
}

/// Trains once for all tests of this file.
fn trained() -> &'static Trained {
    static TRAINED: OnceLock<Trained> = OnceLock::new();
    TRAINED.get_or_init(|| {
        let trained = Trained { folder: tempfile::tempdir().unwrap() };
        draw_data(&trained.data(), 400);
        Session::run(train_tiny(&trained.data(), &trained.run()).arg("--no-augment")).expect_code(0);
        let mut export = host_trainer();
        export.arg("export").arg(trained.run()).arg("--out").arg(trained.model());
        Session::run(&mut export).expect_code(0);
        draw_faces(&trained.show(), &Faces { seeds: 100..100 + PERSONS, frames: 1, side: 96 });
        trained
    })
}

/// Checks moods by frame number against the order in which the pictures come: in the second half of each label's
/// pictures, when the former mood's hold time is over, at least four of five light the right light.
#[track_caller]
fn assert_right_moods(moods: &[Option<String>]) {
    let block = PERSONS as usize;
    assert_eq!(moods.len(), block * TEST_CARD_LABELS.len());
    for (label, shown) in TEST_CARD_LABELS.iter().zip(moods.chunks(block)) {
        let settled = &shown[block / 2..];
        let right = settled.iter().filter(|mood| mood.as_deref() == Some(label)).count();
        assert!(right * 5 >= settled.len() * 4, "while {label} was shown: {shown:?}");
    }
}

#[test]
fn a_run_folder_holds_what_is_worth_looking_at() {
    let run = trained().run();
    for name in ["config.toml", "history.csv", "curves.svg", "confusion.svg", "report.txt", "report.html"] {
        assert!(std::fs::metadata(run.join(name)).is_ok_and(|file| file.len() > 0), "{name} is missing or empty");
    }
    let report = std::fs::read_to_string(run.join("report.html")).unwrap();
    for outside in ["src=\"http", "href=\"http", "<link", "@import"] {
        assert!(!report.contains(outside), "report.html is not self-contained: {outside}");
    }
    let card = std::fs::read_to_string(trained().model().with_extension("md")).unwrap();
    for word in ["angry", "happy", "sad", "host-trainer train", "host-trainer export"] {
        assert!(card.contains(word), "the model's card lacks {word:?}:\n{card}");
    }
    assert!(card.len() < 6000, "a card is read at one sitting: {} bytes", card.len());
}

#[test]
fn training_begins_where_an_exported_model_was() {
    let trained = trained();
    let run = trained.folder.path().join("further");
    let mut train = train_tiny(&trained.data(), &run);
    train.args(["--no-augment", "--epochs", "1", "--learning-rate", "1e-9", "--init"]).arg(trained.model());
    let told = Session::run(&mut train).expect_code(0).stdout;
    assert!(told.contains("randomly initialised: nothing"), "{told}");
    let (_, start) = told.split_once("before the first epoch: val loss ").unwrap();
    let start: f64 = start.split(' ').next().unwrap().parse().unwrap();
    let [before, after] = [trained.run(), run].map(|run| validation_losses(&run).into_iter().fold(f64::MAX, f64::min));
    assert!((start - before).abs() < 0.02, "it begins with a loss of {start}, the model ended with {before}");
    assert!((after - before).abs() < 0.1, "an epoch of next to no learning makes it {after}");
}

#[test]
fn a_layer_that_tells_other_labels_apart_starts_anew() {
    let trained = trained();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("faces");
    draw_faces(&data.join("train"), &Faces { seeds: 200..210, frames: 1, side: 48 });
    std::fs::rename(data.join("train/angry"), data.join("train/zornig")).unwrap();
    for (number, from) in [trained.model(), trained.run()].into_iter().enumerate() {
        let mut train = train_tiny(&data, &folder.path().join(format!("{number}")));
        train.args(["--epochs", "1", "--init"]).arg(from);
        let told = Session::run(&mut train).expect_code(0).stdout;
        let fresh = told.lines().find(|line| line.starts_with("randomly initialised: ")).unwrap();
        assert!(fresh.ends_with("; its labels are angry, happy, sad, not happy, sad, zornig"), "{told}");
        assert!(!fresh.contains("nothing") && !fresh.contains("conv"), "{told}");
    }
}

/// The loss on validation by epoch.
fn validation_losses(run: &Path) -> Vec<f64> {
    let history = std::fs::read_to_string(run.join("history.csv")).unwrap();
    let mut lines = history.lines();
    let column = lines.next().unwrap().split(',').position(|name| name == "val_loss").unwrap();
    lines.map(|line| line.split(',').nth(column).unwrap().parse().unwrap()).collect()
}

#[test]
fn evaluate_scores_what_the_device_runs() {
    let trained = trained();
    let mut evaluate = host_trainer();
    evaluate
        .args(["evaluate", "--json", "--no-face-search", "--model"])
        .arg(trained.model())
        .arg("--data")
        .arg(trained.data());
    let output = Session::run(&mut evaluate).expect_code(0);
    let scores: Value = serde_json::from_str(&output.stdout).unwrap();
    let accuracy = find(&scores, "accuracy").and_then(Value::as_f64).unwrap();
    assert!(accuracy >= 0.8, "{scores:#}");

    // The same pictures through the library, as the runtime does it.
    let mut classifier = Classifier::from_file(&trained.model()).unwrap();
    let (mut right, mut count) = (0, 0);
    for label in TEST_CARD_LABELS {
        for entry in std::fs::read_dir(trained.data().join("test").join(label)).unwrap() {
            let picture = image::open(entry.unwrap().path()).unwrap().into_rgb8();
            let (width, height) = picture.dimensions();
            let frame = FrameView::new(PixelFormat::Rgb, width, height, picture.as_raw()).unwrap();
            let probabilities = classifier.classify(&frame, CropBox::centred_square(width, height)).unwrap();
            right += usize::from(classifier.card().labels[probabilities.top().0] == label);
            count += 1;
        }
    }
    assert!((accuracy - right as f64 / count as f64).abs() < 1e-6, "{accuracy}, counted {right} of {count}");
}

/// The first value of `key`, however deep it lies.
fn find<'a>(json: &'a Value, key: &str) -> Option<&'a Value> {
    match json {
        Value::Object(map) => map.get(key).or_else(|| map.values().find_map(|value| find(value, key))),
        Value::Array(list) => list.iter().find_map(|value| find(value, key)),
        _ => None,
    }
}

#[test]
fn the_runtime_lights_each_mood() {
    let trained = trained();
    let mut runtime = edge_runtime();
    runtime.arg("--model").arg(trained.model()).args(["--every-frame", "--json", "--fps", &FPS.to_string()]);
    runtime.arg("--source").arg(format!("images:{}", trained.show().display()));
    let output = Session::run(&mut runtime).expect_code(0);
    let events: Vec<Value> = output.json_lines().into_iter().filter(|event| event["frame"].is_u64()).collect();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["frame"], number, "every frame, in order: {event}");
        assert_eq!(event["time"].as_f64().unwrap(), number as f64 / FPS, "time follows the frame number: {event}");
        let sum: f64 = event["probabilities"].as_object().unwrap().values().map(|p| p.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-3, "{event}");
        assert_eq!(event["state"] == "mood", event["mood"].is_string(), "{event}");
    }
    let moods: Vec<_> = events.iter().map(|event| event["mood"].as_str().map(String::from)).collect();
    assert_right_moods(&moods);

    let again = Session::run(&mut runtime).expect_code(0);
    let timeless = |events: Vec<Value>| -> Vec<Value> {
        events.into_iter().map(|event| json!([event["frame"], event["mood"], event["smoothed"]])).collect()
    };
    assert_eq!(timeless(again.json_lines()), timeless(output.json_lines()), "the same pictures, the same lights");
}

/// Looks at the lights after each frame.
struct Watcher {
    memory: Memory,
    lit: Vec<Vec<String>>,
}

impl Observer for Watcher {
    fn event(&mut self, _: &Event, _: Option<(&Frame, Option<CropBox>)>) {
        self.lit.push(self.memory.lit());
    }
}

#[test]
fn the_library_drives_one_pin_a_mood() {
    let trained = trained();
    let classifier = Classifier::from_file(&trained.model()).unwrap();
    let defaults = resolve(&Config::default(), classifier.card(), &Origin::Defaults, &Keys::default()).unwrap();
    let memory = Memory::new(&defaults.wiring);
    let mut pipeline = Pipeline {
        locator: Box::new(CentredSquare::default()),
        moods: MoodAggregator::new(defaults.filter, WhichFaces::Largest),
        lights: Lights::open(&defaults.wiring, |lamp| Ok::<_, Infallible>(memory.pin(lamp))).unwrap(),
        classifier,
    };
    let (clock, stop) = (Clock::start(), Stop::default());
    let playback = Playback {
        fps: FPS,
        every_frame: true,
        repeat: false,
        dwell: None,
        wait: false,
        camera: CameraRequest::default(),
    };
    let capture = start(SourceSpec::Images(trained.show()), playback, clock, &stop);
    let period = Duration::from_secs_f64(1.0 / FPS);
    let plan =
        RunPlan { clock, stop, frames: None, every_frame: true, period, camera: false, hung: pipeline::HANG_TIMEOUT };
    let mut watcher = Watcher { memory: memory.clone(), lit: vec![] };
    pipeline::run(&mut pipeline, &capture, &plan, &mut watcher).result.unwrap();

    let mut moods = vec![];
    for lit in watcher.lit {
        assert_eq!(lit.last().map(String::as_str), Some("camera"), "the camera light is on while frames come: {lit:?}");
        assert!(lit.len() <= 2, "never two moods at once: {lit:?}");
        moods.push((lit.len() == 2).then(|| lit[0].clone()));
    }
    assert_right_moods(&moods);
    assert_eq!(memory.lit(), [""; 0], "all is dark after the end");
}

#[test]
fn raw_frames_on_standard_input_light_what_pictures_of_them_light() {
    let trained = trained();
    let folder = trained.folder.path().join("film");
    std::fs::create_dir(&folder).unwrap();
    let mut bytes = vec![];
    for frame in 0..30 {
        let picture = TestCard::new(123).draw(TEST_CARD_LABELS[frame / 10], frame as u64, 96, 72);
        picture.save(folder.join(format!("{frame:02}.png"))).unwrap();
        bytes.extend(picture.into_raw());
    }
    let runtime = |source: &str| {
        let mut runtime = edge_runtime();
        runtime.arg("--model").arg(trained.model()).args(["--source", source, "--every-frame", "--json"]);
        runtime
    };
    let frames = |output: Finished| -> Vec<Value> {
        let events = output.expect_code(0).json_lines().into_iter().filter(|event| event["frame"].is_u64());
        events.map(|event| json!([event["frame"], event["time"], event["mood"], event["smoothed"]])).collect()
    };
    let pictures = frames(Session::run(&mut runtime(&format!("images:{}", folder.display()))));
    let pipe = frames(Session::feed(&mut runtime("stdin:96x72:rgb"), &bytes));
    assert_eq!(pipe.len(), 30);
    assert_eq!(pipe, pictures);
}

#[test]
fn classify_and_predict_say_the_same() {
    let trained = trained();
    let mut pictures: Vec<PathBuf> =
        TEST_CARD_LABELS.iter().map(|label| trained.show().join(label).join("100-0.png")).collect();
    // A crop that is no square is judged as a whole, as in training.
    let wide = trained.folder.path().join("wide.png");
    image::open(&pictures[0]).unwrap().resize_exact(90, 40, image::imageops::FilterType::Nearest).save(&wide).unwrap();
    pictures.push(wide);
    let mut classify = edge_runtime();
    classify.args(["classify", "--json", "--no-face-search", "--model"]).arg(trained.model()).args(&pictures);
    let on_the_edge = Session::run(&mut classify).expect_code(0);
    let mut predict = host_trainer();
    predict.args(["predict", "--json", "--no-face-search", "--model"]).arg(trained.model()).args(&pictures);
    let on_the_host = Session::run(&mut predict).expect_code(0);
    let (edge, host) = (probabilities(&on_the_edge.stdout), probabilities(&on_the_host.stdout));
    assert_eq!(edge.len(), pictures.len());
    assert_eq!(host.len(), pictures.len());
    for (edge, host) in edge.iter().zip(&host) {
        for label in TEST_CARD_LABELS {
            let difference = edge[label].as_f64().unwrap() - host[label].as_f64().unwrap();
            assert!(difference.abs() < 1e-3, "{edge} {host}");
        }
    }
}

/// The `probabilities` objects of JSON that is one value a line, or one array.
fn probabilities(output: &str) -> Vec<Value> {
    let values = serde_json::Deserializer::from_str(output).into_iter::<Value>().map(Result::unwrap);
    let flat = values.flat_map(|value| match value {
        Value::Array(list) => list,
        other => vec![other],
    });
    flat.map(|value| value["probabilities"].clone()).collect()
}

#[test]
fn the_tensors_example_answers_as_the_model_does() {
    let trained = trained();
    let out = trained.folder.path().join("tensors");
    let picture = trained.show().join("happy/100-0.png");
    Session::run(example("tensors").arg(trained.model()).arg(&out).arg(&picture)).expect_code(0);
    let answers: Value = serde_json::from_slice(&std::fs::read(out.join("answers.json")).unwrap()).unwrap();
    let card = Classifier::from_file(&trained.model()).unwrap().card().clone();
    let shape: Vec<u64> = answers["shape"].as_array().unwrap().iter().map(|side| side.as_u64().unwrap()).collect();
    assert_eq!(shape, [1, 1, u64::from(card.input.height), u64::from(card.input.width)]);
    assert_eq!(bytes_in(&out.join("input.f32")), 4 * shape.iter().product::<u64>());
    assert_eq!(answers["answers"][0].as_array().unwrap().len(), card.labels.len());
}

fn bytes_in(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}
