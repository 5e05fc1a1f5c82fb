//! `snapshot`: one frame of the source, with the faces in it and their moods.

use super::classify::{Annotated, Reporter};
use crate::cli::{Global, SnapshotArgs};
use crate::exit::Failure;
use crate::frame::Frame;
use crate::setup::Setup;
use crate::source::{FrameSource, Playback, SourceError, SourceSpec};
use emotion_models::{Colour, CropBox, InputSpec, Picture, PixelFormat, PixelMap, Preprocessor};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A camera finds its exposure in this time, or in as many frames.
const WARM_UP: (Duration, u64) = (Duration::from_secs(2), 20);

pub(super) fn snapshot(global: &Global, args: &SnapshotArgs) -> Result<(), Failure> {
    let setup = Setup::new(global, &args.settings)?;
    let source = setup.config.source();
    let annotated = args.annotate.as_deref().map(|out| Annotated::new(out, &[])).transpose()?;
    let mut reporter = Reporter::new(&setup, args.json, annotated)?;

    let mut camera = setup.camera_request();
    camera.colour = true;
    let dwell = setup.config.dwell;
    let playback = Playback { fps: setup.config.fps, every_frame: true, repeat: false, dwell, wait: false, camera };
    let frame = take(&source, &playback)?;
    let seen = reporter.classify(&frame.view().map_err(SourceError::from)?)?;
    let mut stdout = io::stdout().lock();
    reporter.report(&mut stdout, &PathBuf::from(source.to_string()), &picture_of(&frame)?, &seen)?;
    stdout.flush()?;
    Ok(())
}

/// A frame of the source: of a camera one that it takes after it has found its exposure.
fn take(spec: &SourceSpec, playback: &Playback) -> Result<Frame, SourceError> {
    let mut source: Box<dyn FrameSource> = spec.open(playback)?;
    let mut frame = Frame::empty();
    let until = Instant::now() + WARM_UP.0;
    for number in 0..WARM_UP.1 {
        if !source.fill(number, &mut frame)? {
            break;
        }
        if !spec.is_camera() || Instant::now() >= until {
            break;
        }
    }
    Ok(frame)
}

/// The frame as a picture in colour.
fn picture_of(frame: &Frame) -> Result<Picture, SourceError> {
    let view = frame.view()?;
    let (width, height) = (frame.width, frame.height);
    let spec = InputSpec { width, height, colour: Colour::Rgb, pixel_map: PixelMap::UNIT };
    let mut whole = Preprocessor::new(&spec);
    let planes = whole.resize(&view, CropBox::full(width, height));
    let area = planes.len() / 3;
    let data = (0..area).flat_map(|at| [planes[at], planes[area + at], planes[2 * area + at]]).collect();
    Ok(Picture { format: PixelFormat::Rgb, width, height, data })
}
