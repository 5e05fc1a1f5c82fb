//! What the end-to-end tests share: the two programs as a user has them, drawn faces to train on, models to run.
//!
//! Everything here is for tests, so what cannot go on panics and says why.

mod markdown;
mod models;
mod pictures;
mod programs;
mod session;
mod training;

pub use markdown::{Document, Fence, documents_in, root, without_code};
pub use models::{retouched, untrained};
pub use pictures::{Faces, draw_faces, draw_photos, draw_snapshots};
pub use programs::{edge_runtime, example, host_trainer};
pub use session::{Finished, Session, send};
pub use training::{draw_data, epochs_done, history, train_tiny};
