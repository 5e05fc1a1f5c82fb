//! SIGINT, SIGTERM, SIGHUP and SIGQUIT: stop in good order, and dark in any case.

use crate::mailbox::Stop;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a run may take to end in good order once it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// Held while the run goes on; dropping it says that the run has ended in good order.
pub struct Watch {
    _ended: Sender<()>,
}

/// Watches for SIGINT, SIGTERM, SIGHUP and SIGQUIT on a thread of its own. The first asks everyone to stop; if the run has not ended
/// after two seconds, or another signal comes, `dark` is called and the process ends with 128 plus the signal's number.
///
/// # Errors
/// The signals cannot be caught.
pub fn watch(stop: Stop, dark: impl Fn() + Send + 'static) -> io::Result<Watch> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    let (ended, run) = channel::<()>();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        stop.request();
        let until = Instant::now() + GRACE;
        loop {
            match run.recv_timeout(Duration::from_millis(20)) {
                Err(RecvTimeoutError::Disconnected) => return,
                _ if Instant::now() >= until => break,
                _ if signals.pending().next().is_some() => break,
                _ => {}
            }
        }
        dark();
        std::process::exit(128 + signal);
    })?;
    Ok(Watch { _ended: ended })
}
