//! `run`: lights follow the mood.

use crate::cli::{Global, RunArgs};
use crate::exit::Failure;
use crate::frame::Clock;
use crate::lights::{self, Driver, LightsBackend, Memory, dark_after_panic, darken_on_panic};
use crate::mailbox::{Handover, Stop};
use crate::mood::MoodAggregator;
use crate::output::paint::Ink;
use crate::output::panel::{Panel, Shown};
use crate::output::{self, Output, STAND_IN, Style};
use crate::pipeline::{self, Pipeline, RunPlan};
use crate::service::{ServiceManager, Supervised};
use crate::setup::Setup;
use crate::signals;
use crate::source::{self, Playback, SourceSpec};
use emotion_models::{Classifier, Colour};
use std::time::Duration;

/// Text is broken for a terminal of this many columns at least.
const MIN_COLUMNS: usize = 20;

pub(super) fn run(global: &Global, args: &RunArgs) -> Result<(), Failure> {
    let clock = Clock::start();
    let mut setup = Setup::new(global, &args.settings)?;
    let manager = ServiceManager::of_environment().unwrap_or_else(|error| {
        tracing::warn!("cannot reach the service manager: {error}; check NOTIFY_SOCKET");
        None
    });
    let wait = args.wait || manager.is_some();
    let fallback = !wait && stands_in(&setup);
    if fallback {
        setup.config.source = Some(SourceSpec::TestCard);
    }
    let source = setup.config.source();
    let mut playback = playback(&setup, args, wait)?;
    let stop = Stop::default();
    let classifier = setup.classifier()?;
    let locator = setup.locator()?;
    let resolved = setup.resolve(&classifier)?;
    for label in &resolved.unwired {
        tracing::warn!("the configuration has no light for the mood `{label}`");
    }

    let memory = Memory::new(&resolved.wiring);
    let (lights, driver) = lights::open(setup.config.lights.backend, &resolved.wiring, &memory)?;
    if matches!(driver, Driver::Gpiochip | Driver::Rppal) {
        tracing::info!("the lights hang on GPIO lines, driven through {}", driver.name());
    }
    let style = style(driver, args);
    playback.camera.colour = style == Style::Live || classifier.card().input.colour == Colour::Rgb;
    let switch = lights.dark_switch();
    output::restore_on_panic();
    darken_on_panic(switch.clone());
    let after_panic = switch.clone();
    let dark = move || {
        switch.dark();
        output::restore();
    };
    let paused = after_panic.clone();
    let pause = move |stop: &mut dyn FnMut()| {
        paused.dark_during(&mut || output::left_during(&mut || source::children_stopped_during(stop)));
    };
    let watch = signals::watch(stop.clone(), dark, pause)
        .map_err(|error| Failure::Internal(format!("cannot watch for signals: {error}")))?;

    // Only now, for loading the model and drawing the test card at once would take the most memory of the whole run.
    let capture = source::start(source.clone(), playback.clone(), clock, &stop);
    greet(&setup, &classifier, style, fallback)?;
    let labels = classifier.card().labels.clone();
    let handover = if playback.every_frame { Handover::Lossless } else { Handover::Latest };
    let mut output = match style {
        Style::Live => {
            let shown = shown(&source, args.no_picture);
            Output::live(Panel::new(&resolved.wiring, shown), memory, Ink::of_environment(), &stop)
        }
        Style::Plain | Style::Json => Output::lines(style == Style::Json, labels.clone(), handover, &stop),
    }
    .map_err(|error| Failure::Internal(format!("no thread to write on: {error}")))?;

    let mut pipeline =
        Pipeline { locator, classifier, moods: MoodAggregator::new(resolved.filter, setup.config.faces), lights };
    let plan = RunPlan {
        clock,
        stop,
        frames: args.frames,
        every_frame: playback.every_frame,
        period: Duration::from_secs_f64(1.0 / playback.fps),
        camera: source.is_camera(),
        hung: pipeline::HANG_TIMEOUT,
    };
    let mut observer = Supervised::new(&mut output, manager, labels);
    let outcome = dark_after_panic(&after_panic, || pipeline::run(&mut pipeline, &capture, &plan, &mut observer));
    observer.stopping();
    let written = output.finish(&outcome.summary);
    drop(watch);
    outcome.result.and(written.map_err(Failure::from))
}

/// The pictures that a source is shown by: the test card's face fills the frame.
fn shown(source: &SourceSpec, no_picture: bool) -> Shown {
    match source {
        _ if no_picture => Shown::Nothing,
        SourceSpec::TestCard => Shown::Face,
        _ => Shown::Frame,
    }
}

/// Whether the test card replaces a camera: only if no source is named, the lights are only drawn, and there is no
/// camera.
fn stands_in(setup: &Setup) -> bool {
    setup.config.source.is_none()
        && matches!(setup.config.lights.backend, LightsBackend::Auto | LightsBackend::Terminal)
        && !source::is_any_camera()
}

fn playback(setup: &Setup, args: &RunArgs, wait: bool) -> Result<Playback, Failure> {
    let source = setup.config.source();
    if args.every_frame && source.is_camera() {
        let message = "--every-frame is for pictures, pipes and the test card: a camera does not wait";
        return Err(Failure::Usage(message.to_owned()));
    }
    if args.repeat && matches!(source, SourceSpec::Stdin { .. }) {
        return Err(Failure::Usage("--loop is for pictures: a pipe cannot be read again".to_owned()));
    }
    let config = &setup.config;
    let stays = 2.0 * config.filter.hold;
    if let Some(dwell) = config.dwell.filter(|&dwell| dwell < stays && !source.is_camera()) {
        tracing::warn!(
            "each picture is shown for {dwell} s, but a mood stays for {stays} s: the lights lag behind; try a smaller `hold`"
        );
    }
    Ok(Playback {
        fps: config.fps,
        every_frame: args.every_frame,
        repeat: args.repeat,
        dwell: config.dwell,
        wait,
        camera: setup.camera_request(),
    })
}

fn style(driver: Driver, args: &RunArgs) -> Style {
    if args.json {
        Style::Json
    } else if driver != Driver::None && output::is_live_terminal() {
        Style::Live
    } else {
        Style::Plain
    }
}

/// Says what runs, how to stop it, and what to try next; not where standard output carries JSON alone.
fn greet(setup: &Setup, classifier: &Classifier, style: Style, fallback: bool) -> Result<(), Failure> {
    if style == Style::Json {
        if fallback {
            tracing::info!("{STAND_IN}");
        }
        return Ok(());
    }
    let live = style == Style::Live;
    let ink = if live { Ink::of_environment() } else { Ink::None };
    let columns = live.then(|| output::terminal_size().0.max(MIN_COLUMNS));
    let text = output::greeting(&setup.config.source(), classifier, columns, fallback, ink);
    Ok(output::print(text)?)
}
