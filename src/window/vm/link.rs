//! What the head says of a Socket.IO session: over what it runs and why, and how each namespace stands.

use jiff::tz::TimeZone;

use super::{local, words};
use crate::base::Wall;
use crate::diagnosis::{session_words, words as reasons};
use crate::model::{NamespaceState, Opened, SocketIoSeen, Watched};
use crate::profile::Kind;
use crate::profile::model::Transport;
use crate::watch::{ClosedBy, State, meaning};

/// A session's link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkVm {
    /// `Over WebSocket`, `On polling: the upgrade was refused with 400`; empty: it is not open.
    pub transport: String,
    /// It stays on polling though it would go on over WebSocket.
    pub held_back: bool,
    /// Since when, and the server's terms.
    pub terms: String,
    /// The next attempts begin with another transport.
    pub fell_back: Option<String>,
    pub namespaces: Vec<NamespaceVm>,
    /// Whether WebSocket is left out; `None`: there is no choice.
    pub polling_only: Option<bool>,
    /// `12,400 received, 31 sent`; empty: none.
    pub counts: String,
}

/// One namespace as a chip.
#[derive(Clone, Debug, PartialEq)]
pub struct NamespaceVm {
    pub name: String,
    pub mark: State,
    /// `joined`, `refused: sign-in required`.
    pub word: String,
    /// More of it, on hover.
    pub detail: String,
}

impl LinkVm {
    /// `None`: the profile is of another kind.
    pub fn build(watched: &Watched, now: Wall, zone: &TimeZone) -> Option<Self> {
        let profile = watched.profile.as_ref().filter(|profile| profile.kind == Kind::SocketIo)?;
        let polling_only = watched.polling_only();
        let none = SocketIoSeen::default();
        let seen = watched.socketio.as_deref().unwrap_or(&none);
        let mut names: Vec<&str> = profile.socketio.namespaces.iter().map(String::as_str).collect();
        let others = seen.namespaces.iter().map(|known| &*known.name).filter(|name| !names.contains(name));
        let others: Vec<&str> = others.collect();
        names.extend(others);
        let namespaces = names.into_iter().map(|name| namespace(seen, name, zone)).collect();
        let fell_back = seen.fell_back.as_ref().map(|(at, from, reason)| {
            let (from, why) = (session_words::transport(*from), reasons::phrase(reason));
            format!("Fell back from {from} at {}: {why}", local::near(*at, now, zone))
        });
        Some(Self {
            transport: seen.open.as_ref().map(|open| transport(seen, open)).unwrap_or_default(),
            held_back: seen.open.is_some() && seen.stuck.is_some() && polling_only != Some(true),
            terms: seen.open.as_ref().map(|open| terms(open, now, zone)).unwrap_or_default(),
            fell_back,
            namespaces,
            polling_only,
            counts: counts(seen),
        })
    }

    /// What a screen reader says of the transport.
    pub fn sentence(&self) -> String {
        let parts = [self.transport.as_str(), self.fell_back.as_deref().unwrap_or_default(), &self.counts];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }
}

fn transport(seen: &SocketIoSeen, open: &Opened) -> String {
    match (open.transport, &seen.stuck) {
        (Transport::WebSocket, _) => "Over WebSocket".to_owned(),
        (Transport::Polling, _) if open.probing => "On polling, the upgrade to WebSocket is under way".to_owned(),
        (Transport::Polling, Some((why, reason))) => {
            format!("On polling: {}", session_words::stuck(*why, reason.as_ref()))
        }
        (Transport::Polling, None) => "On polling".to_owned(),
    }
}

fn terms(open: &Opened, now: Wall, zone: &TimeZone) -> String {
    format!(
        "Since {}; Engine.IO {}, a heartbeat every {}, dead {} later",
        local::near(open.since, now, zone),
        open.revision,
        words::latency(open.ping_interval),
        words::latency(open.ping_timeout),
    )
}

fn namespace(seen: &SocketIoSeen, name: &str, zone: &TimeZone) -> NamespaceVm {
    let name = name.to_owned();
    let Some(known) = seen.namespace(&name) else {
        let (mark, word) =
            if seen.open.is_some() { (State::Connecting, "joining") } else { (State::Disconnected, "not joined") };
        return NamespaceVm { name, mark, word: word.into(), detail: String::new() };
    };
    let since = local::second(known.since, zone);
    let (mark, word, detail) = match &known.state {
        NamespaceState::Joined { sid, recovered } => {
            let sid = sid.as_deref().map_or(String::new(), |sid| format!(", socket id {sid}"));
            let how = if *recovered { ", its state recovered" } else { "" };
            (State::Connected, "joined".to_owned(), format!("Since {since}{how}{sid}"))
        }
        NamespaceState::Refused { reason, data } => {
            // A namespace that waits to be asked again is refused, whatever else the session does meanwhile.
            let mark = match meaning::state_for(reason) {
                state @ (State::AuthRequired | State::CorsError) => state,
                _ => State::Error,
            };
            (mark, format!("refused: {}", reasons::phrase(reason)), format!("At {since}: {data}"))
        }
        NamespaceState::Left { by } => {
            let who = match by {
                ClosedBy::Server => "the server left it",
                ClosedBy::Client => "wirewatch left it",
                ClosedBy::Network => "the connection was lost",
            };
            (State::Disconnected, "left".to_owned(), format!("At {since}: {who}"))
        }
    };
    NamespaceVm { name, mark, word, detail }
}

fn counts(seen: &SocketIoSeen) -> String {
    let counts = seen.counts;
    if counts == Default::default() {
        return String::new();
    }
    let mut text = format!("{} received, {} sent", words::thousands(counts.received), words::thousands(counts.sent));
    if counts.unanswered != 0 {
        text.push_str(&format!(", {} not acknowledged", words::thousands(counts.unanswered)));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::base::ProfileId;
    use crate::model::Live;
    use crate::profile::Profile;
    use crate::watch::{Code, Event, EventBody, NamespaceChange, Reason, Stuck, TransportStep};

    const ID: ProfileId = ProfileId(1);
    const NOW: Wall = Wall(1_700_000_000_000_000);

    fn opened(transport: Transport) -> EventBody {
        let step = TransportStep::Opened {
            revision: 4,
            upgradable: true,
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            max_payload: None,
            took: Duration::ZERO,
        };
        EventBody::Transport { transport, step }
    }

    fn stuck(why: Stuck, reason: Option<Reason>) -> EventBody {
        EventBody::Transport { transport: Transport::Polling, step: TransportStep::Stuck { why, reason } }
    }

    fn namespace(name: &str, change: NamespaceChange) -> EventBody {
        EventBody::Namespace { namespace: name.into(), change }
    }

    fn link(bodies: Vec<EventBody>) -> LinkVm {
        let mut live = Live::new();
        let mut profile = Profile::new("chat", Kind::SocketIo, "https://api.test/".parse().unwrap());
        profile.socketio.namespaces = vec!["/".into(), "/admin".into()];
        live.set_profile(ID, Arc::new(profile));
        for (seq, body) in bodies.into_iter().enumerate() {
            live.apply(&Arc::new(Event { seq: seq as u64, at: NOW, profile: Some(ID), body }));
        }
        LinkVm::build(live.get(ID).unwrap(), NOW, &TimeZone::UTC).unwrap()
    }

    #[track_caller]
    fn on_polling(why: Stuck, reason: Option<Reason>, expected: &str, held_back: bool) {
        let got = link(vec![opened(Transport::Polling), stuck(why, reason)]);
        assert_eq!((got.transport.as_str(), got.held_back), (expected, held_back));
    }

    #[test]
    fn why_it_is_on_polling_is_said() {
        let status = Some(Reason::new(Code::HandshakeStatus).with_status(400));
        on_polling(Stuck::Refused, status, "On polling: the upgrade was refused with 400", true);
        on_polling(Stuck::NotOffered, None, "On polling: the server offers no upgrade", true);
        on_polling(Stuck::NotWanted, None, "On polling: WebSocket is left out here", false);
        assert_eq!(link(vec![opened(Transport::WebSocket)]).transport, "Over WebSocket");
        assert_eq!(link(vec![]).transport, "");
    }

    #[test]
    fn each_namespace_of_the_profile_says_how_it_stands() {
        let reason = Reason::new(Code::AuthRequired);
        let joined = NamespaceChange::Joined { sid: Some("x7".into()), took: Duration::ZERO, recovered: false };
        let got = link(vec![
            opened(Transport::Polling),
            namespace("/", joined),
            namespace("/admin", NamespaceChange::Refused { reason, data: "{\"message\":\"no\"}".into() }),
        ]);
        let chips: Vec<_> = got.namespaces.iter().map(|one| (one.name.as_str(), one.mark, one.word.as_str())).collect();
        assert_eq!(
            chips,
            [("/", State::Connected, "joined"), ("/admin", State::AuthRequired, "refused: sign-in required")]
        );
        assert_eq!(got.namespaces[0].detail, "Since 22:13:20, socket id x7");
        assert_eq!(link(vec![]).namespaces[0].word, "not joined");
    }

    #[test]
    fn polling_only_is_on_once_the_session_says_that_it_leaves_websocket_out() {
        assert_eq!(link(vec![]).polling_only, Some(false));
        let got = link(vec![opened(Transport::Polling), stuck(Stuck::NotWanted, None)]);
        assert_eq!(got.polling_only, Some(true));
    }
}
