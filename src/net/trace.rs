//! What one exchange leaves behind as it goes: times, addresses, the handshake. Kept up to date at each step, so that a
//! failure at any point has all that came before it.

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::base::Clock;
use crate::wire::{Attempt, Exchange, NetError, Phase, Phases, TlsFacts, WireRequest, WireResponse};

pub(super) struct Trace {
    clock: Clock,
    started: Instant,
    pub(super) deadline: Instant,
    pub(super) phases: Phases,
    pub(super) tried: Vec<Attempt>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) tls: Option<TlsFacts>,
    pub(super) proxy: Option<String>,
}

impl Trace {
    pub(super) fn begin(clock: Clock, deadline: Instant) -> Self {
        Self {
            clock,
            started: clock.mono(),
            deadline,
            phases: Phases::default(),
            tried: Vec::new(),
            peer: None,
            tls: None,
            proxy: None,
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.mono()
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    pub(super) fn since(&self, earlier: Instant) -> Duration {
        self.now().saturating_duration_since(earlier)
    }

    /// The error of a phase that the deadline cut off.
    pub(super) fn timeout(&self, phase: Phase) -> NetError {
        let after = self.deadline.saturating_duration_since(self.started);
        // To the millisecond: the caller's "10 s" began a few microseconds before us.
        let after = Duration::from_millis((after.as_secs_f64() * 1e3).round() as u64);
        NetError::Timeout { phase, after }
    }

    /// Runs one phase's work, until the deadline at most.
    pub(super) async fn within<T>(
        &self,
        phase: Phase,
        work: impl Future<Output = Result<T, NetError>>,
    ) -> Result<T, NetError> {
        match tokio::time::timeout_at(self.deadline.into(), work).await {
            Ok(result) => result,
            Err(_) => Err(self.timeout(phase)),
        }
    }

    pub(super) fn finish(mut self, request: WireRequest, result: Result<WireResponse, NetError>) -> Exchange {
        self.phases.total = Some(self.since(self.started));
        Exchange {
            request,
            result,
            phases: self.phases,
            peer: self.peer,
            tried: self.tried,
            tls: self.tls,
            proxy: self.proxy,
        }
    }
}
