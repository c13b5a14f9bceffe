//! How long to wait before the next attempt: the formula of [backo2](https://github.com/unshiftio/backo2), which
//! socket.io-client uses, so that a session here comes back when a page's session would.

use std::time::Duration;

use crate::profile::model::Reconnect;

/// The wait before attempt `failures + 1`, after `failures` (from 1) in a row: `delay · 2^(failures − 1)`, moved up or
/// down by as much as `jitter` of itself, and then cut at `delay_max`. Whole milliseconds, as there.
pub fn wait(reconnect: &Reconnect, failures: u32, rng: &mut fastrand::Rng) -> Duration {
    let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
    let plain = reconnect.delay.as_secs_f64() * 1000.0 * 2_f64.powi(exponent);
    let mut ms = plain;
    if 0.0 < reconnect.jitter && reconnect.jitter <= 1.0 {
        // One number gives both the size and the direction, as in backo2.
        let rand = rng.f64();
        let deviation = (rand * reconnect.jitter * plain).floor();
        let up = (rand * 10.0).floor() as u64 & 1 == 1;
        ms = if up { plain + deviation } else { plain - deviation };
    }
    let cap = reconnect.delay_max.as_secs_f64() * 1000.0;
    Duration::from_millis(ms.min(cap).max(0.0) as u64)
}

/// Whether the profile allows no further attempt after `failures` in a row; 0 attempts are for ever.
pub fn used_up(reconnect: &Reconnect, failures: u32) -> bool {
    0 < reconnect.attempts && reconnect.attempts <= failures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(delay: u64, max: u64, jitter: f64) -> Reconnect {
        Reconnect {
            attempts: 0,
            delay: Duration::from_millis(delay),
            delay_max: Duration::from_millis(max),
            jitter,
            fallback: true,
        }
    }

    #[test]
    fn without_jitter_the_wait_doubles_up_to_the_cap() {
        let reconnect = settings(1000, 5000, 0.0);
        let mut rng = fastrand::Rng::with_seed(1);
        let waits: Vec<u128> = (1..=5).map(|failures| wait(&reconnect, failures, &mut rng).as_millis()).collect();
        assert_eq!(waits, [1000, 2000, 4000, 5000, 5000]);
    }

    #[test]
    fn jitter_moves_the_wait_both_ways_within_its_share() {
        let reconnect = settings(1000, 60_000, 0.5);
        let mut rng = fastrand::Rng::with_seed(7);
        let waits: Vec<u128> = (0..500).map(|_| wait(&reconnect, 2, &mut rng).as_millis()).collect();
        assert!(waits.iter().all(|ms| (1000..=3000).contains(ms)), "{waits:?}");
        assert!(waits.iter().any(|ms| *ms < 1500) && waits.iter().any(|ms| 2500 < *ms));
    }

    #[test]
    fn no_number_of_failures_overflows() {
        let mut rng = fastrand::Rng::with_seed(1);
        assert_eq!(wait(&settings(1000, 5000, 0.5), u32::MAX, &mut rng).as_millis(), 5000);
    }

    #[test]
    fn attempts_are_used_up_only_where_they_are_counted() {
        let mut reconnect = settings(1, 1, 0.0);
        assert!(!used_up(&reconnect, 1000));
        reconnect.attempts = 2;
        assert_eq!([used_up(&reconnect, 1), used_up(&reconnect, 2)], [false, true]);
    }
}
