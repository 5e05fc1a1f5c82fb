//! The models that come with the project, inside every binary that uses this crate.

/// The default emotion model: a whole ONNX file with its card; see `models/emotion.md` for what it was made of and how it fared.
pub const EMOTION: &[u8] = include_bytes!("../emotion.onnx");

/// The default face model: a whole ONNX file with its card; see `models/face.md`.
pub const FACE: &[u8] = include_bytes!("../face.onnx");
