//! The driver of a video device, as far as a source of frames needs it.

use std::io;
use std::time::Duration;

/// A format's code, as `linux/videodev2.h` has it.
pub(in crate::source) type FourCc = [u8; 4];

/// Buffers asked of a driver: one being filled, one ready, and two for when this thread is late.
pub(in crate::source) const BUFFERS: u32 = 4;

/// A format and size a camera says it delivers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::source) struct Offer {
    pub fourcc: FourCc,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Most frames a second at that size; `None` where the driver does not say.
    pub fps: Option<f64>,
}

/// What a driver set up for a requested offer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::source) struct Given {
    pub fourcc: FourCc,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Bytes from one row of the first plane to the next; 0 where that has no meaning.
    pub stride: usize,
    /// Frames a second; `None` where the driver does not say.
    pub fps: Option<f64>,
}

/// A buffer that the driver filled, until it is queued again.
#[derive(Debug)]
pub(in crate::source) struct Filled {
    /// Which of the buffers.
    pub index: u32,
    /// Bytes of it that are in use.
    pub used: usize,
    /// The driver says that the content is damaged.
    pub damaged: bool,
    /// Capture time on the system's monotonic clock; `None` if the driver uses another clock.
    pub taken: Option<Duration>,
}

/// A video device that was opened. Errors are the system's.
pub(in crate::source) trait Driver: Send {
    /// The formats that it offers and this program reads, each at the size nearest to `width` x `height`.
    fn offers(&mut self, width: u32, height: u32) -> io::Result<Vec<Offer>>;

    /// Requests an offer at `fps` frames a second, and returns what the driver set up.
    fn configure(&mut self, offer: &Offer, fps: f64) -> io::Result<Given>;

    /// Makes the buffers, queues them all and starts capturing.
    fn start(&mut self) -> io::Result<()>;

    /// Waits up to `timeout` for a filled buffer, and returns whether there is one.
    fn wait(&mut self, timeout: Duration) -> io::Result<bool>;

    /// Takes the oldest filled buffer; `None` where there is none.
    fn dequeue(&mut self) -> io::Result<Option<Filled>>;

    /// The bytes of a filled buffer.
    fn bytes<'a>(&'a self, filled: &Filled) -> &'a [u8];

    /// Gives a buffer back to be filled again.
    fn queue(&mut self, filled: Filled) -> io::Result<()>;

    /// The system's monotonic clock, on which [`Filled::taken`] counts.
    fn now(&self) -> Duration;
}
