//! Which arithmetic is the faster one here: integer and floating point, run side by side for some milliseconds.

use crate::card::Precision;
use crate::classifier::Classifier;
use crate::error::ModelError;
use crate::face::FaceFinder;
use crate::pb::ModelProto;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// How long the two run, all told; but each at least [`FEWEST`] times, unless that takes longer than [`PATIENCE`].
const BUDGET: Duration = Duration::from_millis(12);
/// Fewest runs of each; the first warms caches up.
const FEWEST: usize = 5;
/// After this long once each is enough.
const PATIENCE: Duration = Duration::from_millis(300);

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

/// A model that can be loaded to run in one arithmetic or the other.
pub trait EitherArithmetic: Sized {
    /// Loads a decoded model to run in `precision`, on so many threads. `name` stands for it in messages.
    ///
    /// # Errors
    /// Whatever keeps it from running; a float model that is to run in integers.
    fn with(model: &ModelProto, name: &str, precision: Precision, threads: NonZeroUsize) -> Result<Self, ModelError>;

    /// The arithmetic that the model was made for.
    fn made_for(&self) -> Precision;

    /// Runs the engine once, on whatever input is there.
    ///
    /// # Errors
    /// When the engine fails.
    fn once(&mut self) -> Result<(), ModelError>;

    /// Loads a decoded model in the arithmetic that is faster on this processor, and how fast each was; a float model has only
    /// one. `name` stands for it in messages; it runs on so many threads.
    ///
    /// # Errors
    /// As [`EitherArithmetic::with`].
    fn fastest(model: &ModelProto, name: &str, threads: NonZeroUsize) -> Result<(Self, Option<Race>), ModelError> {
        let mut float = match Self::with(model, name, Precision::F32, threads) {
            Ok(float) => float,
            // The limits of a graph may let one arithmetic pass and not the other.
            Err(refused) => {
                return Self::with(model, name, Precision::Int8, threads).map(|own| (own, None)).map_err(|_| refused);
            }
        };
        if float.made_for() == Precision::F32 {
            return Ok((float, None));
        }
        let Ok(mut own) = Self::with(model, name, Precision::Int8, threads) else { return Ok((float, None)) };
        let race = race(&mut float, &mut own)?;
        Ok((if race.winner() == Precision::F32 { float } else { own }, Some(race)))
    }
}

impl EitherArithmetic for Classifier {
    fn with(model: &ModelProto, name: &str, precision: Precision, threads: NonZeroUsize) -> Result<Self, ModelError> {
        Classifier::with(model, name, precision, threads)
    }

    fn made_for(&self) -> Precision {
        self.card().precision
    }

    fn once(&mut self) -> Result<(), ModelError> {
        self.infer().map(|_| ())
    }
}

impl EitherArithmetic for FaceFinder {
    fn with(model: &ModelProto, name: &str, precision: Precision, threads: NonZeroUsize) -> Result<Self, ModelError> {
        FaceFinder::with(model, name, precision, threads)
    }

    fn made_for(&self) -> Precision {
        self.card().precision
    }

    fn once(&mut self) -> Result<(), ModelError> {
        self.infer()
    }
}

/// Turn by turn, so that whatever else the machine does disturbs both alike.
fn race<M: EitherArithmetic>(float: &mut M, integer: &mut M) -> Result<Race, ModelError> {
    let mut race = Race { f32: Duration::MAX, int8: Duration::MAX };
    let began = Instant::now();
    let mut runs = 0;
    while runs == 0 || began.elapsed() < if runs < FEWEST { PATIENCE } else { BUDGET } {
        race.f32 = race.f32.min(time(float)?);
        race.int8 = race.int8.min(time(integer)?);
        runs += 1;
    }
    Ok(race)
}

fn time<M: EitherArithmetic>(model: &mut M) -> Result<Duration, ModelError> {
    let began = Instant::now();
    model.once()?;
    Ok(began.elapsed())
}
