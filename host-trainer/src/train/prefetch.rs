//! Batches, made by threads of their own ahead of the step that uses them.

use anyhow::Result;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

/// Batches that each worker makes ahead.
const AHEAD: usize = 2;

/// Inputs of the net, with their targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch<T> {
    /// `[N, C, H, W]`, after the pixel map.
    pub pixels: Vec<f32>,
    /// N.
    pub len: usize,
    /// The targets of the loss.
    pub targets: T,
}

/// Makes any batch of one epoch by its number: the same one, whichever thread makes it, and when.
pub trait MakeBatch: Send + Sync + 'static {
    /// The targets of the loss.
    type Targets: Send + 'static;

    /// Batches in the epoch.
    fn count(&self) -> usize;

    /// Batch `number`, counted from 0.
    ///
    /// # Errors
    /// When what it is made with fails.
    fn make(&self, number: usize) -> Result<Batch<Self::Targets>>;
}

/// The batches of an epoch from number `first` on, in order. The epoch is over at one that cannot be made.
pub fn prefetch<M: MakeBatch>(maker: M, first: usize) -> impl Iterator<Item = Result<Batch<M::Targets>>> {
    // While a graphics card trains, the cores have nothing else to do.
    prefetch_on(rayon::current_num_threads().max(2), maker, first)
}

/// Worker `w` of `n` makes every nth batch, so their order needs no sorting.
fn prefetch_on<M: MakeBatch>(
    workers: usize,
    maker: M,
    first: usize,
) -> impl Iterator<Item = Result<Batch<M::Targets>>> {
    let maker = Arc::new(maker);
    let start = |worker: usize| -> Receiver<Result<Batch<M::Targets>>> {
        let (sender, receiver) = sync_channel(AHEAD);
        let maker = Arc::clone(&maker);
        thread::spawn(move || {
            for number in (first + worker..maker.count()).step_by(workers) {
                let batch = maker.make(number);
                let failed = batch.is_err();
                // The receiver is gone when the epoch was left early.
                if sender.send(batch).is_err() || failed {
                    return;
                }
            }
        });
        receiver
    };
    let queues: Vec<_> = (0..workers).map(start).collect();
    (0..maker.count().saturating_sub(first)).map_while(move |place| queues[place % workers].recv().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use anyhow::ensure;

    struct Numbers(usize);

    impl MakeBatch for Numbers {
        type Targets = usize;

        fn count(&self) -> usize {
            self.0
        }

        fn make(&self, number: usize) -> Result<Batch<usize>> {
            ensure!(number != 7, "batch 7");
            Ok(Batch { pixels: vec![], len: 0, targets: number })
        }
    }

    #[test]
    fn batches_come_in_order_from_any_first_one_on_and_from_any_number_of_workers() {
        for workers in [1, 2, 3, 8] {
            for first in 0..8 {
                let batches = prefetch_on(workers, Numbers(7), first);
                let numbers: Vec<usize> = batches.map(|batch| batch.unwrap().targets).collect();
                assert_eq!(numbers, (first..7).collect::<Vec<_>>(), "{workers} workers from {first}");
            }
        }
    }

    #[test]
    fn a_batch_that_cannot_be_made_is_told_in_its_place() {
        for workers in [1, 3] {
            let mut batches = prefetch_on(workers, Numbers(20), 5);
            assert_eq!([batches.next(), batches.next()].map(|batch| batch.unwrap().unwrap().targets), [5, 6]);
            assert_eq!(batches.next().unwrap().unwrap_err().to_string(), "batch 7");
        }
    }

    /// Waits in each batch until as many are under way as there should be workers.
    struct Together(Arc<std::sync::Barrier>, usize);

    impl MakeBatch for Together {
        type Targets = ();

        fn count(&self) -> usize {
            self.1
        }

        fn make(&self, _number: usize) -> Result<Batch<()>> {
            self.0.wait();
            Ok(Batch { pixels: vec![], len: 0, targets: () })
        }
    }

    #[test]
    fn every_core_makes_batches() {
        let workers = rayon::current_num_threads().max(2);
        let maker = Together(Arc::new(std::sync::Barrier::new(workers)), workers);
        assert_eq!(prefetch(maker, 0).count(), workers);
    }
}
