//! Two checks side by side: the steps that came out otherwise, and the headers that were answered otherwise.

use serde::Serialize;

use super::check::Step;
use crate::watch::CheckReport;
use crate::wire::{Headers, Purpose, WireResponse};

/// A step that came out otherwise; absent from the one that never came so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub name: &'static str,
    pub outcomes: [Option<&'static str>; 2],
    pub details: [Option<String>; 2],
}

/// A field of an answer that the two sides have otherwise; absent from the one that has none of that name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeaderChange {
    pub name: String,
    pub values: [Option<String>; 2],
}

/// What differs between any two answers of one server.
const VOLATILE: [&str; 12] = [
    "age",
    "alt-svc",
    "cf-ray",
    "content-length",
    "date",
    "etag",
    "expires",
    "last-modified",
    "sec-websocket-accept",
    "server-timing",
    "set-cookie",
    "x-request-id",
];

/// The steps of both by name, in the order of the longer way; the second `request` of one stands beside the second of the other.
pub fn aligned<'a>(left: &'a [Step], right: &'a [Step]) -> Vec<(&'static str, Option<&'a Step>, Option<&'a Step>)> {
    let mut rows = Vec::new();
    let mut rest = right.iter().peekable();
    for (at, step) in left.iter().enumerate() {
        // What the other has in between comes first, where the rest of this side doesn't have it.
        while let Some(other) = rest.peek() {
            let comes_later = left[at..].iter().any(|mine| mine.name == other.name);
            if comes_later {
                break;
            }
            rows.push((other.name, None, rest.next()));
        }
        match rest.peek() {
            Some(other) if other.name == step.name => rows.push((step.name, Some(step), rest.next())),
            _ => rows.push((step.name, Some(step), None)),
        }
    }
    rows.extend(rest.map(|other| (other.name, None, Some(other))));
    rows
}

/// Times and addresses may differ; how it came out, and what was answered, may not.
pub fn differs(one: Option<&Step>, other: Option<&Step>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => {
            let of_the_place = ["dns", "connect", "proxy", "tls"].contains(&one.name);
            one.came != other.came || (!of_the_place && one.detail != other.detail)
        }
        _ => true,
    }
}

/// Every step that came out otherwise, in order.
pub fn differences(left: &[Step], right: &[Step]) -> Vec<Difference> {
    aligned(left, right)
        .into_iter()
        .filter(|(_, one, other)| differs(*one, *other))
        .map(|(name, one, other)| Difference {
            name,
            outcomes: [one, other].map(|step| step.map(|step| step.came.word())),
            details: [one, other].map(|step| step.map(|step| step.detail.clone())),
        })
        .collect()
}

/// What the two have otherwise in the headers of the same answer: the first to a preflight beside the first, and so on.
pub fn headers(left: &CheckReport, right: &CheckReport) -> Vec<HeaderChange> {
    let mut changes: Vec<HeaderChange> = Vec::new();
    for purpose in [Purpose::Preflight, Purpose::Actual, Purpose::Handshake] {
        for (one, other) in answers(left, purpose).zip(answers(right, purpose)) {
            for name in names(&one.headers, &other.headers) {
                let values = [one, other].map(|answer| answer.headers.joined(&name));
                let change = HeaderChange { name, values };
                if change.values[0] != change.values[1] && !changes.contains(&change) {
                    changes.push(change);
                }
            }
        }
    }
    changes
}

fn answers(report: &CheckReport, purpose: Purpose) -> impl Iterator<Item = &WireResponse> {
    let asked = report.exchanges.iter().filter(move |exchange| exchange.request.purpose == purpose);
    asked.filter_map(|exchange| exchange.response())
}

/// The names that either has, in lower case, each once.
fn names(one: &Headers, other: &Headers) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in one.iter().chain(other.iter()) {
        let name = name.to_ascii_lowercase();
        if !VOLATILE.contains(&&*name) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::check::Came;
    use super::*;
    use crate::base::Wall;
    use crate::watch::{Outcome, State};
    use crate::wire::{Exchange, HttpVersion, WireRequest};

    fn steps_of(list: &[(&'static str, Came, &str)]) -> Vec<Step> {
        let step = |(name, came, detail): &(&'static str, Came, &str)| Step {
            name,
            came: *came,
            took: None,
            detail: (*detail).to_owned(),
            exchange: None,
        };
        list.iter().map(step).collect()
    }

    #[track_caller]
    fn check(left: &[(&'static str, Came, &str)], right: &[(&'static str, Came, &str)], expected: &[&str]) {
        let found = differences(&steps_of(left), &steps_of(right));
        assert_eq!(found.iter().map(|one| one.name).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn two_targets_part_at_the_first_step_that_came_out_otherwise() {
        use Came::{Fail, Pass};
        let good =
            [("dns", Pass, "::1"), ("connect", Pass, "[::1]:80"), ("request", Pass, "200 OK"), ("cors", Pass, "")];
        check(&good, &good, &[]);
        let moved = [("dns", Pass, "10.0.0.7"), good[1], good[2], good[3]];
        check(&good, &moved, &[]);
        check(
            &good,
            &[good[0], good[1], ("request", Pass, "502 Bad Gateway"), ("cors", Fail, "")],
            &["request", "cors"],
        );
        check(&good, &[good[0], ("connect", Fail, "refused")], &["connect", "request", "cors"]);
    }

    #[test]
    fn what_one_way_alone_has_stands_where_it_came() {
        use Came::Pass;
        let plain = [("connect", Pass, ""), ("request", Pass, "200 OK")];
        check(&plain, &[("connect", Pass, ""), ("preflight", Pass, ""), ("request", Pass, "200 OK")], &["preflight"]);
    }

    fn report(answers: &[(Purpose, &[(&str, &str)])]) -> CheckReport {
        let exchange = |(purpose, fields): &(Purpose, &[(&str, &str)])| {
            let request = WireRequest {
                purpose: *purpose,
                method: "GET".into(),
                url: "https://api.test/".parse().unwrap(),
                headers: Headers::new(),
                body: Default::default(),
            };
            let response = WireResponse {
                version: HttpVersion::Http11,
                status: 200,
                reason: String::new(),
                headers: fields.iter().copied().collect(),
                body: Default::default(),
                body_size: 0,
                transfer: Default::default(),
            };
            let (phases, tried) = (Default::default(), Vec::new());
            Arc::new(Exchange { request, result: Ok(response), phases, peer: None, tried, tls: None, proxy: None })
        };
        CheckReport {
            outcome: Outcome::Up,
            state: State::Connected,
            reason: None,
            scheduled: Wall(0),
            lateness: Duration::ZERO,
            phases: Default::default(),
            status: Some(200),
            exchanges: answers.iter().map(exchange).collect(),
            preflighted: false,
            console: None,
            close: None,
            steps: Vec::new(),
            further: Vec::new(),
        }
    }

    #[test]
    fn the_headers_that_differ_are_told_and_what_changes_by_itself_is_not() {
        let before = report(&[(Purpose::Actual, &[("Date", "Mon"), ("Server", "nginx"), ("Vary", "Origin")])]);
        let after = report(&[
            (Purpose::Preflight, &[("Allow", "GET")]),
            (Purpose::Actual, &[("date", "Tue"), ("server", "nginx"), ("Access-Control-Allow-Origin", "*")]),
        ]);
        let told: Vec<String> =
            headers(&before, &after).iter().map(|one| format!("{} {:?}", one.name, one.values)).collect();
        assert_eq!(told, ["vary [Some(\"Origin\"), None]", "access-control-allow-origin [None, Some(\"*\")]"]);
    }
}
