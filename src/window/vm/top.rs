//! The bar at the top: how many there are of each state, and how the monitor itself does.

use std::time::Duration;

use super::words::{bytes, latency};
use crate::diagnosis::words;
use crate::model::Counts;
use crate::watch::State;

/// How the monitor itself does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    pub recording: Recording,
    /// The history's size on disk.
    pub bytes: Option<u64>,
    /// How late checks start.
    pub lateness_p99: Option<Duration>,
    /// This machine is offline: the sentence.
    pub offline: Option<String>,
    /// Events that did not reach a consumer.
    pub lost: u64,
}

/// Whether history is being kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    On,
    /// Nobody asked for it: the demo.
    #[default]
    NotAsked,
    Off {
        problem: String,
    },
}

/// One chip: a state and how many are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chip {
    pub state: State,
    pub count: u32,
}

/// The bar's content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopVm {
    /// Worst first.
    pub chips: Vec<Chip>,
    pub broken: u32,
    /// `recording · 412 MB · lateness p99 3 ms`
    pub status: String,
    /// Why `status` is a warning.
    pub problem: Option<String>,
}

impl TopVm {
    pub fn build(counts: &Counts, health: &Health) -> Self {
        let mut chips: Vec<Chip> = State::ALL
            .into_iter()
            .map(|state| {
                // What is switched off is disconnected.
                let off = if state == State::Disconnected { counts.disabled } else { 0 };
                Chip { state, count: counts.of(state) + off }
            })
            .filter(|chip| chip.count != 0)
            .collect();
        chips.sort_by_key(|chip| std::cmp::Reverse(chip.state.severity()));
        let mut parts = Vec::new();
        let mut problem = health.offline.clone();
        match &health.recording {
            Recording::On => parts.push("recording".to_owned()),
            Recording::NotAsked => parts.push("not recording".to_owned()),
            Recording::Off { problem: why } => {
                parts.push("history is not being kept".to_owned());
                problem = Some(format!("History is not being kept: {why}"));
            }
        }
        parts.extend(health.bytes.map(bytes));
        parts.extend(health.lateness_p99.map(|p99| format!("lateness p99 {}", latency(p99))));
        if health.offline.is_some() {
            parts.insert(0, "offline".to_owned());
        }
        if health.lost != 0 {
            parts.push(format!("{} events lost", health.lost));
        }
        Self { chips, broken: counts.broken, status: parts.join(" · "), problem }
    }
}

impl TopVm {
    /// The window's title: what fails comes first, so that a task bar shows it.
    pub fn title(&self) -> String {
        let failing: Vec<String> =
            self.chips.iter().filter(|chip| chip.state.is_failure()).map(Chip::sentence).collect();
        if failing.is_empty() { "wirewatch".into() } else { format!("{} · wirewatch", failing.join(", ")) }
    }
}

impl Chip {
    /// What a screen reader says.
    pub fn sentence(&self) -> String {
        format!("{} {}", self.count, words::state(self.state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::vm::roster::sample;

    #[track_caller]
    fn check(health: Health, status: &str, problem: Option<&str>) {
        let top = TopVm::build(&Counts::default(), &health);
        assert_eq!((top.status.as_str(), top.problem.as_deref()), (status, problem));
    }

    #[test]
    fn the_status_says_recording_size_and_lateness() {
        let recording = Health {
            recording: Recording::On,
            bytes: Some(412_000_000),
            lateness_p99: Some(Duration::from_millis(3)),
            ..Health::default()
        };
        check(recording, "recording · 412 MB · lateness p99 3.0 ms", None);
    }

    #[test]
    fn a_full_disk_is_a_problem_with_its_reason() {
        let health = Health { recording: Recording::Off { problem: "disk full".into() }, ..Health::default() };
        check(health, "history is not being kept", Some("History is not being kept: disk full"));
    }

    #[test]
    fn chips_are_worst_first_without_empty_ones() {
        let counts = sample::live().roster(crate::model::Order::Name).counts;
        let top = TopVm::build(&counts, &Health::default());
        let chips: Vec<String> = top.chips.iter().map(Chip::sentence).collect();
        assert_eq!((chips.join(", ").as_str(), top.broken), ("1 CORS error, 1 Disconnected, 1 Connected", 1));
        assert_eq!(top.title(), "1 CORS error · wirewatch");
    }
}
