//! Lines of the GPIO character device, requested by name.

use super::board::{self, GpioLine};
use super::gpio::{Gpio, GpioError};
use super::pin::{HardwarePin, InWords};
use gpiocdev::Request;
use gpiocdev::line::Value;
use gpiocdev_embedded_hal::OutputPin;

/// The character device of the kernel.
pub(super) struct Gpiochip;

impl Gpiochip {
    /// # Errors
    /// There is no chip with the header's lines, or the user may not open it.
    pub(super) fn new() -> Result<Self, GpioError> {
        match board::find(17) {
            Err(refused @ GpioError::Unavailable(_)) => Err(refused),
            _ => Ok(Self),
        }
    }
}

impl Gpio for Gpiochip {
    fn open(&mut self, pin: u8, high: bool) -> Result<HardwarePin, GpioError> {
        let line = board::find(pin)?;
        if let Some(holder) = line.consumer {
            return Err(GpioError::Held { pin, holder });
        }
        let level = if high { Value::Active } else { Value::Inactive };
        // The level comes with the request, so that the light does not flash when the line becomes an output.
        let request = Request::builder()
            .with_consumer(board::CONSUMER)
            .on_chip(&line.chip)
            .with_line(line.offset)
            .as_output(level)
            .request()
            .map_err(|error| refused(pin, error.to_string(), board::find(pin).ok()))?;
        let output =
            OutputPin::try_from(request).map_err(|error| GpioError::Failed { pin, reason: format!("{error:?}") })?;
        Ok(Box::new(InWords(output)))
    }
}

/// Why a line that was free a moment ago was not handed over: another program may have been quicker, which shows in what the
/// line is `now`.
fn refused(pin: u8, reason: String, now: Option<GpioLine>) -> GpioError {
    match now.and_then(|line| line.consumer) {
        Some(holder) => GpioError::Held { pin, holder },
        None => GpioError::Failed { pin, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_was_quicker_is_named_and_other_failures_are_told_as_they_are() {
        let refused_while = |consumer: Option<&str>| {
            let (chip, name, consumer) = ("/dev/gpiochip0".into(), "GPIO17".to_owned(), consumer.map(str::to_owned));
            refused(17, "busy".to_owned(), Some(GpioLine { chip, offset: 17, name, consumer, output: true }))
        };
        assert_eq!(refused_while(Some("fan")), GpioError::Held { pin: 17, holder: "fan".to_owned() });
        let failed = GpioError::Failed { pin: 17, reason: "busy".to_owned() };
        assert_eq!(refused_while(None), failed);
        assert_eq!(refused(17, "busy".to_owned(), None), failed);
    }
}
