//! What stands in for V4L2 where this program was built without it.

use super::camera_error::CameraError;
use super::camera_info::Camera;
use super::{CameraRequest, FrameSource};
use std::path::Path;

/// Whether this program was built to read V4L2 devices.
pub const IS_BUILT_IN: bool = false;

/// The cameras a build without V4L2 sees: none.
pub fn cameras() -> Vec<Camera> {
    Vec::new()
}

/// Says that V4L2 is not there.
pub(super) fn open(path: &Path, _request: &CameraRequest, _fps: f64) -> Result<Box<dyn FrameSource>, CameraError> {
    Err(CameraError::NotBuilt(path.to_owned()))
}
