//! The lights: one output pin a mood, and one that shows that the camera is on.

mod backend;
pub mod board;
mod dark;
mod error;
mod gpio;
#[cfg(target_os = "linux")]
mod gpiochip;
mod lamp;
mod memory;
mod own;
mod pin;
#[cfg(target_os = "linux")]
mod rppal;
mod wiring;

use crate::mood::{MoodSet, MoodState};
pub use backend::{Driver, LightsBackend, open};
pub use dark::{DarkSwitch, dark_after_panic, darken_on_panic};
use embedded_hal::digital::OutputPin;
pub use error::LightsError;
pub use gpio::GpioError;
use lamp::{Lamp, Shared};
pub use memory::{Change, Memory, MemoryPin};
pub use own::{BackendPin, LightBackend};
pub use pin::{LightPin, PinError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
pub use wiring::{LampWiring, LightColour, Wiring};

/// Half a period of the blinking that says fault.
pub const BLINK: Duration = Duration::from_millis(250);

/// The lights of a model's moods, and the camera light.
///
/// One mood is lit at most, unless every face counts. The camera light is lit while frames arrive, and blinks on a fault. `Drop` does nothing:
/// [`Lights::dark`] is called at the end of a run, and [`DarkSwitch`] by the panic hook and on signals.
pub struct Lights<P> {
    /// By label index.
    moods: Vec<Option<Shared<P>>>,
    camera: Option<Shared<P>>,
    dark: MoodSet,
}

impl<P: OutputPin + Send + 'static> Lights<P> {
    /// Opens the pins of `wiring` through `pin_of` and drives each inactive at once. `pin_of` may return `None` for a
    /// light that the backend has no pin for.
    ///
    /// # Errors
    /// A pin that cannot be opened or driven; what was driven until then is inactive.
    pub fn open<E: std::fmt::Display>(
        wiring: &Wiring,
        mut pin_of: impl FnMut(&LampWiring) -> Result<Option<P>, E>,
    ) -> Result<Self, LightsError> {
        let mut lamp = |wired: &LampWiring| -> Result<Option<Shared<P>>, LightsError> {
            if wired.dark {
                return Ok(None);
            }
            let name = wired.name.clone();
            let pin =
                pin_of(wired).map_err(|error| LightsError::Open { light: name.clone(), reason: error.to_string() })?;
            let Some(pin) = pin else { return Ok(None) };
            let mut lamp = Lamp { pin, name, active_low: wired.active_low, lit: None };
            lamp.set(false)?;
            Ok(Some(Arc::new(Mutex::new(lamp))))
        };
        let moods = wiring.moods.iter().map(&mut lamp).collect::<Result<_, _>>()?;
        Ok(Self { moods, camera: lamp(&wiring.camera)?, dark: wiring.dark() })
    }

    /// No lights at all.
    pub fn none() -> Self {
        Self { moods: Vec::new(), camera: None, dark: MoodSet::NONE }
    }

    /// The moods that have no light.
    pub fn dark_moods(&self) -> MoodSet {
        self.dark
    }

    /// Shows `state` at time `now` of any monotonic clock, which times the blinking; `capturing` says whether frames
    /// arrive. Pins that need no change are not touched, and a mood is darkened before another is lit.
    ///
    /// # Errors
    /// A pin that cannot be driven; the others are driven nevertheless.
    pub fn show(&mut self, state: MoodState, capturing: bool, now: Duration) -> Result<(), LightsError> {
        self.show_all(state, MoodSet::of(state), capturing, now)
    }

    /// The same with several moods lit at once.
    ///
    /// # Errors
    /// As [`Lights::show`].
    pub fn show_all(
        &mut self,
        state: MoodState,
        moods: MoodSet,
        capturing: bool,
        now: Duration,
    ) -> Result<(), LightsError> {
        let lit = |index: usize| moods.contains(index);
        let camera = match state {
            MoodState::Fault => (now.as_millis() / BLINK.as_millis()).is_multiple_of(2),
            _ => capturing,
        };
        let moods = || self.moods.iter().enumerate();
        let dark = moods().filter(|(index, _)| !lit(*index)).map(|(_, lamp)| set(lamp, false));
        let bright = moods().filter(|(index, _)| lit(*index)).map(|(_, lamp)| set(lamp, true));
        first_error(dark.chain(bright).chain([set(&self.camera, camera)]))
    }

    /// Drives every pin inactive, whatever it was before.
    ///
    /// # Errors
    /// A pin that cannot be driven; the others are driven nevertheless.
    pub fn dark(&mut self) -> Result<(), LightsError> {
        first_error(self.all().map(|lamp| {
            let mut lamp = lamp.lock().unwrap_or_else(PoisonError::into_inner);
            lamp.lit = None;
            lamp.set(false)
        }))
    }

    /// A switch that darkens these lights from anywhere.
    pub fn dark_switch(&self) -> DarkSwitch {
        DarkSwitch::new(self.all().cloned().collect())
    }

    fn all(&self) -> impl Iterator<Item = &Shared<P>> {
        self.moods.iter().chain([&self.camera]).flatten()
    }
}

fn set<P: OutputPin>(lamp: &Option<Shared<P>>, lit: bool) -> Result<(), LightsError> {
    match lamp {
        Some(lamp) => lamp.lock().unwrap_or_else(PoisonError::into_inner).set(lit),
        None => Ok(()),
    }
}

/// Runs every step, and returns the first failure.
fn first_error(steps: impl Iterator<Item = Result<(), LightsError>>) -> Result<(), LightsError> {
    steps.fold(Ok(()), Result::and)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::convert::Infallible;
    use std::panic::catch_unwind;

    fn wiring(active_low: bool) -> Wiring {
        let lamp = |name: &str| LampWiring {
            name: name.to_owned(),
            pin: None,
            colour: LightColour::Red,
            active_low,
            dark: false,
        };
        Wiring { moods: vec![lamp("angry"), lamp("happy")], camera: lamp("camera") }
    }

    #[test]
    fn a_mood_without_a_light_leaves_all_dark() {
        let mut wiring = wiring(false);
        wiring.moods[1].dark = true;
        let memory = Memory::new(&wiring);
        let mut lights = Lights::open(&wiring, |lamp| Ok::<_, Infallible>(memory.pin(lamp))).unwrap();
        assert_eq!(lights.dark_moods(), MoodSet::of(MoodState::Mood(1)));
        lights.show(MoodState::Mood(0), true, Duration::ZERO).unwrap();
        assert_eq!(memory.lit(), ["angry", "camera"]);
        lights.show(MoodState::Mood(1), true, Duration::ZERO).unwrap();
        assert_eq!(memory.lit(), ["camera"]);
    }

    fn lights(active_low: bool) -> (Lights<MemoryPin>, Memory) {
        let wiring = wiring(active_low);
        let memory = Memory::new(&wiring);
        let lights = Lights::open(&wiring, |lamp| Ok::<_, Infallible>(memory.pin(lamp))).unwrap();
        (lights, memory)
    }

    const ON: Duration = Duration::ZERO;

    #[test]
    fn a_mood_lights_its_own_light_and_only_that() {
        let (mut lights, memory) = lights(false);
        assert_eq!(memory.lit(), [""; 0]);
        lights.show(MoodState::Mood(0), true, ON).unwrap();
        assert_eq!(memory.lit(), ["angry", "camera"]);
        lights.show(MoodState::Mood(1), true, ON).unwrap();
        assert_eq!(memory.lit(), ["happy", "camera"]);
        // The old mood went dark before the new one lit up.
        let changes: Vec<_> = memory.history().iter().map(|change| (change.light.clone(), change.lit)).collect();
        assert_eq!(changes[changes.len() - 2..], [("angry".to_owned(), false), ("happy".to_owned(), true)]);
        for state in [MoodState::Unsure, MoodState::NoFace] {
            lights.show(state, true, ON).unwrap();
            assert_eq!(memory.lit(), ["camera"]);
        }
        lights.dark().unwrap();
        assert_eq!(memory.lit(), [""; 0]);
    }

    #[test]
    fn the_camera_light_tells_the_truth_and_blinks_on_a_fault() {
        let (mut lights, memory) = lights(false);
        lights.show(MoodState::Mood(1), false, ON).unwrap();
        assert_eq!(memory.lit(), ["happy"]);
        let blinks: Vec<_> = (0..4)
            .map(|half| {
                lights.show(MoodState::Fault, false, BLINK * half).unwrap();
                memory.lit().len()
            })
            .collect();
        assert_eq!(blinks, [1, 0, 1, 0]);
    }

    #[test]
    fn active_low_pins_are_high_when_dark() {
        let (mut lights, memory) = lights(true);
        assert!(memory.levels().iter().all(|&high| high));
        lights.show(MoodState::Mood(0), true, ON).unwrap();
        assert_eq!(memory.levels(), [false, true, false]);
        lights.dark().unwrap();
        assert!(memory.levels().iter().all(|&high| high));
    }

    #[test]
    fn what_needs_no_change_is_not_driven() {
        let (mut lights, memory) = lights(false);
        let before = memory.history().len();
        for _ in 0..10 {
            lights.show(MoodState::Mood(0), true, ON).unwrap();
        }
        assert_eq!(memory.history().len(), before + 2);
    }

    #[test]
    fn a_panic_darkens_and_the_lights_work_on() {
        let (mut lights, memory) = lights(false);
        darken_on_panic(lights.dark_switch());
        lights.show(MoodState::Mood(0), true, ON).unwrap();
        let dark = catch_unwind(|| panic!("a test's own panic")).is_err();
        assert!(dark && memory.lit().is_empty(), "{:?}", memory.lit());
        lights.show(MoodState::Mood(0), true, ON).unwrap();
        assert_eq!(memory.lit(), ["angry", "camera"]);
    }

    #[test]
    fn while_the_program_is_stopped_nobody_lights_anything() {
        let (mut lights, memory) = lights(false);
        lights.show(MoodState::Mood(0), true, ON).unwrap();
        let switch = lights.dark_switch();
        let (mut lights, mut other) = (Some(lights), None);
        switch.dark_during(&mut || {
            assert_eq!(memory.lit(), [""; 0]);
            let mut lights = lights.take().unwrap();
            other = Some(std::thread::spawn(move || {
                lights.show(MoodState::Mood(0), true, ON).unwrap();
                lights
            }));
            std::thread::sleep(Duration::from_millis(50));
            assert_eq!(memory.lit(), [""; 0]);
        });
        let _kept = other.unwrap().join().unwrap();
        assert_eq!(memory.lit(), ["angry", "camera"]);
    }

    /// A pin whose driver panics the first time that it is lit, when it is already.
    struct Panicking {
        pin: MemoryPin,
        panics: bool,
    }

    impl embedded_hal::digital::ErrorType for Panicking {
        type Error = <MemoryPin as embedded_hal::digital::ErrorType>::Error;
    }

    impl OutputPin for Panicking {
        fn set_low(&mut self) -> Result<(), Self::Error> {
            self.pin.set_low()
        }

        fn set_high(&mut self) -> Result<(), Self::Error> {
            self.pin.set_high()?;
            assert!(!std::mem::take(&mut self.panics), "a driver's own panic");
            Ok(())
        }
    }

    #[test]
    fn a_panic_inside_a_pins_driver_leaves_that_pin_dark_too() {
        let wiring = wiring(false);
        let memory = Memory::new(&wiring);
        let pin = |lamp: &LampWiring| memory.pin(lamp).map(|pin| Panicking { pin, panics: lamp.name == "happy" });
        let mut lights = Lights::open(&wiring, |lamp| Ok::<_, Infallible>(pin(lamp))).unwrap();
        let switch = lights.dark_switch();
        darken_on_panic(switch.clone());
        let work = || dark_after_panic(&switch, || lights.show(MoodState::Mood(1), true, ON));
        assert!(catch_unwind(std::panic::AssertUnwindSafe(work)).is_err());
        assert_eq!(memory.lit(), [""; 0]);
    }

    #[test]
    fn a_pin_that_fails_is_named_and_the_others_are_driven() {
        let (mut lights, memory) = lights(false);
        lights.show(MoodState::Mood(0), true, ON).unwrap();
        memory.fail("angry", true);
        let error = lights.dark().unwrap_err();
        assert!(matches!(&error, LightsError::Drive { light, .. } if light == "angry"), "{error}");
        assert_eq!(memory.lit(), ["angry"]);
        memory.fail("angry", false);
        lights.show(MoodState::Unsure, false, ON).unwrap();
        assert_eq!(memory.lit(), [""; 0]);
    }
}
