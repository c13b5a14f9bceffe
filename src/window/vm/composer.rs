//! What a person types to be sent over an open session, and what came of it: a text over a WebSocket, an event with its
//! arguments over Socket.IO.
//!
//! Invariant: what is sent is what was checked; an acknowledgement shown is that of the event that was sent last.

use std::time::Duration;

use super::words;
use crate::model::{NamespaceState, Watched};
use crate::profile::Kind;
use crate::watch::{EventBody, Message, MessageKind, State, Wanted};
use crate::wire::Direction;

/// Names that a Socket.IO application can't emit: the client throws.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// More arguments than this, in bytes of text, are not sent.
const MOST: usize = 64 * 1024;

/// What is typed, and the last event that was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Composer {
    /// A WebSocket's.
    pub text: String,
    pub namespace: String,
    pub event: String,
    /// JSON values, with commas between them.
    pub arguments: String,
    pub ack: bool,
    pub volatile: bool,
    /// What of the profile decides whether something can be sent.
    pub namespaces: Vec<Choice>,
    open: bool,
    /// The newest message's number.
    newest: u64,
    sent: Option<Sent>,
    checked: Option<(String, Result<Vec<serde_json::Value>, String>)>,
}

/// A namespace to send to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub name: String,
    pub joined: bool,
}

/// The last event that was sent.
#[derive(Clone, Debug, PartialEq)]
struct Sent {
    namespace: String,
    event: String,
    ack: bool,
    /// The newest event that has been looked at.
    seen: u64,
    progress: Progress,
}

#[derive(Clone, Debug, PartialEq)]
enum Progress {
    /// It has not been on the wire yet.
    Asked,
    /// It went out; its number, where an acknowledgement is to come.
    Out(Option<u64>),
    Answered {
        took: Option<Duration>,
        data: Box<str>,
    },
    Unanswered {
        after: Option<Duration>,
    },
}

/// What the panel says under what is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// What keeps it from being sent.
    Wrong(String),
    /// What became of the last.
    Told(String),
    /// It was answered: in a line, and the arguments to be read.
    Answered { line: String, data: String },
    /// No answer came.
    Failed(String),
}

impl Default for Composer {
    fn default() -> Self {
        Self {
            text: String::new(),
            namespace: "/".into(),
            event: String::new(),
            arguments: String::new(),
            ack: true,
            volatile: false,
            namespaces: Vec::new(),
            open: false,
            newest: 0,
            sent: None,
            checked: None,
        }
    }
}

impl Composer {
    /// Takes in what the picture says of the session, and of the event that was sent.
    pub fn refresh(&mut self, watched: &Watched) {
        self.open = watched.state == State::Connected;
        if watched.kind() != Kind::SocketIo {
            return;
        }
        let named = watched.profile.iter().flat_map(|profile| &profile.socketio.namespaces);
        let choice = |name: &String| Choice {
            name: name.clone(),
            joined: watched
                .socketio
                .as_ref()
                .and_then(|seen| seen.namespace(name))
                .is_some_and(|seen| matches!(seen.state, NamespaceState::Joined { .. })),
        };
        self.namespaces.clear();
        self.namespaces.extend(named.map(choice));
        if !self.namespaces.iter().any(|known| known.name == self.namespace)
            && let Some(first) = self.namespaces.first()
        {
            self.namespace.clone_from(&first.name);
        }
        self.newest = watched.messages.last().map_or(self.newest, |event| event.seq);
        let Some(sent) = &mut self.sent else { return };
        let fresh = watched.messages.iter().rev().take_while(|event| sent.seen < event.seq).count();
        let skip = watched.messages.len() - fresh;
        for event in watched.messages.range(skip..watched.messages.len()) {
            sent.seen = event.seq;
            if let EventBody::Message(message) = &event.body {
                sent.take(message);
            }
        }
    }

    /// Whether the session is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    fn can_reach(&self) -> bool {
        self.namespaces.iter().any(|known| known.name == self.namespace && known.joined)
    }

    /// What keeps the event from being sent; `None`: nothing does.
    fn wrong(&mut self) -> Option<String> {
        let name = self.event.trim();
        if RESERVED.contains(&name) {
            return Some(format!("“{name}” is Socket.IO's own: an application can't emit it."));
        }
        self.arguments().err()
    }

    /// The arguments as typed, read once a change.
    fn arguments(&mut self) -> Result<Vec<serde_json::Value>, String> {
        if let Some((text, result)) = &self.checked
            && *text == self.arguments
        {
            return result.clone();
        }
        let result = parse(&self.arguments);
        self.checked = Some((self.arguments.clone(), result.clone()));
        result
    }

    /// What would be sent; `None` where something is missing or wrong.
    pub fn ready(&mut self) -> Option<Wanted> {
        let event = self.event.trim().to_owned();
        if event.is_empty() || !self.can_reach() || self.wrong().is_some() {
            return None;
        }
        let data = self.arguments().ok()?;
        Some(Wanted { namespace: self.namespace.clone(), event, data, ack: self.ack, volatile: self.volatile })
    }

    /// It is being sent.
    pub fn sent(&mut self, wanted: &Wanted) {
        let seen = self.newest;
        let Wanted { namespace, event, ack, .. } = wanted.clone();
        self.sent = Some(Sent { namespace, event, ack, seen, progress: Progress::Asked });
    }

    /// What stands under it.
    pub fn said(&mut self) -> Option<Said> {
        if let Some(wrong) = self.wrong() {
            return Some(Said::Wrong(wrong));
        }
        if !self.can_reach() {
            return Some(Said::Wrong(format!("{} is not joined: nothing can be sent to it.", self.namespace)));
        }
        self.sent.as_ref().map(Sent::said)
    }
}

impl Sent {
    fn take(&mut self, message: &Message) {
        if *message.namespace != *self.namespace {
            return;
        }
        match (&self.progress, message.kind, message.direction) {
            (Progress::Asked, MessageKind::Event, Direction::Out) if *message.event == *self.event => {
                self.progress = Progress::Out(message.id);
            }
            (Progress::Out(Some(id)), MessageKind::Ack, Direction::In) if message.id == Some(*id) => {
                self.progress = Progress::Answered { took: message.took, data: message.data.clone() };
            }
            (Progress::Out(Some(id)), MessageKind::AckMissing, _) if message.id == Some(*id) => {
                self.progress = Progress::Unanswered { after: message.took };
            }
            _ => {}
        }
    }

    fn said(&self) -> Said {
        let event = &self.event;
        let timed = |how: &str, took: &Option<Duration>| {
            took.map_or(String::new(), |took| format!(" {how} {}", words::latency(took)))
        };
        match &self.progress {
            Progress::Asked => Said::Told(format!("{event} is on its way.")),
            Progress::Out(_) if self.ack => Said::Told(format!("{event} was sent; no acknowledgement yet.")),
            Progress::Out(_) => Said::Told(format!("{event} was sent.")),
            Progress::Answered { took, data } => Said::Answered {
                line: format!("{event} was acknowledged{}:", timed("after", took)),
                data: data.to_string(),
            },
            Progress::Unanswered { after } => {
                Said::Failed(format!("No acknowledgement of {event} came{}.", timed("within", after)))
            }
        }
    }
}

/// JSON values with commas between them; the error says what is wrong and where, in lines and columns of the text.
fn parse(text: &str) -> Result<Vec<serde_json::Value>, String> {
    if MOST < text.len() {
        return Err(format!("The arguments are longer than {}.", words::bytes(MOST as u64)));
    }
    // The bracket stands on a line of its own, so that the columns are those of the text.
    serde_json::from_str(&format!("[\n{text}\n]")).map_err(|error| {
        let what = error.to_string();
        let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what);
        let lines = text.lines().count().max(1);
        let (line, column) = match error.line().saturating_sub(1) {
            // Found only behind the text's end: its last place is meant.
            line if lines < line => (lines, text.lines().last().unwrap_or_default().chars().count() + 1),
            line => (line.max(1), error.column().max(1)),
        };
        format!("The arguments are not JSON: {what}, line {line}, column {column}.")
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::{ProfileId, Wall};
    use crate::model::Live;
    use crate::profile::Profile;
    use crate::watch::{Event, NamespaceChange};

    const ID: ProfileId = ProfileId(1);

    fn live(bodies: Vec<EventBody>) -> Live {
        let mut live = Live::new();
        let mut profile = Profile::new("chat", Kind::SocketIo, "https://api.test/".parse().unwrap());
        profile.socketio.namespaces = vec!["/".into(), "/admin".into()];
        live.set_profile(ID, Arc::new(profile));
        let joined = NamespaceChange::Joined { sid: None, took: Duration::ZERO, recovered: false };
        let joined = EventBody::Namespace { namespace: "/".into(), change: joined };
        add(&mut live, [joined].into_iter().chain(bodies));
        live
    }

    fn add(live: &mut Live, bodies: impl IntoIterator<Item = EventBody>) {
        for body in bodies {
            let seq = live.last_seq() + 1;
            live.apply(&Arc::new(Event { seq, at: Wall(seq as i64), profile: Some(ID), body }));
        }
    }

    fn message(direction: Direction, kind: MessageKind, id: Option<u64>) -> EventBody {
        EventBody::Message(Arc::new(Message {
            direction,
            kind,
            namespace: "/".into(),
            event: "chat".into(),
            data: r#"["ok"]"#.into(),
            size: 6,
            attachments: 0,
            id,
            took: (kind != MessageKind::Event).then(|| Duration::from_millis(12)),
            room: None,
            user: None,
            sid: None,
        }))
    }

    fn composer(live: &Live, event: &str, arguments: &str) -> Composer {
        let mut composer = Composer { event: event.into(), arguments: arguments.into(), ..Composer::default() };
        composer.refresh(live.get(ID).unwrap());
        composer
    }

    #[track_caller]
    fn wrong(arguments: &str, expected: &str) {
        let mut composer = composer(&live(vec![]), "chat", arguments);
        assert_eq!(composer.said(), Some(Said::Wrong(expected.into())));
        assert_eq!(composer.ready(), None);
    }

    #[test]
    fn what_is_wrong_with_the_arguments_is_said_with_its_place() {
        wrong("{\"a\": }", "The arguments are not JSON: expected value, line 1, column 7.");
        wrong("1,\n{a: 1}", "The arguments are not JSON: key must be a string, line 2, column 2.");
        wrong("{\"a\": 1", "The arguments are not JSON: expected `,` or `}`, line 1, column 8.");
        wrong("1] [", "The arguments are not JSON: trailing characters, line 1, column 4.");
    }

    #[test]
    fn values_with_commas_between_are_the_arguments() {
        let mut composer = composer(&live(vec![]), " chat ", r#"{"room": "a"}, [1, 2], null"#);
        composer.volatile = true;
        let wanted = composer.ready().unwrap();
        assert_eq!(serde_json::to_string(&wanted.data).unwrap(), r#"[{"room":"a"},[1,2],null]"#);
        assert_eq!((wanted.event.as_str(), wanted.ack, wanted.volatile), ("chat", true, true));
        composer.arguments.clear();
        assert_eq!(composer.ready().unwrap().data, Vec::<serde_json::Value>::new());
    }

    #[test]
    fn names_of_the_clients_own_and_namespaces_that_are_not_joined_are_refused() {
        let live = live(vec![]);
        let mut composer = composer(&live, "disconnect", "");
        assert_eq!(composer.ready(), None);
        composer.event = "chat".into();
        assert!(composer.ready().is_some());
        composer.namespace = "/admin".into();
        assert_eq!(composer.said(), Some(Said::Wrong("/admin is not joined: nothing can be sent to it.".into())));
    }

    #[test]
    fn the_acknowledgement_of_what_was_sent_and_no_other_is_shown() {
        let mut live = live(vec![]);
        let mut composer = composer(&live, "chat", "");
        let wanted = composer.ready().unwrap();
        composer.sent(&wanted);
        add(
            &mut live,
            [
                message(Direction::In, MessageKind::Event, None),
                message(Direction::Out, MessageKind::Event, Some(7)),
                message(Direction::In, MessageKind::Ack, Some(6)),
            ],
        );
        composer.refresh(live.get(ID).unwrap());
        assert_eq!(composer.said(), Some(Said::Told("chat was sent; no acknowledgement yet.".into())));
        add(&mut live, [message(Direction::In, MessageKind::Ack, Some(7))]);
        composer.refresh(live.get(ID).unwrap());
        let expected = Said::Answered { line: "chat was acknowledged after 12 ms:".into(), data: r#"["ok"]"#.into() };
        assert_eq!(composer.said(), Some(expected));
    }

    #[test]
    fn an_acknowledgement_that_did_not_come_is_told() {
        let mut live = live(vec![]);
        let mut composer = composer(&live, "chat", "");
        let wanted = composer.ready().unwrap();
        composer.sent(&wanted);
        add(
            &mut live,
            [
                message(Direction::Out, MessageKind::Event, Some(1)),
                message(Direction::Out, MessageKind::AckMissing, Some(1)),
            ],
        );
        composer.refresh(live.get(ID).unwrap());
        assert_eq!(composer.said(), Some(Said::Failed("No acknowledgement of chat came within 12 ms.".into())));
    }
}
