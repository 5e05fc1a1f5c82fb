//! GPIO lines as one driver reaches them, and why a line is not ours.

use super::pin::HardwarePin;

/// GPIO lines as one driver reaches them.
pub(super) trait Gpio {
    /// Makes the line of a BCM pin an output of this level.
    fn open(&mut self, pin: u8, high: bool) -> Result<HardwarePin, GpioError>;
}

/// Why a line is not ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpioError {
    /// The driver reaches no line at all.
    #[error("{0}")]
    Unavailable(String),
    /// There is no such line.
    #[error("this board has no GPIO {pin}; `edge-runtime doctor` lists its lines")]
    Unknown {
        /// BCM number.
        pin: u8,
    },
    /// Another program, or the kernel, holds the line.
    #[error("GPIO {pin} is held by `{holder}`: stop that, or wire the light to another pin")]
    Held {
        /// BCM number.
        pin: u8,
        /// Who holds it.
        holder: String,
    },
    /// The driver failed.
    #[error("GPIO {pin}: {reason}")]
    Failed {
        /// BCM number.
        pin: u8,
        /// What it says.
        reason: String,
    },
}
