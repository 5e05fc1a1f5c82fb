//! Lights of somebody's own: anything that can show a colour at a level.

use super::pin::PinError;
use super::{LampWiring, Lights, LightsError, Wiring};
use embedded_hal::digital::{ErrorType, OutputPin};
use std::convert::Infallible;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

/// Shows lights, one by one. It is called on the frame path, and by the panic hook and on signals: it must not block.
pub trait LightBackend: Send {
    /// Why a light cannot be shown.
    type Error: Display;

    /// Shows a light, with its name and colour, at a level from 0, which is dark, to 1.
    ///
    /// # Errors
    /// It cannot be shown; the run then ends with all others dark.
    fn show(&mut self, light: &LampWiring, level: f32) -> Result<(), Self::Error>;
}

/// A light of a [`LightBackend`], as the pin that [`Lights`] drive.
pub struct BackendPin<B> {
    backend: Arc<Mutex<B>>,
    light: LampWiring,
}

impl<B: LightBackend> BackendPin<B> {
    fn show(&mut self, level: f32) -> Result<(), PinError> {
        let mut backend = self.backend.lock().unwrap_or_else(PoisonError::into_inner);
        backend.show(&self.light, level).map_err(|error| PinError(error.to_string()))
    }
}

impl<B> ErrorType for BackendPin<B> {
    type Error = PinError;
}

impl<B: LightBackend> OutputPin for BackendPin<B> {
    fn set_low(&mut self) -> Result<(), PinError> {
        self.show(0.0)
    }

    fn set_high(&mut self) -> Result<(), PinError> {
        self.show(1.0)
    }
}

impl<B: LightBackend + 'static> Lights<BackendPin<B>> {
    /// The lights of `wiring`, shown by `backend`; each is dark at once.
    ///
    /// # Errors
    /// A light that cannot be shown.
    pub fn of_backend(wiring: &Wiring, backend: Arc<Mutex<B>>) -> Result<Self, LightsError> {
        // A level has no wiring: 0 is dark, whatever a pin would be.
        let plain = |lamp: &LampWiring| LampWiring { active_low: false, ..lamp.clone() };
        let wiring = Wiring { moods: wiring.moods.iter().map(plain).collect(), camera: plain(&wiring.camera) };
        let pin = |lamp: &LampWiring| BackendPin { backend: Arc::clone(&backend), light: lamp.clone() };
        Self::open(&wiring, |lamp| Ok::<_, Infallible>(Some(pin(lamp))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::lights::LightColour;
    use crate::mood::MoodState;
    use std::collections::BTreeMap;
    use std::time::Duration;

    #[derive(Default)]
    struct Wall(BTreeMap<String, (LightColour, f32)>);

    impl LightBackend for Wall {
        type Error = String;

        fn show(&mut self, light: &LampWiring, level: f32) -> Result<(), String> {
            self.0.insert(light.name.clone(), (light.colour, level));
            if light.name == "broken" { Err("a fuse".to_owned()) } else { Ok(()) }
        }
    }

    fn wiring(name: &str) -> Wiring {
        let lamp =
            |name: &str, colour| LampWiring { name: name.to_owned(), pin: None, colour, active_low: true, dark: false };
        Wiring { moods: vec![lamp(name, LightColour::Red)], camera: lamp("camera", LightColour::White) }
    }

    #[test]
    fn a_backend_of_ones_own_gets_colours_and_levels() {
        let wall = Arc::new(Mutex::new(Wall::default()));
        let mut lights = Lights::of_backend(&wiring("angry"), Arc::clone(&wall)).unwrap();
        let levels = || wall.lock().unwrap().0.values().map(|(_, level)| *level).collect::<Vec<_>>();
        assert_eq!(levels(), [0.0, 0.0]);
        lights.show(MoodState::Mood(0), true, Duration::ZERO).unwrap();
        assert_eq!((levels(), wall.lock().unwrap().0["angry"].0), (vec![1.0, 1.0], LightColour::Red));
        lights.dark_switch().dark();
        assert_eq!(levels(), [0.0, 0.0]);
        let error = Lights::of_backend(&wiring("broken"), wall).err().unwrap().to_string();
        assert!(error.contains("`broken`") && error.contains("a fuse"), "{error}");
    }
}
