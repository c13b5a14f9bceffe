//! Why something is wrong, said before anything is plotted. Absent where nothing is.

use super::words;
use crate::diagnosis::{self, CauseId, Diagnosis, Facts, Fix};
use crate::model::Watched;
use crate::profile::{Auth, Profile};
use crate::watch::{Code, Outcome, Reason, State};

/// A thing to change, with what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixVm {
    pub text: String,
    /// Lines of configuration, ready to be pasted.
    pub snippet: Option<String>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyVm {
    /// Whose colour the card has; `None`: a mistake in the profile itself.
    pub state: Option<State>,
    /// The cause, a sentence.
    pub headline: String,
    /// What was seen: the browser's console line, the close frame, the mistakes of a file.
    pub facts: Vec<String>,
    pub fixes: Vec<FixVm>,
    /// What else it may be, in one line.
    pub others: Option<String>,
}

impl WhyVm {
    /// `None`: nothing is wrong.
    pub fn build(watched: &Watched) -> Option<Self> {
        if let Some(problems) = &watched.problems {
            return Some(Self {
                state: None,
                headline: match problems.len() {
                    0 => "The profile's file can't be read.".to_owned(),
                    many => format!("The profile's file has {}.", words::count(many, "mistake", "mistakes")),
                },
                facts: problems.iter().map(ToString::to_string).collect(),
                fixes: vec![FixVm {
                    text: "Correct the file; it is taken up within a second of being saved.".to_owned(),
                    snippet: None,
                }],
                others: None,
            });
        }
        let reason = watched.current_reason();
        let wrong = match watched.state {
            State::Error | State::CorsError | State::AuthRequired | State::Reconnecting => true,
            State::Suspended => reason.is_none_or(|reason| reason.code != Code::Paused),
            State::Disconnected => reason.is_some_and(|reason| reason.code == Code::SecretMissing),
            State::Connected => degraded(watched),
            State::Connecting => false,
        };
        if !watched.is_enabled() || !wrong {
            return None;
        }
        let diagnosis = watched.profile.as_ref().map(|profile| diagnose(watched, profile));
        let mut facts = Vec::new();
        if let Some((_, report)) = &watched.last_check {
            facts.extend(report.console.as_deref().map(str::to_owned));
        }
        if let (State::Reconnecting, Some((_, close))) = (watched.state, &watched.last_close) {
            facts.push(close_line(close));
        }
        let needs_login = watched.profile.as_ref().is_some_and(|profile| matches!(profile.auth, Auth::Login(_)));
        if needs_login && watched.state == State::AuthRequired {
            facts.push("The profile's `auth.login` is kept, and not carried out yet.".to_owned());
        }
        let headline = match &diagnosis {
            Some(diagnosis) if !diagnosis.summary.is_empty() => diagnosis.summary.clone(),
            _ => reason.map_or_else(|| headline_of(watched.state), sentence),
        };
        let (fixes, others) = diagnosis.map_or_else(Default::default, |found| (found.fixes, found.others));
        Some(Self {
            state: Some(watched.state),
            headline,
            facts,
            fixes: fixes.into_iter().map(fix_vm).collect(),
            others: others_line(&others),
        })
    }

    /// All of it as text, to be pasted into a message.
    pub fn text(&self) -> String {
        let mut lines = vec![self.headline.clone()];
        lines.extend(self.facts.iter().cloned());
        for fix in &self.fixes {
            lines.push(format!("Fix: {}", fix.text));
            lines.extend(fix.snippet.clone());
        }
        lines.join("\n")
    }
}

/// What the evidence of the last check, or of the session, points to.
fn diagnose(watched: &Watched, profile: &Profile) -> Diagnosis {
    let check = watched.last_check.as_ref();
    if !watched.is_session()
        && let Some((_, report)) = check
    {
        return diagnosis::diagnose(&Facts::of_check(profile, report));
    }
    let handshake = watched.last_handshake.as_ref();
    let close = watched.last_close.as_ref().filter(|(at, _)| handshake.is_none_or(|seen| seen.at <= *at));
    let at = handshake.map_or(watched.since, |seen| Some(seen.at)).unwrap_or_default();
    let facts = Facts::of_session(
        profile,
        watched.current_reason(),
        handshake.map(|seen| &*seen.exchange),
        close.map(|(_, facts)| facts),
        at,
    );
    diagnosis::diagnose(&facts)
}

fn fix_vm(fix: Fix) -> FixVm {
    let text = if fix.stack == "any" { fix.text } else { format!("{}: {}", fix.stack, fix.text) };
    FixVm { text, snippet: fix.snippet }
}

fn others_line(others: &[(CauseId, f32)]) -> Option<String> {
    let names: Vec<String> =
        others.iter().map(|(cause, share)| format!("{} ({:.0} %)", cause.as_str(), share * 100.0)).collect();
    (!names.is_empty()).then(|| format!("It may also be: {}", names.join(", ")))
}

fn degraded(watched: &Watched) -> bool {
    watched.last_check.as_ref().is_some_and(|(_, report)| report.outcome == Outcome::Degraded)
}

/// The phrase as a sentence.
fn sentence(reason: &Reason) -> String {
    let phrase = diagnosis::words::phrase(reason);
    let mut letters = phrase.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn headline_of(state: State) -> String {
    format!("{}.", diagnosis::words::state(state))
}

/// How the last session ended, as both sides saw it.
pub fn close_line(close: &crate::watch::CloseFacts) -> String {
    let who = match close.by {
        crate::watch::ClosedBy::Server => "Closed by the server",
        crate::watch::ClosedBy::Client => "Closed by wirewatch",
        crate::watch::ClosedBy::Network => "The connection broke",
    };
    let code = match close.code {
        Some(code) => match diagnosis::words::close_words(code) {
            Some(words) => format!(" with {code} ({words})"),
            None => format!(" with {code}"),
        },
        None => " without a close frame".to_owned(),
    };
    let text = if close.reason.is_empty() { String::new() } else { format!(" “{}”", close.reason) };
    let clean = if close.script.clean { "clean" } else { "not clean" };
    format!("{who}{code}{text}; the page's script sees {}, {clean}", close.script.code)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::{ProfileId, Wall};
    use crate::model::Live;
    use crate::profile::{Kind, Login, Profile};
    use crate::watch::{CloseFacts, ClosedBy, Event, EventBody, ScriptClose};
    use crate::window::testing::broken;

    const ID: ProfileId = ProfileId(1);

    fn why(bodies: Vec<EventBody>) -> Option<WhyVm> {
        let mut live = Live::new();
        let profile = Profile::new("Sales chat", Kind::WebSocket, "wss://api.test/ws/".parse().unwrap());
        live.set_profile(ID, Arc::new(profile));
        for (seq, body) in bodies.into_iter().enumerate() {
            live.apply(&Arc::new(Event { seq: seq as u64, at: Wall(1), profile: Some(ID), body }));
        }
        WhyVm::build(live.get(ID).unwrap())
    }

    fn enter(to: State, code: Code) -> EventBody {
        EventBody::State { from: State::Connecting, to, reason: Some(Reason::new(code).with_status(502)), attempt: 0 }
    }

    #[test]
    fn nothing_wrong_says_nothing() {
        assert_eq!(why(vec![]), None);
        assert_eq!(why(vec![enter(State::Suspended, Code::Paused)]), None);
    }

    #[test]
    fn a_refusal_is_a_sentence_with_something_to_change() {
        let got = why(vec![enter(State::CorsError, Code::OriginRefused)]).unwrap();
        assert!(got.headline.ends_with('.') && !got.fixes.is_empty(), "{got:?}");
    }

    #[test]
    fn a_login_that_nobody_makes_is_told_where_credentials_are_missing() {
        let mut profile = Profile::new("Shop", Kind::WebSocket, "wss://api.test/ws/".parse().unwrap());
        let url = "https://api.test/login".parse().unwrap();
        profile.auth = Auth::Login(Login { url, fields: Vec::new(), csrf: None, check: None });
        let mut live = Live::new();
        live.set_profile(ID, Arc::new(profile));
        let body = enter(State::AuthRequired, Code::AuthRequired);
        live.apply(&Arc::new(Event { seq: 1, at: Wall(1), profile: Some(ID), body }));
        let got = WhyVm::build(live.get(ID).unwrap()).unwrap();
        assert_eq!(got.facts, ["The profile's `auth.login` is kept, and not carried out yet."]);
    }

    #[test]
    fn a_lost_session_tells_how_both_sides_saw_the_end() {
        let facts = CloseFacts {
            code: None,
            reason: "".into(),
            by: ClosedBy::Network,
            script: ScriptClose { code: 1006, reason: "".into(), clean: false },
        };
        let closed = EventBody::Closed { facts, open_for: std::time::Duration::from_secs(9) };
        let got = why(vec![closed, enter(State::Reconnecting, Code::ClosedAbnormally)]).unwrap();
        assert_eq!(got.facts, ["The connection broke without a close frame; the page's script sees 1006, not clean"]);
        assert!(got.text().starts_with(&got.headline) && got.text().contains("1006"), "{}", got.text());
    }

    #[test]
    fn a_broken_file_lists_its_mistakes() {
        let got = WhyVm::build(broken(ID).get(ID).unwrap()).unwrap();
        assert_eq!(got.headline, "The profile's file has 1 mistake.");
        assert_eq!(got.facts, ["chat.toml:3: unknown key `pagee` (did you mean `page`?)"]);
    }
}
