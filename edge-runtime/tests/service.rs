//! What the service manager hears: ready, alive as long as the frame loop turns, what is shown, stopping.
#![allow(clippy::unwrap_used)]

mod support;

use edge_runtime::config::{Config, Keys, Origin, resolve};
use edge_runtime::event::Event;
use edge_runtime::frame::{Clock, Frame};
use edge_runtime::lights::Lights;
use edge_runtime::mailbox::{Handover, Mailbox, Stop};
use edge_runtime::mood::MoodAggregator;
use edge_runtime::output::Output;
use edge_runtime::pipeline::{HANG_TIMEOUT, Observer, Pipeline, RunPlan, run};
use edge_runtime::service::{ServiceManager, Supervised};
use edge_runtime::source::{CameraRequest, Playback, SourceSpec, start};
use edge_runtime::track::{CentredSquare, FaceLocator, TrackedFaces, WhichFaces};
use emotion_models::{Classifier, CropBox, FrameView, ModelError};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::{Home, test_card_model};

/// What systemd would bear.
const WATCHDOG: Duration = Duration::from_secs(2);
/// For what must come, however busy the machine.
const SOON: Duration = Duration::from_secs(30);

/// The service manager's end of the socket.
struct Manager {
    socket: UnixDatagram,
    home: Home,
}

impl Manager {
    fn new() -> Self {
        let home = Home::new();
        let socket = UnixDatagram::bind(home.path("notify")).unwrap();
        Self { socket, home }
    }

    /// The next message within `time`.
    fn hear(&self, time: Duration) -> Option<String> {
        let mut bytes = [0; 4096];
        self.socket.set_read_timeout(Some(time)).unwrap();
        let count = self.socket.recv(&mut bytes).ok()?;
        Some(String::from_utf8(bytes[..count].to_vec()).unwrap())
    }

    /// Messages up to the first that `wanted` accepts, which must come.
    fn hear_until(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let until = Instant::now() + SOON;
        let mut heard = Vec::new();
        while !heard.last().is_some_and(|message: &String| wanted(message)) {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            heard.push(self.hear(left).unwrap_or_else(|| panic!("not heard, only {heard:?}")));
        }
        heard
    }

    fn start(&self, source: &str) -> Child {
        let mut command = self.home.program(&["--source", source, "--lights", "none"]);
        command.env("NOTIFY_SOCKET", self.home.path("notify"));
        command.env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}

fn terminate(child: &mut Child) -> Option<i32> {
    // SAFETY: kill only takes numbers; the child has not been waited for, so its number is still its own.
    assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGTERM) }, 0);
    child.wait().unwrap().code()
}

#[test]
fn the_program_is_ready_feeds_the_watchdog_and_says_that_it_stops() {
    let manager = Manager::new();
    let mut child = manager.start("test-card");
    let first = manager.hear(SOON).unwrap();
    assert!(first.starts_with("READY=1\n"), "{first}");
    manager.hear_until(|message| message == "WATCHDOG=1");
    let mut fed = Instant::now();
    let mut moods = 0;
    for _ in 0..4 {
        let heard = manager.hear_until(|message| message == "WATCHDOG=1");
        assert!(fed.elapsed() < WATCHDOG, "silent for {:?}", fed.elapsed());
        fed = Instant::now();
        moods += heard.iter().filter(|message| message.starts_with("STATUS=")).count();
    }
    assert!(moods > 0, "nothing said about the state in four periods");
    assert_eq!(terminate(&mut child), Some(0));
    assert_eq!(manager.hear_until(|message| message == "STOPPING=1").last().unwrap(), "STOPPING=1");
    assert_eq!(manager.hear(Duration::from_millis(10)), None);
}

#[test]
fn a_service_without_its_camera_is_up_and_says_what_is_wrong() {
    let manager = Manager::new();
    let mut child = manager.start("v4l2:/dev/no-such-camera");
    assert!(manager.hear(SOON).unwrap().starts_with("READY=1\n"));
    let fault = manager.hear_until(|message| message.starts_with("STATUS=fault: "));
    assert!(fault.last().unwrap().len() > "STATUS=fault: ".len(), "{fault:?}");
    manager.hear_until(|message| message == "WATCHDOG=1");
    assert_eq!(terminate(&mut child), Some(5));
    manager.hear_until(|message| message == "STOPPING=1");
}

/// Finds no face, and does not come back while it hangs.
struct Hanging(Arc<AtomicBool>, TrackedFaces);

impl FaceLocator for Hanging {
    fn locate(&mut self, _frame: &FrameView<'_>, _at: Duration) -> Result<&TrackedFaces, ModelError> {
        while self.0.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(&self.1)
    }
}

#[test]
fn a_frame_loop_that_hangs_is_silent() {
    let period = Duration::from_millis(300);
    let manager = Manager::new();
    let name = manager.home.path("notify");
    let hangs = Arc::new(AtomicBool::new(false));
    let stop = Stop::default();
    let (locator, ending) = (Hanging(Arc::clone(&hangs), TrackedFaces::new()), stop.clone());
    let service = std::thread::spawn(move || {
        let classifier = Classifier::from_bytes(test_card_model(), "test").unwrap();
        let labels = classifier.card().labels.clone();
        let resolved = resolve(&Config::default(), classifier.card(), &Origin::Defaults, &Keys::default()).unwrap();
        let moods = MoodAggregator::new(resolved.filter, WhichFaces::Largest);
        let lights = Lights::<edge_runtime::lights::MemoryPin>::none();
        let mut pipeline = Pipeline { locator: Box::new(locator), classifier, moods, lights };
        let playback = Playback {
            fps: 30.0,
            every_frame: false,
            repeat: false,
            dwell: None,
            wait: false,
            camera: CameraRequest::default(),
        };
        let plan = RunPlan {
            clock: Clock::start(),
            stop,
            frames: None,
            every_frame: false,
            period: Duration::from_millis(33),
            camera: false,
            hung: HANG_TIMEOUT,
        };
        let capture = start(SourceSpec::TestCard, playback, plan.clock, &plan.stop);
        let mut output = Output::lines(false, labels.clone(), Handover::Latest, &plan.stop).unwrap();
        let manager = ServiceManager::at(name.as_os_str(), Some(period)).unwrap();
        let mut observer = Supervised::new(&mut output, Some(manager), labels);
        run(&mut pipeline, &capture, &plan, &mut observer).result
    });
    for _ in 0..3 {
        manager.hear_until(|message| message == "WATCHDOG=1");
    }

    hangs.store(true, Ordering::Release);
    // What the turn that was under way still says.
    std::thread::sleep(Duration::from_millis(200));
    while manager.hear(Duration::from_millis(1)).is_some() {}
    assert_eq!(manager.hear(period * 4), None);

    hangs.store(false, Ordering::Release);
    manager.hear_until(|message| message == "WATCHDOG=1");
    ending.request();
    assert!(service.join().unwrap().is_ok());
}

/// Counts turns, and how many there were at each fault.
struct Turns {
    stop: Stop,
    turns: u32,
    faults: Vec<(u32, String)>,
}

impl Observer for Turns {
    fn event(&mut self, event: &Event, _: Option<(&Frame, Option<CropBox>)>) {
        if let Some(fault) = &event.fault {
            self.faults.push((self.turns, fault.to_string()));
        }
        if self.faults.len() == 2 {
            self.stop.request();
        }
    }

    fn turn(&mut self, _now: Duration) {
        self.turns += 1;
    }
}

#[test]
fn a_camera_that_hangs_in_its_driver_is_silence_until_it_is_heard_again() {
    let classifier = Classifier::from_bytes(test_card_model(), "test").unwrap();
    let resolved = resolve(&Config::default(), classifier.card(), &Origin::Defaults, &Keys::default()).unwrap();
    let moods = MoodAggregator::new(resolved.filter, WhichFaces::Largest);
    let lights = Lights::<edge_runtime::lights::MemoryPin>::none();
    let mut pipeline = Pipeline { locator: Box::new(CentredSquare::default()), classifier, moods, lights };
    let (clock, stop) = (Clock::start(), Stop::default());
    let capture = Arc::new(Mailbox::new(Handover::Latest, stop.clone(), [(); 3].map(|()| Frame::empty())));
    let plan = RunPlan {
        clock,
        stop: stop.clone(),
        frames: None,
        every_frame: false,
        period: Duration::from_millis(33),
        camera: true,
        hung: Duration::from_millis(400),
    };
    // It reports a fault once, then hangs for long, then reports another.
    capture.retrying("it starts badly");
    let driver = Arc::clone(&capture);
    let hanging = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(3));
        driver.retrying("it is back");
    });
    let mut turns = Turns { stop, turns: 0, faults: Vec::new() };
    let outcome = run(&mut pipeline, &capture, &plan, &mut turns);
    hanging.join().unwrap();
    assert!(outcome.result.is_err());
    let [(_, first), (turns, second)] = &turns.faults[..] else { panic!("{:?}", turns.faults) };
    assert_eq!((first.as_str(), second.as_str()), ("it starts badly", "it is back"));
    // A turn takes 50 ms: 60 in three seconds, but only those of the first 400 ms count.
    assert!((1..=12).contains(turns), "{turns} turns");
}
