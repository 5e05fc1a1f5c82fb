//! What a model file may ask for at most: one of a few kilobytes must not take the machine's memory or its day.

/// Bytes of a model file.
pub(crate) const MAX_BYTES: u64 = 256 << 20;

/// Numbers of all values of a graph together: 256 MiB of float32. The largest net of ours has 3 million.
pub(crate) const MAX_NUMBERS: u64 = 1 << 26;

/// Multiply-accumulates of a graph's convolutions and dense layers: some seconds' work. The largest net of ours has 30 million.
pub(crate) const MAX_MACS: u64 = 1 << 32;

/// Nodes of a graph. The largest of ours has some sixty.
pub(crate) const MAX_NODES: usize = 4096;
