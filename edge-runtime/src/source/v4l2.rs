//! Cameras through V4L2.

use super::cameras::Camera;

/// The video devices of this machine, by the number of their nodes.
pub(super) fn survey() -> Vec<Camera> {
    Vec::new()
}
