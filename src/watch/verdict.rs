//! Turns what one check saw into a verdict. Pure and total: no clock, no I/O, no log.
//!
//! Invariants: every [`Evidence`] has exactly one [`Verdict`]; a check that could not be made is `Unknown`, never `Up` or
//! `Down`; nothing is `Up` unless the page's script would have got what the profile expects.

use std::time::Duration;

use regex::bytes::Regex;

use super::meaning::{names_credentials, names_the_origin, state_for};
use super::session::reason_of_end;
use super::{CloseFacts, Code, Outcome, Reason, State};
use crate::wire::{Headers, NetError, WireResponse};

/// What one check saw.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    pub end: End<'a>,
    /// From the first byte of work to the end (of a stream of events: to its head); `None` where it was not made.
    pub total: Option<Duration>,
}

/// How it ended.
#[derive(Clone, Debug)]
pub enum End<'a> {
    /// It could not be made: a secret is missing, this machine is offline or ran out of something.
    NotMade(Reason),
    /// The browser would refuse it, or the network failed. The answer, where there was one, may say more.
    Refused { reason: Reason, answer: Option<&'a WireResponse> },
    /// The script can read this answer.
    Answered(&'a WireResponse),
    /// The WebSocket opened; `ended`: how, within the time that the check stayed, by itself or by us.
    Opened { ended: Option<(&'a CloseFacts, Option<&'a NetError>)> },
}

/// What the profile expects.
#[derive(Clone, Copy, Debug)]
pub struct Expect<'a> {
    /// Empty: any status below 400.
    pub status: &'a [u16],
    pub body: Option<&'a Regex>,
    /// The objective: slower is `Degraded`.
    pub latency: Duration,
}

/// What it comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub outcome: Outcome,
    pub state: State,
    pub reason: Option<Reason>,
}

impl Verdict {
    fn down(reason: Reason) -> Self {
        let state = state_of_check(&reason);
        Self { outcome: Outcome::Down, state, reason: Some(reason) }
    }

    /// A check that could not be made.
    pub fn unknown(reason: Reason) -> Self {
        let state = state_of_check(&reason);
        Self { outcome: Outcome::Unknown, state, reason: Some(reason) }
    }
}

/// A single check doesn't reconnect: what would be `reconnecting` for a session is an `error` for it.
fn state_of_check(reason: &Reason) -> State {
    match state_for(reason) {
        State::Reconnecting | State::Connected | State::Connecting => State::Error,
        state @ (State::Disconnected | State::Suspended | State::Error | State::AuthRequired | State::CorsError) => {
            state
        }
    }
}

/// The verdict on what was seen.
pub fn judge(evidence: &Evidence<'_>, expect: Expect<'_>) -> Verdict {
    let reason = match &evidence.end {
        End::NotMade(reason) => return Verdict::unknown(reason.clone()),
        // Our own lack of something says nothing about the endpoint.
        End::Refused { reason, .. } if reason.code == Code::LocalResource => return Verdict::unknown(reason.clone()),
        End::Refused { reason, answer } => Some(refine(reason.clone(), *answer)),
        End::Answered(answer) => fault_of(answer, expect),
        End::Opened { ended: Some((facts, error)) } => Some(reason_of_end(facts, *error)),
        End::Opened { ended: None } => None,
    };
    if let Some(reason) = reason {
        return Verdict::down(reason);
    }
    match evidence.total {
        Some(took) if expect.latency < took => Verdict {
            outcome: Outcome::Degraded,
            state: State::Connected,
            reason: Some(Reason::new(Code::Slow).with_detail(&format!("{} ms", took.as_millis()))),
        },
        Some(_) => Verdict { outcome: Outcome::Up, state: State::Connected, reason: None },
        // Nothing says how long it took: then nothing says that it was made.
        None => Verdict { outcome: Outcome::Unknown, state: State::Connecting, reason: None },
    }
}

/// What is wrong with an answer that the script can read; `None`: nothing.
fn fault_of(answer: &WireResponse, expect: Expect<'_>) -> Option<Reason> {
    let status = answer.status;
    let expected = if expect.status.is_empty() { status < 400 } else { expect.status.contains(&status) };
    if !expected {
        return Some(refine(Reason::new(Code::Status).with_status(status), Some(answer)));
    }
    // What the page's script waits for is the body, whatever the browser says of the head.
    if let Some(error) = &answer.transfer.error
        // Events that go on past the check's time are what such a page waits for.
        && !(answer.is_event_stream() && matches!(error, NetError::Timeout { .. }))
    {
        return Some(Reason::from(error).with_status(status));
    }
    let mismatch = expect.body.is_some_and(|body| !body.is_match(&answer.body));
    mismatch.then(|| Reason::new(Code::BodyMismatch).with_status(status))
}

/// Makes a status into what it means, where the answer says it: 401, a 403 that names credentials or the origin, 429.
pub fn refine(reason: Reason, answer: Option<&WireResponse>) -> Reason {
    let (Code::Status | Code::HandshakeStatus, Some(answer)) = (reason.code, answer) else { return reason };
    let code = match answer.status {
        401 => Code::AuthRequired,
        407 => Code::ProxyAuthRequired,
        429 => Code::RateLimited,
        403 if says(answer, names_the_origin) => Code::OriginRefused,
        403 if asks_for_credentials(&answer.headers) || says(answer, names_credentials) => Code::AuthRequired,
        _ => return reason,
    };
    Reason { code, ..reason }.with_status(answer.status)
}

fn asks_for_credentials(headers: &Headers) -> bool {
    headers.contains("WWW-Authenticate")
}

/// Whether the answer's reason phrase or the beginning of its body says so. A whole page (HTML) is not read: words like
/// "login" stand in the navigation of many an error page.
fn says(answer: &WireResponse, test: fn(&str) -> bool) -> bool {
    let is_page =
        answer.headers.first_str("Content-Type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    let body = &answer.body[..answer.body.len().min(1024)];
    test(&answer.reason) || (!is_page && test(&String::from_utf8_lossy(body)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::{ClosedBy, ScriptClose};
    use crate::wire::{HttpVersion, Phase};
    use bytes::Bytes;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> WireResponse {
        WireResponse {
            version: HttpVersion::Http11,
            status,
            reason: String::new(),
            headers: headers.iter().copied().collect(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            body_size: body.len() as u64,
            transfer: crate::wire::Transfer::plain(body.len() as u64),
        }
    }

    fn expect() -> Expect<'static> {
        Expect { status: &[], body: None, latency: Duration::from_millis(500) }
    }

    #[track_caller]
    fn check(end: End<'_>, expect: Expect<'_>, expected: &str) {
        let verdict = judge(&Evidence { end, total: Some(Duration::from_millis(20)) }, expect);
        let reason = verdict.reason.map_or("-".to_owned(), |reason| {
            let status = reason.status.map(|status| format!(" {status}")).unwrap_or_default();
            format!("{}{status}", reason.code)
        });
        assert_eq!(format!("{} {} {reason}", verdict.outcome.code(), verdict.state.code()), expected);
    }

    #[test]
    fn any_answer_below_400_that_the_script_can_read_is_up() {
        check(End::Answered(&answer(200, &[], "")), expect(), "up connected -");
        check(End::Answered(&answer(304, &[], "")), expect(), "up connected -");
        check(End::Answered(&answer(404, &[], "")), expect(), "down error status 404");
        check(End::Answered(&answer(503, &[], "")), expect(), "down error status 503");
    }

    #[test]
    fn the_profile_says_which_status_and_body_it_expects() {
        let teapot = Expect { status: &[418, 401], ..expect() };
        check(End::Answered(&answer(418, &[], "")), teapot, "up connected -");
        check(End::Answered(&answer(401, &[], "")), teapot, "up connected -");
        check(End::Answered(&answer(200, &[], "")), teapot, "down error status 200");
        let regex = Regex::new("\"ok\":\\s*true").unwrap();
        let body = Expect { body: Some(&regex), ..expect() };
        check(End::Answered(&answer(200, &[], "{\"ok\": true}")), body, "up connected -");
        check(End::Answered(&answer(200, &[], "<html>")), body, "down error body_mismatch 200");
    }

    #[test]
    fn events_that_go_on_past_the_checks_time_are_no_fault_and_a_body_that_does_is() {
        let late = NetError::Timeout { phase: Phase::Body, after: Duration::from_secs(5) };
        for (kind, expected) in
            [("text/event-stream; charset=utf-8", "up connected -"), ("application/json", "down error timeout 200")]
        {
            let mut answer = answer(200, &[("Content-Type", kind)], "data: 1\n\n");
            answer.transfer.error = Some(late.clone());
            check(End::Answered(&answer), expect(), expected);
        }
    }

    #[test]
    fn an_answer_whose_body_breaks_off_is_down_with_the_bodys_own_reason() {
        let mut broken = answer(200, &[], "{\"ok\":");
        broken.transfer.error = Some(NetError::IncompleteBody);
        check(End::Answered(&broken), expect(), "down error incomplete_body 200");
        broken.status = 503;
        check(End::Answered(&broken), expect(), "down error status 503");
    }

    #[test]
    fn refusals_are_told_apart_by_what_the_answer_says() {
        check(End::Answered(&answer(401, &[], "")), expect(), "down auth_required auth_required 401");
        check(End::Answered(&answer(429, &[], "")), expect(), "down error rate_limited 429");
        check(End::Answered(&answer(403, &[], "")), expect(), "down error status 403");
        let json = &[("content-type", "application/json")];
        check(
            End::Answered(&answer(403, json, "{\"detail\":\"Authentication credentials were not provided.\"}")),
            expect(),
            "down auth_required auth_required 403",
        );
        check(
            End::Answered(&answer(403, &[("content-type", "text/html")], "<a href=/login>log in</a>")),
            expect(),
            "down error status 403",
        );
        let handshake = Reason::new(Code::HandshakeStatus).with_status(403);
        let refusal = answer(403, &[("content-type", "text/plain")], "invalid Origin header: http://evil.test");
        check(
            End::Refused { reason: handshake, answer: Some(&refusal) },
            expect(),
            "down cors_error origin_refused 403",
        );
    }

    #[test]
    fn a_refusal_of_the_browser_stays_one_whatever_stood_behind_it() {
        let reason = Reason::new(Code::MissingAllowOriginHeader).with_status(502);
        let behind = answer(502, &[], "");
        check(End::Refused { reason, answer: Some(&behind) }, expect(), "down cors_error MissingAllowOriginHeader 502");
    }

    #[test]
    fn what_could_not_be_made_is_unknown() {
        check(End::NotMade(Reason::new(Code::SecretMissing)), expect(), "unknown error secret_missing");
        check(End::NotMade(Reason::new(Code::Offline)), expect(), "unknown suspended offline");
        let reason = Reason::new(Code::LocalResource);
        check(End::Refused { reason, answer: None }, expect(), "unknown error local_resource");
        let verdict = judge(&Evidence { end: End::Opened { ended: None }, total: None }, expect());
        assert_eq!(verdict.outcome, Outcome::Unknown);
    }

    #[test]
    fn slower_than_the_objective_is_degraded_and_still_connected() {
        let evidence = Evidence { end: End::Opened { ended: None }, total: Some(Duration::from_millis(501)) };
        let verdict = judge(&evidence, expect());
        assert_eq!((verdict.outcome, verdict.state), (Outcome::Degraded, State::Connected));
        assert_eq!(verdict.reason.unwrap().detail.as_deref(), Some("501 ms"));
    }

    #[test]
    fn a_socket_that_opened_and_ended_is_down_for_the_reason_of_its_end() {
        let script = ScriptClose { code: 1008, reason: "".into(), clean: true };
        let facts = CloseFacts { code: Some(1008), reason: "".into(), by: ClosedBy::Server, script };
        check(End::Opened { ended: Some((&facts, None)) }, expect(), "down auth_required closed");
        check(End::Opened { ended: None }, expect(), "up connected -");
    }
}
