//! Auto-tune: whether int8 or f32 is faster on this processor, measured for some milliseconds when a model is loaded.

use crate::card::Precision;
use crate::classifier::Classifier;
use crate::error::ModelError;
use crate::face::FaceDetector;
use crate::pb::ModelProto;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// Time budget for both precisions. Each has at least [`MIN_RUNS`] runs, unless that takes longer than [`MAX_TIME`].
const BUDGET: Duration = Duration::from_millis(12);
/// Fewest runs of each; the first warms caches up.
const MIN_RUNS: usize = 5;
/// After this long once each is enough.
const MAX_TIME: Duration = Duration::from_millis(300);

/// The least time of one run in each precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrecisionTimes {
    /// In floating point.
    pub f32: Duration,
    /// In 8-bit integers.
    pub int8: Duration,
}

impl PrecisionTimes {
    /// The faster precision; int8 where they are level.
    pub fn fastest(&self) -> Precision {
        if self.f32 < self.int8 { Precision::F32 } else { Precision::Int8 }
    }
}

/// A model that can be loaded in one precision or the other.
pub trait AutoTune: Sized {
    /// Loads a decoded model to run in `precision`, on so many threads. `name` stands for it in messages.
    ///
    /// # Errors
    /// Whatever keeps it from running; a float model that is to run in int8.
    fn with(model: &ModelProto, name: &str, precision: Precision, threads: NonZeroUsize) -> Result<Self, ModelError>;

    /// The precision that the model was made for.
    fn own_precision(&self) -> Precision;

    /// One inference pass on whatever input is there.
    ///
    /// # Errors
    /// When the engine fails.
    fn run_once(&mut self) -> Result<(), ModelError>;

    /// Loads a decoded model in the precision that is faster on this processor, and how fast each was; a float model has only
    /// one. `name` stands for it in messages; it runs on so many threads.
    ///
    /// # Errors
    /// As [`AutoTune::with`].
    fn fastest(
        model: &ModelProto,
        name: &str,
        threads: NonZeroUsize,
    ) -> Result<(Self, Option<PrecisionTimes>), ModelError> {
        let mut float = match Self::with(model, name, Precision::F32, threads) {
            Ok(float) => float,
            // The limits of a graph may let one precision pass and not the other.
            Err(refused) => {
                return Self::with(model, name, Precision::Int8, threads).map(|own| (own, None)).map_err(|_| refused);
            }
        };
        if float.own_precision() == Precision::F32 {
            return Ok((float, None));
        }
        let Ok(mut own) = Self::with(model, name, Precision::Int8, threads) else { return Ok((float, None)) };
        let times = measure(&mut float, &mut own)?;
        Ok((if times.fastest() == Precision::F32 { float } else { own }, Some(times)))
    }
}

impl AutoTune for Classifier {
    fn with(model: &ModelProto, name: &str, precision: Precision, threads: NonZeroUsize) -> Result<Self, ModelError> {
        Classifier::with(model, name, precision, threads)
    }

    fn own_precision(&self) -> Precision {
        self.card().precision
    }

    fn run_once(&mut self) -> Result<(), ModelError> {
        self.infer().map(|_| ())
    }
}

impl AutoTune for FaceDetector {
    fn with(model: &ModelProto, name: &str, precision: Precision, threads: NonZeroUsize) -> Result<Self, ModelError> {
        FaceDetector::with(model, name, precision, threads)
    }

    fn own_precision(&self) -> Precision {
        self.card().precision
    }

    fn run_once(&mut self) -> Result<(), ModelError> {
        self.infer()
    }
}

/// Measures both precisions, turn by turn.
///
/// Why measure: which one is faster depends on the instructions of the processor and on the shapes of the layers, and no table
/// of processors stays true. Turn by turn, so that whatever else the machine does slows both alike. The least time, not the mean:
/// a run can only be delayed by others, never hurried. Few milliseconds, since this delays the start of the program; the caller
/// remembers the answer for the next start.
fn measure<M: AutoTune>(float: &mut M, integer: &mut M) -> Result<PrecisionTimes, ModelError> {
    let mut times = PrecisionTimes { f32: Duration::MAX, int8: Duration::MAX };
    let began = Instant::now();
    let mut runs = 0;
    while runs == 0 || began.elapsed() < if runs < MIN_RUNS { MAX_TIME } else { BUDGET } {
        times.f32 = times.f32.min(time(float)?);
        times.int8 = times.int8.min(time(integer)?);
        runs += 1;
    }
    Ok(times)
}

fn time<M: AutoTune>(model: &mut M) -> Result<Duration, ModelError> {
    let began = Instant::now();
    model.run_once()?;
    Ok(began.elapsed())
}
