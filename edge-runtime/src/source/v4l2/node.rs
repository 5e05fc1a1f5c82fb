//! A video device's node, and the system calls that a camera needs.

use crate::source::video::driver::{BUFFERS, Driver, Filled, FourCc, Given, Offer};
use crate::source::video::negotiate::{encoding, nearness};
use std::fs::{File, OpenOptions};
use std::io;
use std::mem;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr;
use std::time::Duration;
use v4l::v4l_sys::*;
use v4l::v4l2::{self, vidioc};

const CAPTURE: u32 = v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE;
const MMAP: u32 = v4l2_memory_V4L2_MEMORY_MMAP;
/// Most entries that are read of a driver's list. A list that never ends is a driver bug.
const MAX_LIST: u32 = 256;

/// An open video device.
pub(in crate::source) struct Node {
    file: File,
    buffers: Vec<Mapping>,
}

/// What a device reports about itself.
pub(super) struct Card {
    pub driver: String,
    pub card: String,
    pub bus: String,
    /// `V4L2_CAP_` flags of this node.
    pub capabilities: u32,
}

/// Sizes a device offers for a format, in pixels.
pub(super) enum Sizes {
    /// These.
    Some(Vec<(u32, u32)>),
    /// All between the first and the second, in steps of the third.
    Between((u32, u32), (u32, u32), (u32, u32)),
}

impl Node {
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        Ok(Self { file, buffers: Vec::new() })
    }

    pub fn card(&self) -> io::Result<Card> {
        let mut found: v4l2_capability = zeroed();
        self.call(vidioc::VIDIOC_QUERYCAP, &mut found)?;
        let own = found.capabilities & V4L2_CAP_DEVICE_CAPS != 0;
        Ok(Card {
            driver: text(&found.driver),
            card: text(&found.card),
            bus: text(&found.bus_info),
            capabilities: if own { found.device_caps } else { found.capabilities },
        })
    }

    /// The formats the device captures in; none where it captures nothing.
    pub fn formats(&self) -> Vec<FourCc> {
        let described = list(|index| {
            let mut found = v4l2_fmtdesc { index, type_: CAPTURE, ..zeroed() };
            self.call(vidioc::VIDIOC_ENUM_FMT, &mut found).map(|()| found.pixelformat.to_le_bytes())
        });
        described.collect()
    }

    /// The sizes of a format; `None` if the driver does not report them.
    pub fn sizes(&self, fourcc: FourCc) -> Option<Sizes> {
        let mut sizes = Vec::new();
        for index in 0..MAX_LIST {
            let mut found = v4l2_frmsizeenum { index, pixel_format: u32::from_le_bytes(fourcc), ..zeroed() };
            if self.call(vidioc::VIDIOC_ENUM_FRAMESIZES, &mut found).is_err() {
                break;
            }
            let union = found.__bindgen_anon_1;
            if found.type_ == v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE {
                // SAFETY: the type says that this is what the kernel wrote; both members are numbers alone.
                let size = unsafe { union.discrete };
                sizes.push((size.width, size.height));
            } else {
                // SAFETY: as above.
                let range = unsafe { union.stepwise };
                let step = (range.step_width.max(1), range.step_height.max(1));
                return Some(Sizes::Between(
                    (range.min_width, range.min_height),
                    (range.max_width, range.max_height),
                    step,
                ));
            }
        }
        (!sizes.is_empty()).then_some(Sizes::Some(sizes))
    }

    /// Highest frame rate at a size; `None` if the driver does not report it.
    fn fastest(&self, fourcc: FourCc, width: u32, height: u32) -> Option<f64> {
        let rates = list(|index| {
            let pixel_format = u32::from_le_bytes(fourcc);
            let mut found = v4l2_frmivalenum { index, pixel_format, width, height, ..zeroed() };
            self.call(vidioc::VIDIOC_ENUM_FRAMEINTERVALS, &mut found)?;
            let union = found.__bindgen_anon_1;
            Ok(if found.type_ == v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE {
                // SAFETY: the type says that this is what the kernel wrote; both members are numbers alone.
                rate(unsafe { union.discrete })
            } else {
                // SAFETY: as above. The shortest interval makes the highest rate.
                rate(unsafe { union.stepwise.min })
            })
        });
        rates.flatten().max_by(f64::total_cmp)
    }

    fn call<T>(&self, request: vidioc::_IOC_TYPE, argument: &mut T) -> io::Result<()> {
        loop {
            // SAFETY: each request in this file is given the structure that its number is made of, which outlives the
            // call; the file is open.
            let answer = unsafe { v4l2::ioctl(self.file.as_raw_fd(), request, ptr::from_mut(argument).cast()) };
            match answer {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn stop(&mut self) {
        // A device that was unplugged returns errors, and has lost its buffers.
        let mut kind = CAPTURE;
        let _ = self.call(vidioc::VIDIOC_STREAMOFF, &mut kind);
        self.buffers.clear();
        let mut none = v4l2_requestbuffers { count: 0, type_: CAPTURE, memory: MMAP, ..zeroed() };
        let _ = self.call(vidioc::VIDIOC_REQBUFS, &mut none);
    }

    fn buffer(index: u32) -> v4l2_buffer {
        v4l2_buffer { index, type_: CAPTURE, memory: MMAP, ..zeroed() }
    }

    fn start_all(&mut self) -> io::Result<()> {
        let mut request = v4l2_requestbuffers { count: BUFFERS, type_: CAPTURE, memory: MMAP, ..zeroed() };
        self.call(vidioc::VIDIOC_REQBUFS, &mut request)?;
        for index in 0..request.count {
            let mut buffer = Self::buffer(index);
            self.call(vidioc::VIDIOC_QUERYBUF, &mut buffer)?;
            // SAFETY: for buffers of the kind asked for, the kernel writes the offset.
            let offset = unsafe { buffer.m.offset };
            self.buffers.push(Mapping::new(&self.file, buffer.length as usize, offset)?);
            self.call(vidioc::VIDIOC_QBUF, &mut buffer)?;
        }
        let mut kind = CAPTURE;
        self.call(vidioc::VIDIOC_STREAMON, &mut kind)
    }
}

impl Driver for Node {
    fn offers(&mut self, width: u32, height: u32) -> io::Result<Vec<Offer>> {
        let readable = self.formats().into_iter().filter(|fourcc| encoding(*fourcc).is_some());
        let offers = readable.map(|fourcc| {
            let (width, height) = match self.sizes(fourcc) {
                None => (width, height),
                Some(Sizes::Some(sizes)) => {
                    sizes.into_iter().min_by_key(|&size| nearness(size, width, height)).unwrap_or((width, height))
                }
                Some(Sizes::Between(least, most, step)) => {
                    let fit = |wanted: u32, least: u32, most: u32, step: u32| {
                        let steps = wanted.saturating_sub(least).div_ceil(step);
                        least.saturating_add(steps.saturating_mul(step)).min(most)
                    };
                    (fit(width, least.0, most.0, step.0), fit(height, least.1, most.1, step.1))
                }
            };
            Offer { fourcc, width, height, fps: self.fastest(fourcc, width, height) }
        });
        Ok(offers.collect())
    }

    fn configure(&mut self, offer: &Offer, fps: f64) -> io::Result<Given> {
        let mut format = v4l2_format { type_: CAPTURE, ..zeroed() };
        format.fmt.pix = v4l2_pix_format {
            width: offer.width,
            height: offer.height,
            pixelformat: u32::from_le_bytes(offer.fourcc),
            field: v4l2_field_V4L2_FIELD_ANY,
            ..zeroed()
        };
        self.call(vidioc::VIDIOC_S_FMT, &mut format)?;
        // SAFETY: for this type of buffer, the kernel writes this member; it is numbers alone.
        let pix = unsafe { format.fmt.pix };
        let mut parameters = v4l2_streamparm { type_: CAPTURE, ..zeroed() };
        let interval = v4l2_fract { numerator: 1000, denominator: (fps * 1000.0).round() as u32 };
        parameters.parm.capture = v4l2_captureparm { timeperframe: interval, ..zeroed() };
        // Many drivers do not know their frame rate; their frames are taken as they come.
        let told = self.call(vidioc::VIDIOC_S_PARM, &mut parameters).is_ok();
        // SAFETY: as above.
        let given = unsafe { parameters.parm.capture };
        Ok(Given {
            fourcc: pix.pixelformat.to_le_bytes(),
            width: pix.width,
            height: pix.height,
            stride: pix.bytesperline as usize,
            fps: told.then(|| rate(given.timeperframe)).flatten(),
        })
    }

    fn start(&mut self) -> io::Result<()> {
        let started = self.start_all();
        if started.is_err() {
            self.stop();
        }
        started
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<bool> {
        let mut state = libc::pollfd { fd: self.file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX).max(1);
        // SAFETY: one structure is given, which outlives the call.
        match unsafe { libc::poll(&mut state, 1, millis) } {
            -1 => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
                error => Err(error),
            },
            0 => Ok(false),
            _ if state.revents & libc::POLLIN != 0 => Ok(true),
            // There is nothing to read, now or later: dequeuing a buffer returns the reason.
            _ => match self.dequeue() {
                Err(error) => Err(error),
                Ok(_) => Err(io::Error::from_raw_os_error(libc::ENODEV)),
            },
        }
    }

    fn dequeue(&mut self) -> io::Result<Option<Filled>> {
        let mut buffer = Self::buffer(0);
        match self.call(vidioc::VIDIOC_DQBUF, &mut buffer) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
        let monotonic = buffer.flags & V4L2_BUF_FLAG_TIMESTAMP_MASK == V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
        let (seconds, micros) = (buffer.timestamp.tv_sec, buffer.timestamp.tv_usec);
        let taken = u64::try_from(seconds).ok().zip(u64::try_from(micros).ok());
        Ok(Some(Filled {
            index: buffer.index,
            used: buffer.bytesused as usize,
            damaged: buffer.flags & V4L2_BUF_FLAG_ERROR != 0,
            taken: taken
                .filter(|_| monotonic)
                .map(|(seconds, micros)| Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros))),
        }))
    }

    fn bytes<'a>(&'a self, filled: &Filled) -> &'a [u8] {
        self.buffers.get(filled.index as usize).map_or(&[], Mapping::bytes)
    }

    fn queue(&mut self, filled: Filled) -> io::Result<()> {
        self.call(vidioc::VIDIOC_QBUF, &mut Self::buffer(filled.index))
    }

    fn now(&self) -> Duration {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: one structure is given, which outlives the call.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
        Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if !self.buffers.is_empty() {
            self.stop();
        }
    }
}

/// A driver's buffer in this program's memory.
struct Mapping {
    start: *mut libc::c_void,
    length: usize,
}

// SAFETY: the memory belongs to the process, not to a thread, and one thread at a time has the node that owns this.
unsafe impl Send for Mapping {}

impl Mapping {
    fn new(file: &File, length: usize, offset: u32) -> io::Result<Self> {
        let (access, sharing) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        let offset = offset as libc::off_t;
        // SAFETY: the kernel chooses where the memory lies; length and offset are the driver's own.
        let start = unsafe { v4l2::mmap(ptr::null_mut(), length, access, sharing, file.as_raw_fd(), offset) }?;
        Ok(Self { start, length })
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the memory is mapped with this length until the mapping is dropped; the driver writes to it only while
        // the buffer is queued, and it is read only while it is not.
        unsafe { std::slice::from_raw_parts(self.start.cast(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: what `new` mapped is unmapped once. An error would leave it mapped, which harms nothing.
        let _ = unsafe { v4l2::munmap(self.start, self.length) };
    }
}

/// The entries of a list that a driver numbers, up to the first it does not have.
fn list<T>(entry: impl Fn(u32) -> io::Result<T>) -> impl Iterator<Item = T> {
    (0..MAX_LIST).map_while(move |index| entry(index).ok())
}

/// A structure of the kernel's with all fields zero, which is how requests want those that do not matter.
fn zeroed<T: Copy>() -> T {
    // SAFETY: in this file, `T` is one of the kernel's structures: numbers, unions of numbers, and pointers of C.
    unsafe { mem::zeroed() }
}

fn rate(interval: v4l2_fract) -> Option<f64> {
    let rate = f64::from(interval.denominator) / f64::from(interval.numerator);
    (rate.is_finite() && rate > 0.0).then_some(rate)
}

/// A text of the kernel's, up to its first zero; names may be cut off in the middle of a letter.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rates_and_names_of_odd_drivers() {
        let fraction = |numerator, denominator| rate(v4l2_fract { numerator, denominator });
        assert_eq!(fraction(1, 30), Some(30.0));
        assert_eq!((fraction(0, 30), fraction(0, 0), fraction(5, 0)), (None, None, None));
        assert_eq!(text(b"HD Webcam\0\0rest"), "HD Webcam");
        assert_eq!(text(b"caf\xc3"), "caf\u{fffd}");
    }

    #[test]
    fn what_is_no_video_device_says_so_without_a_panic() {
        let node = Node::open(Path::new("/dev/null")).unwrap();
        assert_eq!(node.card().err().unwrap().raw_os_error(), Some(libc::ENOTTY));
        assert!(node.formats().is_empty() && node.sizes(*b"YUYV").is_none());
        let mut node = node;
        let offer = Offer { fourcc: *b"YUYV", width: 640, height: 480, fps: None };
        assert!(node.configure(&offer, 30.0).is_err() && node.start().is_err() && node.dequeue().is_err());
    }
}
