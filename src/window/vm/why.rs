//! Why something is wrong, said before anything is plotted. Absent where nothing is.

use std::sync::Arc;

use super::audit::FindingVm;
use super::words;
use crate::diagnosis::{self, About, CauseId, Facts, Fix, Remark};
use crate::model::Watched;
use crate::profile::Profile;
use crate::watch::{Code, Outcome, Reason, Severity, State};

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
    /// What stands beside it: cookies that stayed behind, leave that a person gives.
    pub beside: Vec<String>,
    /// What can't be known from here.
    pub unknowable: Option<String>,
    pub fixes: Vec<FixVm>,
    /// What else it may be, in one line.
    pub others: Option<String>,
}

/// What the detail side says of it: why it is wrong, or what it depends on that it is well.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub why: Option<WhyVm>,
    pub condition: Option<String>,
    /// What is amiss though it works: of the last check and of the last audit on its schedule, the gravest first.
    pub warnings: Vec<FindingVm>,
    /// Why there is nothing to see, where there is nothing.
    pub empty: String,
    /// The profile that it is said of.
    pub profile: Option<Arc<Profile>>,
}

impl Told {
    pub fn build(watched: &Watched) -> Self {
        let (condition, mut warnings) = (condition(watched), warnings(watched));
        // The head says its own.
        warnings.retain(|one| condition.as_ref().is_none_or(|said| !said.contains(&one.text)));
        Self {
            why: WhyVm::build(watched),
            condition,
            warnings,
            empty: empty_words(watched),
            profile: watched.profile.clone(),
        }
    }
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
                beside: Vec::new(),
                unknowable: None,
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
        let evidence = watched.profile.as_ref().map(|profile| evidence(watched, profile));
        let diagnosis = evidence.as_ref().map(diagnosis::diagnose);
        let mut facts = Vec::new();
        if let Some((_, report)) = &watched.last_check {
            facts.extend(report.console.as_deref().map(str::to_owned));
        }
        if let (State::Reconnecting, Some((_, close))) = (watched.state, &watched.last_close) {
            facts.push(close_line(close));
        }
        // What the cause rests on, where the headline doesn't say it by itself.
        let signs = diagnosis.iter().flat_map(|found| &found.signs).filter(|sign| !sign.is_empty());
        facts.extend(signs.map(|sign| format!("Seen: {sign}")));
        let headline = match &diagnosis {
            Some(diagnosis) if !diagnosis.summary.is_empty() => diagnosis.summary.clone(),
            _ => reason.map_or_else(|| headline_of(watched.state), sentence),
        };
        let remarks = evidence.as_ref().map(Facts::remarks).unwrap_or_default();
        let (unknowable, beside): (Vec<Remark>, Vec<Remark>) =
            remarks.into_iter().partition(|remark| remark.about == About::Unknowable);
        // The cause has said its own.
        let beside = beside.iter().filter(|remark| !headline.contains(&remark.text)).map(Remark::sentence).collect();
        let unknowable = unknowable.first().map(Remark::sentence);
        let (fixes, others) = diagnosis.map_or_else(Default::default, |found| (found.fixes, found.others));
        Some(Self {
            state: Some(watched.state),
            headline,
            facts,
            beside,
            unknowable,
            fixes: fixes.into_iter().map(fix_vm).collect(),
            others: others_line(&others),
        })
    }

    /// All of it as text, to be pasted into a message.
    pub fn text(&self) -> String {
        let mut lines = vec![self.headline.clone()];
        lines.extend(self.facts.iter().chain(&self.beside).cloned());
        for fix in &self.fixes {
            lines.push(format!("Fix: {}", fix.text));
            lines.extend(fix.snippet.clone());
        }
        lines.join("\n")
    }
}

/// What a good verdict depends on; `None` where that is nothing.
fn condition(watched: &Watched) -> Option<String> {
    // Where something is wrong, the card says it.
    let good = watched.state == State::Connected && watched.is_enabled() && !degraded(watched);
    let facts = watched.profile.as_ref().filter(|_| good).map(|profile| evidence(watched, profile))?;
    let remark = facts.remarks().into_iter().find(|remark| remark.about == About::LocalNetwork)?;
    Some(remark.sentence())
}

fn warnings(watched: &Watched) -> Vec<FindingVm> {
    let facts = watched.profile.as_ref().filter(|_| watched.is_enabled()).map(|profile| evidence(watched, profile));
    let Some(facts) = facts.filter(|_| watched.state == State::Connected) else { return Vec::new() };
    let mut all: Vec<FindingVm> = diagnosis::diagnose(&facts)
        .warnings
        .into_iter()
        .map(|warning| FindingVm {
            severity: warning.severity,
            id: warning.cause.as_str().into(),
            text: warning.text,
            evidence: String::new(),
            fixes: warning.fixes.into_iter().map(fix_vm).collect(),
        })
        .collect();
    let audited = watched.last_audit.iter().flat_map(|(_, audited)| &audited.findings);
    for one in audited {
        if all.iter().all(|known| *known.id != *one.id) {
            let (id, text) = (one.id.clone(), one.text.to_string());
            let evidence = "Found by the last audit; “Audit…” shows each request.".to_owned();
            all.push(FindingVm { severity: one.severity, id, text, evidence, fixes: Vec::new() });
        }
    }
    // What is low is for who asks.
    all.retain(|one| one.severity != Severity::Low);
    all.sort_by_key(|one| std::cmp::Reverse(one.severity));
    all
}

/// The last check's evidence, or the session's.
fn evidence<'a>(watched: &'a Watched, profile: &'a Profile) -> Facts<'a> {
    let check = watched.last_check.as_ref();
    if !watched.is_session()
        && let Some((_, report)) = check
    {
        return Facts::of_check(profile, report);
    }
    let handshake = watched.last_handshake.as_ref();
    let close = watched.last_close.as_ref().filter(|(at, _)| handshake.is_none_or(|seen| seen.at <= *at));
    let at = handshake.map_or(watched.since, |seen| Some(seen.at)).unwrap_or_default();
    Facts::of_session(
        profile,
        watched.current_reason(),
        handshake.map(|seen| &*seen.exchange),
        close.map(|(_, facts)| facts),
        at,
    )
}

pub(super) fn fix_vm(fix: Fix) -> FixVm {
    let text = if fix.stack == "any" { fix.text } else { format!("{}: {}", fix.stack, fix.text) };
    FixVm { text, snippet: fix.snippet }
}

pub(super) fn others_line(others: &[(CauseId, f32)]) -> Option<String> {
    let names: Vec<String> =
        others.iter().map(|(cause, share)| format!("{} ({:.0} %)", cause.as_str(), share * 100.0)).collect();
    (!names.is_empty()).then(|| format!("It may also be: {}", names.join(", ")))
}

fn empty_words(watched: &Watched) -> String {
    if watched.is_broken() {
        "Its file can't be used, so it is not watched.".into()
    } else if !watched.is_enabled() {
        "Switched off: nothing is measured.".into()
    } else if watched.last_check.is_none() && watched.last_handshake.is_none() {
        "Nothing measured yet; the first check is on its way.".into()
    } else {
        "Nothing was measured in this time.".into()
    }
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
    use crate::profile::{Kind, Profile};
    use crate::watch::{AuditFinding, Audited, CloseFacts, ClosedBy, Event, EventBody, ScriptClose};
    use crate::window::testing::broken;
    use crate::wire::{Exchange, Headers, HttpVersion, Purpose, WireRequest, WireResponse};

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
    fn what_the_last_audit_found_stands_while_it_works_the_gravest_first() {
        let mut live = Live::new();
        live.set_profile(ID, Arc::new(Profile::new("me", Kind::Http, "https://api.test/me".parse().unwrap())));
        let finding = |id: &str, severity| AuditFinding {
            id: id.into(),
            severity,
            text: format!("{id}.").into(),
            of_origin: true,
        };
        let findings =
            vec![finding("low", Severity::Low), finding("medium", Severity::Medium), finding("high", Severity::High)];
        let mut happens = |seq, body| live.apply(&Arc::new(Event { seq, at: Wall(1), profile: Some(ID), body }));
        happens(1, EventBody::Audited(Arc::new(Audited { findings, ..Audited::default() })));
        happens(2, EventBody::State { from: State::Connecting, to: State::Connected, reason: None, attempt: 0 });
        let ids = |live: &Live| -> Vec<String> {
            Told::build(live.get(ID).unwrap()).warnings.iter().map(|one| one.id.to_string()).collect()
        };
        assert_eq!(ids(&live), ["high", "medium"]);
        let fails = enter(State::Error, Code::ConnectionRefused);
        live.apply(&Arc::new(Event { seq: 3, at: Wall(2), profile: Some(ID), body: fails }));
        assert_eq!(ids(&live), [""; 0]);
    }

    #[test]
    fn a_refusal_is_a_sentence_with_something_to_change() {
        let got = why(vec![enter(State::CorsError, Code::OriginRefused)]).unwrap();
        assert!(got.headline.ends_with('.') && !got.fixes.is_empty(), "{got:?}");
    }

    #[test]
    fn a_cookie_that_stayed_behind_is_said_once() {
        let mut live = Live::new();
        let mut profile = Profile::new("Shop", Kind::WebSocket, "wss://api.test/ws/".parse().unwrap());
        profile.page = Some("https://app.test/".parse().unwrap());
        live.set_profile(ID, Arc::new(profile));
        let refused = Reason::new(Code::AuthRequired).with_status(401);
        let handshake = |cookies: &[&str]| {
            let exchange = Exchange {
                request: WireRequest {
                    purpose: Purpose::Handshake,
                    method: "GET".into(),
                    url: "wss://api.test/ws/".parse().unwrap(),
                    headers: Headers::new(),
                    body: Default::default(),
                },
                result: Ok(WireResponse {
                    version: HttpVersion::Http11,
                    status: 401,
                    reason: String::new(),
                    headers: cookies.iter().map(|cookie| ("Set-Cookie", *cookie)).collect(),
                    body: Default::default(),
                    body_size: 0,
                    transfer: Default::default(),
                }),
                phases: Default::default(),
                peer: Some("127.0.0.1:443".parse().unwrap()),
                tried: Vec::new(),
                tls: None,
                proxy: None,
            };
            EventBody::Handshake {
                attempt: 1,
                exchange: Arc::new(exchange),
                reason: Some(refused.clone()),
                protocol: None,
            }
        };
        let state = EventBody::State {
            from: State::Connecting,
            to: State::AuthRequired,
            reason: Some(refused.clone()),
            attempt: 1,
        };
        for (seq, body) in [handshake(&["sessionid=1", "theme=1"]), state].into_iter().enumerate() {
            live.apply(&Arc::new(Event { seq: seq as u64, at: Wall(1), profile: Some(ID), body }));
        }
        let got = Told::build(live.get(ID).unwrap());
        assert_eq!(got.condition, None, "the card says it");
        let got = got.why.unwrap();
        assert!(got.headline.contains("the cookie sessionid is not stored: the page is on another site"), "{got:?}");
        let begin: Vec<&str> = got.beside.iter().map(|line| line.split(" is ").next().unwrap()).collect();
        assert_eq!(begin, ["The cookie theme", "If the page"]);
        assert!(got.unknowable.is_some_and(|line| line.starts_with("Extensions")));
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
