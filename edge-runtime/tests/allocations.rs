//! Once warm, the frame path allocates nothing beyond what the engine does inside.
#![allow(clippy::unwrap_used)]

mod support;

use edge_runtime::config::{Config, Keys, Origin, resolve};
use edge_runtime::event::Event;
use edge_runtime::frame::Frame;
use edge_runtime::lights::{Lights, Memory};
use edge_runtime::mailbox::{Handover, Mailbox, Stop, Taken};
use edge_runtime::mood::MoodAggregator;
use edge_runtime::output::Output;
use edge_runtime::pipeline::{Observer, Pipeline};
use edge_runtime::service::{ServiceManager, Supervised};
use edge_runtime::summary::Summary;
use edge_runtime::track::{CentredSquare, FaceLocator, Tracker, WhichFaces};
use emotion_models::{Classifier, CropBox, Detector, FaceDetector, PixelFormat, shipped};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::convert::Infallible;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;
use support::{Home, raw_frames, test_card_model};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Counts what its thread allocates.
struct Counting;

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps the same promises to us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the same promises to us.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn counted(work: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

#[test]
fn the_frame_path_allocates_only_inside_the_engine() {
    const FRAMES: u64 = 40;
    let mut classifier = Classifier::from_bytes(test_card_model(), "test").unwrap();
    let resolved = resolve(&Config::default(), classifier.card(), &Origin::Defaults, &Keys::default()).unwrap();
    let labels = classifier.card().labels.clone();
    let pixels = raw_frames("happy", 1, PixelFormat::Yuyv, 160, 120);
    let filled = || {
        let mut frame = Frame::empty();
        frame.shape(PixelFormat::Yuyv, 160, 120);
        frame.data.clone_from(&pixels);
        frame
    };
    let frame = filled();
    let crop = CropBox::centred_square(160, 120);
    let mut engine_alone = || {
        for _ in 0..FRAMES {
            classifier.classify(&frame.view().unwrap(), crop).unwrap();
        }
    };
    engine_alone();
    let by_engine = counted(engine_alone);

    let memory = Memory::new(&resolved.wiring);
    let lights = Lights::open(&resolved.wiring, |lamp| Ok::<_, Infallible>(memory.pin(lamp))).unwrap();
    let moods = MoodAggregator::new(resolved.filter, WhichFaces::Largest);
    let mut pipeline = Pipeline { locator: Box::new(CentredSquare::default()), classifier, moods, lights };
    let stop = Stop::default();
    let mailbox: Mailbox<Frame, ()> = Mailbox::new(Handover::Latest, stop.clone(), [filled(), filled(), filled()]);
    let mut output = Output::lines(true, labels.clone(), Handover::Latest, &stop).unwrap();
    // A watchdog that is fed with every frame, by a manager who never reads.
    let home = Home::new();
    let _listens = UnixDatagram::bind(home.path("notify")).unwrap();
    let manager = ServiceManager::at(home.path("notify").as_os_str(), Some(Duration::from_millis(1))).unwrap();
    let mut observer = Supervised::new(&mut output, Some(manager), labels);
    let mut summary = Summary::default();
    let mut number = 0;
    let mut whole_path = || {
        for _ in 0..FRAMES {
            mailbox.put(mailbox.buffer().unwrap());
            let Taken::Item(mut frame) = mailbox.take(Duration::ZERO) else { panic!("no frame") };
            number += 1;
            frame.time = Duration::from_millis(33) * number;
            observer.turn(frame.time);
            let judged = pipeline.frame(&frame, frame.time).unwrap();
            let event = Event {
                time: frame.time,
                frame: Some(u64::from(number)),
                state: judged.state,
                lit: pipeline.moods.lit(),
                changed: true,
                probabilities: judged.probabilities,
                smoothed: pipeline.moods.smoothed(),
                latency: Some(judged.timings.frame),
                inference: Some(judged.timings.inference),
                faces: judged.faces,
                picture: None,
                fault: None,
            };
            summary.count(&event);
            observer.event(&event, Some((&frame, judged.crop)));
            mailbox.give_back(frame);
        }
    };
    whole_path();
    assert_eq!(counted(whole_path), by_engine);
}

#[test]
fn tracking_allocates_nothing_beyond_what_detection_does() {
    const FRAMES: u64 = 40;
    let pixels = raw_frames("happy", 1, PixelFormat::Yuyv, 320, 240);
    let mut frame = Frame::empty();
    frame.shape(PixelFormat::Yuyv, 320, 240);
    frame.data.clone_from(&pixels);
    let view = frame.view().unwrap();
    let mut finder = FaceDetector::from_bytes(shipped::FACE, "shipped").unwrap();
    let mut finding = || {
        for _ in 0..FRAMES {
            finder.detect(&view, CropBox::full(320, 240), finder.threshold()).unwrap();
        }
    };
    finding();
    let by_finder = counted(finding);
    for which in [WhichFaces::Largest, WhichFaces::Average, WhichFaces::All] {
        let finder = FaceDetector::from_bytes(shipped::FACE, "shipped").unwrap();
        let (mut tracker, mut number) = (Tracker::new(finder, which), 0);
        let mut tracking = || {
            for _ in 0..FRAMES {
                number += 1;
                let found = tracker.locate(&view, Duration::from_millis(33) * number).unwrap();
                assert_eq!(found.len(), 1);
            }
        };
        tracking();
        assert_eq!(counted(tracking), by_finder, "{which:?}");
    }
}
