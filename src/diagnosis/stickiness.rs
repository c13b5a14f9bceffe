//! Whether the requests of one Engine.IO session stay with one worker: by what the server says of sessions that it has just
//! opened, and by whatever in its answers tells workers apart.

use std::collections::{BTreeMap, BTreeSet};

use super::fixes::{self, Fix};
use super::{CauseId, Facts};
use crate::protocol::engine_io::{Refusal, RefusalCode};
use crate::wire::{Exchange, WireResponse};

/// Fields whose values differ from answer to answer, or say nothing of who answers.
const NOTHING: &[&str] = &[
    "age",
    "allow",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "set-cookie",
    "transfer-encoding",
    "vary",
];

/// What the sessions showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Stickiness {
    /// Sessions that were opened.
    pub opened: usize,
    /// Of these: unknown to the server at a later request.
    pub lost: usize,
    /// What tells workers apart, and how many answers each gave; `None`: nothing does.
    pub workers: Option<Workers>,
    /// Sentences.
    pub summary: String,
    /// `None`: nothing is amiss.
    pub cause: Option<CauseId>,
    pub fixes: Vec<Fix>,
}

/// Workers by a header's or a cookie's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workers {
    /// `X-Backend`, `cookie SERVERID`.
    pub by: String,
    /// Value and answers, the first seen first.
    pub answers: Vec<(String, usize)>,
    /// Sessions whose answers came from more than one.
    pub shared: usize,
}

/// The session that an answer opens.
pub fn opened(exchange: &Exchange) -> Option<String> {
    let response = exchange.response().filter(|response| response.status == 200)?;
    let body = std::str::from_utf8(&response.body).ok()?;
    let json = body.get(body.find('{')?..=body.rfind('}')?)?;
    let open: serde_json::Value = serde_json::from_str(json).ok()?;
    Some(open.get("sid")?.as_str()?.to_owned())
}

/// The server doesn't know the session that the request names.
pub fn is_lost(exchange: &Exchange) -> bool {
    let names = exchange.request.url.query_pairs().any(|(name, _)| name == "sid");
    let refusal = exchange
        .response()
        .filter(|response| 400 <= response.status)
        .and_then(|response| Refusal::decode(&response.body));
    names && refusal.is_some_and(|refusal| refusal.code == Some(RefusalCode::SessionIdUnknown))
}

/// What the sessions come to, each as its exchanges in order.
pub fn judge(facts: &Facts<'_>, sessions: &[Vec<Exchange>]) -> Stickiness {
    let began = sessions.iter().filter(|session| session.first().and_then(opened).is_some()).count();
    let lost = sessions.iter().filter(|session| session.iter().any(is_lost)).count();
    let workers = workers(sessions);
    let host = facts.host();
    let seen = workers.as_ref().map_or_else(String::new, |workers| {
        let answers: Vec<String> = workers.answers.iter().map(|(value, count)| format!("{value}: {count}")).collect();
        format!(" {} tells {} workers apart ({}).", workers.by, workers.answers.len(), answers.join(", "))
    });
    let (said, cause) = if began == 0 {
        (format!("No session could be opened at {host} by polling."), None)
    } else if 0 < lost {
        let said = format!(
            "{host} did not know {lost} of {began} sessions at a later request: the requests of one session reach workers that don't share it."
        );
        (said, Some(CauseId::StickySessionsMissing))
    } else {
        let shared = workers.as_ref().map_or(0, |workers| workers.shared);
        let how = match (workers.is_some(), shared) {
            (false, _) => ", and nothing in the answers tells more than one worker",
            (true, 0) => ": each stayed with its worker",
            (true, _) => ", though their answers came from several workers: these share them",
        };
        (format!("{host} knew {began} of {began} sessions at every request{how}."), None)
    };
    let fixes = cause.map(|cause| fixes::for_cause(cause, facts)).unwrap_or_default();
    Stickiness { opened: began, lost, workers, summary: said + &seen, cause, fixes }
}

/// By the field that has several values, each in several answers where there are many.
fn workers(sessions: &[Vec<Exchange>]) -> Option<Workers> {
    let answers: Vec<(usize, &WireResponse)> = sessions
        .iter()
        .enumerate()
        .flat_map(|(session, all)| all.iter().filter_map(move |one| Some((session, one.response()?))))
        .collect();
    let mut marks: BTreeMap<String, Vec<(usize, String)>> = BTreeMap::new();
    for (session, response) in &answers {
        for (name, value) in told(response) {
            marks.entry(name).or_default().push((*session, value));
        }
    }
    let several = marks.into_iter().filter_map(|(by, told)| {
        let mut answers: Vec<(String, usize)> = Vec::new();
        let mut of_session: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        for (session, value) in &told {
            match answers.iter_mut().find(|(known, _)| known == value) {
                Some((_, count)) => *count += 1,
                None => answers.push((value.clone(), 1)),
            }
            of_session.entry(*session).or_default().insert(value);
        }
        let shared = of_session.values().filter(|values| 1 < values.len()).count();
        // What is new in every answer is a number of its own, not a worker's name.
        let repeats = 2 * answers.len() <= told.len();
        (1 < answers.len() && repeats).then_some(Workers { by, answers, shared })
    });
    several.max_by_key(|workers| workers.answers.iter().map(|(_, count)| *count).sum::<usize>())
}

/// What an answer's head has that may be a worker's name.
fn told(response: &WireResponse) -> Vec<(String, String)> {
    let mut told = Vec::new();
    for (name, value) in response.headers.iter() {
        let value = String::from_utf8_lossy(value);
        let lower = name.to_ascii_lowercase();
        if lower == "set-cookie" {
            let pair = value.split(';').next().and_then(|pair| pair.split_once('='));
            told.extend(pair.map(|(name, value)| (format!("cookie {}", name.trim()), short(value))));
        } else if !NOTHING.contains(&lower.as_str()) && !lower.starts_with("access-control-") {
            told.push((name.to_owned(), short(&value)));
        }
    }
    told
}

fn short(value: &str) -> String {
    value.trim().chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Wall;
    use crate::profile::{Kind, Profile};
    use crate::wire::{HttpVersion, Phases, Purpose, Transfer, WireRequest};

    const UNKNOWN: &str = r#"{"code":1,"message":"Session ID unknown"}"#;

    fn answer(sid: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Exchange {
        let query = if sid.is_empty() { String::new() } else { format!("&sid={sid}") };
        let url = format!("http://a.test/socket.io/?EIO=4&transport=polling{query}");
        Exchange {
            request: WireRequest {
                purpose: Purpose::Actual,
                method: "GET".into(),
                url: url.parse().unwrap(),
                headers: Default::default(),
                body: Default::default(),
            },
            result: Ok(WireResponse {
                version: HttpVersion::Http11,
                status,
                reason: String::new(),
                headers: headers.iter().copied().collect(),
                body: body.to_owned().into(),
                body_size: body.len() as u64,
                transfer: Transfer::default(),
            }),
            phases: Phases::default(),
            peer: None,
            tried: Vec::new(),
            tls: None,
            proxy: None,
        }
    }

    /// Sessions, each by the workers that answered its handshake and its poll; one worker knows its own sessions alone unless they `share`.
    #[track_caller]
    fn check(sessions: &[[&str; 2]], share: bool, field: &str, expected: &str) {
        let session = |(index, [first, second]): (usize, &[&str; 2])| {
            let sid = format!("s{index}");
            let told =
                |worker: &str| [(field.to_owned(), worker.to_owned()), ("Date".to_owned(), format!("{index}{worker}"))];
            let told = [told(first), told(second)];
            let of =
                |at: usize| -> Vec<(&str, &str)> { told[at].iter().map(|(name, value)| (&**name, &**value)).collect() };
            let known = share || first == second;
            let (status, body) = if known { (200, "40") } else { (400, UNKNOWN) };
            vec![
                answer("", 200, &of(0), &format!("0{{\"sid\":\"{sid}\",\"upgrades\":[]}}")),
                answer(&sid, status, &of(1), body),
            ]
        };
        let sessions: Vec<Vec<Exchange>> = sessions.iter().enumerate().map(session).collect();
        let profile = Profile::new("case", Kind::SocketIo, "http://a.test/".parse().unwrap());
        let found = judge(&Facts::of_session(&profile, None, None, None, Wall(0)), &sessions);
        let workers =
            found.workers.as_ref().map_or_else(|| "-".to_owned(), |seen| format!("{} {}", seen.by, seen.answers.len()));
        let cause = found.cause.map_or("-", CauseId::as_str);
        assert_eq!(
            format!(
                "{} {} {workers} {} {cause}",
                found.opened,
                found.lost,
                found.workers.map_or(0, |seen| seen.shared)
            ),
            expected
        );
        assert_eq!(cause == "-", found.fixes.is_empty());
    }

    #[test]
    fn lost_sessions_are_counted_and_workers_told_apart() {
        let turns = [["a", "b"], ["a", "b"], ["b", "a"]];
        check(&turns, false, "X-Backend", "3 3 X-Backend 2 3 sticky-sessions-missing");
        check(&turns, true, "X-Backend", "3 0 X-Backend 2 3 -");
        check(&turns, false, "Server", "3 3 Server 2 3 sticky-sessions-missing");
    }

    #[test]
    fn sessions_that_stay_are_well_whether_workers_are_seen_or_not() {
        check(&[["a", "a"], ["b", "b"], ["a", "a"]], false, "X-Backend", "3 0 X-Backend 2 0 -");
        check(&[["a", "a"], ["a", "a"]], false, "X-Backend", "2 0 - 0 -");
        // A cookie that is new in every answer names no worker.
        let cookies = ["A=1; Path=/", "A=2", "A=3", "A=4"];
        check(&[[cookies[0], cookies[1]], [cookies[2], cookies[3]]], true, "Set-Cookie", "2 0 - 0 -");
        check(&[["A=1; Path=/", "A=1"], ["A=2; Path=/", "A=2"]], true, "Set-Cookie", "2 0 cookie A 2 0 -");
    }

    #[test]
    fn a_server_that_opens_none_is_said_so() {
        let profile = Profile::new("case", Kind::SocketIo, "http://a.test/".parse().unwrap());
        let facts = Facts::of_session(&profile, None, None, None, Wall(0));
        let found = judge(&facts, &[vec![answer("", 503, &[], "")]]);
        assert_eq!((found.opened, &*found.summary), (0, "No session could be opened at a.test by polling."));
    }
}
