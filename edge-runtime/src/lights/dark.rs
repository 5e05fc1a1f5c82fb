//! Darkness from anywhere: the panic hook and the signal thread.

use super::lamp::{Lamp, Shared};
use embedded_hal::digital::OutputPin;
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

/// How long to wait for a thread that is just driving a pin.
const LOCK_TIMEOUT: Duration = Duration::from_millis(100);

/// Drives a set of pins inactive, from any thread and at any time.
#[derive(Clone)]
pub struct DarkSwitch(Arc<Darken>);

/// Drives the pins inactive, and keeps them so until what it is given has been done.
type Darken = dyn Fn(&mut dyn FnMut()) + Send + Sync;

impl DarkSwitch {
    pub(super) fn new<P: OutputPin + Send + 'static>(lamps: Vec<Shared<P>>) -> Self {
        Self(Arc::new(move |work| {
            let until = Instant::now() + LOCK_TIMEOUT;
            let held: Vec<_> = lamps.iter().filter_map(|lamp| darken(lamp, until)).collect();
            work();
            drop(held);
        }))
    }

    /// Drives the pins inactive. A pin that fails, or that the calling thread was driving when it panicked, is passed
    /// over; nothing here panics or waits for long.
    pub fn dark(&self) {
        (self.0)(&mut || {});
    }

    /// Drives the pins inactive, and does `work` while nobody can drive them otherwise.
    pub fn dark_during(&self, work: &mut dyn FnMut()) {
        (self.0)(work);
    }
}

fn darken<P: OutputPin>(lamp: &Shared<P>, until: Instant) -> Option<MutexGuard<'_, Lamp<P>>> {
    loop {
        let mut lamp = match lamp.try_lock() {
            Ok(lamp) => lamp,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            }
            Err(TryLockError::WouldBlock) => return None,
        };
        lamp.lit = None;
        let _ = lamp.set(false);
        // Whoever drives the pin next does not take it for what they left it as.
        lamp.lit = None;
        return Some(lamp);
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
