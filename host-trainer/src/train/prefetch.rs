//! Batches, made by threads of their own ahead of the step that uses them.

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
    fn make(&self, number: usize) -> Batch<Self::Targets>;
}

/// The batches of an epoch from number `first` on, in order.
pub fn prefetch<M: MakeBatch>(maker: M, first: usize) -> impl Iterator<Item = Batch<M::Targets>> {
    // While a graphics card trains, the cores have nothing else to do.
    prefetch_on(rayon::current_num_threads().max(2), maker, first)
}

/// Worker `w` of `n` makes every nth batch, so their order needs no sorting.
fn prefetch_on<M: MakeBatch>(workers: usize, maker: M, first: usize) -> impl Iterator<Item = Batch<M::Targets>> {
    let maker = Arc::new(maker);
    let start = |worker: usize| -> Receiver<Batch<M::Targets>> {
        let (sender, receiver) = sync_channel(AHEAD);
        let maker = Arc::clone(&maker);
        thread::spawn(move || {
            for number in (first + worker..maker.count()).step_by(workers) {
                // The receiver is gone when the epoch was left early.
                if sender.send(maker.make(number)).is_err() {
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
    use super::*;

    struct Numbers(usize);

    impl MakeBatch for Numbers {
        type Targets = usize;

        fn count(&self) -> usize {
            self.0
        }

        fn make(&self, number: usize) -> Batch<usize> {
            Batch { pixels: vec![], len: 0, targets: number }
        }
    }

    #[test]
    fn batches_come_in_order_from_any_first_one_on_and_from_any_number_of_workers() {
        for workers in [1, 2, 3, 8] {
            for first in 0..8 {
                let numbers: Vec<usize> = prefetch_on(workers, Numbers(7), first).map(|batch| batch.targets).collect();
                assert_eq!(numbers, (first..7).collect::<Vec<_>>(), "{workers} workers from {first}");
            }
        }
    }

    /// Waits in each batch until as many are under way as there should be workers.
    struct Together(Arc<std::sync::Barrier>, usize);

    impl MakeBatch for Together {
        type Targets = ();

        fn count(&self) -> usize {
            self.1
        }

        fn make(&self, _number: usize) -> Batch<()> {
            self.0.wait();
            Batch { pixels: vec![], len: 0, targets: () }
        }
    }

    #[test]
    fn every_core_makes_batches() {
        let workers = rayon::current_num_threads().max(2);
        let maker = Together(Arc::new(std::sync::Barrier::new(workers)), workers);
        assert_eq!(prefetch(maker, 0).count(), workers);
    }
}
