//! Random numbers that depend only on where they are used, so that a resumed run draws what an uninterrupted one draws.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is for; two purposes never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Cutting the validation part.
    Split = 1,
    /// The order of an epoch's pictures.
    Order = 2,
    /// Augmenting one picture.
    Augment = 3,
    /// Mixing the pictures of one batch.
    Mix = 4,
    /// Simulated calibration errors.
    Calibration = 5,
    /// Choosing pictures for a contact sheet.
    Sheet = 6,
    /// Initial weights.
    Weights = 7,
    /// Dropout.
    Dropout = 8,
    /// Composing a scene with faces.
    Scene = 9,
    /// Resampling pictures for intervals.
    Bootstrap = 10,
    /// Perturbing a picture to measure robustness.
    Robustness = 11,
}

/// The stream for `purpose` at (`seed`, `epoch`, `index`); `index` is a picture's place in the epoch, or a batch's or step's number.
pub fn stream(purpose: Purpose, seed: u64, epoch: u64, index: u64) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip([purpose as u64, seed, epoch, index]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngCore;

    #[test]
    fn streams_differ_by_every_part_of_their_key() {
        let first = |purpose, seed, epoch, index| stream(purpose, seed, epoch, index).next_u64();
        let base = first(Purpose::Augment, 1, 2, 3);
        assert_eq!(base, first(Purpose::Augment, 1, 2, 3));
        assert_ne!(base, first(Purpose::Mix, 1, 2, 3));
        assert_ne!(base, first(Purpose::Augment, 2, 2, 3));
        assert_ne!(base, first(Purpose::Augment, 1, 3, 3));
        assert_ne!(base, first(Purpose::Augment, 1, 2, 4));
    }
}
