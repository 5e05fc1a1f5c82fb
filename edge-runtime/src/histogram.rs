//! Percentiles of durations in fixed memory, for runs that last for months.

use std::time::Duration;

/// Steps per doubling: a bucket's width is at most 1/64 of its value.
const STEPS: usize = 64;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Doublings above the finest bucket: nanoseconds up to 2^41 ns, 36 minutes.
const DOUBLINGS: usize = 36;

/// Counts durations in buckets of constant relative width; longer than 36 minutes counts as that.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Box<[u64]>,
    total: u64,
}

/// Three percentiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// The median.
    pub p50: Duration,
    /// 95 % are at most this.
    pub p95: Duration,
    /// 99 % are at most this.
    pub p99: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; STEPS * DOUBLINGS].into(), total: 0 }
    }
}

impl Histogram {
    /// Counts one duration. Allocates nothing.
    pub fn record(&mut self, duration: Duration) {
        let index = bucket(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
        self.counts[index.min(STEPS * DOUBLINGS - 1)] += 1;
        self.total += 1;
    }

    /// Durations counted.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The percentiles, to within 1/64; `None` before the first duration.
    pub fn percentiles(&self) -> Option<Percentiles> {
        (self.total > 0).then(|| Percentiles {
            p50: self.quantile(0.50),
            p95: self.quantile(0.95),
            p99: self.quantile(0.99),
        })
    }

    fn quantile(&self, share: f64) -> Duration {
        let rank = ((self.total as f64 * share).ceil() as u64).clamp(1, self.total);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(middle(index));
            }
        }
        Duration::ZERO
    }
}

/// Below 64 ns a bucket each; above, 64 to the doubling.
fn bucket(nanos: u64) -> usize {
    let doubling = (nanos | 1).ilog2().saturating_sub(STEP_BITS);
    let step = (nanos >> doubling) as usize;
    doubling as usize * STEPS + step
}

fn middle(index: usize) -> u64 {
    if index < 2 * STEPS {
        return index as u64;
    }
    let doubling = index / STEPS - 1;
    let step = (index % STEPS + STEPS) as u64;
    (step << doubling) + (1 << doubling) / 2
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_percentiles() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentiles(), None);
        for millis in 1..=100 {
            histogram.record(Duration::from_millis(millis));
        }
        let found = histogram.percentiles().unwrap();
        for (found, expected) in [(found.p50, 50.0), (found.p95, 95.0), (found.p99, 99.0)] {
            let millis = found.as_secs_f64() * 1e3;
            assert!((millis / expected - 1.0).abs() < 1.0 / 64.0, "{millis} {expected}");
        }
        histogram.record(Duration::MAX);
        assert_eq!(histogram.count(), 101);
    }

    proptest! {
        #[test]
        fn a_bucket_stands_for_its_values(nanos in 0u64..1 << 41) {
            let stands_for = middle(bucket(nanos)) as f64;
            prop_assert!((stands_for - nanos as f64).abs() <= nanos as f64 / 64.0 + 0.5);
        }
    }
}
