//! Training scenes, composed from photos and face crops.

pub mod compose;
pub mod occlusion;
pub mod photometric;
pub mod view;
