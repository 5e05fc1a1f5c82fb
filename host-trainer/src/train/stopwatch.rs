//! Where a step's time goes, stage by stage.

use std::time::{Duration, Instant};

/// A stage of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for the next batch.
    Wait,
    /// Weights and pictures to the device.
    Upload,
    /// Forward pass and loss.
    Forward,
    /// Backward pass.
    Backward,
    /// Gradients and figures back from the device.
    Download,
    /// Optimizer, running statistics and the moving average.
    Update,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Stage; 6] =
        [Stage::Wait, Stage::Upload, Stage::Forward, Stage::Backward, Stage::Download, Stage::Update];

    /// As tables name it.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Wait => "waiting for a batch",
            Stage::Upload => "weights and pictures in",
            Stage::Forward => "forward and loss",
            Stage::Backward => "backward",
            Stage::Download => "gradients out",
            Stage::Update => "optimizer",
        }
    }
}

/// Wall time by stage. On a graphics card, which works behind the program's back, all of it shows where it is waited for.
#[derive(Clone, Debug, Default)]
pub struct Stopwatch {
    spent: [Duration; Stage::ALL.len()],
    since: Option<Instant>,
}

impl Stopwatch {
    /// A step begins; whatever passed since [`Stopwatch::lap`] was the loop around it.
    pub fn start(&mut self) {
        self.since = Some(Instant::now());
    }

    /// A stage is over, and the next one begins.
    pub fn lap(&mut self, stage: Stage) {
        let now = Instant::now();
        if let Some(since) = self.since.replace(now) {
            self.spent[stage as usize] += now - since;
        }
    }

    /// Wall time by stage since the last call, in the order of [`Stage::ALL`].
    pub fn take(&mut self) -> [Duration; Stage::ALL.len()] {
        std::mem::take(&mut self.spent)
    }
}
