//! One parallel pass over picture files: digest, decode, resize, signature.

use super::signature::{Signature, Signer};
use crate::progress::Progress;
use emotion_models::{CropBox, InputSpec, Picture, PictureError, Preprocessor};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// What one pass over a file found.
pub struct Reading {
    /// SHA-256 of the file; of nothing when it cannot be read.
    pub digest: [u8; 32],
    /// Why the file is no picture, or what it shows.
    pub looks: Result<Looks, String>,
}

/// What a picture shows.
pub struct Looks {
    /// Pixels per row, of the file.
    pub width: u32,
    /// Rows, of the file.
    pub height: u32,
    /// For finding its copies.
    pub signature: Signature,
    /// The net's input as bytes, planar; empty when no input was asked for.
    pub pixels: Vec<u8>,
}

/// Reads and decodes files in parallel, in their order; with `input`, resizes each whole picture to it.
pub fn read_all(paths: &[PathBuf], input: Option<&InputSpec>, progress: bool) -> Vec<Reading> {
    let progress = Progress::new("reading pictures", paths.len(), progress);
    let tools = || (Signer::default(), input.map(Preprocessor::new));
    paths
        .par_iter()
        .with_min_len(16)
        .map_init(tools, |(signer, preprocessor), path| {
            let reading = read(path, signer, preprocessor.as_mut());
            progress.advance();
            reading
        })
        .collect()
}

fn read(path: &Path, signer: &mut Signer, preprocessor: Option<&mut Preprocessor>) -> Reading {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            return Reading {
                digest: Sha256::digest([]).into(),
                looks: Err(PictureError::Unreadable(error).to_string()),
            };
        }
    };
    let looks = Picture::decode(&bytes, path).map_err(|error| error.to_string()).and_then(|picture| {
        let view = picture.view().map_err(|error| error.to_string())?;
        let whole = CropBox::full(picture.width, picture.height);
        let pixels = preprocessor.map(|preprocessor| preprocessor.resize(&view, whole).to_vec()).unwrap_or_default();
        Ok(Looks { width: picture.width, height: picture.height, signature: signer.sign(&view), pixels })
    });
    Reading { digest: Sha256::digest(&bytes).into(), looks }
}
