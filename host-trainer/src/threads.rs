//! How many threads work.

use anyhow::{Context, Result};

/// Starts as many threads as asked for, or one for each core where that is 0; answers with their number.
///
/// # Errors
/// When the system refuses.
pub(crate) fn start_threads(asked: usize) -> Result<usize> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let threads = if asked == 0 { cores } else { asked };
    if threads > TOO_MANY_PER_CORE * cores {
        eprintln!("warning: {threads} threads share {cores} cores and will mostly wait for each other");
    }
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start the threads")?;
    Ok(threads)
}

/// Threads for each core from which on they hinder each other: with 16 on two cores nothing was lost, with 1000 all.
const TOO_MANY_PER_CORE: usize = 8;
