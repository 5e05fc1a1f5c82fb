//! `dark`: every configured light goes out, to clean up after a run that could not.

use crate::cli::{DarkArgs, Global};
use crate::config;
use crate::exit::Failure;
use crate::lights::{self, Driver, LampWiring, LightsError, Memory, Wiring};
use crate::setup::Setup;

/// Needs no model: pins are what the configuration says, as far as that can be made out where it is broken, or the default wiring.
/// Each is driven whatever happens to the others.
pub(super) fn dark(global: &Global, args: &DarkArgs) -> Result<(), Failure> {
    let setup = Setup::new(global, &args.settings).unwrap_or_else(|refused| {
        tracing::warn!(
            "{refused}; darkening the lights that the configuration names all the same, else the default wiring"
        );
        Setup::with_lights_of_broken_file(global, &args.settings)
    });
    let mut result = Ok(());
    for lamp in config::lamps(&setup.config.lights) {
        let alone = alone(lamp);
        let opened = lights::open(setup.config.lights.backend, &alone, &Memory::new(&alone));
        match opened.and_then(|(mut lights, driver)| lights.dark().map(|()| driver)) {
            Ok(Driver::Terminal | Driver::None) => {
                tracing::info!("no light hangs on a GPIO line here: nothing to darken");
                return Ok(());
            }
            Ok(_) => {}
            // The other lights have none either.
            Err(error @ LightsError::NoDriver { .. }) => return Err(error.into()),
            // One line each; the first is the command's own error.
            Err(error) if result.is_ok() => result = Err(error.into()),
            Err(error) => tracing::warn!("{error}"),
        }
    }
    result
}

/// A wiring of one light, as the camera's.
fn alone(lamp: LampWiring) -> Wiring {
    Wiring { moods: Vec::new(), camera: lamp }
}
