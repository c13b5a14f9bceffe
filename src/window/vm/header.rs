//! The head of the detail side: what it is, how it is, since when, and what can be asked of it.

use jiff::tz::TimeZone;

use super::link::LinkVm;
use super::roster::Mark;
use super::{local, words};
use crate::base::{ProfileId, Wall};
use crate::diagnosis;
use crate::model::Watched;
use crate::watch::{Code, State};

/// What the head says.
#[derive(Clone, Debug, PartialEq)]
pub struct HeaderVm {
    pub id: ProfileId,
    pub name: String,
    pub mark: Mark,
    /// The state's word.
    pub word: String,
    /// `since 14:02:31 (4 min)`, or nothing.
    pub since: String,
    /// `attempt 4 in 3 s`, while there is a wait.
    pub countdown: Option<String>,
    pub url: String,
    /// `from https://example.com as Chrome`
    pub as_whom: String,
    /// What the good state depends on.
    pub condition: Option<String>,
    /// It holds a session open.
    pub session: bool,
    /// Of a Socket.IO session.
    pub link: Option<LinkVm>,
    pub enabled: bool,
    /// A person paused it.
    pub paused: bool,
    /// A person closed it, or it was never opened.
    pub disconnected: bool,
    /// When the text changes though nothing happened.
    pub stale_at: Option<Wall>,
}

impl HeaderVm {
    /// `condition`: what the good state depends on.
    pub fn build(watched: &Watched, condition: Option<String>, now: Wall, zone: &TimeZone) -> Self {
        let mark = if watched.is_broken() {
            Mark::Broken
        } else if watched.is_enabled() {
            Mark::State(watched.state)
        } else {
            Mark::Off
        };
        let word = match mark {
            Mark::State(State::Disconnected) if watched.since.is_none() => "Not watched yet".to_owned(),
            Mark::State(state) => diagnosis::words::state(state).to_owned(),
            Mark::Off => "Off".to_owned(),
            Mark::Broken => "Its file can't be used".to_owned(),
        };
        let since = match (mark, watched.since) {
            (Mark::State(_), Some(since)) => {
                format!("since {} ({})", local::near(since, now, zone), words::lasted(now.since(since)))
            }
            _ => String::new(),
        };
        let waits = watched.retry.filter(|retry| now < retry.until && mark == Mark::State(watched.state));
        let countdown = waits
            .map(|retry| format!("attempt {} in {} s", retry.attempt.max(1), words::countdown(retry.until.since(now))));
        let (url, as_whom) = match &watched.profile {
            Some(profile) => {
                let page = profile.page_url();
                let origin = page.origin().ascii_serialization();
                (profile.url.to_string(), format!("from {origin} as {}", profile.browser.name()))
            }
            None => (String::new(), String::new()),
        };
        Self {
            id: watched.id,
            name: watched.name.to_string(),
            mark,
            word,
            since,
            countdown,
            url,
            as_whom,
            condition,
            session: watched.is_session(),
            link: LinkVm::build(watched, now, zone).filter(|_| matches!(mark, Mark::State(_))),
            enabled: watched.is_enabled(),
            paused: watched.state == State::Suspended
                && watched.reason.as_ref().is_some_and(|reason| reason.code == Code::Paused),
            disconnected: watched.state == State::Disconnected,
            stale_at: waits.map(|retry| {
                let left = words::countdown(retry.until.since(now)).saturating_sub(1);
                retry.until.minus(std::time::Duration::from_secs(left))
            }),
        }
    }

    /// What a screen reader says.
    pub fn sentence(&self) -> String {
        let mut sentence = format!("{}: {}", self.name, self.word);
        for more in [self.since.as_str(), self.countdown.as_deref().unwrap_or_default()] {
            if !more.is_empty() {
                sentence.push_str(", ");
                sentence.push_str(more);
            }
        }
        sentence
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::model::Live;
    use crate::profile::{Kind, Profile};
    use crate::watch::{Event, EventBody, Reason};

    const ID: ProfileId = ProfileId(1);
    const NOW: Wall = Wall(1_700_000_000_000_000);

    fn header(bodies: Vec<EventBody>) -> HeaderVm {
        let mut live = Live::new();
        let mut profile = Profile::new("Sales chat", Kind::WebSocket, "wss://api.test/ws/".parse().unwrap());
        profile.page = Some("https://example.com/app?x=1".parse().unwrap());
        live.set_profile(ID, Arc::new(profile));
        for (seq, body) in bodies.into_iter().enumerate() {
            let at = NOW.minus(Duration::from_secs(240));
            live.apply(&Arc::new(Event { seq: seq as u64, at, profile: Some(ID), body }));
        }
        HeaderVm::build(live.get(ID).unwrap(), None, NOW, &TimeZone::UTC)
    }

    #[test]
    fn the_head_says_state_time_and_countdown() {
        let reason = Some(Reason::new(Code::ClosedAbnormally));
        let got = header(vec![
            EventBody::State { from: State::Connected, to: State::Reconnecting, reason, attempt: 3 },
            EventBody::Retry {
                attempt: 4,
                wait: Duration::from_secs(3),
                until: NOW.plus(Duration::from_millis(2_400)),
            },
        ]);
        assert_eq!(got.sentence(), "Sales chat: Reconnecting, since 22:09:20 (4 min), attempt 4 in 3 s");
        assert_eq!(got.as_whom, "from https://example.com as Chrome");
        assert_eq!(got.stale_at, Some(NOW.plus(Duration::from_millis(400))));
    }

    #[test]
    fn what_nobody_watched_yet_is_not_called_disconnected() {
        assert_eq!(header(vec![]).sentence(), "Sales chat: Not watched yet");
    }

    #[test]
    fn a_pause_is_told_from_other_suspensions() {
        let suspended = |code| EventBody::State {
            from: State::Connected,
            to: State::Suspended,
            reason: Some(Reason::new(code)),
            attempt: 0,
        };
        assert!(header(vec![suspended(Code::Paused)]).paused);
        assert!(!header(vec![suspended(Code::Offline)]).paused);
    }
}
