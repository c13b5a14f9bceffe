//! What the engine measures of itself. Written by its tasks, read by the faces.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::Ring;
use crate::watch::stats::{Spread, Window};

/// How many checks the lateness is reckoned over.
const CHECKS: usize = 5_000;
/// The seconds that the rate is reckoned over.
const SECONDS: usize = 10;

/// The measurements.
#[derive(Debug)]
pub(super) struct Gauges {
    checks: AtomicU64,
    skipped: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    lateness: Window,
    /// When each second began, and the checks that ended in it.
    rate: Ring<(Instant, u32)>,
}

impl Gauges {
    pub(super) fn new() -> Self {
        let inner = Inner { lateness: Window::new(CHECKS), rate: Ring::new(SECONDS + 1) };
        Self { checks: AtomicU64::new(0), skipped: AtomicU64::new(0), inner: Mutex::new(inner) }
    }

    /// A check ended that had started so late.
    pub(super) fn check(&self, lateness: Duration, now: Instant) {
        self.checks.fetch_add(1, Ordering::Relaxed);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.lateness.push(lateness);
        match inner.rate.last_mut() {
            Some((second, count)) if now < *second + Duration::from_secs(1) => *count += 1,
            Some(_) | None => {
                inner.rate.push((now, 1));
            }
        }
    }

    pub(super) fn set_skipped(&self, skipped: u64) {
        self.skipped.store(skipped, Ordering::Relaxed);
    }

    /// Checks ended so far, and slots skipped.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.checks.load(Ordering::Relaxed), self.skipped.load(Ordering::Relaxed))
    }

    /// How late the newest checks started.
    pub(super) fn lateness(&self) -> Option<Spread> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).lateness.spread()
    }

    /// Checks a second over the last ten seconds.
    pub(super) fn rate(&self, now: Instant) -> f64 {
        let window = Duration::from_secs(SECONDS as u64);
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = || inner.rate.iter().filter(|(second, _)| now < *second + window);
        let count: u32 = recent().map(|(_, count)| count).sum();
        let Some((first, _)) = recent().next() else { return 0.0 };
        let time = now.saturating_duration_since(*first).max(Duration::from_secs(1));
        f64::from(count) / time.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_of_the_last_ten_seconds() {
        let gauges = Gauges::new();
        let start = crate::base::Clock.mono();
        for ms in (0..20_000).step_by(100) {
            gauges.check(Duration::from_millis(2), start + Duration::from_millis(ms));
        }
        let rate = gauges.rate(start + Duration::from_secs(20));
        assert!((9.0..=11.0).contains(&rate), "{rate}");
        assert_eq!(gauges.rate(start + Duration::from_secs(60)), 0.0);
        assert_eq!(gauges.counts(), (200, 0));
        assert_eq!(gauges.lateness().unwrap().p99, Duration::from_millis(2));
    }
}
