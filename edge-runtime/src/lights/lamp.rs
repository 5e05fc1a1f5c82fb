//! A pin with what is known about it.

use super::LightsError;
use embedded_hal::digital::OutputPin;
use std::sync::{Arc, Mutex};

/// A pin with what is known about it.
pub(super) struct Lamp<P> {
    pub pin: P,
    pub name: String,
    pub active_low: bool,
    /// What the pin was last driven to; `None` before that, and after a failure.
    pub lit: Option<bool>,
}

impl<P: OutputPin> Lamp<P> {
    pub fn set(&mut self, lit: bool) -> Result<(), LightsError> {
        if self.lit == Some(lit) {
            return Ok(());
        }
        self.lit = None;
        let driven = if lit != self.active_low { self.pin.set_high() } else { self.pin.set_low() };
        driven.map_err(|error| LightsError::Drive { light: self.name.clone(), reason: format!("{error:?}") })?;
        self.lit = Some(lit);
        Ok(())
    }
}

/// A lamp the panic hook and the signal thread can reach too.
pub(super) type Shared<P> = Arc<Mutex<Lamp<P>>>;
