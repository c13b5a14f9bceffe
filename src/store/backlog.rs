//! The events that wait to be written, oldest first.
//!
//! Invariants: they are bounded in number and in memory, the oldest goes first; what goes is counted, and its stretch of time
//! is known until something is written again.

use std::collections::VecDeque;
use std::sync::Arc;

use super::missed::Missed;
use crate::base::Wall;
use crate::watch::{Event, EventBody, NamespaceChange};
use crate::wire::{Exchange, Headers};

/// What waits, and what could not.
#[derive(Debug)]
pub(super) struct Backlog {
    /// The most events, and roughly how many bytes.
    most: usize,
    most_bytes: usize,
    waiting: VecDeque<Arc<Event>>,
    /// Of each that waits, and their sum.
    weights: VecDeque<usize>,
    bytes: usize,
    /// What was let go since something was last written.
    missed: Option<Missed>,
    dropped: u64,
}

impl Backlog {
    pub(super) fn new(most: usize, most_bytes: usize) -> Self {
        let (waiting, weights) = (VecDeque::new(), VecDeque::new());
        Self { most, most_bytes, waiting, weights, bytes: 0, missed: None, dropped: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the oldest that waits happened.
    pub(super) fn oldest(&self) -> Option<Wall> {
        self.waiting.front().map(|event| event.at)
    }

    /// How many were ever let go.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn push(&mut self, event: Arc<Event>) {
        let weight = weight(&event);
        self.bytes += weight;
        self.weights.push_back(weight);
        self.waiting.push_back(event);
        while self.most < self.waiting.len() || self.most_bytes < self.bytes {
            self.let_go();
        }
    }

    /// The oldest that waits is in no history.
    pub(super) fn let_go(&mut self) {
        let Some(oldest) = self.waiting.pop_front() else { return };
        self.missed = Some(Missed::with(self.missed.take(), oldest));
        self.bytes -= self.weights.pop_front().unwrap_or(0);
        self.dropped += 1;
    }

    /// The oldest `count` that wait, and what was let go before them.
    pub(super) fn batch(&mut self, count: usize) -> (&[Arc<Event>], Option<&Missed>) {
        (&self.waiting.make_contiguous()[..count], self.missed.as_ref())
    }

    /// The oldest `count` are on the disk.
    pub(super) fn written(&mut self, count: usize) {
        self.missed = None;
        self.waiting.drain(..count);
        self.bytes -= self.weights.drain(..count).sum::<usize>();
    }

    /// Rights what a panic may have left halfway.
    pub(super) fn weigh_again(&mut self) {
        self.weights = self.waiting.iter().map(|event| weight(event)).collect();
        self.bytes = self.weights.iter().sum();
    }
}

/// Roughly what an event takes in memory.
fn weight(event: &Event) -> usize {
    192 + match &event.body {
        EventBody::Check(report) => 256 + report.exchanges.iter().map(|one| of_exchange(one)).sum::<usize>(),
        EventBody::Handshake { exchange, .. } => of_exchange(exchange),
        EventBody::SignIn { exchange, .. } => exchange.as_ref().map_or(0, |exchange| of_exchange(exchange)),
        EventBody::Frame(frame) => frame.payload.len(),
        EventBody::Message(message) => 192 + message.data.len(),
        EventBody::Namespace { change: NamespaceChange::Refused { data, .. }, .. } => data.len(),
        _ => 0,
    }
}

fn of_exchange(exchange: &Exchange) -> usize {
    let headers = |headers: &Headers| headers.iter().map(|(n, v)| n.len() + v.len() + 48).sum::<usize>();
    let response = exchange.response().map_or(0, |response| response.body.len() + headers(&response.headers));
    1024 + exchange.request.body.len() + headers(&exchange.request.headers) + response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::fixture::{exchange, frame, message, reason, response};
    use crate::watch::SignInStep;
    use crate::wire::WireResponse;

    /// Of three of them, two don't fit into 10,000 bytes.
    #[track_caller]
    fn check(body: EventBody) {
        let kind = body.kind();
        let mut backlog = Backlog::new(100, 10_000);
        for seq in 0..3 {
            backlog.push(Arc::new(Event { seq, at: Wall(0), profile: None, body: body.clone() }));
        }
        assert_eq!((backlog.len(), backlog.dropped()), (1, 2), "{kind}");
        let one = Event { seq: 3, at: Wall(0), profile: None, body: EventBody::Stopped };
        backlog.push(Arc::new(one));
        assert_eq!(backlog.len(), 2, "{kind}");
    }

    #[test]
    fn what_carries_much_weighs_much() {
        let data = "x".repeat(6_000);
        let answer = || Arc::new(exchange(Ok(WireResponse { body: data.clone().into(), ..response() })));
        check(frame(&data));
        check(EventBody::Message(Arc::new(message("chat", &data))));
        check(EventBody::Handshake { attempt: 1, exchange: answer(), reason: None, protocol: None });
        check(EventBody::SignIn { step: SignInStep::Submitted, exchange: Some(answer()), reason: None });
        let change = NamespaceChange::Refused { reason: reason(), data: data.as_str().into() };
        check(EventBody::Namespace { namespace: "/admin".into(), change });
    }
}
