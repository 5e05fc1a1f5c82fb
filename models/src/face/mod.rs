//! Face detection: bounding boxes in a frame's pixels, and the network that finds them.

mod decode;
mod detected;
mod detector;
mod letterbox;
mod multi_pass;

pub use decode::{Placement, decode as decode_faces};
pub use detected::{Face, Faces, MAX_FACES, centrality, main_face};
pub use detector::FaceDetector;
pub use letterbox::Letterbox;
pub use multi_pass::{Detector, tracking_window};
