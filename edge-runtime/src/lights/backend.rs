//! What drives the lights: the choice of a backend, and the pins it opens.

use super::gpio::{Gpio, GpioError};
use super::pin::LightPin;
use super::{Lights, LightsError, Memory, Wiring, board};

/// How the lights are driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LightsBackend {
    /// On a Raspberry Pi through its GPIO lines, elsewhere drawn in the terminal.
    Auto,
    /// GPIO lines through the kernel's character device.
    Gpiochip,
    /// GPIO lines through the pin controller's registers.
    Rppal,
    /// Drawn in the terminal.
    Terminal,
    /// Not at all.
    None,
}

/// What drives the lights, in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// The GPIO character device.
    Gpiochip,
    /// The registers of the pin controller.
    Rppal,
    /// The terminal alone.
    Terminal,
    /// Nothing.
    None,
}

impl Driver {
    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gpiochip => "gpiochip",
            Self::Rppal => "rppal",
            Self::Terminal => "terminal",
            Self::None => "none",
        }
    }
}

/// A machine on which drivers are tried.
pub(super) trait Machine {
    /// Whether its header is that of a Raspberry Pi.
    fn is_raspberry_pi(&self) -> bool;
    /// Opens a driver of GPIO lines; of the two that are.
    fn gpio(&self, driver: Driver) -> Result<Box<dyn Gpio>, GpioError>;
}

/// This machine.
pub(super) struct ThisMachine;

impl Machine for ThisMachine {
    fn is_raspberry_pi(&self) -> bool {
        board::is_raspberry_pi()
    }

    #[cfg(target_os = "linux")]
    fn gpio(&self, driver: Driver) -> Result<Box<dyn Gpio>, GpioError> {
        Ok(match driver {
            Driver::Rppal => Box::new(super::rppal::Registers::new()?),
            _ => Box::new(super::gpiochip::Gpiochip::new()?),
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn gpio(&self, _driver: Driver) -> Result<Box<dyn Gpio>, GpioError> {
        Err(GpioError::Unavailable("GPIO lines are driven on Linux only".to_owned()))
    }
}

/// Opens the lights of `wiring` through what `backend` asks for, and shows them in `memory`.
///
/// `auto` takes, on a Raspberry Pi, the character device where it can be opened and the registers where it cannot; on other
/// machines the terminal alone.
///
/// # Errors
/// No driver reaches any line, or a line is unknown, held by another program, or fails; named with its light.
pub fn open(
    backend: LightsBackend,
    wiring: &Wiring,
    memory: &Memory,
) -> Result<(Lights<LightPin>, Driver), LightsError> {
    open_on(&ThisMachine, backend, wiring, memory)
}

pub(super) fn open_on(
    machine: &dyn Machine,
    backend: LightsBackend,
    wiring: &Wiring,
    memory: &Memory,
) -> Result<(Lights<LightPin>, Driver), LightsError> {
    let (driver, mut gpio) = choose(machine, backend)?;
    if driver == Driver::None {
        return Ok((Lights::none(), driver));
    }
    let lights = Lights::open(wiring, |lamp| {
        let hardware = match (&mut gpio, lamp.pin) {
            (Some(gpio), Some(pin)) => Some(gpio.open(pin, lamp.active_low)?),
            _ => None,
        };
        Ok::<_, GpioError>(memory.pin(lamp).map(|shown| LightPin::new(shown, hardware)))
    })?;
    Ok((lights, driver))
}

type Chosen = (Driver, Option<Box<dyn Gpio>>);

fn choose(machine: &dyn Machine, backend: LightsBackend) -> Result<Chosen, LightsError> {
    let only = |driver: Driver| {
        let opened = machine.gpio(driver);
        opened
            .map(|gpio| (driver, Some(gpio)))
            .map_err(|reason| LightsError::NoDriver { tried: format!("{}: {reason}", driver.name()) })
    };
    match backend {
        LightsBackend::None => Ok((Driver::None, None)),
        LightsBackend::Terminal => Ok((Driver::Terminal, None)),
        LightsBackend::Gpiochip => only(Driver::Gpiochip),
        LightsBackend::Rppal => only(Driver::Rppal),
        LightsBackend::Auto if !machine.is_raspberry_pi() => Ok((Driver::Terminal, None)),
        LightsBackend::Auto => only(Driver::Gpiochip).or_else(|first| {
            let second = only(Driver::Rppal);
            match (first, second) {
                (LightsError::NoDriver { tried }, Ok(chosen)) => {
                    tracing::info!("{tried}");
                    Ok(chosen)
                }
                (LightsError::NoDriver { tried }, Err(LightsError::NoDriver { tried: too })) => {
                    Err(LightsError::NoDriver { tried: format!("{tried}; {too}") })
                }
                (first, _) => Err(first),
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::lights::pin::{HardwarePin, PinError};
    use crate::lights::{LampWiring, LightColour, darken_on_panic};
    use crate::mood::MoodState;
    use embedded_hal::digital::{ErrorType, OutputPin};
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    /// A header in memory: level of each output, and who holds which line.
    #[derive(Clone, Default)]
    struct Header {
        levels: Arc<Mutex<BTreeMap<u8, bool>>>,
        held: BTreeMap<u8, &'static str>,
        highest: u8,
        refuses: Vec<(Driver, &'static str)>,
        other_board: bool,
    }

    struct Wire(Header, u8);

    impl ErrorType for Wire {
        type Error = PinError;
    }

    impl OutputPin for Wire {
        fn set_low(&mut self) -> Result<(), PinError> {
            self.0.levels.lock().unwrap().insert(self.1, false);
            Ok(())
        }

        fn set_high(&mut self) -> Result<(), PinError> {
            self.0.levels.lock().unwrap().insert(self.1, true);
            Ok(())
        }
    }

    impl Gpio for Header {
        fn open(&mut self, pin: u8, high: bool) -> Result<HardwarePin, GpioError> {
            if pin > self.highest {
                return Err(GpioError::Unknown { pin });
            }
            if let Some(holder) = self.held.get(&pin) {
                return Err(GpioError::Held { pin, holder: (*holder).to_owned() });
            }
            self.levels.lock().unwrap().insert(pin, high);
            Ok(Box::new(Wire(self.clone(), pin)))
        }
    }

    impl Machine for Header {
        fn is_raspberry_pi(&self) -> bool {
            !self.other_board
        }

        fn gpio(&self, driver: Driver) -> Result<Box<dyn Gpio>, GpioError> {
            match self.refuses.iter().find(|(refused, _)| *refused == driver) {
                Some((_, why)) => Err(GpioError::Unavailable((*why).to_owned())),
                None => Ok(Box::new(self.clone())),
            }
        }
    }

    fn header() -> Header {
        Header { highest: 27, ..Header::default() }
    }

    fn wiring(active_low: bool) -> Wiring {
        let lamp = |name: &str, pin| LampWiring {
            name: name.to_owned(),
            pin: Some(pin),
            colour: LightColour::Red,
            active_low,
            dark: false,
        };
        Wiring { moods: vec![lamp("angry", 17), lamp("happy", 27)], camera: lamp("camera", 23) }
    }

    fn opened(header: &Header, backend: LightsBackend, active_low: bool) -> Result<(Lights<LightPin>, Driver), String> {
        let wiring = wiring(active_low);
        open_on(header, backend, &wiring, &Memory::new(&wiring)).map_err(|error| error.to_string())
    }

    fn driver(header: &Header, backend: LightsBackend) -> Result<Driver, String> {
        opened(header, backend, false).map(|(_, driver)| driver)
    }

    #[test]
    fn auto_takes_the_character_device_then_the_registers_and_elsewhere_the_terminal() {
        let mut machine = header();
        assert_eq!(driver(&machine, LightsBackend::Auto), Ok(Driver::Gpiochip));
        machine.refuses = vec![(Driver::Gpiochip, "no chips")];
        assert_eq!(driver(&machine, LightsBackend::Auto), Ok(Driver::Rppal));
        assert!(driver(&machine, LightsBackend::Gpiochip).unwrap_err().contains("gpiochip: no chips"));
        machine.refuses.push((Driver::Rppal, "no registers"));
        let error = driver(&machine, LightsBackend::Auto).unwrap_err();
        assert!(error.contains("gpiochip: no chips; rppal: no registers"), "{error}");
        machine.other_board = true;
        assert_eq!(driver(&machine, LightsBackend::Auto), Ok(Driver::Terminal));
        assert_eq!(driver(&machine, LightsBackend::None), Ok(Driver::None));
    }

    #[test]
    fn a_line_that_is_held_is_never_taken_through_another_driver() {
        let mut machine = header();
        machine.held.insert(27, "fan");
        let error = driver(&machine, LightsBackend::Auto).unwrap_err();
        assert!(error.contains("`happy`") && error.contains("GPIO 27 is held by `fan`"), "{error}");
        machine.held.clear();
        machine.highest = 20;
        let error = driver(&machine, LightsBackend::Auto).unwrap_err();
        assert!(error.contains("`camera`") || error.contains("`happy`") && error.contains("no GPIO 27"), "{error}");
    }

    #[test]
    fn lines_open_inactive_follow_the_lights_and_end_inactive() {
        for active_low in [false, true] {
            let machine = header();
            let levels = || machine.levels.lock().unwrap().values().map(|&high| high != active_low).collect::<Vec<_>>();
            let (mut lights, _) = opened(&machine, LightsBackend::Gpiochip, active_low).unwrap();
            assert_eq!(levels(), [false; 3], "pins 17, 23, 27");
            lights.show(MoodState::Mood(1), true, Duration::ZERO).unwrap();
            assert_eq!(levels(), [false, true, true]);
            lights.dark().unwrap();
            assert_eq!(levels(), [false; 3]);
        }
    }

    #[test]
    fn a_panic_drives_the_lines_inactive() {
        let machine = header();
        let (mut lights, _) = opened(&machine, LightsBackend::Rppal, true).unwrap();
        darken_on_panic(lights.dark_switch());
        lights.show(MoodState::Mood(0), true, Duration::ZERO).unwrap();
        assert!(machine.levels.lock().unwrap().values().any(|&high| !high));
        assert!(std::thread::spawn(|| panic!("a test's own panic")).join().is_err());
        assert!(machine.levels.lock().unwrap().values().all(|&high| high));
    }
}
