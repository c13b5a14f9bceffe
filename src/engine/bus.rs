//! The bus: every event gets its number here and goes to every tap.
//!
//! Invariants: publishing never waits for a consumer; all taps see the same order; what a tap missed is counted and told,
//! as an event, as soon as that tap has room again.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::{Clock, ProfileId};
use crate::watch::{Event, EventBody};

/// Numbers events and hands them out.
#[derive(Debug)]
pub struct Bus {
    inner: Mutex<Inner>,
    clock: Clock,
}

#[derive(Debug)]
struct Inner {
    next_seq: u64,
    taps: Vec<Outlet>,
}

#[derive(Debug)]
struct Outlet {
    name: &'static str,
    to: SyncSender<Arc<Event>>,
    lost: u64,
    /// Whether the last event went in.
    delivered: bool,
    gone: bool,
}

/// One consumer's end.
#[derive(Debug)]
pub struct Tap(Receiver<Arc<Event>>);

impl Tap {
    /// The next event; `None` once the bus is gone.
    pub fn recv(&self) -> Option<Arc<Event>> {
        self.0.recv().ok()
    }

    /// The next event that comes within `wait`: `Ok(None)` where none does, `Err` once the bus is gone.
    pub fn recv_timeout(&self, wait: Duration) -> Result<Option<Arc<Event>>, Disconnected> {
        match self.0.recv_timeout(wait) {
            Ok(event) => Ok(Some(event)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Disconnected),
        }
    }

    /// An event that is there already: `Ok(None)` where none is, `Err` once the bus is gone.
    pub fn try_recv(&self) -> Result<Option<Arc<Event>>, Disconnected> {
        match self.0.try_recv() {
            Ok(event) => Ok(Some(event)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Disconnected),
        }
    }
}

/// The bus is gone: nothing more will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event bus is gone")]
pub struct Disconnected;

impl Bus {
    /// A bus whose first event gets `first_seq`: one more than the history's last.
    pub fn new(first_seq: u64, clock: Clock) -> Self {
        Self { inner: Mutex::new(Inner { next_seq: first_seq, taps: Vec::new() }), clock }
    }

    /// A new consumer, which may fall `capacity` events behind.
    pub fn tap(&self, name: &'static str, capacity: usize) -> Tap {
        let (to, from) = sync_channel(capacity);
        self.lock().taps.push(Outlet { name, to, lost: 0, delivered: true, gone: false });
        Tap(from)
    }

    /// Numbers the event, stamps it with now, and offers it to every tap.
    pub fn publish(&self, profile: Option<ProfileId>, body: EventBody) -> u64 {
        let at = self.clock.wall();
        let mut inner = self.lock();
        let seq = inner.offer(at, profile, body);
        // A tap that has room again is told what it missed, and so is everyone else.
        while let Some(index) = inner.taps.iter().position(|tap| tap.owes_notice()) {
            let (name, count) = (inner.taps[index].name, std::mem::take(&mut inner.taps[index].lost));
            inner.offer(at, None, EventBody::Lost { consumer: name.into(), count });
            if 0 < inner.taps[index].lost {
                // The notice itself did not fit: owe the whole sum again.
                inner.taps[index].lost += count;
                break;
            }
        }
        inner.taps.retain(|tap| !tap.gone);
        seq
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while publishing leaves nothing half done that matters: the next number is still right.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn offer(&mut self, at: crate::base::Wall, profile: Option<ProfileId>, body: EventBody) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        let event = Arc::new(Event { seq, at, profile, body });
        for tap in &mut self.taps {
            match tap.to.try_send(Arc::clone(&event)) {
                Ok(()) => tap.delivered = true,
                Err(TrySendError::Full(_)) => {
                    tap.lost += 1;
                    tap.delivered = false;
                }
                Err(TrySendError::Disconnected(_)) => tap.gone = true,
            }
        }
        seq
    }
}

impl Outlet {
    fn owes_notice(&self) -> bool {
        0 < self.lost && self.delivered && !self.gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(tap: &Tap) -> Vec<(u64, &'static str)> {
        std::iter::from_fn(|| tap.try_recv().ok().flatten()).map(|event| (event.seq, event.body.kind())).collect()
    }

    #[test]
    fn every_tap_sees_the_same_numbers_in_order() {
        let bus = Bus::new(5, Clock);
        let (one, two) = (bus.tap("one", 8), bus.tap("two", 8));
        bus.publish(None, EventBody::Stopped);
        bus.publish(None, EventBody::NetworkChanged);
        assert_eq!(kinds(&one), [(5, "stopped"), (6, "network_changed")]);
        assert_eq!(kinds(&two), [(5, "stopped"), (6, "network_changed")]);
    }

    #[test]
    fn a_slow_tap_loses_events_and_is_told_how_many() {
        let bus = Bus::new(1, Clock);
        let (slow, quick) = (bus.tap("slow", 2), bus.tap("quick", 100));
        for _ in 0..5 {
            bus.publish(None, EventBody::NetworkChanged);
        }
        assert_eq!(kinds(&slow).len(), 2);
        bus.publish(None, EventBody::Stopped);
        assert_eq!(kinds(&slow), [(6, "stopped"), (7, "lost")]);
        let last = std::iter::from_fn(|| quick.try_recv().ok().flatten()).last().unwrap();
        assert_eq!(last.body, EventBody::Lost { consumer: "slow".into(), count: 3 });
    }

    #[test]
    fn a_tap_that_has_gone_holds_nothing_up() {
        let bus = Bus::new(1, Clock);
        drop(bus.tap("gone", 1));
        bus.publish(None, EventBody::Stopped);
        assert_eq!(bus.publish(None, EventBody::Stopped), 2);
    }
}
