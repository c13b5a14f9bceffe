//! A WebSocket that opened, and how it ended.

use std::time::Duration;

use crate::diagnosis::{CauseId, Facts, Finding};
use crate::watch::Code;

pub(super) fn find(facts: &Facts<'_>, code: Code) -> Option<Finding> {
    let host = facts.host();
    match code {
        Code::ClosedAbnormally if let Some(after) = facts.open_for.and_then(round_timeout) => Some(Finding::new(
            CauseId::ProxyIdleTimeout,
            0.65,
            format!(
                "{host} dropped the open socket without a close frame after {after} s, as proxies cut quiet connections."
            ),
        )),
        _ => None,
    }
}

/// The time-out that people set which the socket lived for, in seconds, a fiftieth more at most.
pub(super) fn round_timeout(open_for: Duration) -> Option<u32> {
    [5, 10, 15, 20, 30, 45, 50, 60, 75, 90, 100, 120, 180, 240, 300, 350, 600, 900, 1800, 3600]
        .into_iter()
        .find(|&secs| (0.0..=0.02).contains(&(open_for.as_secs_f64() / f64::from(secs) - 1.0)))
}
