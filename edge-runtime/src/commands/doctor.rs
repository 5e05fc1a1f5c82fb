//! `doctor`: what is wrong here, and what to do about it.

use crate::cli::{DoctorArgs, Global};
use crate::config::{self, Origin};
use crate::doctor::{self, Configured, Loaded, LoadedModels, Machine, Needs, Verdict};
use crate::exit::{DOCTOR_PROBLEM, DOCTOR_WARNING, Failure};
use crate::lights::Wiring;
use crate::output::paint::Ink;
use crate::setup::Setup;
use emotion_models::FaceDetector;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// After this long, a message says what the command waits for.
const QUIET: Duration = Duration::from_millis(1500);

pub(super) fn doctor(global: &Global, args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let (setup, refused) = match Setup::new(global, &args.settings) {
        Ok(setup) => (setup, None),
        Err(refused) => (Setup::without_file(global, &args.settings), Some(refused.to_string())),
    };
    let classifier = setup.classifier();
    let resolved = classifier.as_ref().ok().map(|classifier| setup.resolve(classifier));
    // Without a model the pins are still those of the configuration.
    let configured_lamps = || config::lamps(&setup.config.lights);
    let (lamps, unwired, refused) = match resolved {
        Some(Ok(resolved)) => {
            let Wiring { moods, camera } = resolved.wiring;
            (moods.into_iter().chain([camera]).collect(), resolved.unwired, refused)
        }
        Some(Err(contradiction)) => (configured_lamps(), Vec::new(), Some(contradiction.to_string())),
        None => (configured_lamps(), Vec::new(), refused),
    };
    let config = &setup.config;
    let configured = Configured {
        origin: refused.map_or_else(|| Ok(setup.origin.clone()), Err),
        source: config.source().to_string(),
        backend: config.lights.backend,
        unwired,
    };
    let emotion = Loaded {
        file: config.model.clone(),
        card: classifier.map(|classifier| classifier.card().clone()).map_err(|failure| failure.to_string()),
    };
    let face = |finder: Result<FaceDetector, Failure>| Loaded {
        file: config.face_model.clone(),
        card: finder.map(|finder| finder.card().clone()).map_err(|failure| failure.to_string()),
    };
    let loaded = LoadedModels { emotion, face: setup.finder().transpose().map(face) };
    let plan = Needs {
        source: config.source(),
        backend: config.lights.backend,
        lamps,
        configured: setup.origin != Origin::Defaults || args.settings.give("source"),
    };

    let machine = ask()?;
    let checks = doctor::examine(&machine, &configured, &loaded, &plan);
    let mut stdout = io::stdout().lock();
    if args.json {
        writeln!(stdout, "{}", doctor::json(&checks))?;
    } else {
        let ink = if stdout.is_terminal() { Ink::of_environment() } else { Ink::None };
        stdout.write_all(doctor::text(&checks, ink).as_bytes())?;
    }
    stdout.flush()?;
    Ok(match doctor::worst(&checks) {
        Verdict::Ok => ExitCode::SUCCESS,
        Verdict::Warning => ExitCode::from(DOCTOR_WARNING),
        Verdict::Problem => ExitCode::from(DOCTOR_PROBLEM),
    })
}

/// Probes the machine, and says so if that takes long.
fn ask() -> Result<Machine, Failure> {
    let failed = |reason: String| Failure::Internal(format!("cannot probe this machine: {reason}"));
    let (sender, answer) = channel();
    let asking = thread::Builder::new().name("doctor".to_owned());
    let ask = move || {
        // The receiver is gone only if this command has ended.
        let _ = sender.send(Machine::here());
    };
    asking.spawn(ask).map_err(|error| failed(error.to_string()))?;
    if let Ok(machine) = answer.recv_timeout(QUIET) {
        return Ok(machine);
    }
    tracing::info!("still asking drivers and programs for cameras and pins");
    answer.recv().map_err(|_| failed("a check stumbled".to_owned()))
}
