//! Standard output, which may lead into a pipe whose reader goes away or a file on a full disk.

use crate::failure::{Blame, Kind};
use anyhow::{Context, Result};
use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

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

/// Writes a line to standard output. A reader that went away, as `head` does, has all it wanted and is no fault.
///
/// # Errors
/// When the line cannot be written for any other reason, as on a full disk.
pub fn line(what: Arguments<'_>) -> Result<()> {
    line_to(&mut std::io::stdout().lock(), what)
}

fn line_to(output: &mut impl Write, what: Arguments<'_>) -> Result<()> {
    match writeln!(output, "{what}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
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
    fn a_reader_that_went_away_is_no_fault_and_a_full_disk_is() {
        assert!(line_to(&mut Failing(ErrorKind::BrokenPipe), format_args!("a")).is_ok());
        let error = line_to(&mut Failing(ErrorKind::StorageFull), format_args!("a")).unwrap_err();
        assert!(error.to_string().contains("standard output"));
        let mut written = vec![];
        line_to(&mut written, format_args!("{} b", 1)).unwrap();
        assert_eq!(written, b"1 b\n");
    }
}
