//! A pin of whichever backend drives the lights.

use super::MemoryPin;
use embedded_hal::digital::{ErrorKind, ErrorType, OutputPin};
use std::fmt::{self, Debug};

/// What a pin's driver said, in words.
#[derive(Clone, PartialEq, Eq)]
pub struct PinError(pub String);

impl Debug for PinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl embedded_hal::digital::Error for PinError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// A line of the board, as an output.
pub type HardwarePin = Box<dyn OutputPin<Error = PinError> + Send>;

/// A pin in memory, which the terminal draws, and the line of the board that follows it, if there is one.
pub struct LightPin {
    shown: MemoryPin,
    hardware: Option<HardwarePin>,
}

impl LightPin {
    /// A pin that is shown, and drives `hardware` too.
    pub fn new(shown: MemoryPin, hardware: Option<HardwarePin>) -> Self {
        Self { shown, hardware }
    }
}

impl ErrorType for LightPin {
    type Error = PinError;
}

impl OutputPin for LightPin {
    fn set_low(&mut self) -> Result<(), PinError> {
        self.hardware.as_mut().map_or(Ok(()), |pin| pin.set_low())?;
        self.shown.set_low().map_err(in_words)
    }

    fn set_high(&mut self) -> Result<(), PinError> {
        self.hardware.as_mut().map_or(Ok(()), |pin| pin.set_high())?;
        self.shown.set_high().map_err(in_words)
    }
}

/// A driver's pin, with its errors in words.
pub(super) struct InWords<P>(pub P);

impl<P> ErrorType for InWords<P> {
    type Error = PinError;
}

impl<P: OutputPin> OutputPin for InWords<P> {
    fn set_low(&mut self) -> Result<(), PinError> {
        self.0.set_low().map_err(in_words)
    }

    fn set_high(&mut self) -> Result<(), PinError> {
        self.0.set_high().map_err(in_words)
    }
}

fn in_words(error: impl Debug) -> PinError {
    PinError(format!("{error:?}"))
}
