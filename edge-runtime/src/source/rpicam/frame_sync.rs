//! Checks the frame sync: a stream of raw pixels does not mark where frames begin.

use std::time::Duration;

/// Sync counts as lost after this time and this number of frames with a wait in their middle. A busy machine may
/// interrupt the program in the middle of a frame.
const LOST_AFTER: (f64, u32) = (0.5, 3);

/// The program writes a whole frame and then waits for the next. After a frame that is too short or too long, each read
/// spans the end of one frame and the beginning of the next. The wait is then in the middle of the read.
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

    /// Records a frame: `first` is the wait for its first bytes, `longest` the longest wait for other bytes of it.
    /// Returns whether sync has been lost for too long. A frame without any wait is ignored.
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
                // In sync; a reader that finds the whole frame ready; a program that is interrupted while it writes.
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
