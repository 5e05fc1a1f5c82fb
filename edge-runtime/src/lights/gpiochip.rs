//! Lines of the GPIO character device, requested by name.

use super::backend::{Gpio, Refusal};
use super::board;
use super::pin::{HardwarePin, InWords};
use gpiocdev::Request;
use gpiocdev::line::Value;
use gpiocdev_embedded_hal::OutputPin;

/// The character device of the kernel.
pub(super) struct Gpiochip;

impl Gpiochip {
    /// # Errors
    /// There is no chip with the header's lines, or the user may not open it.
    pub(super) fn new() -> Result<Self, Refusal> {
        match board::find(17) {
            Err(refused @ Refusal::Unavailable(_)) => Err(refused),
            _ => Ok(Self),
        }
    }
}

impl Gpio for Gpiochip {
    fn open(&mut self, pin: u8, high: bool) -> Result<HardwarePin, Refusal> {
        let line = board::find(pin)?;
        if let Some(holder) = line.consumer {
            return Err(Refusal::Held { pin, holder });
        }
        let level = if high { Value::Active } else { Value::Inactive };
        // The level comes with the request, so that the light does not flash when the line becomes an output.
        let request = Request::builder()
            .with_consumer(board::CONSUMER)
            .on_chip(&line.chip)
            .with_line(line.offset)
            .as_output(level)
            .request()
            .map_err(|error| Refusal::Failed { pin, reason: error.to_string() })?;
        let output =
            OutputPin::try_from(request).map_err(|error| Refusal::Failed { pin, reason: format!("{error:?}") })?;
        Ok(Box::new(InWords(output)))
    }
}
