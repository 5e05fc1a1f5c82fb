//! Where a step's time goes, operator by operator.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// An operator's forward or backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Convolution, with bias and ReLU.
    ConvForward,
    /// Its gradients.
    ConvBackward,
    /// Batch normalisation with its statistics and ReLU.
    NormForward,
    /// Its gradients.
    NormBackward,
    /// Max-pooling.
    PoolForward,
    /// Its gradient.
    PoolBackward,
    /// Fake quantisation, and the observed range.
    QuantizeForward,
    /// Its gradient.
    QuantizeBackward,
}

impl Part {
    /// All parts, in order.
    pub const ALL: [Part; 8] = [
        Part::ConvForward,
        Part::ConvBackward,
        Part::NormForward,
        Part::NormBackward,
        Part::PoolForward,
        Part::PoolBackward,
        Part::QuantizeForward,
        Part::QuantizeBackward,
    ];

    /// As tables name it.
    pub fn name(self) -> &'static str {
        match self {
            Part::ConvForward => "convolution, forward",
            Part::ConvBackward => "convolution, backward",
            Part::NormForward => "normalisation, forward",
            Part::NormBackward => "normalisation, backward",
            Part::PoolForward => "max-pooling, forward",
            Part::PoolBackward => "max-pooling, backward",
            Part::QuantizeForward => "quantising, forward",
            Part::QuantizeBackward => "quantising, backward",
        }
    }
}

static NANOSECONDS: [AtomicU64; Part::ALL.len()] = [const { AtomicU64::new(0) }; Part::ALL.len()];

/// Runs `work` and adds its wall time to a part.
pub(super) fn timed<R>(part: Part, work: impl FnOnce() -> R) -> R {
    let began = Instant::now();
    let result = work();
    NANOSECONDS[part as usize].fetch_add(began.elapsed().as_nanos() as u64, Ordering::Relaxed);
    result
}

/// Wall time spent in each part since the last call, in the order of [`Part::ALL`].
pub fn take() -> [Duration; Part::ALL.len()] {
    Part::ALL.map(|part| Duration::from_nanos(NANOSECONDS[part as usize].swap(0, Ordering::Relaxed)))
}
