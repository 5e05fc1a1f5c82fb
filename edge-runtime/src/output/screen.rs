//! The part of the terminal that is redrawn in place.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

static DRAWN: Mutex<Region> = Mutex::new(Region { lines: 0, size: (0, 0) });
/// How long to wait for a terminal that takes nothing.
const LOCK_TIMEOUT: Duration = Duration::from_millis(200);
/// Whether the cursor was hidden.
static HIDDEN: AtomicBool = AtomicBool::new(false);

const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
const CLEAR_SCREEN: &str = "\x1b[H\x1b[2J";
/// Terminals that know it show everything between these at once; others pass over them.
const BEGIN_UPDATE: &str = "\x1b[?2026h";
const END_UPDATE: &str = "\x1b[?2026l";

/// Whether standard output is a terminal that can redraw lines.
pub fn is_live_terminal() -> bool {
    io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Columns and rows of the terminal; 80 and 24 if it does not report them.
pub fn size() -> (usize, usize) {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one winsize to the pointer, which is valid for the call and not kept.
    let answer = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    if answer == 0 && size.ws_col > 0 && size.ws_row > 0 { (size.ws_col.into(), size.ws_row.into()) } else { (80, 24) }
}

/// The region drawn last; the cursor stands at the end of its last line.
struct Region {
    lines: usize,
    /// The terminal's columns and rows when it was drawn.
    size: (usize, usize),
}

impl Region {
    /// What takes the cursor to the region's first line, if there is one. After another size of the terminal, which may have broken
    /// the region's lines anew, nobody knows where that is: then the screen is cleared.
    fn begin(&self, size: (usize, usize), text: &mut String) {
        if self.lines > 0 && self.size != size {
            text.push_str(CLEAR_SCREEN);
            return;
        }
        text.push('\r');
        if self.lines > 1 {
            text.push_str(&format!("\x1b[{}A", self.lines - 1));
        }
    }

    /// What draws `lines` in place of the region, on a terminal of this size.
    fn redraw(&mut self, lines: &[String], size: (usize, usize)) -> String {
        let mut text = String::from(BEGIN_UPDATE);
        self.begin(size, &mut text);
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            text.push_str(line);
            text.push_str("\x1b[K");
        }
        text.push_str("\x1b[J");
        text.push_str(END_UPDATE);
        *self = Self { lines: lines.len(), size };
        text
    }
}

/// Draws `lines` in place of those drawn before; none may be wider than the terminal, whose size is `size`.
pub(super) fn draw(lines: &[String], size: (usize, usize)) -> io::Result<()> {
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut text = String::new();
    if !HIDDEN.swap(true, Ordering::Relaxed) {
        text.push_str(HIDE_CURSOR);
    }
    text.push_str(&drawn.redraw(lines, size));
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Leaves what was drawn standing, and goes on below it.
pub(super) fn leave() -> io::Result<()> {
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    let below = if drawn.lines > 0 { "\n" } else { "" };
    drawn.lines = 0;
    HIDDEN.store(false, Ordering::Relaxed);
    let mut stdout = io::stdout().lock();
    write!(stdout, "{below}{SHOW_CURSOR}")?;
    stdout.flush()
}

/// Leaves what was drawn standing, with the cursor shown below it, and does `work` while nothing is drawn.
pub fn left_during(work: &mut dyn FnMut()) {
    let until = Instant::now() + LOCK_TIMEOUT;
    let mut drawn = DRAWN.try_lock();
    while drawn.is_err() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(1));
        drawn = DRAWN.try_lock();
    }
    if let Ok(drawn) = &mut drawn {
        drawn.lines = 0;
    }
    restore();
    work();
}

/// Removes what was drawn, runs `write`, and lets the next drawing go below what that wrote.
pub(super) fn above(write: impl FnOnce()) {
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    if drawn.lines > 0 {
        let mut text = String::new();
        drawn.begin(size(), &mut text);
        text.push_str("\x1b[J");
        drawn.lines = 0;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_redrawn_in_place_and_after_a_resize_on_an_empty_screen() {
        let lines = ["a", "b", "c"].map(str::to_owned);
        let mut region = Region { lines: 0, size: (0, 0) };
        assert!(region.redraw(&lines, (80, 24)).starts_with("\x1b[?2026h\ra\x1b[K"));
        assert!(region.redraw(&lines[..1], (80, 24)).starts_with("\x1b[?2026h\r\x1b[2Aa\x1b[K\x1b[J"));
        // The terminal may have broken the lines anew.
        for size in [(60, 24), (60, 16), (120, 16)] {
            let drawn = region.redraw(&lines, size);
            assert!(drawn.starts_with("\x1b[?2026h\x1b[H\x1b[2Ja"), "{drawn:?}");
            assert!(!region.redraw(&lines, size).contains("[2J"));
        }
    }
}
