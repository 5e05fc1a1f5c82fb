//! Which arithmetic is the faster one here: integer and floating point, run side by side for some milliseconds.

use crate::card::Precision;
use crate::classifier::Classifier;
use crate::error::ModelError;
use crate::pb::ModelProto;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// How long the two run, all told; but each at least [`FEWEST`] times.
const BUDGET: Duration = Duration::from_millis(12);
/// Fewest runs of each; the first warms caches up.
const FEWEST: usize = 5;

/// The least time of one run in each arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Race {
    /// In floating point.
    pub f32: Duration,
    /// In integers.
    pub int8: Duration,
}

impl Race {
    /// The faster arithmetic; integers where they are level.
    pub fn winner(&self) -> Precision {
        if self.f32 < self.int8 { Precision::F32 } else { Precision::Int8 }
    }
}

impl Classifier {
    /// Loads a decoded model in the arithmetic that is faster on this processor, and how fast each was; a float model has only
    /// one. `name` stands for it in messages; it runs on so many threads.
    ///
    /// # Errors
    /// As [`Classifier::from_bytes`].
    pub fn fastest(model: &ModelProto, name: &str, threads: NonZeroUsize) -> Result<(Self, Option<Race>), ModelError> {
        let mut float = Self::with(model, name, Precision::F32, threads)?;
        if float.card().precision == Precision::F32 {
            return Ok((float, None));
        }
        let mut own = Self::with(model, name, Precision::Int8, threads)?;
        let race = race(&mut float, &mut own)?;
        Ok((if race.winner() == Precision::F32 { float } else { own }, Some(race)))
    }
}

/// Turn by turn, so that whatever else the machine does disturbs both alike.
fn race(float: &mut Classifier, integer: &mut Classifier) -> Result<Race, ModelError> {
    let mut race = Race { f32: Duration::MAX, int8: Duration::MAX };
    let began = Instant::now();
    let mut runs = 0;
    while runs < FEWEST || began.elapsed() < BUDGET {
        race.f32 = race.f32.min(time(float)?);
        race.int8 = race.int8.min(time(integer)?);
        runs += 1;
    }
    Ok(race)
}

fn time(classifier: &mut Classifier) -> Result<Duration, ModelError> {
    let began = Instant::now();
    classifier.infer()?;
    Ok(began.elapsed())
}
