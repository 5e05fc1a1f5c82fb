//! Documents that a stranger can read: their size, sentences, lines, links and words.
#![allow(clippy::unwrap_used)]

use end_to_end_tests::{Document, Fence, Session, documents_in, edge_runtime, host_trainer, root, without_code};
use host_trainer::emotion::colour::ColourName;
use host_trainer::emotion::dataset::Labelling;
use host_trainer::emotion::options::EmotionConfig;
use host_trainer::emotion::teacher::TeacherConfig;
use host_trainer::face::options::FaceConfig;
use host_trainer::nets::Architecture;
use host_trainer::run::config::{Config, Quantization};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// README, ARCHITECTURE, CHANGELOG and the documents of `docs/`.
fn documents() -> Vec<Document> {
    let above = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(Document::read);
    above.into_iter().chain(documents_in("docs").into_iter().map(Document::read)).collect()
}

fn cards() -> Vec<Document> {
    documents_in("models").into_iter().map(Document::read).collect()
}

fn notebooks() -> Vec<Document> {
    documents_in("docs/experiments").into_iter().map(Document::read).collect()
}

fn name(document: &Document) -> String {
    document.path.strip_prefix(root()).unwrap_or(&document.path).display().to_string()
}

#[test]
fn readme_and_cards_are_short() {
    let readme = Document::read("README.md").text.len();
    assert!(readme <= 9000, "README.md has {readme} bytes");
    for card in cards() {
        assert!(card.text.len() < 6000, "{} has {} bytes", name(&card), card.text.len());
    }
}

#[test]
fn no_sentence_is_long() {
    for document in documents() {
        let most = if document.path.ends_with("ARCHITECTURE.md") { 30 } else { 35 };
        for paragraph in document.paragraphs() {
            // A dot inside a number or a name ends no sentence.
            let ends = paragraph.replace(". ", ".\n").replace("? ", "?\n").replace("! ", "!\n");
            for sentence in ends.lines() {
                let words = sentence.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
                assert!(words <= most, "{}: {words} words: {sentence}", name(&document));
            }
        }
    }
}

#[test]
fn lines_fit_a_hundred_columns() {
    for document in documents().into_iter().chain(cards()).chain(notebooks()) {
        for (number, line) in document.lines() {
            let free = line.starts_with('|') || line.contains("](") || line.contains("SHA-256");
            assert!(free || line.chars().count() <= 100, "{}:{number} is too long", name(&document));
        }
    }
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_lead_somewhere() {
    let upstream = documents_in("docs/upstream").into_iter().map(Document::read);
    for document in documents().into_iter().chain(cards()).chain(notebooks()).chain(upstream) {
        for link in document.links().iter().filter(|link| !link.contains("://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { document.path.clone() } else { document.path.with_file_name(file) };
            assert!(target.exists(), "{}: {link} leads nowhere", name(&document));
            let there = || Document::read(&target).lines().any(|(_, line)| anchor(line) == heading);
            assert!(heading.is_empty() || there(), "{}: no heading for {link}", name(&document));
        }
    }
}

/// Words that this project once had for what has a standard term: see `docs/glossary.md`.
const PRIVATE: [&str; 17] = [
    "score needed",
    "by and large",
    "eight ways",
    "many ways",
    "false alarm",
    "from elsewhere",
    "arithmetic",
    "nearer look",
    "look back",
    "in a mirror",
    "mistakes",
    "settle",
    "looked at",
    "strange photo",
    "kept outside",
    "restless",
    "unrest",
];

fn hold_no_private_words(what: &str, text: &str) {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    for word in PRIVATE {
        assert!(!text.contains(word), "{what} says `{word}`: docs/glossary.md has the standard term");
    }
}

#[test]
fn documents_use_the_standard_terms() {
    let all = documents().into_iter().chain(cards()).chain(notebooks());
    for document in all.filter(|one| !one.path.ends_with("glossary.md")) {
        hold_no_private_words(&name(&document), &without_code(&document.text));
    }
}

/// The help of `program` and of each of its commands.
fn helps(program: fn() -> Command) -> Vec<(String, String)> {
    let help = |words: &[&str]| Session::run(program().args(words)).expect_code(0).stdout;
    let whole = help(&["--help"]);
    let listed = whole.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap().to_owned();
    let commands = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    let each = commands.filter(|command| *command != "help" && !command.starts_with('-'));
    let each: Vec<_> = each.map(|command| (command.to_owned(), help(&[command, "--help"]))).collect();
    each.into_iter().chain([("--help".to_owned(), whole)]).collect()
}

#[test]
fn helps_use_the_standard_terms() {
    for program in [edge_runtime, host_trainer] {
        for (command, text) in helps(program) {
            hold_no_private_words(&command, &text);
        }
    }
}

/// A flag that a document shows with one of our programs is one that the command has.
#[test]
fn flags_that_documents_show_are_there() {
    let known = [("edge-runtime", helps(edge_runtime)), ("host-trainer", helps(host_trainer))];
    let all = documents().into_iter().chain(cards()).filter(|one| !one.path.ends_with("CHANGELOG.md"));
    for document in all {
        let fenced = document.fences().into_iter().map(|fence| fence.lines.join("\n").replace("\\\n", " "));
        let fenced: Vec<String> = fenced.flat_map(|text| text.lines().map(String::from).collect::<Vec<_>>()).collect();
        for shown in document.code_spans().into_iter().chain(fenced) {
            let words: Vec<&str> = shown.split(" #").next().unwrap_or_default().split_whitespace().collect();
            let Some((_, helps)) = known.iter().find(|(program, _)| words.first() == Some(program)) else { continue };
            let text = |command: &str| helps.iter().find(|(name, _)| name == command).map(|(_, text)| text);
            let help = words.get(1).and_then(|command| text(command)).or_else(|| text("--help")).unwrap();
            for flag in words.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
                let there = help.split(|c: char| c.is_whitespace() || "[],".contains(c)).any(|word| word == *flag);
                assert!(there, "{}: `{shown}`: no {flag}", name(&document));
            }
        }
    }
}

/// Every key and table that a configuration file of `train` may have.
fn training_keys() -> BTreeSet<String> {
    let mut emotion = Config::of_arch(Architecture::Compact);
    emotion.run.quantize = Some(Quantization::default());
    // What a file leaves out unless it is set.
    let labelling = Labelling { votes: Some("votes.csv".into()), ..Labelling::default() };
    emotion.task.data.labelling.insert("NAME".into(), labelling);
    emotion.task.teachers.push(TeacherConfig {
        model: Some("teacher.onnx".into()),
        answers: Some("answers.csv".into()),
        columns: [("joy".into(), "happy".into())].into(),
        labels: vec!["happy".into()],
        size: Some(64),
        colour: Some(ColourName::Grey),
        offset: Some(0.0),
        scale: Some(1.0),
        logits: true,
        sha256: Some("0".into()),
    });
    let files = [
        emotion.to_toml().unwrap(),
        Config::of_arch(Architecture::Lenet).to_toml().unwrap(),
        Config::<FaceConfig>::default().to_toml().unwrap(),
    ];
    let key = |line: &str| match line.strip_prefix('[') {
        Some(table) => table.trim_end_matches(']').rsplit(['.', '[']).next().map(str::to_owned),
        None => line.split_once(" = ").map(|(key, _)| key.to_owned()),
    };
    files.iter().flat_map(|file| file.lines().filter_map(key)).collect()
}

/// Every key of a training run's configuration stands as code in the document of its task.
#[test]
fn documents_explain_every_key_of_a_training_run() {
    let mut words = BTreeSet::new();
    for document in ["docs/training.md", "docs/face-locator.md"].map(Document::read) {
        let code = document.code_spans().join(" ");
        words.extend(code.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned));
    }
    let keys = training_keys();
    for one in ["epochs", "label_smoothing", "sha256", "votes", "copy_paste"] {
        assert!(keys.contains(one), "{one} is no key: {keys:?}");
    }
    let unexplained: Vec<_> = keys.difference(&words).collect();
    assert!(unexplained.is_empty(), "neither docs/training.md nor docs/face-locator.md explains {unexplained:?}");
}

/// A part of a training run's configuration that a document shows is taken.
#[test]
fn training_configurations_that_documents_show_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let fences = Document::read("docs/training.md").fences();
    // A recipe is a file of another kind.
    let configures = |fence: &&Fence| {
        fence.lines.iter().any(|line| line.starts_with('[')) && !fence.lines.iter().any(|line| line == "[[step]]")
    };
    let shown: Vec<_> = fences.iter().filter(configures).collect();
    assert!(!shown.is_empty(), "docs/training.md shows no configuration");
    for fence in shown {
        std::fs::write(&file, fence.lines.join("\n")).unwrap();
        Config::<EmotionConfig>::read(&file).unwrap();
    }
}

/// The tables of modules name every module of the three crates.
#[test]
fn architecture_names_every_module() {
    let code = Document::read("ARCHITECTURE.md").code_spans().join(" ");
    let words: BTreeSet<&str> = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for package in ["models", "edge-runtime", "host-trainer"] {
        let text = std::fs::read_to_string(root().join(package).join("src/lib.rs")).unwrap();
        for line in text.lines() {
            let module = line.trim_start_matches("pub ").strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';'));
            assert!(module.is_none_or(|module| words.contains(module)), "ARCHITECTURE.md leaves out {package}: {line}");
        }
    }
}

/// A script that a document shows is there.
#[test]
fn scripts_that_documents_show_are_there() {
    for document in documents().into_iter().chain(cards()).chain(notebooks()) {
        for span in document.code_spans() {
            let first = span.split_whitespace().next().unwrap_or_default();
            let path = first.starts_with("tests/") || first.starts_with(".ci/") || first.starts_with("cross/");
            assert!(!path || root().join(Path::new(first)).exists(), "{}: no {first}", name(&document));
        }
    }
}

/// Whether a code span is a path in one of the crates.
fn is_source(span: &str) -> bool {
    ["models/src", "edge-runtime/", "host-trainer/src"].iter().any(|start| span.starts_with(start))
}

/// Files of the crates that a document names are there, and hold the names that follow them: `FILE`: `TYPE::FUNCTION`.
#[test]
fn code_that_documents_name_is_there() {
    for document in ["ARCHITECTURE.md", "docs/glossary.md", "docs/security.md"].map(Document::read) {
        for (number, line) in document.lines() {
            let mut source = None;
            for span in line.split('`').skip(1).step_by(2) {
                let place = format!("{}:{number}: {span}", name(&document));
                if is_source(span) {
                    assert!(root().join(span).exists(), "{place} is not there");
                    source = std::fs::read_to_string(root().join(span)).ok();
                } else if let Some(text) = &source
                    && span.chars().all(|c| c.is_alphanumeric() || "_:".contains(c))
                {
                    let last = span.rsplit("::").next().unwrap();
                    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
                    assert!(words.any(|word| word == last), "{place} is not in that file");
                }
            }
        }
    }
}
