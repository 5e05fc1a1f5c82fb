//! Lines through the registers of the pin controller, for kernels whose character device does not serve.

use super::board;
use super::gpio::{Gpio, GpioError};
use super::pin::{HardwarePin, InWords};
use std::panic::catch_unwind;

/// The registers, mapped into this process.
pub(super) struct Registers(::rppal::gpio::Gpio);

impl Registers {
    /// # Errors
    /// The board is unknown to rppal, or the user may not map its registers.
    pub(super) fn new() -> Result<Self, GpioError> {
        // A library that is no longer maintained must not take the run down.
        match catch_unwind(::rppal::gpio::Gpio::new) {
            Ok(Ok(gpio)) => Ok(Self(gpio)),
            Ok(Err(error)) => Err(GpioError::Unavailable(in_words(&error))),
            Err(_) => Err(GpioError::Unavailable("rppal panicked".to_owned())),
        }
    }
}

impl Gpio for Registers {
    fn open(&mut self, pin: u8, high: bool) -> Result<HardwarePin, GpioError> {
        // Registers know nothing of holders; the character device does, where it is there.
        if let Ok(line) = board::find(pin)
            && let Some(holder) = line.consumer
        {
            return Err(GpioError::Held { pin, holder });
        }
        let line = self.0.get(pin).map_err(|error| match error {
            ::rppal::gpio::Error::PinNotAvailable(pin) => GpioError::Unknown { pin },
            ::rppal::gpio::Error::PinUsed(pin) => GpioError::Held { pin, holder: "this program".to_owned() },
            other => GpioError::Failed { pin, reason: in_words(&other) },
        })?;
        let mut output = if high { line.into_output_high() } else { line.into_output_low() };
        // Lights are darkened by name at the end of a run; that the pin would float afterwards darkens nothing more.
        output.set_reset_on_drop(false);
        Ok(Box::new(InWords(output)))
    }
}

fn in_words(error: &::rppal::gpio::Error) -> String {
    match error {
        ::rppal::gpio::Error::UnknownModel => "it does not know this board".to_owned(),
        ::rppal::gpio::Error::PermissionDenied(path) => format!(
            "no permission to open {path}: add the user to the group gpio (sudo usermod -aG gpio $USER) and log in anew"
        ),
        other => other.to_string(),
    }
}
