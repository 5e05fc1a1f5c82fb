//! The GPIO lines of this machine, and who holds them.

use super::GpioError;
use std::path::{Path, PathBuf};

/// The name our lines bear while we hold them.
pub const CONSUMER: &str = "moodlight";

/// Where the kernel names the board.
const MODEL: &str = "/proc/device-tree/model";

/// Highest BCM number on a Raspberry Pi's 40-pin header.
pub const HIGHEST_PIN: u8 = 27;

/// One line of a GPIO chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpioLine {
    /// The chip's device, such as `/dev/gpiochip0`.
    pub chip: PathBuf,
    /// The line's number on its chip.
    pub offset: u32,
    /// The name the board gives it, such as `GPIO17`.
    pub name: String,
    /// Who holds it; `None` if it is free.
    pub consumer: Option<String>,
    /// Whether it is an output now.
    pub output: bool,
}

/// The visible lines of the header, BCM 0 to 27 in order. None if this machine has no such header, or the user may not
/// read it.
pub fn header_lines() -> Vec<GpioLine> {
    (0..=HIGHEST_PIN).filter_map(|pin| find(pin).ok()).collect()
}

/// Whether this is a Raspberry Pi: by its name, or by the lines it has.
pub fn is_raspberry_pi() -> bool {
    let named = std::fs::read(MODEL).is_ok_and(|name| name.starts_with(b"Raspberry Pi"));
    named || find(17).is_ok_and(|line| line.name == "GPIO17")
}

/// The line of a BCM pin: the one that is named so, or where the header's chip names its lines otherwise (as it does those
/// with a second purpose, such as `SDA1`), the one of that number there.
///
/// # Errors
/// No chip, none that the user may open, or none with such a line.
#[cfg(target_os = "linux")]
pub fn find(pin: u8) -> Result<GpioLine, GpioError> {
    use gpiocdev::chip::{Chip, chips};

    let paths = chips().map_err(|error| cannot_open(Path::new("/dev/gpiochip0"), &error.to_string()))?;
    if paths.is_empty() {
        return Err(GpioError::Unavailable("there is no /dev/gpiochip*".to_owned()));
    }
    let (mut named, mut numbered, mut refused, mut opened) = (None, None, None, false);
    for path in paths {
        let seen = Chip::from_path(&path).and_then(|chip| {
            let label = chip.info()?.label;
            // The header hangs on the board's own pin controller: pinctrl-bcm2835, -bcm2711, -rp1.
            let header = label.starts_with("pinctrl-");
            if let Some(info) = chip.find_line_info(&format!("GPIO{pin}")) {
                named = named.take().filter(|_| !header).or(Some(line(&path, info)));
            } else if header && let Ok(info) = chip.line_info(u32::from(pin)) {
                numbered = numbered.take().or(Some(line(&path, info)));
            }
            Ok(())
        });
        match seen {
            Ok(()) => opened = true,
            Err(error) => refused = refused.take().or(Some(cannot_open(&path, &error.to_string()))),
        }
    }
    match (named.or(numbered), refused) {
        (Some(line), _) => Ok(line),
        (None, Some(refused)) if !opened => Err(refused),
        (None, _) => Err(GpioError::Unknown { pin }),
    }
}

/// Other systems have no such lines.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn find(_pin: u8) -> Result<GpioLine, GpioError> {
    Err(GpioError::Unavailable("GPIO lines are driven on Linux only".to_owned()))
}

#[cfg(target_os = "linux")]
fn line(chip: &Path, info: gpiocdev::line::Info) -> GpioLine {
    let holder = if info.consumer.is_empty() { "the kernel".to_owned() } else { info.consumer };
    GpioLine {
        chip: chip.to_owned(),
        offset: info.offset,
        name: info.name,
        consumer: info.used.then_some(holder),
        output: info.direction == gpiocdev::line::Direction::Output,
    }
}

/// Why a chip cannot be opened, with what to do where that is known.
#[cfg(target_os = "linux")]
fn cannot_open(path: &Path, reason: &str) -> GpioError {
    let denied = std::fs::File::open(path).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied);
    GpioError::Unavailable(if denied {
        format!(
            "no permission to open {}: add the user to the group gpio (sudo usermod -aG gpio $USER) and log in anew",
            path.display()
        )
    } else {
        format!("cannot open {}: {reason}", path.display())
    })
}
