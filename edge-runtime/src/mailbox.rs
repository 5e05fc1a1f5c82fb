//! The one-slot mailbox between the thread that captures and the thread that infers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest wait before a request to stop is noticed.
const NOTICE_STOP: Duration = Duration::from_millis(50);

/// A request to stop, shared by all threads and the signal handler.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks everyone to stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether anyone asked to stop.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Waits for `time`, or until a stop is requested; returns whether it was.
    pub fn wait(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if self.is_requested() || left.is_zero() {
                return self.is_requested();
            }
            std::thread::sleep(left.min(NOTICE_STOP));
        }
    }
}

/// What a full slot means for the next item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// The newest item replaces one that was not taken, which counts as dropped.
    Latest,
    /// Every item is taken, in order: the sender waits.
    Lossless,
}

/// What [`Mailbox::take`] finds.
#[derive(Debug)]
pub enum Taken<T, E> {
    /// An item.
    Item(T),
    /// Nothing came in time.
    Nothing,
    /// The sender failed, and tries again; why, for people.
    Retrying(Arc<str>),
    /// The sender has ended, and every item was taken.
    End(Result<(), E>),
}

/// One slot for an item, and the buffers that go round.
#[derive(Debug)]
pub struct Mailbox<T, E> {
    state: Mutex<Inner<T, E>>,
    changed: Condvar,
    handover: Handover,
    stop: Stop,
}

#[derive(Debug)]
struct Inner<T, E> {
    slot: Option<T>,
    spare: VecDeque<T>,
    retrying: Option<Arc<str>>,
    end: Option<Result<(), E>>,
    dropped: u64,
    bad: u64,
    /// When the sender last handed something over, or reported a failure or its end.
    active_at: Instant,
}

impl<T, E> Mailbox<T, E> {
    /// An empty mailbox with the buffers that will go round: one being filled, one in the slot, one being read.
    pub fn new(handover: Handover, stop: Stop, buffers: [T; 3]) -> Self {
        let active_at = Instant::now();
        let state =
            Inner { slot: None, spare: buffers.into(), retrying: None, end: None, dropped: 0, bad: 0, active_at };
        Self { state: Mutex::new(state), changed: Condvar::new(), handover, stop }
    }

    // A panic while the lock is held leaves the state whole: every step under it is a move.
    fn lock(&self) -> MutexGuard<'_, Inner<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A buffer to fill, waiting while the reader holds them all; `None` when a stop is requested.
    pub fn buffer(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if self.stop.is_requested() {
                return None;
            }
            if let Some(buffer) = state.spare.pop_front() {
                return Some(buffer);
            }
            state = self.wait(state, NOTICE_STOP);
        }
    }

    /// Hands an item over; returns `false` if a stop was requested first.
    pub fn put(&self, item: T) -> bool {
        let mut state = self.lock();
        while self.handover == Handover::Lossless && state.slot.is_some() {
            if self.stop.is_requested() {
                return false;
            }
            state = self.wait(state, NOTICE_STOP);
        }
        state.retrying = None;
        state.active_at = Instant::now();
        if let Some(missed) = state.slot.replace(item) {
            state.dropped += 1;
            state.spare.push_back(missed);
        }
        drop(state);
        self.changed.notify_all();
        !self.stop.is_requested()
    }

    /// Says that the sender failed and tries again; the next item ends that.
    pub fn retrying(&self, reason: &str) {
        let mut state = self.lock();
        (state.retrying, state.active_at) = (Some(reason.into()), Instant::now());
        drop(state);
        self.changed.notify_all();
    }

    /// Reports that no item will follow.
    pub fn end(&self, result: Result<(), E>) {
        self.lock().end.get_or_insert(result);
        self.changed.notify_all();
    }

    /// The item in the slot, waiting up to `timeout` for one. A failure is reported once `timeout` is over.
    pub fn take(&self, timeout: Duration) -> Taken<T, E> {
        let until = Instant::now() + timeout;
        let mut state = self.lock();
        loop {
            if let Some(item) = state.slot.take() {
                drop(state);
                self.changed.notify_all();
                return Taken::Item(item);
            }
            if let Some(end) = state.end.take() {
                return Taken::End(end);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stop.is_requested() {
                return state.retrying.clone().map_or(Taken::Nothing, Taken::Retrying);
            }
            state = self.wait(state, left.min(NOTICE_STOP));
        }
    }

    /// Returns a buffer for the sender to fill again.
    pub fn give_back(&self, buffer: T) {
        self.lock().spare.push_back(buffer);
        self.changed.notify_all();
    }

    /// How long the sender has neither handed anything over nor reported a failure.
    pub fn silence(&self) -> Duration {
        self.lock().active_at.elapsed()
    }

    /// Items replaced before they were taken, here or by the sender.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Items the sender could not use.
    pub fn bad(&self) -> u64 {
        self.lock().bad
    }

    /// Counts what was lost before it came here: `late` items that newer ones replaced, `bad` ones that were of no use.
    pub fn lose(&self, late: u64, bad: u64) {
        let mut state = self.lock();
        state.dropped += late;
        state.bad += bad;
    }

    fn wait<'a>(&self, state: MutexGuard<'a, Inner<T, E>>, time: Duration) -> MutexGuard<'a, Inner<T, E>> {
        self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::thread;

    type Numbers = Mailbox<u64, String>;

    fn mailbox(handover: Handover) -> Arc<Numbers> {
        Arc::new(Mailbox::new(handover, Stop::default(), [0; 3]))
    }

    const SOON: Duration = Duration::from_millis(5);
    const LATE: Duration = Duration::from_secs(20);

    #[test]
    fn the_newest_item_wins_and_the_missed_are_counted() {
        let mailbox = mailbox(Handover::Latest);
        for item in 1..=5 {
            mailbox.buffer().unwrap();
            assert!(mailbox.put(item));
        }
        assert!(matches!(mailbox.take(SOON), Taken::Item(5)));
        assert!(matches!(mailbox.take(SOON), Taken::Nothing));
        assert_eq!((mailbox.dropped(), mailbox.bad()), (4, 0));
        mailbox.lose(3, 2);
        assert_eq!((mailbox.dropped(), mailbox.bad()), (7, 2));
    }

    #[test]
    fn every_item_arrives_in_order_and_then_the_end() {
        let mailbox = mailbox(Handover::Lossless);
        let sender = Arc::clone(&mailbox);
        let thread = thread::spawn(move || {
            for item in 0..200 {
                sender.buffer().unwrap();
                assert!(sender.put(item));
            }
            sender.end(Ok(()));
        });
        for expected in 0..200 {
            let Taken::Item(item) = mailbox.take(LATE) else { panic!("no item") };
            assert_eq!(item, expected);
            mailbox.give_back(item);
        }
        assert!(matches!(mailbox.take(LATE), Taken::End(Ok(()))));
        assert_eq!(mailbox.dropped(), 0);
        thread.join().unwrap();
    }

    #[test]
    fn buffers_go_round_and_no_more_are_made() {
        let mailbox = mailbox(Handover::Latest);
        for _ in 0..3 {
            mailbox.buffer().unwrap();
        }
        mailbox.stop.request();
        assert!(mailbox.buffer().is_none());
    }

    #[test]
    fn a_failure_is_reported_until_the_next_item() {
        let mailbox = mailbox(Handover::Latest);
        mailbox.retrying("unplugged");
        assert!(matches!(mailbox.take(SOON), Taken::Retrying(reason) if &*reason == "unplugged"));
        assert!(matches!(mailbox.take(SOON), Taken::Retrying(_)));
        mailbox.put(1);
        assert!(matches!(mailbox.take(SOON), Taken::Item(1)));
        assert!(matches!(mailbox.take(SOON), Taken::Nothing));
    }

    #[test]
    fn silence_lasts_until_the_sender_does_something() {
        let mailbox = mailbox(Handover::Latest);
        let silent = || {
            thread::sleep(SOON);
            mailbox.silence()
        };
        let before = Instant::now();
        assert!(silent() >= SOON && silent() >= 2 * SOON, "looking is no activity");
        mailbox.retrying("unplugged");
        assert!(mailbox.silence() < before.elapsed());
        let before = Instant::now();
        assert!(silent() >= SOON);
        mailbox.put(1);
        assert!(mailbox.silence() < before.elapsed());
    }

    #[test]
    fn a_stop_frees_a_waiting_sender() {
        let mailbox = mailbox(Handover::Lossless);
        assert!(mailbox.put(1));
        let sender = Arc::clone(&mailbox);
        let thread = thread::spawn(move || sender.put(2));
        mailbox.stop.request();
        assert!(!thread.join().unwrap());
    }
}
