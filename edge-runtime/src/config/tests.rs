#![allow(clippy::unwrap_used)]

use super::*;
use crate::lights::{LampWiring, LightColour, LightsBackend};
use crate::track::WhichFaces;
use emotion_models::{Colour as InputColour, InputSpec, ModelCard, PixelMap, Precision, Task};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

fn card(labels: &[&str]) -> ModelCard {
    ModelCard {
        name: "test".to_owned(),
        task: Task::Emotion,
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        input: InputSpec { width: 64, height: 64, colour: InputColour::Grey, pixel_map: PixelMap::SIGNED },
        crop_margin: 0.0,
        limits: Default::default(),
        temperature: 1.0,
        thresholds: vec![0.55; labels.len()],
        precision: Precision::F32,
        training_data: String::new(),
        data_fingerprint: String::new(),
        metrics: BTreeMap::new(),
    }
}

const MOODS: [&str; 3] = ["angry", "happy", "sad"];

fn parse(text: &str) -> Result<(Config, Keys), ConfigError> {
    Config::parse(text, Path::new("c.toml"))
}

/// What is said about a file that is refused, for the moods of the default wiring.
fn refusal(text: &str) -> String {
    let origin = Origin::File("c.toml".into());
    let refused = parse(text).and_then(|(config, keys)| resolve(&config, &card(&MOODS), &origin, &keys));
    refused.unwrap_err().to_string()
}

#[test]
fn an_empty_file_is_the_defaults() {
    assert_eq!(parse("").unwrap().0, Config::default());
    assert_eq!(parse("[filter]\n[lights]\n").unwrap().0, Config::default());
}

#[test]
fn unknown_keys_are_refused_with_file_line_and_what_is_allowed() {
    for (text, place, allowed) in [
        ("fps = 10\nsauce = \"auto\"\n", "c.toml:2: `sauce`", "`source`"),
        ("\n\n[filter]\nholdd = 1\n", "c.toml:4: `filter.holdd`", "`hold`"),
        ("[lights]\ncamera = { pin = 3, colour = \"red\" }\n", "c.toml:2: `lights.camera.colour`", "`light`"),
        ("[lights.moods]\n# one\nsad = { pn = 3, light = \"red\" }\n", "c.toml:3: `lights.moods.sad.pn`", "`pin`"),
    ] {
        let message = refusal(text);
        assert!(message.starts_with(place) && message.contains("unknown key"), "{message}");
        assert!(message.contains(allowed), "{message}");
    }
    assert!(refusal("sauce = 1\n").contains("did you mean `source`? allowed are"));
    assert!(refusal("[filter]\nholdd = 1\n").contains("did you mean `hold`?"));
    assert!(!refusal("zzz = 1\n").contains("did you mean"));
}

#[test]
fn impossible_values_are_refused_with_line_and_what_is_allowed() {
    for (text, place, allowed) in [
        ("fps = 0\n", "c.toml:1: `fps`", "takes a number from 0.1 to 1000, not 0"),
        ("fps = nan\n", "c.toml:1: `fps`", "from 0.1 to 1000"),
        ("fps = \"fast\"\n", "c.toml:1: `fps`", "takes a number from 0.1 to 1000, not \"fast\""),
        ("fps = 99999999999999999999\n", "c.toml:1: `fps`", "not 99999999999999999999"),
        ("[camera]\nwidth = 0\n", "c.toml:2: `camera.width`", "a whole number of pixels from 32 to 8192, not 0"),
        ("[camera]\nheight = 480.5\n", "c.toml:2: `camera.height`", "a whole number of pixels from 32 to 8192"),
        ("[camera]\nfps = 3\n", "c.toml:2: `camera.fps`", "allowed are `width` or `height`"),
        ("model = 3\n", "c.toml:1: `model`", "takes a string, not 3"),
        ("filter = 3\n", "c.toml:1: `filter`", "takes a table, not 3"),
        ("filter = [0.3]\n", "c.toml:1: `filter`", "takes no array"),
        ("[[filter]]\nhold = 1\n", "c.toml:1: `filter`", "takes no array"),
        ("[filter]\nenter = 0.5\n", "c.toml:2: `filter.enter`", "takes a table, not 0.5"),
        ("[filter]\nleave_margin = -0.1\n", "c.toml:2: `filter.leave_margin`", "from 0 to 1, not -0.1"),
        ("[filter]\nhold.x = 1\n", "c.toml:2: `filter.hold`", "from 0 to 1.5, not a table"),
        ("[lights]\nactive_low = \"yes\"\n", "c.toml:2: `lights.active_low`", "takes true or false, not \"yes\""),
        ("[lights]\nbackend = 3\n", "c.toml:2: `lights.backend`", "`terminal`, `none`, not 3"),
        ("[lights.camera]\npin = 3\n", "c.toml:1: `lights.camera`", "lacks `light`"),
        ("[lights.camera]\nlight = 3\n", "c.toml:2: `lights.camera.light`", "`magenta`, `white`, not 3"),
        (
            "[lights.camera]\nlight = \"red\"\npin = \"a\"\n",
            "c.toml:3: `lights.camera.pin`",
            "a BCM number from 0 to 27",
        ),
        ("source = \"webcam\"\n", "c.toml:1: `source`", "test-card"),
        ("[filter]\nhold = 2.5\n", "c.toml:2: `filter.hold`", "from 0 to 1.5"),
        ("[filter]\nsmoothing = -1\n", "c.toml:2: `filter.smoothing`", "from 0 to 60"),
        ("[filter.enter]\nsad = 0\n", "c.toml:2: `filter.enter.sad`", "above 0"),
        ("[filter.leave]\nsad = 0.9\n", "c.toml:2: `filter.leave.sad`", "at most the enter threshold, 0.55, not 0.9"),
        ("[filter.enter]\nbored = 0.9\n", "c.toml:2: `filter.enter.bored`", "angry, happy, sad"),
        ("[lights]\nbackend = \"neon\"\n", "c.toml:2: `lights.backend`", "terminal"),
        ("[lights.moods]\nsad = { pin = 28, light = \"red\" }\n", "c.toml:2: `lights.moods.sad.pin`", "from 0 to 27"),
        ("[lights.moods]\nsad = { pin = 2, light = \"pink\" }\n", "c.toml:2: `lights.moods.sad.light`", "magenta"),
        ("[lights.moods]\nbored = { pin = 2, light = \"red\" }\n", "c.toml:2: `lights.moods.bored`", "no mood `bored`"),
        ("[lights.camera]\nlight = \"red\"\npin = 17\n", "c.toml:3: `lights.camera.pin`", "`angry` and `camera`"),
    ] {
        let message = refusal(text);
        assert!(message.starts_with(place), "{place}: {message}");
        assert!(message.contains(allowed), "{allowed}: {message}");
    }
}

#[test]
fn a_pin_twice_names_both_lights() {
    let message = refusal(
        "[lights.moods]\nangry = { pin = 5, light = \"red\" }\nhappy = { pin = 6, light = \"green\" }\n\
         sad = { pin = 5, light = \"blue\" }\n",
    );
    assert!(message.starts_with("c.toml:4: `lights.moods.sad.pin`: pin 5"), "{message}");
    assert!(message.contains("`angry` and `sad`"), "{message}");
}

#[test]
fn what_is_no_toml_is_refused_with_the_line() {
    for (text, place, says) in [
        ("fps = 3\nsource = \n", "c.toml:2: not TOML: ", "a value is missing"),
        ("source = test-card\n", "c.toml:1: not TOML: ", "lacks its quotes"),
        ("fps 3\n", "c.toml:1: not TOML: ", "expected `=`"),
        ("[filter\n", "c.toml:1: not TOML: ", "expected `]`"),
        ("fps = 3\n\nfps = 4\n", "c.toml:3: ", "`fps` is there twice"),
        ("[filter]\n[lights]\n[filter]\n", "c.toml:3: ", "`filter` is there twice"),
    ] {
        let message = refusal(text);
        assert!(message.starts_with(place) && message.contains(says), "{place} {says}: {message}");
    }
}

#[test]
fn what_is_no_text_is_refused_with_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    std::fs::write(&path, b"fps = 3\nsource = \"\xff\"\n").unwrap();
    let message = Config::read(&path).unwrap_err().to_string();
    assert!(message.contains("c.toml:2: ") && message.contains("UTF-8"), "{message}");
}

#[test]
fn paths_count_from_the_files_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    std::fs::write(&path, "source = \"images:pics\"\nmodel = \"m.onnx\"\nface_model = \"~/f.onnx\"\n").unwrap();
    let (config, _) = Config::read(&path).unwrap();
    assert_eq!(config.source().to_string(), format!("images:{}", folder.path().join("pics").display()));
    assert_eq!(config.model.unwrap(), folder.path().join("m.onnx"));
    assert!(!config.face_model.unwrap().starts_with(folder.path()));
}

#[test]
fn labels_that_a_mac_wrote_decomposed_are_those_of_the_model() {
    let text = "[filter.enter]\n\"glu\u{308}cklich\" = 0.7\n[lights.moods]\n\"glu\u{308}cklich\" = { pin = 4, light = \"white\" }\n";
    let (config, keys) = parse(text).unwrap();
    let resolved = resolve(&config, &card(&["gl\u{fc}cklich", "sad"]), &Origin::Defaults, &keys).unwrap();
    assert_eq!((resolved.wiring.moods[0].pin, resolved.filter.enter(0)), (Some(4), 0.7));
}

#[test]
fn a_model_of_other_moods_gets_lights_without_pins() {
    let card = card(&["cat", "happy"]);
    let resolved = resolve(&Config::default(), &card, &Origin::Defaults, &Keys::default()).unwrap();
    let [cat, happy] = &resolved.wiring.moods[..] else { panic!("two moods") };
    assert_eq!((cat.pin, cat.colour), (None, LightColour::Red));
    assert_eq!((happy.pin, happy.colour), (Some(27), LightColour::Green));
    assert!(resolved.unwired.is_empty());
    let (config, keys) = parse("[lights.moods]\nhappy = { pin = 4, light = \"white\" }\n").unwrap();
    let resolved = resolve(&config, &card, &Origin::Defaults, &keys).unwrap();
    assert_eq!(resolved.unwired, ["cat"]);
}

#[test]
fn calm_faces_and_their_like_have_no_light_unless_one_is_configured() {
    let card = card(&["happy", "neutral"]);
    let resolved = resolve(&Config::default(), &card, &Origin::Defaults, &Keys::default()).unwrap();
    let [happy, calm] = &resolved.wiring.moods[..] else { panic!("two moods") };
    assert!(!happy.dark && calm.dark && calm.pin.is_none());
    let (config, keys) = parse("[lights.moods]\nhappy = { light = \"green\" }\n").unwrap();
    let resolved = resolve(&config, &card, &Origin::Defaults, &keys).unwrap();
    assert!(resolved.wiring.moods[1].dark && resolved.unwired.is_empty());
    let (config, keys) = parse("[lights.moods]\nneutral = { pin = 4, light = \"white\" }\n").unwrap();
    let resolved = resolve(&config, &card, &Origin::Defaults, &keys).unwrap();
    assert!(!resolved.wiring.moods[1].dark && resolved.wiring.moods[1].pin == Some(4));
}

#[test]
fn thresholds_come_from_the_card_unless_configured() {
    let (config, keys) =
        parse("[filter]\nleave_margin = 0.2\n[filter.enter]\nsad = 0.7\n[filter.leave]\nhappy = 0.5\n").unwrap();
    let filter = resolve(&config, &card(&MOODS), &Origin::Defaults, &keys).unwrap().filter;
    let close = |found: f32, expected: f32| (found - expected).abs() < 1e-6;
    assert!(close(filter.enter(0), 0.55) && close(filter.leave(0), 0.35));
    assert!(close(filter.enter(1), 0.55) && close(filter.leave(1), 0.5));
    assert!(close(filter.enter(2), 0.7) && close(filter.leave(2), 0.5));
}

/// Any configuration that the three moods allow.
fn any_config() -> impl Strategy<Value = Config> {
    let source = prop_oneof![
        Just("auto".to_owned()),
        Just("test-card".to_owned()),
        Just("rpicam".to_owned()),
        "v4l2:/dev/[a-z0-9 \"'\\\\/#]{1,12}",
        "images:[a-z \"'\\\\/#]{1,12}",
        (1u32..4000, 1u32..4000).prop_map(|(width, height)| format!("stdin:{width}x{height}:nv12")),
    ];
    let lamp = |pins: std::ops::Range<u8>| {
        let colour =
            prop::sample::select(vec![LightColour::Red, LightColour::Orange, LightColour::White, LightColour::Cyan]);
        (prop::option::of(pins), colour, any::<Option<bool>>()).prop_map(|(pin, light, active_low)| LampConfig {
            pin,
            light,
            active_low,
        })
    };
    let head =
        (source, prop::option::of("[a-zA-Z0-9_/. '\"\\\\]{1,20}"), 0.1f64..1000.0, prop::option::of(0.01f64..9e4));
    let filter = (0.0f64..60.0, 0.0f64..1.5, 0.0f32..1.0, prop::option::of(0.5f32..1.0), prop::option::of(0.0f32..0.5));
    let lights = (0usize..5, any::<bool>(), lamp(0..5), lamp(5..10), lamp(10..15), lamp(15..20));
    let camera = (32u32..=8192, 32u32..=8192);
    (head, camera, filter, lights).prop_map(
        |(head, (width, height), filter, (backend, active_low, camera, angry, happy, sad))| {
            let label =
                |label: &str, value: Option<f32>| value.map(|value| (label.to_owned(), value)).into_iter().collect();
            let moods = [angry, happy, sad];
            Config {
                source: Some(head.0.parse().unwrap()),
                precision: crate::precision::PrecisionChoice::F32,
                threads: std::num::NonZeroUsize::new(3).unwrap(),
                face_search: active_low,
                face_model: head.1.as_ref().map(|model| PathBuf::from(format!("face of {model}"))),
                faces: [WhichFaces::Largest, WhichFaces::Average, WhichFaces::All][backend % 3],
                model: head.1.map(PathBuf::from),
                fps: head.2,
                dwell: head.3.map(|dwell| dwell.min(86_400.0)),
                camera: CameraConfig { width, height },
                filter: FilterConfig {
                    smoothing: filter.0,
                    hold: filter.1,
                    leave_margin: filter.2,
                    enter: label("happy", filter.3),
                    leave: label("sad", filter.4),
                },
                lights: LightsConfig {
                    backend: [
                        LightsBackend::Auto,
                        LightsBackend::Gpiochip,
                        LightsBackend::Rppal,
                        LightsBackend::Terminal,
                        LightsBackend::None,
                    ][backend],
                    active_low,
                    camera,
                    moods: Some(MOODS.iter().map(|&name| name.to_owned()).zip(moods).collect()),
                },
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_the_same(config in any_config()) {
        let card = card(&MOODS);
        let resolved = resolve(&config, &card, &Origin::Defaults, &Keys::default()).unwrap();
        let text = write(&config, &resolved, &card, &Origin::Defaults);
        let (again, keys) = parse(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&again, &config, "{}", text);
        prop_assert_eq!(resolve(&again, &card, &Origin::Defaults, &keys).unwrap(), resolved);
    }
}

#[test]
fn the_wiring_picture_shows_the_default_wiring() {
    let picture = include_str!("../../../docs/wiring.svg");
    let described = picture.lines().find(|line| line.starts_with("<desc")).unwrap();
    let lamps = lamps(&LightsConfig::default());
    assert_eq!(lamps.len(), 4);
    for LampWiring { name, pin, colour, active_low, .. } in &lamps {
        let pin = pin.unwrap();
        assert!(
            picture.contains(&format!(">{name}</text>")) && picture.contains(&format!(">GPIO {pin}</text>")),
            "{name}"
        );
        let said = format!("(GPIO {pin}) to a {} LED for {name}", colour.name());
        let camera = format!("(GPIO {pin}) through 220 ohm to a {} LED for the {name}", colour.name());
        assert!(described.contains(&said) || described.contains(&camera), "{said}: {described}");
        assert!(!active_low, "the picture has every LED between pin and ground");
    }
    assert_eq!(picture.matches(">GPIO ").count(), lamps.len(), "no pin beside those");
}
