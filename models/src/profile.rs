//! What can be measured inside a network, layer by layer: times, and the maps of an integer model.

use std::time::Duration;

/// How long a layer of the network takes.
#[derive(Clone, Debug)]
pub struct LayerTime {
    /// Name of its convolution in the graph, or what else it is.
    pub name: String,
    /// Its multiply-accumulates; 0 where they do not count.
    pub macs: usize,
    /// The least time of a number of runs.
    pub time: Duration,
}

/// The output of an integer convolution, with what is fused into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerMap {
    /// Name of its convolution in the graph.
    pub name: String,
    /// Whether a residual addition is fused into it, so that these are the numbers of the sum.
    pub added: bool,
    /// Whether only the largest of each 2x2 outputs is kept.
    pub pooled: bool,
    /// Channels, rows and columns.
    pub shape: [usize; 3],
    /// The map's numbers, `[C, H, W]`.
    pub numbers: Vec<i8>,
}
