//! What a session does while it is open, compiled from the profile once: regular expressions ready, secrets filled in.
//!
//! Invariant: nothing of the profile is copied, and an expression is shared: each clone of a `Regex` would come to hold a
//! matcher's memory of its own.

use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use crate::base::Secret;
use crate::profile::model::{Auth, Kind, Profile, Reconnect, Setting};

/// One session's rules. Texts are secrets, for a profile may put one into any of them.
#[derive(Clone, Debug)]
pub struct SessionRules {
    profile: Arc<Profile>,
    /// Sent once open, in order.
    pub send: Box<[Secret]>,
    pub expect: Option<Arc<Regex>>,
    pub answers: Box<[Answer]>,
}

/// An application heartbeat: a message that matches `when` is answered by `send`.
#[derive(Clone, Debug)]
pub struct Answer {
    pub when: Arc<Regex>,
    pub send: Secret,
}

impl SessionRules {
    /// From a profile; `fill` gives a setting's value, `compile` an expression (the same one for the same text, if the
    /// caller keeps them). The profile's checking has seen to it that expressions compile.
    pub fn new(
        profile: &Arc<Profile>,
        mut fill: impl FnMut(&Setting) -> Secret,
        mut compile: impl FnMut(&str) -> Result<Arc<Regex>, regex::Error>,
    ) -> Result<Self, regex::Error> {
        let websocket = &profile.websocket;
        Ok(Self {
            send: websocket.send.iter().map(&mut fill).collect(),
            expect: websocket.expect.as_deref().map(&mut compile).transpose()?,
            answers: websocket
                .answers
                .iter()
                .map(|rule| Ok(Answer { when: compile(&rule.when)?, send: fill(&rule.send) }))
                .collect::<Result<_, regex::Error>>()?,
            profile: Arc::clone(profile),
        })
    }

    /// Without what is sent, expected and answered.
    pub fn plain(profile: &Arc<Profile>) -> Self {
        Self { profile: Arc::clone(profile), send: Box::default(), expect: None, answers: Box::default() }
    }

    pub fn reconnect(&self) -> &Reconnect {
        &self.profile.reconnect
    }

    /// Between the slow attempts of a failure that retrying alone won't mend.
    pub fn interval(&self) -> Duration {
        self.profile.interval
    }

    /// For the expected message and for a pong.
    pub fn timeout(&self) -> Duration {
        self.profile.timeout
    }

    /// Whether a refusal for want of credentials leads to the login.
    pub fn signs_in(&self) -> bool {
        matches!(self.profile.auth, Auth::Login(_))
    }

    /// `None` for Socket.IO, whose own heartbeat tells.
    pub fn ping(&self) -> Option<Duration> {
        self.profile.websocket.ping.filter(|_| self.profile.kind != Kind::SocketIo)
    }

    /// `None` for Socket.IO, whose own heartbeat tells.
    pub fn idle(&self) -> Option<Duration> {
        self.profile.websocket.idle.filter(|_| self.profile.kind != Kind::SocketIo)
    }

    /// How long a connection on probation has to last at least: where a message is expected, as long as that may take.
    pub(super) fn proof(&self) -> Duration {
        if self.expect.is_some() { self.timeout() } else { Duration::ZERO }
    }
}
