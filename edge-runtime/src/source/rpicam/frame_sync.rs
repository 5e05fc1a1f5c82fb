//! Whether frames begin where they are taken to begin: a stream of bare pixels does not say so itself.

use std::time::Duration;

/// How long frames must seem to begin elsewhere until sync counts as lost, and in how many frames at least: a machine that does much else
/// may hold the program up in the middle of one.
const LOST_AFTER: (f64, u32) = (0.5, 3);

/// The program writes a frame at once and waits for the next. Where a frame was too short, or too long, each frame from then on is read
/// as the end of one and the beginning of the next, and the wait is found in its middle.
#[derive(Debug)]
pub(super) struct FrameSync {
    pause: Duration,
    lost_after: u32,
    odd: u32,
}

impl FrameSync {
    pub fn new(fps: f64) -> Self {
        let (seconds, least) = LOST_AFTER;
        Self {
            pause: Duration::try_from_secs_f64(0.5 / fps).unwrap_or(Duration::MAX),
            lost_after: ((seconds * fps).ceil() as u32).max(least),
            odd: 0,
        }
    }

    /// Takes note of a frame whose first bytes were waited for `first`, and others of its bytes up to `longest`; answers whether frames
    /// have begun elsewhere for too long. A frame that was not waited for at all says nothing.
    pub fn is_lost(&mut self, first: Duration, longest: Duration) -> bool {
        if first.max(longest) > self.pause {
            self.odd = if longest > first { self.odd + 1 } else { 0 };
        }
        self.odd >= self.lost_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_millis(33);
    const SHORT: Duration = Duration::from_millis(1);

    #[test]
    fn frames_that_begin_elsewhere_are_found_after_half_a_second() {
        let mut sync = FrameSync::new(30.0);
        assert_eq!((0..15).filter(|_| sync.is_lost(SHORT, LONG)).count(), 1);
        assert!(sync.is_lost(SHORT, LONG));
    }

    #[test]
    fn a_late_reader_and_a_busy_machine_are_no_fault() {
        let mut sync = FrameSync::new(30.0);
        for frame in 0..1000 {
            let (first, longest) = match frame % 14 {
                // As it should be; a reader that finds all of it waiting; a program held up while it writes.
                0 => (LONG, SHORT),
                1..6 => (SHORT, SHORT),
                _ => (SHORT, LONG),
            };
            assert!(!sync.is_lost(first, longest), "frame {frame}");
        }
    }

    #[test]
    fn a_rate_beyond_reason_is_no_panic() {
        for fps in [0.0, 1e-300, f64::INFINITY, f64::NAN] {
            assert!(!FrameSync::new(fps).is_lost(LONG, SHORT));
        }
    }
}
