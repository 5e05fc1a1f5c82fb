//! How many threads work, and how they share what there is to do.

use crate::progress::Progress;
use anyhow::{Context, Result};
use rayon::prelude::*;

/// Starts as many threads as requested, or one for each core if that is 0; returns their number.
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

/// What `work` makes of each item, in order. A worker may move to another thread but not be shared: each thread gets its own and a run
/// of items, which ends early where `work` gives nothing.
pub(crate) fn share_out<'a, W: Clone + Send, T: Sync, R: Send>(
    worker: &W,
    items: &'a [T],
    progress: &Progress,
    work: impl Fn(&mut W, &'a T) -> Option<R> + Sync,
) -> Vec<R> {
    let share = items.len().div_ceil(rayon::current_num_threads()).max(1);
    let workers = vec![worker.clone(); items.len().div_ceil(share)];
    let run = |(mut worker, items): (W, &'a [T])| -> Vec<R> {
        let one = |item| {
            let done = work(&mut worker, item)?;
            progress.advance();
            Some(done)
        };
        items.iter().map_while(one).collect()
    };
    workers.into_par_iter().zip(items.par_chunks(share)).flat_map_iter(run).collect()
}
