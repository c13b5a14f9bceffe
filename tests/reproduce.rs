//! What a browser's line claims, held against a real check of the lab: reproduced, not reproduced, or not to be told from here.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has to fail")]

mod common;

use std::time::Duration;

use wirewatch::diagnosis::Facts;
use wirewatch::diagnosis::reproduce::{Claim, Outcome, Why, judge};
use wirewatch::lab::{Fault, Lab, Options};
use wirewatch::profile::intake::{self, Missing};

/// What comes of the line about that fault's URL, told of a page at `http://app.example.test` where `page` is set.
async fn outcome(lab: &Lab, fault: Fault, line: &str, page: bool) -> Outcome {
    let line = line.replace("URL", fault.url(lab).as_str());
    let mut draft = intake::read(&line, None).drafts.into_iter().next().expect("a draft");
    if page {
        draft.profile.page.get_or_insert("http://app.example.test/".parse().unwrap());
    }
    let profile = draft.profile.clone();
    let report = common::check(profile.clone(), Duration::ZERO).await;
    judge(&Claim::of(&draft), &report, &Facts::of_check(&profile, &report))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_claim_is_held_against_what_a_check_found() {
    const REFUSED: &str =
        "WebSocket connection to 'URL' failed: Error during WebSocket handshake: Unexpected response code: 403";
    const FIREFOX: &str = "Firefox can’t establish a connection to the server at URL.";
    const CHROME: &str = "Access to fetch at 'URL' from origin 'http://app.example.test' has been blocked by CORS policy: No \
                          'Access-Control-Allow-Origin' header is present on the requested resource.";
    const SAFARI: &str = "Origin http://app.example.test is not allowed by Access-Control-Allow-Origin. Status code: 200\n\
                          Fetch API cannot load URL due to access control checks.";
    let lab = Lab::start(Options::default()).await.unwrap();
    let same = "Reproduced { same: true }";
    for (fault, line, expected) in [
        (Fault::OriginNotAllowed, REFUSED, same),
        (Fault::OriginNotAllowed, FIREFOX, "Reproduced { same: false }"),
        (Fault::OriginNotAllowedHttp, CHROME, same),
        (Fault::OriginNotAllowedHttp, SAFARI, same),
        (Fault::Refused, "GET URL net::ERR_CONNECTION_REFUSED", same),
        (Fault::HealthySocket, REFUSED, "NotReproduced { saw: None"),
        (Fault::Healthy, CHROME, "NotReproduced { saw: None"),
        (Fault::Refused, CHROME, "NotReproduced { saw: Some"),
        (Fault::Healthy, "GET URL net::ERR_BLOCKED_BY_CLIENT", "CannotFromHere"),
        (
            Fault::HealthySocket,
            "WebSocket connection to 'URL' failed: WebSocket is closed before the connection is established.",
            "CannotFromHere { why: [OwnScript]",
        ),
    ] {
        let got = format!("{:?}", outcome(&lab, fault, line, true).await);
        assert!(got.starts_with(expected), "{fault:?}: {line}\n{got}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_its_page_a_refusal_that_is_not_found_is_no_answer() {
    let lab = Lab::start(Options::default()).await.unwrap();
    let line = "Firefox can’t establish a connection to the server at URL.";
    let got = outcome(&lab, Fault::HealthySocket, line, false).await;
    assert_eq!(got.code(), "cannot-from-here");
    assert!(got.why().contains(&Why::Missing(Missing::Page)), "{got:?}");
}
