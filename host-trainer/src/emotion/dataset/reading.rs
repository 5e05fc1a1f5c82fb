//! One parallel pass over picture files: digest, decode, resize, signature.

use super::signature::{Signature, Signer};
use crate::progress::Progress;
use emotion_models::{CropBox, InputSpec, Picture, Preprocessor};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// What one pass over a file found.
pub struct Reading {
    /// SHA-256 of the file; of nothing when it cannot be read.
    pub digest: [u8; 32],
    /// Why the file is no picture, or what it shows.
    pub content: Result<Content, String>,
}

/// What a picture shows.
pub struct Content {
    /// Pixels per row, of the file.
    pub width: u32,
    /// Rows, of the file.
    pub height: u32,
    /// For finding its copies.
    pub signature: Signature,
}

/// Reads and decodes files in parallel, in their order. With `input`, each whole picture is resized to it and written to its
/// place among the bytes, `[paths, C, H, W]`.
pub fn read_all(paths: &[PathBuf], input: Option<(&InputSpec, &mut [u8])>, progress: bool) -> Vec<Reading> {
    let progress = Progress::new("reading pictures", paths.len(), progress);
    let Some((input, pixels)) = input else {
        let one = |signer: &mut Signer, path: &PathBuf| {
            progress.advance();
            read(path, signer, None)
        };
        return paths.par_iter().with_min_len(16).map_init(Signer::default, one).collect();
    };
    let tools = || (Signer::default(), Preprocessor::new(input));
    paths
        .par_iter()
        .zip(pixels.par_chunks_exact_mut(input.len()))
        .with_min_len(16)
        .map_init(tools, |(signer, preprocessor), (path, target)| {
            progress.advance();
            read(path, signer, Some((preprocessor, target)))
        })
        .collect()
}

fn read(path: &Path, signer: &mut Signer, resize: Option<(&mut Preprocessor, &mut [u8])>) -> Reading {
    let bytes = match Picture::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return Reading { digest: Sha256::digest([]).into(), content: Err(error.to_string()) },
    };
    let content = Picture::decode(&bytes, path).map_err(|error| error.to_string()).and_then(|picture| {
        let view = picture.view().map_err(|error| error.to_string())?;
        let whole = CropBox::full(picture.width, picture.height);
        if let Some((preprocessor, target)) = resize {
            target.copy_from_slice(preprocessor.resize(&view, whole));
        }
        Ok(Content { width: picture.width, height: picture.height, signature: signer.sign(&view) })
    });
    Reading { digest: Sha256::digest(&bytes).into(), content }
}
