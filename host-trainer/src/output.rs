//! Standard output, which may lead into a pipe whose reader goes away or a file on a full disk.

use crate::failure::{Blame, Kind, ReaderGone};
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Prints a line as `println!` does, but gives a `Result` instead of a panic; see [`line`].
macro_rules! say {
    ($($what:tt)*) => { $crate::output::line(format_args!($($what)*)) };
}
pub(crate) use say;

/// Prints a line to standard error as `eprintln!` does, but passes over an error: a lost remark must not end the work.
macro_rules! tell {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($what)*);
    }};
}
pub(crate) use tell;

/// Writes a remark to standard error, once however often it is made.
pub(crate) fn tell_once(remark: &str) {
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(remark.to_owned()) {
        tell!("host-trainer: {remark}");
    }
}

/// Whether work goes on when the reader of its output has gone.
static OUTLIVES_READERS: AtomicBool = AtomicBool::new(false);

/// From here on a reader of standard output that goes away is no failure: hours of training are worth more than a log.
pub fn outlive_readers() {
    OUTLIVES_READERS.store(true, Ordering::Relaxed);
}

/// Writes a line to standard output.
///
/// # Errors
/// When the line cannot be written, as on a full disk, or its reader went away, unless [`outlive_readers`] was called.
pub fn line(what: Arguments<'_>) -> Result<()> {
    line_to(&mut std::io::stdout().lock(), what, OUTLIVES_READERS.load(Ordering::Relaxed))
}

fn line_to(output: &mut impl Write, what: Arguments<'_>, outlive_reader: bool) -> Result<()> {
    match writeln!(output, "{what}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe && outlive_reader => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        done => done.context("cannot write to standard output").blame(Kind::Output),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_can_be_outlived_and_a_full_disk_cannot() {
        assert!(line_to(&mut Failing(ErrorKind::BrokenPipe), format_args!("a"), true).is_ok());
        let error = line_to(&mut Failing(ErrorKind::BrokenPipe), format_args!("a"), false).unwrap_err();
        assert!(error.to_string().contains("reader went away"));
        let error = line_to(&mut Failing(ErrorKind::StorageFull), format_args!("a"), true).unwrap_err();
        assert!(error.to_string().contains("standard output"));
        let mut written = vec![];
        line_to(&mut written, format_args!("{} b", 1), false).unwrap();
        assert_eq!(written, b"1 b\n");
    }
}
