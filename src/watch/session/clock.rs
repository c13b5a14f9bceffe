//! What time brings, and this machine: pings and their answers, silence, sleep, another network.

use std::time::Instant;

use super::{Awaited, Effect, Hope, Life, Open, PROOF, Session};
use crate::base::Moment;
use crate::watch::{Code, Reason, State};

impl Session {
    /// What there was is dead through this machine's doing, and it can try again now.
    pub(super) fn cut_off(&mut self, why: Code, now: Moment, rng: &mut fastrand::Rng, out: &mut Vec<Effect>) {
        if self.is_held() {
            return;
        }
        self.drop_connection(None, now, out);
        self.set_state(State::Suspended, Some(Reason::new(why)), out);
        self.soon(now, rng, out);
    }

    pub(super) fn network_changed(&mut self, now: Moment, rng: &mut fastrand::Rng, out: &mut Vec<Effect>) {
        if self.is_held() {
            return;
        }
        match &mut self.life {
            // One more interface says nothing about this connection: ask it. Without pings its own end has to tell.
            Life::Open(open) if self.rules.ping().is_some() => {
                let until = now.mono + PROOF.min(self.rules.timeout());
                match &mut open.awaited {
                    Some(awaited) => awaited.until = awaited.until.min(until),
                    None => ping(open, until, now, out),
                }
            }
            Life::Open(_) | Life::Dialling => {}
            Life::Waiting { .. } | Life::Resting => self.soon(now, rng, out),
        }
    }

    pub(super) fn tick(&mut self, now: Moment, rng: &mut fastrand::Rng, out: &mut Vec<Effect>) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now.mono);
        match &mut self.life {
            Life::Resting | Life::Dialling => {}
            Life::Waiting { until } => {
                if *until <= now.mono {
                    // A lasting failure keeps its word until an attempt comes out otherwise.
                    if self.state == State::Suspended {
                        let reason = self.reason.clone();
                        self.set_state(State::Reconnecting, reason, out);
                    }
                    self.dial(out);
                }
            }
            Life::Open(open) => {
                if due(open.awaited.map(|awaited| awaited.until)) {
                    return self.dead(None, Code::NoPong, now, rng, out);
                }
                if due(self.rules.idle().map(|idle| open.heard + idle)) {
                    return self.dead(None, Code::Idle, now, rng, out);
                }
                if due(open.expect_by) {
                    return self.dead(Some(1000), Code::ExpectedMessageMissing, now, rng, out);
                }
                if open.awaited.is_none() && due(open.ping_due) {
                    let until = now.mono + self.rules.timeout();
                    ping(open, until, now, out);
                }
                if due(open.proven_at) {
                    open.proven_at = None;
                    self.connected(out);
                }
            }
        }
    }

    /// Whether the open connection has answered a ping; one is sent where none was. For a check, which leaves before the
    /// profile's first would be due.
    pub fn has_its_pong(&mut self, now: Moment, out: &mut Vec<Effect>) -> bool {
        let (pings, until) = (self.rules.ping().is_some(), now.mono + PROOF.min(self.rules.timeout()));
        match &mut self.life {
            Life::Open(open) if pings => {
                if open.nonce == 0 {
                    ping(open, until, now, out);
                }
                open.awaited.is_none()
            }
            Life::Open(_) | Life::Resting | Life::Waiting { .. } | Life::Dialling => true,
        }
    }

    /// We give the open connection up.
    pub(super) fn dead(
        &mut self,
        code: Option<u16>,
        why: Code,
        now: Moment,
        rng: &mut fastrand::Rng,
        out: &mut Vec<Effect>,
    ) {
        self.drop_connection(code, now, out);
        self.failed(Reason::new(why), Hope::default(), now, rng, out);
    }
}

fn ping(open: &mut Open, until: Instant, now: Moment, out: &mut Vec<Effect>) {
    open.nonce += 1;
    open.awaited = Some(Awaited { nonce: open.nonce, sent: now.mono, until });
    out.push(Effect::Ping { nonce: open.nonce });
}
