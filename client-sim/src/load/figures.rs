//! Durations, many of them: percentiles, and a count of them that does not grow.

use std::time::Duration;

use serde::Serialize;

/// Durations in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half were faster.
    pub p50: f64,
    /// Nine in ten were.
    pub p90: f64,
    /// 95 in 100 were.
    pub p95: f64,
    /// 99 in 100 were.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

impl Percentiles {
    /// The percentiles (nearest rank) of `durations`; zeros where there are none.
    #[must_use]
    pub fn of(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        let at = |percent: usize| {
            let rank = (durations.len() * percent).div_ceil(100).saturating_sub(1);
            durations.get(rank).map_or(0.0, |duration| duration.as_secs_f64() * 1_000.0)
        };
        Self { p50: at(50), p90: at(90), p95: at(95), p99: at(99), max: at(100) }
    }
}

/// Below so many microseconds each has a bucket of its own.
const EXACT: u64 = 256;
/// Above, each power of two has so many.
const STEPS: u64 = 128;
/// 2^36 microseconds are 19 hours; whatever takes longer is counted there.
const MOST: u64 = (1 << 36) - 1;
const BUCKETS: u64 = EXACT + 28 * STEPS;

/// Counts durations in 30 KiB, however many there are. What it tells is at most a 128th too long, the slowest to the
/// microsecond.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; usize::try_from(BUCKETS).unwrap_or(0)], count: 0, max: 0 }
    }
}

impl Histogram {
    /// Counts one.
    pub fn add(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).min(MOST);
        if let Some(bucket) = usize::try_from(bucket(micros)).ok().and_then(|bucket| self.buckets.get_mut(bucket)) {
            *bucket += 1;
        }
        self.count += 1;
        self.max = self.max.max(micros);
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The percentiles (nearest rank); zeros where there are none.
    #[must_use]
    pub fn percentiles(&self) -> Percentiles {
        let at = |percent| milliseconds(self.at(percent));
        Percentiles { p50: at(50), p90: at(90), p95: at(95), p99: at(99), max: milliseconds(self.max) }
    }

    fn at(&self, percent: u64) -> u64 {
        let rank = (self.count * percent).div_ceil(100);
        let mut below = 0;
        for (bucket, count) in (0..).zip(&self.buckets) {
            below += count;
            if below >= rank {
                return longest(bucket).min(self.max);
            }
        }
        self.max
    }
}

/// Where so many microseconds are counted.
const fn bucket(micros: u64) -> u64 {
    if micros < EXACT {
        return micros;
    }
    // The eight leading bits tell the bucket: from 128 to 255.
    let shift = (u64::BITS - micros.leading_zeros()).saturating_sub(8) as u64;
    EXACT + (shift - 1) * STEPS + (micros >> shift) - STEPS
}

/// The most microseconds that are counted there.
const fn longest(bucket: u64) -> u64 {
    if bucket < EXACT {
        return bucket;
    }
    let shift = (bucket - EXACT) / STEPS + 1;
    let leading = (bucket - EXACT) % STEPS + STEPS;
    ((leading + 1) << shift) - 1
}

fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let of = |count| Percentiles::of((1..=count).rev().map(Duration::from_millis).collect());
        assert_eq!(of(0), Percentiles::default());
        assert_eq!(of(1), Percentiles { p50: 1.0, p90: 1.0, p95: 1.0, p99: 1.0, max: 1.0 });
        assert_eq!(of(200), Percentiles { p50: 100.0, p90: 180.0, p95: 190.0, p99: 198.0, max: 200.0 });
    }

    #[test]
    fn buckets_follow_each_other_without_gaps() {
        for bucket_number in 0..BUCKETS {
            let last = longest(bucket_number);
            assert_eq!(bucket(last), bucket_number);
            if last < MOST {
                assert_eq!(bucket(last + 1), bucket_number + 1, "{last}");
            }
        }
        assert_eq!(bucket(MOST), BUCKETS - 1);
    }

    #[test]
    fn what_is_counted_is_told_nearly_as_it_was() {
        assert_eq!(Histogram::default().percentiles(), Percentiles::default());
        let (mut counted, mut kept) = (Histogram::default(), Vec::new());
        for number in 1..=10_000_u64 {
            let duration = Duration::from_micros(number * number % 7_919 * 31);
            counted.add(duration);
            kept.push(duration);
        }
        let (told, true_ones) = (counted.percentiles(), Percentiles::of(kept));
        assert_eq!((counted.count(), told.max), (10_000, true_ones.max));
        for (told, truth) in [(told.p50, true_ones.p50), (told.p95, true_ones.p95), (told.p99, true_ones.p99)] {
            assert!(told >= truth && told <= truth * (1.0 + 1.0 / 128.0), "{told} {truth}");
        }
        counted.add(Duration::from_secs(1_000_000));
        assert_eq!(counted.percentiles().max, milliseconds(MOST));
    }
}
