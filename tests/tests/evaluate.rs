//! `evaluate` of an emotion model over folders, votes, groups and perturbed pictures, with its page.
#![allow(clippy::unwrap_used)]

use emotion_models::TEST_CARD_LABELS;
use end_to_end_tests::{
    Faces, Finished, Session, draw_data, draw_faces, host_trainer, retouched, train_tiny, untrained,
};
use serde_json::Value;
use std::path::Path;
use std::sync::OnceLock;
use tempfile::TempDir;

/// A folder with pictures in `faces` and `mine.onnx`, a model of them; trained once for all tests of this file.
fn folder() -> &'static Path {
    static TRAINED: OnceLock<TempDir> = OnceLock::new();
    let trained = TRAINED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        draw_data(&at("faces"), 200);
        Session::run(train_tiny(&at("faces"), &at("run")).arg("--no-augment")).expect_code(0);
        Session::run(host_trainer().arg("export").arg(at("run")).arg("--out").arg(at("mine.onnx"))).expect_code(0);
        folder
    });
    trained.path()
}

/// `host-trainer evaluate` of the trained model, where its pictures are, without a row in its card.
fn evaluate(words: &str) -> Finished {
    let mut evaluate = host_trainer();
    evaluate.current_dir(folder()).args(["evaluate", "--model", "mine.onnx", "--no-face-search"]);
    Session::run(evaluate.arg("--no-record").args(words.split_whitespace()))
}

fn only_json(output: Finished) -> Value {
    serde_json::from_str(&output.expect_code(0).stdout).unwrap()
}

#[test]
fn several_folders_are_a_table_and_an_array() {
    let strangers = folder().join("several/strangers");
    draw_faces(&strangers.join("test"), &Faces { seeds: 50..54, frames: 1, side: 48 });
    std::fs::create_dir(strangers.join("test/bored")).unwrap();
    std::fs::copy(strangers.join("test/sad/50-0.png"), strangers.join("test/bored/1.png")).unwrap();

    let told = evaluate("--data faces --data several/strangers").expect_code(0).stdout;
    for line in ["faces: 24 pictures", "strangers: 12 pictures, 1 more bear labels that the model lacks"] {
        assert!(told.lines().any(|one| one == line), "{line}: {told}");
    }
    let (_, table) = told.split_once("\n\n").unwrap();
    let rows: Vec<Vec<&str>> = table.lines().take(3).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows[0],
        "data pictures accuracy macro F1 ECE rightly lit wrongly lit calm lit".split(' ').collect::<Vec<_>>()
    );
    assert_eq!((&rows[1][..2], &rows[2][..2]), (&["faces", "24"][..], &["strangers", "12"][..]));
    assert_eq!((rows[1].last(), rows[2].last()), (Some(&"-"), Some(&"-")), "no picture is calm");

    let array = only_json(evaluate("--data faces --data several/strangers --json"));
    let [faces, strangers] = &array.as_array().unwrap()[..] else { panic!("{array}") };
    assert_eq!((faces["count"].as_u64(), strangers["skipped"].as_u64()), (Some(24), Some(1)));
    for one in [faces, strangers] {
        let [low, high] = [0, 1].map(|end| one["bootstrap95"]["accuracy"][end].as_f64().unwrap());
        assert!(low <= one["accuracy"].as_f64().unwrap() && one["accuracy"].as_f64().unwrap() <= high, "{one}");
        assert!(one["rightly_lit"].as_f64().is_some_and(|share| share > 0.3) && one["calm_lit"].is_null(), "{one}");
    }
    let alone = only_json(evaluate("--data faces --json"));
    for (key, value) in alone.as_object().unwrap() {
        assert_eq!(faces[key], *value, "{key}");
    }
    assert!(alone.get("rightly_lit").is_none() && alone["per_class"].is_array());
    assert!(!evaluate("--data faces").expect_code(0).stdout.contains("lit"));

    // Each folder is a row in the model's card.
    let copy = folder().join("several/copy.onnx");
    std::fs::copy(folder().join("mine.onnx"), &copy).unwrap();
    std::fs::write(copy.with_extension("md"), "## Log of test evaluations\n").unwrap();
    let mut logged = host_trainer();
    logged.current_dir(folder()).args(["evaluate", "--no-face-search", "--model", "several/copy.onnx"]);
    Session::run(logged.args(["--data", "faces", "--data", "several/strangers"])).expect_code(0);
    let card = std::fs::read_to_string(copy.with_extension("md")).unwrap();
    assert!(card.contains(" | faces | 24 | ") && card.contains(" | strangers | 12 | "), "{card}");
}

#[test]
fn votes_and_other_names_say_what_a_picture_bears() {
    let folder = folder();
    let data = folder.join("voted");
    draw_faces(&data.join("test"), &Faces { seeds: 60..64, frames: 1, side: 48 });
    std::fs::rename(data.join("test/happy"), data.join("test/joy")).unwrap();
    // Four faces in joy: one that most people call sad, one without a majority, one of nothing; in angry one that most call calm.
    let votes = "file,gladness,sadness,calm,nothing\ntest/joy/60-0.png,1,3,0,0\ntest/joy/61-0.png,1,1,0,0\n\
                 test/joy/62-0.png,1,0,0,9\ntest/angry/60-0.png,0,1,5,0\n";
    std::fs::write(data.join("votes.csv"), votes).unwrap();
    let config = "[data.labelling.voted]\nnames = { joy = 'happy' }\nvotes = 'votes.csv'\nother_columns = ['nothing']\n\
                  columns = { gladness = 'happy', sadness = 'sad', calm = 'neutral' }\n";
    std::fs::write(folder.join("voted.toml"), config).unwrap();
    let found = only_json(evaluate("--data voted --config voted.toml --json"));
    assert_eq!((found["voted_out"].as_u64(), found["skipped"].as_u64()), (Some(2), Some(1)), "{found}");
    let supports: Vec<u64> =
        found["per_class"].as_array().unwrap().iter().map(|label| label["support"].as_u64().unwrap()).collect();
    assert_eq!(supports, [3, 1, 5], "angry, happy, sad");
    let told = evaluate("--data voted --config voted.toml").expect_code(0).stdout;
    let counts = "9 pictures, 1 more bear labels that the model lacks, people's votes leave 2 more out";
    assert!(told.contains(counts) && told.contains("macro average") && told.contains("rightly lit"), "{told}");
    let without = only_json(evaluate("--data voted --json"));
    assert_eq!((without["count"].as_u64(), without["skipped"].as_u64()), (Some(8), Some(4)));

    std::fs::write(data.join("votes.csv"), "file,gladness\n").unwrap();
    evaluate("--data voted --config voted.toml").expect_error(5, &["votes.csv", "no column calm"]);
    evaluate("--data faces --config voted.toml")
        .expect_error(3, &["voted.toml", "not faces", "[data.labelling.faces]"]);
    evaluate("--data faces --config missing.toml").expect_error(3, &["cannot read missing.toml"]);
}

#[test]
fn robustness_and_groups_are_told_and_a_page_shows_them() {
    let folder = folder();
    let mut groups = "file,side\n".to_owned();
    for seed in 0..8 {
        for label in TEST_CARD_LABELS {
            groups += &format!("test/{label}/{seed}-0.png,{}\n", if seed < 6 { "left" } else { "right" });
        }
    }
    std::fs::write(folder.join("groups.csv"), groups).unwrap();
    let words = "--data faces --robustness --slices groups.csv:side --report pages/deep/mine.html";
    let told = evaluate(words).expect_code(0).stdout;
    for word in ["as they are", "JPEG quality 15", "mean change of the first 7", "\nleft ", "\nright ", "page: pages"] {
        assert!(told.contains(word), "{word:?}: {told}");
    }
    let page = std::fs::read_to_string(folder.join("pages/deep/mine.html")).unwrap();
    for word in
        ["operating curve", "risk against coverage", "confidence and accuracy", "predicted", "By side", "48 pixels"]
    {
        assert!(page.contains(word), "the page lacks {word:?}");
    }
    assert!(page.contains("<image") && page.contains("moods wrongly lit"));
    for outside in ["src=\"http", "href=\"http", "<link", "@import"] {
        assert!(!page.contains(outside), "the page is not self-contained: {outside}");
    }

    let found = only_json(evaluate("--data faces --robustness --slices groups.csv:side --json"));
    let perturbed = found["robustness"]["perturbed"].as_array().unwrap();
    assert_eq!((perturbed.len(), &found["robustness"]["plain"]), (10, &found["accuracy"]));
    let drops: Vec<f64> = perturbed.iter().map(|one| one["drop"].as_f64().unwrap()).collect();
    let mean = drops[..7].iter().sum::<f64>() / 7.0;
    assert!((mean - found["robustness"]["mean_drop"].as_f64().unwrap()).abs() < 1e-9, "{found}");
    let slices = found["slices"].as_array().unwrap();
    let counts: Vec<_> =
        slices.iter().map(|slice| (slice["value"].as_str().unwrap(), slice["count"].as_u64().unwrap())).collect();
    assert_eq!(counts, [("left", 18), ("right", 6)]);
    assert_eq!(only_json(evaluate("--data faces --robustness --slices groups.csv:side --json")), found, "seeded");
}

#[test]
fn what_evaluate_cannot_use_is_named_with_what_to_do() {
    let folder = folder();
    std::fs::write(folder.join("others.csv"), "file,age\ntest/happy/elsewhere.png,9\n").unwrap();
    std::fs::create_dir_all(folder.join("empty")).unwrap();
    for (words, code, told) in [
        ("--report page.md", 2, &["--report page.md must end in .html"][..]),
        ("--slices others.csv", 2, &["--slices others.csv", "FILE.csv:COLUMN"]),
        ("--slices others.csv:sex", 2, &["others.csv", "no column sex (columns: file, age)"]),
        ("--slices missing.csv:age", 5, &["cannot read missing.csv"]),
        ("--slices others.csv:age", 5, &["others.csv", "lists none", "test/angry/0-0.png"]),
        ("--lights glad", 2, &["--lights glad", "angry, happy, sad"]),
        ("--data empty", 5, &["empty has no folder test/"]),
        ("--data faces/train", 5, &["faces/train has no folder test/"]),
    ] {
        evaluate(&format!("--data faces {words}")).expect_error(code, told);
    }
    assert!(!folder.join("page.md").exists());
}

#[test]
fn calm_faces_that_light_something_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("faces");
    draw_faces(&data.join("test"), &Faces { seeds: 0..4, frames: 1, side: 48 });
    std::fs::rename(data.join("test/sad"), data.join("test/neutral")).unwrap();
    // Its thresholds are so low that whatever it gives a label with a light is lit.
    let model = retouched(&untrained(), |card| {
        card.labels = ["angry", "happy", "neutral"].map(String::from).to_vec();
        card.thresholds = vec![0.01; 3];
    });
    std::fs::write(folder.path().join("calm.onnx"), model).unwrap();
    let mut evaluate = host_trainer();
    evaluate.current_dir(folder.path()).args(["evaluate", "--model", "calm.onnx", "--no-face-search", "--json"]);
    evaluate.args(["--data", "faces", "--report", "calm.html"]);
    let found = only_json(Session::run(&mut evaluate));
    let confusion: Vec<Vec<u64>> = serde_json::from_value(found["confusion"].clone()).unwrap();
    let share = |part: u64, of: u64| part as f64 / of as f64;
    assert_eq!(found["calm_lit"], share(confusion[2][0] + confusion[2][1], 4));
    assert_eq!(found["rightly_lit"], share(confusion[0][0] + confusion[1][1], 8));
    assert_eq!(found["wrongly_lit"], share(confusion[0][1] + confusion[1][0], 8));
    let page = std::fs::read_to_string(folder.path().join("calm.html")).unwrap();
    assert!(page.contains("calm faces lit") && page.contains("neutral"));
}
