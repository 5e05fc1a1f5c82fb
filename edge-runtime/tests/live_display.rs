//! The live display in a terminal: it lights up, and SIGTERM leaves it dark with the cursor back.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use support::Home;

/// A program in a terminal of its own.
struct Terminal {
    child: Child,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn run(mut command: Command, columns: u16, rows: u16) -> Self {
        let (mut master, mut slave) = (-1, -1);
        let mut size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: openpty writes the two descriptors and reads the size; a null name and termios are allowed.
        let (master, slave) = unsafe {
            let answer = libc::openpty(
                &raw mut master,
                &raw mut slave,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                &raw mut size,
            );
            assert_eq!(answer, 0);
            (OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave))
        };
        let child = command.env("TERM", "xterm-256color").env("COLORTERM", "truecolor").stdout(slave).spawn().unwrap();
        // The command keeps the terminal's other end open until it is dropped.
        drop(command);
        let (sender, output) = channel();
        let mut master = File::from(master);
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count) = master.read(&mut buffer) {
                if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { child, output, seen: String::new() }
    }

    /// Reads until `wanted` was seen, or the program closed the terminal.
    fn read_until(&mut self, wanted: &str) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        while !self.seen.contains(wanted) {
            let left = until.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => return false,
            }
        }
        true
    }

    fn terminate(&mut self) -> Option<i32> {
        // SAFETY: kill only takes numbers; the child has not been waited for, so its number is still its own.
        assert_eq!(unsafe { libc::kill(self.child.id() as libc::pid_t, libc::SIGTERM) }, 0);
        self.seen.clear();
        self.read_until("\u{0}");
        self.child.wait().unwrap().code()
    }
}

const CURSOR: (&str, &str) = ("\x1b[?25l", "\x1b[?25h");
const GREEN: &str = "\x1b[38;2;52;211;92m●";

#[test]
fn moods_light_up_beside_the_picture_and_sigterm_leaves_darkness() {
    let home = Home::new();
    let mut terminal = Terminal::run(home.program(&["--dwell", "0.8"]), 100, 30);
    assert!(terminal.read_until("▀▀"), "{}", terminal.seen);
    assert!(terminal.read_until(GREEN), "{}", terminal.seen);
    assert!(terminal.seen.contains("stands in") && terminal.seen.contains("Ctrl-C stops"));
    assert!(terminal.seen.contains(CURSOR.0) && !terminal.seen.contains(CURSOR.1));
    assert_eq!(terminal.terminate(), Some(0));
    let last = terminal.seen.rsplit("\x1b[?2026h").next().unwrap();
    assert!(last.contains("stopped") && last.contains('○') && !last.contains('●'), "{last}");
    assert!(last.contains(CURSOR.1) && last.contains("camera to light"), "{last}");
}

#[test]
fn a_small_terminal_gets_one_line() {
    let home = Home::new();
    let mut terminal = Terminal::run(home.program(&[]), 80, 10);
    assert!(terminal.read_until("angry"), "{}", terminal.seen);
    assert!(terminal.read_until("●"), "{}", terminal.seen);
    assert!(!terminal.seen.contains('▀'));
    assert_eq!(terminal.terminate(), Some(0));
}

#[test]
fn no_color_means_none() {
    let home = Home::new();
    let mut command = home.program(&[]);
    command.env("NO_COLOR", "1");
    let mut terminal = Terminal::run(command, 100, 30);
    assert!(terminal.read_until("● angry"), "{}", terminal.seen);
    assert_eq!(terminal.terminate(), Some(0));
    assert!(!terminal.seen.contains("\x1b[38") && !terminal.seen.contains("\x1b[1m"), "{}", terminal.seen);
}

#[test]
fn a_missing_camera_is_a_fault_that_blinks() {
    let home = Home::new();
    let mut terminal = Terminal::run(home.program(&["--source", "v4l2:/dev/no-camera", "--wait"]), 80, 10);
    assert!(terminal.read_until("fault"), "{}", terminal.seen);
    assert!(terminal.read_until("●"), "{}", terminal.seen);
    assert_eq!(terminal.terminate(), Some(5));
}
