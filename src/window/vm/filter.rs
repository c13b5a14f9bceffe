//! What a person types to narrow a table: `kind:frame dir:in -ping size:>1k "two words"`, `ns:/admin event:chat`.
//!
//! Every term has to hold; one with `-` before it must not. A key that is not known is a plain word, so that nothing typed
//! is an error.

use crate::watch::Class;
use crate::wire::Direction;

/// What of a row a filter can ask for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The event's kind (`check`, `state`, …).
    pub kind: &'a str,
    pub dir: Option<Direction>,
    /// In bytes.
    pub size: Option<u64>,
    /// The state's code.
    pub state: Option<&'a str>,
    /// The reason's code.
    pub code: Option<&'a str>,
    pub status: Option<u16>,
    /// A frame's opcode, a message's kind.
    pub opcode: Option<&'a str>,
    pub namespace: Option<&'a str>,
    /// A message's event name.
    pub event: Option<&'a str>,
    pub room: Option<&'a str>,
    pub user: Option<&'a str>,
    /// All of the row's words, in lower case.
    pub text: &'a str,
}

/// A filter as typed, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    terms: Vec<(bool, Term)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Kind(String),
    Dir(Direction),
    Size(Comparison, u64),
    State(String),
    Code(String),
    Status(Comparison, u64),
    Opcode(String),
    Namespace(String),
    Event(String),
    Room(String),
    User(String),
    Word(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Filter {
    pub fn parse(text: &str) -> Self {
        let terms = words(text).into_iter().filter_map(|word| {
            let (wanted, word) = match word.strip_prefix('-') {
                Some(rest) if !rest.is_empty() => (false, rest.to_owned()),
                _ => (true, word),
            };
            (word != "-").then(|| (wanted, Term::parse(&word)))
        });
        Self { terms: terms.collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        self.terms.iter().all(|(wanted, term)| term.holds(facts) == *wanted)
    }

    /// Whether it asks for frames or messages by their own facts, so that they have to be among the rows.
    pub fn asks_for(&self, class: Class) -> bool {
        self.terms.iter().any(|(wanted, term)| *wanted && term.is_of(class))
    }
}

impl Term {
    fn parse(word: &str) -> Self {
        let lower = word.to_lowercase();
        let Some((key, value)) = lower.split_once(':') else { return Self::Word(lower) };
        if value.is_empty() {
            return Self::Word(lower);
        }
        match key {
            "kind" => Self::Kind(value.to_owned()),
            "dir" if "in".starts_with(value) => Self::Dir(Direction::In),
            "dir" if "out".starts_with(value) => Self::Dir(Direction::Out),
            "state" => Self::State(value.replace(['-', ' '], "_")),
            "code" => Self::Code(value.to_owned()),
            "opcode" | "op" => Self::Opcode(value.to_owned()),
            "ns" | "namespace" => Self::Namespace(value.to_owned()),
            "event" => Self::Event(value.to_owned()),
            "room" => Self::Room(value.to_owned()),
            "user" => Self::User(value.to_owned()),
            "size" => comparison(value).map_or(Self::Word(lower.clone()), |(how, size)| Self::Size(how, size)),
            "status" => comparison(value).map_or(Self::Word(lower.clone()), |(how, status)| Self::Status(how, status)),
            _ => Self::Word(lower),
        }
    }

    fn is_of(&self, class: Class) -> bool {
        match (self, class) {
            (Self::Kind(kind), Class::Frames) => "frame".starts_with(kind.as_str()),
            (Self::Kind(kind), Class::Messages) => "message".starts_with(kind.as_str()),
            (Self::Dir(_) | Self::Size(..), Class::Frames | Class::Messages) => true,
            (Self::Opcode(_), class) => class != Class::Events,
            (Self::Event(_) | Self::Room(_) | Self::User(_), class) => class == Class::Messages,
            // Namespaces come and go as events, too.
            (Self::Namespace(_), class) => class != Class::Frames,
            _ => false,
        }
    }

    fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Kind(kind) => facts.kind.starts_with(kind.as_str()),
            Self::Dir(dir) => facts.dir == Some(*dir),
            Self::Size(how, size) => facts.size.is_some_and(|got| how.holds(got, *size)),
            Self::State(state) => facts.state.is_some_and(|got| got.starts_with(state.as_str())),
            Self::Code(code) => facts.code.is_some_and(|got| got.to_lowercase().contains(code.as_str())),
            Self::Status(how, status) => facts.status.is_some_and(|got| how.holds(got.into(), *status)),
            Self::Opcode(opcode) => facts.opcode.is_some_and(|got| got.starts_with(opcode.as_str())),
            Self::Namespace(namespace) => is(facts.namespace, namespace),
            Self::Event(event) => facts.event.is_some_and(|got| got.to_lowercase().starts_with(event.as_str())),
            Self::Room(room) => is(facts.room, room),
            Self::User(user) => is(facts.user, user),
            Self::Word(word) => facts.text.contains(word.as_str()),
        }
    }
}

impl Comparison {
    fn holds(self, got: u64, wanted: u64) -> bool {
        match self {
            Self::Less => got < wanted,
            Self::AtMost => got <= wanted,
            Self::Equal => got == wanted,
            Self::AtLeast => wanted <= got,
            Self::More => wanted < got,
        }
    }
}

fn is(got: Option<&str>, wanted: &str) -> bool {
    got.is_some_and(|got| got.to_lowercase() == wanted)
}

/// `>1k`, `<=200`, `404`: how, and what; `k`, `M` and `G` are powers of a thousand.
fn comparison(value: &str) -> Option<(Comparison, u64)> {
    use Comparison::{AtLeast, AtMost, Equal, Less, More};
    let signs = [(">=", AtLeast), ("<=", AtMost), (">", More), ("<", Less), ("=", Equal)];
    let (how, number) =
        signs.into_iter().find_map(|(sign, how)| Some((how, value.strip_prefix(sign)?))).unwrap_or((Equal, value));
    let number = number.strip_suffix('b').unwrap_or(number);
    let (digits, factor) = match number.strip_suffix(['k', 'm', 'g']) {
        Some(digits) if number.ends_with('k') => (digits, 1e3),
        Some(digits) if number.ends_with('m') => (digits, 1e6),
        Some(digits) => (digits, 1e9),
        None => (number, 1.0),
    };
    let digits: f64 = digits.parse().ok()?;
    (digits.is_finite() && 0.0 <= digits).then_some((how, (digits * factor) as u64))
}

/// Words between blanks; what stands in double quotes is one, its closing quote may be missing.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for letter in text.chars() {
        match letter {
            '"' => quoted = !quoted,
            blank if blank.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Facts<'_> = Facts {
        kind: "",
        dir: None,
        size: None,
        state: None,
        code: None,
        status: None,
        opcode: None,
        namespace: None,
        event: None,
        room: None,
        user: None,
        text: "",
    };
    const MESSAGE: Facts<'_> = Facts {
        kind: "message",
        opcode: Some("event"),
        namespace: Some("/admin"),
        event: Some("chat message"),
        user: Some("Ann"),
        ..NOTHING
    };
    const FRAME: Facts<'_> = Facts {
        kind: "frame",
        dir: Some(Direction::In),
        size: Some(1_500),
        opcode: Some("text"),
        text: "{\"type\":\"chat\"} hello world",
        ..NOTHING
    };
    const CHECK: Facts<'_> = Facts {
        kind: "check",
        state: Some("cors_error"),
        code: Some("MissingAllowOriginHeader"),
        status: Some(502),
        text: "down 502 bad gateway",
        ..NOTHING
    };

    #[track_caller]
    fn check(filter: &str, frame: bool, check: bool) {
        let filter = Filter::parse(filter);
        assert_eq!((filter.matches(&FRAME), filter.matches(&CHECK)), (frame, check), "{filter:?}");
    }

    #[test]
    fn every_term_has_to_hold() {
        check("", true, true);
        check("kind:frame dir:in -ping size:>1k", true, false);
        check("kind:frame dir:out", false, false);
        check("size:<=1500 op:text", true, false);
        check("size:>1.5k", false, false);
        check("status:>=500", false, true);
        check("state:cors code:alloworigin", false, true);
    }

    #[test]
    fn words_are_found_in_any_case_and_quotes_join_them() {
        check("Hello", true, false);
        check("\"hello world\"", true, false);
        check("\"hello  world\"", false, false);
        check("-hello", false, true);
    }

    #[test]
    fn what_is_not_understood_is_a_plain_word() {
        check("colour:red", false, false);
        check("size:big", false, false);
        check("-", true, true);
        assert!(Filter::parse("  ").is_empty());
    }

    #[test]
    fn a_message_is_found_by_namespace_event_and_user() {
        let found = |filter: &str| Filter::parse(filter).matches(&MESSAGE);
        assert!(found("ns:/admin event:chat user:ann op:event"));
        assert!(!found("ns:/") && !found("event:message") && !found("-ns:/admin") && !found("room:a"));
    }

    #[test]
    fn asking_for_a_frames_or_a_messages_facts_asks_for_those() {
        let asks = |filter: &str| {
            let filter = Filter::parse(filter);
            (filter.asks_for(Class::Frames), filter.asks_for(Class::Messages))
        };
        assert_eq!(asks("kind:frame"), (true, false));
        assert_eq!(asks("dir:in"), (true, true));
        assert_eq!(asks("ns:/admin"), (false, true));
        assert_eq!(asks("event:chat"), (false, true));
        assert_eq!(asks("-kind:frame cors"), (false, false));
    }
}
