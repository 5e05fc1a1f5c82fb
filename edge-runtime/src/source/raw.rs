//! Raw frames from a pipe, one after the other without padding.

use super::{FrameSource, SourceError};
use crate::frame::Frame;
use emotion_models::PixelFormat;
use std::io::{ErrorKind, Read};

/// Reads frames of one format and size.
pub struct RawFrames<R> {
    input: R,
    format: PixelFormat,
    width: u32,
    height: u32,
    read: u64,
}

impl<R: Read> RawFrames<R> {
    /// Frames of `width` x `height` pixels in `format` from `input`.
    pub fn new(input: R, format: PixelFormat, width: u32, height: u32) -> Self {
        Self { input, format, width, height, read: 0 }
    }
}

impl<R: Read + Send> FrameSource for RawFrames<R> {
    fn fill(&mut self, _number: u64, frame: &mut Frame) -> Result<bool, SourceError> {
        let needed = self.format.frame_bytes(self.width, self.height);
        frame.shape(self.format, self.width, self.height);
        frame.data.resize(needed, 0);
        let mut found = 0;
        while found < needed {
            match self.input.read(&mut frame.data[found..]) {
                Ok(0) if found == 0 && self.read == 0 => return Err(SourceError::NoFrames),
                Ok(0) if found == 0 => return Ok(false),
                Ok(0) => return Err(SourceError::Cut { frame: self.read, found, needed }),
                Ok(count) => found += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(SourceError::Pipe(error)),
            }
        }
        self.read += 1;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Returns three bytes at a time, as a pipe may.
    struct Dribble<'a>(&'a [u8]);

    impl Read for Dribble<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let count = out.len().min(3).min(self.0.len());
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn frames_are_read_whole_and_the_end_is_clean() {
        let bytes: Vec<u8> = (0..48).collect();
        let mut source = RawFrames::new(Dribble(&bytes), PixelFormat::I420, 4, 4);
        let mut frame = Frame::empty();
        for start in [0, 24] {
            assert!(source.fill(0, &mut frame).unwrap());
            assert_eq!(frame.data, &bytes[start..start + 24]);
        }
        assert!(!source.fill(0, &mut frame).unwrap());
    }

    #[test]
    fn an_end_before_the_first_frame_is_an_error() {
        let mut source = RawFrames::new(Dribble(&[]), PixelFormat::Grey, 5, 5);
        assert!(matches!(source.fill(0, &mut Frame::empty()), Err(SourceError::NoFrames)));
    }

    #[test]
    fn a_cut_frame_is_an_error_that_counts() {
        let mut source = RawFrames::new(Dribble(&[0; 40]), PixelFormat::Grey, 5, 5);
        let mut frame = Frame::empty();
        assert!(source.fill(0, &mut frame).unwrap());
        let end = source.fill(1, &mut frame);
        assert!(matches!(end, Err(SourceError::Cut { frame: 1, found: 15, needed: 25 })), "{end:?}");
    }
}
