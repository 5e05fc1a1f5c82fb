#![allow(clippy::unwrap_used)]

use super::driver::{FourCc, Offer};
use super::*;
use emotion_models::PixelFormat;
use image::codecs::jpeg::JpegEncoder;
use std::collections::VecDeque;

const PATH: &str = "/dev/video7";
const REQUEST: CameraRequest = CameraRequest { width: 64, height: 48, colour: false };

/// What a driver does next.
#[derive(Clone)]
enum FakeStep {
    /// A frame of these bytes, captured so many milliseconds ago.
    Frame(Vec<u8>, Option<u64>),
    /// A frame the driver marks as damaged.
    Damaged,
    /// Nothing for so many milliseconds.
    Quiet(u64),
    /// An error of the system.
    Error(i32),
    Panic,
}

/// What a driver sets up for an offer.
type Answer = Box<dyn Fn(&Offer) -> io::Result<Given> + Send>;

/// A scripted driver with a clock of its own. Frames that stand together are ready together.
struct Fake {
    offers: Vec<Offer>,
    given: Answer,
    starts: VecDeque<i32>,
    steps: VecDeque<FakeStep>,
    lent: Vec<Vec<u8>>,
    queued: u32,
    now: Duration,
}

fn give(offer: &Offer) -> Given {
    let stride = match &offer.fourcc {
        b"YUYV" | b"UYVY" => 2 * offer.width as usize,
        _ => offer.width as usize,
    };
    Given { fourcc: offer.fourcc, width: offer.width, height: offer.height, stride, fps: offer.fps }
}

fn offer(fourcc: &FourCc) -> Offer {
    Offer { fourcc: *fourcc, width: 64, height: 48, fps: Some(30.0) }
}

impl Fake {
    fn new(fourcc: &FourCc, steps: impl IntoIterator<Item = FakeStep>) -> Self {
        Self {
            offers: vec![offer(fourcc)],
            given: Box::new(|offer| Ok(give(offer))),
            starts: VecDeque::new(),
            steps: steps.into_iter().collect(),
            lent: Vec::new(),
            queued: BUFFERS,
            now: Duration::from_secs(1000),
        }
    }

    fn start_at(self, fps: f64) -> Result<VideoSource<Self>, CameraError> {
        VideoSource::start(self, Path::new(PATH), "Fake", "RG10", &REQUEST, fps)
    }

    fn started(self) -> VideoSource<Self> {
        self.start_at(30.0).map_err(|error| error.to_string()).unwrap()
    }
}

impl Driver for Fake {
    fn offers(&mut self, _width: u32, _height: u32) -> io::Result<Vec<Offer>> {
        Ok(self.offers.clone())
    }

    fn configure(&mut self, offer: &Offer, _fps: f64) -> io::Result<Given> {
        (self.given)(offer)
    }

    fn start(&mut self) -> io::Result<()> {
        match self.starts.pop_front() {
            None | Some(0) => Ok(()),
            Some(code) => Err(io::Error::from_raw_os_error(code)),
        }
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<bool> {
        match self.steps.front_mut() {
            None => {
                self.now += timeout;
                Ok(false)
            }
            Some(FakeStep::Quiet(millis)) => {
                let waited = timeout.min(Duration::from_millis(*millis));
                self.now += waited;
                *millis -= waited.as_millis() as u64;
                if *millis == 0 {
                    self.steps.pop_front();
                }
                Ok(false)
            }
            Some(_) => Ok(true),
        }
    }

    fn dequeue(&mut self) -> io::Result<Option<Filled>> {
        let (bytes, taken, damaged) = match self.steps.front() {
            None | Some(FakeStep::Quiet(_)) => return Ok(None),
            Some(FakeStep::Error(code)) => return Err(io::Error::from_raw_os_error(*code)),
            Some(FakeStep::Panic) => panic!("a driver's library stumbles"),
            Some(FakeStep::Damaged) => (vec![0; 64 * 48 * 2], None, true),
            Some(FakeStep::Frame(bytes, ago)) => {
                (bytes.clone(), ago.map(|ago| self.now - Duration::from_millis(ago)), false)
            }
        };
        assert!(self.queued > 0, "a buffer was kept");
        self.queued -= 1;
        self.steps.pop_front();
        self.lent.push(bytes);
        let index = self.lent.len() - 1;
        Ok(Some(Filled { index: index as u32, used: self.lent[index].len(), damaged, taken }))
    }

    fn bytes<'a>(&'a self, filled: &Filled) -> &'a [u8] {
        &self.lent[filled.index as usize]
    }

    fn queue(&mut self, _filled: Filled) -> io::Result<()> {
        self.queued += 1;
        Ok(())
    }

    fn now(&self) -> Duration {
        self.now
    }
}

fn grey(shade: u8) -> FakeStep {
    FakeStep::Frame(vec![shade; 64 * 48], None)
}

fn grey_ago(shade: u8, millis: u64) -> FakeStep {
    FakeStep::Frame(vec![shade; 64 * 48], Some(millis))
}

fn fill(source: &mut VideoSource<Fake>) -> Result<Frame, String> {
    let mut frame = Frame::empty();
    source.fill(0, &mut frame).map_err(|error| error.to_string()).map(|more| {
        assert!(more);
        frame
    })
}

fn refused(fake: Fake) -> String {
    fake.start_at(30.0).err().unwrap().to_string()
}

#[test]
fn the_newest_frame_wins_and_every_buffer_goes_back() {
    let mut source =
        Fake::new(b"GREY", [grey(1), grey(2), grey(3), FakeStep::Quiet(33), grey(4), FakeStep::Quiet(1)]).started();
    assert_eq!(fill(&mut source).unwrap().data[0], 3);
    assert_eq!(source.losses(), Losses { late: 2, bad: 0 });
    assert_eq!(fill(&mut source).unwrap().data[0], 4);
    assert_eq!(source.losses(), Losses::default());
    assert_eq!(source.driver.queued, BUFFERS);
}

#[test]
fn frames_keep_the_drivers_format_and_rows() {
    for (code, format, bytes, stride) in [
        (b"YUYV", PixelFormat::Yuyv, 48 * 160, 160),
        (b"NV12", PixelFormat::Nv12, 80 * 48 + 80 * 24, 80),
        (b"GREY", PixelFormat::Grey, 48 * 80, 80),
        (b"YU12", PixelFormat::I420, 80 * 48 + 2 * 40 * 24, 80),
        (b"UYVY", PixelFormat::Uyvy, 48 * 160, 160),
    ] {
        let mut fake = Fake::new(code, [FakeStep::Frame(vec![9; bytes], None)]);
        fake.given = Box::new(move |offer| Ok(Given { stride, ..give(offer) }));
        let frame = fill(&mut fake.started()).unwrap();
        assert_eq!((frame.format, frame.width, frame.height, frame.stride), (format, 64, 48, stride));
        assert!(frame.view().is_ok());
    }
    // A driver that leaves the stride out.
    let mut fake = Fake::new(b"YUYV", [FakeStep::Frame(vec![9; 64 * 48 * 2], None)]);
    fake.given = Box::new(|offer| Ok(Given { stride: 0, ..give(offer) }));
    assert_eq!(fill(&mut fake.started()).unwrap().stride, 128);
}

#[test]
fn the_age_is_the_drivers_and_otherwise_counts_from_arrival() {
    let mut source = Fake::new(
        b"GREY",
        [grey_ago(1, 40), FakeStep::Quiet(33), grey(2), FakeStep::Quiet(33), grey_ago(3, 60_000), FakeStep::Quiet(33)],
    )
    .started();
    assert_eq!(fill(&mut source).unwrap().age, Duration::from_millis(40));
    // An unreported clock, and one that is plainly another.
    assert_eq!(fill(&mut source).unwrap().age, Duration::ZERO);
    assert_eq!(fill(&mut source).unwrap().age, Duration::ZERO);
}

#[test]
fn capture_times_that_stand_still_or_jump_back_leave_a_camera_as_good_as_it_is() {
    // The age of each of 60 frames, 33 ms apart, as the driver claims it.
    type Claim = fn(u64) -> u64;
    let (still, back): (Claim, Claim) = (|number| 5 + 33 * number, |number| if number < 20 { 5 } else { 4000 });
    for claim in [still, back] {
        let steps = (0..60).flat_map(|number| [grey_ago(number as u8, claim(number)), FakeStep::Quiet(33)]);
        let mut source = Fake::new(b"GREY", steps).start_at(10.0).unwrap();
        let frames: Vec<Frame> = (0..17).map(|_| fill(&mut source).unwrap()).collect();
        assert!(frames.iter().skip(8).all(|frame| frame.age == Duration::ZERO));
        assert!(frames.windows(2).all(|pair| pair[1].data[0] - pair[0].data[0] <= 4), "paced");
    }
}

#[test]
fn short_and_damaged_frames_are_passed_over_and_counted() {
    let short = FakeStep::Frame(vec![1; 100], None);
    let steps = [short, FakeStep::Quiet(33), FakeStep::Damaged, FakeStep::Quiet(33), grey(5)];
    let mut source = Fake::new(b"GREY", steps).started();
    assert_eq!(fill(&mut source).unwrap().data[0], 5);
    assert_eq!(source.losses(), Losses { late: 0, bad: 2 });
}

#[test]
fn nothing_but_short_frames_is_a_fault_that_says_so() {
    let steps = [grey(1), FakeStep::Quiet(33)].into_iter();
    let broken = (0..60).flat_map(|_| [FakeStep::Frame(vec![1; 100], None), FakeStep::Quiet(33)]);
    let mut source = Fake::new(b"GREY", steps.chain(broken)).started();
    fill(&mut source).unwrap();
    let before = source.driver.now;
    let fault = fill(&mut source).unwrap_err();
    assert!(fault.contains(PATH) && fault.contains("shorter"), "{fault}");
    assert!(source.driver.now - before < Duration::from_millis(1200));
}

#[test]
fn a_damaged_jpeg_is_passed_over() {
    let mut jpeg = Vec::new();
    image::GrayImage::from_pixel(64, 48, image::Luma([200])).write_with_encoder(JpegEncoder::new(&mut jpeg)).unwrap();
    let cut = jpeg[..jpeg.len() / 2].to_vec();
    let mut whole_buffer = jpeg.clone();
    whole_buffer.resize(64 * 48 * 2, 0);
    let steps = [cut, vec![0x55; 900], whole_buffer].map(|bytes| [FakeStep::Frame(bytes, None), FakeStep::Quiet(33)]);
    let mut source = Fake::new(b"MJPG", steps.into_iter().flatten()).started();
    let frame = fill(&mut source).unwrap();
    assert_eq!((frame.format, frame.width, frame.height), (PixelFormat::Grey, 64, 48));
    assert!(frame.data.iter().all(|&pixel| pixel.abs_diff(200) < 4));
    assert_eq!(source.losses().bad, 2);
}

#[test]
fn silence_is_a_fault_within_a_second_but_the_first_frame_has_time() {
    let mut source = Fake::new(b"GREY", [FakeStep::Quiet(3000), grey(1)]).started();
    fill(&mut source).unwrap();
    let before = source.driver.now;
    let fault = fill(&mut source).unwrap_err();
    assert!(fault.contains("/dev/video7 delivers no frames"), "{fault}");
    assert_eq!(source.driver.now - before, Duration::from_secs(1));
    let mut source = Fake::new(b"GREY", []).started();
    assert!(fill(&mut source).unwrap_err().contains("no frames"));
    // A slow camera is not silent between two frames.
    let mut slow = Fake::new(b"GREY", [grey(1), FakeStep::Quiet(2000), grey(2)]);
    slow.given = Box::new(|offer| Ok(Given { fps: Some(0.5), ..give(offer) }));
    let mut source = slow.started();
    fill(&mut source).unwrap();
    assert_eq!(fill(&mut source).unwrap().data[0], 2);
}

#[test]
fn an_unplugged_camera_is_told_from_other_errors() {
    for (code, says) in [(libc::ENODEV, "unplugged"), (libc::EIO, "unplugged"), (libc::EINVAL, "deliver a frame")] {
        let mut source = Fake::new(b"GREY", [grey(1), FakeStep::Quiet(33), FakeStep::Error(code)]).started();
        fill(&mut source).unwrap();
        let fault = fill(&mut source).unwrap_err();
        assert!(fault.contains(says) && fault.contains(PATH), "{fault}");
    }
}

#[test]
fn a_panic_leaves_a_source_that_can_be_dropped() {
    let mut source = Fake::new(b"GREY", [FakeStep::Panic]).started();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| fill(&mut source)));
    assert!(caught.is_err());
    drop(source);
}

#[test]
fn what_the_driver_gives_is_what_counts_and_is_told() {
    let mut fake = Fake::new(b"YUYV", [FakeStep::Frame(vec![1; 32 * 24], None)]);
    fake.given = Box::new(|_| Ok(Given { fourcc: *b"GREY", width: 32, height: 24, stride: 32, fps: Some(15.0) }));
    let mut source = fake.started();
    let said = source.description().unwrap().to_owned();
    assert_eq!(said, "camera /dev/video7 (Fake): 32x24 GREY, 15 frames a second; asked for 64x48, 30 frames a second");
    let frame = fill(&mut source).unwrap();
    assert_eq!((frame.format, frame.width, frame.height), (PixelFormat::Grey, 32, 24));
    let said = Fake::new(b"YUYV", []).started().description().unwrap().to_owned();
    assert_eq!(said, "camera /dev/video7 (Fake): 64x48 YUYV, 30 frames a second");
}

#[test]
fn what_cannot_be_read_or_set_up_is_refused_with_the_cause() {
    let mut fake = Fake::new(b"RG10", []);
    assert!(refused(fake).contains("it has RG10"));
    // The driver sets up another format, which this program cannot read.
    fake = Fake::new(b"YUYV", []);
    fake.given = Box::new(|offer| Ok(Given { fourcc: *b"H264", ..give(offer) }));
    assert!(refused(fake).contains("no format this program reads"));
    for (code, says) in [(libc::EBUSY, "in use by"), (libc::EACCES, "usermod"), (libc::ENODEV, "unplugged")] {
        let mut fake = Fake::new(b"YUYV", []);
        fake.starts = VecDeque::from([code]);
        let said = refused(fake);
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a_bus_without_room_for_pixels_gets_jpeg() {
    let mut fake = Fake::new(b"YUYV", []);
    fake.offers.push(offer(b"MJPG"));
    fake.starts = VecDeque::from([libc::ENOSPC, 0]);
    assert!(fake.started().description().unwrap().contains("MJPG"));
    let mut fake = Fake::new(b"YUYV", []);
    fake.starts = VecDeque::from([libc::ENOSPC]);
    assert!(refused(fake).contains("USB port"));
}

#[test]
fn a_camera_that_is_faster_than_asked_for_is_thinned_out_evenly() {
    let mut steps = Vec::new();
    for number in 0..90 {
        steps.extend([grey(number), FakeStep::Quiet(33)]);
    }
    let mut source = Fake::new(b"GREY", steps).start_at(10.0).unwrap();
    let shades: Vec<u8> = (0..20).map(|_| fill(&mut source).unwrap().data[0]).collect();
    let gaps: Vec<u8> = shades.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| (2..=4).contains(gap)), "{gaps:?}");
    let mean = f64::from(shades[19] - shades[0]) / 19.0;
    assert!((2.8..3.3).contains(&mean), "{mean}");
}
