//! The signals that ask a command to stop.

use crate::failure::INTERRUPTED;
use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A flag that the signals to stop raise; a second one ends the program at once.
///
/// # Errors
/// When the system refuses.
pub(crate) fn interrupted() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register_conditional_shutdown(signal, INTERRUPTED.into(), interrupted.clone())?;
        signal_hook::flag::register(signal, interrupted.clone())?;
    }
    Ok(interrupted)
}
