//! The effective configuration as a commented file that reads back the same.

use super::{CAMERA_SIDE, Config, DWELL, FPS, HOLD, LampConfig, Origin, Resolved, SMOOTHING, THREADS};
use crate::lights::board::HIGHEST_PIN;
use crate::lights::{Colour, LightsBackend};
use emotion_models::ModelCard;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Writes `config`, as it holds for the model of `card`, as TOML with comments. [`Config::parse`] reads the same
/// configuration back, with the lights of the model's moods spelled out.
pub fn write(config: &Config, resolved: &Resolved, card: &ModelCard, origin: &Origin) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = compose(&mut text, config, resolved, card, origin);
    text
}

fn compose(
    out: &mut String,
    config: &Config,
    resolved: &Resolved,
    card: &ModelCard,
    origin: &Origin,
) -> std::fmt::Result {
    let origin = match origin {
        Origin::Defaults => "built-in defaults and the command line".to_owned(),
        Origin::File(path) => format!("{} and the command line", path.display()),
    };
    writeln!(out, "# Moodlight's configuration, as it holds now: {}.", one_line(&origin))?;
    writeln!(
        out,
        "# Put it into ~/.config/moodlight/config.toml or /etc/moodlight/config.toml, or name it with --config."
    )?;
    writeln!(
        out,
        "\n# Where frames come from: auto (the first camera), v4l2:DEVICE such as v4l2:/dev/video0, rpicam (a camera"
    )?;
    writeln!(
        out,
        "# module), test-card, test-card:scene, images:DIR or images:FILE, stdin:WIDTHxHEIGHT:FORMAT with yuyv, nv12,"
    )?;
    writeln!(out, "# i420, grey or rgb.")?;
    writeln!(out, "source = {}", text(&config.source.to_string()))?;
    writeln!(
        out,
        "\n# The model's file; relative paths count from this file's folder. Without it the model inside the"
    )?;
    writeln!(out, "# program.")?;
    match &config.model {
        Some(path) => writeln!(out, "model = {}", text(&path.display().to_string()))?,
        None => writeln!(out, "# model = \"emotion.onnx\"")?,
    }
    writeln!(out, "\n# Whether frames are searched for faces; without, the middle of the frame is taken for one.")?;
    writeln!(out, "face_search = {}", config.face_search)?;
    writeln!(out, "\n# The face model's file, which finds them. Without it the one inside the program.")?;
    match &config.face_model {
        Some(path) => writeln!(out, "face_model = {}", text(&path.display().to_string()))?,
        None => writeln!(out, "# face_model = \"face.onnx\"")?,
    }
    writeln!(
        out,
        "\n# Whose mood the lights show, of up to six faces that are followed: largest (the largest face near the middle), average"
    )?;
    writeln!(out, "# (the mean of all), or all (every mood that somebody shows).")?;
    writeln!(out, "faces = \"{}\"", config.faces)?;
    writeln!(
        out,
        "\n# The arithmetic that the model runs in: auto (the faster one here, found when it first runs), f32, or int8 for"
    )?;
    writeln!(out, "# a quantised model.")?;
    writeln!(out, "precision = \"{}\"", config.precision)?;
    writeln!(
        out,
        "\n# Threads that the model runs on, 1 to {THREADS}. More help where a picture takes milliseconds; see `bench`."
    )?;
    writeln!(out, "threads = {}", config.threads)?;
    writeln!(out, "\n# Frames a second, {} to {}.", FPS.0, FPS.1)?;
    writeln!(out, "fps = {:?}", config.fps)?;
    writeln!(
        out,
        "\n# Seconds each picture, and each mood of the test card, is shown, {} to {}. Without it 2.5;",
        DWELL.0, DWELL.1
    )?;
    writeln!(out, "# with --every-frame one frame for each picture.")?;
    match config.dwell {
        Some(dwell) => writeln!(out, "dwell = {dwell:?}")?,
        None => writeln!(out, "# dwell = 2.5")?,
    }

    writeln!(out, "\n[camera]")?;
    let (least, most) = CAMERA_SIDE;
    writeln!(out, "# Size of the frames asked of a camera, in pixels, {least} to {most} each; it may give another.")?;
    writeln!(out, "width = {}", config.camera.width)?;
    writeln!(out, "height = {}", config.camera.height)?;

    let filter = &config.filter;
    writeln!(out, "\n[filter]")?;
    writeln!(
        out,
        "# Time constant of the smoothing, in seconds, {} to {}; 0 smooths nothing.",
        SMOOTHING.0, SMOOTHING.1
    )?;
    writeln!(out, "smoothing = {:?}", filter.smoothing)?;
    writeln!(
        out,
        "# Least time between two changes of the lights, in seconds, {} to {}; while a face is in view,",
        HOLD.0, HOLD.1
    )?;
    writeln!(out, "# a mood stays for twice as long.")?;
    writeln!(out, "hold = {:?}", filter.hold)?;
    writeln!(out, "# How far below its enter threshold a mood is left, 0 to 1.")?;
    writeln!(out, "leave_margin = {:?}", filter.leave_margin)?;
    let settings = &resolved.filter;
    writeln!(
        out,
        "\n# Smoothed probability that enters a mood, by label; the model's card says what is not set here."
    )?;
    thresholds(out, "enter", &filter.enter, card, |label| settings.enter(label))?;
    writeln!(out, "\n# Smoothed probability below which a mood is left; enter minus leave_margin where not set.")?;
    thresholds(out, "leave", &filter.leave, card, |label| settings.leave(label))?;

    let lights = &config.lights;
    writeln!(out, "\n[lights]")?;
    writeln!(
        out,
        "# How lights are driven: auto (a Raspberry Pi's GPIO lines, elsewhere the terminal), gpiochip, rppal,"
    )?;
    writeln!(out, "# terminal or none.")?;
    let backend = match lights.backend {
        LightsBackend::Auto => "auto",
        LightsBackend::Gpiochip => "gpiochip",
        LightsBackend::Rppal => "rppal",
        LightsBackend::Terminal => "terminal",
        LightsBackend::None => "none",
    };
    writeln!(out, "backend = \"{backend}\"")?;
    writeln!(out, "# Whether pins are low when their light is lit; each light may say otherwise for itself.")?;
    writeln!(out, "active_low = {}", lights.active_low)?;
    writeln!(
        out,
        "\n# The light that tells that the camera is on, and blinks on a fault. Pins are BCM numbers, 0 to {HIGHEST_PIN}."
    )?;
    let colours = [
        Colour::Red,
        Colour::Orange,
        Colour::Yellow,
        Colour::Green,
        Colour::Cyan,
        Colour::Blue,
        Colour::Magenta,
        Colour::White,
    ];
    writeln!(out, "# Lights are {}.", colours.map(Colour::name).join(", "))?;
    writeln!(out, "camera = {}", lamp(&lights.camera))?;
    writeln!(out, "\n# One light for each mood of the model.\n[lights.moods]")?;
    for wired in &resolved.wiring.moods {
        let configured = lights.moods.as_ref().and_then(|moods| moods.get(&wired.name));
        let active_low = configured.and_then(|lamp| lamp.active_low);
        let light = LampConfig { pin: wired.pin, light: wired.colour, active_low };
        writeln!(out, "{} = {}", key(&wired.name), lamp(&light))?;
    }
    Ok(())
}

fn thresholds(
    out: &mut String,
    name: &str,
    set: &BTreeMap<String, f32>,
    card: &ModelCard,
    effective: impl Fn(usize) -> f32,
) -> std::fmt::Result {
    writeln!(out, "[filter.{name}]")?;
    for (index, label) in card.labels.iter().enumerate() {
        let comment = if set.contains_key(label) { "" } else { "# " };
        writeln!(out, "{comment}{} = {:?}", key(label), effective(index))?;
    }
    Ok(())
}

fn lamp(lamp: &LampConfig) -> String {
    let pin = lamp.pin.map(|pin| format!("pin = {pin}, ")).unwrap_or_default();
    let low = lamp.active_low.map(|low| format!(", active_low = {low}")).unwrap_or_default();
    format!("{{ {pin}light = \"{}\"{low} }}", lamp.light.name())
}

/// A string as TOML writes it.
fn text(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

/// A key as TOML writes it: bare where it can be.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { name.to_owned() } else { toml::Value::String(name.to_owned()).to_string() }
}

fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), "?")
}
