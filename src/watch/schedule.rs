//! When each check is due: a fixed cadence, spread by each profile's own phase. Pure; the engine drives it.
//!
//! Invariants: never two checks of one profile at once (a slot that comes while one runs is skipped and counted); never
//! more than the cap at once for one host (one more waits, and its wait is lateness of ours, not of the endpoint); a slot is
//! `anchor + k · interval`, so lateness never adds up.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::base::ProfileId;

/// The most by which the first check of a profile is put off, so that a start is no stampede.
const FIRST_WITHIN: Duration = Duration::from_secs(2);

/// A check that is to start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    pub id: ProfileId,
    /// When it should have started; the rest is lateness.
    pub scheduled: Instant,
}

/// All profiles that are checked on a cadence, and the checks that run.
#[derive(Debug)]
pub struct Schedule {
    entries: HashMap<ProfileId, Entry>,
    /// (when, whose, the entry's generation): what is of an older generation is passed over.
    heap: BinaryHeap<Reverse<(Instant, ProfileId, u64)>>,
    hosts: HashMap<Box<str>, Host>,
    per_host: usize,
    generation: u64,
    skipped: u64,
}

#[derive(Debug)]
struct Entry {
    host: Box<str>,
    /// Takes the host's place once the check that runs has ended.
    next_host: Option<Box<str>>,
    /// `None`: only when asked.
    cadence: Option<Cadence>,
    generation: u64,
    life: Life,
}

#[derive(Clone, Copy, Debug)]
struct Cadence {
    anchor: Instant,
    interval: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Idle,
    /// Due, and waiting for its host.
    Queued,
    Running,
    /// Running, and gone from the schedule.
    Leaving,
}

#[derive(Debug, Default)]
struct Host {
    running: usize,
    queue: VecDeque<(ProfileId, Instant)>,
}

impl Schedule {
    /// A schedule that runs at most `per_host` checks of one host at once.
    pub fn new(per_host: usize) -> Self {
        Self {
            entries: HashMap::new(),
            heap: BinaryHeap::new(),
            hosts: HashMap::new(),
            per_host: per_host.max(1),
            generation: 0,
            skipped: 0,
        }
    }

    /// Puts a profile on the schedule, or changes its cadence and host; `None` for one that is only checked when asked.
    /// A check that is running goes on.
    pub fn set(&mut self, id: ProfileId, host: &str, interval: Option<Duration>, now: Instant) {
        self.generation += 1;
        let generation = self.generation;
        let old = self.entries.remove(&id);
        let life = match old.as_ref().map(|entry| entry.life) {
            Some(Life::Running | Life::Leaving) => Life::Running,
            Some(Life::Queued) | Some(Life::Idle) | None => Life::Idle,
        };
        if let Some(old) = &old {
            self.unqueue(id, &old.host);
        }
        // A running check holds its place at the host where it began.
        let (host, next_host) = match old {
            Some(old) if life == Life::Running => (old.host, Some(host.into())),
            _ => (host.into(), None),
        };
        let cadence = interval.map(|interval| {
            let interval = interval.max(Duration::from_millis(1));
            Cadence { anchor: now + interval.mul_f64(phase(id)), interval }
        });
        if let Some(Cadence { interval, .. }) = cadence {
            let first = now + interval.min(FIRST_WITHIN).mul_f64(phase(id));
            self.heap.push(Reverse((first, id, generation)));
        }
        self.entries.insert(id, Entry { host, next_host, cadence, generation, life });
    }

    /// Takes a profile off. Its running check is still to be [`finished`](Self::finished).
    pub fn remove(&mut self, id: ProfileId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let host = entry.host.clone();
        if matches!(entry.life, Life::Running | Life::Leaving) {
            entry.life = Life::Leaving;
            entry.cadence = None;
            entry.generation = 0;
        } else {
            self.entries.remove(&id);
        }
        self.unqueue(id, &host);
    }

    fn unqueue(&mut self, id: ProfileId, host: &str) {
        if let Some(host) = self.hosts.get_mut(host) {
            host.queue.retain(|(queued, _)| *queued != id);
        }
    }

    /// One check now, beside the cadence. `None`: one runs or waits already, or the profile is unknown.
    pub fn ask(&mut self, id: ProfileId, now: Instant) -> Option<Start> {
        self.begin(id, now)
    }

    /// The next check that is due by `now`. Call until `None`.
    pub fn next(&mut self, now: Instant) -> Option<Start> {
        loop {
            let Reverse((due, id, generation)) = *self.heap.peek()?;
            if now < due {
                return None;
            }
            self.heap.pop();
            let Some(entry) = self.entries.get(&id) else { continue };
            let Some(cadence) = entry.cadence.filter(|_| entry.generation == generation) else { continue };
            // Slots that passed while nobody looked (a sleep, a stall) are skipped, not made up for.
            let (next, missed) = cadence.after(due, now);
            self.skipped += missed;
            self.heap.push(Reverse((next, id, generation)));
            if entry.life != Life::Idle {
                self.skipped += 1;
                continue;
            }
            if let Some(start) = self.begin(id, due) {
                return Some(start);
            }
        }
    }

    fn begin(&mut self, id: ProfileId, scheduled: Instant) -> Option<Start> {
        let entry = self.entries.get_mut(&id).filter(|entry| entry.life == Life::Idle)?;
        let host = self.hosts.entry(entry.host.clone()).or_default();
        if self.per_host <= host.running {
            entry.life = Life::Queued;
            host.queue.push_back((id, scheduled));
            return None;
        }
        host.running += 1;
        entry.life = Life::Running;
        Some(Start { id, scheduled })
    }

    /// A check came to its end. The check that takes its place at the host, where one waits, is to start now.
    pub fn finished(&mut self, id: ProfileId) -> Option<Start> {
        let entry = self.entries.get_mut(&id)?;
        let host_name = entry.host.clone();
        match entry.life {
            Life::Idle | Life::Queued => return None,
            Life::Running => {
                entry.life = Life::Idle;
                if let Some(next) = entry.next_host.take() {
                    entry.host = next;
                }
            }
            Life::Leaving => {
                self.entries.remove(&id);
            }
        }
        let host = self.hosts.get_mut(&host_name)?;
        host.running = host.running.saturating_sub(1);
        if let Some((id, scheduled)) = host.queue.pop_front() {
            if let Some(next) = self.entries.get_mut(&id).filter(|entry| entry.life == Life::Queued) {
                next.life = Life::Running;
                host.running += 1;
                return Some(Start { id, scheduled });
            }
        } else if host.running == 0 {
            self.hosts.remove(&host_name);
        }
        None
    }

    /// When [`next`](Self::next) has something again.
    pub fn next_due(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((due, ..))| *due)
    }

    /// Whether the profile has a place on the schedule, or a check of it still runs.
    pub fn knows(&self, id: ProfileId) -> bool {
        self.entries.contains_key(&id)
    }

    /// Whether a check of the profile runs.
    pub fn is_running(&self, id: ProfileId) -> bool {
        self.entries.get(&id).is_some_and(|entry| matches!(entry.life, Life::Running | Life::Leaving))
    }

    /// How many slots were skipped so far, because a check still ran or nobody looked in time.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// How many profiles are on a cadence or may be asked for.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Cadence {
    /// The first slot after both `due` and `now`, at least half an interval after `due` (the first check of all is no slot),
    /// and how many slots between were missed.
    fn after(self, due: Instant, now: Instant) -> (Instant, u64) {
        let from = (due + self.interval / 2).max(now);
        let slot = |time: Instant| {
            let passed = time.checked_duration_since(self.anchor)?;
            u64::try_from(passed.as_nanos() / self.interval.as_nanos().max(1)).ok()
        };
        let Some(number) = slot(from) else { return (self.anchor, 0) };
        let expected = slot(due + self.interval / 2).map_or(0, |number| number + 1);
        let next = number + 1;
        let ahead = self.interval.as_nanos().saturating_mul(u128::from(next));
        let ahead = Duration::from_nanos(u64::try_from(ahead).unwrap_or(u64::MAX));
        (self.anchor + ahead, next.saturating_sub(expected))
    }
}

/// The profile's place within the interval, 0 to 1: the same in every run, and even over many (Fibonacci hashing).
fn phase(id: ProfileId) -> f64 {
    let mixed = u64::from(id.0).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Runs the schedule for `time` in steps of a millisecond; each check takes `took`. Gives (id, ms of start, ms late).
    fn run(schedule: &mut Schedule, from: Instant, time: u32, took: u32) -> Vec<(u32, u128, u128)> {
        let mut log = Vec::new();
        let mut running: Vec<(u32, ProfileId)> = Vec::new();
        for at in 0..time {
            let now = from + MS * at;
            let mut started = Vec::new();
            for (_, id) in running.extract_if(.., |(end, _)| *end <= at) {
                started.extend(schedule.finished(id));
            }
            while let Some(start) = schedule.next(now) {
                started.push(start);
            }
            for start in started {
                log.push((start.id.0, u128::from(at), now.duration_since(start.scheduled).as_millis()));
                running.push((at + took, start.id));
            }
        }
        log
    }

    fn at() -> Instant {
        crate::base::Clock.mono()
    }

    #[test]
    fn a_profile_is_checked_at_a_fixed_cadence_from_its_own_phase() {
        let now = at();
        let mut schedule = Schedule::new(6);
        schedule.set(ProfileId(3), "a", Some(MS * 100), now);
        let starts: Vec<u128> = run(&mut schedule, now, 1000, 7).iter().map(|(_, at, _)| *at).collect();
        let gaps: Vec<u128> = starts.windows(2).skip(1).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| (99..=101).contains(gap)), "{starts:?}");
        assert!(9 <= starts.len() && starts.len() <= 11, "{starts:?}");
    }

    #[test]
    fn many_profiles_are_spread_evenly() {
        let now = at();
        let mut schedule = Schedule::new(1000);
        for id in 1..=500 {
            schedule.set(ProfileId(id), "a", Some(Duration::from_secs(1)), now);
        }
        let log = run(&mut schedule, now, 2000, 1);
        let busiest = (0..2000)
            .step_by(20)
            .map(|slot| log.iter().filter(|(_, at, _)| (slot..slot + 20).contains(at)).count())
            .max();
        assert!(busiest <= Some(13), "500 a second are 10 in 20 ms; {busiest:?} came at once");
    }

    #[test]
    fn a_check_that_outlasts_its_interval_is_never_doubled_and_its_slots_are_counted() {
        let now = at();
        let mut schedule = Schedule::new(6);
        schedule.set(ProfileId(1), "a", Some(MS * 100), now);
        let log = run(&mut schedule, now, 1000, 250);
        let gaps: Vec<u128> = log.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
        assert!(gaps.iter().all(|gap| 250 <= *gap), "{log:?}");
        assert!(4 <= schedule.skipped(), "{}", schedule.skipped());
    }

    #[test]
    fn a_host_at_its_cap_makes_the_next_one_wait_and_the_wait_is_lateness() {
        let now = at();
        let mut schedule = Schedule::new(1);
        schedule.set(ProfileId(1), "a", None, now);
        schedule.set(ProfileId(2), "a", None, now);
        schedule.set(ProfileId(3), "b", None, now);
        assert!(schedule.ask(ProfileId(1), now).is_some());
        assert!(schedule.ask(ProfileId(1), now).is_none(), "never two of one profile");
        assert!(schedule.ask(ProfileId(2), now).is_none());
        assert!(schedule.ask(ProfileId(3), now).is_some(), "another host has its own cap");
        assert_eq!(schedule.finished(ProfileId(1)), Some(Start { id: ProfileId(2), scheduled: now }));
    }

    #[test]
    fn a_removed_profile_gives_its_place_back() {
        let now = at();
        let mut schedule = Schedule::new(1);
        schedule.set(ProfileId(1), "a", None, now);
        schedule.set(ProfileId(2), "a", None, now);
        schedule.ask(ProfileId(1), now);
        schedule.ask(ProfileId(2), now);
        schedule.remove(ProfileId(1));
        assert!(schedule.is_running(ProfileId(1)));
        assert_eq!(schedule.finished(ProfileId(1)).map(|start| start.id), Some(ProfileId(2)));
        schedule.remove(ProfileId(2));
        schedule.finished(ProfileId(2));
        assert!(schedule.is_empty());
        assert_eq!(schedule.hosts.len(), 0);
    }

    #[test]
    fn slots_missed_in_a_sleep_are_skipped_and_not_made_up_for() {
        let now = at();
        let mut schedule = Schedule::new(6);
        schedule.set(ProfileId(1), "a", Some(MS * 100), now);
        let first = schedule.next(now + MS * 100).unwrap();
        schedule.finished(first.id);
        let later = now + Duration::from_secs(60);
        assert!(schedule.next(later).is_some());
        schedule.finished(first.id);
        assert_eq!(schedule.next(later), None);
        assert!(580 < schedule.skipped(), "{}", schedule.skipped());
        assert!(schedule.next_due().unwrap() <= later + MS * 100);
    }

    #[test]
    fn a_changed_interval_takes_effect_and_the_old_slots_are_dead() {
        let now = at();
        let mut schedule = Schedule::new(6);
        schedule.set(ProfileId(1), "a", Some(MS * 10), now);
        schedule.set(ProfileId(1), "a", Some(Duration::from_secs(10)), now);
        assert!(run(&mut schedule, now, 3000, 1).len() <= 1 + 1);
    }
}
