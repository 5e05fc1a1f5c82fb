//! Darkness from anywhere: the panic hook and the signal thread.

use super::lamp::Shared;
use embedded_hal::digital::OutputPin;
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, TryLockError};
use std::time::{Duration, Instant};

/// How long to wait for a thread that is just driving a pin.
const LOCK_TIMEOUT: Duration = Duration::from_millis(100);

/// Drives a set of pins inactive, from any thread and at any time.
#[derive(Clone)]
pub struct DarkSwitch(Arc<dyn Fn() + Send + Sync>);

impl DarkSwitch {
    pub(super) fn new<P: OutputPin + Send + 'static>(lamps: Vec<Shared<P>>) -> Self {
        Self(Arc::new(move || {
            let until = Instant::now() + LOCK_TIMEOUT;
            for lamp in &lamps {
                darken(lamp, until);
            }
        }))
    }

    /// Drives the pins inactive. A pin that fails, or that the calling thread was driving when it panicked, is passed
    /// over; nothing here panics or waits for long.
    pub fn dark(&self) {
        (self.0)();
    }
}

fn darken<P: OutputPin>(lamp: &Shared<P>, until: Instant) {
    loop {
        let mut lamp = match lamp.try_lock() {
            Ok(lamp) => lamp,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            }
            Err(TryLockError::WouldBlock) => return,
        };
        lamp.lit = None;
        let _ = lamp.set(false);
        return;
    }
}

/// Adds to the panic hook: first darken, then what the hook did before.
///
/// The hook runs at once on the thread that panics, whatever happens to its stack afterwards; a run that goes on, since
/// the panic was in a camera's library, lights up again with its next frame.
pub fn darken_on_panic(switch: DarkSwitch) {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        switch.dark();
        before(info);
    }));
}

/// Does `work`, and darkens once more where it panics, before the panic goes on: a panic inside a pin's driver happens while that
/// pin is in use, so that the hook has to pass it over.
pub fn dark_after_panic<T>(switch: &DarkSwitch, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        switch.dark();
        resume_unwind(panic)
    })
}
