//! The configuration and models of a run, and what they need of the machine.

use super::{Check, Machine, Verdict};
use crate::config::Origin;
use crate::lights::LampWiring;
use crate::lights::LightsBackend;
use crate::source::SourceSpec;
use clap::ValueEnum;
use emotion_models::ModelCard;
use std::path::PathBuf;

/// What a run needs of the machine.
#[derive(Clone, Debug)]
pub struct Needs {
    /// Where frames come from.
    pub source: SourceSpec,
    /// How lights are driven.
    pub backend: LightsBackend,
    /// The lights, the camera's last.
    pub lamps: Vec<LampWiring>,
    /// Whether a file or a flag configures it; otherwise the test card may stand in for a camera.
    pub configured: bool,
}

impl Needs {
    /// Whether lights are pins, rather than drawn in the terminal.
    pub(super) fn drives_pins(&self, machine: &Machine) -> bool {
        match self.backend {
            LightsBackend::Gpiochip | LightsBackend::Rppal => true,
            LightsBackend::Auto => machine.is_pi() || machine.probed.lines.iter().any(|line| line.name == "GPIO17"),
            LightsBackend::Terminal | LightsBackend::None => false,
        }
    }

    /// The verdict if there is no camera; `None` if the run needs none.
    pub(super) fn camera_matters(&self) -> Option<Verdict> {
        let bad = if self.configured { Verdict::Problem } else { Verdict::Warning };
        self.source.is_camera().then_some(bad)
    }
}

/// The result of reading the configuration.
#[derive(Clone, Debug)]
pub struct Configured {
    /// Where it came from; the reason if it was refused.
    pub origin: Result<Origin, String>,
    /// Where frames come from, as written in a configuration.
    pub source: String,
    /// How lights are driven.
    pub backend: LightsBackend,
    /// Moods of the model for which the configuration has no light.
    pub unwired: Vec<String>,
}

pub(super) fn configuration(configured: &Configured) -> Check {
    let Configured { source, backend, .. } = configured;
    let origin = match &configured.origin {
        Ok(Origin::Defaults) => "no file, built-in defaults".to_owned(),
        Ok(Origin::File(path)) => path.display().to_string(),
        Err(reason) => {
            let fix = "correct it; until then the other lines here are about the built-in defaults";
            return Check::problem("configuration", reason, fix);
        }
    };
    let backend = backend.to_possible_value();
    let backend = backend.as_ref().map_or("", |word| word.get_name());
    let found = format!("{origin}: source {source}, lights {backend}");
    if configured.unwired.is_empty() {
        return Check::ok("configuration", found);
    }
    let moods = configured.unwired.join(", ");
    let fix = "give each mood of the model a line under [lights.moods], as `edge-runtime config` prints them";
    Check::warning("configuration", format!("{found}; no light for {moods}"), fix)
}

/// The result of loading a model.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The file; `None` for the model inside the program.
    pub file: Option<PathBuf>,
    /// Its card; the reason if it cannot be loaded.
    pub card: Result<ModelCard, String>,
}

/// The models of a run.
#[derive(Clone, Debug)]
pub struct LoadedModels {
    /// The emotion model.
    pub emotion: Loaded,
    /// The face model; `None` where frames are not searched for faces.
    pub face: Option<Loaded>,
}

pub(super) fn models(loaded: &LoadedModels) -> Vec<Check> {
    let face = match &loaded.face {
        Some(face) => model("face model", face),
        None => Check::ok("face model", "none: frames are not searched, their middle is taken for a face"),
    };
    vec![model("model", &loaded.emotion), face]
}

fn model(id: &str, loaded: &Loaded) -> Check {
    let card = match &loaded.card {
        Ok(card) => card,
        Err(reason) => {
            // The model's error messages end with a remedy.
            let (found, advice) = reason.rsplit_once("; ").unwrap_or((reason, "take another file"));
            let fix = match &loaded.file {
                Some(_) => format!("{advice}; or name no model, for there is one inside this program"),
                None => "this program is damaged: install it again".to_owned(),
            };
            return Check::problem(id, found, fix);
        }
    };
    let whence = match &loaded.file {
        Some(path) => path.display().to_string(),
        None => "inside this program".to_owned(),
    };
    let input = &card.input;
    let found = format!(
        "{} ({}), {whence}: {} from {}x{} {}",
        card.name,
        card.precision,
        card.labels.join(", "),
        input.width,
        input.height,
        input.colour
    );
    Check::ok(id, found)
}
