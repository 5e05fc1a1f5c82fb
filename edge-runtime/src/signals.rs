//! SIGINT, SIGTERM and their like: stop in good order, and dark in any case. SIGTSTP, the terminal's Ctrl-Z: dark until SIGCONT.

use crate::mailbox::Stop;
use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a run may take to end in good order once it was asked to.
const GRACE: Duration = Duration::from_secs(2);
/// Signals that would end the program wherever it is.
const ENDING: [i32; 7] = [SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

/// Held while the run goes on; dropping it says that the run has ended in good order.
pub struct Watch {
    _ended: Sender<()>,
}

/// Watches for signals on a thread of its own. The first of those that end a program asks everyone to stop; if the run has not ended
/// after two seconds, or another such signal comes, `dark` is called and the process ends with 128 plus the signal's number. SIGTSTP
/// stops the process inside `pause`, which is given what stops it and returns when it goes on.
///
/// # Errors
/// The signals cannot be caught.
pub fn watch(
    stop: Stop,
    dark: impl Fn() + Send + 'static,
    pause: impl Fn(&mut dyn FnMut()) + Send + 'static,
) -> io::Result<Watch> {
    let mut signals = Signals::new(ENDING.iter().chain([&SIGTSTP]))?;
    let (ended, run) = channel::<()>();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let signal = loop {
            match signals.forever().next() {
                None => return,
                Some(SIGTSTP) => pause(&mut || {
                    // Stops all threads until SIGCONT.
                    let _ = emulate_default_handler(SIGTSTP);
                }),
                Some(signal) => break signal,
            }
        };
        stop.request();
        let until = Instant::now() + GRACE;
        loop {
            match run.recv_timeout(Duration::from_millis(20)) {
                Err(RecvTimeoutError::Disconnected) => return,
                _ if Instant::now() >= until => break,
                _ if signals.pending().any(|signal| signal != SIGTSTP) => break,
                _ => {}
            }
        }
        dark();
        std::process::exit(128 + signal);
    })?;
    Ok(Watch { _ended: ended })
}
