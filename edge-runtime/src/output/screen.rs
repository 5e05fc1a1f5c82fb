//! The part of the terminal that is redrawn in place.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Lines of the region drawn last; the cursor stands at the end of the last one.
static DRAWN: Mutex<usize> = Mutex::new(0);
/// Whether the cursor was hidden.
static HIDDEN: AtomicBool = AtomicBool::new(false);

const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
/// Terminals that know it show everything between these at once; others pass over them.
const BEGIN_UPDATE: &str = "\x1b[?2026h";
const END_UPDATE: &str = "\x1b[?2026l";

/// Whether standard output is a terminal that can redraw lines.
pub fn is_live_terminal() -> bool {
    io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Columns and rows of the terminal; 80 and 24 if it does not report them.
pub(super) fn size() -> (usize, usize) {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize to the pointer, which is valid for the call and not kept.
    let answer = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    if answer == 0 && size.ws_col > 0 && size.ws_row > 0 { (size.ws_col.into(), size.ws_row.into()) } else { (80, 24) }
}

/// Draws `lines` in place of those drawn before; none may be wider than the terminal.
pub(super) fn draw(lines: &[String]) -> io::Result<()> {
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut text = String::from(BEGIN_UPDATE);
    if !HIDDEN.swap(true, Ordering::Relaxed) {
        text.push_str(HIDE_CURSOR);
    }
    to_first_line(&mut text, *drawn);
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        text.push_str(line);
        text.push_str("\x1b[K");
    }
    text.push_str("\x1b[J");
    text.push_str(END_UPDATE);
    *drawn = lines.len();
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Leaves what was drawn standing, and goes on below it.
pub(super) fn leave() -> io::Result<()> {
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let below = if *drawn > 0 { "\n" } else { "" };
    *drawn = 0;
    HIDDEN.store(false, Ordering::Relaxed);
    let mut stdout = io::stdout().lock();
    write!(stdout, "{below}{SHOW_CURSOR}")?;
    stdout.flush()
}

/// Removes what was drawn, runs `write`, and lets the next drawing go below what that wrote.
pub(super) fn above(write: impl FnOnce()) {
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    if *drawn > 0 {
        let mut text = String::new();
        to_first_line(&mut text, *drawn);
        text.push_str("\x1b[J");
        *drawn = 0;
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }
    write();
}

/// Shows the cursor again, from a panic hook or a signal thread: waits for no lock of ours and reports nothing.
pub fn restore() {
    if HIDDEN.swap(false, Ordering::Relaxed) {
        let text = format!("{SHOW_CURSOR}\r\n");
        // SAFETY: the pointer and length are those of `text`, which lives until the call returns.
        unsafe {
            libc::write(libc::STDOUT_FILENO, text.as_ptr().cast(), text.len());
        }
    }
}

/// Adds [`restore`] to the panic hook, before what the hook did.
pub fn restore_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        restore();
        before(info);
    }));
}

fn to_first_line(text: &mut String, drawn: usize) {
    text.push('\r');
    if drawn > 1 {
        text.push_str(&format!("\x1b[{}A", drawn - 1));
    }
}
