//! Cameras through V4L2, with the `v4l` crate.
//!
//! Only the crate's lower layer is used: the kernel's structures and numbers in Rust. Its upper layer panics on a
//! card's name that is not UTF-8 and on unknown numbers. Its streams panic when they are dropped while a driver fails.
//! During another panic that would abort the program with lights lit.

mod enumerate;
mod node;

use super::camera_error::CameraError;
use super::video::VideoSource;
use super::video::error::fault;
use super::{CameraRequest, FrameSource};
pub use enumerate::cameras;
use enumerate::{Use, ask};
use std::io;
use std::path::Path;

/// Whether this program was built to read V4L2 devices.
pub const IS_BUILT_IN: bool = true;

/// Opens the camera at `path` and starts capturing.
pub(super) fn open(path: &Path, request: &CameraRequest, fps: f64) -> Result<Box<dyn FrameSource>, CameraError> {
    let (node, camera, good_for) = ask(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => CameraError::Missing { path: path.to_owned(), others: others(path) },
        _ => fault(path, "open", error),
    })?;
    match good_for {
        Use::Camera => {}
        Use::Raw => return Err(CameraError::Raw(path.to_owned())),
        Use::Other(what) => {
            return Err(CameraError::NoCapture { path: path.to_owned(), what, others: others(path) });
        }
    }
    let formats: Vec<String> = camera.formats.iter().map(ToString::to_string).collect();
    Ok(Box::new(VideoSource::start(node, path, &camera.card, &formats.join(", "), request, fps)?))
}

/// The cameras other than `path` that can be read, in words.
fn others(path: &Path) -> String {
    let readable = cameras().into_iter().filter(|camera| camera.path != path && camera.is_readable());
    match readable.map(|camera| camera.to_string()).collect::<Vec<_>>() {
        none if none.is_empty() => "there is no other that V4L2 can read".to_owned(),
        some => format!("there is {}", some.join(", ")),
    }
}
